//! Opaque tokens that only this server can make: page tokens (database.md §7.4).
//!
//! URL-safe base64 of nonce, ciphertext and tag of XChaCha20-Poly1305. The purpose is additional data, so that a token
//! made for one thing is none for another; key is SHA-512/256 of the secret.
use crate::base::random::{self, Random};
use crate::base::secret::Secret;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use data_encoding::BASE64URL;
use sha2::{Digest, Sha512_256};

/// The purpose of page tokens.
pub const PAGE_TOKEN: &str = "ory/keysetpagination_v2/page_token";
/// Longer ones are not looked at.
const MOST_BYTES: usize = 8192;

/// The secrets in force: the first seals, all open.
pub struct Seal(Vec<Secret<[u8; 32]>>);

impl Seal {
    /// `secrets.pagination`. The reference uses a publicly known key if there are none; hand in something of this
    /// installation instead.
    #[must_use]
    pub fn new(secrets: &[Secret<String>]) -> Self {
        let key = |secret: &Secret<String>| {
            Secret::new(Sha512_256::digest(secret.expose().as_bytes()).into())
        };
        Self(secrets.iter().map(key).collect())
    }

    /// `None` if there are no secrets.
    #[must_use]
    pub fn seal(&self, purpose: &str, content: &[u8], dice: &dyn Random) -> Option<String> {
        let key = self.0.first()?.expose();
        let nonce: [u8; 24] = random::bytes(dice);
        let payload = Payload {
            msg: content,
            aad: purpose.as_bytes(),
        };
        let cipher = XChaCha20Poly1305::new(key.into());
        let sealed = cipher.encrypt(&nonce.into(), payload).ok()?;
        Some(BASE64URL.encode(&[nonce.as_slice(), &sealed].concat()))
    }

    /// The content, if the token was sealed here for that purpose.
    #[must_use]
    pub fn open(&self, purpose: &str, token: &str) -> Option<Vec<u8>> {
        if token.len() > MOST_BYTES {
            return None;
        }
        let sealed = BASE64URL.decode(token.as_bytes()).ok()?;
        let (nonce, body) = sealed.split_first_chunk::<24>()?;
        self.0.iter().find_map(|key| {
            let payload = Payload {
                msg: body,
                aad: purpose.as_bytes(),
            };
            let cipher = XChaCha20Poly1305::new(key.expose().into());
            cipher.decrypt(nonce.into(), payload).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    fn seal(secrets: &[&str]) -> Seal {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|s| Secret::new((*s).to_owned()))
            .collect();
        Seal::new(&secrets)
    }

    #[test]
    fn a_token_serves_its_purpose_only() {
        let token = seal(&["old"]).seal(PAGE_TOKEN, b"{}", &SeededRandom::new(1));
        let token = token.unwrap_or_default();
        let both = seal(&["new", "old"]);
        assert_eq!(
            both.open(PAGE_TOKEN, &token).as_deref(),
            Some(b"{}".as_slice())
        );
        assert_eq!(both.open("another", &token), None);
        assert_eq!(seal(&["new"]).open(PAGE_TOKEN, &token), None);
    }

    #[test]
    fn changed_and_cut_tokens_open_nothing() {
        let seal = seal(&["secret"]);
        let token = seal.seal(PAGE_TOKEN, b"{\"e\":1}", &SeededRandom::new(1));
        let token = token.unwrap_or_default();
        for at in 0..token.len() {
            assert_eq!(seal.open(PAGE_TOKEN, &token[..at]), None);
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8_lossy(&changed).into_owned();
            assert_eq!(seal.open(PAGE_TOKEN, &changed), None);
        }
    }
}
