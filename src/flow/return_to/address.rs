//! An address by the letter: cut into its parts (RFC 3986), nothing resolved, nothing corrected.
use crate::base::url::escapes_are_whole;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;

/// What a header and a browser are better not given raw.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    /// Lower case; empty: none was given.
    pub scheme: String,
    /// With the port, lower case; empty: none was given.
    pub host: String,
    /// Decoded.
    pub path: String,
    /// As it was written: path, query and fragment.
    rest: String,
}

impl Address {
    /// Nothing: it is no address.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.chars().any(|c| c.is_ascii_control()) {
            return None;
        }
        let (scheme, behind) = scheme(text)?;
        let (authority, rest) = match behind.strip_prefix("//") {
            // Three slashes without a scheme begin a path.
            Some(named) if !(scheme.is_empty() && named.starts_with('/')) => {
                named.split_at(named.find(['/', '?', '#']).unwrap_or(named.len()))
            }
            _ => ("", behind),
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
        let user = &authority[..authority.len() - host.len()];
        let path = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        let fragment = rest.split_once('#').map_or("", |(_, f)| f);
        let is_sound = is_host(host)
            && !user.contains(['\\', '%'])
            && escapes_are_whole(path)
            && escapes_are_whole(fragment);
        // `mailto:x` and `http:x` have no path that anything could be compared with.
        let is_opaque = !scheme.is_empty() && authority.is_empty() && !path.starts_with('/');
        let path = if is_opaque { "" } else { path };
        is_sound.then(|| Self {
            scheme: scheme.to_ascii_lowercase(),
            host: host.to_lowercase(),
            path: percent_decode_str(path).decode_utf8_lossy().into_owned(),
            rest: if is_opaque { "" } else { rest }.to_owned(),
        })
    }

    /// The same with what it does not say.
    pub(super) fn behind(mut self, default: &Self) -> Self {
        for (own, other) in [
            (&mut self.scheme, &default.scheme),
            (&mut self.host, &default.host),
        ] {
            if own.is_empty() {
                own.clone_from(other);
            }
        }
        self
    }

    /// The path; an empty one is the root.
    pub(super) fn rooted(&self) -> Cow<'_, str> {
        if self.path.is_empty() {
            "/".into()
        } else {
            (&self.path).into()
        }
    }

    pub(super) fn text(&self) -> String {
        let rest = utf8_percent_encode(&self.rest, UNSAFE);
        format!("{}://{}{rest}", self.scheme, self.host)
    }
}

/// The scheme and what follows its colon; no scheme: empty and everything.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    match text.split_once(':') {
        Some((scheme, behind))
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(is_part) =>
        {
            Some((scheme, behind))
        }
        // Else a colon may stand behind the first slash only: it could be taken for the end of a scheme.
        _ => {
            let first = text.split(['/', '?', '#']).next().unwrap_or("");
            (!first.contains(':')).then_some(("", text))
        }
    }
}

/// A host with or without a port.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(']') {
        Some((name, port)) => (format!("{name}]"), port),
        None => match host.split_once(':') {
            Some((name, _)) => (name.to_owned(), &host[name.len()..]),
            None => (host.to_owned(), ""),
        },
    };
    let brackets = name.starts_with('[') == name.ends_with(']');
    let port = port.strip_prefix(':').unwrap_or(port);
    brackets
        && port.bytes().all(|b| b.is_ascii_digit())
        && !name.contains([' ', '%', '\\', '<', '>', '"', '^', '`', '{', '|', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<[String; 3]> {
        Address::read(text).map(|a| [a.scheme, a.host, a.path])
    }

    #[test]
    fn parts_are_taken_by_the_letter() {
        for (text, expected) in [
            (
                "https://A.example:443/x/../y?z#f",
                ["https", "a.example:443", "/x/../y"],
            ),
            ("HTTP://127.1", ["http", "127.1", ""]),
            ("//a.example/x", ["", "a.example", "/x"]),
            ("///a.example/x", ["", "", "///a.example/x"]),
            ("/x%20y", ["", "", "/x y"]),
            ("?a=%zz", ["", "", ""]),
            ("x", ["", "", "x"]),
            ("https:x", ["https", "", ""]),
            ("https:/x", ["https", "", "/x"]),
            ("https://u:p@a.example/", ["https", "a.example", "/"]),
            ("http://[::1]:80/", ["http", "[::1]:80", "/"]),
        ] {
            assert_eq!(parts(text), Some(expected.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_nothing() {
        for text in [
            "/%zz",
            "/%",
            "#%",
            ":443",
            "1http://x",
            " http://x",
            "http://x\t",
            "http://[::1",
            "http://x:y/",
            "http://a b/",
            "http://a%2eb/",
            "http://a\\@b/",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
