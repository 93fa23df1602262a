//! What an administrator wants done at certain points of a flow (flows.md §10).
//!
//! To add a hook: a `HookSpec` with its points in `config/hook.rs`, a file here, an arm in [`build`].
//! No hook runs inside a transaction; what a hook writes, it commits.
mod require_verified;
mod revoke_sessions;
mod notify_previous_addresses;
mod session;
mod show_verification_ui;
mod verification;
mod verify_new_address;

use crate::base::terms::{HookPoint, MethodId};
use crate::config::hook::HookSpec;
use crate::flow::{Answer, CookieChanges, Cx, Fault};
use crate::model::flow::{
    LoginFlow, Parts, RecoveryFlow, RegistrationFlow, SettingsFlow, VerificationFlow,
};
use crate::model::identity::Identity;
use crate::model::session::Session;
use async_trait::async_trait;

/// The points of the flows. Before something is written the identity may be changed, afterwards not.
pub enum Event<'a> {
    LoginBefore {
        flow: &'a mut LoginFlow,
    },
    /// The identity is changed in memory only: the status of an address that is being verified.
    LoginAfter {
        flow: &'a mut LoginFlow,
        identity: &'a mut Identity,
        session: &'a Session,
    },
    RegistrationBefore {
        flow: &'a mut RegistrationFlow,
    },
    RegistrationPrePersist {
        flow: &'a mut RegistrationFlow,
        identity: &'a mut Identity,
    },
    /// Likewise.
    RegistrationPostPersist {
        flow: &'a mut RegistrationFlow,
        identity: &'a mut Identity,
        session: &'a Session,
        /// Shall the newcomer be signed in?
        sign_in: &'a mut bool,
    },
    SettingsBefore {
        flow: &'a mut SettingsFlow,
        session: &'a Session,
    },
    SettingsPrePersist {
        flow: &'a mut SettingsFlow,
        stored: &'a Identity,
        identity: &'a mut Identity,
        session: &'a Session,
    },
    /// The identity is changed in memory only.
    SettingsPostPersist {
        flow: &'a mut SettingsFlow,
        previous: &'a Identity,
        identity: &'a mut Identity,
        session: &'a Session,
    },
    RecoveryBefore {
        flow: &'a mut RecoveryFlow,
    },
    RecoveryAfter {
        flow: &'a mut RecoveryFlow,
        identity: &'a Identity,
        session: &'a Session,
    },
    VerificationBefore {
        flow: &'a mut VerificationFlow,
    },
    VerificationAfter {
        flow: &'a mut VerificationFlow,
        identity: &'a Identity,
    },
}

#[async_trait]
trait Hook: Send + Sync {
    async fn run(
        &self,
        cx: &Cx,
        event: &mut Event<'_>,
        cookies: &mut CookieChanges,
    ) -> Result<Verdict, Fault>;
}

pub enum Verdict {
    Next,
    /// The hook has an answer of its own, and the engine does nothing more.
    Stop(Answer),
}

/// Before-hooks may object, but there is nothing yet to answer.
pub async fn before(cx: &Cx, event: Event<'_>, cookies: &mut CookieChanges) -> Result<(), Fault> {
    match run(cx, None, event, cookies).await? {
        Verdict::Next => Ok(()),
        Verdict::Stop(_) => {
            Err(anyhow::anyhow!("a hook answered a flow that does not exist yet").into())
        }
    }
}

/// All hooks of the point, in order, until one stops or fails.
pub async fn run(
    cx: &Cx,
    method: Option<MethodId>,
    mut event: Event<'_>,
    cookies: &mut CookieChanges,
) -> Result<Verdict, Fault> {
    for spec in cx.config.hooks_at(event.point(), method) {
        let Some(hook) = build(spec) else { continue };
        if let Verdict::Stop(answer) = hook.run(cx, &mut event, cookies).await? {
            return Ok(Verdict::Stop(answer));
        }
    }
    Ok(Verdict::Next)
}

/// `None`: a hook that this version knows but cannot run yet; the configuration warned about it when it was loaded.
fn build(spec: &HookSpec) -> Option<Box<dyn Hook + '_>> {
    match spec {
        HookSpec::Session => Some(Box::new(session::SignIn)),
        HookSpec::RevokeActiveSessions => Some(Box::new(revoke_sessions::RevokeSessions)),
        HookSpec::RequireVerifiedAddress => Some(Box::new(require_verified::RequireVerified)),
        HookSpec::Verification => Some(Box::new(verification::Verify)),
        HookSpec::ShowVerificationUi => Some(Box::new(show_verification_ui::ShowVerificationUi)),
        HookSpec::VerifyNewAddress => Some(Box::new(verify_new_address::VerifyNewAddress)),
        HookSpec::NotifyPreviousAddresses(settings) => {
            let recipients = settings.recipients;
            Some(Box::new(notify_previous_addresses::Notify(recipients)))
        }
        HookSpec::WebHook(_) | HookSpec::Organization => None,
    }
}

impl Event<'_> {
    #[must_use]
    pub fn point(&self) -> HookPoint {
        match self {
            Self::LoginBefore { .. } => HookPoint::LoginBefore,
            Self::LoginAfter { .. } => HookPoint::LoginAfter,
            Self::RegistrationBefore { .. } => HookPoint::RegistrationBefore,
            Self::RegistrationPrePersist { .. } => HookPoint::RegistrationPrePersist,
            Self::RegistrationPostPersist { .. } => HookPoint::RegistrationPostPersist,
            Self::SettingsBefore { .. } => HookPoint::SettingsBefore,
            Self::SettingsPrePersist { .. } => HookPoint::SettingsPrePersist,
            Self::SettingsPostPersist { .. } => HookPoint::SettingsPostPersist,
            Self::RecoveryBefore { .. } => HookPoint::RecoveryBefore,
            Self::RecoveryAfter { .. } => HookPoint::RecoveryAfter,
            Self::VerificationBefore { .. } => HookPoint::VerificationBefore,
            Self::VerificationAfter { .. } => HookPoint::VerificationAfter,
        }
    }
    fn session(&self) -> Option<&Session> {
        match self {
            Self::LoginAfter { session, .. }
            | Self::SettingsPostPersist { session, .. }
            | Self::RecoveryAfter { session, .. } => Some(session),
            _ => None,
        }
    }
    /// Of events after which somebody is signed in, or is changed: the flow, the person, the session that is made or
    /// confirmed.
    fn person(&mut self) -> Option<(Parts<'_>, &mut Identity, Option<&Session>)> {
        match self {
            Self::LoginAfter {
                flow,
                identity,
                session,
            } => Some((flow.parts(), identity, Some(session))),
            Self::RegistrationPostPersist {
                flow,
                identity,
                session,
                ..
            } => Some((flow.parts(), identity, Some(session))),
            Self::SettingsPostPersist { flow, identity, .. } => {
                Some((flow.parts(), identity, None))
            }
            _ => None,
        }
    }
}
