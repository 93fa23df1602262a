//! The secret that an authenticator app shares with us, and what it shows by it: RFC 6238 with SHA-1, six digits and
//! steps of 30 seconds, whatever an imported address says otherwise (flows.md §9.6).
use crate::base::random::{self, Random};
use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use time::OffsetDateTime;
use totp_rs::Builder;
use url::Url;

/// What stands as it is in the path of the address.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'@')
    .remove(b'+')
    .remove(b'$')
    .remove(b'&')
    .remove(b'=')
    .remove(b':');
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b' ');
/// Longer ones are no secrets of apps.
const MOST_BYTES: usize = 1024;

pub(super) struct Key {
    secret: Vec<u8>,
}

impl Key {
    pub(super) fn random(dice: &dyn Random) -> Self {
        let secret = random::bytes::<20>(dice).to_vec();
        Self { secret }
    }
    /// The key in a stored credential.
    pub(super) fn of(config: &Value) -> Option<Self> {
        Self::read(config["totp_url"].as_str()?)
    }
    /// The key in an `otpauth:` address. Base32 in any case, with or without padding.
    pub(super) fn read(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let (_, text) = url.query_pairs().find(|(name, _)| name == "secret")?;
        let text = text.trim().trim_end_matches('=').to_ascii_uppercase();
        if text.is_empty() || text.len() > MOST_BYTES {
            return None;
        }
        let secret = BASE32_NOPAD.decode(text.as_bytes()).ok()?;
        Some(Self { secret })
    }
    /// For those who type it.
    pub(super) fn text(&self) -> String {
        BASE32_NOPAD.encode(&self.secret)
    }
    /// The address that apps read from the picture.
    pub(super) fn address(&self, issuer: &str, account: &str) -> String {
        let path = utf8_percent_encode(issuer, PATH);
        let account = utf8_percent_encode(account, PATH);
        let issuer = utf8_percent_encode(issuer, QUERY).to_string();
        format!(
            "otpauth://totp/{path}:{account}?algorithm=SHA1&digits=6&issuer={}&period=30&secret={}",
            issuer.replace(' ', "+"),
            self.text()
        )
    }
    /// The step whose code it is: the one of this moment, the one before or the one after.
    pub(super) fn check(&self, code: &str, now: OffsetDateTime) -> Option<u64> {
        let code = code.trim();
        if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let seconds = u64::try_from(now.unix_timestamp()).ok()?;
        let totp = Builder::new().with_secret(self.secret.clone());
        totp.build_noncompliant().check(code, seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::Key;
    use time::OffsetDateTime;

    /// RFC 6238, appendix B: SHA-1, the last six of the eight digits.
    #[test]
    fn shows_what_the_rfc_says() {
        let key = Key {
            secret: b"12345678901234567890".to_vec(),
        };
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let vectors = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, code) in vectors {
            let step = u64::try_from(seconds / 30).ok();
            assert_eq!(key.check(code, at(seconds)), step);
            assert_eq!(key.check(&format!(" {code}\n"), at(seconds + 30)), step);
            assert_eq!(key.check(code, at(seconds - 30)), step);
            assert_eq!(key.check(code, at(seconds + 60)), None);
        }
        for wrong in ["", "28708", "2870820", "+28708", "28708\u{662}", "287 82"] {
            assert_eq!(key.check(wrong, at(59)), None, "{wrong}");
        }
    }

    #[test]
    fn an_address_is_read_back() {
        let key = Key {
            secret: b"12345678901234567890".to_vec(),
        };
        let address = key.address("My Shop", "ada+x@example.org");
        assert_eq!(
            address,
            "otpauth://totp/My%20Shop:ada+x@example.org?algorithm=SHA1&digits=6&issuer=My+Shop&period=30\
             &secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        );
        assert_eq!(Key::read(&address).unwrap().secret, key.secret);
        let odd = "otpauth://totp/x?secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq====&digits=8";
        assert_eq!(Key::read(odd).unwrap().secret, key.secret);
        for none in ["", "otpauth://totp/x", "otpauth://totp/x?secret=1", "x"] {
            assert!(Key::read(none).is_none(), "{none}");
        }
    }
}
