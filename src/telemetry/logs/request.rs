//! The two lines of a request: `started handling request` and `completed handling request`.
//!
//! Credentials in headers and the query are replaced by the redaction text; a redirect's target loses its query.
use super::line::Entry;
use super::{REDACTED, settings, write_later};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::time::Duration;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use url::Url;

const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "set-cookie", "x-session-token"];

/// What a request looks like in the log.
#[derive(Clone, Copy)]
pub struct RequestLine<'a> {
    /// Address and port of the peer.
    pub remote: &'a str,
    pub method: &'a str,
    /// As it came, still escaped.
    pub path: &'a str,
    pub query: &'a str,
    /// `http` or `https`, of the connection.
    pub scheme: &'a str,
    pub host: &'a str,
    pub headers: &'a HeaderMap,
}

/// What was answered.
#[derive(Clone, Copy)]
pub struct ResponseLine<'a> {
    pub status: u16,
    /// Bytes of the body.
    pub size: u64,
    pub took: Duration,
    /// The part of `took` that was spent waiting for others' servers.
    pub took_external: Duration,
    pub headers: &'a HeaderMap,
}

/// A request as both of its lines show it, written down once.
pub struct Shown {
    request: Box<RawValue>,
    trace: Option<Trace>,
    /// Of probes that the operator has silenced: seen at trace level only.
    quiet: bool,
}

impl Shown {
    /// `None` if such lines are not written.
    #[must_use]
    pub fn new(request: &RequestLine<'_>, quiet: bool) -> Option<Self> {
        is_logged(quiet)
            .then(|| Self::of(request, quiet).ok())
            .flatten()
    }

    fn of(request: &RequestLine<'_>, quiet: bool) -> serde_json::Result<Self> {
        let shown = HttpRequest {
            headers: Headers(request.headers),
            host: request.host,
            method: request.method,
            path: request.path,
            query: redacted(request.query),
            remote: request.remote,
            scheme: request.scheme,
        };
        Ok(Self {
            request: serde_json::value::to_raw_value(&shown)?,
            trace: trace_of(request.headers),
            quiet,
        })
    }

    /// Before the request is handled.
    pub fn started(&self) {
        self.log("started handling request", None);
    }

    /// After the answer is known.
    pub fn completed(&self, response: &ResponseLine<'_>) {
        self.log("completed handling request", Some(response));
    }

    fn log(&self, message: &str, response: Option<&ResponseLine<'_>>) {
        write_later(&Entry {
            level: if self.quiet {
                Level::TRACE
            } else {
                Level::INFO
            },
            message,
            fields: &self.fields(response),
        });
    }

    fn fields<'a>(&'a self, response: Option<&'a ResponseLine<'a>>) -> Fields<'a> {
        let external = response.map(|r| r.took_external).filter(|t| !t.is_zero());
        Fields {
            http_request: &self.request,
            http_response: response.map(HttpResponse::new),
            otel: self.trace.as_ref(),
            took_external: external.map(|t| t.as_nanos()),
            took_internal: external
                .and_then(|t| response.map(|r| r.took.saturating_sub(t).as_nanos())),
        }
    }
}

/// Whether such lines are written at all.
fn is_logged(quiet: bool) -> bool {
    let level = if quiet {
        LevelFilter::TRACE
    } else {
        LevelFilter::INFO
    };
    settings().is_some_and(|settings| settings.level >= level)
}

#[derive(Serialize)]
struct Fields<'a> {
    http_request: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_response: Option<HttpResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    otel: Option<&'a Trace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_external: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_internal: Option<u128>,
}

#[derive(Serialize)]
struct HttpRequest<'a> {
    headers: Headers<'a>,
    host: &'a str,
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    remote: &'a str,
    scheme: &'a str,
}

#[derive(Serialize)]
struct HttpResponse<'a> {
    headers: Headers<'a>,
    size: u64,
    status: u16,
    text_status: &'static str,
    /// Nanoseconds.
    took: u128,
}

impl<'a> HttpResponse<'a> {
    fn new(response: &'a ResponseLine<'a>) -> Self {
        Self {
            headers: Headers(response.headers),
            size: response.size,
            status: response.status,
            text_status: axum::http::StatusCode::from_u16(response.status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or_default(),
            took: response.took.as_nanos(),
        }
    }
}

#[derive(Serialize)]
struct Trace {
    span_id: String,
    trace_id: String,
}

/// `traceparent` of W3C trace context: `00-<trace>-<span>-<flags>`, neither all zero.
fn trace_of(headers: &HeaderMap) -> Option<Trace> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (_, trace_id, span_id) = (parts.next()?, parts.next()?, parts.next()?);
    let is_id = |id: &str, length| {
        id.len() == length
            && id.bytes().all(|b| b.is_ascii_hexdigit())
            && id.bytes().any(|b| b != b'0')
    };
    (is_id(trace_id, 32) && is_id(span_id, 16)).then(|| Trace {
        span_id: span_id.to_owned(),
        trace_id: trace_id.to_owned(),
    })
}

/// Nothing for nothing, else the value or what stands for it.
fn redacted(value: &str) -> Option<&str> {
    let shown = match settings() {
        Some(settings) if settings.leak_sensitive_values => value,
        Some(settings) => &settings.redaction_text,
        None => REDACTED,
    };
    (!value.is_empty()).then_some(shown)
}

/// Headers as an object of the first value of each.
struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self
            .0
            .keys()
            .map(|name| (name.as_str(), first(self.0, name)));
        serializer.collect_map(names)
    }
}

fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<std::borrow::Cow<'a, str>> {
    let value = headers
        .get(name)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let value = String::from_utf8_lossy(value);
    if CREDENTIALS.contains(&name.as_str()) {
        return redacted(&value).map(|text| text.to_owned().into());
    }
    let leak = settings().is_some_and(|settings| settings.leak_sensitive_values);
    if name == "location" && !leak {
        return Some(without_secrets(&value).into());
    }
    Some(value)
}

/// The target of a redirect without query, fragment and password.
fn without_secrets(location: &str) -> String {
    let end = location.find(['?', '#']).unwrap_or(location.len());
    let bare = location.get(..end).unwrap_or_default();
    match Url::parse(bare) {
        Ok(mut url) if url.password().is_some() => {
            let _ = url.set_password(Some("xxxxx"));
            url.into()
        }
        _ => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_queries_are_not_shown() -> serde_json::Result<()> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("cookie", "ory_kratos_session=secret-1"),
            ("authorization", "Bearer secret-2"),
            ("x-session-token", "secret-3"),
            ("accept", "*/*"),
            (
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let mut answer = HeaderMap::new();
        answer.append("set-cookie", HeaderValue::from_static("a=secret-4"));
        answer.append("set-cookie", HeaderValue::from_static("b=secret-5"));
        let location = "https://me:secret-6@host/path?code=secret-7#secret-8";
        answer.insert("location", HeaderValue::from_static(location));
        let request = RequestLine {
            remote: "127.0.0.1:1234",
            method: "GET",
            path: "/sessions/whoami",
            query: "token=secret-9",
            scheme: "http",
            host: "localhost",
            headers: &headers,
        };
        let response = ResponseLine {
            status: 303,
            size: 12,
            took: Duration::from_micros(1500),
            took_external: Duration::from_micros(500),
            headers: &answer,
        };
        let fields = serde_json::to_value(Shown::of(&request, false)?.fields(Some(&response)))?;
        assert!(!fields.to_string().contains("secret-"), "{fields}");
        assert_eq!(fields["http_request"]["headers"]["accept"], "*/*");
        assert_eq!(fields["http_request"]["headers"]["cookie"], REDACTED);
        assert_eq!(fields["http_request"]["query"], REDACTED);
        let shown = &fields["http_response"];
        assert_eq!(shown["headers"]["location"], "https://me:xxxxx@host/path");
        assert_eq!(shown["text_status"], "See Other");
        assert_eq!(shown["took"], 1_500_000);
        assert_eq!(fields["took_internal"], 1_000_000);
        assert_eq!(fields["otel"]["span_id"], "b7ad6b7169203331");
        let none = RequestLine {
            query: "",
            ..request
        };
        let fields = serde_json::to_value(Shown::of(&none, false)?.fields(None))?;
        assert!(fields["http_request"]["query"].is_null());
        assert!(fields.get("http_response").is_none());
        Ok(())
    }
}
