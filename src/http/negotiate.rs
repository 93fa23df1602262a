//! Which answer a client wants to read (http-api.md §2.1): three predicates, not one.
use super::headers;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

/// `Accept` picked JSON, or the body says exactly `application/json`.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let announced = headers
        .get(CONTENT_TYPE)
        .is_some_and(|v| v.as_bytes() == b"application/json");
    announced || best(headers, &WIDE) == "application/json"
}

/// `Accept` picked JSON out of JSON and html.
#[must_use]
pub fn accepts_json(headers: &HeaderMap) -> bool {
    best(headers, &["text/html", "application/json"]) == "application/json"
}

/// `Accept` picked html.
#[must_use]
pub fn is_browser(headers: &HeaderMap) -> bool {
    best(headers, &WIDE) == "text/html"
}

const WIDE: [&str; 4] = ["text/html", "text/*", "*/*", "application/json"];

/// The offer that `Accept` likes best; the first one where it says nothing or nothing fits. On equal quality the
/// more specific range wins, then the earlier offer.
fn best(headers: &HeaderMap, offers: &[&'static str]) -> &'static str {
    let ranges: Vec<Range> = headers::all(headers, ACCEPT)
        .flat_map(|line| ranges(&line))
        .collect();
    let mut chosen = (offers[0], -1.0_f32, 3_u8);
    for offer in offers {
        for range in &ranges {
            let Some(distance) = range.distance(offer) else {
                continue;
            };
            if range.quality > chosen.1
                || ((range.quality - chosen.1).abs() < f32::EPSILON && distance < chosen.2)
            {
                chosen = (offer, range.quality, distance);
            }
        }
    }
    if chosen.1 == 0.0 { offers[0] } else { chosen.0 }
}

struct Range {
    value: String,
    quality: f32,
}

impl Range {
    /// 0: named, 1: by its kind, 2: by `*/*`; `None`: not covered.
    fn distance(&self, offer: &str) -> Option<u8> {
        if self.value == "*/*" {
            return Some(2);
        }
        if let Some(kind) = self.value.strip_suffix('*').filter(|k| k.ends_with('/')) {
            return offer.starts_with(kind).then_some(1);
        }
        (self.value == offer).then_some(0)
    }
}

/// Reads `a/b;q=0.5, c/d`. A parameter other than `q` ends the reading of the header.
fn ranges(header: &str) -> Vec<Range> {
    let mut out = vec![];
    for part in header.split(',') {
        let mut pieces = part.split(';');
        let value = pieces.next().unwrap_or("").trim().to_ascii_lowercase();
        if value.is_empty() {
            break;
        }
        let mut quality = 1.0;
        for parameter in pieces {
            match parameter
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.trim().parse::<f32>().ok())
            {
                Some(q) if (0.0..=1.0).contains(&q) => quality = q,
                _ => return out,
            }
        }
        out.push(Range { value, quality });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(value) = accept.parse() {
            headers.insert(ACCEPT, value);
        }
        headers
    }

    #[test]
    fn json_is_chosen_only_where_it_is_liked_best() {
        for (accept, json, accepted) in [
            ("", false, false),
            ("*/*", false, false),
            ("application/json", true, true),
            ("application/json, text/plain, */*", true, true),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                false,
                false,
            ),
            ("text/html;q=0.5, application/json", true, true),
            ("text/html, application/json;q=0.9", false, false),
            ("text/*", false, false),
            ("application/xml", false, false),
            ("application/json; charset=utf-8", false, false),
        ] {
            let headers = headers(accept);
            assert_eq!(
                (is_json(&headers), accepts_json(&headers)),
                (json, accepted),
                "{accept}"
            );
        }
    }

    #[test]
    fn the_type_of_the_body_counts_only_without_parameters() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        assert!(is_json(&headers) && !accepts_json(&headers));
        headers.insert(
            CONTENT_TYPE,
            "application/json; charset=utf-8".parse().unwrap(),
        );
        assert!(!is_json(&headers));
    }
}
