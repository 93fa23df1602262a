//! Headers as text. Bytes that are not UTF-8 become U+FFFD: they spoil nothing but themselves.
use axum::http::HeaderMap;
use axum::http::header::AsHeaderName;
use std::borrow::Cow;

/// The first header of that name.
pub fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Cow<'_, str>> {
    all(headers, name).next()
}

/// All headers of that name, in order.
pub fn all(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = Cow<'_, str>> {
    let values = headers.get_all(name).into_iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// The name in the spelling that Go gives it: capitals at the start and behind dashes.
#[must_use]
pub fn canonical(name: &str) -> String {
    let mut behind_dash = true;
    let letter = |c: char| {
        let upper = std::mem::replace(&mut behind_dash, c == '-');
        if upper {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    name.chars().map(letter).collect()
}
