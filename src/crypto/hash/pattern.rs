//! How a foreign system mixed salt and password before a plain digest: a text with `{SALT}` and `{PASSWORD}`.
use super::HashError;
use super::fields::bytes;
use data_encoding::BASE64;

const SALT: &[u8] = b"{SALT}";
const PASSWORD: &[u8] = b"{PASSWORD}";

#[derive(Debug)]
pub(super) struct Pattern {
    text: Vec<u8>,
    salt: Vec<u8>,
}

impl Pattern {
    /// Reads `pf=<base64>` and the salt.
    pub(super) fn parse(pf: &str, salt: &str, format: &'static str) -> Result<Self, HashError> {
        let pf = pf.strip_prefix("pf=").ok_or(HashError::Malformed(format))?;
        Ok(Self {
            text: bytes(&BASE64, pf, format)?,
            salt: bytes(&BASE64, salt, format)?,
        })
    }

    /// A salt that is put behind the password.
    pub(super) fn password_then(salt: Vec<u8>) -> Self {
        Self {
            text: [PASSWORD, SALT].concat(),
            salt,
        }
    }

    /// The pattern with salt and password in their places. What was put in is not looked at again.
    pub(super) fn mix(&self, password: &[u8]) -> Vec<u8> {
        let mut mixed = Vec::with_capacity(self.text.len() + self.salt.len() + password.len());
        let mut rest = self.text.as_slice();
        while let Some((first, after)) = rest.split_first() {
            if let Some(after) = rest.strip_prefix(SALT) {
                mixed.extend_from_slice(&self.salt);
                rest = after;
            } else if let Some(after) = rest.strip_prefix(PASSWORD) {
                mixed.extend_from_slice(password);
                rest = after;
            } else {
                mixed.push(*first);
                rest = after;
            }
        }
        mixed
    }
}
