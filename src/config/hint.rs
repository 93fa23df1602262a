//! What an operator may have meant: near words, keys of older versions, and what must not be shown.
use super::schema::PATHS;

/// The word that is closest to the given one, if it is close.
pub(crate) fn nearest<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let word = word.to_lowercase().replace('-', "_");
    words
        .map(|candidate| (distance(&word, &candidate.replace('-', "_")), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            if i == 0 || j == 0 {
                rows[i][j] = i + j;
                continue;
            }
            let changed = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

/// Keys that were legal in older versions of the reference, and what stands for them today.
const RENAMED: &[(&str, &str)] = &[
    (
        "selfservice.whitelisted_return_urls",
        "now selfservice.allowed_return_urls",
    ),
    (
        "identity.default_schema_url",
        "now an entry of identity.schemas, named by identity.default_schema_id",
    ),
    (
        "serve.public.domain_aliases",
        "gone; addresses follow serve.public.base_url",
    ),
    ("serve.public.urls", "now serve.public.base_url"),
    ("urls", "now under selfservice and serve"),
    ("hashers.argon2.min_memory", "now hashers.argon2.memory"),
    ("session.cookie.lifespan", "now session.lifespan"),
    ("selfservice.strategies", "now selfservice.methods"),
    ("selfservice.methods.saml", "not part of this server"),
    (
        "log.additional_redacted_headers",
        "not a key here; tokens and cookies are never logged",
    ),
];

/// Why a key is refused.
pub(super) fn unknown_key(pointer: &str, key: &str, allowed: &[String]) -> String {
    let dotted = super::node::dotted(pointer);
    if let Some((_, now)) = RENAMED.iter().find(|(old, _)| *old == dotted) {
        return format!("there is no such key any more: {now}");
    }
    let near = nearest(key, allowed.iter().map(String::as_str));
    let mut text = "there is no such key".to_owned();
    if let Some(near) = near {
        text.push_str(&format!("; did you mean `{near}`?"));
    } else if let Some(elsewhere) = elsewhere(key) {
        text.push_str(&format!(" here; did you mean `{elsewhere}`?"));
    } else if !allowed.is_empty() && allowed.len() <= 12 {
        text.push_str(&format!(" here; possible: {}", allowed.join(", ")));
    }
    text
}

/// The only other place with a key of that name.
fn elsewhere(key: &str) -> Option<&'static str> {
    let mut places = PATHS.iter().filter(|(name, path)| {
        path.steps.last().is_some_and(|last| last == key) && !name.contains('#')
    });
    let first = places.next()?;
    places.next().is_none().then_some(first.0.as_str())
}

/// Why a missing key is missed.
pub(super) fn missing(pointer: &str) -> String {
    match pointer {
        "/dsn" => "is missing: the address of the database (also as environment variable DSN)",
        "/identity" | "/identity/schemas" => {
            "is missing: at least one schema with id and url says what an identity is"
        }
        "/selfservice" | "/selfservice/default_browser_return_url" => {
            "is missing: the address that browsers go to when nothing else says"
        }
        "/secrets/cipher" => "is missing: ciphers.algorithm needs a secret of 32 characters",
        _ => "is missing",
    }
    .to_owned()
}

/// Why a word is refused that has to be one of several.
pub(super) fn none_of(shown: &str, given: Option<&str>, words: &[&str]) -> String {
    let mut text = format!("{shown} is none of {}", words.join(", "));
    if let Some(near) = given.and_then(|given| nearest(given, words.iter().copied())) {
        text.push_str(&format!("; did you mean `{near}`?"));
    }
    text
}

/// Whether there is a hook of that name, wherever it may run.
pub(super) fn is_hook(name: &str) -> bool {
    const HOOKS: [&str; 10] = [
        "session",
        "revoke_active_sessions",
        "require_verified_address",
        "verification",
        "show_verification_ui",
        "verify_new_address",
        "notify_previous_addresses",
        "web_hook",
        "b2b_sso",
        "organization",
    ];
    HOOKS.contains(&name)
}

/// Whether a value at that place may be secret, and so must not be shown.
pub(super) fn is_secret(pointer: &str) -> bool {
    const NAMES: [&str; 9] = [
        "dsn",
        "connection_uri",
        "client_secret",
        "apple_private_key",
        "authorization_header",
        "base64",
        "password",
        "value",
        "user",
    ];
    let mut steps = pointer.split('/').rev();
    let last = steps.next().unwrap_or_default();
    let before = steps.next().unwrap_or_default();
    pointer.starts_with("/secrets") || NAMES.contains(&last) || before == "headers"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found() {
        assert_eq!(
            nearest("lifspan", ["ui_url", "lifespan"].into_iter()),
            Some("lifespan")
        );
        assert_eq!(
            nearest("min-password-lenght", ["min_password_length"].into_iter()),
            Some("min_password_length")
        );
        assert_eq!(
            nearest("nonsense", ["lifespan", "ui_url"].into_iter()),
            None
        );
    }

    #[test]
    fn secrets_are_known_by_their_place() {
        for pointer in [
            "/dsn",
            "/secrets/cookie/0",
            "/courier/smtp/connection_uri",
            "/oauth2_provider/headers/X",
        ] {
            assert!(is_secret(pointer), "{pointer}");
        }
        assert!(!is_secret("/session/lifespan"));
    }
}
