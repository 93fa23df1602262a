//! Many identities by one request.
use super::{HASH, get, patch, path, shown};
use crate::support::TestApp;
use crate::support::client::{Answer, PASSWORD};
use serde_json::{Value, json};

const NAMED: &str = "0b8d6c62-4d1f-4a3a-8f2e-6a7b8c9d0e1f";

fn entry(email: &str) -> Value {
    json!({ "create": { "schema_id": "default", "traits": { "email": email } } })
}

async fn send(app: &TestApp, identities: Value) -> Answer {
    patch(
        app,
        "/admin/identities",
        &json!({ "identities": identities }),
    )
    .await
}

/// `create` with an id, or the code of the error, with the name of the entry.
fn outcomes(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let list = answer.json()["identities"].as_array().unwrap().clone();
    list.into_iter()
        .map(|mut one| match one["action"].as_str() {
            None => one,
            Some("create") => {
                let id = one["identity"].take();
                assert!(uuid::Uuid::parse_str(id.as_str().unwrap()).is_ok());
                json!(["create", one.get("patch_id")])
            }
            Some(action) => json!([action, one.get("patch_id"), one["error"]["code"]]),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_entry_has_an_outcome_of_its_own() {
    let app = TestApp::start().await;
    let mut named = entry("b@example.org");
    named["patch_id"] = NAMED.into();
    named["create"]["credentials"] = json!({ "password": { "config": { "password": PASSWORD } } });
    let answer = send(&app, json!([entry("a@example.org"), named, {}])).await;
    assert_eq!(
        outcomes(&answer),
        [
            json!(["create", null]),
            json!(["create", NAMED]),
            Value::Null
        ]
    );
    let id = answer.json()["identities"][0]["identity"]
        .as_str()
        .unwrap()
        .to_owned();
    let stored = json!({ "credentials": { "password": { "version": 1 } } });
    assert_eq!(
        shown(&get(&app, &path(&id)).await),
        super::ada("a@example.org", &stored)
    );
    assert_eq!(
        app.native().sign_in("b@example.org", PASSWORD).await.status,
        200
    );

    let mut taken = entry("A@example.org");
    taken["patch_id"] = NAMED.into();
    let answer = send(
        &app,
        json!([
            taken,
            entry("c@example.org"),
            entry("twin@example.org"),
            entry("twin@example.org"),
            entry("no address"),
            { "create": { "schema_id": "nonsense", "traits": {} } },
            { "create": {} },
            { "create": null },
        ]),
    )
    .await;
    assert_eq!(
        outcomes(&answer),
        [
            json!(["error", NAMED, 409]),
            json!(["create", null]),
            json!(["create", null]),
            json!(["error", null, 409]),
            json!(["error", null, 400]),
            json!(["error", null, 400]),
            json!(["error", null, 400]),
            Value::Null,
        ]
    );
    let error = answer.json()["identities"][0]["error"].clone();
    let keys: Vec<_> = error.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["code", "status", "message"]);
    let listed = get(&app, "/admin/identities").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_makes_no_sense_makes_nobody() {
    let app = TestApp::start().await;
    let with = |key: &str, value: Value| {
        let mut one = entry("x@example.org");
        one[key] = value;
        json!([entry("y@example.org"), one])
    };
    let hash = json!({ "password": { "config": { "hashed_password": "x" } } });
    let bodies = [
        json!({ "identities": with("patch_id", json!("nonsense")) }),
        json!({ "identities": with("patch_id", json!(5)) }),
        json!({ "identities": with("unknown", json!(1)) }),
        json!({ "identities": [entry("y@example.org"), { "create": { "traits": {}, "unknown": 1 } }] }),
        json!({ "identities": [entry("y@example.org"), { "create": { "traits": {}, "credentials": hash } }] }),
        json!({ "identities": [entry("y@example.org"), { "create": { "traits": {}, "state": "asleep" } }] }),
        json!({ "identities": [entry("y@example.org"), null] }),
        // Objects, not lists of what would stand in them.
        json!({ "identities": [[null, null]] }),
        json!([[entry("y@example.org")]]),
        json!({ "identities": [entry("y@example.org"), 5] }),
        json!({ "identities": {} }),
        json!({ "identities": [], "unknown": 1 }),
        json!([entry("y@example.org")]),
        json!("x"),
    ];
    for body in bodies {
        let answer = patch(&app, "/admin/identities", &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        assert_eq!(answer.json()["error"]["code"], 400, "{body}");
    }
    assert_eq!(get(&app, "/admin/identities").await.json(), json!([]));
    for empty in [
        json!({}),
        json!({ "identities": [] }),
        json!({ "identities": null }),
        json!(null),
    ] {
        let answer = patch(&app, "/admin/identities", &empty).await;
        assert_eq!(answer.json(), json!({ "identities": [] }), "{empty}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_limit_to_how_many() {
    let app = TestApp::start().await;
    let many = |count: usize, credentials: Value| -> Value {
        let one = |n| {
            let mut one = entry(&format!("user{n}@example.org"));
            one["create"]["credentials"] = credentials.clone();
            one
        };
        (0..count).map(one).collect()
    };
    let plain = json!({ "password": { "config": { "password": PASSWORD } } });
    let hashed = json!({ "password": { "config": { "hashed_password": HASH } } });
    for (count, credentials) in [(201, &plain), (1001, &hashed)] {
        let answer = send(&app, many(count, credentials.clone())).await;
        assert_eq!(answer.status, 400, "{count}");
        assert!(answer.json()["error"]["reason"].is_string());
    }
    assert_eq!(get(&app, "/admin/identities").await.json(), json!([]));
    for (count, credentials) in [(200, plain), (1000, hashed)] {
        let answer = send(&app, many(count, credentials)).await;
        assert_eq!(outcomes(&answer).len(), count);
    }
    // The first two hundred were there already.
    let count = app.services.store.identities().count().await.unwrap();
    assert_eq!(count, 1000);
    assert_eq!(
        app.native()
            .sign_in("user199@example.org", PASSWORD)
            .await
            .status,
        200
    );
}
