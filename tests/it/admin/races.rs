//! Several administrators at work on one identity: no mixture, nobody left by half, no fault of the server.
use super::{delete, get, made, patch, path, post, put};
use crate::support::TestApp;
use serde_json::{Value, json};
use std::sync::Arc;

const ROUNDS: usize = 12;

/// Traits, identifiers and addresses are of one and the same change.
fn assert_whole(identity: &Value) {
    let email = &identity["traits"]["email"];
    assert_eq!(
        identity["credentials"]["password"]["identifiers"],
        json!([email]),
        "{identity}"
    );
    for list in ["verifiable_addresses", "recovery_addresses"] {
        let values: Vec<_> = identity[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| &a["value"])
            .collect();
        assert_eq!(values, [email], "{identity}");
    }
    assert_eq!(
        identity["metadata_public"], identity["traits"]["name"]["first"],
        "{identity}"
    );
}

fn of(n: usize) -> Value {
    json!({
        "traits": { "email": format!("user{n}@example.org"), "name": { "first": n.to_string() } },
        "metadata_public": n.to_string(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn of_changes_at_once_one_stands_as_a_whole() {
    let app = Arc::new(TestApp::start().await);
    let id = path(&made(&app, &of(0)).await);
    for round in 0..ROUNDS {
        let mut all = vec![];
        for n in 0..8 {
            let (app, id, n) = (Arc::clone(&app), id.clone(), round * 8 + n + 1);
            all.push(tokio::spawn(async move {
                if n % 2 == 0 {
                    return put(&app, &id, &of(n)).await;
                }
                let replace = |path: &str, value: &Value| json!({ "op": "replace", "path": path, "value": value });
                let new = of(n);
                let ops = json!([replace("/traits", &new["traits"]), replace("/metadata_public", &new["metadata_public"])]);
                patch(&app, &id, &ops).await
            }));
        }
        for one in all {
            let answer = one.await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_whole(&answer.json());
        }
        assert_whole(&get(&app, &id).await.json());
    }
}

/// What each adds is there in the end.
#[tokio::test(flavor = "multi_thread")]
async fn patches_at_once_do_not_undo_each_other() {
    let app = Arc::new(TestApp::start().await);
    let mut body = of(0);
    body["metadata_admin"] = json!({});
    let id = path(&made(&app, &body).await);
    let mut all = vec![];
    for n in 0..24 {
        let (app, id) = (Arc::clone(&app), id.clone());
        let op = json!([{ "op": "add", "path": format!("/metadata_admin/k{n}"), "value": n }]);
        all.push(tokio::spawn(async move { patch(&app, &id, &op).await }));
    }
    for one in all {
        let answer = one.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let stored = get(&app, &id).await.json();
    assert_eq!(stored["metadata_admin"].as_object().unwrap().len(), 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_meanwhile_leaves_nothing() {
    let app = Arc::new(TestApp::start().await);
    for round in 0..ROUNDS {
        let id = path(&made(&app, &of(round)).await);
        let mut all = vec![];
        for n in 0..6 {
            let (app, id) = (Arc::clone(&app), id.clone());
            all.push(tokio::spawn(async move {
                match n % 3 {
                    0 => put(&app, &id, &of(1000 + n)).await,
                    1 => {
                        patch(
                            &app,
                            &id,
                            &json!([{ "op": "add", "path": "/metadata_admin", "value": n }]),
                        )
                        .await
                    }
                    _ => delete(&app, &id).await,
                }
            }));
        }
        let mut deleted = 0;
        for one in all {
            let answer = one.await.unwrap();
            let status = answer.status.as_u16();
            assert!(
                [200, 204, 404].contains(&status),
                "{status}: {}",
                answer.text
            );
            deleted += usize::from(status == 204);
        }
        assert_eq!(deleted, 1);
        assert_eq!(get(&app, &id).await.status, 404);
        // All that it had is free again.
        for n in [round, 1000, 1003] {
            let id = path(&made(&app, &of(n)).await);
            assert_eq!(delete(&app, &id).await.status, 204);
        }
    }
}

/// Two want one address: one gets it.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_goes_to_one_of_many() {
    let app = Arc::new(TestApp::start().await);
    for round in 0..ROUNDS {
        let wanted = of(500 + round);
        let ids = [
            made(&app, &of(2 * round)).await,
            made(&app, &of(2 * round + 1)).await,
        ];
        let mut all = vec![];
        for n in 0..6 {
            let (app, wanted) = (Arc::clone(&app), wanted.clone());
            let id = path(&ids[n % 2]);
            all.push(tokio::spawn(async move {
                match n {
                    0 | 1 => put(&app, &id, &wanted).await,
                    2 | 3 => post(&app, &wanted).await,
                    _ => {
                        let twice =
                            json!({ "identities": [{ "create": wanted }, { "create": wanted }] });
                        patch(&app, "/admin/identities", &twice).await
                    }
                }
            }));
        }
        let mut won = 0;
        for one in all {
            let answer = one.await.unwrap();
            let body = answer.json();
            won += match (answer.status.as_u16(), &body["identities"]) {
                (200, Value::Array(list)) => {
                    list.iter().filter(|one| one["action"] == "create").count()
                }
                (200 | 201, _) => 1,
                (409, _) => 0,
                (status, _) => panic!("{status}: {}", answer.text),
            };
        }
        assert_eq!(won, 1);
        let email = &wanted["traits"]["email"];
        let found = get(
            &app,
            &format!(
                "/admin/identities?credentials_identifier={}",
                email.as_str().unwrap()
            ),
        )
        .await;
        assert_eq!(found.json().as_array().unwrap().len(), 1);
        assert_whole(&found.json()[0]);
        for id in ids {
            assert_eq!(delete(&app, &path(&id)).await.status, 204);
        }
    }
}
