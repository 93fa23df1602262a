//! A request as an operator describes it in a `request_config` (courier.md §2.2): method, headers, credentials, and a body
//! that a Jsonnet has made.
use super::{Limits, Longer, Method, Request};
use crate::config::request::{Auth, Headers, Place, RequestConfig};
use data_encoding::BASE64;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::time::Duration;
use url::form_urlencoded;

/// One attempt of ten seconds; of the answer is read what a log may hold. Its status counts, whatever becomes of the rest.
pub const BRIEF: Limits = Limits {
    timeout: Duration::from_secs(10),
    attempts: 1,
    body: 1024,
    longer: Longer::IsLeft,
    ..Limits::USUAL
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Written by the client itself.
const NOT_OURS: [HeaderName; 5] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TRAILER,
    header::CONNECTION,
];

/// Why a description makes no request. Says which part of it is wrong, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("the method is none that HTTP has")]
    Method,
    #[error("the header `{0}` cannot be written")]
    Header(String),
    #[error("the content type is neither application/json nor application/x-www-form-urlencoded")]
    ContentType,
    #[error("the name or value of the key cannot be written")]
    Key,
    #[error("a form needs an object of texts, numbers and booleans")]
    Form,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyForm {
    Json,
    /// `application/x-www-form-urlencoded`, each field of the object one of the form.
    Form,
}

/// All of a `request_config` but its body, ready to be sent any number of times.
#[derive(Clone)]
pub struct Call {
    method: Method,
    url: String,
    headers: HeaderMap,
    form: BodyForm,
}

impl Call {
    /// What the description says. Without a method it is that one.
    ///
    /// # Errors
    /// The first part that is wrong.
    pub fn new(config: &RequestConfig, usual: Method) -> Result<Self, CallError> {
        Self::with(config, usual, form)
    }

    /// The same where we make the body if no Jsonnet does: ours is JSON, whatever type of content the description names.
    ///
    /// # Errors
    /// The first part that is wrong.
    pub fn of_hook(config: &RequestConfig, usual: Method) -> Result<Self, CallError> {
        if config.body.as_deref().is_some_and(|uri| !uri.is_empty()) {
            return Self::new(config, usual);
        }
        Self::with(config, usual, |headers| {
            let name = headers.entry(header::CONTENT_TYPE);
            name.or_insert(JSON);
            Ok(BodyForm::Json)
        })
    }

    fn with(
        config: &RequestConfig,
        usual: Method,
        form: impl FnOnce(&mut HeaderMap) -> Result<BodyForm, CallError>,
    ) -> Result<Self, CallError> {
        let method = match config.method.as_deref().filter(|word| !word.is_empty()) {
            Some(word) => Method::from_bytes(word.as_bytes()).map_err(|_| CallError::Method)?,
            None => usual,
        };
        let mut headers = headers(&config.headers)?;
        let form = form(&mut headers)?;
        if let Some(auth) = &config.auth {
            prove(auth, &mut headers)?;
        }
        Ok(Self {
            method,
            url: config.url.clone(),
            headers,
            form,
        })
    }

    /// TRACE has none.
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.method != Method::TRACE
    }

    /// With the JSON text that a Jsonnet has made for a body.
    ///
    /// # Errors
    /// A form cannot be made of it.
    pub fn request(&self, body: Option<String>, limits: Limits) -> Result<Request, CallError> {
        let body = match (body, self.form) {
            (None, _) => String::new(),
            (Some(json), BodyForm::Json) => json,
            (Some(json), BodyForm::Form) => fields(&json)?,
        };
        let mut request = Request::new(self.method.clone(), self.url.clone())
            .limits(limits)
            .body(body);
        request.headers = self.headers.clone();
        Ok(request)
    }
}

fn headers(config: &Headers) -> Result<HeaderMap, CallError> {
    let mut headers = HeaderMap::new();
    for (name, value) in config.iter() {
        let bad = || CallError::Header(name.to_owned());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let value = HeaderValue::from_str(value).map_err(|_| bad())?;
        if !NOT_OURS.contains(&name) {
            headers.append(name, value);
        }
    }
    Ok(headers)
}

fn form(headers: &mut HeaderMap) -> Result<BodyForm, CallError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        headers.insert(header::CONTENT_TYPE, JSON);
        return Ok(BodyForm::Json);
    };
    let value = value.to_str().unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Ok(BodyForm::Json)
    } else if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(BodyForm::Form)
    } else {
        Err(CallError::ContentType)
    }
}

fn prove(auth: &Auth, headers: &mut HeaderMap) -> Result<(), CallError> {
    let secret = |text: String| {
        let mut value = HeaderValue::from_str(&text).map_err(|_| CallError::Key)?;
        value.set_sensitive(true);
        Ok(value)
    };
    match auth {
        Auth::BasicAuth(basic) => {
            let pair = format!("{}:{}", basic.user, basic.password.expose());
            let value = secret(format!("Basic {}", BASE64.encode(pair.as_bytes())))?;
            headers.insert(header::AUTHORIZATION, value);
        }
        Auth::ApiKey(key) if key.r#in == Place::Cookie => {
            let own = format!("{}={}", key.name, key.value.expose());
            let known = headers.get(header::COOKIE).and_then(|v| v.to_str().ok());
            let all = known.map_or_else(|| own.clone(), |known| format!("{known}; {own}"));
            headers.insert(header::COOKIE, secret(all)?);
        }
        Auth::ApiKey(key) => {
            let name = HeaderName::from_bytes(key.name.as_bytes()).map_err(|_| CallError::Key)?;
            headers.insert(name, secret(key.value.expose().clone())?);
        }
    }
    Ok(())
}

/// The reference takes texts only, and null for an empty one.
fn fields(json: &str) -> Result<String, CallError> {
    let value: Value = serde_json::from_str(json).map_err(|_| CallError::Form)?;
    let object = match &value {
        Value::Null => return Ok(String::new()),
        Value::Object(object) => object,
        _ => return Err(CallError::Form),
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in object {
        match value {
            Value::Null => form.append_pair(name, ""),
            Value::String(text) => form.append_pair(name, text),
            Value::Bool(_) | Value::Number(_) => form.append_pair(name, &value.to_string()),
            Value::Array(_) | Value::Object(_) => return Err(CallError::Form),
        };
    }
    Ok(form.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(config: Value) -> Result<Request, CallError> {
        let config: RequestConfig = serde_json::from_value(config).unwrap();
        let body = "{\"b\": \"x y&\", \"n\": 1.5, \"t\": true, \"z\": null}\n".to_owned();
        Call::new(&config, Method::GET)?.request(Some(body), BRIEF)
    }

    #[test]
    fn a_description_makes_a_request() {
        let plain = call(json!({ "url": "http://x.test/" })).unwrap();
        assert_eq!(plain.method, Method::GET);
        assert_eq!(plain.headers["content-type"], "application/json");
        assert!(plain.body.starts_with(b"{\"b\""));
        let form = call(json!({
            "url": "http://x.test/", "method": "PUT",
            "headers": {
                "content-type": "application/x-www-form-urlencoded; charset=utf-8", "Host": "other.test",
                "Cookie": "a=b",
            },
            "auth": { "type": "api_key", "config": { "name": "key", "value": "secret", "in": "cookie" } },
        }));
        let form = form.unwrap();
        assert_eq!(form.body, b"b=x+y%26&n=1.5&t=true&z=");
        assert_eq!(form.headers["cookie"], "a=b; key=secret");
        assert!(form.headers.get("host").is_none());
        let key = json!({
            "url": "http://x.test/", "headers": { "X-Key": "old" },
            "auth": { "type": "api_key", "config": { "name": "X-Key", "value": "secret", "in": "header" } },
        });
        assert_eq!(call(key).unwrap().headers["x-key"], "secret");
        let basic = json!({
            "url": "http://x.test/",
            "auth": { "type": "basic_auth", "config": { "user": "u", "password": "p" } },
        });
        assert_eq!(call(basic).unwrap().headers["authorization"], "Basic dTpw");
    }

    #[test]
    fn a_body_of_ours_goes_under_any_type() {
        let plain = |headers: Value| {
            let config = json!({ "url": "http://x.test/", "headers": headers });
            let config: RequestConfig = serde_json::from_value(config).unwrap();
            let call = Call::of_hook(&config, Method::POST).unwrap();
            let request = call.request(Some("{}".to_owned()), BRIEF).unwrap();
            (
                request.headers["content-type"].clone(),
                request.method,
                request.body,
            )
        };
        let all = |kind: &str| (kind.parse().unwrap(), Method::POST, b"{}".to_vec());
        assert_eq!(plain(json!({})), all("application/json"));
        let own = json!({ "content-type": "application/vnd.x" });
        assert_eq!(plain(own), all("application/vnd.x"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |patch: Value| call(patch).err();
        assert_eq!(wrong(json!({ "method": "GE T" })), Some(CallError::Method));
        let header = json!({ "headers": { "a b": "c" } });
        assert_eq!(wrong(header), Some(CallError::Header("a b".to_owned())));
        let xml = json!({ "headers": { "Content-Type": "text/xml" } });
        assert_eq!(wrong(xml), Some(CallError::ContentType));
        for body in ["[]", "1", "{\"a\": {}}", "{\"a\": []}", "nonsense"] {
            assert_eq!(fields(body), Err(CallError::Form), "{body}");
        }
        assert_eq!(fields("null"), Ok(String::new()));
    }
}
