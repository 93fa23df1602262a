//! Bodies: a submission out of a form or JSON, and JSON for the admin API (http-api.md §2.2, §2.3).
use super::headers;
use crate::base::url::Params;
use crate::flow::{Body, Fault, Refusal, Submission, Verb};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt::Formatter;
use std::marker::PhantomData;

/// What was submitted. A body that cannot be read becomes a message on the form when a method asks for it.
#[must_use]
pub fn submission(head: &Parts, body: &[u8], query: &Params) -> Submission {
    let (verb, body) = match head.method {
        Method::GET => (Verb::Get, Body::Empty),
        // Who only looks where a link leads must not use it up.
        Method::HEAD => (Verb::Post, Body::Unreadable("HEAD submits nothing.".into())),
        _ => (Verb::Post, read(&head.headers, body)),
    };
    Submission {
        verb,
        query: query.clone(),
        body,
    }
}

fn read(headers: &HeaderMap, body: &[u8]) -> Body {
    if body.is_empty() {
        return Body::Unreadable("The request has no body.".into());
    }
    match media_type(headers).as_str() {
        "application/json" => match json::<Value>(body) {
            Ok(Value::Object(map)) => Body::Json(map),
            Ok(_) => Body::Unreadable("The JSON body has to be an object.".into()),
            Err(reason) => Body::Unreadable(reason),
        },
        "application/x-www-form-urlencoded" => {
            match Params::strictly(&String::from_utf8_lossy(body)) {
                Some(pairs) => Body::Form(pairs),
                None => Body::Unreadable("The form is not encoded as it should be.".into()),
            }
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
    json(body).map_err(|reason| Refusal::bad(reason).into())
}

/// A JSON body, whatever it is announced as, or why it is none. As in the reference, what stands behind the first value
/// is not looked at, and bytes that are no text become U+FFFD.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let text = String::from_utf8_lossy(body);
    let read = T::deserialize(&mut serde_json::Deserializer::from_str(&text));
    read.map_err(|error| format!("The body cannot be read: {error}."))
}

/// The same, and nothing may stand behind it.
pub fn whole_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(&text).map_err(|error| format!("The body cannot be read: {error}."))
}

/// What is written as an object and as nothing else. Derived types take a list of their fields, too.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}
