//! A session: who is signed in, how well that is proven, and until when.
use super::identity::{Identity, IdentityJson, object};
use crate::base::id::{DeviceId, IdentityId, SessionId};
use crate::base::random::{self, Random};
use crate::base::terms::{Aal, MethodId};
use crate::base::time::wire;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// One proof of who somebody is: an entry of `authentication_methods`. `method` is a word of
/// http-api.md §14.1; it stays text, as old rows hold words that are no longer given out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Authentication {
    pub method: String,
    #[serde(default = "aal0")]
    pub aal: Aal,
    #[serde(with = "wire")]
    pub completed_at: OffsetDateTime,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub organization: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub upstream_acr: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstream_amr: Vec<String>,
}

fn aal0() -> Aal {
    Aal::Zero
}

impl Authentication {
    /// Without provider.
    #[must_use]
    pub fn by(method: MethodId, aal: Aal, completed_at: OffsetDateTime) -> Self {
        Self::named(method.word(), aal, completed_at)
    }
    /// By something that has a name of its own here, such as `code_recovery`.
    #[must_use]
    pub fn named(method: &str, aal: Aal, completed_at: OffsetDateTime) -> Self {
        Self {
            method: method.to_owned(),
            aal,
            completed_at,
            provider: String::new(),
            organization: String::new(),
            upstream_acr: String::new(),
            upstream_amr: vec![],
        }
    }
}

#[derive(Clone, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub identity_id: IdentityId,
    pub active: bool,
    pub token: String,
    pub logout_token: String,
    pub aal: Aal,
    pub methods: Vec<Authentication>,
    pub issued_at: OffsetDateTime,
    pub authenticated_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub devices: Vec<Device>,
}

/// Tokens stay out of logs.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("identity_id", &self.identity_id)
            .field("active", &self.active)
            .field("aal", &self.aal)
            .finish_non_exhaustive()
    }
}

/// Where a session was begun or used from (http-api.md §5.4).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Device {
    pub id: DeviceId,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub location: Option<String>,
    #[serde(skip)]
    pub created_at: OffsetDateTime,
    #[serde(skip)]
    pub updated_at: OffsetDateTime,
}

impl Session {
    /// A session that proves nothing yet, with new id and tokens (http-api.md §5.3).
    #[must_use]
    pub fn fresh(identity_id: IdentityId, dice: &dyn Random, now: OffsetDateTime) -> Self {
        Self {
            id: SessionId::random(dice),
            identity_id,
            active: false,
            token: format!("ory_st_{}", random::alphanumeric(dice, 32)),
            logout_token: format!("ory_lo_{}", random::alphanumeric(dice, 32)),
            aal: Aal::Zero,
            methods: vec![],
            issued_at: now,
            authenticated_at: now,
            expires_at: now,
            created_at: now,
            updated_at: now,
            devices: vec![],
        }
    }
    /// Live at that moment, its identity aside.
    #[must_use]
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        self.active && self.expires_at > now
    }

    /// The public form (http-api.md §14.1). `identity` is `None` for `null`, with the URL of its schema otherwise.
    #[must_use]
    pub fn public<'a>(
        &'a self,
        now: OffsetDateTime,
        identity: Option<(&'a Identity, &'a str)>,
    ) -> PublicSession<'a> {
        let identity_active = identity.is_none_or(|(i, _)| i.is_active());
        PublicSession {
            id: self.id,
            active: self.is_live(now) && identity_active,
            expires_at: self.expires_at,
            authenticated_at: self.authenticated_at,
            authenticator_assurance_level: self.aal,
            authentication_methods: &self.methods,
            issued_at: self.issued_at,
            identity: identity.map(|(i, url)| i.public(url)),
            devices: &self.devices,
        }
    }

    /// [`Session::public`] as an object, for who has to add to it.
    #[must_use]
    pub fn json(
        &self,
        now: OffsetDateTime,
        identity: Option<(&Identity, &str)>,
    ) -> Map<String, Value> {
        object(&self.public(now, identity))
    }
}

/// What its owner may see of a session.
#[derive(Clone, Debug, Serialize)]
pub struct PublicSession<'a> {
    id: SessionId,
    active: bool,
    #[serde(with = "wire")]
    expires_at: OffsetDateTime,
    #[serde(with = "wire")]
    authenticated_at: OffsetDateTime,
    authenticator_assurance_level: Aal,
    authentication_methods: &'a [Authentication],
    #[serde(with = "wire")]
    issued_at: OffsetDateTime,
    identity: Option<IdentityJson<'a>>,
    devices: &'a [Device],
}
