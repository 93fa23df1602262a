//! A person (or thing) that has an account: a row of `identities` with what hangs on it.
use super::credentials::Credential;
use crate::base::id::{AddressId, IdentityId, NetworkId};
use crate::base::terms::{Aal, CredentialsType, Via};
use crate::base::time::micros;
use serde_json::{Map, Value};
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiableAddress {
    pub id: AddressId,
    pub value: String,
    pub via: Via,
    pub verified: bool,
    pub status: AddressStatus,
    pub verified_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

/// An address through which an account can be got back.
#[derive(Clone, Debug, PartialEq)]
pub struct RecoveryAddress {
    pub id: AddressId,
    pub value: String,
    pub via: Via,
    pub break_glass_for_organization: Option<Uuid>,
    pub created_at: OffsetDateTime,
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

    /// The public form (http-api.md §14.2): no credentials, no admin metadata.
    /// `schema_url` is `""` where an identity is nested in a list of sessions.
    #[must_use]
    pub fn json(&self, schema_url: &str) -> Map<String, Value> {
        use crate::base::time::rfc3339;
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
        put("id", self.id.to_string().into());
        if let Some(external_id) = self.external_id.as_deref().filter(|e| !e.is_empty()) {
            put("external_id", external_id.into());
        }
        put("schema_id", self.schema_id.as_str().into());
        put("schema_url", schema_url.into());
        put("state", self.state.word().into());
        if let Some(at) = self.state_changed_at {
            put("state_changed_at", rfc3339(at).into());
        }
        put("traits", self.traits.clone());
        if !self.verifiable_addresses.is_empty() {
            put(
                "verifiable_addresses",
                self.verifiable_addresses
                    .iter()
                    .map(VerifiableAddress::json)
                    .collect(),
            );
        }
        if !self.recovery_addresses.is_empty() {
            put(
                "recovery_addresses",
                self.recovery_addresses
                    .iter()
                    .map(RecoveryAddress::json)
                    .collect(),
            );
        }
        put(
            "metadata_public",
            self.metadata_public.clone().unwrap_or(Value::Null),
        );
        put("created_at", rfc3339(self.created_at).into());
        put("updated_at", rfc3339(self.updated_at).into());
        put(
            "organization_id",
            self.organization_id
                .map_or(Value::Null, |o| o.to_string().into()),
        );
        out
    }
}

impl VerifiableAddress {
    #[must_use]
    pub fn json(&self) -> Value {
        use crate::base::time::rfc3339;
        let mut out = serde_json::json!({
            "id": self.id, "value": self.value, "verified": self.verified, "via": self.via,
            "status": self.status,
        });
        if let Some(at) = self.verified_at {
            out["verified_at"] = rfc3339(at).into();
        }
        out["created_at"] = rfc3339(self.created_at).into();
        out["updated_at"] = rfc3339(self.updated_at).into();
        out
    }
}

impl RecoveryAddress {
    #[must_use]
    pub fn json(&self) -> Value {
        use crate::base::time::rfc3339;
        let mut out = serde_json::json!({ "id": self.id, "value": self.value, "via": self.via });
        if let Some(organization) = self.break_glass_for_organization {
            out["break_glass_for_organization"] = organization.to_string().into();
        }
        out["created_at"] = rfc3339(self.created_at).into();
        out["updated_at"] = rfc3339(self.updated_at).into();
        out
    }
}
