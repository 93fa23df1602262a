//! The cookies: reading them, and writing what an answer changes (http-api.md §4.1, §5.1).
use crate::base::id::ContainerId;
use crate::config::{Config, SameSite};
use crate::crypto::csrf::{self, CsrfToken};
use crate::crypto::securecookie::{CookieCodec, Entries};
use crate::flow::cookies::{CookieChanges, SessionCookie};
use crate::flow::cx::{Cx, SentCookie};
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use axum::http::request::Parts;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, UtcOffset};

/// More cookies in one request than these are taken for none.
const MOST: usize = 3000;
/// Holds the ids of what waits for the browser.
const WAITING: &str = "ory_kratos_continuity";
const WAITING_AGE: Duration = Duration::days(30);
/// More than there are names.
const MOST_WAITING: usize = 32;
/// How long the anti-forgery cookie lives, in seconds.
const CSRF_MAX_AGE: i64 = 31_536_000;
/// How old a session cookie may be that ends with the browser.
const UNBOUNDED_AGE: Duration = Duration::days(30);
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// Names and values of all `Cookie` headers, in order.
#[must_use]
pub fn parse(headers: &HeaderMap) -> Vec<(String, String)> {
    pairs(headers)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The same, not copied. As in Go, what is no cookie is passed over without harm to the others, and of too many none
/// counts.
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let parts = || {
        let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        lines.flat_map(|line| line.split(|byte| *byte == b';'))
    };
    let too_many = parts().nth(MOST).is_some();
    parts().filter_map(pair).filter(move |_| !too_many)
}

fn pair(part: &[u8]) -> Option<(&str, &str)> {
    let part = std::str::from_utf8(part).ok()?.trim_ascii();
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let name = name.trim_ascii();
    let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
    let value = value
        .strip_prefix('"')
        .and_then(|v| v.strip_suffix('"'))
        .unwrap_or(value);
    let may_stand = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    (is_name && value.bytes().all(may_stand)).then_some((name, value))
}

/// `csrf_token_` and the hash of the public base URL as configured.
#[must_use]
pub fn csrf_name(config: &Config) -> String {
    csrf::cookie_name(&config.public_url())
}

/// The anti-forgery token that this request counts with: the one a layer above has just given out, else its cookie.
#[must_use]
pub fn csrf(config: &Config, head: &Parts, jar: &[(String, String)]) -> Option<CsrfToken> {
    if let Some(given) = head.extensions.get::<GivenCsrf>() {
        return Some(given.0.clone());
    }
    sent_csrf(config, jar)
}

/// A token that the layer for anti-forgery has decided on: new, or chosen out of several cookies.
#[derive(Clone)]
pub struct GivenCsrf(pub CsrfToken);

/// The cookie of the request, if there is one that can be read, and no second one.
#[must_use]
pub fn sent_csrf(config: &Config, jar: &[(String, String)]) -> Option<CsrfToken> {
    let mut tokens = all_csrf(config, jar);
    let first = tokens.next()?;
    tokens.next().is_none().then_some(first).flatten()
}

/// Every cookie of that name; `None` where it cannot be read.
pub fn all_csrf<'j>(
    config: &Config,
    jar: &'j [(String, String)],
) -> impl Iterator<Item = Option<CsrfToken>> + use<'j> {
    let name = csrf_name(config);
    jar.iter()
        .filter(move |(n, _)| *n == name)
        .map(|(_, value)| CsrfToken::from_cookie(value))
}

/// The session's cookie: the first of that name which can be read.
#[must_use]
pub fn session(config: &Config, jar: &[(String, String)], now: OffsetDateTime) -> SentCookie {
    let name = &config.session.cookie.name;
    let age = if config.session.cookie.persistent {
        config.session.lifespan
    } else {
        UNBOUNDED_AGE
    };
    let codec = CookieCodec::of(config);
    let mut found = SentCookie::None;
    for (_, value) in jar.iter().filter(|(n, _)| n == name) {
        found = SentCookie::Unreadable;
        let Some(entries) = codec.decode(name, value, now, age) else {
            continue;
        };
        if let Some(token) = entries.get("session_token").filter(|t| !t.is_empty()) {
            let expires_at = entries
                .get("expires_at")
                .and_then(crate::base::time::parse_rfc3339);
            return SentCookie::Readable {
                token: token.to_owned(),
                expires_at,
            };
        }
    }
    found
}

/// What waits for this browser: names and rows. An entry that cannot be read is none.
#[must_use]
pub fn waiting(
    config: &Config,
    jar: &[(String, String)],
    now: OffsetDateTime,
) -> Vec<(String, ContainerId)> {
    let mut sent = jar.iter().filter(|(name, _)| name == WAITING);
    let Some((_, value)) = sent.next() else {
        return vec![];
    };
    let codec = CookieCodec::of(config);
    let entries = codec.decode(WAITING, value, now, WAITING_AGE);
    let entries = entries.unwrap_or_default();
    let read = |(name, id): (&str, &str)| Some((name.to_owned(), ContainerId::parse(id)?));
    entries.iter().filter_map(read).take(MOST_WAITING).collect()
}

/// The `Set-Cookie` lines of an answer.
pub fn write(cx: &Cx, changes: &CookieChanges, headers: &mut HeaderMap) {
    // A session that ends is taken away before, one that begins is given after the anti-forgery token.
    if let SessionCookie::Clear = &changes.session {
        set(headers, &session_line(cx, None));
    }
    if let Some(token) = changes.new_csrf() {
        set(headers, &csrf_line(&cx.config, token));
    }
    if let Some(waiting) = &changes.waiting {
        set(headers, &waiting_line(cx, waiting));
    }
    if let SessionCookie::Issue { token, expires_at } = &changes.session {
        set(headers, &session_line(cx, Some((token, *expires_at))));
    }
}

/// What waits for the browser. Path and domain are fixed.
fn waiting_line(cx: &Cx, waiting: &[(String, ContainerId)]) -> String {
    let mut entries = Entries::default();
    for (name, id) in waiting {
        entries.set(name, &id.to_string());
    }
    let codec = CookieCodec::of(&cx.config);
    let value = codec.encode(WAITING, &entries, cx.now, cx.dice());
    let mut line = format!("{WAITING}={}", value.unwrap_or_default());
    let life = (WAITING_AGE.whole_seconds(), Some(cx.now + WAITING_AGE));
    attributes(&mut line, "/", "", Some(life));
    line.push_str("; HttpOnly");
    if cx.config.plain_cookie().secure {
        line.push_str("; Secure");
    }
    line.push_str("; SameSite=Lax");
    line
}

fn set(headers: &mut HeaderMap, line: &str) {
    if let Ok(value) = HeaderValue::from_str(line) {
        headers.append(SET_COOKIE, value);
    }
}

/// The anti-forgery cookie with its attributes.
#[must_use]
pub fn csrf_line(config: &Config, token: &CsrfToken) -> String {
    let settings = config.plain_cookie();
    let mut line = format!("{}={}", csrf_name(config), token.cookie_value());
    attributes(
        &mut line,
        settings.path,
        settings.domain,
        Some((CSRF_MAX_AGE, None)),
    );
    line.push_str("; HttpOnly");
    if settings.secure {
        line.push_str("; Secure");
    }
    // Browsers refuse `None` without `Secure`.
    let same_site = if settings.secure {
        settings.same_site
    } else {
        SameSite::Lax
    };
    line.push_str("; SameSite=");
    line.push_str(same_site.word());
    line
}

/// The session's cookie; `None` takes it away.
fn session_line(cx: &Cx, session: Option<(&str, OffsetDateTime)>) -> String {
    let settings = cx.config.session_cookie();
    let name = &cx.config.session.cookie.name;
    let nonce = crate::base::random::letters(cx.dice(), 8);
    let mut entries = Entries::default();
    if let Some((token, expires_at)) = session {
        entries.set("session_token", token);
        entries.set("expires_at", &crate::base::time::rfc3339(expires_at));
    }
    entries.set("nonce", &nonce);
    let codec = CookieCodec::of(&cx.config);
    let value = codec
        .encode(name, &entries, cx.now, cx.dice())
        .unwrap_or_default();
    let life = match session {
        None => Some((0, Some(OffsetDateTime::UNIX_EPOCH + Duration::SECOND))),
        Some((_, expires_at)) if cx.config.session.cookie.persistent => Some((
            (expires_at - cx.now).whole_seconds().max(0),
            Some(expires_at),
        )),
        Some(_) => None,
    };
    let mut line = format!("{name}={value}");
    attributes(&mut line, settings.path, settings.domain, life);
    line.push_str("; HttpOnly");
    if settings.secure {
        line.push_str("; Secure");
    }
    line.push_str("; SameSite=");
    line.push_str(settings.same_site.word());
    line
}

/// Path, domain, and how long it lives: seconds and, if there is one, the moment it ends.
fn attributes(
    line: &mut String,
    path: &str,
    domain: &str,
    life: Option<(i64, Option<OffsetDateTime>)>,
) {
    line.push_str("; Path=");
    line.push_str(path);
    if !domain.is_empty() {
        line.push_str("; Domain=");
        line.push_str(domain.trim_start_matches('.'));
    }
    if let Some((seconds, end)) = life {
        if let Some(date) = end.and_then(|e| e.to_offset(UtcOffset::UTC).format(HTTP_DATE).ok()) {
            line.push_str("; Expires=");
            line.push_str(&date);
        }
        line.push_str(&format!("; Max-Age={seconds}"));
    }
}
