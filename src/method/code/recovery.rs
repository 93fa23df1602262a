//! Getting back into an account by a code: in one step, or by choosing among addresses (flows.md §6.2, §6.3).
use super::{Code, ME, choose, continue_button, digits_field, hidden_method, resend_button};
use crate::base::terms::{Aal, Channel, Group, State, TemplateType, Via};
use crate::courier::Letter;
use crate::flow::outcome::{Again, Recovered, RecoveryOutcome};
use crate::flow::{CookieChanges, Cx, Fault, Step, Submission, csrf};
use crate::method::letters::{about, compose, evenly, headers, person, recovered_by};
use crate::method::secret::{self, Tried};
use crate::method::{RecoveryMethod, decode, must_be_on, text_of};
use crate::model::flow::{Recovery, RecoveryFlow};
use crate::model::session::Authentication;
use crate::schema::{Payload, SchemaError};
use crate::store::{Batch, Load, RecoveryCode};
use crate::text;
use crate::ui::{Input, Node};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "code": { "type": "string" },
        "email": { "type": "string", "format": "email_loose", "maxLength": 320 },
        "recovery_address": { "type": "string" },
        "recovery_select_address": { "type": "string" },
        "recovery_confirm_address": { "type": "string" },
        "screen": { "type": "string" },
        "flow": { "type": "string", "format": "uuid" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }))
});

#[async_trait]
impl RecoveryMethod for Code {
    fn populate(&self, cx: &Cx, flow: &mut RecoveryFlow, cookies: &mut CookieChanges) {
        csrf::put(cx, flow, cookies);
        flow.form
            .push(if flow.state == State::RecoveryAwaitingAddress {
                choose::first_field()
            } else {
                let label = text::node::email();
                Node::input("email", Input::Email)
                    .group(ME)
                    .required()
                    .label(label)
            });
        flow.form.push(continue_button());
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Recovery>,
        s: &Submission,
    ) -> Result<RecoveryOutcome, Fault> {
        if step.flow.active != Some(Group::Of(ME)) {
            return Ok(RecoveryOutcome::NotMine);
        }
        s.posted()?;
        let body = decode(&SHAPE, s)?;
        if !step.flow.own.skip_csrf_check
            && let Some(over) = not_forged(cx, step, s)?
        {
            return Ok(RecoveryOutcome::StartOver(over));
        }
        step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
        step.flow.form.forget_messages();
        let state = step.flow.state;
        let by_choice = choose::is_state(state);
        let code = text_of(&body, "code");
        if !by_choice && state != State::ChooseMethod && text_of(&body, "email").is_empty() {
            must_be_on(cx, self)?;
            return use_code(cx, step.flow, code).await;
        }
        if state == State::RecoveryAwaitingCode
            && !code.is_empty()
            && text_of(&body, "screen") != "previous"
        {
            // This version does not show it.
            step.flow.passing.transient_payload = None;
            return use_code(cx, step.flow, code).await;
        }
        if step.session.is_some() {
            return Ok(RecoveryOutcome::AlreadySignedIn);
        }
        if !by_choice {
            if text_of(&body, "method") != ME.word() {
                return Ok(RecoveryOutcome::NotMine);
            }
            must_be_on(cx, self)?;
        }
        match state {
            State::ChooseMethod | State::SentEmail => ask(cx, step, &body).await,
            State::PassedChallenge => {
                let over = Again::message(text::recovery::completed());
                Ok(RecoveryOutcome::StartOver(over))
            }
            _ if by_choice => choose::advance(cx, step, &body).await,
            _ => {
                let over = Again::message(text::recovery::failed());
                Ok(RecoveryOutcome::StartOver(over))
            }
        }
    }
}

/// An app's form that is called by a browser starts over, in the browser; forgeries are refused.
fn not_forged(
    cx: &Cx,
    step: &mut Step<'_, Recovery>,
    s: &Submission,
) -> Result<Option<Again>, Fault> {
    match csrf::check(cx, step.flow, s) {
        Ok(()) => Ok(None),
        Err(Fault::Refused(refusal)) if refusal.status == 400 => {
            let over = Again::refused(*refusal);
            Ok(Some(over.in_channel(Channel::Browser)))
        }
        Err(fault) => {
            step.cookies.renew_csrf(cx.dice());
            Err(fault)
        }
    }
}

/// First version: the address was typed.
async fn ask(
    cx: &Cx,
    step: &mut Step<'_, Recovery>,
    body: &Value,
) -> Result<RecoveryOutcome, Fault> {
    let email = text_of(body, "email");
    if email.is_empty() {
        return Err(Fault::field("email", text::validation::missing("email")));
    }
    let work = async {
        let mut batch = cx.store().batch();
        send(cx, step.flow, (Via::Email, email), &mut batch).await?;
        let flow = &mut *step.flow;
        flow.form.clear();
        csrf::put(cx, flow, step.cookies);
        flow.active = Some(Group::Of(ME));
        flow.state = State::SentEmail;
        flow.form.say(text::recovery::code_sent());
        flow.form.push(digits_field(text::node::recovery_code()));
        flow.form.push(hidden_method());
        flow.form.push(continue_button());
        flow.form.push(resend_button("email", email));
        batch.update_flow(flow);
        Ok::<_, Fault>(batch.commit().await?)
    };
    evenly(cx, work).await?;
    Ok(RecoveryOutcome::AskAgain)
}

/// Codes of before are void. If the address is known, a code for it and the letter that brings it.
pub(super) async fn send(
    cx: &Cx,
    flow: &RecoveryFlow,
    (via, to): (Via, &str),
    batch: &mut Batch<'_>,
) -> Result<(), Fault> {
    // There are none where the form has been begun just now; to the other states there is a way back.
    if flow.state != State::ChooseMethod {
        batch.delete_once::<RecoveryCode>(flow.id);
    }
    let Some((identity, address)) = recovered_by(cx, flow, Some(via), to).await? else {
        if cx
            .config
            .selfservice
            .flows
            .recovery
            .notify_unknown_recipients
            && via == Via::Email
        {
            let letter = about(flow, TemplateType::RecoveryCodeInvalid, via, to);
            batch.insert_message(&compose(cx, &letter).await?);
        }
        return Ok(());
    };
    let lifespan = cx.config.selfservice.methods.code.config.lifespan;
    let code = secret::code(cx);
    let own = RecoveryCode {
        flow: flow.id,
        address: Some(address.id),
        identity: identity.id,
        by_admin: false,
    };
    batch.insert_once(&secret::row(cx, &code, lifespan, own)?);
    let letter = Letter {
        identity: Some(person(cx, &identity)),
        code: Some(&code),
        expires_in_minutes: lifespan.whole_minutes(),
        request_headers: headers(cx),
        ..about(
            flow,
            TemplateType::RecoveryCodeValid,
            address.via,
            &address.value,
        )
    };
    batch.insert_message(&compose(cx, &letter).await?);
    Ok(())
}

async fn use_code(cx: &Cx, flow: &mut RecoveryFlow, code: &str) -> Result<RecoveryOutcome, Fault> {
    let tried = secret::try_code::<Recovery, RecoveryCode>(cx, flow.id, code, |_| true).await?;
    let code = match tried {
        Tried::Spent(refusal) => return Ok(RecoveryOutcome::StartOver(Again::refused(refusal))),
        Tried::Wrong => {
            flow.form.messages = vec![text::recovery::code_invalid()];
            cx.store().flows().update(flow).await?;
            return Ok(RecoveryOutcome::AskAgain);
        }
        Tried::Right(code) => code,
    };
    let mut identities = cx.store().identities();
    let identity = identities.get(code.own.identity, Load::Credentials).await?;
    let address = code.own.address.filter(|_| !code.own.by_admin);
    let address = address.and_then(|id| identity.recovery_addresses.iter().find(|a| a.id == id));
    Ok(RecoveryOutcome::Recovered(Box::new(Recovered {
        proves: address.map(|a| a.value.clone()),
        by: Authentication::named("code_recovery", Aal::One, cx.now),
        by_link: false,
        identity,
    })))
}
