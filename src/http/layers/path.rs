//! One spelling per path: what the routes, the anti-forgery rules and the log see is always the same.
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use std::borrow::Cow;

/// The path with `.`, `..` and empty segments resolved, as Go's mux wants it. Begins with a slash; a slash at the end
/// stays.
#[must_use]
pub fn clean(path: &str) -> Cow<'_, str> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let untouched = path.starts_with('/')
        && (inner.is_empty()
            || inner
                .strip_suffix('/')
                .unwrap_or(inner)
                .split('/')
                .all(|s| !matches!(s, "" | "." | "..")));
    if untouched {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&str> = vec![];
    for segment in inner.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let slash = if path.ends_with('/') && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    Cow::Owned(format!("/{}{slash}", kept.join("/")))
}

/// The path with everything decoded that needs no encoding: `%61` is `a`, `%2F` stays. So does `%2E`: encoded dots never
/// lead upwards.
#[must_use]
pub fn decode_unreserved(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, _)) = rest.split_once('%') {
        out.push_str(before);
        let at = path.len() - rest.len() + before.len();
        let decoded = bytes
            .get(at + 1..at + 3)
            .and_then(hex)
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'~'));
        let length = if let Some(character) = decoded {
            out.push(char::from(character));
            3
        } else {
            out.push('%');
            1
        };
        rest = path.get(at + length..).unwrap_or("");
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn hex(pair: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(pair).ok()?;
    u8::from_str_radix(text, 16).ok()
}

/// On the admin listener every path that does not begin with these characters gets them.
#[must_use]
pub fn with_admin_prefix(path: &str) -> Cow<'_, str> {
    if path.starts_with("/admin") {
        return Cow::Borrowed(path);
    }
    let joined = format!("/admin/{path}");
    let cleaned = clean(&joined);
    Cow::Owned(cleaned.strip_suffix('/').unwrap_or(&cleaned).to_owned())
}

/// The same address under another path.
#[must_use]
pub fn replace(uri: &Uri, path: &str) -> Option<Uri> {
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_like_go_does() {
        for (given, cleaned) in [
            ("/", "/"),
            ("", "/"),
            ("/a/b", "/a/b"),
            ("/a/", "/a/"),
            ("//", "/"),
            ("//a", "/a"),
            ("/a//b/", "/a/b/"),
            ("/a/../b", "/b"),
            ("/../../b", "/b"),
            ("/a/./b", "/a/b"),
            ("/a/..", "/"),
        ] {
            assert_eq!(clean(given), cleaned, "{given}");
        }
    }

    #[test]
    fn only_what_needs_no_encoding_is_decoded() {
        for (given, decoded) in [
            ("/health/%61live", "/health/alive"),
            ("/a%2Fb", "/a%2Fb"),
            ("/%2e%2E/x", "/%2e%2E/x"),
            ("/%", "/%"),
            ("/%6", "/%6"),
            ("/%zz%61", "/%zza"),
            ("/ä%61", "/äa"),
            ("/%+1", "/%+1"),
        ] {
            assert_eq!(decode_unreserved(given), decoded, "{given}");
        }
    }

    #[test]
    fn the_admin_prefix_is_a_matter_of_characters() {
        for (given, prefixed) in [
            ("/identities", "/admin/identities"),
            ("/admin/identities", "/admin/identities"),
            ("/administrator", "/administrator"),
            ("/", "/admin"),
            ("/health//alive/", "/admin/health/alive"),
        ] {
            assert_eq!(with_admin_prefix(given), prefixed, "{given}");
        }
    }

    #[test]
    fn a_query_survives_another_path() {
        let uri: Uri = "http://h/a?x=1&y".parse().unwrap();
        assert_eq!(replace(&uri, "/b").unwrap(), "http://h/b?x=1&y");
    }
}
