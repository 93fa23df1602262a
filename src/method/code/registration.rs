//! Signing up by a code (flows.md §9.4.5).
use super::{Code, ME, addresses, code_field, continue_button, hidden_method, resend_button};
use crate::base::terms::{Aal, Channel, CredentialsType, Group, MethodId, State, TemplateType};
use crate::courier::Letter;
use crate::flow::outcome::{RegistrationOutcome, Screen};
use crate::flow::{Cx, Fault, Refusal, Shown, Step, Submission, csrf};
use crate::identity::validate;
use crate::method::letters::{about, compose, headers};
use crate::method::secret::{self, Tried};
use crate::method::{Entry, RegistrationMethod, must_be_on, profile, text_of};
use crate::model::flow::{Registration, RegistrationFlow};
use crate::model::identity::Identity;
use crate::model::session::Authentication;
use crate::schema::IdentitySchema;
use crate::session;
use crate::store::RegistrationCode;
use crate::text;
use crate::ui::{Form, Input, Node};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The body besides the traits.
static SHAPE: LazyLock<Value> = LazyLock::new(|| {
    json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "code": { "type": "string" },
        "resend": { "type": "string", "enum": ["code"] },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } })
});

#[async_trait]
impl RegistrationMethod for Code {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut RegistrationFlow,
        entry: &Entry<'_>,
    ) -> Result<(), Fault> {
        if !cx.config.selfservice.methods.code.passwordless_enabled {
            return Ok(());
        }
        flow.form.remove_all_of(ME);
        if entry.screen != Screen::Profile {
            let button = Node::submit("method", ME.word()).group(ME);
            flow.form
                .push(button.label(text::registration::code_submit()));
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
        // What the form does not offer cannot be submitted.
        if !cx.config.selfservice.methods.code.passwordless_enabled {
            return Err(Refusal::method_off().into());
        }
        let body = profile::decode(schema, &mut step.flow.form, s, ("code", &SHAPE))?;
        let answered = answer(cx, step, schema, s, &body).await;
        if answered.is_err() {
            // The details that a code was sent for stay those.
            if step.flow.state != State::SentEmail {
                profile::fill(&mut step.flow.form, &body["traits"]);
            }
            csrf::put(cx, step.flow, step.cookies);
        }
        answered
    }
}

async fn answer(
    cx: &Cx,
    step: &mut Step<'_, Registration>,
    schema: &IdentitySchema,
    s: &Submission,
    body: &Value,
) -> Result<RegistrationOutcome, Fault> {
    step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
    csrf::check(cx, step.flow, s)?;
    if text_of(body, "resend") == "code" {
        step.flow.state = State::ChooseMethod;
    }
    match step.flow.state {
        State::ChooseMethod => {
            let identity = newcomer(cx, schema, body)?;
            send(cx, step, &identity, &body["traits"]).await?;
            Ok(RegistrationOutcome::AskAgain(Shown::Unfinished))
        }
        State::SentEmail => verify(cx, step, schema, body).await,
        _ => Err(Fault::form(text::registration::nobody())),
    }
}

/// Who wants an account, if their traits are right and name an address for codes.
fn newcomer(cx: &Cx, schema: &IdentitySchema, body: &Value) -> Result<Identity, Fault> {
    let mut identity = cx.new_identity(schema, body["traits"].clone());
    let policy = session::policy(&cx.config);
    validate::validate(&mut identity, schema, &policy, cx.dice(), cx.now)?;
    let credential = identity.credential(CredentialsType::Code);
    if credential.is_none_or(|c| c.identifiers.iter().all(String::is_empty)) {
        return Err(Fault::form(text::validation::no_identifier()));
    }
    Ok(identity)
}

async fn send(
    cx: &Cx,
    step: &mut Step<'_, Registration>,
    identity: &Identity,
    traits: &Value,
) -> Result<(), Fault> {
    let flow = &mut *step.flow;
    let lifespan = cx.config.selfservice.methods.code.config.lifespan;
    let mut batch = cx.store().batch();
    batch.delete_once::<RegistrationCode>(flow.id);
    let credential = identity.credential(CredentialsType::Code);
    for address in credential.map(addresses::of).unwrap_or_default() {
        let code = secret::code(cx);
        let own = RegistrationCode {
            flow: flow.id,
            address: address.value.clone(),
            via: address.via,
        };
        batch.insert_once(&secret::row(cx, &code, lifespan, own)?);
        let template = TemplateType::RegistrationCodeValid;
        let letter = Letter {
            traits: Some(identity.traits.clone()),
            code: Some(&code),
            expires_in_minutes: lifespan.whole_minutes(),
            request_headers: headers(cx),
            ..about(flow, template, address.via, &address.value)
        };
        batch.insert_message(&compose(cx, &letter).await?);
    }
    flow.state = State::SentEmail;
    flow.active = Some(Group::Of(ME));
    ask_for_code(cx, &mut flow.form);
    if flow.channel == Channel::Browser {
        csrf::put(cx, flow, step.cookies);
    }
    profile::fill(&mut flow.form, traits);
    batch.update_flow(flow);
    Ok(batch.commit().await?)
}

/// The form of the last step; the traits go along, hidden.
fn ask_for_code(cx: &Cx, form: &mut Form) {
    form.forget_messages();
    let is_kept = |node: &Node| node.group == Group::Default && !node.is_input(Input::Submit);
    let known = std::mem::take(&mut form.nodes);
    let (kept, others): (Vec<_>, Vec<_>) = known.into_iter().partition(is_kept);
    form.nodes = others;
    form.clear();
    for mut node in kept {
        if let Some(input) = node.as_input_mut() {
            input.input = Input::Hidden;
        }
        form.push(node);
    }
    form.set(hidden_method());
    form.set(code_field(text::node::registration_code()));
    form.push(continue_button());
    form.push(resend_button("resend", ME.word()));
    let flow = &cx.config.selfservice.flows.registration;
    if flow.asks_profile_first() {
        let back = Node::submit("screen", "credential-selection").group(MethodId::Profile);
        form.push(back.label(text::registration::back()));
    }
    form.say(text::registration::code_sent());
}

async fn verify(
    cx: &Cx,
    step: &mut Step<'_, Registration>,
    schema: &IdentitySchema,
    body: &Value,
) -> Result<RegistrationOutcome, Fault> {
    let code = text_of(body, "code");
    if code.is_empty() {
        return Err(Fault::field("code", text::validation::missing("code")));
    }
    let mut identity = newcomer(cx, schema, body)?;
    let flow = &mut *step.flow;
    if !is_same(&flow.form, "traits", &body["traits"]) {
        return Err(Fault::form(text::validation::traits_changed()));
    }
    let credential = identity.credential(CredentialsType::Code);
    let identifiers = credential
        .map(|c| c.identifiers.clone())
        .unwrap_or_default();
    let is_meant = |own: &RegistrationCode| identifiers.contains(&own.address);
    let tried =
        secret::try_code::<Registration, RegistrationCode>(cx, flow.id, code, is_meant).await?;
    let used = match tried {
        Tried::Right(code) => code.own,
        Tried::Wrong => return Err(Fault::form(text::registration::code_invalid())),
        Tried::Spent(refusal) => return Err(refusal.into()),
    };
    for address in &mut identity.verifiable_addresses {
        if address.value == used.address && address.via == used.via {
            address.prove(cx.now);
        }
    }
    flow.state = State::PassedChallenge;
    Ok(RegistrationOutcome::Create {
        identity: Box::new(identity),
        by: Authentication::by(ME, Aal::One, cx.now),
    })
}

/// Are the traits those for which the code was sent? Only what has a field is compared.
fn is_same(form: &Form, path: &str, value: &Value) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .all(|(key, value)| is_same(form, &format!("{path}.{key}"), value)),
        Value::Array(_) => true,
        leaf => form.get(path).is_none_or(|node| node.current() == leaf),
    }
}
