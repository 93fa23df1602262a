//! What counts as an email address: the strict form that schemas ask for (RFC 5322) and a loose one.
//! http-api.md §2.2 has the table of what the reference accepts.

/// The address, if the text is one in the sense of RFC 5322 (`addr-spec`, blanks in front allowed) or of
/// its display form `Name <address>`. A quoted local part comes without its quotes.
#[must_use]
pub fn address(text: &str) -> Option<String> {
    // This stands for bytes that were no text.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let text = text.trim_start_matches([' ', '\t']);
    let spec = match text.strip_suffix('>').and_then(|t| t.rsplit_once('<')) {
        Some((name, spec)) if is_display_name(name) => spec,
        Some(_) => return None,
        None => text,
    };
    let (local, domain) = split_local(spec)?;
    if !is_dot_atom(domain) {
        return None;
    }
    Some(format!("{}@{domain}", local_part(local)?))
}

/// Format `email`: an address of at most 254 bytes whose domain is a host name.
#[must_use]
pub fn is_strict(text: &str) -> bool {
    text.len() <= 254
        && text.rsplit_once('@').is_some_and(|(local, domain)| {
            local.len() <= 64 && is_host_name(domain) && address(text).is_some()
        })
}

/// Format `email_loose`: safe to put in an envelope or a header, dots anywhere in the local part.
#[must_use]
pub fn is_loose(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    text.len() <= 320
        && !local.is_empty()
        && local
            .chars()
            .all(|c| c.is_alphabetic() || is_decimal(c) || ATOM.contains(c) || c == '.')
        && !domain.is_empty()
        && is_lookup_domain(domain)
}

/// A host name of ASCII labels (RFC 1123), a dot at the end allowed.
#[must_use]
pub fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253
        && !name.starts_with('-')
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

/// What RFC 5322 calls `atext`, without letters and digits.
const ATOM: &str = "!#$%&'*+/=?^_`{|}~-";

fn is_decimal(c: char) -> bool {
    c.is_numeric() && c.is_alphanumeric() && !c.is_alphabetic()
}

fn is_atom_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || ATOM.contains(c) || (!c.is_ascii() && !c.is_control())
}

fn is_dot_atom(text: &str) -> bool {
    !text.is_empty()
        && text
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

/// A quoted local part may have an `@` inside.
fn split_local(spec: &str) -> Option<(&str, &str)> {
    if !spec.starts_with('"') {
        return spec.split_once('@');
    }
    let mut escaped = false;
    for (at, c) in spec.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let (local, rest) = spec.split_at(at + 1);
                return Some((local, rest.strip_prefix('@')?));
            }
            _ => {}
        }
    }
    None
}

fn local_part(local: &str) -> Option<String> {
    let Some(quoted) = local.strip_prefix('"').and_then(|l| l.strip_suffix('"')) else {
        return is_dot_atom(local).then(|| local.to_owned());
    };
    let mut plain = String::with_capacity(quoted.len());
    let mut escaped = false;
    for c in quoted.chars() {
        if c.is_control() && c != '\t' {
            return None;
        }
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            plain.push(c);
        }
    }
    (!plain.is_empty() && !escaped).then_some(plain)
}

fn is_display_name(name: &str) -> bool {
    let name = name.trim();
    if let Some(quoted) = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
        return quoted.chars().all(|c| c != '"' && !c.is_control());
    }
    name.chars()
        .all(|c| is_atom_char(c) || c == ' ' || c == '.')
}

/// Valid for looking up by the rules of IDNA (RFC 5891 §5).
fn is_lookup_domain(domain: &str) -> bool {
    domain
        .chars()
        .all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        && url::Host::parse(domain).is_ok_and(|host| match host {
            url::Host::Domain(ascii) => is_host_name(&ascii),
            // Four numbers are labels like any other here.
            url::Host::Ipv4(_) => true,
            url::Host::Ipv6(_) => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_addresses() {
        for good in [
            "ada@example.org",
            "ada@localhost",
            " ada@example.org",
            "\"a b\"@example.org",
            "\u{fc}@example.org",
            "a+b@example.org",
        ] {
            assert!(is_strict(good), "{good:?}");
        }
        for bad in [
            "",
            "no address",
            "a..b@example.org",
            "a.@example.org",
            "ada@example.org ",
            "ada@[127.0.0.1]",
            "ada@-example.org",
            "ada@\u{fc}.org",
            "@example.org",
            "ada@",
        ] {
            assert!(!is_strict(bad), "{bad:?}");
        }
    }

    #[test]
    fn loose_addresses() {
        for good in [
            "ada@example.org",
            "a..b.@example.org",
            "ada@b\u{fc}cher.example",
            "ada@localhost",
        ] {
            assert!(is_loose(good), "{good:?}");
        }
        for bad in [
            "",
            " ada@example.org",
            "ada@example.org\r\nBcc: x@example.org",
            "Ada <ada@example.org>",
            "a@b@example.org",
            "\"a b\"@example.org",
            "ada@",
        ] {
            assert!(!is_loose(bad), "{bad:?}");
        }
    }
}
