//! Hooks as they are configured: which, where they act, and with which settings.
//!
//! To add one: a variant of [`HookSpec`], its points in [`HookSpec::acts_at`], its name in `from`.
use super::request::{Auth, Headers};
use super::section::{choice, section};
use crate::base::terms::HookPoint;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// One entry of a `hooks` list (flows.md §10.1).
#[derive(Clone, Debug)]
pub enum HookSpec {
    /// Sign the new identity in.
    Session,
    RevokeActiveSessions,
    RequireVerifiedAddress,
    /// Begin a verification; put in by itself after registration and settings.
    Verification,
    ShowVerificationUi,
    VerifyNewAddress,
    NotifyPreviousAddresses(NotifyPreviousAddresses),
    WebHook(Box<WebHookConfig>),
    /// `b2b_sso` and `organization`: legal, and without effect here.
    Organization,
}

impl HookSpec {
    /// Whether the hook has something to do at that moment.
    #[must_use]
    pub fn acts_at(&self, point: HookPoint) -> bool {
        use HookPoint as P;
        match self {
            Self::Session => point == P::RegistrationPostPersist,
            Self::RevokeActiveSessions => {
                matches!(
                    point,
                    P::LoginAfter | P::SettingsPostPersist | P::RecoveryAfter
                )
            }
            Self::RequireVerifiedAddress => point == P::LoginAfter,
            Self::Verification | Self::ShowVerificationUi => matches!(
                point,
                P::LoginAfter | P::RegistrationPostPersist | P::SettingsPostPersist
            ),
            Self::VerifyNewAddress => point == P::SettingsPrePersist,
            Self::NotifyPreviousAddresses(_) => point == P::SettingsPostPersist,
            Self::WebHook(_) => true,
            Self::Organization => false,
        }
    }

    fn from(name: &str, config: Option<Value>) -> Result<Self, String> {
        let settings = || config.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        Ok(match name {
            "session" => Self::Session,
            "revoke_active_sessions" => Self::RevokeActiveSessions,
            "require_verified_address" => Self::RequireVerifiedAddress,
            "verification" => Self::Verification,
            "show_verification_ui" => Self::ShowVerificationUi,
            "verify_new_address" => Self::VerifyNewAddress,
            "notify_previous_addresses" => Self::NotifyPreviousAddresses(
                serde_json::from_value(settings()).map_err(|e| e.to_string())?,
            ),
            "web_hook" => {
                Self::WebHook(serde_json::from_value(settings()).map_err(|e| e.to_string())?)
            }
            "b2b_sso" | "organization" => Self::Organization,
            other => return Err(format!("there is no hook called {other}")),
        })
    }
}

impl<'de> Deserialize<'de> for HookSpec {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Entry {
            hook: String,
            config: Option<Value>,
        }
        let entry = Entry::deserialize(input)?;
        Self::from(&entry.hook, entry.config).map_err(D::Error::custom)
    }
}

section!(
    /// Tells the addresses that a change of profile took away.
    NotifyPreviousAddresses { recipients: Recipients }
);
choice!(
    Recipients { Removed = "removed", AllVerified = "all_verified", All = "all" }
);
section!(
    /// A call to the operator's own server (flows.md §10.3).
    WebHookConfig {
        id: Option<String>,
        url: String,
        method: String,
        headers: Headers,
        /// Resource address of the Jsonnet that makes the body; a bare path means a file.
        body: Option<String>,
        auth: Option<Auth>,
        response: WebHookResponse,
        /// The old word for `response.parse`.
        can_interrupt: bool,
        emit_analytics_event: bool = true,
    }
);
section!(
    /// What is done with the answer; never both.
    WebHookResponse {
        /// Do not wait for it.
        ignore: bool,
        /// It may object, or change the identity before that is written.
        parse: bool,
    }
);
