//! What all cookies have in common.
use super::section::{choice, section};
use serde::{Deserialize, Deserializer, de::Error};

section!(
    /// Of the CSRF and continuity cookies, and the fallback for the session's.
    Cookies {
        domain: String,
        path: String = "/".into(),
        same_site: SameSite,
        #[serde(deserialize_with = "truth")]
        secure: Option<bool>,
    }
);
choice!(
    SameSite { Lax = "Lax", Strict = "Strict", None = "None" }
);

/// What a cookie is set with, all fallbacks taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSettings<'a> {
    /// Empty: the host of the request only.
    pub domain: &'a str,
    pub path: &'a str,
    pub same_site: SameSite,
    pub secure: bool,
}

/// The schema wants a string here; Go's words for true and false are understood, all else is false.
pub(super) fn truth<'de, D: Deserializer<'de>>(input: D) -> Result<Option<bool>, D::Error> {
    match serde_json::Value::deserialize(input)? {
        serde_json::Value::String(text) => Ok(Some(matches!(
            text.as_str(),
            "1" | "t" | "T" | "TRUE" | "true" | "True"
        ))),
        serde_json::Value::Bool(value) => Ok(Some(value)),
        _ => Err(D::Error::custom("neither \"true\" nor \"false\"")),
    }
}
