//! A person (or thing) that has an account: a row of `identities` with what hangs on it.
use super::credentials::Credential;
use crate::base::id::{AddressId, IdentityId, NetworkId};
use crate::base::terms::{Aal, CredentialsType, Via};
use crate::base::time::{micros, wire};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    pub id: IdentityId,
    pub nid: NetworkId,
    pub schema_id: String,
    pub traits: Value,
    pub state: IdentityState,
    pub state_changed_at: Option<OffsetDateTime>,
    pub external_id: Option<String>,
    pub metadata_public: Option<Value>,
    pub metadata_admin: Option<Value>,
    /// A cache of what the credentials allow; `None`: not known.
    pub available_aal: Option<Aal>,
    pub organization_id: Option<Uuid>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    /// Empty where they were not asked for.
    pub credentials: Vec<Credential>,
    pub verifiable_addresses: Vec<VerifiableAddress>,
    pub recovery_addresses: Vec<RecoveryAddress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityState {
    Active,
    Inactive,
}

impl IdentityState {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "active" => Some(Self::Active),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

/// An address that its owner can prove to be theirs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerifiableAddress {
    pub id: AddressId,
    pub value: String,
    pub verified: bool,
    pub via: Via,
    pub status: AddressStatus,
    #[serde(with = "wire::option", skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<OffsetDateTime>,
    #[serde(with = "wire")]
    pub created_at: OffsetDateTime,
    #[serde(with = "wire")]
    pub updated_at: OffsetDateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressStatus {
    Pending,
    Sent,
    Completed,
}

impl AddressStatus {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Completed => "completed",
        }
    }
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "pending" => Some(Self::Pending),
            "sent" => Some(Self::Sent),
            "completed" => Some(Self::Completed),
            _ => None,
        }
    }
}

impl VerifiableAddress {
    /// Its owner has shown that it is theirs.
    pub fn prove(&mut self, now: OffsetDateTime) {
        self.verified = true;
        self.verified_at = Some(now);
        self.status = AddressStatus::Completed;
    }
}

/// An address through which an account can be got back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecoveryAddress {
    pub id: AddressId,
    pub value: String,
    pub via: Via,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass_for_organization: Option<Uuid>,
    #[serde(with = "wire")]
    pub created_at: OffsetDateTime,
    #[serde(with = "wire")]
    pub updated_at: OffsetDateTime,
}

impl Identity {
    /// An active identity without credentials or addresses.
    #[must_use]
    pub fn new(
        id: IdentityId,
        nid: NetworkId,
        schema_id: &str,
        traits: Value,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            nid,
            schema_id: schema_id.to_owned(),
            traits,
            state: IdentityState::Active,
            state_changed_at: Some(now),
            external_id: None,
            metadata_public: None,
            metadata_admin: None,
            available_aal: None,
            organization_id: None,
            created_at: micros(now),
            updated_at: micros(now),
            credentials: vec![],
            verifiable_addresses: vec![],
            recovery_addresses: vec![],
        }
    }
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == IdentityState::Active
    }
    #[must_use]
    pub fn credential(&self, kind: CredentialsType) -> Option<&Credential> {
        self.credentials.iter().find(|c| c.kind == kind)
    }
    pub fn credential_mut(&mut self, kind: CredentialsType) -> Option<&mut Credential> {
        self.credentials.iter_mut().find(|c| c.kind == kind)
    }
    /// Puts the credential in the place of the one of its kind.
    pub fn set_credential(&mut self, credential: Credential) {
        match self.credential_mut(credential.kind) {
            Some(old) => *old = credential,
            None => self.credentials.push(credential),
        }
    }
    /// Drops the credential of that kind.
    pub fn remove_credential(&mut self, kind: CredentialsType) {
        self.credentials.retain(|c| c.kind != kind);
    }

    /// The public form (http-api.md §14.2): no credentials, no admin metadata.
    /// `schema_url` is `""` where an identity is nested in a list of sessions.
    #[must_use]
    pub fn public<'a>(&'a self, schema_url: impl Into<Cow<'a, str>>) -> IdentityJson<'a> {
        IdentityJson {
            id: self.id,
            external_id: self.external_id.as_deref().filter(|e| !e.is_empty()),
            credentials: None,
            schema_id: &self.schema_id,
            schema_url: schema_url.into(),
            state: self.state,
            state_changed_at: self.state_changed_at,
            traits: &self.traits,
            verifiable_addresses: &self.verifiable_addresses,
            recovery_addresses: &self.recovery_addresses,
            metadata_public: self.metadata_public.as_ref(),
            metadata_admin: None,
            created_at: self.created_at,
            updated_at: self.updated_at,
            organization_id: self.organization_id,
            region: None,
        }
    }

    /// [`Identity::public`] as an object, for who has to add to it.
    #[must_use]
    pub fn json(&self, schema_url: &str) -> Map<String, Value> {
        object(&self.public(schema_url))
    }
}

/// What is shown of an identity.
#[derive(Clone, Debug, Serialize)]
pub struct IdentityJson<'a> {
    id: IdentityId,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    /// For administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Map<String, Value>>,
    schema_id: &'a str,
    schema_url: Cow<'a, str>,
    state: IdentityState,
    #[serde(with = "wire::option", skip_serializing_if = "Option::is_none")]
    state_changed_at: Option<OffsetDateTime>,
    traits: &'a Value,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    verifiable_addresses: &'a [VerifiableAddress],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    recovery_addresses: &'a [RecoveryAddress],
    metadata_public: Option<&'a Value>,
    /// For administrators; there may be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata_admin: Option<Option<&'a Value>>,
    #[serde(with = "wire")]
    created_at: OffsetDateTime,
    #[serde(with = "wire")]
    updated_at: OffsetDateTime,
    organization_id: Option<Uuid>,
    /// Not kept, only said back to who has named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<&'a str>,
}

/// The object that a struct is in JSON.
pub(crate) fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}
