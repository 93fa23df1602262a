//! Identities as administrators make them, and the schemas behind them.
use crate::support::{TestApp, inline, person_schema};
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

async fn make(app: &TestApp, traits: Value, password: &str) -> (u16, String) {
    let body = json!({
        "schema_id": "default", "traits": traits,
        "credentials": { "password": { "config": { "password": password } } },
    });
    let answer = app
        .admin(Method::POST, "/admin/identities", Some(&body))
        .await;
    let reason = answer.json()["error"]["reason"].clone();
    (
        answer.status.as_u16(),
        reason.as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_numbers_are_spelt_as_such() {
    let mut schema = person_schema();
    schema["properties"]["traits"]["properties"]["age"] =
        json!({ "type": "integer", "minimum": 3 });
    let app = TestApp::with(
        json!({ "identity": { "schemas": [{ "id": "default", "url": inline(&schema) }] } }),
    )
    .await;
    for (number, good) in [
        ("7", true),
        ("-7", false),
        ("7.0", false),
        ("7e1", false),
        ("2.0", false),
    ] {
        let age: Value = serde_json::from_str(number).unwrap();
        let traits = json!({ "email": format!("{number}@example.org"), "age": age });
        let (status, reason) = make(&app, traits, "a good password").await;
        assert_eq!(status, if good { 201 } else { 400 }, "{number}: {reason}");
        assert!(
            good || reason.matches("traits.age").count() == 1,
            "{reason}"
        );
        assert_eq!(
            reason.contains("integer"),
            number.contains(['.', 'e']),
            "{reason}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_cannot_be_hashed_is_the_senders_fault() {
    let app = TestApp::start().await;
    let email = json!({ "email": "ada@example.org" });
    let (status, reason) = make(&app, email.clone(), &"x".repeat(73)).await;
    assert_eq!(status, 400);
    assert!(reason.contains("72"), "{reason}");
    assert_eq!(make(&app, email, &"x".repeat(72)).await.0, 201);
}

/// Somebody edits the file while the server runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_has_become_useless_serves_on_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("person.json");
    let mut schema = person_schema();
    std::fs::write(&file, schema.to_string()).unwrap();
    let url = format!("file://{}", file.display());
    let app =
        TestApp::with(json!({ "identity": { "schemas": [{ "id": "default", "url": url }] } }))
            .await;
    let has = async |name: &str| {
        app.clock.advance(Duration::seconds(6));
        let form = app.native().start("registration", "").await;
        form.node(name).is_some()
    };
    assert!(has("traits.email").await);
    for useless in [
        "{ nonsense",
        r#"{"type": "object", "properties": {}}"#,
        "true",
    ] {
        std::fs::write(&file, useless).unwrap();
        assert!(has("traits.email").await, "{useless}");
    }
    std::fs::remove_file(&file).unwrap();
    assert!(has("traits.email").await);
    schema["properties"]["traits"]["properties"]["nick"] = json!({ "type": "string" });
    std::fs::write(&file, schema.to_string()).unwrap();
    assert!(has("traits.nick").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_what_a_schema_refers_to_counts() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("file://{}", folder.path().join(name).display());
    let name = |most: u32| json!({ "type": "string", "maxLength": most }).to_string();
    std::fs::write(folder.path().join("name.json"), name(5)).unwrap();
    let mut schema = person_schema();
    schema["properties"]["traits"]["properties"]["nick"] = json!({ "$ref": url("name.json") });
    std::fs::write(folder.path().join("person.json"), schema.to_string()).unwrap();
    let schemas = json!([{ "id": "default", "url": url("person.json") }]);
    let app = TestApp::with(json!({ "identity": { "schemas": schemas } })).await;
    let traits = json!({ "email": "ada@example.org", "nick": "enchantress" });
    assert_eq!(make(&app, traits.clone(), "a good password").await.0, 400);
    std::fs::write(folder.path().join("name.json"), name(50)).unwrap();
    app.clock.advance(Duration::seconds(6));
    assert_eq!(make(&app, traits, "a good password").await.0, 201);
}
