//! Something one knows (flows.md §9.1).
mod migration;
mod settings;

use super::{
    Entry, LoginMethod, LoginMode, Method, RegistrationMethod, SettingsMethod, is_first_factor,
    must_be_on, profile,
};
use crate::base::id::CredentialId;
use crate::base::terms::{Aal, CredentialsType, MethodId};
use crate::base::time::micros;
use crate::config::method::PasswordConfig;
use crate::crypto::hash::pool::PoolError;
use crate::crypto::hash::{self, HashError, HasherParams};
use crate::flow::outcome::{LoginOutcome, RegistrationOutcome, Screen};
use crate::flow::{Cx, Fault, Refusal, Step, Submission, csrf};
use crate::identity::{password_policy, validate};
use crate::model::credentials::Credential;
use crate::model::factors;
use crate::model::flow::{Login, LoginFlow, Registration, RegistrationFlow};
use crate::model::identity::Identity;
use crate::model::session::Authentication;
use crate::outbound::Policy;
use crate::outbound::breach::{BreachError, BreachPolicy, Verdict};
use crate::schema::IdentitySchema;
use crate::session;
use crate::text::{self, Message};
use crate::ui::{Form, Input, Node};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

pub(super) struct Password;
const ME: MethodId = MethodId::Password;

/// The body of a registration besides the traits.
static SHAPE: LazyLock<Value> = LazyLock::new(|| {
    json!({ "type": "object", "required": ["password"], "properties": {
        "method": { "type": "string" },
        "password": { "type": "string", "minLength": 1 },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } })
});

impl Method for Password {
    fn id(&self) -> MethodId {
        ME
    }
    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }
    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }
    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// Has the person a password that can be checked, here or by the hook that migrates passwords?
fn is_set_up(cx: &Cx, identity: &Identity) -> bool {
    let credential = identity.credential(CredentialsType::Password);
    credential.is_some_and(|c| factors::first_factors(c, &session::policy(&cx.config)) > 0)
}

/// The field and its button.
fn ask(form: &mut Form, autocomplete: &str, button: Message) {
    form.set(
        Node::input("password", Input::Password)
            .group(ME)
            .required()
            .autocomplete(autocomplete)
            .label(text::node::password()),
    );
    form.push(Node::submit("method", ME.word()).group(ME).label(button));
}

#[async_trait]
impl LoginMethod for Password {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut LoginFlow,
        mode: LoginMode<'_>,
    ) -> Result<(), Fault> {
        match mode {
            LoginMode::FirstFactor => {
                let schema = cx.schema(flow.own.identity_schema.as_deref()).await?;
                let label = schema.identifier_label();
                flow.form.set(
                    Node::input("identifier", Input::Text)
                        .value("")
                        .required()
                        .label(label),
                );
                ask(
                    &mut flow.form,
                    "current-password",
                    text::login::password_submit(),
                );
            }
            LoginMode::Refresh(identity) if is_set_up(cx, identity) => {
                let identifier = identity
                    .credential(CredentialsType::Password)
                    .and_then(|c| c.identifiers.first())
                    .map_or("", String::as_str);
                flow.form.set(Node::hidden("identifier", identifier));
                ask(&mut flow.form, "current-password", text::login::submit());
            }
            LoginMode::Chosen { identity, .. }
                if cx.config.security.account_enumeration.mitigate
                    || identity.is_some_and(|identity| is_set_up(cx, identity)) =>
            {
                ask(
                    &mut flow.form,
                    "current-password",
                    text::login::password_submit(),
                );
            }
            _ => {}
        }
        Ok(())
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Login>,
        s: &Submission,
    ) -> Result<LoginOutcome, Fault> {
        if !is_first_factor(step) || s.method()?.as_deref() != Some(ME.word()) {
            return Ok(LoginOutcome::NotMine);
        }
        must_be_on(cx, self)?;
        let identifier = s
            .text("identifier")
            .or_else(|| s.text("password_identifier"));
        let checked = check(cx, step, s, identifier.clone()).await;
        if checked.is_err() {
            step.flow
                .form
                .fill("identifier", identifier.unwrap_or_default());
        }
        Ok(LoginOutcome::Authenticated {
            identity: Box::new(checked?),
            by: Authentication::by(ME, Aal::One, cx.now),
        })
    }
}

/// Whose password it is.
async fn check(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    s: &Submission,
    identifier: Option<String>,
) -> Result<Identity, Fault> {
    let [identifier, password] =
        s.require([("identifier", identifier), ("password", s.text("password"))])?;
    step.flow.passing.transient_payload = Some(s.transient_payload()?);
    csrf::check(cx, step.flow, s)?;

    let found = cx.find(&[CredentialsType::Password], &identifier).await?;
    let found = match found {
        Some(identity) if is_elsewhere(&identity) => {
            return migration::check(cx, step.flow, identity, &identifier, &password).await;
        }
        found => found,
    };
    let stored = found.as_ref().and_then(stored_hash);
    let params = HasherParams::of(&cx.config);
    // Nothing, where nothing was compared.
    let right = match &stored {
        Some(stored) => compare(cx, stored, &password).await?,
        None => None,
    };
    let (Some(mut identity), Some(stored), Some(true)) = (found, &stored, right) else {
        // Whatever is not right takes as long as a wrong password with the configured costs: a name that nobody has,
        // one without a password, one whose hash is cheaper.
        let compared = stored.filter(|_| right.is_some());
        let left = compared.map_or_else(|| vec![params], |hash| hash::left_to_do(&hash, &params));
        for params in &left {
            let hasher = &cx.services.hasher;
            hasher.pretend(params, password.as_bytes()).await?;
        }
        return Err(wrong());
    };
    if hash::needs_upgrade(stored, &params) {
        upgrade(cx, &mut identity, &password).await;
    }
    Ok(identity)
}

fn stored_hash(identity: &Identity) -> Option<String> {
    let credential = identity.credential(CredentialsType::Password)?;
    credential.hashed_password().map(str::to_owned)
}

/// Does another system know the password, and nobody here?
fn is_elsewhere(identity: &Identity) -> bool {
    let credential = identity.credential(CredentialsType::Password);
    credential.is_some_and(Credential::awaits_migration)
}

/// Whether the password is the one; nothing, if the two cannot be compared: such a hash fits no password.
async fn compare(cx: &Cx, stored: &str, password: &str) -> Result<Option<bool>, Fault> {
    match cx.services.hasher.verify(stored, password.as_bytes()).await {
        Ok(right) => Ok(Some(right)),
        Err(PoolError::Hash(HashError::PasswordTooLong { .. })) => Ok(None),
        Err(PoolError::Hash(error)) => {
            tracing::warn!(%error, "a stored password hash cannot be compared with");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn wrong() -> Fault {
    Fault::form(text::validation::credentials())
}

/// Stores the password in the format that is configured now. The login does not depend on it.
async fn upgrade(cx: &Cx, identity: &mut Identity, password: &str) {
    let result = async {
        let hashed = cx
            .services
            .hasher
            .hash(&HasherParams::of(&cx.config), password.as_bytes())
            .await?;
        let before = identity.clone();
        if let Some(credential) = identity.credential_mut(CredentialsType::Password) {
            credential.config = json!({ "hashed_password": hashed });
            credential.updated_at = micros(cx.now);
            let mut changed = identity.clone();
            changed.updated_at = micros(cx.now);
            let mut batch = cx.store().batch();
            batch.change_identity(&before, &changed, cx.dice());
            batch.commit().await?;
        }
        Ok::<_, Fault>(())
    };
    if let Err(fault) = result.await {
        tracing::warn!(identity_id = %identity.id, error = ?fault, "the stored password hash could not be renewed");
    }
}

#[async_trait]
impl RegistrationMethod for Password {
    async fn populate(
        &self,
        _: &Cx,
        flow: &mut RegistrationFlow,
        entry: &Entry<'_>,
    ) -> Result<(), Fault> {
        if entry.screen == Screen::Profile {
            flow.form.remove_all_of(ME);
        } else {
            ask(&mut flow.form, "new-password", text::registration::submit());
        }
        Ok(())
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Registration>,
        schema: &IdentitySchema,
        s: &Submission,
    ) -> Result<RegistrationOutcome, Fault> {
        if s.method()?.as_deref() != Some(ME.word()) {
            return Ok(RegistrationOutcome::NotMine);
        }
        must_be_on(cx, self)?;
        let body = profile::decode(schema, &mut step.flow.form, s, ("password", &SHAPE))?;
        profile::fill(&mut step.flow.form, &body["traits"]);
        step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
        csrf::check(cx, step.flow, s)?;
        let [password] = s.require([("password", s.text("password"))])?;

        let mut identity = cx.new_identity(schema, body["traits"].clone());
        let credential = Credential::new(
            CredentialId::random(cx.dice()),
            CredentialsType::Password,
            json!({}),
            cx.now,
        );
        identity.set_credential(credential);
        validate::validate(
            &mut identity,
            schema,
            &session::policy(&cx.config),
            cx.dice(),
            cx.now,
        )?;
        let identifiers = identity
            .credential(CredentialsType::Password)
            .map(|c| c.identifiers.clone())
            .unwrap_or_default();
        if identifiers.is_empty() {
            return Err(Fault::form(text::validation::no_identifier()));
        }
        acceptable(cx, &password, &identifiers).await?;
        let hashed = cx
            .services
            .hasher
            .hash(&HasherParams::of(&cx.config), password.as_bytes())
            .await?;
        if let Some(credential) = identity.credential_mut(CredentialsType::Password) {
            credential.config = json!({ "hashed_password": hashed });
        }
        Ok(RegistrationOutcome::Create {
            identity: Box::new(identity),
            by: Authentication::by(ME, Aal::One, cx.now),
        })
    }
}

/// Asks the list of leaked passwords.
async fn not_leaked(cx: &Cx, policy: &PasswordConfig, password: &str) -> Result<(), Fault> {
    let list = BreachPolicy {
        host: policy.haveibeenpwned_host.clone(),
        max_breaches: i64::try_from(policy.max_breaches).unwrap_or(i64::MAX),
        ignore_network_errors: policy.ignore_network_errors,
    };
    let services = &cx.services;
    match services
        .breaches
        .check(
            &services.outbound,
            &Policy::from(&cx.config.clients.http),
            &list,
            password,
            cx.now,
        )
        .await
    {
        Ok(Verdict::Fine) => Ok(()),
        Ok(Verdict::Breached(times)) => Err(Fault::field(
            "password",
            text::validation::password_breached(times),
        )),
        Err(BreachError::Host) => {
            let reason = "the host of the list of leaked passwords is no address";
            Err(Fault::field(
                "password",
                text::validation::password_policy(reason),
            ))
        }
        Err(error) => Err(Refusal::upstream(error.to_string()).into()),
    }
}

/// The policy of flows.md §9.1, in its order; the leak service is asked last.
async fn acceptable(cx: &Cx, password: &str, identifiers: &[String]) -> Result<(), Fault> {
    let policy = &cx.config.selfservice.methods.password.config;
    let limits = password_policy::Policy {
        min_length: policy.min_password_length,
        check_similarity: policy.identifier_similarity_check_enabled,
    };
    let weak = identifiers
        .iter()
        .find_map(|i| password_policy::violation(limits, i, password));
    if let Some(message) = weak {
        return Err(Fault::field("password", message));
    }
    if policy.haveibeenpwned_enabled {
        not_leaked(cx, policy, password).await?;
    }
    let bcrypt = matches!(HasherParams::of(&cx.config), HasherParams::Bcrypt { .. });
    match password_policy::too_long_for_bcrypt(password).filter(|_| bcrypt) {
        Some(message) => Err(Fault::field("password", message)),
        None => Ok(()),
    }
}
