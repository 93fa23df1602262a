//! Which passwords are too weak (flows.md §9.1), as far as it can be said without asking anybody.
use crate::text::{Message, validation as say};

/// The pure part of `selfservice.methods.password.config`.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// In bytes.
    pub min_length: usize,
    pub check_similarity: bool,
}

/// What bcrypt reads of a password, in bytes.
pub const BCRYPT_BYTES: usize = 72;
/// Longer texts are not compared: the comparison costs their product.
const COMPARED_BYTES: usize = 256;
/// So many edits an identifier has to be away.
const MIN_DISTANCE: usize = 5;

/// Why the password must not be used by somebody of this name; nothing: it may.
#[must_use]
pub fn violation(policy: Policy, identifier: &str, password: &str) -> Option<Message> {
    if password.len() < policy.min_length {
        return Some(say::password_short(policy.min_length, password.len()));
    }
    (policy.check_similarity && is_similar(identifier, password))
        .then(say::password_like_identifier)
}

/// Why the password cannot be hashed by bcrypt; nothing: it can.
#[must_use]
pub fn too_long_for_bcrypt(password: &str) -> Option<Message> {
    (password.len() > BCRYPT_BYTES).then(|| say::password_long(BCRYPT_BYTES, password.len()))
}

/// Fewer than five edits apart, or more than half of the password is one piece of the identifier.
/// Upper and lower case are the same.
fn is_similar(identifier: &str, password: &str) -> bool {
    let fits = |text: &str| !text.is_empty() && text.len() <= COMPARED_BYTES;
    if !fits(identifier) || !fits(password) {
        return false;
    }
    let (identifier, password) = (identifier.to_lowercase(), password.to_lowercase());
    if !fits(&identifier) || !fits(&password) {
        return false;
    }
    let (a, b) = (identifier.as_bytes(), password.as_bytes());
    distance(a, b) < MIN_DISTANCE || 2 * longest_common(a, b) > b.len()
}

/// How many bytes have to be inserted, removed or replaced (Levenshtein).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(&mut row[1..]) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        row[0] = i + 1;
    }
    row.last().copied().unwrap_or(a.len())
}

/// The length of the longest piece that both have.
fn longest_common(a: &[u8], b: &[u8]) -> usize {
    let mut longest = 0;
    let mut row = vec![0_usize; b.len()];
    for x in a {
        let mut diagonal = 0;
        for (y, cell) in b.iter().zip(&mut row) {
            let length = if x == y { diagonal + 1 } else { 0 };
            diagonal = std::mem::replace(cell, length);
            longest = longest.max(length);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        min_length: 8,
        check_similarity: true,
    };

    fn id(identifier: &str, password: &str) -> u32 {
        violation(POLICY, identifier, password).map_or(0, |m| m.id)
    }

    #[test]
    fn distances() {
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"", b"abc"), 3);
        assert_eq!(distance(b"abc", b""), 3);
        assert_eq!(distance(b"flaw", b"lawn"), 2);
        assert_eq!(longest_common(b"xabcdy", b"zabcdz"), 4);
        assert_eq!(longest_common(b"abc", b"xyz"), 0);
    }

    #[test]
    fn weak_passwords_are_refused() {
        assert_eq!(id("ada@example.org", "a1b2c3d"), 4_000_032);
        assert_eq!(id("ada@example.org", "ADA@example.org"), 4_000_031);
        assert_eq!(id("ada@example.org", "1ada@example1"), 4_000_031);
        assert_eq!(id("ada@example.org", "kAf3-vuQ9-lomT7"), 0);
        assert_eq!(id("", "kAf3-vuQ9"), 0);
        // Half of the password may be a piece of the identifier, more may not.
        assert_eq!(id("abcdefgh-long-name", "abcdeVWXYZ"), 0);
        assert_eq!(id("abcdefgh-long-name", "abcdefVWXYZ"), 4_000_031);
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert_eq!(id("", "\u{fc}\u{fc}\u{fc}\u{fc}"), 0);
        assert!(too_long_for_bcrypt(&"a".repeat(72)).is_none());
        assert_eq!(
            too_long_for_bcrypt(&"a".repeat(80)).map(|m| m.id),
            Some(4_000_033)
        );
    }

    #[test]
    fn long_texts_are_not_compared() {
        let long = "a".repeat(257);
        assert_eq!(id(&long, &long), 0);
        // A letter that grows in lower case.
        let grows = "\u{130}".repeat(128);
        assert_eq!(id(&grows, &grows), 0);
    }
}
