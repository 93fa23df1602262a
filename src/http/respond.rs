//! Plain answers in the wire's encoding (http-api.md §2.4): JSON with Go's escapes and a final newline.
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// The type of a JSON body of a success.
pub const JSON: &str = "application/json; charset=utf-8";

/// A success with a JSON body.
#[must_use]
pub fn json(status: u16, body: &impl Serialize) -> Response {
    json_as(status, JSON, body)
}

/// JSON under another name of its type: errors go without a charset.
#[must_use]
pub fn json_as(status: u16, content_type: &'static str, body: &impl Serialize) -> Response {
    write(status, content_type, body, GoEscapes { markup: true })
}

/// A success with a JSON body in which `&`, `<` and `>` stand as they are: links to be copied.
#[must_use]
pub fn json_as_written(status: u16, body: &impl Serialize) -> Response {
    write(status, JSON, body, GoEscapes { markup: false })
}

fn write(
    status: u16,
    content_type: &'static str,
    body: &impl Serialize,
    escapes: GoEscapes,
) -> Response {
    let mut text = Vec::with_capacity(1024);
    let mut writer = serde_json::Serializer::with_formatter(&mut text, escapes);
    if let Err(error) = body.serialize(&mut writer) {
        tracing::error!(%error, "an answer could not be written as JSON");
        return empty(500);
    }
    text.push(b'\n');
    let mut response = empty(status);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    *response.body_mut() = Body::from(text);
    response
}

/// `&`, `<`, `>` (if `markup`) and the two line separators as `\uXXXX`: they occur in strings only.
struct GoEscapes {
    markup: bool,
}

impl Formatter for GoEscapes {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // The first byte of the separators; most texts have none of all these.
        let may_be = |byte: u8| matches!(byte, b'&' | b'<' | b'>' | 0xe2);
        if !fragment.bytes().any(may_be) {
            return writer.write_all(fragment.as_bytes());
        }
        let special = |c| match c {
            '&' | '<' | '>' => self.markup,
            other => matches!(other, '\u{2028}' | '\u{2029}'),
        };
        let mut from = 0;
        for (at, found) in fragment.match_indices(special) {
            writer.write_all(&fragment.as_bytes()[from..at])?;
            let code = found.chars().next().map_or(0, u32::from);
            write!(writer, "\\u{code:04x}")?;
            from = at + found.len();
        }
        writer.write_all(&fragment.as_bytes()[from..])
    }

    /// JSON that was written before.
    fn write_raw_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.write_string_fragment(writer, fragment)
    }
}

/// Words for people.
#[must_use]
pub fn plain(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

/// Nothing to say, which yet goes by the name of JSON: ended sessions are answered so.
#[must_use]
pub fn no_json() -> Response {
    let mut response = empty(204);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// No body.
#[must_use]
pub fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A redirect. A GET (and so a HEAD) gets a line of html with it, as browsers of old wanted.
#[must_use]
pub fn redirect(status: u16, method: &Method, url: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(&ascii(url)) else {
        tracing::error!("a redirect leads to an address that fits no header");
        return empty(500);
    };
    let mut response = empty(status);
    response.headers_mut().insert(LOCATION, location);
    if matches!(*method, Method::GET | Method::HEAD) {
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        let href = ascii(url)
            .replace('&', "&amp;")
            .replace('"', "&#34;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        *response.body_mut() = Body::from(format!("<a href=\"{href}\">Go on</a>.\n"));
    }
    response
}

/// What is not printable ASCII, percent-encoded.
fn ascii(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
