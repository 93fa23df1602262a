//! What makes a password too weak to be taken (flows.md §9.1). The list of leaked passwords is asked elsewhere.
use crate::config::method::PasswordConfig;
use crate::crypto::hash::HasherParams;
use crate::text::{self, Message};

/// Longer texts are not compared: the work grows with the product of their lengths.
const LONGEST_COMPARED: usize = 256;
const FEWEST_CHANGES: usize = 5;
/// bcrypt reads no further.
const BCRYPT_BYTES: usize = 72;

/// Length, then likeness to the identifier.
pub fn check(policy: &PasswordConfig, password: &str, identifier: &str) -> Result<(), Message> {
    let least = policy.min_password_length;
    if password.len() < least {
        return Err(text::validation::password_short(least, password.len()));
    }
    if policy.identifier_similarity_check_enabled && is_alike(password, identifier) {
        return Err(text::validation::password_like_identifier());
    }
    Ok(())
}

/// bcrypt cannot tell passwords apart behind its last byte.
pub fn check_length_for_hasher(hasher: &HasherParams, password: &str) -> Result<(), Message> {
    match hasher {
        HasherParams::Bcrypt { .. } if password.len() > BCRYPT_BYTES => Err(
            text::validation::password_long(BCRYPT_BYTES, password.len()),
        ),
        _ => Ok(()),
    }
}

/// Few changes make one of the other, or more than half of the password stands in the identifier.
fn is_alike(password: &str, identifier: &str) -> bool {
    let (password, identifier) = (password.to_lowercase(), identifier.to_lowercase());
    let fits = |text: &str| !text.is_empty() && text.len() <= LONGEST_COMPARED;
    if !fits(&password) || !fits(&identifier) {
        return false;
    }
    let (a, b) = (password.as_bytes(), identifier.as_bytes());
    changes(a, b) < FEWEST_CHANGES || longest_common(a, b) * 2 > a.len()
}

/// Levenshtein's distance, in bytes.
fn changes(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The length of the longest run of bytes that stands in both.
fn longest_common(a: &[u8], b: &[u8]) -> usize {
    let (mut longest, mut row) = (0, vec![0; b.len() + 1]);
    for x in a {
        for j in (0..b.len()).rev() {
            row[j + 1] = if *x == b[j] { row[j] + 1 } else { 0 };
            longest = longest.max(row[j + 1]);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str, identifier: &str) -> Option<u32> {
        check(&PasswordConfig::default(), password, identifier)
            .err()
            .map(|m| m.id)
    }

    #[test]
    fn short_and_similar_passwords_are_refused() {
        for (password, identifier, id) in [
            ("short", "ada@example.org", Some(4_000_032)),
            ("ada@example.org", "ada@example.org", Some(4_000_031)),
            ("ADA@EXAMPLE.NET", "ada@example.org", Some(4_000_031)),
            ("xx-example.org-yy", "ada@example.org", Some(4_000_031)),
            ("kAf3-vuQ9-lomT7", "ada@example.org", None),
            ("kAf3-vuQ9-lomT7", "", None),
        ] {
            assert_eq!(judged(password, identifier), id, "{password} {identifier}");
        }
    }

    #[test]
    fn what_is_very_long_is_not_compared() {
        let long = "a".repeat(257);
        assert_eq!(judged(&long, &long), None);
        assert_eq!(judged(&"a".repeat(256), &"a".repeat(256)), Some(4_000_031));
    }

    #[test]
    fn distances_are_those_of_the_textbook() {
        assert_eq!(changes(b"kitten", b"sitting"), 3);
        assert_eq!(changes(b"", b"abc"), 3);
        assert_eq!(longest_common(b"xabcdy", b"zabcdw"), 4);
    }
}
