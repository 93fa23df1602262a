//! What an administrator sends to create or replace an identity (http-api.md §11.3–11.5).
//!
//! The body is read strictly for creating: an unknown field anywhere is an error. Passwords in clear are
//! not hashed here; [`Imported`] hands them to whoever can.
mod body;
mod credentials;
mod shape;
#[cfg(test)]
mod tests;

use crate::base::id::{AddressId, IdentityId, NetworkId};
use crate::base::random::Random;
use crate::base::secret::Secret;
use crate::base::terms::{CredentialsType as Kind, Via};
use crate::base::time::micros;
use crate::base::time::parse_rfc3339;
use crate::model::identity::{
    AddressStatus, Identity, IdentityState, RecoveryAddress, VerifiableAddress,
};
use body::{AddressBody, Body};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// Status 400 either way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The body is not of the right shape: goes into `message`, there is no `reason`.
    #[error("{0}")]
    Undecodable(String),
    /// The body was read and makes no sense: goes into `reason`.
    #[error("{0}")]
    Invalid(String),
}

/// An identity that still has to be validated, and perhaps a password to be hashed before it is stored.
#[derive(Debug)]
pub struct Imported {
    pub identity: Identity,
    /// Hash it, then give it to [`set_password`].
    pub password: Option<Secret<String>>,
}

/// Puts the hash of a password in place.
pub fn set_password(identity: &mut Identity, hash: &str, dice: &dyn Random, now: OffsetDateTime) {
    credentials::set_hash(identity, hash, dice, now);
}

/// The password in clear that the body of a create or replace request holds.
#[must_use]
pub fn plain_password(body: &Value) -> Option<&str> {
    let config = body.pointer("/credentials/password/config")?;
    // Said to come from elsewhere, it is not looked at.
    if config.get("use_password_migration_hook") == Some(&Value::Bool(true)) {
        return None;
    }
    config.get("password")?.as_str().filter(|p| !p.is_empty())
}

/// Whether the body of a replace request can be read. What only a new identity is made of is passed over, whatever it
/// is, and taken out.
///
/// # Errors
/// [`ImportError::Undecodable`]
pub fn check_replacement(body: &mut Value) -> Result<(), ImportError> {
    if let Value::Object(body) = body {
        for field in [
            "verifiable_addresses",
            "recovery_addresses",
            "organization_id",
        ] {
            body.shift_remove(field);
        }
    }
    shape::check(body, false)?;
    Body::read(body).map(|_| ())
}

/// The body of a create request. An empty `schema_id` means `default_schema`.
///
/// # Errors
/// See [`ImportError`].
pub fn create(
    body: &Value,
    id: IdentityId,
    nid: NetworkId,
    default_schema: &str,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Result<Imported, ImportError> {
    let body = read(body, true)?;
    let schema_id = body
        .schema_id
        .as_deref()
        .filter(|s| !s.is_empty())
        .unwrap_or(default_schema);
    let traits = body.traits.clone().unwrap_or_else(|| json!({}));
    let mut identity = Identity::new(id, nid, schema_id, traits, now);
    if let Some(state) = state(body.state.as_deref())? {
        identity.state = state;
    }
    identity.external_id = body.external_id.clone().filter(|e| !e.is_empty());
    identity.metadata_public.clone_from(&body.metadata_public);
    identity.metadata_admin.clone_from(&body.metadata_admin);
    identity.organization_id = match body.organization_id.as_deref() {
        None => None,
        Some(text) => Some(
            Uuid::parse_str(text)
                .map_err(|_| ImportError::Undecodable("organization_id is no UUID".to_owned()))?,
        ),
    };
    for address in body.verifiable_addresses.iter().flatten() {
        identity
            .verifiable_addresses
            .extend(verifiable(address, dice, now)?);
    }
    for address in body.recovery_addresses.iter().flatten() {
        identity
            .recovery_addresses
            .extend(recovery(address, dice, now));
    }
    let password = credentials::import(&mut identity, body.credentials.as_ref(), dice, now)?;
    Ok(Imported { identity, password })
}

/// The body of a replace request, onto the identity with its credentials. Unknown fields are passed over.
///
/// # Errors
/// See [`ImportError`]; the identity may be half changed then.
pub fn replace(
    body: &Value,
    mut identity: Identity,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Result<Imported, ImportError> {
    let body = read(body, false)?;
    identity.upgrade_credentials();
    if let Some(schema_id) = body.schema_id.as_ref().filter(|s| !s.is_empty()) {
        identity.schema_id.clone_from(schema_id);
    }
    let new_state = state(body.state.as_deref())?;
    if let Some(state) = new_state.filter(|s| *s != identity.state) {
        identity.state = state;
        identity.state_changed_at = Some(now);
    }
    identity.traits = body.traits.clone().unwrap_or_else(|| json!({}));
    identity.metadata_public.clone_from(&body.metadata_public);
    identity.metadata_admin.clone_from(&body.metadata_admin);
    identity.external_id = body.external_id.clone().filter(|e| !e.is_empty());
    let password = credentials::import(&mut identity, body.credentials.as_ref(), dice, now)?;
    identity.updated_at = micros(now);
    Ok(Imported { identity, password })
}

/// Whether a credential of that kind can have such a config.
///
/// # Errors
/// [`ImportError::Invalid`]
pub(super) fn check_config(kind: Kind, config: &Value) -> Result<(), ImportError> {
    match shape::trouble_in_config(kind.word(), config) {
        None => Ok(()),
        Some(trouble) => Err(ImportError::Invalid(trouble)),
    }
}

/// `strict`: an unknown field anywhere is an error.
fn read(body: &Value, strict: bool) -> Result<Body, ImportError> {
    shape::check(body, strict)?;
    if let Some(region) = region(body) {
        known_region(region)?;
    }
    Body::read(body)
}

/// The region that a body names: one of Ory Network's, said back and not kept.
#[must_use]
pub fn region(body: &Value) -> Option<&str> {
    let region = body.get("region").and_then(Value::as_str);
    region.filter(|region| !region.is_empty())
}

/// # Errors
/// [`ImportError::Invalid`]: there is no such region.
pub(super) fn known_region(region: &str) -> Result<&str, ImportError> {
    const REGIONS: [&str; 8] = [
        "eu-central",
        "asia-northeast",
        "us-east",
        "us-west",
        "eu",
        "asia",
        "us",
        "global",
    ];
    if REGIONS.contains(&region) {
        return Ok(region);
    }
    Err(ImportError::Invalid(format!(
        "There is no region {region:?}, only {}.",
        REGIONS.join(", ")
    )))
}

fn state(word: Option<&str>) -> Result<Option<IdentityState>, ImportError> {
    match word {
        None | Some("") => Ok(None),
        Some(word) => IdentityState::from_word(word).map(Some).ok_or_else(|| {
            ImportError::Invalid(format!(
                "There is no identity state {word:?}, only active and inactive."
            ))
        }),
    }
}

/// An address of a kind that there is not is left out: no trait can match it.
fn verifiable(
    body: &AddressBody,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Result<Option<VerifiableAddress>, ImportError> {
    let Some(via) = via(body) else {
        return Ok(None);
    };
    let verified = body.verified.unwrap_or(false);
    let status = body
        .status
        .as_deref()
        .and_then(AddressStatus::from_word)
        .unwrap_or(if verified {
            AddressStatus::Completed
        } else {
            AddressStatus::Pending
        });
    let verified_at = match body.verified_at.as_deref() {
        None => None,
        Some(text) => Some(parse_rfc3339(text).ok_or_else(|| {
            ImportError::Undecodable("verified_at is no RFC 3339 time".to_owned())
        })?),
    };
    Ok(Some(VerifiableAddress {
        id: AddressId::random(dice),
        value: body.value.as_deref().unwrap_or_default().to_lowercase(),
        via,
        verified,
        status,
        verified_at,
        created_at: micros(now),
        updated_at: micros(now),
    }))
}

fn recovery(body: &AddressBody, dice: &dyn Random, now: OffsetDateTime) -> Option<RecoveryAddress> {
    Some(RecoveryAddress {
        id: AddressId::random(dice),
        value: body.value.as_deref().unwrap_or_default().to_lowercase(),
        via: via(body)?,
        break_glass_for_organization: body
            .break_glass_for_organization
            .as_deref()
            .and_then(|o| Uuid::parse_str(o).ok()),
        created_at: micros(now),
        updated_at: micros(now),
    })
}

fn via(body: &AddressBody) -> Option<Via> {
    match body.via.as_deref() {
        None | Some("") => Some(Via::Email),
        Some(word) => Via::from_word(word),
    }
}

/// The unique name of an account elsewhere: identifier of `oidc` and `saml` credentials.
#[must_use]
pub fn provider_identifier(provider: &str, subject: &str) -> String {
    format!("{provider}:{subject}")
}

/// Kinds that `include_credential` may ask for (http-api.md §11.1). The two recovery words are allowed and
/// name nothing that is stored.
#[must_use]
pub fn includable(word: &str) -> Option<Option<Kind>> {
    match word {
        "link_recovery" | "code_recovery" => Some(None),
        word => Kind::from_word(word).map(Some),
    }
}
