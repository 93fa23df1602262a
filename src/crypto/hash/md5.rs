//! Plain MD5: `$md5$<digest>` or `$md5$pf=<pattern>$<salt>$<digest>`. Only ever compared with, and replaced at the
//! first login.
use super::HashError;
use super::fields::{bytes, parts, same};
use super::pattern::Pattern;
use data_encoding::BASE64;
use md5::{Digest, Md5};

const FORMAT: &str = "md5";

#[derive(Debug)]
pub struct Stored {
    pattern: Option<Pattern>,
    digest: Vec<u8>,
}

impl Stored {
    /// Reads what follows `$md5$`.
    pub(super) fn parse(rest: &str) -> Result<Self, HashError> {
        if !rest.contains('$') {
            return Ok(Self {
                pattern: None,
                digest: bytes(&BASE64, rest, FORMAT)?,
            });
        }
        let [pf, salt, digest] = parts(rest, FORMAT)?;
        Ok(Self {
            pattern: Some(Pattern::parse(pf, salt, FORMAT)?),
            digest: bytes(&BASE64, digest, FORMAT)?,
        })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let digest = match &self.pattern {
            Some(pattern) => Md5::digest(pattern.mix(password)),
            None => Md5::digest(password),
        };
        same(&digest, &self.digest)
    }
}
