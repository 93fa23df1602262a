//! Codes and link tokens are stored as their MAC: lower-case hex of HMAC-SHA-512/256, 64 characters (database.md §7.2).
use crate::base::secret::Secret;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512_256;
use subtle::ConstantTimeEq;

/// The secrets in force: the first makes, all are tried.
pub struct MacKeys(Vec<Hmac<Sha512_256>>);

impl MacKeys {
    /// `secrets.cookie`, which falls back to `secrets.default`.
    #[must_use]
    pub fn new(secrets: &[Secret<String>]) -> Self {
        let keyed = |secret: &Secret<String>| {
            Hmac::<Sha512_256>::new_from_slice(secret.expose().as_bytes()).ok()
        };
        Self(secrets.iter().filter_map(keyed).collect())
    }

    /// What is stored for the text. `None` if there are no secrets.
    #[must_use]
    pub fn sign(&self, text: &str) -> Option<String> {
        self.0.first().map(|key| mac(key, text))
    }

    /// All that may be stored for the text, the newest secret's first: for a look-up by it.
    #[must_use]
    pub fn candidates(&self, text: &str) -> Vec<String> {
        self.0.iter().map(|key| mac(key, text)).collect()
    }

    /// Whether that is stored for the text. Takes the same time whichever secret fits, if any.
    #[must_use]
    pub fn matches(&self, text: &str, stored: &str) -> bool {
        self.0.iter().fold(false, |fits, key| {
            fits | bool::from(mac(key, text).as_bytes().ct_eq(stored.as_bytes()))
        })
    }
}

fn mac(key: &Hmac<Sha512_256>, text: &str) -> String {
    let mut mac = key.clone();
    mac.update(text.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[&str]) -> MacKeys {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|s| Secret::new((*s).to_owned()))
            .collect();
        MacKeys::new(&secrets)
    }

    #[test]
    fn every_secret_of_the_list_is_tried() {
        let stored = keys(&["old"]).sign("123456").unwrap_or_default();
        assert_eq!(
            stored,
            "cba22bb8c887a8b77165bdd227c886f878f55537a3416fe4256417adb89cfdfa"
        );
        let both = keys(&["new", "old"]);
        assert!(both.matches("123456", &stored));
        assert!(!both.matches("123457", &stored));
        assert!(!both.matches("123456", &stored[..63]));
        assert!(!keys(&["new"]).matches("123456", &stored));
        assert_eq!(both.candidates("123456").last(), Some(&stored));
        assert_eq!(keys(&[]).sign("123456"), None);
    }
}
