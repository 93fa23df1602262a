//! PBKDF2 (RFC 8018). Text: `$pbkdf2-<digest>$i=<iterations>,l=<length>$salt$key`, base64 without padding.
//!
//! The reference's names are a trap: `sha224` and `sha384` are the SHA-3 functions of that size, and a name it does
//! not know is SHA-256. `l` is not believed; the key says how long it is.
use super::HashError;
use super::fields::{bytes, key, numbers, parts, same, within};
use ::hmac::{Hmac, SimpleHmac};
use ::pbkdf2::pbkdf2;
use data_encoding::BASE64_NOPAD;

const FORMAT: &str = "pbkdf2";
const MOST_ITERATIONS: u64 = 10_000_000;
/// Iterations times blocks of the key: four times the above would be a minute.
const MOST_WORK: u64 = 40_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha512,
    Sha3of224,
    Sha3of384,
}

impl Digest {
    fn size(self) -> u64 {
        match self {
            Self::Sha1 => 20,
            Self::Sha3of224 => 28,
            Self::Sha256 => 32,
            Self::Sha3of384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The function that a prefix like `pbkdf2-sha512` asks for.
pub(super) fn digest(name: &str) -> Option<Digest> {
    let digits = name.strip_prefix("pbkdf2-sha")?;
    if !(1..=3).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(match digits {
        "1" => Digest::Sha1,
        "224" => Digest::Sha3of224,
        "384" => Digest::Sha3of384,
        "512" => Digest::Sha512,
        _ => Digest::Sha256,
    })
}

#[derive(Debug)]
pub struct Stored {
    digest: Digest,
    iterations: u32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl Stored {
    /// Reads what follows `$pbkdf2-…$`.
    pub(super) fn parse(digest: Digest, rest: &str) -> Result<Self, HashError> {
        let [costs, salt, hash] = parts(rest, FORMAT)?;
        let [i, _] = numbers(costs, ["i", "l"]).ok_or(HashError::Malformed(FORMAT))?;
        let iterations = within("pbkdf2 i", i, 1, MOST_ITERATIONS)?;
        let key = key(&BASE64_NOPAD, hash, FORMAT)?;
        let blocks = (key.len() as u64).div_ceil(digest.size());
        within("pbkdf2 i × blocks", i * blocks, 1, MOST_WORK)?;
        Ok(Self {
            digest,
            iterations,
            salt: bytes(&BASE64_NOPAD, salt, FORMAT)?,
            key,
        })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let derive = match self.digest {
            Digest::Sha1 => pbkdf2::<Hmac<sha1::Sha1>>,
            Digest::Sha256 => pbkdf2::<Hmac<sha2::Sha256>>,
            Digest::Sha512 => pbkdf2::<Hmac<sha2::Sha512>>,
            Digest::Sha3of224 => pbkdf2::<SimpleHmac<sha3::Sha3_224>>,
            Digest::Sha3of384 => pbkdf2::<SimpleHmac<sha3::Sha3_384>>,
        };
        let mut key = vec![0; self.key.len()];
        let derived = derive(password, &self.salt, self.iterations, &mut key);
        derived.is_ok() && same(&key, &self.key)
    }
}
