//! The queue of messages: who gets one, how long it is his, what is left of attempts.
use super::engines::{Engine, NOW};
use kratos::base::id::{MessageId, RowId};
use kratos::base::terms::Via;
use kratos::model::message::{CourierMessage, MessageStatus};
use kratos::store::{Attempt, Left, MessageCursor, Store};
use serde_json::json;
use std::collections::HashSet;
use time::Duration;

pub(super) async fn queued(engine: &Engine, store: &Store, count: i64) -> Vec<CourierMessage> {
    let message = |n: i64| CourierMessage {
        id: MessageId::random(engine.dice()),
        via: Via::Email,
        status: MessageStatus::Queued,
        channel: Some("email".into()),
        recipient: format!("r{}@example.org", n % 3),
        subject: "Hello".into(),
        body: "Grüße".into(),
        template_type: "recovery_code_valid".into(),
        template_data: Some(b"{\"to\":\"a\"}".to_vec()),
        request_headers: Some(json!({ "User-Agent": ["x"] })),
        send_count: 0,
        created_at: NOW + Duration::seconds(n),
        updated_at: NOW + Duration::seconds(n),
    };
    let messages: Vec<_> = (0..count).map(message).collect();
    let mut batch = store.batch();
    for message in &messages {
        batch.insert_message(message);
    }
    batch.commit().await.expect("queued");
    messages
}

fn failed(engine: &Engine) -> Attempt {
    Attempt {
        id: RowId::random(engine.dice()),
        at: NOW,
        error: Some(json!({ "code": 500, "message": "no" })),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_through_its_states() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let messages = queued(&engine, &store, 3).await;
        // Later than created: a clock that is behind does not keep messages back.
        let mut held = store.queue().claim(NOW, 2).await.expect("claim");
        let ids: Vec<_> = held.iter().map(|h| h.message().id).collect();
        assert_eq!(ids, [messages[0].id, messages[1].id], "{}", engine.name);
        assert_eq!(held[0].message().body, "Grüße");
        assert_eq!(
            held[0].message().request_headers,
            messages[0].request_headers
        );

        let (read, _) = store
            .messages()
            .find(ids[0])
            .await
            .expect("find")
            .expect("it");
        assert_eq!(read.status, MessageStatus::Processing);
        assert_eq!(read.updated_at, NOW);

        let soon = NOW + Duration::seconds(20);
        assert!(
            store
                .queue()
                .renew(&mut held[0], soon)
                .await
                .expect("renew")
        );
        let later = Some(NOW + Duration::seconds(60));
        let attempt = failed(&engine);
        let done = store
            .queue()
            .finish(&held[0], &attempt, MessageStatus::Queued, later)
            .await;
        assert!(done.expect("finish"), "{}", engine.name);
        let (read, dispatches) = store
            .messages()
            .find(ids[0])
            .await
            .expect("find")
            .expect("it");
        assert_eq!((read.status, read.send_count), (MessageStatus::Queued, 1));
        assert_eq!(dispatches.len(), 1);
        assert_eq!(dispatches[0].error, attempt.error);
        assert!(!dispatches[0].is_success);

        // What is held, and what is to wait, nobody gets.
        let rest = store.queue().claim(soon, 10).await.expect("claim");
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].message().id, messages[2].id);
        let again = store.queue().claim(NOW + Duration::seconds(60), 10).await;
        let again = again.expect("claim");
        assert_eq!(again.len(), 1, "{}", engine.name);
        let success = Attempt {
            id: RowId::random(engine.dice()),
            at: NOW + Duration::seconds(61),
            error: None,
        };
        let done = store
            .queue()
            .finish(&again[0], &success, MessageStatus::Sent, None)
            .await;
        assert!(done.expect("finish"));
        let (read, dispatches) = store
            .messages()
            .find(ids[0])
            .await
            .expect("find")
            .expect("it");
        let expected = CourierMessage {
            status: MessageStatus::Sent,
            send_count: 2,
            ..messages[0].clone()
        };
        assert_eq!(read, expected, "{}", engine.name);
        assert!(dispatches[0].is_success && !dispatches[1].is_success);
        assert_eq!(store.messages().waiting().await.expect("count"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_lost_a_message_writes_nothing() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        queued(&engine, &store, 1).await;
        let queue = store.queue();
        let mut first = queue.claim(NOW, 10).await.expect("claim");
        let seen = queue.seen(10).await.expect("seen");
        assert_eq!(seen.len(), 1);
        assert!(queue.release(&seen[0]).await.expect("release"));
        assert!(!queue.release(&seen[0]).await.expect("release"));
        let later = NOW + Duration::seconds(60);
        let second = queue.claim(later, 10).await.expect("claim");
        assert_eq!(second.len(), 1, "{}", engine.name);
        assert!(!queue.renew(&mut first[0], later).await.expect("renew"));
        let attempt = failed(&engine);
        let done = queue.finish(&first[0], &attempt, MessageStatus::Sent, None);
        assert!(!done.await.expect("finish"), "{}", engine.name);
        queue.put_back(&first).await.expect("put back");
        let (read, dispatches) = store
            .messages()
            .find(second[0].message().id)
            .await
            .expect("find")
            .expect("it");
        assert_eq!(read.status, MessageStatus::Processing);
        assert!(dispatches.is_empty(), "{}", engine.name);
        queue.put_back(&second).await.expect("put back");
        assert_eq!(store.messages().waiting().await.expect("count"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_workers_get_the_same_message() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        queued(&engine, &store, 200).await;
        let worker = || {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = vec![];
                loop {
                    let held = store.queue().claim(NOW, 7).await;
                    let held = held.expect("claim");
                    if held.is_empty() && store.messages().waiting().await.expect("count") == 0 {
                        return mine;
                    }
                    mine.extend(held.iter().map(|h| h.message().id));
                }
            })
        };
        let workers: Vec<_> = (0..4).map(|_| worker()).collect();
        let mut all = vec![];
        for worker in workers {
            all.extend(worker.await.expect("a worker"));
        }
        assert_eq!(all.len(), 200, "{}", engine.name);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_newest_first_and_goes_on_behind_its_last() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let messages = queued(&engine, &store, 7).await;
        store.queue().claim(NOW, 1).await.expect("claim");
        let mut seen = vec![];
        let mut after = None;
        loop {
            let page = store.messages().list(None, None, after, 3).await;
            let page = page.expect("list");
            let Some(last) = page.last() else { break };
            after = Some(MessageCursor {
                created_at: last.created_at,
                id: last.id,
            });
            seen.extend(page.iter().map(|m| m.id));
        }
        let expected: Vec<_> = messages.iter().rev().map(|m| m.id).collect();
        assert_eq!(seen, expected, "{}", engine.name);
        let queued = Some(MessageStatus::Queued);
        let page = store
            .messages()
            .list(queued, Some("r0@example.org"), None, 9)
            .await;
        assert_eq!(page.expect("list").len(), 2, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_set_aside_and_keeps_nobody_back() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let db = engine.db().await;
        let messages = queued(&engine, &store, 9).await;
        let (queue, id) = (store.queue(), |n: usize| messages[n].id);
        let spoil = async |n: usize, text: &str| {
            let update = format!(
                "UPDATE courier_messages SET {text} WHERE id = '{}'",
                messages[n].id
            );
            db.run(&update).await.expect("an update");
        };
        let mut spoilt = vec![0, 5];
        spoil(0, "type = 7").await;
        spoil(5, "type = -1").await;
        if engine.name == "sqlite" {
            spoil(1, "request_headers = 'no JSON'").await;
            spoil(2, "created_at = 'long ago'").await;
            spoil(3, "body = CAST(x'ff' AS TEXT)").await;
            spoilt.extend([1, 2, 3]);
        }
        // Small bites: the first ones hold nothing that can be had.
        let mut got = vec![];
        for _ in 0..9 {
            let held = queue.claim(NOW + Duration::MINUTE, 2).await;
            let held = held.expect("claim");
            got.extend(held.iter().map(|h| h.message().id));
        }
        let expected: Vec<_> = (0..9).filter(|n| !spoilt.contains(n)).map(id).collect();
        assert_eq!(got, expected, "{}", engine.name);
        assert_eq!(store.messages().waiting().await.expect("count"), 0);
        // The list goes on behind them.
        let list = store.messages().list(None, None, None, 3).await;
        assert_eq!(list.expect("list").len(), 3, "{}", engine.name);
        let list = store.messages().list(None, None, None, 50).await;
        assert_eq!(list.expect("list").len(), expected.len());
        let abandoned = format!(
            "UPDATE courier_messages SET type = 1, status = 1, request_headers = NULL, body = '',
                created_at = updated_at WHERE status = {}",
            MessageStatus::Abandoned.number()
        );
        db.run(&abandoned).await.expect("an update");
        let count = store.messages().waiting().await.expect("count");
        assert_eq!(usize::try_from(count).ok(), Some(spoilt.len()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_none_are_set_aside() {
    let engine = Engine::sqlite();
    let store = engine.store().await;
    let db = engine.db().await;
    let messages = queued(&engine, &store, 6).await;
    for (n, new) in [(0, "'x'"), (1, "NULL"), (2, "x'ff'"), (4, "'y'")] {
        let old = messages[n].id;
        let update = format!("UPDATE courier_messages SET id = {new} WHERE id = '{old}'");
        db.run(&update).await.expect("an update");
    }
    // One is in somebody's hands.
    let hold = "UPDATE courier_messages SET status = 3 WHERE id = 'y'";
    db.run(hold).await.expect("an update");
    assert!(store.queue().seen(10).await.expect("seen").is_empty());
    let mut got = vec![];
    for _ in 0..6 {
        let held = store.queue().claim(NOW, 1).await.expect("claim");
        got.extend(held.iter().map(|h| h.message().id));
    }
    assert_eq!(got, [messages[3].id, messages[5].id]);
    assert_eq!(store.messages().waiting().await.expect("count"), 0);
    assert_eq!(store.queue().seen(10).await.expect("seen").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_can_be_left_out() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let messages = queued(&engine, &store, 4).await;
        let db = engine.db().await;
        for (n, text) in [
            (0, "channel = 'sms'"),
            (1, "channel = NULL, type = 2"),
            (2, "channel = NULL"),
        ] {
            let id = messages[n].id;
            let update = format!("UPDATE courier_messages SET {text} WHERE id = '{id}'");
            db.run(&update).await.expect("an update");
        }
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let claim = async |channels: &[&str], recipients: &[&str]| {
            let (channels, recipients) = (owned(channels), owned(recipients));
            let left = Left {
                channels,
                recipients,
            };
            let held = store.queue().claim_but(NOW, 9, &left).await;
            let held = held.expect("claim");
            store.queue().put_back(&held).await.expect("put back");
            held.iter().map(|h| h.message().id).collect::<Vec<_>>()
        };
        let ids: Vec<_> = messages.iter().map(|m| m.id).collect();
        assert_eq!(claim(&[], &[]).await, ids, "{}", engine.name);
        assert_eq!(claim(&["sms"], &[]).await, ids[2..], "{}", engine.name);
        assert_eq!(claim(&["other", "email"], &[]).await, ids[..2]);
        assert!(claim(&["sms", "email"], &[]).await.is_empty());
        let first = messages[0].recipient.as_str();
        assert_eq!(claim(&[], &[first, "nobody"]).await, ids[1..3]);
        let third = messages[2].recipient.as_str();
        assert_eq!(claim(&["sms"], &[third]).await, ids[3..]);
    }
}
