//! Pages of lists (http-api.md §13): the style of page numbers, with its headers.
use crate::base::url::Params;
use axum::http::Uri;
use axum::http::header::{HeaderName, HeaderValue, LINK};
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

const DEFAULT_SIZE: i64 = 250;
const LARGEST: i64 = 1000;
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Which page is wanted. `number` counts from 0, `size` from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub number: i64,
    pub size: i64,
}

/// What the links to other pages name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// `page` and `per_page`.
    Numbers,
    /// Those, and `page_token` and `page_size`.
    All,
}

impl Page {
    /// Reads `page_token` and `page_size` if there is one of them, else `page` and `per_page`. What makes no sense is the
    /// default.
    #[must_use]
    pub fn read(query: &Params) -> Self {
        if !query.has("page_token") && !query.has("page_size") {
            return Self::numbered(query, LARGEST);
        }
        let size = size(query, "page_size", LARGEST);
        let number = query.get("page_token").map_or(0, offset) / size;
        Self {
            number: number.max(0),
            size,
        }
    }

    /// Reads `page` and `per_page`.
    #[must_use]
    pub fn numbered(query: &Params, largest: i64) -> Self {
        Self {
            number: number(query, "page").unwrap_or(0).max(0),
            size: size(query, "per_page", largest),
        }
    }

    /// How many entries stand on the pages before.
    #[must_use]
    pub fn offset(self) -> i64 {
        self.number.saturating_mul(self.size)
    }

    /// Offset and size for a pager that counts from one but is given numbers from zero, so that pages 0 and 1 are
    /// the same: an oddity of the session lists that clients have got used to.
    #[must_use]
    pub fn behind_one(self) -> (u32, u32) {
        let offset = self.offset().saturating_sub(self.size).max(0);
        (
            u32::try_from(offset).unwrap_or(u32::MAX),
            u32::try_from(self.size).unwrap_or(u32::MAX),
        )
    }

    /// The headers `X-Total-Count` and `Link` for a list of `total` entries that was asked for at `uri`. Whatever else
    /// was asked stays in the links.
    pub fn write(self, response: &mut Response, uri: &Uri, keys: Keys, total: u64) {
        let headers = response.headers_mut();
        headers.insert(TOTAL, total.into());
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        if let Ok(link) = HeaderValue::from_str(&self.links(uri, keys, total)) {
            headers.insert(LINK, link);
        }
    }

    fn links(self, uri: &Uri, keys: Keys, total: i64) -> String {
        let Self { number, size } = self;
        let last = (total - 1).div_euclid(size);
        let first = ("first", 0);
        let (next, prev) = (("next", number.saturating_add(1)), ("prev", number - 1));
        let links = if total == 0 {
            vec![first, next, prev]
        } else if last == 0 {
            return link(uri, keys, first, total);
        } else if number >= last {
            vec![first, ("prev", last - 1)]
        } else if number == 0 {
            vec![next, ("last", last)]
        } else {
            vec![first, next, prev, ("last", last)]
        };
        let links = links.into_iter().map(|page| link(uri, keys, page, size));
        links.collect::<Vec<_>>().join(",")
    }
}

fn link(uri: &Uri, keys: Keys, (rel, number): (&str, i64), size: i64) -> String {
    let mut query = Params::parse(uri.query().unwrap_or(""));
    query.set("page", &number.to_string());
    query.set("per_page", &size.to_string());
    if keys == Keys::All {
        query.set("page_size", &size.to_string());
        query.set("page_token", &token(number.saturating_mul(size)));
    }
    format!("<{}?{}>; rel=\"{rel}\"", uri.path(), query.encode_sorted())
}

fn number(query: &Params, name: &str) -> Option<i64> {
    query.get(name)?.parse().ok()
}

fn size(query: &Params, name: &str, largest: i64) -> i64 {
    let size = number(query, name).unwrap_or(DEFAULT_SIZE);
    size.clamp(1, largest)
}

fn token(offset: i64) -> String {
    BASE64URL_NOPAD.encode(format!(r#"{{"offset":"{offset}","v":2}}"#).as_bytes())
}

/// The offset that a token carries; 0 for what is no token.
fn offset(token: &str) -> i64 {
    let decoded = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap_or_default();
    let value: Value = serde_json::from_slice(&decoded).unwrap_or_default();
    let offset = &value["offset"];
    let number = offset.as_i64();
    number
        .or_else(|| offset.as_str()?.parse().ok())
        .unwrap_or(0)
}
