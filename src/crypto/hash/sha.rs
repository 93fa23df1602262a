//! Plain SHA over password and salt: LDAP's `{SSHA}`, `{SSHA256}`, `{SSHA512}` (base64 of digest and salt in one), and
//! `$sha256$pf=<pattern>$<salt>$<digest>`. Only ever compared with, and replaced at the first login.
use super::HashError;
use super::fields::{bytes, parts, same};
use super::pattern::Pattern;
use data_encoding::{BASE64, Encoding, Specification};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use std::sync::LazyLock;

const FORMAT: &str = "salted digest";

/// LDAP exports are not always strict about the last bits.
static LENIENT: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification: Specification = BASE64.specification();
    specification.check_trailing_bits = false;
    specification.encoding().unwrap_or(BASE64)
});

#[derive(Clone, Copy, Debug)]
enum Function {
    Sha1,
    Sha256,
    Sha512,
}

impl Function {
    fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

#[derive(Debug)]
pub struct Stored {
    function: Function,
    pattern: Pattern,
    digest: Vec<u8>,
}

impl Stored {
    /// Reads what follows `{SSHA…}`.
    pub(super) fn parse_ldap(name: &str, rest: &str) -> Result<Self, HashError> {
        let function = match name {
            "{SSHA}" => Function::Sha1,
            "{SSHA256}" => Function::Sha256,
            _ => Function::Sha512,
        };
        let mut digest = bytes(&LENIENT, rest, FORMAT)?;
        if digest.len() <= function.size() {
            return Err(HashError::Malformed(FORMAT));
        }
        let salt = digest.split_off(function.size());
        Ok(Self {
            function,
            pattern: Pattern::password_then(salt),
            digest,
        })
    }

    /// Reads what follows `$sha1$`, `$sha256$` or `$sha512$`.
    pub(super) fn parse(name: &str, rest: &str) -> Result<Self, HashError> {
        let [pf, salt, digest] = parts(rest, FORMAT)?;
        Ok(Self {
            function: match name {
                "sha1" => Function::Sha1,
                "sha256" => Function::Sha256,
                _ => Function::Sha512,
            },
            pattern: Pattern::parse(pf, salt, FORMAT)?,
            digest: bytes(&BASE64, digest, FORMAT)?,
        })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mixed = self.pattern.mix(password);
        match self.function {
            Function::Sha1 => same(&Sha1::digest(mixed), &self.digest),
            Function::Sha256 => same(&Sha256::digest(mixed), &self.digest),
            Function::Sha512 => same(&Sha512::digest(mixed), &self.digest),
        }
    }
}
