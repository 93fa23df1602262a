//! Pages of lists (http-api.md §13): the style of page numbers, with its headers.
use crate::base::url::{self, Params};
use axum::http::header::{HeaderName, HeaderValue, LINK};
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

const DEFAULT_SIZE: u64 = 250;
const LARGEST: u64 = 1000;
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Which page is wanted. `number` counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub number: u64,
    pub size: u64,
}

impl Page {
    /// Reads `page_token` and `page_size`, or `page` and `per_page`. What makes no sense is the default.
    #[must_use]
    pub fn read(query: &Params) -> Self {
        let number = |name: &str| query.get(name).and_then(|v| v.parse::<i64>().ok());
        let size = number("page_size")
            .or_else(|| number("per_page"))
            .unwrap_or(250);
        let size = match u64::try_from(size) {
            Ok(size) => size.clamp(1, LARGEST),
            Err(_) => 1,
        };
        let size = if query.get("page_size").or(query.get("per_page")).is_none() {
            DEFAULT_SIZE
        } else {
            size
        };
        let page = match query.get("page_token") {
            Some(token) => offset(token) / size,
            None => number("page")
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(0),
        };
        Self { number: page, size }
    }

    /// Offset and size for a pager that counts from one but is given numbers from zero, so that pages 0 and 1 are
    /// the same: an oddity of the session lists that clients have got used to.
    #[must_use]
    pub fn behind_one(self) -> (u32, u32) {
        let offset = self.number.saturating_sub(1).saturating_mul(self.size);
        (
            u32::try_from(offset).unwrap_or(u32::MAX),
            u32::try_from(self.size).unwrap_or(u32::MAX),
        )
    }

    /// The headers `X-Total-Count` and `Link` for a list of `total` entries at `path`.
    pub fn write(self, response: &mut Response, path: &str, total: u64) {
        let headers = response.headers_mut();
        headers.insert(TOTAL, total.into());
        if let Ok(link) = HeaderValue::from_str(&self.links(path, total)) {
            headers.insert(LINK, link);
        }
    }

    fn links(self, path: &str, total: u64) -> String {
        let last = total.saturating_sub(1) / self.size;
        let link = |rel: &str, page: u64, size: u64| {
            let token = BASE64URL_NOPAD
                .encode(format!(r#"{{"offset":"{}","v":2}}"#, page * size).as_bytes());
            let (page, size) = (page.to_string(), size.to_string());
            let query = [
                ("page", page.as_str()),
                ("page_size", size.as_str()),
                ("page_token", token.as_str()),
                ("per_page", size.as_str()),
            ];
            format!("<{}>; rel=\"{rel}\"", url::with(path, &query))
        };
        let size = self.size;
        let links = if total == 0 {
            vec![
                link("first", 0, size),
                link("next", 1, size),
                link("prev", 0, size),
            ]
        } else if total <= size {
            vec![link("first", 0, total)]
        } else if self.number >= last {
            vec![link("first", 0, size), link("prev", last - 1, size)]
        } else if self.number == 0 {
            vec![link("next", 1, size), link("last", last, size)]
        } else {
            vec![
                link("first", 0, size),
                link("next", self.number + 1, size),
                link("prev", self.number - 1, size),
                link("last", last, size),
            ]
        };
        links.join(",")
    }
}

/// The offset that a token carries; 0 for what is no token.
fn offset(token: &str) -> u64 {
    let decoded = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap_or_default();
    let value: Value = serde_json::from_slice(&decoded).unwrap_or_default();
    value["offset"]
        .as_str()
        .and_then(|o| o.parse().ok())
        .unwrap_or(0)
}
