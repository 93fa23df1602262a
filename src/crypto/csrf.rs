//! The token that a form must send back: 32 bytes in a cookie, and on the form those bytes under a fresh one-time pad,
//! so that no two pages show the same text (http-api.md §4.1, §4.2).
use crate::base::random::{self, Random};
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const LENGTH: usize = 32;

/// The secret in the cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken([u8; LENGTH]);

impl std::fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// The cookie's name: it follows the public base URL as it is configured.
#[must_use]
pub fn cookie_name(public_base_url: &str) -> String {
    let digest = Sha256::digest(public_base_url.as_bytes());
    format!("csrf_token_{}", HEXLOWER.encode(&digest))
}

impl CsrfToken {
    /// A fresh one.
    #[must_use]
    pub fn random(dice: &dyn Random) -> Self {
        Self(random::bytes(dice))
    }

    /// From the cookie's value: exactly 32 bytes in base64.
    #[must_use]
    pub fn from_cookie(value: &str) -> Option<Self> {
        decode(value)?.try_into().ok().map(Self)
    }

    /// For the cookie.
    #[must_use]
    pub fn cookie_value(&self) -> String {
        BASE64.encode(&self.0)
    }

    /// For a form: 88 characters, different each time.
    #[must_use]
    pub fn mask(&self, dice: &dyn Random) -> String {
        let pad: [u8; LENGTH] = random::bytes(dice);
        BASE64.encode(&[pad, xor(&self.0, &pad)].concat())
    }

    /// From what a form sent or a flow keeps: masked, or plain as some clients send it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::from_masked(text).or_else(|| Self::from_cookie(text))
    }

    /// From what was sent, masked only: what requests outside flows must send.
    #[must_use]
    pub fn from_masked(text: &str) -> Option<Self> {
        let bytes: [u8; 2 * LENGTH] = decode(text)?.try_into().ok()?;
        let (pad, rest) = bytes.split_first_chunk::<LENGTH>()?;
        rest.try_into().ok().map(|masked| Self(xor(masked, pad)))
    }

    /// Whether the sent text stands for this token, in constant time.
    #[must_use]
    pub fn matches(&self, sent: &str) -> bool {
        Self::read(sent).is_some_and(|sent| sent.0.ct_eq(&self.0).into())
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    // Anything longer is no token.
    if text.len() > 2 * LENGTH * 2 {
        return None;
    }
    BASE64.decode(text.as_bytes()).ok()
}

fn xor(a: &[u8; LENGTH], b: &[u8; LENGTH]) -> [u8; LENGTH] {
    let mut out = *a;
    for (out, b) in out.iter_mut().zip(b) {
        *out ^= b;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn a_masked_token_differs_each_time_and_means_the_same() {
        let dice = SeededRandom::new(1);
        let token = CsrfToken::random(&dice);
        let (a, b) = (token.mask(&dice), token.mask(&dice));
        assert_ne!(a, b);
        assert_eq!(a.len(), 88);
        assert!(token.matches(&a) && token.matches(&b));
        assert!(token.matches(&token.cookie_value()));
        assert_eq!(CsrfToken::from_masked(&token.cookie_value()), None);
        assert_eq!(CsrfToken::from_cookie(&a), None);
        let cookie = CsrfToken::from_cookie(&token.cookie_value());
        assert_eq!(cookie.as_ref(), Some(&token));
    }

    #[test]
    fn foreign_changed_and_cut_tokens_do_not_match() {
        let dice = SeededRandom::new(2);
        let token = CsrfToken::random(&dice);
        let sent = token.mask(&dice);
        assert!(!token.matches(&CsrfToken::random(&dice).mask(&dice)));
        assert!(!token.matches(""));
        for at in 0..sent.len() {
            assert!(!token.matches(&sent[..at]));
            let mut changed = sent.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(!token.matches(&String::from_utf8_lossy(&changed)));
        }
    }

    #[test]
    fn the_name_follows_the_url_as_written() {
        let name = cookie_name("http://127.0.0.1:4433/");
        assert_eq!(
            name,
            "csrf_token_806060ca5bf70dff3caa0e5c860002aade9d470a5a4dce73bcfa7ba10778f481"
        );
        assert_ne!(name, cookie_name("http://127.0.0.1:4433"));
    }
}
