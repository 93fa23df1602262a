//! Messages on their way: the worker, mail servers, and what administrators and developers see of it.
mod admin;
mod http;
mod kills;
mod smtp;
mod worker;

use crate::support::TestApp;
use kratos::base::id::MessageId;
use kratos::base::terms::Via;
use kratos::courier::Worker;
use kratos::model::message::{CourierMessage, Dispatch, MessageStatus};
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

fn message(app: &TestApp, to: &str, created_at: OffsetDateTime) -> CourierMessage {
    CourierMessage {
        id: MessageId::random(app.services.random.as_ref()),
        via: Via::Email,
        status: MessageStatus::Queued,
        channel: Some("email".into()),
        recipient: to.into(),
        subject: "Use code 123456".into(),
        body: "Grüße.\n.\n.hidden code 123456\n".into(),
        // Of another server: it goes out as plain text.
        template_type: "unheard_of".into(),
        template_data: Some(b"{}".to_vec()),
        request_headers: None,
        send_count: 0,
        created_at,
        updated_at: created_at,
    }
}

/// One that has HTML.
fn recovery(app: &TestApp) -> CourierMessage {
    let data = json!({
        "to": "somebody@example.org", "recovery_code": "123456", "identity": { "traits": {} },
        "request_url": "http://a.test/", "transient_payload": {}, "expires_in_minutes": 60,
    });
    CourierMessage {
        template_type: "recovery_code_valid".into(),
        template_data: Some(data.to_string().into_bytes()),
        ..message(app, "somebody@example.org", app.services.clock.now())
    }
}

async fn queue(app: &TestApp, messages: &[CourierMessage]) {
    for some in messages.chunks(100) {
        let mut batch = app.services.store.batch();
        for message in some {
            batch.insert_message(message);
        }
        batch.commit().await.unwrap();
    }
}

async fn queue_one(app: &TestApp, to: &str) -> MessageId {
    let message = message(app, to, app.services.clock.now());
    queue(app, std::slice::from_ref(&message)).await;
    message.id
}

fn relay(uri: &str) -> Value {
    json!({ "courier": {
        "smtp": { "connection_uri": uri, "from_address": "accounts@example.org", "from_name": "Example \"A\"" },
        "worker": { "pull_wait": "50ms" },
    }})
}

/// A worker in this process; it stops when this is dropped.
struct Working(CancellationToken);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn work(app: &TestApp, lease: Duration) -> Working {
    let stop = CancellationToken::new();
    let worker = Worker::with_lease(app.services.clone(), stop.clone(), lease);
    tokio::spawn(async move { worker.run().await });
    Working(stop)
}

async fn find(app: &TestApp, id: MessageId) -> (CourierMessage, Vec<Dispatch>) {
    let found = app.services.store.messages().find(id).await.unwrap();
    found.unwrap()
}

/// Waits until the message is in that state; time goes by meanwhile, in steps of a second.
async fn settled(
    app: &TestApp,
    id: MessageId,
    status: MessageStatus,
) -> (CourierMessage, Vec<Dispatch>) {
    for _ in 0..600 {
        let found = find(app, id).await;
        if found.0.status == status {
            return found;
        }
        app.clock.advance(time::Duration::seconds(1));
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:?}", find(app, id).await);
}
