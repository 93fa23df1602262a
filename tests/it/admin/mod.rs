//! The admin API of identities, as its clients see it.
mod batch;
mod consistency;
mod hashes;
mod identities;
mod import;
mod list;
mod races;
mod sessions;

use crate::support::client::Answer;
use crate::support::{START, TestApp};
use reqwest::Method;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// A hash of `kAf3-vuQ9-lomT7` at the least cost.
const HASH: &str = "$2a$04$zHgDQZCxZLXxKSaCaNBYsuR1J6zLQKyYqUWFmxRbK4XFmPWEPGTNW";
const NOBODY: &str = "/admin/identities/3f2b7c1e-5d64-4a0b-9c8d-7e6f5a4b3c2d";

fn path(id: &str) -> String {
    format!("/admin/identities/{id}")
}

/// JSON, a list too.
async fn send(app: &TestApp, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let mut request = app.http.request(method, format!("{}{path}", app.admin));
    if let Some(body) = body {
        let json = request.header("content-type", "application/json");
        request = json.body(body.to_string());
    }
    let response = request.send().await.expect("the server answers");
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.expect("text"),
    }
}

async fn post(app: &TestApp, body: &Value) -> Answer {
    send(app, Method::POST, "/admin/identities", Some(body)).await
}

/// The id of somebody new.
async fn made(app: &TestApp, body: &Value) -> String {
    let answer = post(app, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn put(app: &TestApp, path: &str, body: &Value) -> Answer {
    send(app, Method::PUT, path, Some(body)).await
}

async fn patch(app: &TestApp, path: &str, body: &Value) -> Answer {
    send(app, Method::PATCH, path, Some(body)).await
}

async fn get(app: &TestApp, path: &str) -> Answer {
    send(app, Method::GET, path, None).await
}

async fn delete(app: &TestApp, path: &str) -> Answer {
    send(app, Method::DELETE, path, None).await
}

/// With ids as `#1`, `#2` in the order in which they appear, and times as seconds since the beginning of the test.
fn plain(value: &Value) -> Value {
    let mut ids = vec![];
    plainly(value, &mut ids)
}

fn plainly(value: &Value, ids: &mut Vec<String>) -> Value {
    match value {
        Value::String(text) if uuid::Uuid::parse_str(text).is_ok() => {
            let at = ids.iter().position(|id| id == text).unwrap_or_else(|| {
                ids.push(text.clone());
                ids.len() - 1
            });
            format!("#{}", at + 1).into()
        }
        Value::String(text) => match OffsetDateTime::parse(text, &Rfc3339) {
            Ok(at) => {
                // MySQL keeps whole seconds.
                let begin = START - Duration::microseconds(i64::from(START.microsecond()));
                format!("+{}s", (at - begin).whole_seconds()).into()
            }
            Err(_) => value.clone(),
        },
        Value::Array(items) => items.iter().map(|item| plainly(item, ids)).collect(),
        Value::Object(map) => {
            let plain = map.iter().map(|(k, v)| (k.clone(), plainly(v, ids)));
            plain.collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Somebody who was made at the beginning, with this address, as they are shown.
fn ada(email: &str, more: &Value) -> Value {
    let mut out = json!({
        "id": "#1",
        "credentials": { "password": {
            "type": "password", "identifiers": [email], "version": 0,
            "created_at": "+0s", "updated_at": "+0s",
        } },
        "schema_id": "default", "schema_url": "", "state": "active", "state_changed_at": "+0s",
        "traits": { "email": email },
        "verifiable_addresses": [{
            "id": "#2", "value": email, "verified": false, "via": "email", "status": "pending",
            "created_at": "+0s", "updated_at": "+0s",
        }],
        "recovery_addresses": [{
            "id": "#3", "value": email, "via": "email", "created_at": "+0s", "updated_at": "+0s",
        }],
        "metadata_public": null, "metadata_admin": null, "created_at": "+0s", "updated_at": "+0s",
        "organization_id": null,
    });
    crate::support::merge(&mut out, more);
    out
}

/// The same form for an answer; where the schema is to be read is not looked at.
fn shown(answer: &Answer) -> Value {
    let mut out = plain(&answer.json());
    if let Some(url) = out.get_mut("schema_url") {
        *url = "".into();
    }
    out
}
