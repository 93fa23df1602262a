//! Many sessions ended or deleted by one request.
use super::get;
use crate::support::TestApp;
use crate::support::client::{Client, PASSWORD};
use reqwest::Method;
use serde_json::{Value, json};

async fn manage(app: &TestApp, body: &Value) -> (u16, Value) {
    let answer = super::send(app, Method::POST, "/admin/sessions", Some(body)).await;
    (answer.status.as_u16(), answer.json())
}

async fn signed_in(app: &TestApp, email: &str) -> (Client, String) {
    let mut client = app.native();
    client.sign_in(email, PASSWORD).await;
    let id = client.whoami().await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    (client, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_ended_by_id_by_owner_and_all_at_once() {
    let app = TestApp::start().await;
    let ada = app.seed("ada@example.org", PASSWORD).await;
    app.seed("eve@example.org", PASSWORD).await;
    let mut clients = vec![];
    for email in [
        "ada@example.org",
        "ada@example.org",
        "eve@example.org",
        "eve@example.org",
    ] {
        clients.push(signed_in(&app, email).await);
    }
    let told = |processed: u64| (200, json!({ "processed": processed, "more": false }));
    let one = clients[0].1.clone();
    let disable = |what: &str, ids: &[&str]| json!({ "action": "disable", what: ids });
    let remove = |what: &str, ids: &[&str]| json!({ "action": "delete", what: ids });
    assert_eq!(manage(&app, &disable("sessions", &[&one])).await, told(1));
    assert_eq!(
        manage(&app, &disable("sessions", &[&one, &ada])).await,
        told(0)
    );
    assert_eq!(clients[0].0.whoami().await.status, 401);
    assert_eq!(clients[1].0.whoami().await.status, 200);
    assert_eq!(manage(&app, &disable("identities", &[&ada])).await, told(1));
    assert_eq!(clients[1].0.whoami().await.status, 401);
    assert_eq!(clients[2].0.whoami().await.status, 200);
    assert_eq!(manage(&app, &remove("identities", &[&ada])).await, told(2));
    assert_eq!(
        get(&app, "/admin/sessions")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(manage(&app, &disable("identities", &["*"])).await, told(2));
    assert_eq!(manage(&app, &disable("identities", &["*"])).await, told(0));
    assert_eq!(clients[2].0.whoami().await.status, 401);
    assert_eq!(
        manage(&app, &remove("sessions", &[&clients[2].1])).await,
        told(1)
    );
    assert_eq!(manage(&app, &remove("identities", &["*"])).await, told(1));
    assert_eq!(get(&app, "/admin/sessions").await.json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_clear_ends_nothing() {
    let app = TestApp::start().await;
    let ada = app.seed("ada@example.org", PASSWORD).await;
    let (mut client, id) = signed_in(&app, "ada@example.org").await;
    let many: Vec<&str> = std::iter::repeat_n(id.as_str(), 501).collect();
    for body in [
        json!({}),
        json!(null),
        json!([]),
        json!(["disable", null, [id]]),
        json!({ "action": "disable" }),
        json!({ "action": "end", "sessions": [id] }),
        json!({ "sessions": [id] }),
        json!({ "action": "disable", "sessions": [], "identities": [] }),
        json!({ "action": "disable", "sessions": [id], "identities": [ada] }),
        json!({ "action": "disable", "sessions": ["*"] }),
        json!({ "action": "disable", "identities": ["*", ada] }),
        json!({ "action": "disable", "identities": [ada, "nonsense"] }),
        json!({ "action": "disable", "sessions": many }),
        json!({ "action": "disable", "sessions": id }),
        json!({ "action": 5, "sessions": [id] }),
    ] {
        let (status, error) = manage(&app, &body).await;
        assert_eq!(
            (status, &error["error"]["code"]),
            (400, &json!(400)),
            "{body}"
        );
    }
    assert_eq!(client.whoami().await.status, 200);
    let extra = json!({ "action": "disable", "sessions": [id], "unknown": 1 });
    assert_eq!(manage(&app, &extra).await.0, 200);
}
