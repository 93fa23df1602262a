//! Password hashes: which format a text has, whether a password fits it, and new ones.
//!
//! Hashes come from imports too, so every number in them is a stranger's: parsing checks all bounds, and nothing is
//! allocated or computed before (config-cli.md §3.4). The functions here run where they are called; requests go
//! through [`pool::HashPool`], which limits threads and memory.
//!
//! To add a format: a file with a type that has `parse` and `verify`, a row in [`Stored::parse`], and a vector in `tests.rs`.
pub mod argon2;
pub mod bcrypt;
mod crypt;
mod fields;
mod hmac;
mod md5;
mod pattern;
mod pbkdf2;
pub mod pool;
mod scrypt;
mod sha;
#[cfg(test)]
mod tests;

use crate::base::random::Random;
use argon2::Arena;

/// Why a hash cannot be compared, or a password not be hashed. Never says anything about the password but its length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// None of the known prefixes.
    #[error("the password hash has no known format")]
    Unknown,
    /// The prefix is known, the rest is not what should follow.
    #[error("the {0} password hash is malformed")]
    Malformed(&'static str),
    /// A cost that nobody needs and that would let an import stop the server.
    #[error("the password hash has {what} = {got}, allowed is {least} to {most}")]
    OutOfBounds {
        what: &'static str,
        got: u64,
        least: u64,
        most: u64,
    },
    /// More bytes than the algorithm reads (bcrypt: 72).
    #[error("the password has {length} bytes, at most {most} can be hashed")]
    PasswordTooLong { length: usize, most: usize },
    /// The system gives no memory.
    #[error("there is no memory to hash with")]
    NoMemory,
}

/// How new passwords are hashed (`hashers.*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HasherParams {
    Bcrypt { cost: u32 },
    Argon2(argon2::Params),
}

impl HasherParams {
    /// Bytes of working memory that one hash takes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        match self {
            Self::Bcrypt { .. } => 0,
            Self::Argon2(params) => params.memory(),
        }
    }
}

/// A stored hash, taken apart, its costs within bounds.
#[derive(Debug)]
pub enum Stored {
    Bcrypt(bcrypt::Stored),
    Argon2(argon2::Stored),
    Scrypt(scrypt::Stored),
    FirebaseScrypt(scrypt::Firebase),
    Pbkdf2(pbkdf2::Stored),
    Sha(sha::Stored),
    Md5(md5::Stored),
    Crypt(crypt::Stored),
    Hmac(hmac::Stored),
}

impl Stored {
    /// Reads a hash of any known format.
    pub fn parse(hash: &str) -> Result<Self, HashError> {
        let (name, rest) = split(hash).ok_or(HashError::Unknown)?;
        match name {
            "2" | "2a" | "2b" | "2y" | "2z" => bcrypt::Stored::parse(rest).map(Self::Bcrypt),
            "argon2id" => argon2::Stored::parse(argon2::Variant::Id, rest).map(Self::Argon2),
            "argon2i" => argon2::Stored::parse(argon2::Variant::I, rest).map(Self::Argon2),
            "scrypt" => scrypt::Stored::parse(rest).map(Self::Scrypt),
            "firescrypt" => scrypt::Firebase::parse(rest).map(Self::FirebaseScrypt),
            "{SSHA}" | "{SSHA256}" | "{SSHA512}" => {
                sha::Stored::parse_ldap(name, rest).map(Self::Sha)
            }
            "sha1" | "sha256" | "sha512" => sha::Stored::parse(name, rest).map(Self::Sha),
            "md5" => md5::Stored::parse(rest).map(Self::Md5),
            "md5-crypt" | "sha256-crypt" | "sha512-crypt" => {
                crypt::Stored::parse(name, rest).map(Self::Crypt)
            }
            _ => {
                if let Some(digest) = pbkdf2::digest(name) {
                    pbkdf2::Stored::parse(digest, rest).map(Self::Pbkdf2)
                } else if let Some(digest) = hmac::digest(name) {
                    hmac::Stored::parse(digest, rest).map(Self::Hmac)
                } else {
                    Err(HashError::Unknown)
                }
            }
        }
    }

    /// Bytes of working memory that a comparison takes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        match self {
            Self::Argon2(stored) => stored.memory(),
            Self::Scrypt(stored) => stored.memory(),
            Self::FirebaseScrypt(stored) => stored.memory(),
            _ => 0,
        }
    }

    /// Whether this is the hash of that password, compared in constant time.
    pub fn verify(&self, password: &[u8], arena: &mut Arena) -> Result<bool, HashError> {
        match self {
            Self::Bcrypt(stored) => stored.verify(password),
            Self::Argon2(stored) => stored.verify(password, arena),
            Self::Scrypt(stored) => stored.verify(password),
            Self::FirebaseScrypt(stored) => stored.verify(password),
            Self::Pbkdf2(stored) => Ok(stored.verify(password)),
            Self::Sha(stored) => Ok(stored.verify(password)),
            Self::Md5(stored) => Ok(stored.verify(password)),
            Self::Crypt(stored) => stored.verify(password),
            Self::Hmac(stored) => stored.verify(password),
        }
    }
}

/// `$name$rest` or `{NAME}rest`: the name (with its braces) and the rest.
fn split(hash: &str) -> Option<(&str, &str)> {
    if let Some(body) = hash.strip_prefix('$') {
        body.split_once('$')
    } else if hash.starts_with('{') {
        hash.split_at_checked(hash.find('}')? + 1)
    } else {
        None
    }
}

/// Whether the hash may be imported. Its prefix must be known; where costs stand in the text they must be well
/// formed and within the bounds for strangers. Formats without costs are not looked at further, as in the reference.
pub fn check_import(hash: &str) -> Result<(), HashError> {
    match Stored::parse(hash) {
        Ok(Stored::Argon2(stored)) => stored.check_import(),
        Err(HashError::Malformed("salted digest" | "md5" | "crypt" | "hmac")) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether the hash is that of the password. Blocks for as long as the hash costs.
pub fn verify(hash: &str, password: &[u8]) -> Result<bool, HashError> {
    Stored::parse(hash)?.verify(password, &mut Arena::default())
}

/// Whether a password that fitted should be hashed anew: its format is another than the configured one. A changed
/// cost is no reason (flows.md §9.1).
#[must_use]
pub fn needs_upgrade(hash: &str, params: &HasherParams) -> bool {
    let name = split(hash).map_or("", |(name, _)| name);
    match params {
        HasherParams::Bcrypt { .. } => !matches!(name, "2" | "2a" | "2b" | "2y" | "2z"),
        HasherParams::Argon2(_) => name != "argon2id",
    }
}

/// What is left to do after a comparison with the hash until it has cost as much as one with the configured costs.
/// Nothing, where the hash is as dear or dearer.
#[must_use]
pub fn left_to_do(hash: &str, params: &HasherParams) -> Vec<HasherParams> {
    match (Stored::parse(hash), *params) {
        // Each step doubles the work, so all steps between are together what is missing.
        (Ok(Stored::Bcrypt(stored)), HasherParams::Bcrypt { cost }) => (stored.cost()..cost)
            .map(|cost| HasherParams::Bcrypt { cost })
            .collect(),
        (Ok(Stored::Argon2(stored)), HasherParams::Argon2(params)) => {
            let left = params.work().saturating_sub(stored.work());
            let memory = u64::from(params.clamped().memory_kib);
            let iterations = (left + memory / 2) / memory;
            let part = argon2::Params {
                iterations: u32::try_from(iterations).unwrap_or(params.iterations),
                ..params
            };
            if iterations == 0 {
                Vec::new()
            } else {
                vec![HasherParams::Argon2(part)]
            }
        }
        _ => vec![*params],
    }
}

/// A new hash of the password. Blocks for as long as the hash costs.
pub fn hash(
    params: &HasherParams,
    password: &[u8],
    dice: &dyn Random,
) -> Result<String, HashError> {
    hash_in(params, password, dice, &mut Arena::default())
}

/// [`hash`] in memory that is kept.
pub(crate) fn hash_in(
    params: &HasherParams,
    password: &[u8],
    dice: &dyn Random,
    arena: &mut Arena,
) -> Result<String, HashError> {
    match params {
        HasherParams::Bcrypt { cost } => bcrypt::hash(*cost, password, dice),
        HasherParams::Argon2(params) => argon2::hash(params, password, dice, arena),
    }
}
