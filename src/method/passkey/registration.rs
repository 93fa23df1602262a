//! Signing up with a passkey.
use super::{
    KEYS, ME, Passkey, asker, call, config, field, names, new_handle, ours, proof, wishes,
};
use crate::base::id::CredentialId;
use crate::base::terms::{Channel, CredentialsType};
use crate::crypto::webauthn::{self, User};
use crate::flow::outcome::{RegistrationOutcome, Screen};
use crate::flow::{Cx, Fault, Step, Submission, csrf};
use crate::identity::validate;
use crate::method::{Entry, RegistrationMethod, keys, must_be_on, profile};
use crate::model::credentials::Credential;
use crate::model::flow::{Registration, RegistrationFlow};
use crate::schema::IdentitySchema;
use crate::session;
use crate::text;
use crate::ui::Node;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The body besides the traits.
static SHAPE: LazyLock<Value> = LazyLock::new(|| {
    json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "passkey_register": { "type": "string" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } })
});

#[async_trait]
impl RegistrationMethod for Passkey {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut RegistrationFlow,
        entry: &Entry<'_>,
    ) -> Result<(), Fault> {
        // The question stays the same from screen to screen.
        let known = flow.memory.kept(KEYS.options);
        let data = match known.filter(|data| data.is_object()) {
            Some(data) => Some(data.clone()),
            None => ask(cx, flow, entry.schema),
        };
        let Some(data) = data else {
            tracing::warn!(
                schema = %entry.schema.id,
                "passkeys are on, but no trait of the identity schema says what to call them: they are not offered"
            );
            return Ok(());
        };
        if entry.screen == Screen::Profile {
            flow.form.remove_all_of(ME);
            let is_script = |node: &Node| node.id() == "webauthn_script";
            flow.form.nodes.retain(|node| !is_script(node));
        } else {
            show(cx, flow, &data);
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
        s.posted()?;
        let answered = answer(self, cx, step, schema, s).await;
        if answered.is_err() && step.flow.channel == Channel::Browser {
            csrf::put(cx, step.flow, step.cookies);
        }
        answered
    }
}

/// A new question, with the names of the fields from which the script takes what to call the person.
fn ask(cx: &Cx, flow: &mut RegistrationFlow, schema: &IdentitySchema) -> Option<Value> {
    let fields = schema.display_name_fields();
    let first = fields.first()?;
    let ours = ours(cx);
    let handle = new_handle(cx);
    let user = User {
        handle: handle.as_bytes(),
        name: ours.name,
    };
    let asker = asker(cx, &ours, config(cx).timeouts.registration);
    let asked = asker.create(cx.dice(), &user, &wishes(cx), &[]);
    let data = json!({
        "credentialOptions": asked.options,
        "displayNameFieldName": first,
        "displayNameFieldNames": fields,
    });
    KEYS.keep(flow, &asked);
    let memory = &mut flow.memory;
    memory.keep(KEYS.options, data.clone());
    Some(data)
}

fn show(cx: &Cx, flow: &mut RegistrationFlow, data: &Value) {
    let question = Node::hidden("passkey_create_data", data.to_string()).group(ME);
    flow.form.set(question);
    let function = "oryPasskeyRegistration";
    let call = call(flow.channel, function);
    let trigger = keys::trigger("passkey_register_trigger", function, call).group(ME);
    flow.form
        .set(trigger.label(text::registration::passkey_submit()));
    if flow.channel == Channel::Browser {
        flow.form.set(keys::script(cx));
    }
    flow.form.set(field("passkey_register"));
}

async fn answer(
    me: &Passkey,
    cx: &Cx,
    step: &mut Step<'_, Registration>,
    schema: &IdentitySchema,
    s: &Submission,
) -> Result<RegistrationOutcome, Fault> {
    let body = profile::decode(schema, &mut step.flow.form, s, ("passkey", &SHAPE))?;
    // Some user interfaces send `true` where there is nothing to send.
    let answer = s.text("passkey_register").filter(|text| text != "true");
    let Some(answer) = answer else {
        return Ok(RegistrationOutcome::NotMine);
    };
    profile::fill(&mut step.flow.form, &body["traits"]);
    step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
    csrf::check(cx, step.flow, s)?;
    must_be_on(cx, me)?;

    let mut identity = cx.new_identity(schema, body["traits"].clone());
    let open = KEYS.open(step.flow).ok_or_else(keys::closed)?;
    let mut key = keys::accept(cx, &ours(cx), &open, &answer, identity.id)?;
    key.is_passwordless = true;
    names::of(&key.aaguid).clone_into(&mut key.display_name);
    let handle = &open.ceremony.user_handle;
    let name = String::from_utf8(handle.clone()).ok();
    let name = name.filter(|n| !n.is_empty()).ok_or_else(keys::closed)?;
    let mut config = json!({});
    webauthn::add(&mut config, &key, handle);
    let id = CredentialId::random(cx.dice());
    let mut credential = Credential::new(id, CredentialsType::Passkey, config, cx.now);
    credential.version = 1;
    credential.identifiers = vec![name];
    identity.set_credential(credential);
    let policy = session::policy(&cx.config);
    validate::validate(&mut identity, schema, &policy, cx.dice(), cx.now)?;
    let first = KEYS.close(cx, step.flow, &open).await?;
    // Should the account not come to be, the form has a question that is open.
    if let Some(data) = ask(cx, step.flow, schema) {
        show(cx, step.flow, &data);
    }
    if !first {
        return Err(keys::closed());
    }
    Ok(RegistrationOutcome::Create {
        identity: Box::new(identity),
        by: proof(cx),
    })
}
