//! Encryption of what is stored: provider tokens in credentials and the OIDC state (config-cli.md §3.2).
//!
//! The text is lower-case hex of nonce, ciphertext and tag, without additional data; `noop` is hex of the plaintext.
//! Nothing in it names the algorithm, so a changed `ciphers.algorithm` cannot read what the old one wrote.
use crate::base::random::{self, Random};
use crate::base::secret::Secret;
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit};
use chacha20poly1305::XChaCha20Poly1305;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

/// `ciphers.algorithm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// No encryption: readable and forgeable.
    #[default]
    Noop,
    /// AES-256-GCM, nonce of 12 bytes.
    Aes,
    /// XChaCha20-Poly1305, nonce of 24 bytes.
    XChaCha20Poly1305,
}

/// Why a text cannot be encrypted or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    #[error("an encryption algorithm is configured, but `secrets.cipher` has no entry of 32 bytes")]
    NoKey,
    /// Not hex, cut, changed, or written with another secret or algorithm.
    #[error("the stored text cannot be decrypted")]
    Unreadable,
    #[error("the text is too long to be encrypted")]
    TooLong,
}

/// The algorithm and the secrets in force.
pub struct Cipher {
    algorithm: Algorithm,
    keys: Vec<Secret<[u8; 32]>>,
}

impl Cipher {
    /// The secrets' bytes are the keys.
    #[must_use]
    pub fn new(algorithm: Algorithm, secrets: &[&[u8; 32]]) -> Self {
        let keys = secrets.iter().map(|key| Secret::new(**key)).collect();
        Self { algorithm, keys }
    }

    /// Encrypts with the first secret. Nothing stays nothing.
    pub fn encrypt(&self, plaintext: &[u8], dice: &dyn Random) -> Result<String, CipherError> {
        if plaintext.is_empty() {
            return Ok(String::new());
        }
        if self.algorithm == Algorithm::Noop {
            return Ok(HEXLOWER.encode(plaintext));
        }
        let key = self.keys.first().ok_or(CipherError::NoKey)?.expose();
        let sealed = if self.algorithm == Algorithm::Aes {
            let nonce: [u8; 12] = random::bytes(dice);
            let sealed = Aes256Gcm::new(key.into()).encrypt(&nonce.into(), plaintext);
            sealed.map(|sealed| [nonce.as_slice(), &sealed].concat())
        } else {
            let nonce: [u8; 24] = random::bytes(dice);
            let sealed = XChaCha20Poly1305::new(key.into()).encrypt(&nonce.into(), plaintext);
            sealed.map(|sealed| [nonce.as_slice(), &sealed].concat())
        };
        sealed
            .map(|sealed| HEXLOWER.encode(&sealed))
            .map_err(|_| CipherError::TooLong)
    }

    /// Decrypts with whichever secret fits. Nothing stays nothing.
    pub fn decrypt(&self, text: &str) -> Result<Vec<u8>, CipherError> {
        let sealed = HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .map_err(|_| CipherError::Unreadable)?;
        if sealed.is_empty() || self.algorithm == Algorithm::Noop {
            return Ok(sealed);
        }
        if self.keys.is_empty() {
            return Err(CipherError::NoKey);
        }
        let open = |key: &Secret<[u8; 32]>| self.open(key.expose(), &sealed);
        self.keys
            .iter()
            .find_map(open)
            .ok_or(CipherError::Unreadable)
    }

    fn open(&self, key: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
        if self.algorithm == Algorithm::Aes {
            let (nonce, body) = sealed.split_first_chunk::<12>()?;
            Aes256Gcm::new(key.into()).decrypt(nonce.into(), body).ok()
        } else {
            let (nonce, body) = sealed.split_first_chunk::<24>()?;
            let cipher = XChaCha20Poly1305::new(key.into());
            cipher.decrypt(nonce.into(), body).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    const FIRST: &[u8; 32] = b"0123456789abcdef0123456789abcdef";
    const SECOND: &[u8; 32] = b"secret-thirty-two-character-long";

    #[test]
    fn what_is_encrypted_is_read_with_every_secret_of_the_list() -> Result<(), CipherError> {
        let dice = SeededRandom::new(1);
        for (algorithm, overhead) in [(Algorithm::Aes, 28), (Algorithm::XChaCha20Poly1305, 40)] {
            let old = Cipher::new(algorithm, &[FIRST]);
            let new = Cipher::new(algorithm, &[SECOND, FIRST]);
            let other = Cipher::new(algorithm, &[SECOND]);
            let text = old.encrypt(b"token", &dice)?;
            assert_eq!(text.len(), 2 * (5 + overhead));
            assert_ne!(text, old.encrypt(b"token", &dice)?, "nonces repeat");
            assert_eq!(new.decrypt(&text)?, b"token");
            assert_eq!(other.decrypt(&text), Err(CipherError::Unreadable));
            for cut in 1..text.len() {
                let cut = text.get(..cut).unwrap_or_default();
                assert_eq!(old.decrypt(cut), Err(CipherError::Unreadable), "{cut}");
            }
        }
        Ok(())
    }

    #[test]
    fn without_encryption_the_text_is_hex() -> Result<(), CipherError> {
        let cipher = Cipher::new(Algorithm::Noop, &[]);
        assert_eq!(cipher.encrypt(b"abc", &SeededRandom::new(1))?, "616263");
        assert_eq!(cipher.decrypt("616263")?, b"abc");
        assert_eq!(cipher.decrypt("6162z3"), Err(CipherError::Unreadable));
        Ok(())
    }

    #[test]
    fn nothing_stays_nothing_and_no_key_is_said() -> Result<(), CipherError> {
        let cipher = Cipher::new(Algorithm::Aes, &[FIRST]);
        assert_eq!(cipher.encrypt(b"", &SeededRandom::new(1))?, "");
        assert_eq!(cipher.decrypt("")?, b"");
        let none = Cipher::new(Algorithm::XChaCha20Poly1305, &[]);
        assert_eq!(
            none.encrypt(b"x", &SeededRandom::new(1)),
            Err(CipherError::NoKey)
        );
        Ok(())
    }

    /// Written by another implementation of AES-256-GCM and XChaCha20-Poly1305.
    #[test]
    fn foreign_texts_are_read() -> Result<(), CipherError> {
        let aes = Cipher::new(Algorithm::Aes, &[SECOND]);
        assert_eq!(aes.decrypt(AES_TEXT)?, b"provider token");
        Ok(())
    }
    const AES_TEXT: &str =
        "6e6f6e63652d6f662d31322de61e8808b035f32571a733b409fb01a0880a0c2e0f1d2223ba3a9663d189";
}
