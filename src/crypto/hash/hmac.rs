//! HMAC of the password: `$hmac-<digest>$<base64 of the mac in hex>$<base64 of the key>`.
use super::HashError;
use super::fields::{bytes, parts, same};
use ::hmac::{EagerHash, Hmac, KeyInit, Mac};
use data_encoding::{BASE64, HEXLOWER};

const FORMAT: &str = "hmac";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Md4,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The function that a prefix like `hmac-sha256` asks for.
pub(super) fn digest(name: &str) -> Option<Digest> {
    Some(match name.strip_prefix("hmac-")? {
        "md4" => Digest::Md4,
        "md5" => Digest::Md5,
        "sha1" => Digest::Sha1,
        "sha224" => Digest::Sha224,
        "sha256" => Digest::Sha256,
        "sha384" => Digest::Sha384,
        "sha512" => Digest::Sha512,
        _ => return None,
    })
}

#[derive(Debug)]
pub struct Stored {
    digest: Digest,
    /// Lower-case hex, as text.
    mac: Vec<u8>,
    key: Vec<u8>,
}

impl Stored {
    /// Reads what follows `$hmac-…$`.
    pub(super) fn parse(digest: Digest, rest: &str) -> Result<Self, HashError> {
        let [mac, key] = parts(rest, FORMAT)?;
        Ok(Self {
            digest,
            mac: bytes(&BASE64, mac, FORMAT)?,
            key: bytes(&BASE64, key, FORMAT)?,
        })
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, HashError> {
        let mac = match self.digest {
            Digest::Md4 => mac::<md4::Md4>(&self.key, password)?,
            Digest::Md5 => mac::<md5::Md5>(&self.key, password)?,
            Digest::Sha1 => mac::<sha1::Sha1>(&self.key, password)?,
            Digest::Sha224 => mac::<sha2::Sha224>(&self.key, password)?,
            Digest::Sha256 => mac::<sha2::Sha256>(&self.key, password)?,
            Digest::Sha384 => mac::<sha2::Sha384>(&self.key, password)?,
            Digest::Sha512 => mac::<sha2::Sha512>(&self.key, password)?,
        };
        Ok(same(mac.as_bytes(), &self.mac))
    }
}

fn mac<D: EagerHash>(key: &[u8], message: &[u8]) -> Result<String, HashError>
where
    Hmac<D>: Mac + KeyInit,
{
    let mut mac =
        <Hmac<D> as KeyInit>::new_from_slice(key).map_err(|_| HashError::Malformed(FORMAT))?;
    mac.update(message);
    Ok(HEXLOWER.encode(&mac.finalize().into_bytes()))
}
