//! JSON Patch (RFC 6902) on an identity: the three operations that the reference takes, on the document
//! that administrators see with all configs (http-api.md §11.6).
mod pointer;
#[cfg(test)]
mod tests;

use super::import::{ImportError, check_config, known_region};
use super::json::{self, Origin, Show};
use crate::base::id::{AddressId, CredentialId};
use crate::base::random::Random;
use crate::base::terms::{CredentialsType as Kind, Via};
use crate::base::time::{micros, parse_rfc3339};
use crate::model::credentials::Credential;
use crate::model::identity::{
    AddressStatus, Identity, IdentityState, RecoveryAddress, VerifiableAddress, object as as_object,
};
use pointer::Op;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

/// The identity as it shall be, still to be validated. The region is not kept, only said back.
#[derive(Debug)]
pub struct Patched {
    pub identity: Identity,
    pub region: Option<String>,
    /// How it is shown: metadata that was removed is left out of the answer.
    pub origin: Origin,
}

/// What nobody may change this way.
const DENIED: &[&str] = &["/id", "/statechangedat", "/credentials"];
/// The same, with everything below.
const DENIED_BELOW: &[&str] = &["/credentials/oidc", "/credentials/saml"];

/// Applies a patch to an identity that has its credentials.
///
/// # Errors
/// [`ImportError::Undecodable`]: the patch is none, or does not fit the document.
/// [`ImportError::Invalid`]: it leads to something that cannot be.
pub fn apply(
    patch: &Value,
    identity: &Identity,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Result<Patched, ImportError> {
    let ops = match patch {
        Value::Array(ops) => ops.as_slice(),
        // As in the reference: nothing to do.
        Value::Null => &[],
        _ => return undecodable("the patch is no list of operations"),
    };
    let mut region = None;
    let mut parsed = vec![];
    for op in ops {
        let op = Op::read(op).map_err(ImportError::Undecodable)?;
        let lowered = op.path.to_lowercase();
        let below = |denied: &&str| {
            lowered
                .strip_prefix(*denied)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if lowered.is_empty()
            || DENIED.contains(&lowered.as_str())
            || DENIED_BELOW.iter().any(below)
        {
            return Err(ImportError::Undecodable(format!(
                "the path {:?} must not be patched",
                op.path
            )));
        }
        if op.path == "/region" {
            let named = op.text().map_err(ImportError::Undecodable)?;
            region = Some(known_region(&named)?.to_owned());
        } else {
            parsed.push(op);
        }
    }
    let mut document = Value::Object(as_object(&json::admin(
        identity,
        "",
        Show::WithConfigOf(Kind::ALL),
        Origin::Stored,
        &|sealed| Some(sealed.to_owned()),
    )));
    for op in parsed {
        op.apply(&mut document).map_err(ImportError::Undecodable)?;
    }
    let mut old = identity.clone();
    old.upgrade_credentials();
    let reader = Reader {
        old: &old,
        dice,
        now,
    };
    let origin = match document.get("metadata_admin") {
        Some(_) => Origin::Stored,
        None => Origin::Replaced,
    };
    Ok(Patched {
        identity: reader.identity(&document)?,
        region,
        origin,
    })
}

fn undecodable<T>(reason: &str) -> Result<T, ImportError> {
    Err(ImportError::Undecodable(reason.to_owned()))
}

/// Reads the document back.
struct Reader<'a> {
    old: &'a Identity,
    dice: &'a dyn Random,
    now: OffsetDateTime,
}

impl Reader<'_> {
    fn identity(&self, document: &Value) -> Result<Identity, ImportError> {
        let get = |key: &str| document.get(key).filter(|v| !v.is_null());
        let mut out = self.old.clone();
        out.schema_id = text(document, "schema_id")?.unwrap_or_default();
        out.traits = document.get("traits").cloned().unwrap_or_default();
        // Not to be changed, but it has to be what it ought to be.
        text(document, "schema_url")?;
        out.external_id = text(document, "external_id")?.filter(|e| !e.is_empty());
        out.metadata_public = get("metadata_public").cloned();
        out.metadata_admin = get("metadata_admin").cloned();
        out.organization_id = uuid(document, "organization_id")?;
        out.created_at = time(document, "created_at")?.unwrap_or(out.created_at);
        out.state_changed_at = time(document, "state_changed_at")?;
        let word = text(document, "state")?.unwrap_or_default();
        out.state = IdentityState::from_word(&word)
            .ok_or_else(|| ImportError::Invalid(format!("There is no identity state {word:?}.")))?;
        if out.state != self.old.state {
            out.state_changed_at = Some(self.now);
        }
        out.updated_at = micros(self.now);
        out.credentials = self.credentials(get("credentials"))?;
        out.verifiable_addresses = list(get("verifiable_addresses"))?
            .iter()
            .map(|a| self.verifiable(a))
            .collect::<Result<_, _>>()?;
        out.recovery_addresses = list(get("recovery_addresses"))?
            .iter()
            .map(|a| self.recovery(a))
            .collect::<Result<_, _>>()?;
        Ok(out)
    }

    fn credentials(&self, value: Option<&Value>) -> Result<Vec<Credential>, ImportError> {
        let empty = Map::new();
        let map = match value {
            None => &empty,
            Some(Value::Object(map)) => map,
            Some(_) => return undecodable("credentials is no object"),
        };
        let mut out = vec![];
        for (key, value) in map {
            let kind = Kind::from_word(key);
            let named = value.get("type").and_then(Value::as_str);
            let Some(kind) = kind.filter(|_| named == Some(key)) else {
                return Err(ImportError::Invalid(format!(
                    "The credential {key:?} must have a \"type\" of that name."
                )));
            };
            match self.old.credential(kind) {
                // Not patched, and shown otherwise than stored.
                Some(old) if matches!(kind, Kind::Oidc | Kind::Saml | Kind::DeviceAuthn) => {
                    out.push(old.clone());
                }
                old => out.push(self.credential(kind, old, value)?),
            }
        }
        Ok(out)
    }

    fn credential(
        &self,
        kind: Kind,
        old: Option<&Credential>,
        value: &Value,
    ) -> Result<Credential, ImportError> {
        let mut out = old.cloned().unwrap_or_else(|| {
            let mut new =
                Credential::new(CredentialId::random(self.dice), kind, Value::Null, self.now);
            new.version = 0;
            new
        });
        out.identifiers = match value.get("identifiers") {
            None | Some(Value::Null) => vec![],
            Some(Value::Array(items)) => items
                .iter()
                .map(|i| i.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(|| ImportError::Undecodable("identifiers are no texts".to_owned()))?,
            Some(_) => return undecodable("identifiers is no list"),
        };
        out.config = match value.get("config") {
            None | Some(Value::Null) => Value::Object(Map::new()),
            Some(config @ Value::Object(_)) => config.clone(),
            Some(_) => return undecodable("config is no object"),
        };
        out.version = match value.get("version") {
            None | Some(Value::Null) => 0,
            Some(version) => version
                .as_i64()
                .ok_or_else(|| ImportError::Undecodable("version is no number".to_owned()))?,
        };
        for name in ["created_at", "updated_at"] {
            time(value, name)?;
        }
        if old.is_none_or(|old| old.config != out.config) {
            check_config(kind, &out.config)?;
        }
        if old.is_some_and(|old| *old != out) {
            out.updated_at = micros(self.now);
        }
        Ok(out)
    }

    fn verifiable(&self, value: &Value) -> Result<VerifiableAddress, ImportError> {
        let id = uuid(value, "id")?.map(AddressId);
        let old = self
            .old
            .verifiable_addresses
            .iter()
            .find(|a| Some(a.id) == id);
        let verified = match value.get("verified") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(verified)) => *verified,
            Some(_) => return undecodable("verified is neither true nor false"),
        };
        let status = text(value, "status")?
            .and_then(|s| AddressStatus::from_word(&s))
            .unwrap_or(if verified {
                AddressStatus::Completed
            } else {
                AddressStatus::Pending
            });
        let mut out = VerifiableAddress {
            id: old.map_or_else(|| AddressId::random(self.dice), |a| a.id),
            value: text(value, "value")?.unwrap_or_default(),
            via: via(value)?,
            verified,
            status,
            verified_at: time(value, "verified_at")?,
            created_at: old.map_or(micros(self.now), |a| a.created_at),
            updated_at: old.map_or(micros(self.now), |a| a.updated_at),
        };
        if old.is_some_and(|old| *old != out) {
            out.updated_at = micros(self.now);
        }
        Ok(out)
    }

    fn recovery(&self, value: &Value) -> Result<RecoveryAddress, ImportError> {
        let id = uuid(value, "id")?.map(AddressId);
        let old = self
            .old
            .recovery_addresses
            .iter()
            .find(|a| Some(a.id) == id);
        let mut out = RecoveryAddress {
            id: old.map_or_else(|| AddressId::random(self.dice), |a| a.id),
            value: text(value, "value")?.unwrap_or_default(),
            via: via(value)?,
            break_glass_for_organization: uuid(value, "break_glass_for_organization")?,
            created_at: old.map_or(micros(self.now), |a| a.created_at),
            updated_at: old.map_or(micros(self.now), |a| a.updated_at),
        };
        if old.is_some_and(|old| *old != out) {
            out.updated_at = micros(self.now);
        }
        Ok(out)
    }
}

fn text(value: &Value, key: &str) -> Result<Option<String>, ImportError> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(ImportError::Undecodable(format!("{key} is no text"))),
    }
}

fn time(value: &Value, key: &str) -> Result<Option<OffsetDateTime>, ImportError> {
    match text(value, key)? {
        None => Ok(None),
        Some(text) => parse_rfc3339(&text)
            .map(Some)
            .ok_or_else(|| ImportError::Undecodable(format!("{key} is no RFC 3339 time"))),
    }
}

fn uuid(value: &Value, key: &str) -> Result<Option<Uuid>, ImportError> {
    match text(value, key)? {
        None => Ok(None),
        Some(text) => Uuid::parse_str(&text)
            .map(Some)
            .map_err(|_| ImportError::Undecodable(format!("{key} is no UUID"))),
    }
}

fn via(value: &Value) -> Result<Via, ImportError> {
    match text(value, "via")? {
        None => Ok(Via::Email),
        Some(word) => Via::from_word(&word)
            .ok_or_else(|| ImportError::Invalid(format!("There is no channel {word:?}."))),
    }
}

fn list(value: Option<&Value>) -> Result<&[Value], ImportError> {
    match value {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => undecodable("the addresses are no list"),
    }
}
