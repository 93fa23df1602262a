//! The two verdicts: is this a new key that answers the question (§7.1), and was this signed by a key that is known
//! (§7.2)? Steps that the reference leaves out are left out, too, where a key that works there would not work here.
use super::answer::{Assertion, ClientData, Creation};
use super::attestation::{self, Checked};
use super::authenticator::AuthenticatorData;
use super::ceremony::Ceremony;
use super::key::PublicKey;
use super::record::{Record, Used};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

/// The answer is not right; why, for the log and for people who try things out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The security key was not accepted: {0}.")]
pub struct Refused(pub &'static str);

/// For whom a key is good.
#[derive(Clone, Debug)]
pub struct Party<'a> {
    /// A host name.
    pub id: &'a str,
    /// Pages (and apps) that may use its keys, as browsers write them.
    pub origins: &'a [String],
}

/// A key that was accepted, without name and date.
#[derive(Clone, Debug, PartialEq)]
pub struct NewKey {
    pub record: Record,
    /// What its attestation says was checked.
    pub is_attestation_checked: bool,
}

impl Party<'_> {
    /// Accepts a new key.
    pub fn register(
        &self,
        ceremony: &Ceremony,
        answer: &Creation,
        now: OffsetDateTime,
    ) -> Result<NewKey, Refused> {
        self.is_asked(ceremony, &answer.client, "webauthn.create", now)?;
        let data = &answer.authenticator;
        self.is_meant(ceremony, data)?;
        let attested = data.attested.as_ref();
        let attested = attested.ok_or(Refused("it holds no key"))?;
        if attested.key.is_none() {
            return Err(Refused("it is of a kind that was not offered"));
        }
        let hash = Sha256::digest(&answer.client_json);
        let checked = attestation::check(answer, attested, &hash, now)?;
        Ok(NewKey {
            record: Record {
                id: attested.id.clone(),
                public_key: attested.cose.clone(),
                attestation_type: answer.format.clone(),
                aaguid: attested.aaguid.to_vec(),
                sign_count: data.sign_count,
                clone_warning: false,
                display_name: String::new(),
                added_at: now,
                is_passwordless: false,
                flags: Some(data.flags),
                transport: answer.transports.clone(),
            },
            is_attestation_checked: matches!(checked, Checked::Verified),
        })
    }

    /// Accepts the use of one of these keys. `handle` is whose they are.
    pub fn assert(
        &self,
        ceremony: &Ceremony,
        keys: &[Record],
        handle: &[u8],
        answer: &Assertion,
        now: OffsetDateTime,
    ) -> Result<Used, Refused> {
        let allowed = &ceremony.allowed;
        if !allowed.is_empty() && !allowed.contains(&answer.id) {
            return Err(Refused("another one was asked for"));
        }
        if !answer.user_handle.is_empty() && answer.user_handle != handle {
            return Err(Refused("it is somebody else's"));
        }
        let key = keys.iter().find(|key| key.id == answer.id);
        let key = key.ok_or(Refused("it is not known"))?;
        self.is_asked(ceremony, &answer.client, "webauthn.get", now)?;
        let data = &answer.authenticator;
        self.is_meant(ceremony, data)?;
        // It never changes; old rows do not say.
        let stored = key.flags.map(|flags| flags.backup_eligible);
        if stored.is_some_and(|eligible| eligible != data.flags.backup_eligible) {
            return Err(Refused("whether it can be backed up has changed"));
        }
        let hash = Sha256::digest(&answer.client_json);
        let message = [answer.authenticator_bytes.as_slice(), hash.as_slice()].concat();
        let public = PublicKey::read(&key.public_key);
        let public = public.ok_or(Refused("its public key cannot be read"))?;
        if !public.has_signed(&message, &answer.signature) {
            return Err(Refused("the signature is false"));
        }
        let counts = data.sign_count != 0 || key.sign_count != 0;
        Ok(Used {
            id: key.id.clone(),
            sign_count: data.sign_count,
            backup_state: data.flags.backup_state,
            went_back: counts && data.sign_count <= key.sign_count,
        })
    }

    /// Does it answer the question, from a page of ours?
    fn is_asked(
        &self,
        ceremony: &Ceremony,
        client: &ClientData,
        kind: &str,
        now: OffsetDateTime,
    ) -> Result<(), Refused> {
        if ceremony.is_over(now) {
            return Err(Refused("it took too long"));
        }
        if client.kind != kind {
            return Err(Refused("the answer is to another kind of question"));
        }
        let (asked, answered) = (ceremony.challenge.as_bytes(), client.challenge.as_bytes());
        if !bool::from(asked.ct_eq(answered)) {
            return Err(Refused("the answer is to another question"));
        }
        let mut origins = self.origins.iter();
        if !origins.any(|origin| origin.eq_ignore_ascii_case(&client.origin)) {
            return Err(Refused("it was used on a page of another origin"));
        }
        Ok(())
    }

    /// Is it for us, and was somebody there?
    fn is_meant(&self, ceremony: &Ceremony, data: &AuthenticatorData) -> Result<(), Refused> {
        if data.rp_id_hash[..] != Sha256::digest(self.id.as_bytes())[..] {
            return Err(Refused("it is for another website"));
        }
        if !data.flags.user_present {
            return Err(Refused("nobody was there to touch it"));
        }
        if ceremony.verify_user && !data.flags.user_verified {
            return Err(Refused("it did not make sure who uses it"));
        }
        if data.flags.backup_state && !data.flags.backup_eligible {
            return Err(Refused("it contradicts itself about backups"));
        }
        Ok(())
    }
}
