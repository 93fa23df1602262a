//! A question to a security key: what the browser is asked, and what is remembered of it. Both are the JSON of the
//! reference (flows.md §1.8), so that a ceremony begun there is finished here and the other way round.
use super::key::ALGORITHMS;
use super::record::Record;
use crate::base::random::{self, Random};
use crate::base::time::rfc3339;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Shall the key ask for a finger or a PIN? `required` is the only word that is checked.
pub const REQUIRED: &str = "required";

/// Who asks, and what for.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    /// A host name.
    pub id: &'a str,
    pub name: &'a str,
    pub user_verification: &'static str,
    /// Milliseconds that the browser waits.
    pub timeout: u64,
}

/// A person, as the authenticator keeps it. The handle has 64 bytes at most.
#[derive(Clone, Debug)]
pub struct User<'a> {
    pub handle: &'a [u8],
    pub name: &'a str,
}

/// What else a new key has to be like.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    pub attachment: Option<&'static str>,
    pub resident_key: Option<&'static str>,
    pub attestation: Option<&'static str>,
}

/// An open question.
#[derive(Clone, Debug)]
pub struct Asked {
    /// For the browser: `{"publicKey": …}`.
    pub options: Value,
    /// For the flow's memory.
    pub kept: Value,
}

impl Asker<'_> {
    /// Asks for a new key. Those that are known must not be overwritten.
    #[must_use]
    pub fn create(
        &self,
        dice: &dyn Random,
        user: &User<'_>,
        wishes: &Wishes,
        known: &[Record],
    ) -> Asked {
        let challenge = challenge(dice);
        let mut selection = json!({});
        if let Some(attachment) = wishes.attachment {
            selection["authenticatorAttachment"] = attachment.into();
        }
        if let Some(resident_key) = wishes.resident_key {
            selection["requireResidentKey"] = (resident_key == REQUIRED).into();
            selection["residentKey"] = resident_key.into();
        }
        selection["userVerification"] = self.user_verification.into();
        let mut options = json!({
            "rp": { "name": self.name, "id": self.id },
            "user": {
                "name": user.name,
                "displayName": user.name,
                "id": BASE64URL_NOPAD.encode(user.handle),
            },
            "challenge": challenge,
            "pubKeyCredParams": ALGORITHMS.map(|alg| json!({ "type": "public-key", "alg": alg })),
            "timeout": self.timeout,
        });
        if !known.is_empty() {
            options["excludeCredentials"] = known.iter().map(Record::descriptor).collect();
        }
        options["authenticatorSelection"] = selection;
        if let Some(attestation) = wishes.attestation {
            options["attestation"] = attestation.into();
        }
        let kept = self.kept(&challenge, Some(user.handle), &[]);
        let options = json!({ "publicKey": options });
        Asked { options, kept }
    }

    /// Asks for one of these keys, or for any that the authenticator finds, if none is named.
    #[must_use]
    pub fn get(&self, dice: &dyn Random, handle: Option<&[u8]>, keys: &[Record]) -> Asked {
        let challenge = challenge(dice);
        let mut options = json!({
            "challenge": challenge,
            "timeout": self.timeout,
            "rpId": self.id,
        });
        if !keys.is_empty() {
            options["allowCredentials"] = keys.iter().map(Record::descriptor).collect();
        }
        options["userVerification"] = self.user_verification.into();
        let kept = self.kept(&challenge, handle, keys);
        let options = json!({ "publicKey": options });
        Asked { options, kept }
    }

    fn kept(&self, challenge: &str, handle: Option<&[u8]>, keys: &[Record]) -> Value {
        let mut kept = json!({
            "challenge": challenge,
            "rpId": self.id,
            "user_id": handle.map(|handle| BASE64.encode(handle)),
        });
        if !keys.is_empty() {
            let ids = keys.iter().map(|key| BASE64.encode(&key.id));
            kept["allowed_credentials"] = ids.collect();
        }
        // The reference's word for "does not expire before the flow".
        kept["expires"] = "0001-01-01T00:00:00Z".into();
        kept["userVerification"] = self.user_verification.into();
        kept
    }
}

fn challenge(dice: &dyn Random) -> String {
    BASE64URL_NOPAD.encode(&random::bytes::<32>(dice))
}

/// A question that is remembered.
#[derive(Clone, Debug)]
pub struct Ceremony {
    pub(super) challenge: String,
    /// Whose key it has to be, or will be; empty, if anybody's.
    pub user_handle: Vec<u8>,
    pub(super) allowed: Vec<Vec<u8>>,
    pub(super) verify_user: bool,
    expires: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
struct Kept {
    challenge: String,
    user_id: Option<String>,
    #[serde(default)]
    allowed_credentials: Option<Vec<String>>,
    #[serde(default)]
    expires: Option<String>,
    #[serde(default, rename = "userVerification")]
    user_verification: Option<String>,
}

impl Ceremony {
    /// Nothing: that was never a question.
    #[must_use]
    pub fn read(kept: &Value) -> Option<Self> {
        let kept = Kept::deserialize(kept).ok()?;
        let bytes = |text: String| BASE64.decode(text.as_bytes()).ok();
        let allowed = kept.allowed_credentials.unwrap_or_default();
        let user_handle = match kept.user_id {
            Some(handle) => bytes(handle)?,
            None => vec![],
        };
        let expires = match kept.expires {
            Some(text) => Some(OffsetDateTime::parse(&text, &Rfc3339).ok()?),
            None => None,
        };
        Some(Self {
            challenge: Some(kept.challenge).filter(|c| !c.is_empty())?,
            user_handle,
            allowed: allowed.into_iter().map(bytes).collect::<Option<_>>()?,
            verify_user: kept.user_verification.as_deref() == Some(REQUIRED),
            expires: expires.filter(|at| at.year() > 1),
        })
    }

    pub(super) fn is_over(&self, now: OffsetDateTime) -> bool {
        self.expires.is_some_and(|at| at < now)
    }
}

/// For `added_at`: whole seconds.
pub(super) fn seconds(at: OffsetDateTime) -> String {
    rfc3339(at.replace_nanosecond(0).unwrap_or(at))
}
