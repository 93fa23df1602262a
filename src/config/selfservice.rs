//! The flows: where their pages are, how long they live, what happens before and after.
use super::duration;
use super::hook::HookSpec;
use super::method::Methods;
use super::section::{choice, section};
use super::session::RequiredAal;
use crate::base::terms::{FlowKind, MethodId};
use std::collections::BTreeMap;
use time::Duration;

section!(
    SelfService {
        /// Where browsers go when nothing else says.
        default_browser_return_url: String,
        allowed_return_urls: Vec<String>,
        flows: Flows,
        methods: Methods,
    }
);
section!(Flows {
    login: LoginFlow,
    registration: RegistrationFlow,
    settings: SettingsFlow,
    recovery: RecoveryFlow,
    verification: VerificationFlow,
    logout: LogoutFlow,
    error: ErrorPage,
});
section!(LoginFlow {
    ui_url: String = fallback("login"),
    #[serde(deserialize_with = "duration::required")]
    lifespan: Duration = Duration::hours(1),
    style: LoginStyle,
    before: Before,
    after: After,
});
choice!(
    LoginStyle { Unified = "unified", IdentifierFirst = "identifier_first" }
);
section!(RegistrationFlow {
    enabled: bool = true,
    /// Tell whom a duplicate belongs to by which ways of signing in.
    login_hints: bool,
    ui_url: String = fallback("registration"),
    #[serde(deserialize_with = "duration::required")]
    lifespan: Duration = Duration::hours(1),
    /// As written; [`RegistrationFlow::asks_profile_first`] is what counts.
    style: RegistrationStyle,
    enable_legacy_one_step: bool,
    before: Before,
    after: After,
});
choice!(
    RegistrationStyle { ProfileFirst = "profile_first", Unified = "unified" }
);

impl RegistrationFlow {
    /// Two steps, unless the style or the older switch says otherwise.
    #[must_use]
    pub fn asks_profile_first(&self) -> bool {
        !self.enable_legacy_one_step && self.style == RegistrationStyle::ProfileFirst
    }
}

section!(SettingsFlow {
    ui_url: String = fallback("settings"),
    #[serde(deserialize_with = "duration::required")]
    lifespan: Duration = Duration::hours(1),
    /// What is protected needs a proof younger than this.
    #[serde(deserialize_with = "duration::required")]
    privileged_session_max_age: Duration = Duration::hours(1),
    required_aal: RequiredAal,
    before: Before,
    after: After,
});
section!(RecoveryFlow {
    enabled: bool,
    ui_url: String = fallback("recovery"),
    #[serde(deserialize_with = "duration::required")]
    lifespan: Duration = Duration::hours(1),
    r#use: SendBy,
    notify_unknown_recipients: bool,
    before: Before,
    after: After,
});
section!(VerificationFlow {
    enabled: bool,
    ui_url: String = fallback("verification"),
    #[serde(deserialize_with = "duration::required")]
    lifespan: Duration = Duration::hours(1),
    r#use: SendBy,
    notify_unknown_recipients: bool,
    before: Before,
    after: After,
});
choice!(
    /// What recovery and verification send.
    SendBy { Code = "code", Link = "link" }
);

impl SendBy {
    /// The method that does it.
    #[must_use]
    pub fn method(self) -> MethodId {
        match self {
            Self::Code => MethodId::Code,
            Self::Link => MethodId::Link,
        }
    }
}

section!(LogoutFlow {
    clear_browser_data: bool,
    after: After
});
section!(ErrorPage {
    ui_url: String = fallback("error")
});
section!(
    Before { hooks: Vec<HookSpec> }
);
section!(
    /// For all methods, and for each that has words of its own.
    After {
        default_browser_return_url: Option<String>,
        hooks: Vec<HookSpec>,
        #[serde(flatten)]
        methods: BTreeMap<MethodId, AfterMethod>,
    }
);
section!(
    AfterMethod { default_browser_return_url: Option<String>, hooks: Vec<HookSpec> }
);

fn fallback(page: &str) -> String {
    format!("https://www.ory.com/kratos/docs/fallback/{page}")
}

impl Flows {
    /// The page of that kind of flow.
    #[must_use]
    pub fn ui_url(&self, kind: FlowKind) -> &str {
        match kind {
            FlowKind::Login => &self.login.ui_url,
            FlowKind::Registration => &self.registration.ui_url,
            FlowKind::Settings => &self.settings.ui_url,
            FlowKind::Recovery => &self.recovery.ui_url,
            FlowKind::Verification => &self.verification.ui_url,
        }
    }
    /// How long a flow of that kind can be answered.
    #[must_use]
    pub fn lifespan(&self, kind: FlowKind) -> Duration {
        match kind {
            FlowKind::Login => self.login.lifespan,
            FlowKind::Registration => self.registration.lifespan,
            FlowKind::Settings => self.settings.lifespan,
            FlowKind::Recovery => self.recovery.lifespan,
            FlowKind::Verification => self.verification.lifespan,
        }
    }
    #[must_use]
    pub fn before(&self, kind: FlowKind) -> &Before {
        match kind {
            FlowKind::Login => &self.login.before,
            FlowKind::Registration => &self.registration.before,
            FlowKind::Settings => &self.settings.before,
            FlowKind::Recovery => &self.recovery.before,
            FlowKind::Verification => &self.verification.before,
        }
    }
    #[must_use]
    pub fn after(&self, kind: FlowKind) -> &After {
        match kind {
            FlowKind::Login => &self.login.after,
            FlowKind::Registration => &self.registration.after,
            FlowKind::Settings => &self.settings.after,
            FlowKind::Recovery => &self.recovery.after,
            FlowKind::Verification => &self.verification.after,
        }
    }
    /// Whether the flow can be begun; login and settings always can.
    #[must_use]
    pub fn enabled(&self, kind: FlowKind) -> bool {
        match kind {
            FlowKind::Login | FlowKind::Settings => true,
            FlowKind::Registration => self.registration.enabled,
            FlowKind::Recovery => self.recovery.enabled,
            FlowKind::Verification => self.verification.enabled,
        }
    }
}
