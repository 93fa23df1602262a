//! scrypt (RFC 7914) and Firebase's use of it.
//!
//! Text: `$scrypt$ln=<N>,r=,p=$salt$key`, where `ln` is N itself, and
//! `$firescrypt$ln=<log2 N>,r=,p=$salt$key$separator$signer`; all base64 with padding (config-cli.md §3.4).
use super::HashError;
use super::fields::{bytes, key, numbers, parts, same, within};
use ::scrypt::{Params, scrypt};
use aes::Aes256;
use aes::cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;
use data_encoding::BASE64;

const FORMAT: &str = "scrypt";
const FIREBASE: &str = "firebase scrypt";
const MOST_LOG_N: u64 = 17;
const MOST_R: u64 = 8;
const MOST_P: u64 = 10;

#[derive(Debug)]
struct Cost {
    log_n: u8,
    r: u32,
    p: u32,
}

impl Cost {
    fn new(log_n: u32, r: u64, p: u64) -> Result<Self, HashError> {
        Ok(Self {
            log_n: u8::try_from(log_n).map_err(|_| HashError::Malformed(FORMAT))?,
            r: within("scrypt r", r, 1, MOST_R)?,
            p: within("scrypt p", p, 1, MOST_P)?,
        })
    }

    fn memory(&self) -> u64 {
        (128 * u64::from(self.r)) << self.log_n
    }

    fn derive(&self, password: &[u8], salt: &[u8], key: &mut [u8]) -> Result<(), HashError> {
        let params =
            Params::new(self.log_n, self.r, self.p).map_err(|_| HashError::Malformed(FORMAT))?;
        scrypt(password, salt, &params, key).map_err(|_| HashError::Malformed(FORMAT))
    }
}

#[derive(Debug)]
pub struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl Stored {
    /// Reads what follows `$scrypt$`.
    pub(super) fn parse(rest: &str) -> Result<Self, HashError> {
        let [costs, salt, hash] = parts(rest, FORMAT)?;
        let [n, r, p] = numbers(costs, ["ln", "r", "p"]).ok_or(HashError::Malformed(FORMAT))?;
        let n = within("scrypt N", n, 2, 1 << MOST_LOG_N)?;
        if !n.is_power_of_two() {
            return Err(HashError::Malformed(FORMAT));
        }
        Ok(Self {
            cost: Cost::new(n.trailing_zeros(), r, p)?,
            salt: bytes(&BASE64, salt, FORMAT)?,
            key: key(&BASE64, hash, FORMAT)?,
        })
    }

    pub(super) fn memory(&self) -> u64 {
        self.cost.memory()
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, HashError> {
        let mut key = vec![0; self.key.len()];
        self.cost.derive(password, &self.salt, &mut key)?;
        Ok(same(&key, &self.key))
    }
}

/// The hash is the project's signer key, encrypted by AES-256-CTR with what scrypt makes of the password.
#[derive(Debug)]
pub struct Firebase {
    cost: Cost,
    /// The person's salt with the project's separator behind it.
    salt: Vec<u8>,
    key: Vec<u8>,
    signer: Vec<u8>,
}

impl Firebase {
    /// Reads what follows `$firescrypt$`.
    pub(super) fn parse(rest: &str) -> Result<Self, HashError> {
        let [costs, salt, hash, separator, signer] = parts(rest, FIREBASE)?;
        let [ln, r, p] = numbers(costs, ["ln", "r", "p"]).ok_or(HashError::Malformed(FIREBASE))?;
        let mut salt = bytes(&BASE64, salt, FIREBASE)?;
        salt.extend(bytes(&BASE64, separator, FIREBASE)?);
        Ok(Self {
            cost: Cost::new(within("firebase scrypt ln", ln, 1, MOST_LOG_N)?, r, p)?,
            salt,
            key: key(&BASE64, hash, FIREBASE)?,
            signer: key(&BASE64, signer, FIREBASE)?,
        })
    }

    pub(super) fn memory(&self) -> u64 {
        self.cost.memory()
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, HashError> {
        let mut key = [0; 32];
        self.cost.derive(password, &self.salt, &mut key)?;
        let mut sealed = self.signer.clone();
        Ctr128BE::<Aes256>::new(&key.into(), &[0; 16].into()).apply_keystream(&mut sealed);
        Ok(same(&sealed, &self.key))
    }
}
