//! Adding a security key to one's account, and doing away with it.
use super::{
    KEYS, WebAuthn, asker, is_passwordless, name_field, ours, proof, register_field, trigger,
};
use crate::base::id::CredentialId;
use crate::base::terms::{Channel, CredentialsType};
use crate::base::time::micros;
use crate::crypto::webauthn::{self, User, Wishes};
use crate::flow::outcome::SettingsOutcome;
use crate::flow::{Cx, Fault, Step, Submission};
use crate::identity::validate;
use crate::method::{Owner, SettingsMethod, decode, keys, must_be_fresh, must_be_on, text_of};
use crate::model::credentials::Credential;
use crate::model::flow::{Settings, SettingsFlow};
use crate::model::identity::Identity;
use crate::schema::{Payload, SchemaError};
use crate::session;
use crate::text;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "webauthn_register": { "type": "string" },
        "webauthn_register_displayname": { "type": "string" },
        "webauthn_remove": { "type": "string" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }))
});

#[async_trait]
impl SettingsMethod for WebAuthn {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut SettingsFlow,
        identity: &Identity,
    ) -> Result<(), Fault> {
        if flow.channel != Channel::Browser {
            return Ok(());
        }
        let last = keys::ways_in(cx, identity) < 2;
        let known = KEYS.keys(identity).map(|(_, keys, _)| keys);
        for key in known.iter().flatten() {
            let label = text::settings::webauthn_remove(key.shown_name(), key.added_at);
            let last = last && key.is_passwordless;
            let button = KEYS.removal("webauthn_remove", key, label, last);
            flow.form.push(button);
        }
        ask(cx, flow, identity);
        Ok(())
    }

    async fn read(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Settings>,
        _: Owner<'_>,
        s: &Submission,
    ) -> Result<Option<Value>, Fault> {
        if step.flow.channel != Channel::Browser {
            return Ok(None);
        }
        let body = decode(&SHAPE, s)?;
        let is_sent = |name| !text_of(&body, name).is_empty();
        let name = "webauthn_register_displayname";
        if is_sent("webauthn_register") && !is_sent(name) {
            return Err(Fault::field(name, text::validation::missing(name)));
        }
        if !is_sent("webauthn_register") && !is_sent("webauthn_remove") {
            return Ok(None);
        }
        must_be_on(cx, self)?;
        Ok(Some(body))
    }

    async fn change(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Settings>,
        owner: Owner<'_>,
        body: &Value,
    ) -> Result<SettingsOutcome, Fault> {
        must_be_fresh(cx, owner.session)?;
        let answer = text_of(body, "webauthn_register");
        if !answer.is_empty() {
            return add(cx, step, owner.identity, answer, body).await;
        }
        let identity = KEYS.remove(cx, owner.identity, text_of(body, "webauthn_remove"))?;
        Ok(SettingsOutcome::Change {
            identity: Box::new(identity),
            gains: None,
        })
    }
}

/// Asks for a new key and puts the question into the form.
fn ask(cx: &Cx, flow: &mut SettingsFlow, identity: &Identity) {
    let known = KEYS.keys(identity).map(|(_, keys, _)| keys);
    let ours = ours(cx);
    let user = User {
        handle: identity.id.0.as_bytes(),
        name: ours.name,
    };
    let known = known.unwrap_or_default();
    let asked = asker(&ours).create(cx.dice(), &user, &Wishes::default(), &known);
    KEYS.keep(flow, &asked);
    flow.form.set(keys::script(cx));
    flow.form.set(name_field());
    let label = text::settings::webauthn_register();
    let function = "oryWebAuthnRegistration";
    flow.form.set(trigger(
        "webauthn_register_trigger",
        function,
        &asked,
        label,
    ));
    flow.form.set(register_field());
}

async fn add(
    cx: &Cx,
    step: &mut Step<'_, Settings>,
    owner: &Identity,
    answer: &str,
    body: &Value,
) -> Result<SettingsOutcome, Fault> {
    let open = KEYS.open(step.flow).ok_or_else(keys::closed)?;
    let mut key = keys::accept(cx, &ours(cx), &open, answer, owner.id)?;
    let handle = owner.id.0.as_bytes();
    if open.ceremony.user_handle != handle {
        return Err(keys::closed());
    }
    let known = KEYS.keys(owner).map(|(_, keys, _)| keys);
    if known.iter().flatten().any(|other| other.id == key.id) {
        let reason = "Your account has this security key already.";
        let field = "webauthn_register";
        return Err(Fault::field(field, text::validation::generic(reason)));
    }
    key.is_passwordless = is_passwordless(cx);
    text_of(body, "webauthn_register_displayname").clone_into(&mut key.display_name);
    let mut identity = owner.clone();
    let kind = CredentialsType::WebAuthn;
    if identity.credential(kind).is_none() {
        let id = CredentialId::random(cx.dice());
        identity.set_credential(Credential::new(id, kind, json!({}), cx.now));
    }
    if let Some(credential) = identity.credential_mut(kind) {
        webauthn::add(&mut credential.config, &key, handle);
        credential.version = 1;
        credential.updated_at = micros(cx.now);
    }
    let schema = cx.schema(Some(&identity.schema_id)).await?;
    let policy = session::policy(&cx.config);
    validate::validate(&mut identity, &schema, &policy, cx.dice(), cx.now)?;
    let credential = identity.credential(kind);
    if credential.is_none_or(|c| c.identifiers.is_empty()) {
        return Err(Fault::form(text::validation::no_identifier()));
    }
    let first = KEYS.close(cx, step.flow, &open).await?;
    // Should it not be saved, the form has a question that is open.
    ask(cx, step.flow, owner);
    if !first {
        return Err(keys::closed());
    }
    Ok(SettingsOutcome::Change {
        identity: Box::new(identity),
        gains: Some(proof(cx)),
    })
}
