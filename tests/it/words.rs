//! What errors say to whoever has to act on them. The wire is held elsewhere; here it is the words.
use crate::support::TestApp;
use crate::support::client::Kind;
use reqwest::Method;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

fn reason(text: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(text).unwrap();
    let error = &answer["error"];
    let words = error["reason"].as_str().or(error["message"].as_str());
    words.unwrap_or_default().to_owned()
}

/// The trait is an identifier and an address, too, and all three are e-mail addresses.
#[tokio::test]
async fn a_violation_is_told_once() {
    let app = TestApp::start().await;
    let create = async |email: &str| {
        let body = json!({ "schema_id": "default", "traits": { "email": email } });
        let answer = app
            .admin(Method::POST, "/admin/identities", Some(&body))
            .await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        reason(&answer.text)
    };
    let one = create("nobody").await;
    assert_eq!(one.matches("traits.email").count(), 1, "{one}");
    let two = create("x").await;
    assert_eq!(two.matches("traits.email").count(), 2, "{two}");
}

#[tokio::test]
async fn a_wrong_credential_is_named_by_its_place() {
    let app = TestApp::start().await;
    let body = json!({
        "schema_id": "default",
        "traits": { "email": "ada@example.org" },
        "credentials": { "password": { "config": { "hashed_pasword": "hush" } } },
    });
    let answer = app
        .admin(Method::POST, "/admin/identities", Some(&body))
        .await;
    let words = reason(&answer.text);
    assert_eq!(answer.status, 400);
    assert!(
        words.starts_with("credentials.password.config.hashed_pasword is not known"),
        "{words}"
    );
    assert!(!answer.text.contains("hush"));
}

#[tokio::test]
async fn a_missing_part_of_a_request_is_named() {
    let app = TestApp::start().await;
    let mut native = app.client(Kind::Native);
    let empty = native
        .send(Method::DELETE, "/self-service/logout/api", None)
        .await;
    assert_eq!(empty.status, 400);
    assert!(
        reason(&empty.text).contains("session_token"),
        "{}",
        empty.text
    );
    let body = json!({ "method": "password" });
    for (query, words) in [
        ("", "needs the id"),
        ("?flow=abc", "is not the id of a form"),
    ] {
        let path = format!("/self-service/login{query}");
        let answer = native.send(Method::POST, &path, Some(&body)).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(reason(&answer.text).contains(words), "{}", answer.text);
    }
}

/// Log lines, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut line = event.metadata().level().to_string();
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                line.push_str(&format!(" {field}={value:?}"));
            },
        );
        self.0.lock().unwrap().push(line);
    }
}

/// Nobody listens there. The password is taken, and the operator hears of it.
#[tokio::test]
async fn a_password_that_could_not_be_looked_up_is_logged() {
    let lines = Lines::default();
    let _quiet =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.clone()));
    let list = json!({ "haveibeenpwned_enabled": true, "haveibeenpwned_host": "127.0.0.1:1" });
    let config = json!({ "selfservice": { "methods": { "password": { "config": list } } } });
    let app = TestApp::with(config).await;
    let answer = app.native().sign_up("ada@example.org").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let lines = lines.0.lock().unwrap().join("\n");
    let told = lines.lines().find(|l| l.contains("list of leaked"));
    let told = told.unwrap_or_else(|| panic!("{lines}"));
    assert!(
        told.starts_with("WARN") && told.contains("127.0.0.1:1"),
        "{told}"
    );
}
