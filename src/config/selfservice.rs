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

/// What all kinds of flows have.
macro_rules! of_every_kind {
    ($($(#[$doc:meta])* $field:ident: $type:ty = |$own:ident| $value:expr;)*) => {
        impl Flows { $(
            $(#[$doc])*
            #[must_use]
            pub fn $field(&self, kind: FlowKind) -> $type {
                match kind {
                    FlowKind::Login => { let $own = &self.login; $value }
                    FlowKind::Registration => { let $own = &self.registration; $value }
                    FlowKind::Settings => { let $own = &self.settings; $value }
                    FlowKind::Recovery => { let $own = &self.recovery; $value }
                    FlowKind::Verification => { let $own = &self.verification; $value }
                }
            }
        )* }
    };
}
of_every_kind!(
    /// The page of that kind of flow.
    ui_url: &str = |own| &own.ui_url;
    /// How long a flow of that kind can be answered.
    lifespan: Duration = |own| own.lifespan;
    before: &Before = |own| &own.before;
    after: &After = |own| &own.after;
);

impl Flows {
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
