//! Signing up with a security key, where that is enough to sign in.
use super::{
    KEYS, ME, WebAuthn, asker, is_passwordless, name_field, ours, register_field, trigger,
};
use crate::base::id::CredentialId;
use crate::base::random;
use crate::base::terms::{Aal, Channel, CredentialsType};
use crate::crypto::webauthn::{self, Asked, User, Wishes};
use crate::flow::outcome::{RegistrationOutcome, Screen};
use crate::flow::{Cx, Fault, Step, Submission, csrf};
use crate::identity::validate;
use crate::method::{Entry, RegistrationMethod, keys, must_be_on, profile, text_of};
use crate::model::credentials::Credential;
use crate::model::flow::{Registration, RegistrationFlow};
use crate::model::session::Authentication;
use crate::schema::IdentitySchema;
use crate::session;
use crate::text;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The body besides the traits.
static SHAPE: LazyLock<Value> = LazyLock::new(|| {
    json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "webauthn_register": { "type": "string" },
        "webauthn_register_displayname": { "type": "string" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } })
});

#[async_trait]
impl RegistrationMethod for WebAuthn {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut RegistrationFlow,
        entry: &Entry<'_>,
    ) -> Result<(), Fault> {
        if flow.channel != Channel::Browser || !is_passwordless(cx) {
            return Ok(());
        }
        // The question stays the same from screen to screen.
        let known = flow.memory.kept(KEYS.options);
        let asked = match known.filter(|options| options.is_object()) {
            Some(options) => Asked {
                options: options.clone(),
                kept: Value::Null,
            },
            None => ask(cx, flow),
        };
        if entry.screen == Screen::Profile {
            flow.form.remove_all_of(ME);
        } else {
            show(cx, flow, &asked);
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
        if step.flow.channel != Channel::Browser || !is_passwordless(cx) {
            return Ok(RegistrationOutcome::NotMine);
        }
        s.readable()?;
        let answered = answer(self, cx, step, schema, s).await;
        if answered.is_err() {
            let name = s.text("webauthn_register_displayname");
            let name = name.unwrap_or_default();
            step.flow.form.fill("webauthn_register_displayname", name);
            csrf::put(cx, step.flow, step.cookies);
        }
        answered
    }
}

/// A new question, for somebody who is to be.
fn ask(cx: &Cx, flow: &mut RegistrationFlow) -> Asked {
    let ours = ours(cx);
    let handle = random::uuid(cx.dice());
    let user = User {
        handle: handle.as_bytes(),
        name: ours.name,
    };
    let asked = asker(&ours).create(cx.dice(), &user, &Wishes::default(), &[]);
    KEYS.keep(flow, &asked);
    let memory = &mut flow.memory;
    memory.keep(KEYS.options, asked.options.clone());
    asked
}

fn show(cx: &Cx, flow: &mut RegistrationFlow, asked: &Asked) {
    let label = text::registration::webauthn_submit();
    let function = "oryWebAuthnRegistration";
    flow.form.set(name_field());
    flow.form
        .set(trigger("webauthn_register_trigger", function, asked, label));
    flow.form.set(keys::script(cx));
    flow.form.set(register_field());
}

async fn answer(
    me: &WebAuthn,
    cx: &Cx,
    step: &mut Step<'_, Registration>,
    schema: &IdentitySchema,
    s: &Submission,
) -> Result<RegistrationOutcome, Fault> {
    let Some(answer) = s.text("webauthn_register") else {
        return nothing(step, schema, s);
    };
    let body = profile::decode(schema, &mut step.flow.form, s, ("webauthn", &SHAPE))?;
    profile::fill(&mut step.flow.form, &body["traits"]);
    step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
    csrf::check(cx, step.flow, s)?;
    must_be_on(cx, me)?;

    let mut identity = cx.new_identity(schema, body["traits"].clone());
    let open = KEYS.open(step.flow).ok_or_else(keys::closed)?;
    let mut key = keys::accept(cx, &ours(cx), &open, &answer, identity.id)?;
    key.is_passwordless = true;
    text_of(&body, "webauthn_register_displayname").clone_into(&mut key.display_name);
    let mut config = json!({});
    webauthn::add(&mut config, &key, &open.ceremony.user_handle);
    let id = CredentialId::random(cx.dice());
    let kind = CredentialsType::WebAuthn;
    identity.set_credential(Credential::new(id, kind, config, cx.now));
    let policy = session::policy(&cx.config);
    validate::validate(&mut identity, schema, &policy, cx.dice(), cx.now)?;
    let credential = identity.credential(kind);
    if credential.is_none_or(|c| c.identifiers.is_empty()) {
        return Err(Fault::form(text::validation::no_identifier()));
    }
    let first = KEYS.close(cx, step.flow, &open).await?;
    // Should the account not come to be, the form has a question that is open.
    let asked = ask(cx, step.flow);
    show(cx, step.flow, &asked);
    if !first {
        return Err(keys::closed());
    }
    Ok(RegistrationOutcome::Create {
        identity: Box::new(identity),
        by: Authentication::by(ME, Aal::One, cx.now),
    })
}

/// No key was used. This method is the last that is asked, and complains for all: a key is missing, or else what only a
/// sign-in has, an identifier and its method.
fn nothing(
    step: &mut Step<'_, Registration>,
    schema: &IdentitySchema,
    s: &Submission,
) -> Result<RegistrationOutcome, Fault> {
    let form = &mut step.flow.form;
    let body = profile::decode(schema, form, s, ("webauthn", &SHAPE))?;
    profile::fill(form, &body["traits"]);
    let method = s.text("method").filter(|word| !word.is_empty());
    let absent = method.is_none().then_some("method");
    let absent = ["identifier", "webauthn_register"]
        .into_iter()
        .chain(absent);
    let missing = |name: &str| (Some(name.to_owned()), text::validation::missing(name));
    Err(Fault::Form(absent.map(missing).collect()))
}
