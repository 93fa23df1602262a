//! bcrypt, whatever its minor version: `$2$`, `$2a$`, `$2b$`, `$2y$` and `$2z$` mean the same here as in the reference,
//! the password with a zero byte behind it. It reads 72 bytes; longer passwords are refused, not cut.
use super::HashError;
use super::fields::{same, within};
use crate::base::random::{self, Random};
use data_encoding::{Encoding, Specification};
use std::sync::LazyLock;

const FORMAT: &str = "bcrypt";
/// Bytes of a password that bcrypt reads.
pub const MOST_BYTES: usize = 72;
/// Cost 15 takes some two seconds; every step doubles that.
const MOST_COST: u64 = 15;

/// bcrypt's own alphabet. Stray bits at the end of the salt are let pass: some exporters choose salts as text.
static ALPHABET: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    specification.check_trailing_bits = false;
    specification.encoding().ok()
});

#[derive(Debug)]
pub struct Stored {
    cost: u32,
    salt: [u8; 16],
    /// 31 characters.
    key: String,
}

impl Stored {
    /// Reads what follows `$2a$`.
    pub(super) fn parse(rest: &str) -> Result<Self, HashError> {
        let malformed = HashError::Malformed(FORMAT);
        let Some((cost, body)) = rest.split_once('$') else {
            return Err(malformed);
        };
        if cost.len() != 2 || !cost.bytes().all(|b| b.is_ascii_digit()) || !body.is_ascii() {
            return Err(malformed);
        }
        let cost = cost.parse().map_err(|_| malformed.clone())?;
        let cost = within("bcrypt cost", cost, 4, MOST_COST)?;
        let (Some(salt), Some(key)) = (body.get(..22), body.get(22..)) else {
            return Err(malformed);
        };
        let salt = ALPHABET
            .as_ref()
            .and_then(|alphabet| alphabet.decode(salt.as_bytes()).ok())
            .and_then(|salt| salt.try_into().ok())
            .ok_or_else(|| malformed.clone())?;
        if key.len() != 31 {
            return Err(malformed);
        }
        Ok(Self {
            cost,
            salt,
            key: key.to_owned(),
        })
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, HashError> {
        let parts = compute(self.cost, self.salt, password)?;
        Ok(same(tail(&parts, 31).as_bytes(), self.key.as_bytes()))
    }
}

/// A new hash: `$2a$12$<22 salt><31 key>`. Costs below 4 or over 15 are moved to the bound.
pub(super) fn hash(cost: u32, password: &[u8], dice: &dyn Random) -> Result<String, HashError> {
    let cost = cost.clamp(4, 15);
    let text = compute(cost, random::bytes(dice), password)?;
    Ok(format!("$2a${cost:02}${}", tail(&text, 53)))
}

/// The last `length` of these ASCII characters.
fn tail(text: &str, length: usize) -> &str {
    text.get(text.len().saturating_sub(length)..).unwrap_or("")
}

fn compute(cost: u32, salt: [u8; 16], password: &[u8]) -> Result<String, HashError> {
    if password.len() > MOST_BYTES {
        return Err(HashError::PasswordTooLong {
            length: password.len(),
            most: MOST_BYTES,
        });
    }
    ::bcrypt::hash_with_salt(password, cost, salt)
        .map(|parts| parts.format_for_version(::bcrypt::Version::TwoA))
        .map_err(|_| HashError::Malformed(FORMAT))
}
