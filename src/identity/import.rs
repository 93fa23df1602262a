//! The body by which an administrator makes an identity (http-api.md §11.3, §11.4).
use super::derive;
use crate::base::id::{AddressId, CredentialId, IdentityId, NetworkId};
use crate::base::random::Random;
use crate::base::secret::Secret;
use crate::base::terms::{CredentialsType, Via};
use crate::base::time::wire;
use crate::crypto::hash;
use crate::model::credentials::Credential;
use crate::model::identifier;
use crate::model::identity::{
    AddressStatus, Identity, IdentityState, RecoveryAddress, VerifiableAddress,
};
use crate::schema::{IdentitySchema, Violation};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    #[serde(default)]
    pub schema_id: Option<String>,
    #[serde(default)]
    traits: Value,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    credentials: Option<Credentials>,
    #[serde(default)]
    verifiable_addresses: Option<Vec<Verifiable>>,
    #[serde(default)]
    recovery_addresses: Option<Vec<Recovery>>,
    #[serde(default)]
    metadata_public: Option<Value>,
    #[serde(default)]
    metadata_admin: Option<Value>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    organization_id: Option<Uuid>,
    /// Of the hosted service; accepted and not kept.
    #[serde(default, rename = "region")]
    _region: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Credentials {
    password: Option<Config<Password>>,
    oidc: Option<Config<Providers>>,
    totp: Option<Config<Totp>>,
    lookup_secret: Option<Config<Codes>>,
    saml: Option<Value>,
    webauthn: Option<Value>,
    passkey: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Config<T: Default> {
    config: T,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Password {
    password: Option<Secret<String>>,
    hashed_password: Option<Secret<String>>,
    use_password_migration_hook: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Providers {
    providers: Vec<Provider>,
}

#[derive(Deserialize)]
struct Provider {
    subject: String,
    provider: String,
    #[serde(default)]
    use_auto_link: bool,
    #[serde(default)]
    organization: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Totp {
    totp_url: Secret<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Codes {
    codes: Vec<Value>,
}

#[derive(Deserialize)]
struct Verifiable {
    value: String,
    via: Via,
    #[serde(default)]
    verified: bool,
    #[serde(default)]
    status: Option<AddressStatus>,
    #[serde(default, with = "wire::option")]
    verified_at: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
struct Recovery {
    value: String,
    via: Via,
}

/// Why the body makes no identity.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("state has to be active or inactive, not {0:?}.")]
    State(String),
    #[error("hashed_password does not match any known hash format: {0}.")]
    Hash(hash::HashError),
    #[error("Credentials of the kind {0} cannot be imported by this version.")]
    Kind(&'static str),
    #[error("The traits do not fit the schema: {0}")]
    Traits(String),
}

/// An identity that is complete but for the hash of a password given in clear.
pub struct Made {
    pub identity: Identity,
    pub password_to_hash: Option<Secret<String>>,
}

impl Made {
    pub fn set_password_hash(&mut self, hashed: String) {
        if let Some(credential) = self.identity.credential_mut(CredentialsType::Password) {
            credential.config = json!({ "hashed_password": hashed });
        }
    }
}

/// The identity that the body describes, with everything that follows from its traits.
pub fn identity(
    wanted: Create,
    schema: &IdentitySchema,
    nid: NetworkId,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Result<Made, ImportError> {
    let mut identity = Identity::new(
        IdentityId::random(dice),
        nid,
        &schema.id,
        wanted.traits,
        now,
    );
    if let Some(state) = wanted.state.filter(|s| !s.is_empty()) {
        identity.state = IdentityState::from_word(&state).ok_or(ImportError::State(state))?;
    }
    identity.external_id = wanted.external_id.filter(|id| !id.is_empty());
    identity.metadata_public = wanted.metadata_public.filter(|m| !m.is_null());
    identity.metadata_admin = wanted.metadata_admin.filter(|m| !m.is_null());
    identity.organization_id = wanted.organization_id;
    // What is said about addresses counts for those that the traits bring.
    identity.verifiable_addresses = wanted
        .verifiable_addresses
        .unwrap_or_default()
        .into_iter()
        .map(|a| known_address(a, dice, now))
        .collect();
    identity.recovery_addresses = wanted
        .recovery_addresses
        .unwrap_or_default()
        .into_iter()
        .map(|a| RecoveryAddress {
            id: AddressId::random(dice),
            value: normalized(&a.value, a.via),
            via: a.via,
            break_glass_for_organization: None,
            created_at: now,
            updated_at: now,
        })
        .collect();
    let mut made = Made {
        identity,
        password_to_hash: None,
    };
    credentials(&mut made, wanted.credentials.unwrap_or_default(), dice, now)?;
    derive::derive(schema, &mut made.identity, dice, now)
        .map_err(|errors| ImportError::Traits(sentences(&errors)))?;
    Ok(made)
}

fn normalized(value: &str, via: Via) -> String {
    identifier::normalize_address(value, via).unwrap_or_else(|_| value.to_lowercase())
}

fn known_address(address: Verifiable, dice: &dyn Random, now: OffsetDateTime) -> VerifiableAddress {
    let status = match address.status {
        Some(status) => status,
        None if address.verified => AddressStatus::Completed,
        None => AddressStatus::Pending,
    };
    VerifiableAddress {
        id: AddressId::random(dice),
        value: normalized(&address.value, address.via),
        via: address.via,
        verified: address.verified,
        status,
        verified_at: address.verified_at.or(address.verified.then_some(now)),
        created_at: now,
        updated_at: now,
    }
}

fn credentials(
    made: &mut Made,
    wanted: Credentials,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Result<(), ImportError> {
    for (kind, given) in [
        ("saml", wanted.saml),
        ("webauthn", wanted.webauthn),
        ("passkey", wanted.passkey),
    ] {
        if given.is_some_and(|g| !g.is_null()) {
            return Err(ImportError::Kind(kind));
        }
    }
    let new = |kind, config: Value, identifiers: Vec<String>| Credential {
        identifiers,
        ..Credential::new(CredentialId::random(dice), kind, config, now)
    };
    let own_id = made.identity.id.to_string();
    if let Some(Config { config: password }) = wanted.password {
        let config =
            if let Some(hashed) = password.hashed_password.filter(|h| !h.expose().is_empty()) {
                hash::check_import(hashed.expose()).map_err(ImportError::Hash)?;
                json!({ "hashed_password": hashed.expose() })
            } else if password.use_password_migration_hook {
                json!({ "use_password_migration_hook": true })
            } else {
                made.password_to_hash = password.password.filter(|p| !p.expose().is_empty());
                json!({})
            };
        made.identity
            .set_credential(new(CredentialsType::Password, config, vec![]));
    }
    if let Some(Config {
        config: Providers { providers },
    }) = wanted.oidc
    {
        let identifiers = providers
            .iter()
            .map(|p| format!("{}:{}", p.provider, p.subject))
            .collect();
        let entries: Vec<Value> = providers.into_iter().map(provider).collect();
        made.identity.set_credential(new(
            CredentialsType::Oidc,
            json!({ "providers": entries }),
            identifiers,
        ));
    }
    if let Some(Config { config: totp }) = wanted.totp {
        let config = json!({ "totp_url": totp.totp_url.expose() });
        made.identity
            .set_credential(new(CredentialsType::Totp, config, vec![own_id.clone()]));
    }
    if let Some(Config {
        config: Codes { codes },
    }) = wanted.lookup_secret
    {
        let config = json!({ "recovery_codes": codes });
        made.identity
            .set_credential(new(CredentialsType::LookupSecret, config, vec![own_id]));
    }
    Ok(())
}

fn provider(given: Provider) -> Value {
    let mut entry = json!({
        "subject": given.subject, "provider": given.provider,
        "initial_id_token": "", "initial_access_token": "", "initial_refresh_token": "",
    });
    if let Some(organization) = given.organization.filter(|o| !o.is_empty()) {
        entry["organization"] = organization.into();
    }
    if given.use_auto_link {
        entry["use_auto_link"] = true.into();
    }
    entry
}

fn sentences(errors: &[Violation]) -> String {
    errors
        .iter()
        .map(|v| format!("{}: {}", v.field, v.message.text))
        .collect::<Vec<_>>()
        .join(" ")
}
