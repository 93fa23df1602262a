//! Workers are processes, and processes die.
use crate::cli::PROGRAM;
use crate::support::database::Database;
use crate::support::smtp::{At, Server, Settings};
use kratos::base::id::MessageId;
use kratos::base::random::SystemRandom;
use kratos::base::terms::Via;
use kratos::model::message::{CourierMessage, MessageStatus};
use kratos::store::Store;
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

#[expect(
    clippy::disallowed_methods,
    reason = "the program's clock is the machine's, too"
)]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Another process that delivers; killed when dropped.
struct Process(Child);

impl Process {
    fn start(folder: &Path) -> Self {
        let child = Command::new(PROGRAM)
            .args(["courier", "watch", "-c", "kratos.json"])
            .env_clear()
            .current_dir(folder)
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn configure(folder: &Path, dsn: &str, server: &Server) {
    let values = json!({
        "dsn": dsn,
        "identity": { "schemas": [{ "id": "default", "url": "base64://e30=" }] },
        "selfservice": { "default_browser_return_url": "http://ui.example/" },
        "courier": { "smtp": { "connection_uri": server.uri() } },
    });
    std::fs::write(folder.join("kratos.json"), values.to_string()).unwrap();
}

async fn fill(store: &Store, count: usize) {
    let at = kratos::base::time::micros(now());
    let message = |n| CourierMessage {
        id: MessageId::random(&SystemRandom),
        via: Via::Email,
        status: MessageStatus::Queued,
        channel: Some("email".into()),
        recipient: format!("r{n}@example.org"),
        subject: "Hello".into(),
        body: "Hello, and a text of some length.\n".repeat(20),
        template_type: "recovery_code_valid".into(),
        template_data: Some(b"{}".to_vec()),
        request_headers: None,
        send_count: 0,
        created_at: at,
        updated_at: at,
    };
    let messages: Vec<_> = (0..count).map(message).collect();
    for some in messages.chunks(100) {
        let mut batch = store.batch();
        for message in some {
            batch.insert_message(message);
        }
        batch.commit().await.unwrap();
    }
}

/// So many of everything: mails, kills, and the pause between kills.
async fn storm(count: usize, kills: usize, pause: Duration) {
    // One in five fails once, at one point or the other.
    let plan = |at, to: &str, asked: usize| {
        let number: usize = to.trim_start_matches('r').split('@').next()?.parse().ok()?;
        let fails = number.is_multiple_of(5) && asked == 1;
        let point = if number.is_multiple_of(2) {
            At::Recipient
        } else {
            At::Content
        };
        (fails && at == point).then_some("451 not now")
    };
    let settings = Settings {
        pipelining: true,
        plan: Some(Arc::new(plan)),
        slow: Some((Duration::from_millis(2), |_| true)),
        ..Settings::default()
    };
    let server = Server::start(settings).await;
    let database = Database::fresh().await;
    let store = Store::connect(&database.dsn, Duration::ZERO, now(), &SystemRandom);
    let store = store.await.unwrap();
    fill(&store, count).await;
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &database.address, &server);
    let mut workers = [0, 1].map(|_| Process::start(folder.path()));
    let mut killed = 0;
    while killed < kills && store.messages().waiting().await.unwrap() > 0 {
        tokio::time::sleep(pause).await;
        workers[killed % 2] = Process::start(folder.path());
        killed += 1;
    }
    let start = Instant::now();
    loop {
        let left = [MessageStatus::Queued, MessageStatus::Processing];
        let mut open = 0;
        for status in left {
            let list = store.messages().list(Some(status), None, None, 500).await;
            open += list.unwrap().len();
        }
        if open == 0 {
            break;
        }
        assert!(
            start.elapsed() < Duration::from_secs(200),
            "{open} are left"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut times = HashMap::<String, usize>::new();
    for mail in server.mails() {
        *times.entry(mail.to[0].clone()).or_default() += 1;
    }
    let twice: usize = times.values().map(|times| times - 1).sum();
    assert_eq!(times.len(), count, "none is lost");
    assert!(twice <= killed, "{twice} duplicates after {killed} kills");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_hardly_anything_comes_twice() {
    storm(500, 5, Duration::from_millis(300)).await;
}

/// The whole of it, by hand: `cargo test --release --test it whole_storm -- --ignored`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn the_whole_storm() {
    storm(10_000, 30, Duration::from_secs(1)).await;
}
