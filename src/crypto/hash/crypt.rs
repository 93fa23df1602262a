//! The digests of crypt(3): MD5-crypt and SHA-crypt, with `$md5-crypt`, `$sha256-crypt` and `$sha512-crypt` in place of
//! `$1`, `$5` and `$6`. What follows is as in crypt(5): an optional `rounds=<n>`, a salt as text, the digest in a base64
//! of their own with its bytes out of order.
use super::HashError;
use super::fields::{same, within};
use md5::{Digest, Md5};
use sha_crypt::{Params, sha256_crypt, sha512_crypt};

const FORMAT: &str = "crypt";
/// SHA-crypt's work grows with the square of the password's length.
const MOST_BYTES: usize = 512;
/// The standard allows 999,999,999, which would be a quarter of an hour; passlib's default is 656,000.
const MOST_ROUNDS: u64 = 5_000_000;
const ROUNDS_OF_MD5: u32 = 1000;

#[derive(Clone, Copy, Debug)]
enum Function {
    Md5,
    Sha256(Params),
    Sha512(Params),
}

#[derive(Debug)]
pub struct Stored {
    function: Function,
    salt: String,
    /// In crypt's base64.
    digest: String,
}

impl Stored {
    /// Reads what follows `$md5-crypt$`, `$sha256-crypt$` or `$sha512-crypt$`.
    pub(super) fn parse(name: &str, rest: &str) -> Result<Self, HashError> {
        let malformed = HashError::Malformed(FORMAT);
        let parts: Vec<&str> = rest.splitn(4, '$').collect();
        let (rounds, salt, digest) = match parts[..] {
            [salt, digest] => (None, salt, digest),
            [rounds, salt, digest] if name != "md5-crypt" => (Some(rounds), salt, digest),
            _ => return Err(malformed),
        };
        let params = match rounds {
            None => Params::default(),
            Some(text) => {
                let rounds = text.strip_prefix("rounds=").and_then(|n| n.parse().ok());
                let rounds = rounds.ok_or(malformed.clone())?;
                let rounds = within("sha-crypt rounds", rounds, 1000, MOST_ROUNDS)?;
                Params::new(rounds).map_err(|_| malformed.clone())?
            }
        };
        let function = match name {
            "md5-crypt" => Function::Md5,
            "sha256-crypt" => Function::Sha256(params),
            _ => Function::Sha512(params),
        };
        if digest.is_empty() {
            return Err(malformed);
        }
        Ok(Self {
            function,
            salt: salt.to_owned(),
            digest: digest.to_owned(),
        })
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, HashError> {
        if password.len() > MOST_BYTES {
            return Err(HashError::PasswordTooLong {
                length: password.len(),
                most: MOST_BYTES,
            });
        }
        let salt = self.salt.as_bytes();
        let digest = match self.function {
            Function::Md5 => md5_text(&md5_crypt(password, salt)),
            Function::Sha256(params) => sha256_text(&sha256_crypt(password, salt, params)),
            Function::Sha512(params) => sha512_text(&sha512_crypt(password, salt, params)),
        };
        Ok(same(digest.as_bytes(), self.digest.as_bytes()))
    }
}

/// MD5-crypt as of FreeBSD 2: a thousand rounds over password, salt and the last digest.
fn md5_crypt(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let salt = salt.get(..8).unwrap_or(salt);
    let inner: [u8; 16] = Md5::digest([password, salt, password].concat()).into();

    let mut outer = Md5::new();
    outer.update(password);
    outer.update(b"$1$");
    outer.update(salt);
    outer.update(
        inner
            .repeat(password.len().div_ceil(16))
            .split_at(password.len())
            .0,
    );
    // One byte for each bit of the length: a zero, or the password's first byte.
    let mut bits = password.len();
    while bits != 0 {
        let byte = if bits & 1 == 1 {
            0
        } else {
            password.first().copied().unwrap_or(0)
        };
        outer.update([byte]);
        bits >>= 1;
    }
    let mut digest: [u8; 16] = outer.finalize().into();

    for round in 0..ROUNDS_OF_MD5 {
        let mut hasher = Md5::new();
        let odd = round % 2 == 1;
        if odd {
            hasher.update(password);
        } else {
            hasher.update(digest);
        }
        if round % 3 != 0 {
            hasher.update(salt);
        }
        if round % 7 != 0 {
            hasher.update(password);
        }
        if odd {
            hasher.update(digest);
        } else {
            hasher.update(password);
        }
        digest = hasher.finalize().into();
    }
    digest
}

/// Three bytes are four characters, the lowest six bits first. `order` names the bytes, highest first.
fn push(text: &mut String, digest: &[u8], order: &[usize], characters: usize) {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut word = order
        .iter()
        .fold(0_usize, |word, &at| word << 8 | usize::from(digest[at]));
    for _ in 0..characters {
        text.push(char::from(ALPHABET[word % 64]));
        word /= 64;
    }
}

fn md5_text(digest: &[u8; 16]) -> String {
    let mut text = String::with_capacity(22);
    for first in 0..4 {
        push(&mut text, digest, &[first, first + 6, first + 12], 4);
    }
    push(&mut text, digest, &[4, 10, 5], 4);
    push(&mut text, digest, &[11], 2);
    text
}

fn sha256_text(digest: &[u8; 32]) -> String {
    let mut text = String::with_capacity(43);
    let mut order = [0, 10, 20];
    for _ in 0..10 {
        push(&mut text, digest, &order, 4);
        // Each group starts one byte after the second of the group before.
        order = [
            (order[2] + 1) % 30,
            (order[0] + 1) % 30,
            (order[1] + 1) % 30,
        ];
    }
    push(&mut text, digest, &[31, 30], 3);
    text
}

fn sha512_text(digest: &[u8; 64]) -> String {
    let mut text = String::with_capacity(86);
    let mut order = [0, 21, 42];
    for _ in 0..21 {
        push(&mut text, digest, &order, 4);
        order = [
            (order[1] + 1) % 63,
            (order[2] + 1) % 63,
            (order[0] + 1) % 63,
        ];
    }
    push(&mut text, digest, &[63], 2);
    text
}
