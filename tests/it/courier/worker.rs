//! What the worker promises: everything once, nothing lost, nobody blocks anybody.
use super::{find, message, queue, queue_one, relay, settled, work};
use crate::support::TestApp;
use crate::support::smtp::{At, Server, Settings};
use kratos::courier::worker::LEASE;
use kratos::model::message::MessageStatus;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn parallel(server: &Server, count: usize) -> Value {
    let mut config = relay(&server.uri());
    config["extensions"] = json!({ "courier": { "parallel_deliveries": count } });
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_send_everything_once() {
    const COUNT: usize = 400;
    let server = Server::plain().await;
    let app = TestApp::with(relay(&server.uri())).await;
    let now = app.services.clock.now();
    let messages: Vec<_> = (0..COUNT)
        .map(|n| message(&app, &format!("r{n}@example.org"), now))
        .collect();
    queue(&app, &messages).await;
    let _working = [work(&app, LEASE), work(&app, LEASE)];
    server.wait(COUNT).await;
    for message in &messages {
        settled(&app, message.id, MessageStatus::Sent).await;
    }
    let mails = server.mails();
    assert_eq!(mails.len(), COUNT);
    let to: HashSet<_> = mails.iter().map(|m| m.to[0].clone()).collect();
    assert_eq!(to.len(), COUNT);
    // Connections are used again and again.
    assert!(server.connections() <= 40, "{}", server.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_recipient_does_not_hold_up_the_others() {
    let settings = Settings {
        slow: Some((Duration::from_secs(9), |to| to.starts_with("slow"))),
        ..Settings::default()
    };
    let server = Server::start(settings).await;
    let app = TestApp::with(parallel(&server, 8)).await;
    let now = app.services.clock.now();
    let mut messages: Vec<_> = (0..6)
        .map(|n| message(&app, &format!("slow{n}@example.org"), now))
        .collect();
    messages.extend((0..50).map(|n| {
        message(
            &app,
            &format!("r{n}@example.org"),
            now + time::Duration::SECOND,
        )
    }));
    queue(&app, &messages).await;
    let start = Instant::now();
    let _working = work(&app, LEASE);
    server.wait(50).await;
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(server.wait(56).await.len(), 56);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_is_for_somebody_waits_while_their_server_wants_a_pause() {
    const GREY: &str = "grey@example.org";
    let plan = |at, to: &str, times| {
        (at == At::Recipient && to == GREY && times == 1).then_some("451 4.7.1 Later")
    };
    let settings = Settings {
        plan: Some(Arc::new(plan)),
        ..Settings::default()
    };
    let server = Server::start(settings).await;
    let app = TestApp::with(relay(&server.uri())).await;
    let _working = work(&app, LEASE);
    let first = queue_one(&app, GREY).await;
    while find(&app, first).await.1.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let second = queue_one(&app, GREY).await;
    queue_one(&app, "fine@example.org").await;
    assert_eq!(server.wait(1).await[0].to, ["fine@example.org"]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(find(&app, second).await.1.is_empty());
    for (id, attempts) in [(first, 2), (second, 1)] {
        let (_, dispatches) = settled(&app, id, MessageStatus::Sent).await;
        assert_eq!(dispatches.len(), attempts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_lost_is_sent() {
    let server = Server::plain().await;
    let app = TestApp::with(relay(&server.uri())).await;
    let store = &app.services.store;
    // One that a worker of the reference has left, which keeps no time; one of ours.
    let mut theirs = message(&app, "theirs@example.org", app.services.clock.now());
    theirs.status = MessageStatus::Processing;
    queue(&app, std::slice::from_ref(&theirs)).await;
    let ours = queue_one(&app, "ours@example.org").await;
    app.clock.advance(time::Duration::seconds(1));
    assert_eq!(
        store
            .queue()
            .claim(app.services.clock.now(), 5)
            .await
            .unwrap()
            .len(),
        1
    );
    let lease = Duration::from_secs(1);
    let start = Instant::now();
    let _working = work(&app, lease);
    server.wait(2).await;
    // A worker of the reference sends what it has one after the other.
    assert!(start.elapsed() >= lease * 4);
    assert_eq!(server.mails()[0].to, ["ours@example.org"]);
    for id in [theirs.id, ours] {
        let (message, dispatches) = settled(&app, id, MessageStatus::Sent).await;
        assert_eq!((message.send_count, dispatches.len()), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_what_is_under_way_and_gives_back_the_rest() {
    let settings = Settings {
        slow: Some((Duration::from_millis(600), |_| true)),
        ..Settings::default()
    };
    let server = Server::start(settings).await;
    let app = TestApp::with(relay(&server.uri())).await;
    let now = app.services.clock.now();
    let messages: Vec<_> = (0..10)
        .map(|n| message(&app, &format!("r{n}@example.org"), now))
        .collect();
    queue(&app, &messages).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let worker = kratos::courier::Worker::new(app.services.clone(), stop.clone());
    let running = tokio::spawn(async move { worker.run().await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    stop.cancel();
    running.await.unwrap();
    let sent = server.mails().len();
    assert!((1..10).contains(&sent), "{sent}");
    let mut states = vec![];
    for message in &messages {
        states.push(find(&app, message.id).await.0.status);
    }
    let count = |status| states.iter().filter(|s| **s == status).count();
    assert_eq!(count(MessageStatus::Sent), sent);
    assert_eq!(count(MessageStatus::Queued), 10 - sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_without_a_way_out_fail() {
    let app = TestApp::with(json!({ "dev": false, "courier": { "message_retries": 0, "worker": { "pull_wait": "50ms" } } })).await;
    let mut text = message(&app, "+491701234567", app.services.clock.now());
    text.channel = Some("sms".into());
    text.via = kratos::base::terms::Via::Sms;
    queue(&app, std::slice::from_ref(&text)).await;
    let _working = work(&app, LEASE);
    let (_, dispatches) = settled(&app, text.id, MessageStatus::Abandoned).await;
    let error = dispatches[0].error.clone().unwrap();
    assert_eq!(error["code"], 500);
    assert_eq!(error["status"], "Internal Server Error");
    assert!(
        error["message"].as_str().unwrap().contains("sms"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_are_handed_over_at_once_as_may_come_twice() {
    for (config, most) in [(None, 1), (Some(3), 3)] {
        let settings = Settings {
            slow: Some((Duration::from_millis(400), |_| true)),
            ..Settings::default()
        };
        let server = Server::start(settings).await;
        let config = config.map_or_else(|| relay(&server.uri()), |count| parallel(&server, count));
        let app = TestApp::with(config).await;
        let now = app.services.clock.now();
        let messages: Vec<_> = (0..9)
            .map(|n| message(&app, &format!("r{n}@example.org"), now))
            .collect();
        queue(&app, &messages).await;
        let _working = work(&app, LEASE);
        server.wait(9).await;
        assert_eq!(server.most_taking(), most);
        for message in &messages {
            let (message, dispatches) = settled(&app, message.id, MessageStatus::Sent).await;
            assert_eq!((message.send_count, dispatches.len()), (1, 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_long_at_the_door_has_not_tried() {
    let settings = Settings {
        slow: Some((Duration::from_millis(1300), |_| true)),
        ..Settings::default()
    };
    let server = Server::start(settings).await;
    let app = TestApp::with(relay(&server.uri())).await;
    let now = app.services.clock.now();
    let messages: Vec<_> = (0..6)
        .map(|n| message(&app, &format!("r{n}@example.org"), now))
        .collect();
    queue(&app, &messages).await;
    // They wait for a second each: less than one of them takes.
    let _working = work(&app, Duration::from_secs(5));
    server.wait(6).await;
    for message in &messages {
        let (message, dispatches) = settled(&app, message.id, MessageStatus::Sent).await;
        assert_eq!((message.send_count, dispatches.len()), (1, 1));
    }
    assert_eq!(server.mails().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_hangs_holds_up_no_other() {
    let server = Server::plain().await;
    // It takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let mut config = relay(&server.uri());
    config["courier"]["channels"] = json!([{ "id": "sms", "type": "http", "request_config": {
        "url": url, "method": "POST", "body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg=",
    }}]);
    let app = TestApp::with(config).await;
    let now = app.services.clock.now();
    let text = |n: usize| {
        let mut text = message(&app, &format!("+49170123{n:04}"), now);
        text.channel = Some("sms".into());
        text.via = kratos::base::terms::Via::Sms;
        text
    };
    queue(&app, &(0..100).map(text).collect::<Vec<_>>()).await;
    let mails: Vec<_> = (0..100)
        .map(|n| {
            let at = now + time::Duration::SECOND;
            message(&app, &format!("r{n}@example.org"), at)
        })
        .collect();
    queue(&app, &mails).await;
    let start = Instant::now();
    let _working = work(&app, LEASE);
    server.wait(100).await;
    let took = start.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
}
