//! Every call to somebody else's server: web hooks, providers, remote schemas, the list of leaked passwords.
//!
//! One client for all, so that limits hold everywhere: addresses are checked where the name is resolved, redirects are
//! followed here and each hop is checked again, bodies are cut off, attempts are counted. Errors name the kind of
//! trouble only; whoever asked knows the URL that was configured, and nobody learns addresses of the inside.
pub mod breach;
pub mod call;
mod guard;
mod send;
#[cfg(test)]
mod tests;
pub mod tls;

pub use guard::{Policy, is_public};
pub use send::Outbound;

use crate::base::random::{Random, uuid};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error("this is no http or https URL")]
    Url,
    /// `clients.http.disallow_private_ip_ranges` (also for a redirect or a resolved name).
    #[error("the address is not a permitted destination")]
    Refused,
    #[error("the request took too long")]
    TimedOut,
    /// The name is unknown, nobody listens, or TLS failed.
    #[error("no connection could be made")]
    NoConnection,
    /// The connection ended before the answer did.
    #[error("the connection broke while the answer was read")]
    Interrupted,
    #[error("the answer is too large")]
    TooLarge,
    #[error("there were too many redirects, or one without a usable target")]
    Redirects,
    /// 429 or 5xx (not 501) after the last attempt.
    #[error("the server answered with status {0} until the last attempt")]
    Unavailable(u16),
}

impl OutboundError {
    /// Whether trying again may help.
    fn is_passing(self) -> bool {
        matches!(
            self,
            Self::TimedOut | Self::NoConnection | Self::Interrupted
        )
    }
}

/// What becomes of an answer whose body is longer than wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Longer {
    IsRefused,
    IsCut,
    /// The same, and the answer counts without what is not there within a second, or does not come at all.
    IsLeft,
}

/// How long and how often one tries, and how much one reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one attempt with its redirects and its body.
    pub timeout: Duration,
    /// One at least. More are made after connection errors, time-outs, 429 and 5xx except 501.
    pub attempts: u32,
    /// Before the second attempt; doubles each time.
    pub least_wait: Duration,
    /// The longest pause, whatever the server asks for in `Retry-After`.
    pub most_wait: Duration,
    /// Bytes of the answer's body.
    pub body: usize,
    pub longer: Longer,
    pub redirects: u32,
}

impl Limits {
    /// Thirty seconds, three attempts, 5 MiB: what the reference gives a web hook (flows.md §10.4).
    pub const USUAL: Self = Self {
        timeout: Duration::from_secs(30),
        attempts: 3,
        least_wait: Duration::from_secs(1),
        most_wait: Duration::from_secs(30),
        body: 5 << 20,
        longer: Longer::IsRefused,
        redirects: 10,
    };
}

const REQUEST_ID: HeaderName = HeaderName::from_static("ory-webhook-request-id");
const TRIGGER_ID: HeaderName = HeaderName::from_static("ory-webhook-trigger-id");

/// Changes the headers of an attempt; the first has number 1.
pub type PerAttempt = Arc<dyn Fn(u32, &mut HeaderMap) + Send + Sync>;

/// What is sent.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub limits: Limits,
    pub per_attempt: Option<PerAttempt>,
}

impl Request {
    /// Without headers and body, with the usual limits.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: vec![],
            limits: Limits::USUAL,
            per_attempt: None,
        }
    }
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }
    /// Sets a header; one that cannot be written is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            self.headers.insert(name, value);
        }
        self
    }
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
    /// The value as JSON, with its content type.
    #[must_use]
    pub fn json(self, value: &serde_json::Value) -> Self {
        self.header("content-type", "application/json")
            .body(value.to_string())
    }
    /// With the ids by which a receiver of web hooks knows attempts that belong together, and tells them apart
    /// (flows.md §10.4).
    #[must_use]
    pub fn numbered(self, dice: &Arc<dyn Random>) -> Self {
        let together = self.header(TRIGGER_ID.as_str(), &uuid(dice.as_ref()).to_string());
        let dice = Arc::clone(dice);
        let change = move |_: u32, headers: &mut HeaderMap| {
            let id = uuid(dice.as_ref()).to_string();
            if let Ok(id) = HeaderValue::from_str(&id) {
                headers.insert(REQUEST_ID, id);
            }
        };
        Self {
            per_attempt: Some(Arc::new(change)),
            ..together
        }
    }
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// What came back, read to its end.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    /// The body as JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }
    /// The body as text; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
