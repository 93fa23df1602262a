//! Proving an address by a code (flows.md §7.1).
use super::{Code, ME, code_field, continue_button, hidden_method, resend_button};
use crate::base::terms::{Group, State, TemplateType, Via};
use crate::courier::Letter;
use crate::flow::outcome::{Again, VerificationOutcome};
use crate::flow::{CookieChanges, Cx, Fault, Step, Submission, Verb, csrf};
use crate::method::letters::{self, about, compose, evenly, person, proven, verified_by};
use crate::method::secret::{self, Tried};
use crate::method::{Target, VerificationMethod, decode, must_be_on, text_of};
use crate::model::flow::{Verification, VerificationFlow};
use crate::model::identifier::via_of;
use crate::model::identity::Identity;
use crate::model::pending::PendingChange;
use crate::schema::{Payload, SchemaError};
use crate::store::{Batch, Load, VerificationCode};
use crate::text;
use crate::ui::{Input, Node};
use async_trait::async_trait;
use serde_json::json;
use std::sync::LazyLock;

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string", "enum": ["code", "link"] },
        "code": { "type": "string" },
        "email": { "type": "string", "maxLength": 320 },
        "flow": { "type": "string", "format": "uuid" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }))
});

#[async_trait]
impl VerificationMethod for Code {
    fn populate(&self, cx: &Cx, flow: &mut VerificationFlow, cookies: &mut CookieChanges) {
        flow.form.push(address_field(cx));
        flow.form.push(continue_button());
        put_csrf(cx, flow, cookies);
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Verification>,
        s: &Submission,
    ) -> Result<VerificationOutcome, Fault> {
        let body = decode(&SHAPE, s)?;
        let code = text_of(&body, "code");
        if code.is_empty() && text_of(&body, "method") != ME.word() {
            return Ok(VerificationOutcome::NotMine);
        }
        step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
        let email = text_of(&body, "email");
        let answered = answer(self, cx, step, s, (code, email)).await;
        if answered.is_err() {
            csrf::put(cx, step.flow, step.cookies);
            step.flow.form.set(address_field(cx).value(email));
        }
        answered
    }

    fn begin(
        &self,
        cx: &Cx,
        flow: &mut VerificationFlow,
        target: Target<'_>,
        cookies: &mut CookieChanges,
    ) {
        ask_for_code(cx, flow, target.via, cookies);
        flow.form
            .push(resend_button(target.via.word(), target.value));
    }

    async fn send(
        &self,
        cx: &Cx,
        flow: &VerificationFlow,
        of: (&Identity, Target<'_>),
        batch: &mut Batch<'_>,
    ) -> Result<(), Fault> {
        put(cx, flow, of, batch).await
    }
}

async fn answer(
    method: &Code,
    cx: &Cx,
    step: &mut Step<'_, Verification>,
    s: &Submission,
    (code, email): (&str, &str),
) -> Result<VerificationOutcome, Fault> {
    must_be_on(cx, method)?;
    match step.flow.state {
        State::ChooseMethod | State::SentEmail => {}
        State::PassedChallenge => {
            let over = Again::message(text::verification::completed());
            return Ok(VerificationOutcome::StartOver(over));
        }
        _ => {
            let over = Again::message(text::verification::failed());
            return Ok(VerificationOutcome::StartOver(over));
        }
    }
    if !code.is_empty() {
        if s.verb == Verb::Get {
            step.flow.form.fill("code", code);
            return Ok(VerificationOutcome::Prefilled);
        }
        return use_code(cx, step.flow, code).await;
    }
    if email.is_empty() {
        return Err(Fault::field("email", text::validation::missing("email")));
    }
    csrf::check(cx, step.flow, s)?;
    evenly(cx, send(cx, step, email)).await
}

async fn use_code(
    cx: &Cx,
    flow: &mut VerificationFlow,
    code: &str,
) -> Result<VerificationOutcome, Fault> {
    let tried =
        secret::try_code::<Verification, VerificationCode>(cx, flow.id, code, |_| true).await?;
    let code = match tried {
        Tried::Spent(refusal) => {
            return Ok(VerificationOutcome::StartOver(Again::refused(refusal)));
        }
        Tried::Wrong => None,
        Tried::Right(code) => Some(code),
    };
    if let Some(code) = code
        && let Some(outcome) = proven(cx, flow.id, code.own.address).await?
    {
        return Ok(outcome);
    }
    flow.form.messages = vec![text::verification::code_invalid()];
    cx.store().flows().update(flow).await?;
    Ok(VerificationOutcome::AskAgain)
}

/// Sends a code to the address, if it is known, and lets the form ask for it in any case.
async fn send(
    cx: &Cx,
    step: &mut Step<'_, Verification>,
    to: &str,
) -> Result<VerificationOutcome, Fault> {
    let flow = &mut *step.flow;
    let mut via = via_of(to);
    // Only what was begun for it is for a change that waits: such a form comes with a code.
    let waiting = match flow.state {
        State::SentEmail => cx.store().pending_changes().of(flow.id).await?,
        _ => None,
    };
    let mut batch = cx.store().batch();
    if flow.state == State::SentEmail {
        batch.delete_once::<VerificationCode>(flow.id);
    }
    let found = match &waiting {
        Some(_) => None,
        None => verified_by(cx, flow, via, to).await?,
    };
    match &found {
        Some((identity, address)) => put(cx, flow, (identity, address.into()), &mut batch).await?,
        None if let Some(change) = &waiting => {
            via = change.via;
            if !again(cx, flow, change, &mut batch).await? {
                return Ok(VerificationOutcome::Taken);
            }
        }
        None if via == Via::Email
            && cx
                .config
                .selfservice
                .flows
                .verification
                .notify_unknown_recipients =>
        {
            let letter = about(flow, TemplateType::VerificationCodeInvalid, via, to);
            batch.insert_message(&compose(cx, &letter).await?);
        }
        None => {}
    }
    ask_for_code(cx, flow, via, step.cookies);
    flow.form.push(resend_button("email", to));
    flow.passing.transient_payload = None;
    batch.update_flow(flow);
    batch.commit().await?;
    Ok(VerificationOutcome::AskAgain)
}

/// Another code for the address of a change that waits; false: somebody else has it by now.
async fn again(
    cx: &Cx,
    flow: &VerificationFlow,
    change: &PendingChange,
    batch: &mut Batch<'_>,
) -> Result<bool, Fault> {
    let mut addresses = cx.store().addresses();
    let known = addresses.verifiable(change.via, &change.value).await?;
    if known.is_some_and(|(owner, _)| owner != change.identity) {
        return Ok(false);
    }
    let mut identities = cx.store().identities();
    let identity = identities.get(change.identity, Load::Addresses).await?;
    let target = Target {
        value: &change.value,
        via: change.via,
        stored: None,
    };
    put(cx, flow, (&identity, target), batch).await?;
    Ok(true)
}

/// A code for the address, and the letter that brings it.
async fn put(
    cx: &Cx,
    flow: &VerificationFlow,
    (identity, target): (&Identity, Target<'_>),
    batch: &mut Batch<'_>,
) -> Result<(), Fault> {
    let lifespan = cx.config.selfservice.methods.code.config.lifespan;
    let code = secret::code(cx);
    let own = VerificationCode {
        flow: flow.id,
        address: target.stored,
    };
    batch.insert_once(&secret::row(cx, &code, lifespan, own)?);
    let flow_id = flow.id.to_string();
    let query = [("code", code.as_str()), ("flow", &flow_id)];
    let link = letters::link(cx, flow, "/self-service/verification", &query);
    let template = TemplateType::VerificationCodeValid;
    let letter = Letter {
        identity: Some(person(cx, identity)),
        code: Some(&code),
        url: Some(&link),
        expires_in_minutes: lifespan.whole_minutes(),
        ..about(flow, template, target.via, target.value)
    };
    batch.insert_message(&compose(cx, &letter).await?);
    if let Some(id) = target.stored {
        batch.mark_sent(id);
    }
    Ok(())
}

/// The form of the second step.
fn ask_for_code(cx: &Cx, flow: &mut VerificationFlow, via: Via, cookies: &mut CookieChanges) {
    flow.state = State::SentEmail;
    flow.active = Some(Group::Of(ME));
    flow.form.clear();
    flow.form.push(hidden_method());
    flow.form.push(code_field(text::node::verification_code()));
    flow.form.push(continue_button());
    put_csrf(cx, flow, cookies);
    flow.form.say(match via {
        Via::Email => text::verification::code_sent(),
        Via::Sms => text::verification::sms_code_sent(),
    });
}

/// Apps do without the field until something goes wrong.
fn put_csrf(cx: &Cx, flow: &mut VerificationFlow, cookies: &mut CookieChanges) {
    if flow.channel == crate::base::terms::Channel::Browser {
        csrf::put(cx, flow, cookies);
    }
}

/// Where text messages can be sent, numbers are taken, too.
fn address_field(cx: &Cx) -> Node {
    let phones = cx.config.courier.channels.iter().any(|c| c.id == "sms");
    let (input, label) = if phones {
        (Input::Text, text::node::email_or_phone())
    } else {
        (Input::Email, text::node::email())
    };
    Node::input("email", input)
        .group(ME)
        .required()
        .label(label)
}
