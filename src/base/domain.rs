//! Which names people can register: what lies under such a name belongs to one owner.

/// True if the name is, or lies below, one that somebody has registered: `example.com` and `a.example.co.uk`, but not
/// `com`, `co.uk` or `localhost`.
#[must_use]
pub fn is_registrable(name: &str) -> bool {
    psl::domain_str(name).is_some()
}

/// A pattern with `*` is bounded if everything it can match has one owner: the star ends with its label, and a
/// registrable name follows. A scheme in front and a port behind do not matter. Patterns without a star are bounded.
#[must_use]
pub fn is_bounded(pattern: &str) -> bool {
    let Some((_, behind)) = pattern.rsplit_once('*') else {
        return true;
    };
    let Some((_, name)) = behind.split_once('.') else {
        return false;
    };
    let name = name.split([':', '/']).next().unwrap_or("");
    is_registrable(&name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_needs_a_registrable_name_behind_it() {
        for good in [
            "https://*.example.com",
            "*.a.example.co.uk:8443",
            "https://x.org",
            "https://*.EXAMPLE.com/p",
        ] {
            assert!(is_bounded(good), "{good}");
        }
        for bad in [
            "https://*.com",
            "https://*.co.uk",
            "https://*foo.com",
            "https://www.example.*",
            "*",
            "*.localhost",
        ] {
            assert!(!is_bounded(bad), "{bad}");
        }
    }
}
