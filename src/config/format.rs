//! The formats that the schema asks for, as lenient as the reference's: what Go's parser takes for a URL is one.
use url::Url;

/// An absolute URL.
pub(super) fn is_uri(text: &str) -> bool {
    scheme(text).is_some() && is_uri_reference(text)
}

/// A URL or a part of one. Little is refused: control characters, bad percent signs outside of the query,
/// a colon in the first step of a path without a scheme, a host or port that cannot be.
pub(super) fn is_uri_reference(text: &str) -> bool {
    if text.chars().any(|c| c.is_ascii_control()) {
        return false;
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    if !percent_is_fine(fragment) || text.starts_with(':') {
        return false;
    }
    let rest = scheme(text).map_or(text, |scheme| &text[scheme.len() + 1..]);
    let has_scheme = rest.len() != text.len();
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    if has_scheme && !rest.starts_with('/') {
        return true; // opaque: mailto:somebody
    }
    if !has_scheme
        && rest
            .split('/')
            .next()
            .is_some_and(|first| first.contains(':'))
    {
        return false;
    }
    let Some(after) = rest.strip_prefix("//") else {
        return percent_is_fine(rest);
    };
    let (authority, path) = after
        .find('/')
        .map_or((after, ""), |slash| after.split_at(slash));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    percent_is_fine(path) && host_is_fine(host)
}

/// Letters, then letters, digits, plus, minus and dots, up to the colon.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let letter = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let fine = scheme
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (letter && fine).then_some(scheme)
}

fn percent_is_fine(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let bytes = after.as_bytes();
        bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_hexdigit)
    })
}

fn host_is_fine(host: &str) -> bool {
    let port = match host.strip_prefix('[') {
        Some(inside) => match inside.split_once(']') {
            Some((_, port)) => port,
            None => return false,
        },
        None => match host.find(':') {
            Some(colon) => &host[colon..],
            None => "",
        },
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let port_is_fine = port.is_empty() || port.starts_with(':');
    let stranger = |c: char| c == ' ' || "\"<>\\^`{|}".contains(c);
    port_is_fine && digits.chars().all(|c| c.is_ascii_digit()) && !host.contains(stranger)
}

/// RFC 1123, at most 253 characters.
pub(super) fn is_hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
}

/// One bare address of RFC 5322 with a host name behind the last at sign.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && is_hostname(domain)
        && (quoted || (dots && local.chars().all(atom)))
}

/// Absolute, or a path from the root: what the reference can send a browser to.
pub(super) fn is_request_uri(text: &str) -> bool {
    (text.starts_with('/') && is_uri_reference(text)) || is_uri(text)
}

/// The host of an absolute URL, if it has one.
pub(super) fn host(text: &str) -> Option<String> {
    Url::parse(text).ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_generously() {
        for text in [
            "http://127.0.0.1/?flash_info=\"Logged in\"",
            "https://*.example.org",
            "base64://eyJhIjogMX0=",
            "file:///etc/x.json",
            "file://./x.json",
            "exp://app.example.org/callback",
            "mailto:a@b",
            "http://[::1]:4433/",
        ] {
            assert!(is_uri(text), "{text}");
        }
        for text in ["", "/login", "login", "?a=b", "//host/x", "http:", "a/b:c"] {
            assert!(is_uri_reference(text), "{text}");
        }
        for text in ["${KRATOS_URL}", "/login", "://x", "1http://x"] {
            assert!(!is_uri(text), "{text}");
        }
        for text in [
            "http://a b/",
            "http://x:port/",
            "/100%",
            "a:b:c d\u{7f}",
            ":x",
            "http://[::1/",
        ] {
            assert!(!is_uri_reference(text), "{text}");
        }
    }

    #[test]
    fn addresses_of_mail() {
        for text in ["no-reply@ory.kratos.sh", "a+b@localhost", "\"a b\"@x.y"] {
            assert!(is_email(text), "{text}");
        }
        for text in [
            "",
            "a",
            "@x",
            "a@",
            "${FROM_EMAIL}",
            "a b@x",
            ".a@x",
            "a@-x",
            "a@x y",
        ] {
            assert!(!is_email(text), "{text}");
        }
    }
}
