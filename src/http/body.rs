//! Bodies: a submission out of a form or JSON, and JSON for the admin API (http-api.md §2.2, §2.3).
use super::headers;
use crate::base::url::Params;
use crate::flow::{Body, Fault, Refusal, Submission, Verb};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What was submitted. A body that cannot be read becomes a message on the form when a method asks for it.
#[must_use]
pub fn submission(head: &Parts, body: &[u8], query: &Params) -> Submission {
    if head.method == Method::GET || head.method == Method::HEAD {
        return Submission {
            verb: Verb::Get,
            query: query.clone(),
            body: Body::Empty,
        };
    }
    Submission {
        verb: Verb::Post,
        query: query.clone(),
        body: read(&head.headers, body),
    }
}

fn read(headers: &HeaderMap, body: &[u8]) -> Body {
    if body.is_empty() {
        return Body::Unreadable("The request has no body.".into());
    }
    match media_type(headers).as_str() {
        "application/json" => match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(map)) => Body::Json(map),
            Ok(_) => Body::Unreadable("The JSON body has to be an object.".into()),
            Err(error) => Body::Unreadable(format!("The body is no JSON: {error}.")),
        },
        "application/x-www-form-urlencoded" => {
            Body::Form(Params::parse(&String::from_utf8_lossy(body)))
        }
        // Let through and never read, as the reference does.
        "multipart/form-data" => Body::Form(Params::default()),
        "" => Body::Unreadable("The request does not say what kind of body it has.".into()),
        other => Body::Unreadable(format!("A body of the kind {other:?} cannot be read here.")),
    }
}

/// The type of the body in lower case, without parameters.
fn media_type(headers: &HeaderMap) -> String {
    headers::text(headers, CONTENT_TYPE)
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase()
}

/// A body that has to be announced as JSON.
pub fn announced_json<T: DeserializeOwned>(head: &Parts, body: &[u8]) -> Result<T, Fault> {
    if media_type(&head.headers) != "application/json" {
        return Err(Refusal::bad("The body has to be sent as application/json.").into());
    }
    json(body)
}

/// A JSON body, whatever it is announced as.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad(format!("The body cannot be read: {error}.")).into())
}
