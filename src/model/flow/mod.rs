//! A flow: what all kinds have in common, and under `own` what only one kind has.
pub mod continue_with;
pub mod memory;

pub use continue_with::{ContinueWith, VerificationRef};
pub use memory::{Linking, Memory};

use crate::base::id::{FlowId, IdentityId, SessionId};
use crate::base::terms::{Aal, Channel, FlowKind, Group, State};
use crate::base::time::micros;
use crate::base::url::Params;
use crate::model::identity::Identity;
use crate::ui::Form;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct Flow<K> {
    pub id: FlowId,
    pub channel: Channel,
    pub request_url: String,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub state: State,
    pub active: Option<Group>,
    /// The masked anti-forgery token as stored (database.md §7.1); settings flows have none.
    pub csrf_token: String,
    pub form: Form,
    /// The column `internal_context`: stored, never shown.
    pub memory: Memory,
    /// Of this answer only: shown, never stored.
    pub passing: Passing,
    pub own: K,
}

/// What hooks need of any flow.
pub struct Parts<'a> {
    pub kind: FlowKind,
    pub id: FlowId,
    pub channel: Channel,
    pub request_url: &'a str,
    pub memory: &'a mut Memory,
    pub passing: &'a mut Passing,
}

/// Of this answer only, never stored.
#[derive(Clone, Debug, Default)]
pub struct Passing {
    pub continue_with: Vec<ContinueWith>,
    /// Where html goes before the return address.
    pub detour: Option<String>,
    /// Echoed in the answer, handed to hooks and templates.
    pub transient_payload: Option<Value>,
    /// Two codes of a native app whose sign-in goes through a browser; shown when the flow is made.
    pub exchange_init_code: Option<String>,
    /// The request of the OAuth2 server, shown with the flow.
    pub oauth2_login_request: Option<Value>,
    /// Whose settings they are, as they may see themselves.
    pub identity: Option<Map<String, Value>>,
    /// Never shown.
    pub owners: Option<Arc<Owners>>,
}

/// Who has the address that somebody has typed.
#[derive(Debug)]
pub struct Owners {
    pub typed: String,
    /// With all of their addresses.
    pub identities: Vec<Identity>,
}

#[derive(Clone, Debug)]
pub struct Login {
    /// The column `forced`: somebody who is signed in proves it again.
    pub refresh: bool,
    pub requested_aal: Aal,
    pub oauth2_login_challenge: Option<String>,
    pub organization_id: Option<Uuid>,
    pub identity_schema: Option<String>,
    /// A dry run of a provider's configuration (flows.md §3.8).
    pub test_flow: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Registration {
    pub oauth2_login_challenge: Option<String>,
    pub organization_id: Option<Uuid>,
    pub identity_schema: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub identity: IdentityId,
    pub organization_id: Option<Uuid>,
}

#[derive(Clone, Debug, Default)]
pub struct Recovery {
    pub recovered: Option<IdentityId>,
    pub skip_csrf_check: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Verification {
    pub session: Option<SessionId>,
    pub identity: Option<IdentityId>,
    pub authentication_methods: Option<Value>,
    pub oauth2_login_challenge: Option<String>,
}

pub type LoginFlow = Flow<Login>;
pub type RegistrationFlow = Flow<Registration>;
pub type SettingsFlow = Flow<Settings>;
pub type RecoveryFlow = Flow<Recovery>;
pub type VerificationFlow = Flow<Verification>;

#[derive(Clone, Debug)]
pub enum AnyFlow {
    Login(LoginFlow),
    Registration(RegistrationFlow),
    Settings(SettingsFlow),
    Recovery(RecoveryFlow),
    Verification(VerificationFlow),
}

/// The five kinds, for code that serves all of them.
pub trait Kind: Clone + Send + Sync + 'static {
    const KIND: FlowKind;
    fn any(flow: Flow<Self>) -> AnyFlow;
    /// Only the browser that began it may read it. Not so, if an administrator did.
    #[must_use]
    fn is_bound_to_browser(_: &Flow<Self>) -> bool {
        true
    }
    /// The keys that only this kind shows, after the common ones (http-api.md §14.5).
    fn show(flow: &Flow<Self>, out: &mut Map<String, Value>);
}

macro_rules! kinds {
    ($($kind:ident)*) => {
        impl AnyFlow {
            #[must_use]
            pub fn kind(&self) -> FlowKind { match self { $(Self::$kind(_) => FlowKind::$kind),* } }
            #[must_use]
            pub fn id(&self) -> FlowId { match self { $(Self::$kind(f) => f.id),* } }
            #[must_use]
            pub fn channel(&self) -> Channel { match self { $(Self::$kind(f) => f.channel),* } }
            #[must_use]
            pub fn request_url(&self) -> &str { match self { $(Self::$kind(f) => &f.request_url),* } }
            #[must_use]
            pub fn expires_at(&self) -> OffsetDateTime { match self { $(Self::$kind(f) => f.expires_at),* } }
            #[must_use]
            pub fn form(&self) -> &Form { match self { $(Self::$kind(f) => &f.form),* } }
            #[must_use]
            pub fn passing(&self) -> &Passing { match self { $(Self::$kind(f) => &f.passing),* } }
        }
        /// As clients read it.
        impl Serialize for AnyFlow {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$kind(f) => f.serialize(serializer)),* }
            }
        }
    };
}
kinds!(Login Registration Settings Recovery Verification);

impl Kind for Login {
    const KIND: FlowKind = FlowKind::Login;
    fn any(flow: Flow<Self>) -> AnyFlow {
        AnyFlow::Login(flow)
    }
    fn show(flow: &Flow<Self>, out: &mut Map<String, Value>) {
        use crate::base::time::rfc3339;
        out.insert("created_at".into(), rfc3339(flow.created_at).into());
        out.insert("updated_at".into(), rfc3339(flow.updated_at).into());
        out.insert("refresh".into(), flow.own.refresh.into());
        out.insert("requested_aal".into(), flow.own.requested_aal.word().into());
        show_common_of_sign_in(
            flow,
            out,
            flow.own.oauth2_login_challenge.as_deref(),
            flow.own.organization_id,
            flow.own.identity_schema.as_deref(),
        );
    }
}

impl Kind for Registration {
    const KIND: FlowKind = FlowKind::Registration;
    fn any(flow: Flow<Self>) -> AnyFlow {
        AnyFlow::Registration(flow)
    }
    fn show(flow: &Flow<Self>, out: &mut Map<String, Value>) {
        show_common_of_sign_in(
            flow,
            out,
            flow.own.oauth2_login_challenge.as_deref(),
            flow.own.organization_id,
            flow.own.identity_schema.as_deref(),
        );
    }
}

impl Kind for Settings {
    const KIND: FlowKind = FlowKind::Settings;
    fn any(flow: Flow<Self>) -> AnyFlow {
        AnyFlow::Settings(flow)
    }
    fn show(flow: &Flow<Self>, out: &mut Map<String, Value>) {
        let identity = flow.passing.identity.clone();
        out.insert("identity".into(), json!(identity));
        out.insert(
            "organization_id".into(),
            organization(flow.own.organization_id),
        );
        show_continue_with(flow, out);
    }
}

impl Kind for Recovery {
    const KIND: FlowKind = FlowKind::Recovery;
    fn any(flow: Flow<Self>) -> AnyFlow {
        AnyFlow::Recovery(flow)
    }
    fn is_bound_to_browser(flow: &Flow<Self>) -> bool {
        !flow.own.skip_csrf_check
    }
    fn show(flow: &Flow<Self>, out: &mut Map<String, Value>) {
        show_continue_with(flow, out);
    }
}

impl Kind for Verification {
    const KIND: FlowKind = FlowKind::Verification;
    fn any(flow: Flow<Self>) -> AnyFlow {
        AnyFlow::Verification(flow)
    }
    fn show(_: &Flow<Self>, _: &mut Map<String, Value>) {}
}

fn organization(id: Option<Uuid>) -> Value {
    id.map_or(Value::Null, |o| o.to_string().into())
}

fn show_continue_with<K>(flow: &Flow<K>, out: &mut Map<String, Value>) {
    if !flow.passing.continue_with.is_empty() {
        out.insert(
            "continue_with".into(),
            flow.passing
                .continue_with
                .iter()
                .map(ContinueWith::json)
                .collect(),
        );
    }
}

fn show_common_of_sign_in<K>(
    flow: &Flow<K>,
    out: &mut Map<String, Value>,
    challenge: Option<&str>,
    organization_id: Option<Uuid>,
    identity_schema: Option<&str>,
) {
    if let Some(challenge) = challenge.filter(|c| !c.is_empty()) {
        out.insert("oauth2_login_challenge".into(), challenge.into());
    }
    if let Some(request) = &flow.passing.oauth2_login_request {
        out.insert("oauth2_login_request".into(), request.clone());
    }
    out.insert("organization_id".into(), organization(organization_id));
    if let Some(code) = &flow.passing.exchange_init_code {
        out.insert("session_token_exchange_code".into(), code.as_str().into());
    }
    if let Some(schema) = identity_schema.filter(|s| !s.is_empty()) {
        out.insert("identity_schema".into(), schema.into());
    }
}

impl<K: Kind> Flow<K> {
    /// An empty form in its first state; `action` is where it is posted to.
    #[must_use]
    pub fn new(
        id: FlowId,
        channel: Channel,
        request_url: String,
        (now, expires_at): (OffsetDateTime, OffsetDateTime),
        action: String,
        own: K,
    ) -> Self {
        let state = if K::KIND == FlowKind::Settings {
            State::ShowForm
        } else {
            State::ChooseMethod
        };
        Self {
            id,
            channel,
            request_url,
            issued_at: now,
            expires_at,
            created_at: micros(now),
            updated_at: micros(now),
            state,
            active: None,
            csrf_token: String::new(),
            form: Form::posted_to(action),
            memory: Memory::default(),
            passing: Passing::default(),
            own,
        }
    }
    pub fn parts(&mut self) -> Parts<'_> {
        let Self {
            id,
            channel,
            request_url,
            memory,
            passing,
            ..
        } = self;
        Parts {
            kind: K::KIND,
            id: *id,
            channel: *channel,
            request_url,
            memory,
            passing,
        }
    }
    #[must_use]
    pub fn any(&self) -> AnyFlow {
        K::any(self.clone())
    }
    #[must_use]
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at <= now
    }
    /// The `return_to` of the request that began it.
    #[must_use]
    pub fn return_to(&self) -> Option<String> {
        Params::of(&self.request_url)
            .text("return_to")
            .map(str::to_owned)
    }
}

/// As clients read it (http-api.md §14.5).
impl<K: Kind> Serialize for Flow<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use crate::base::time::rfc3339;
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("id", &self.id.to_string())?;
        out.serialize_entry("type", self.channel.word())?;
        out.serialize_entry("expires_at", &rfc3339(self.expires_at))?;
        out.serialize_entry("issued_at", &rfc3339(self.issued_at))?;
        out.serialize_entry("request_url", &self.request_url)?;
        if let Some(return_to) = self.return_to() {
            out.serialize_entry("return_to", &return_to)?;
        }
        if let Some(active) = self.active {
            out.serialize_entry("active", active.word())?;
        }
        out.serialize_entry("ui", &self.form)?;
        out.serialize_entry("state", self.state.word())?;
        if let Some(payload) = &self.passing.transient_payload {
            out.serialize_entry("transient_payload", payload)?;
        }
        let mut own = Map::new();
        K::show(self, &mut own);
        for (key, value) in &own {
            out.serialize_entry(key, value)?;
        }
        out.end()
    }
}
