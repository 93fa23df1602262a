//! Adding a passkey to one's account, and doing away with it.
use super::{
    KEYS, ME, Passkey, asker, call, config, field, names, new_handle, ours, proof, wishes,
};
use crate::base::id::CredentialId;
use crate::base::terms::{Channel, CredentialsType};
use crate::base::time::micros;
use crate::crypto::webauthn::{self, User};
use crate::flow::outcome::SettingsOutcome;
use crate::flow::{Cx, Fault, Step, Submission};
use crate::method::{Owner, SettingsMethod, decode, keys, must_be_fresh, must_be_on, text_of};
use crate::model::credentials::Credential;
use crate::model::flow::{Settings, SettingsFlow};
use crate::model::identity::Identity;
use crate::schema::{Payload, SchemaError};
use crate::text;
use crate::ui::Node;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "passkey_settings_register": { "type": "string" },
        "passkey_remove": { "type": "string" },
        "csrf_token": { "type": "string" },
    } }))
});

#[async_trait]
impl SettingsMethod for Passkey {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut SettingsFlow,
        identity: &Identity,
    ) -> Result<(), Fault> {
        let last = keys::ways_in(cx, identity) < 2;
        let known = KEYS.keys(identity).map(|(_, keys, _)| keys);
        for key in known.iter().flatten() {
            let label = text::settings::passkey_remove(key.shown_name(), key.added_at);
            let button = KEYS.removal("passkey_remove", key, label, last);
            flow.form.push(button);
        }
        if !ask(cx, flow, identity).await? {
            flow.form.say(text::validation::no_identifier());
        }
        Ok(())
    }

    async fn read(
        &self,
        cx: &Cx,
        _: &mut Step<'_, Settings>,
        _: Owner<'_>,
        s: &Submission,
    ) -> Result<Option<Value>, Fault> {
        let body = decode(&SHAPE, s)?;
        let is_sent = |name| !text_of(&body, name).is_empty();
        if !is_sent("passkey_settings_register") && !is_sent("passkey_remove") {
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
        let removed = text_of(body, "passkey_remove");
        if removed.is_empty() {
            let answer = text_of(body, "passkey_settings_register");
            return add(cx, step, owner.identity, answer).await;
        }
        let identity = KEYS.remove(cx, owner.identity, removed)?;
        Ok(SettingsOutcome::Change {
            identity: Box::new(identity),
            gains: None,
        })
    }
}

/// Asks for a new passkey and puts the question into the form. False: there is nothing to call the person by.
async fn ask(cx: &Cx, flow: &mut SettingsFlow, identity: &Identity) -> Result<bool, Fault> {
    let schema = cx.schema(Some(&identity.schema_id)).await?;
    let name = schema.extract(&identity.traits).passkey_name;
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(false);
    };
    let known = KEYS.keys(identity).map(|(_, keys, _)| keys);
    let handle = new_handle(cx);
    let user = User {
        handle: handle.as_bytes(),
        name: &name,
    };
    let ours = ours(cx);
    let asker = asker(cx, &ours, config(cx).timeouts.registration);
    let known = known.unwrap_or_default();
    let asked = asker.create(cx.dice(), &user, &wishes(cx), &known);
    KEYS.keep(flow, &asked);
    if flow.channel == Channel::Browser {
        flow.form.set(keys::script(cx));
    }
    let function = "oryPasskeySettingsRegistration";
    let call = call(flow.channel, function);
    let trigger = keys::trigger("passkey_register_trigger", function, call);
    let trigger = trigger.group(ME).value("");
    flow.form
        .set(trigger.label(text::settings::passkey_register()));
    flow.form.set(field("passkey_settings_register"));
    let question = Node::hidden("passkey_create_data", asked.options.to_string());
    flow.form.set(question.group(ME));
    Ok(true)
}

async fn add(
    cx: &Cx,
    step: &mut Step<'_, Settings>,
    owner: &Identity,
    answer: &str,
) -> Result<SettingsOutcome, Fault> {
    let open = KEYS.open(step.flow).ok_or_else(keys::closed)?;
    let mut key = keys::accept(cx, &ours(cx), &open, answer, owner.id)?;
    let handle = &open.ceremony.user_handle;
    let name = String::from_utf8(handle.clone()).ok();
    let name = name.filter(|n| !n.is_empty()).ok_or_else(keys::closed)?;
    let known = KEYS.keys(owner).map(|(_, keys, _)| keys);
    if known.iter().flatten().any(|other| other.id == key.id) {
        let reason = "Your account has this passkey already.";
        let field = "passkey_settings_register";
        return Err(Fault::field(field, text::validation::generic(reason)));
    }
    key.is_passwordless = true;
    names::of(&key.aaguid).clone_into(&mut key.display_name);
    let mut identity = owner.clone();
    let kind = CredentialsType::Passkey;
    if identity.credential(kind).is_none() {
        let id = CredentialId::random(cx.dice());
        identity.set_credential(Credential::new(id, kind, json!({}), cx.now));
    }
    if let Some(credential) = identity.credential_mut(kind) {
        webauthn::add(&mut credential.config, &key, handle);
        credential.version = 1;
        credential.identifiers.push(name);
        credential.updated_at = micros(cx.now);
    }
    let first = KEYS.close(cx, step.flow, &open).await?;
    // Should it not be saved, the form has a question that is open.
    ask(cx, step.flow, owner).await?;
    if !first {
        return Err(keys::closed());
    }
    Ok(SettingsOutcome::Change {
        identity: Box::new(identity),
        gains: Some(proof(cx)),
    })
}
