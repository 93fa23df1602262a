//! Calls to the outside that an operator describes: address, headers, credentials.
use super::section::{choice, section};
use crate::base::secret::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// Names and values of headers. The values may hold credentials, so `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, String)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How a call proves who makes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", content = "config", rename_all = "snake_case")]
pub enum Auth {
    ApiKey(ApiKey),
    BasicAuth(BasicAuth),
}

section!(
    /// A secret in a header or a cookie.
    ApiKey { name: String, value: Secret<String>, r#in: Place }
);
section!(
    /// RFC 7617.
    BasicAuth { user: String, password: Secret<String> }
);
choice!(
    /// Where the key travels.
    Place { Header = "header", Cookie = "cookie" }
);
section!(
    /// One HTTP request whose body a Jsonnet makes (courier.md).
    ///
    /// Under `courier.http` an omitted method is POST and an omitted body is the built-in one; in a
    /// channel an omitted method is GET and an omitted body makes every dispatch fail (config-cli.md §1.6).
    RequestConfig {
        url: String,
        method: Option<String>,
        headers: Headers,
        /// Resource address of the Jsonnet.
        body: Option<String>,
        auth: Option<Auth>,
    }
);
