//! What the admin listener answers.
pub mod courier;
pub mod identities;
pub mod mailbox;
pub mod manage_sessions;
pub mod recovery;
pub mod sessions;

use crate::base::url::{self, Params};
use crate::flow::{Fault, Refusal};
use axum::http::header::{HeaderValue, LINK};
use axum::response::Response;

/// Go's booleans in a query; anything else is refused.
fn boolean(query: &Params, name: &str) -> Result<Option<bool>, Fault> {
    match query.text(name) {
        None => Ok(None),
        Some("1" | "t" | "T" | "TRUE" | "true" | "True") => Ok(Some(true)),
        Some("0" | "f" | "F" | "FALSE" | "false" | "False") => Ok(Some(false)),
        Some(other) => {
            let message = format!("{name} has to be true or false, not {other:?}.");
            Err(Refusal::unreadable(message).into())
        }
    }
}

/// The size of a page, bounded; what is no number is refused.
fn page_size(query: &Params, default: u32, largest: u32) -> Result<u32, String> {
    let Some(value) = query.text("page_size") else {
        return Ok(default);
    };
    match value.parse::<i64>() {
        Ok(size) if size > 0 => Ok(u32::try_from(size).unwrap_or(largest).min(largest)),
        Ok(_) => Ok(default),
        Err(_) => Err(format!("page_size has to be a number, not {value:?}.")),
    }
}

/// `Link` to the first page and, if there is one, the next; other parameters are kept.
fn write_links(
    response: &mut Response,
    path: &str,
    query: &Params,
    size: u32,
    first: &str,
    next: Option<&str>,
) {
    let link = |rel: &str, token: &str| {
        let mut params = query.clone();
        params.set("page_size", &size.to_string());
        params.set("page_token", token);
        format!("<{path}?{}>; rel=\"{rel}\"", params.encode_sorted())
    };
    let mut links = vec![link("first", first)];
    links.extend(next.map(|token| link("next", token)));
    if let Ok(value) = HeaderValue::from_str(&links.join(",")) {
        response.headers_mut().insert(LINK, value);
    }
}

/// The address of something under the admin base URL.
fn admin_address(base: &str, path: &str) -> String {
    url::join(base, path)
}
