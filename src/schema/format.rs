//! What each `format` accepts (http-api.md §2.2, table). Formats that are not here are not checked.
use crate::model::{email, identifier};
use jsonschema::ValidationOptions;
use regex::Regex;
use std::net::Ipv6Addr;
use std::sync::LazyLock;
use time::{Date, Month};

type Check = fn(&str) -> bool;

/// Every format that is checked. `no-validate` and the international forms accept everything.
const ALL: &[(&str, Check)] = &[
    ("email", email::is_strict),
    ("email_loose", email::is_loose),
    ("tel", is_phone),
    ("date", is_date),
    ("date-time", is_date_time),
    ("time", is_time),
    ("uri", is_uri),
    ("iri", is_uri),
    ("uri-reference", is_uri_reference),
    ("uriref", is_uri_reference),
    ("iri-reference", is_uri_reference),
    ("uri-template", is_uri_template),
    ("hostname", email::is_host_name),
    ("ipv4", is_ipv4),
    ("ip-address", is_ipv4),
    ("ipv6", is_ipv6),
    ("regex", is_pattern),
    ("json-pointer", is_json_pointer),
    ("relative-json-pointer", is_relative_json_pointer),
    ("idn-email", anything),
    ("idn-hostname", anything),
    ("no-validate", anything),
    ("uuid", anything),
    ("duration", anything),
];

/// Teaches the validator our formats.
pub(crate) fn register(mut options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    for (name, check) in ALL {
        options = options.with_format(*name, *check);
    }
    options
}

fn anything(_: &str) -> bool {
    true
}

/// A valid number in international form.
#[must_use]
pub fn is_phone(text: &str) -> bool {
    identifier::e164(text).is_some()
}

fn two_digits(text: &str) -> Option<u8> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let year = (year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()))
        .then(|| year.parse::<i32>().ok())
        .flatten();
    let month = two_digits(month).and_then(|m| Month::try_from(m).ok());
    match (year, month, two_digits(day)) {
        (Some(year), Some(month), Some(day)) => Date::from_calendar_date(year, month, day).is_ok(),
        _ => false,
    }
}

/// `15:04:05`, a fraction if there is one, and a zone. There is no second 60.
fn is_time(text: &str) -> bool {
    static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"^([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,][0-9]+)?(?:Z|[+-]([0-9]{2}):([0-9]{2}))$",
        )
        .expect("a valid pattern")
    });
    let Some(parts) = SHAPE.captures(text) else {
        return false;
    };
    let below = |group: usize, limit: u8| {
        parts
            .get(group)
            .is_none_or(|m| two_digits(m.as_str()).is_some_and(|n| n < limit))
    };
    below(1, 24) && below(2, 60) && below(3, 60) && below(4, 24) && below(5, 60)
}

fn is_date_time(text: &str) -> bool {
    text.split_once('T')
        .is_some_and(|(date, time)| is_date(date) && is_time(time))
}

/// Splits off the scheme; nothing if the text is no URL at all.
fn parse_url(text: &str) -> Option<(Option<&str>, &str)> {
    if text.is_empty() || text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return None;
    }
    let head = text.split_once('#').map_or(text, |(head, _)| head);
    let (scheme, rest) = match head.find([':', '/', '?']) {
        Some(at) if head[at..].starts_with(':') => {
            let (scheme, rest) = (&head[..at], &head[at + 1..]);
            let good = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
            if !good {
                return None;
            }
            (Some(scheme), rest)
        }
        _ => (None, head),
    };
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    if let Some(authority) = path.strip_prefix("//") {
        let authority = authority.split_once('/').map_or(authority, |(a, _)| a);
        let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
        if !is_host(host) {
            return None;
        }
    }
    has_good_escapes(path).then_some((scheme, rest))
}

fn is_host(host: &str) -> bool {
    let (name, port) = if host.starts_with('[') {
        match host.split_once(']') {
            Some((_, "")) => ("", ""),
            Some((_, port)) => match port.strip_prefix(':') {
                Some(port) => ("", port),
                None => return false,
            },
            None => return false,
        }
    } else {
        host.split_once(':').unwrap_or((host, ""))
    };
    port.bytes().all(|b| b.is_ascii_digit())
        && !name.chars().any(|c| c == ' ' || "<>\"\\^`{}|".contains(c))
}

fn has_good_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        after
            .as_bytes()
            .get(..2)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    })
}

fn is_uri(text: &str) -> bool {
    parse_url(text).is_some_and(|(scheme, _)| scheme.is_some())
}

fn is_uri_reference(text: &str) -> bool {
    text.is_empty() || parse_url(text).is_some()
}

fn is_uri_template(text: &str) -> bool {
    let mut open = false;
    for c in text.chars() {
        match (c, open) {
            ('{', false) => open = true,
            ('}', true) => open = false,
            ('{' | '}', _) => return false,
            _ => {}
        }
    }
    !open && is_uri_reference(&text.replace(['{', '}'], ""))
}

fn is_ipv4(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 4
        && parts.iter().all(|p| {
            !p.is_empty()
                && p.bytes().all(|b| b.is_ascii_digit())
                && p.parse::<u32>().is_ok_and(|n| n <= 255)
        })
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

fn is_pattern(text: &str) -> bool {
    text.len() <= 10_000 && Regex::new(text).is_ok()
}

fn is_json_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/'))
        && text
            .split('~')
            .skip(1)
            .all(|after| after.starts_with(['0', '1']))
}

fn is_relative_json_pointer(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    !number.is_empty()
        && (number == "0" || !number.starts_with('0'))
        && (rest == "#" || is_json_pointer(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, text: &str) -> bool {
        ALL.iter().find(|(name, _)| *name == format).unwrap().1(text)
    }

    #[test]
    fn formats_accept_what_the_table_says() {
        for (format, good) in [
            ("date", "2024-02-29"),
            ("date-time", "2026-07-01T12:34:56Z"),
            ("date-time", "2026-07-01T12:34:56.123+02:00"),
            ("time", "12:34:56.5Z"),
            ("uri", "https://example.org/a?b#c"),
            ("uri", "mailto:ada@example.org"),
            ("uri-reference", "no page"),
            ("uri-template", "https://example.org/{user}"),
            ("tel", "+4917667111638"),
            ("ipv4", "127.0.0.1"),
            ("ipv6", "::1"),
            ("json-pointer", "/a~1b"),
            ("relative-json-pointer", "1/a"),
            ("no-validate", "\u{0}"),
        ] {
            assert!(check(format, good), "{format} {good}");
        }
        for (format, bad) in [
            ("date", "2023-02-29"),
            ("date", "yesterday"),
            ("date", "2023-2-3"),
            ("date-time", "noon"),
            ("date-time", "2026-07-01T12:34:60Z"),
            ("date-time", "2026-07-01 12:34:56Z"),
            ("time", "12:34:56"),
            ("uri", "no page"),
            ("uri", "/path"),
            ("uri", "http://a b/"),
            ("uri", ""),
            ("uri-template", "https://example.org/{user"),
            ("tel", "12"),
            ("tel", "017667111638"),
            ("ipv4", "127.0.0.256"),
            ("ipv6", "1"),
            ("json-pointer", "a"),
            ("regex", "("),
        ] {
            assert!(!check(format, bad), "{format} {bad}");
        }
    }
}
