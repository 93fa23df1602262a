//! Identifiers and addresses in the form in which they are stored and compared (database.md §3.1).
//!
//! Two spellings that look alike must not make two accounts: what is invisible is taken out, letters are
//! lower-cased, look-alikes of width and ligature become the plain letter, telephone numbers become E.164.
//! The rules follow PRECIS (RFC 8264, "freeform" class) over NFKC, but remove where that refuses.
use crate::base::terms::Via;
use phonenumber::Mode;
use regex::Regex;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// What somebody typed as who they are: a telephone number becomes E.164, anything else its canonical text.
/// Never fails; what cannot be understood stays as it is, but for what is invisible.
#[must_use]
pub fn normalize(typed: &str) -> String {
    let text = canonical(typed);
    e164(&text).unwrap_or(text)
}

/// An email address for storing; refuses nothing.
#[must_use]
pub fn normalize_email(typed: &str) -> String {
    canonical(typed)
}

/// An address as its channel wants it.
///
/// # Errors
/// Says in a few words what is wrong, for whoever sent it.
pub fn normalize_address(typed: &str, via: Via) -> Result<String, &'static str> {
    match via {
        Via::Email => {
            let text = strict(typed).ok_or("the address has characters that must not be in it")?;
            super::email::address(&text).ok_or("this is no email address")
        }
        Via::Sms => e164(&fold_width(typed.trim())).ok_or("this is no telephone number"),
    }
}

/// How one writes to an address that somebody typed: what has an `@` is an e-mail address.
#[must_use]
pub fn via_of(address: &str) -> Via {
    if address.contains('@') {
        Via::Email
    } else {
        Via::Sms
    }
}

/// The number in E.164, if it is a valid one in international form.
#[must_use]
pub fn e164(text: &str) -> Option<String> {
    // Longer ones are no numbers, whatever stands in them, and addresses are none; parsing must not be made to work hard.
    if text.len() > 250 || text.contains('@') {
        return None;
    }
    let number = phonenumber::parse(None, text).ok()?;
    phonenumber::is_valid(&number).then(|| number.format().mode(Mode::E164).to_string())
}

/// Lower case, NFKC, nothing invisible.
fn canonical(typed: &str) -> String {
    let typed = typed.trim();
    if is_plain(typed) {
        return typed.to_ascii_lowercase();
    }
    strict(typed).unwrap_or_else(|| {
        let visible: String = typed.nfkc().filter(|c| is_allowed(*c)).collect();
        visible.to_lowercase()
    })
}

/// The same, or nothing if the text has what must not be in it or mixes directions of writing.
fn strict(typed: &str) -> Option<String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return None;
    }
    if is_plain(typed) {
        return Some(typed.to_ascii_lowercase());
    }
    // Lower-casing first finds the small letter that fits; taking letters apart may bring capitals back.
    let text: String = lower(&fold_width(typed)).nfkc().collect();
    let text: String = lower(&text).nfkc().collect();
    let good = |text: &str| {
        let chars: Vec<char> = text.chars().collect();
        (0..chars.len()).all(|at| is_allowed(chars[at]) || fits(&chars, at))
    };
    (good(typed) && good(&text) && !mixes_directions(&text)).then_some(text)
}

/// A sigma that ends a word becomes the final one, but not at the end of the text: so it is stored.
fn lower(text: &str) -> String {
    let mut lowered = format!("{text}a").to_lowercase();
    lowered.pop();
    lowered
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// Full-width and half-width letters and digits become the usual ones.
fn fold_width(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\u{3000}' | '\u{ff01}'..='\u{ffee}') {
            out.extend(std::iter::once(c).nfkc());
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether the class has the character anywhere in a text, and it can be seen.
fn is_allowed(c: char) -> bool {
    static REFUSED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"[\p{C}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Noncharacter_Code_Point}",
            // All blanks but the one of Ogham, which is a line.
            r"[\p{Zs}\p{Zl}\p{Zp}--\u{1680}]",
            // Parts of syllables that are no letters of their own.
            r"\u{1100}-\u{11ff}\u{a960}-\u{a97f}\u{d7b0}-\u{d7ff}",
            // Stretches and repeats (RFC 5892 §2.6).
            r"\u{640}\u{7fa}\u{302e}\u{302f}\u{3031}-\u{3035}\u{303b}",
            // Only in the right company, see `fits`.
            r"\u{b7}\u{375}\u{5f3}\u{5f4}\u{660}-\u{669}\u{6f0}-\u{6f9}]",
        ))
        .expect("a valid pattern")
    });
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let mut buffer = [0; 4];
    !REFUSED.is_match(c.encode_utf8(&mut buffer))
}

/// Whether a character that is good only beside certain others (RFC 5892, appendix A) stands well.
fn fits(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|i| chars.get(i).copied());
    let after = chars.get(at + 1).copied();
    let has = |from: char, to: char| chars.iter().any(|c| (from..=to).contains(c));
    match chars[at] {
        '\u{b7}' => before == Some('l') && after == Some('l'),
        '\u{375}' => {
            after.is_some_and(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}'))
        }
        '\u{5f3}' | '\u{5f4}' => before.is_some_and(|c| matches!(c, '\u{591}'..='\u{5f4}')),
        '\u{660}'..='\u{669}' => !has('\u{6f0}', '\u{6f9}'),
        '\u{6f0}'..='\u{6f9}' => !has('\u{660}', '\u{669}'),
        _ => false,
    }
}

/// Letters written from the left next to letters written from the right (in effect RFC 5893 §2).
fn mixes_directions(text: &str) -> bool {
    static FROM_RIGHT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"[\p{Hebrew}\p{Arabic}\p{Syriac}\p{Thaana}\p{Nko}\p{Samaritan}\p{Mandaic}\p{Adlam}\p{Mende_Kikakui}&&\p{L}]",
        )
        .expect("a valid pattern")
    });
    let mut buffer = [0; 4];
    let mut right = false;
    let mut left = false;
    for c in text.chars() {
        if matches!(c, '\u{660}'..='\u{669}') {
            // These digits belong to texts that are read from the right, and begin none.
            right = true;
        } else if c.is_alphabetic()
            && !c.is_ascii()
            && FROM_RIGHT.is_match(c.encode_utf8(&mut buffer))
        {
            right = true;
        } else if c.is_alphabetic() {
            left = true;
        }
    }
    right && left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_look_alike_are_one_identifier() {
        for (typed, stored) in [
            ("  Ada@Example.ORG ", "ada@example.org"),
            ("Ada", "ada"),
            ("al\u{200b}ice@example.com", "alice@example.com"),
            ("\u{202a}alice@example.com\u{202c}", "alice@example.com"),
            ("alice\u{3164}", "alice"),
            ("ali\u{fe0f}ce", "alice"),
            (
                "\u{ff41}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}@example.com",
                "alice@example.com",
            ),
            ("\u{ff21}lice\u{200d}", "alice"),
            ("o\u{fb03}ce", "office"),
            ("a\u{a0}b", "a b"),
            ("\u{1d5ba}da", "ada"),
            ("  ", ""),
        ] {
            assert_eq!(normalize(typed), stored, "{typed:?}");
        }
    }

    #[test]
    fn valid_numbers_become_e164() {
        for (typed, stored) in [
            ("+1 650-253-0000", "+16502530000"),
            ("+44 20 7946 0958", "+442079460958"),
            ("+49 176 671 11 638", "+4917667111638"),
            ("+49 0176 67111638", "+4917667111638"),
            ("0176 67111638", "0176 67111638"),
            ("12", "12"),
        ] {
            assert_eq!(normalize(typed), stored, "{typed:?}");
        }
        assert_eq!(
            normalize_address("+1 (650) 253-0000", Via::Sms).as_deref(),
            Ok("+16502530000")
        );
        assert!(normalize_address("12", Via::Sms).is_err());
    }

    #[test]
    fn what_cannot_be_seen_is_refused_in_an_address() {
        assert!(normalize_address("al\u{200b}ice@example.com", Via::Email).is_err());
        assert!(normalize_address("\u{5d0}\u{5d1}@example.com", Via::Email).is_err());
        assert_eq!(
            normalize_address("Ada@Example.org", Via::Email).as_deref(),
            Ok("ada@example.org")
        );
    }
}
