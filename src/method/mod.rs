//! Ways to prove who one is. A method answers; it never starts a flow, runs a hook or writes a response.
//!
//! To add one: a file (or folder) here with the traits it supports, a line in [`ALL`], a `MethodId`, its section
//! in `config/method.rs`. What it must remember goes into `model::flow::Memory`.
pub mod begin_verification;
mod code;
mod elsewhere;
pub mod hand_out;
mod identifier_first;
pub mod keys;
mod letters;
mod link;
mod lookup_secret;
pub mod notices;
mod passkey;
mod password;
mod profile;
mod secret;
mod totp;
mod webauthn;

use crate::base::id::{AddressId, CredentialId};
use crate::base::terms::{Aal, CredentialsType, MethodId, Via};
use crate::config::Config;
use crate::flow::outcome::{
    LoginOutcome, RecoveryOutcome, RegistrationOutcome, Screen, SettingsOutcome,
    VerificationOutcome,
};
use crate::flow::{CookieChanges, Cx, Fault, Refusal, Step, Submission};
use crate::model::credentials::Credential;
use crate::model::flow::{
    Login, LoginFlow, Recovery, RecoveryFlow, Registration, RegistrationFlow, Settings,
    SettingsFlow, Verification, VerificationFlow,
};
use crate::model::identity::{Identity, VerifiableAddress};
use crate::model::session::Session;
use crate::schema::{IdentitySchema, Payload, SchemaError};
use crate::session;
use crate::store::{Batch, Load};
use async_trait::async_trait;
use serde_json::Value;

/// The order decides who is asked first, and who writes over whose nodes (flows.md §1.1).
pub static ALL: &[&dyn Method] = &[
    &profile::Profile,
    &password::Password,
    &elsewhere::Oidc,
    &code::Code,
    &link::Link,
    &totp::Totp,
    &passkey::Passkey,
    &webauthn::WebAuthn,
    &lookup_secret::LookupSecret,
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
    fn settings(&self) -> Option<&dyn SettingsMethod> {
        None
    }
    fn recovery(&self) -> Option<&dyn RecoveryMethod> {
        None
    }
    fn verification(&self) -> Option<&dyn VerificationMethod> {
        None
    }
}

/// The one method of that id, if it is on.
#[must_use]
pub fn primary(config: &Config, id: MethodId) -> Option<&'static dyn Method> {
    enabled(config).find(|m| m.id() == id)
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
    /// The form is stored, and nothing was chosen yet. True: there was but one thing to do, and it is done.
    async fn at_once(
        &self,
        _: &Cx,
        _: &mut Step<'_, Login>,
        _: LoginMode<'_>,
    ) -> Result<bool, Fault> {
        Ok(false)
    }
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

/// Whose settings they are.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    /// With its addresses and credentials, as stored.
    pub identity: &'a Identity,
    pub session: &'a Session,
}

#[async_trait]
pub trait SettingsMethod: Send + Sync {
    /// What can be changed by this method, for somebody who has these credentials.
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut SettingsFlow,
        identity: &Identity,
    ) -> Result<(), Fault>;
    /// What the method is asked to do: the decoded body, or nothing if the submission is for somebody else.
    async fn read(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Settings>,
        owner: Owner<'_>,
        s: &Submission,
    ) -> Result<Option<Value>, Fault>;
    /// Does it. The engine has seen to it that the wish comes from the form, at once or after a fresh sign-in.
    async fn change(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Settings>,
        owner: Owner<'_>,
        body: &Value,
    ) -> Result<SettingsOutcome, Fault>;
}

/// What has the form changed, is stored with it: `submit` of these two leaves nothing to write.
#[async_trait]
pub trait RecoveryMethod: Send + Sync {
    /// The empty form.
    fn populate(&self, cx: &Cx, flow: &mut RecoveryFlow, cookies: &mut CookieChanges);
    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Recovery>,
        s: &Submission,
    ) -> Result<RecoveryOutcome, Fault>;
}

/// An address that somebody has to prove.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub value: &'a str,
    pub via: Via,
    /// `None`: it belongs to a change that waits for the proof.
    pub stored: Option<AddressId>,
}

impl<'a> From<&'a VerifiableAddress> for Target<'a> {
    fn from(address: &'a VerifiableAddress) -> Self {
        Self {
            value: &address.value,
            via: address.via,
            stored: Some(address.id),
        }
    }
}

#[async_trait]
pub trait VerificationMethod: Send + Sync {
    /// The empty form.
    fn populate(&self, cx: &Cx, flow: &mut VerificationFlow, cookies: &mut CookieChanges);
    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Verification>,
        s: &Submission,
    ) -> Result<VerificationOutcome, Fault>;
    /// A form that is past its first step.
    fn begin(
        &self,
        cx: &Cx,
        flow: &mut VerificationFlow,
        target: Target<'_>,
        cookies: &mut CookieChanges,
    );
    /// Writes to the address. The flow has to be stored before.
    async fn send(
        &self,
        cx: &Cx,
        flow: &VerificationFlow,
        of: (&Identity, Target<'_>),
        batch: &mut Batch<'_>,
    ) -> Result<(), Fault>;
}

/// Reads body and query by the shape of a payload.
fn decode(shape: &Result<Payload, SchemaError>, s: &Submission) -> Result<Value, Fault> {
    s.readable()?;
    let payload = match shape {
        Ok(payload) => payload,
        Err(error) => return Err(anyhow::anyhow!("a payload has no shape: {error}").into()),
    };
    let fields = s.fields().with_query(&s.query);
    let decoded = payload
        .decode(&fields)
        .map_err(|reason| Fault::bad(&reason))?;
    if decoded.violations.is_empty() {
        Ok(decoded.value)
    } else {
        Err(decoded.violations.into())
    }
}

/// A field that was read, empty if it was not sent.
fn text_of<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

/// For the line after "it is mine".
///
/// # Errors
/// 404: the method is switched off.
pub fn must_be_on(cx: &Cx, method: &dyn Method) -> Result<(), Fault> {
    if method.enabled(&cx.config) {
        Ok(())
    } else {
        Err(Refusal::method_off().into())
    }
}

/// Changes of what proves who somebody is need a fresh proof (flows.md §5.2).
fn must_be_fresh(cx: &Cx, session: &Session) -> Result<(), Fault> {
    if session::is_privileged(&cx.config, session, cx.now) {
        Ok(())
    } else {
        Err(Fault::Reauthenticate)
    }
}

/// Whose second factor is asked for, as stored by now.
async fn second_step_of(cx: &Cx, step: &Step<'_, Login>) -> Result<Identity, Fault> {
    let session = step.session.ok_or_else(Refusal::aal1_required)?;
    let mut identities = cx.store().identities();
    let identity = identities.get(session.identity_id, Load::Credentials);
    Ok(identity.await?)
}

/// The person with a new second factor of that kind, which is found by their id, in the place of an old one.
fn with_second_factor(cx: &Cx, owner: &Identity, kind: CredentialsType, config: Value) -> Identity {
    let mut identity = owner.clone();
    identity.remove_credential(kind);
    let id = CredentialId::random(cx.dice());
    let mut credential = Credential::new(id, kind, config, cx.now);
    credential.identifiers = vec![identity.id.to_string()];
    identity.set_credential(credential);
    identity
}

/// For methods that only serve the first factor.
fn is_first_factor(step: &Step<'_, Login>) -> bool {
    step.flow.own.requested_aal == Aal::One
}
