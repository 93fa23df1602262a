//! Codes of an authenticator app (flows.md §9.6). They may be used again while they are right, as with the reference,
//! unless `extensions.totp.refuse_replay` is on.
mod key;
mod picture;
mod settings;

use super::{
    LoginMethod, LoginMode, Method, SettingsMethod, decode, is_first_factor, must_be_on,
    second_step_of, text_of,
};
use crate::base::terms::{Aal, CredentialsType, MethodId};
use crate::flow::outcome::LoginOutcome;
use crate::flow::{Cx, Fault, Step, Submission, csrf};
use crate::model::credentials::Credential;
use crate::model::flow::{Login, LoginFlow};
use crate::model::identity::Identity;
use crate::model::session::Authentication;
use crate::schema::{Payload, SchemaError};
use crate::text;
use crate::ui::{Input, Node};
use async_trait::async_trait;
use key::Key;
use serde_json::{Value, json};
use std::sync::LazyLock;

pub(super) struct Totp;
const ME: MethodId = MethodId::Totp;

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(
        &json!({ "type": "object", "required": ["totp_code"], "properties": {
        "method": { "type": "string" },
        "totp_code": { "type": "string", "minLength": 6 },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }),
    )
});

impl Method for Totp {
    fn id(&self) -> MethodId {
        ME
    }
    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }
    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

fn proof(cx: &Cx) -> Authentication {
    Authentication::by(ME, Aal::Two, cx.now)
}

#[async_trait]
impl LoginMethod for Totp {
    async fn populate(
        &self,
        _: &Cx,
        flow: &mut LoginFlow,
        mode: LoginMode<'_>,
    ) -> Result<(), Fault> {
        let (LoginMode::SecondFactor(identity) | LoginMode::SecondFactorRefresh(identity)) = mode
        else {
            return Ok(());
        };
        // Asked for even where it was imported empty, as there, though nothing fits then.
        if identity.credential(CredentialsType::Totp).is_none() {
            return Ok(());
        }
        let field = Node::input("totp_code", Input::Text).group(ME).value("");
        let field = field.required().label(text::login::totp_label());
        flow.form.set(field);
        let button = Node::submit("method", ME.word()).group(ME);
        flow.form.push(button.label(text::login::totp_submit()));
        Ok(())
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Login>,
        s: &Submission,
    ) -> Result<LoginOutcome, Fault> {
        if is_first_factor(step) || s.method()?.as_deref() != Some(ME.word()) {
            return Ok(LoginOutcome::NotMine);
        }
        must_be_on(cx, self)?;
        let checked = check(cx, step, s).await;
        if checked.is_err() {
            step.flow.form.fill("totp_code", Value::Null);
        }
        Ok(LoginOutcome::Authenticated {
            identity: Box::new(checked?),
            by: proof(cx),
        })
    }
}

async fn check(cx: &Cx, step: &mut Step<'_, Login>, s: &Submission) -> Result<Identity, Fault> {
    let body = decode(&SHAPE, s)?;
    step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
    csrf::check(cx, step.flow, s)?;
    let identity = second_step_of(cx, step).await?;
    let credential = identity.credential(CredentialsType::Totp);
    let credential = credential.ok_or_else(|| Fault::form(text::validation::no_totp()))?;
    let wrong = || Fault::form(text::validation::totp_wrong());
    let key = Key::of(&credential.config).ok_or_else(wrong)?;
    let matched = key.check(text_of(&body, "totp_code"), cx.now);
    let matched = matched.ok_or_else(wrong)?;
    if cx.config.extensions.totp.refuse_replay && !is_first_use(cx, credential, matched).await? {
        return Err(wrong());
    }
    Ok(identity)
}

/// Remembers the step of the code; false if it, or a later one, was used before.
async fn is_first_use(cx: &Cx, credential: &Credential, matched: u64) -> Result<bool, Fault> {
    let remember = move |config: &mut Value| {
        let known = config["last_used_step"].as_u64();
        let fresh = known.is_none_or(|last| last < matched);
        if fresh {
            config["last_used_step"] = matched.into();
        }
        fresh
    };
    let store = cx.store();
    Ok(store.edit_credential(credential.id, None, remember).await?)
}
