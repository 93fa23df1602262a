//! The queue of messages: who gets one, how long it is his, what is left of attempts.
use super::engines::{Engine, NOW};
use kratos::base::id::{MessageId, RowId};
use kratos::base::terms::Via;
use kratos::model::message::{CourierMessage, MessageStatus};
use kratos::store::{Attempt, MessageCursor, Store};
use serde_json::json;
use std::collections::HashSet;
use time::Duration;

async fn queued(engine: &Engine, store: &Store, count: i64) -> Vec<CourierMessage> {
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
