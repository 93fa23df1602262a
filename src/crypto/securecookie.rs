//! Cookies that people cannot read or change: gorilla's `securecookie` around a gob map (database.md §8.1, §8.3).
//!
//! Value: base64 of `seconds|base64(IV ‖ AES-CTR(gob))|HMAC-SHA-256`, the MAC over `name|seconds|base64(…)` with the
//! secret itself, the block key SHA-256 of the secret. The name is under the MAC but not in the value, so one cookie
//! cannot be passed off as another.
use super::gob;
use crate::base::random::{self, Random};
use crate::base::secret::Secret;
use aes::cipher::{KeyIvInit, StreamCipher};
use aes::{Aes128, Aes192, Aes256};
use ctr::Ctr128BE;
use data_encoding::{BASE64URL, Encoding, Specification};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use time::{Duration, OffsetDateTime};

/// Browsers keep no more, and neither is read.
pub const MOST_CHARACTERS: usize = 4096;
/// How old a cookie may be that says nothing about it.
pub const USUAL_AGE: Duration = Duration::days(30);

/// Go's decoder does not look at the last bits.
static BASE64URL_LENIENT: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification: Specification = BASE64URL.specification();
    specification.check_trailing_bits = false;
    specification.encoding().unwrap_or(BASE64URL)
});

/// What a cookie holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries(Vec<(String, String)>);

impl Entries {
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let entry = self.0.iter().find(|(n, _)| n == name);
        entry.map(|(_, value)| value.as_str())
    }
    /// Sets the value of a name.
    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.0.push((name.to_owned(), value.to_owned()));
    }
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Entries {
    fn from(entries: [(&str, &str); N]) -> Self {
        Self(entries.map(|(n, v)| (n.to_owned(), v.to_owned())).into())
    }
}

struct Keys {
    mac: Hmac<Sha256>,
    /// None: signed, but readable.
    block: Option<Secret<Vec<u8>>>,
}

impl Keys {
    fn new(mac: &[u8], block: Option<Vec<u8>>) -> Option<Self> {
        Some(Self {
            mac: Hmac::<Sha256>::new_from_slice(mac).ok()?,
            block: block.map(Secret::new),
        })
    }
}

/// The secrets in force: the first writes, all read.
pub struct CookieCodec(Vec<Keys>);

impl CookieCodec {
    /// `secrets.cookie`, which falls back to `secrets.default`.
    #[must_use]
    pub fn new(secrets: &[Secret<String>]) -> Self {
        let derived = |secret: &Secret<String>| {
            let secret = secret.expose().as_bytes();
            Keys::new(secret, Some(Sha256::digest(secret).to_vec()))
        };
        Self(secrets.iter().filter_map(derived).collect())
    }

    /// Reads besides what servers up to v26.2.0 wrote into the continuity cookie: there the list itself was pairs of
    /// MAC key and block key, the last one perhaps without the latter.
    #[must_use]
    pub fn reading_old_pairs(mut self, secrets: &[Secret<String>]) -> Self {
        for pair in secrets.chunks(2) {
            let mut pair = pair.iter().map(|secret| secret.expose().as_bytes());
            if let Some(mac) = pair.next() {
                self.0
                    .extend(Keys::new(mac, pair.next().map(<[u8]>::to_vec)));
            }
        }
        self
    }

    /// The value of the cookie of that name. `None` without secrets, or if it would be too long for a cookie.
    #[must_use]
    pub fn encode(
        &self,
        name: &str,
        entries: &Entries,
        now: OffsetDateTime,
        dice: &dyn Random,
    ) -> Option<String> {
        let keys = self.0.first()?;
        let entries: Vec<(&str, &str)> = entries.iter().collect();
        let mut body = gob::encode(&entries);
        if let Some(block) = &keys.block {
            let iv: [u8; 16] = random::bytes(dice);
            apply_ctr(block.expose(), iv, &mut body)?;
            body = [iv.as_slice(), &body].concat();
        }
        let signed = format!("{}|{}", now.unix_timestamp(), BASE64URL.encode(&body));
        let tag = mac(keys, name, signed.as_bytes()).finalize().into_bytes();
        let value = BASE64URL.encode(&[signed.as_bytes(), b"|", &tag].concat());
        (value.len() <= MOST_CHARACTERS).then_some(value)
    }

    /// What the cookie of that name holds, if it was written here and not longer ago than `most_age` (for the session
    /// cookie `session.lifespan` if it is persistent, [`USUAL_AGE`] otherwise).
    #[must_use]
    pub fn decode(
        &self,
        name: &str,
        value: &str,
        now: OffsetDateTime,
        most_age: Duration,
    ) -> Option<Entries> {
        if value.len() > MOST_CHARACTERS {
            return None;
        }
        let bytes = BASE64URL_LENIENT.decode(value.as_bytes()).ok()?;
        // The tag is raw and may hold bars itself: it is what stands behind the second one.
        let mut parts = bytes.splitn(3, |b| *b == b'|');
        let (seconds, body, tag) = (parts.next()?, parts.next()?, parts.next()?);
        let signed = bytes.get(..seconds.len() + 1 + body.len())?;

        let fits = |keys: &&Keys| mac(keys, name, signed).verify_slice(tag).is_ok();
        let seconds: i64 = std::str::from_utf8(seconds).ok()?.parse().ok()?;
        let oldest = now.unix_timestamp().checked_sub(most_age.whole_seconds())?;
        let body = BASE64URL_LENIENT.decode(body).ok()?;
        let open = |keys: &Keys| open(keys, &body);
        let entries = self.0.iter().filter(fits).find_map(open)?;
        (seconds >= oldest).then_some(entries)
    }
}

fn mac(keys: &Keys, name: &str, signed: &[u8]) -> Hmac<Sha256> {
    let mut mac = keys.mac.clone();
    mac.update(name.as_bytes());
    mac.update(b"|");
    mac.update(signed);
    mac
}

fn open(keys: &Keys, body: &[u8]) -> Option<Entries> {
    let Some(block) = &keys.block else {
        return gob::decode(body).map(Entries);
    };
    let (iv, body) = body.split_first_chunk::<16>()?;
    let mut body = body.to_vec();
    apply_ctr(block.expose(), *iv, &mut body)?;
    gob::decode(&body).map(Entries)
}

/// AES in counter mode; `None` if the key has no size of AES.
fn apply_ctr(key: &[u8], iv: [u8; 16], bytes: &mut [u8]) -> Option<()> {
    match key.len() {
        16 => Ctr128BE::<Aes128>::new_from_slices(key, &iv)
            .ok()?
            .apply_keystream(bytes),
        24 => Ctr128BE::<Aes192>::new_from_slices(key, &iv)
            .ok()?
            .apply_keystream(bytes),
        32 => Ctr128BE::<Aes256>::new_from_slices(key, &iv)
            .ok()?
            .apply_keystream(bytes),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests;
