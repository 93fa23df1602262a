//! Ways to prove who one is. A method answers; it never starts a flow, runs a hook or writes a response.
//!
//! To add one: a file (or folder) here with the traits it supports, a line in [`ALL`], a `MethodId`, its section
//! in `config/method.rs`. What it must remember goes into `model::flow::Memory`.
mod elsewhere;
mod identifier_first;
mod password;
mod profile;

use crate::base::terms::{Aal, MethodId};
use crate::config::Config;
use crate::flow::outcome::{LoginOutcome, RegistrationOutcome, Screen};
use crate::flow::{Cx, Fault, Refusal, Step, Submission};
use crate::model::flow::{Login, LoginFlow, Registration, RegistrationFlow};
use crate::model::identity::Identity;
use crate::schema::IdentitySchema;
use async_trait::async_trait;

/// The order decides who is asked first, and who writes over whose nodes (flows.md §1.1).
pub static ALL: &[&dyn Method] = &[
    &profile::Profile,
    &password::Password,
    &elsewhere::Oidc,
    &elsewhere::Code,
    &elsewhere::Totp,
    &elsewhere::Passkey,
    &elsewhere::WebAuthn,
    &elsewhere::LookupSecret,
    &identifier_first::IdentifierFirst,
];

/// Those that put something into forms.
pub fn enabled(config: &Config) -> impl Iterator<Item = &'static dyn Method> + use<'_> {
    ALL.iter().copied().filter(|m| m.enabled(config))
}

pub trait Method: Send + Sync {
    fn id(&self) -> MethodId;
    fn enabled(&self, config: &Config) -> bool {
        config.method_enabled(self.id())
    }
    fn login(&self) -> Option<&dyn LoginMethod> {
        None
    }
    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        None
    }
}

/// Every `submit` starts alike: is it mine? (else `NotMine`), am I on? (else 404), decode, CSRF, work.
#[async_trait]
pub trait LoginMethod: Send + Sync {
    /// Put this method's part of the form in: add, replace, hide or drop nodes.
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut LoginFlow,
        mode: LoginMode<'_>,
    ) -> Result<(), Fault>;
    /// Answer one submission, or say that it is addressed to somebody else.
    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Login>,
        s: &Submission,
    ) -> Result<LoginOutcome, Fault>;
}

/// What a login asks for. Identities come with their credentials.
#[derive(Clone, Copy)]
pub enum LoginMode<'a> {
    FirstFactor,
    Refresh(&'a Identity),
    Identify,
    Chosen {
        identifier: &'a str,
        identity: Option<&'a Identity>,
    },
    SecondFactor(&'a Identity),
    SecondFactorRefresh(&'a Identity),
}

#[async_trait]
pub trait RegistrationMethod: Send + Sync {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut RegistrationFlow,
        entry: &Entry<'_>,
    ) -> Result<(), Fault>;
    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Registration>,
        schema: &IdentitySchema,
        s: &Submission,
    ) -> Result<RegistrationOutcome, Fault>;
}

/// What a registration shows, and for whom.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub screen: Screen,
    pub schema: &'a IdentitySchema,
}

/// For the line after "it is mine".
fn must_be_on(cx: &Cx, method: &dyn Method) -> Result<(), Fault> {
    if method.enabled(&cx.config) {
        Ok(())
    } else {
        Err(Refusal::method_off().into())
    }
}

/// For methods that only serve the first factor.
fn is_first_factor(step: &Step<'_, Login>) -> bool {
    step.flow.own.requested_aal == Aal::One
}
