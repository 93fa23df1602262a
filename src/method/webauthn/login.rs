//! Signing in with a security key: alone, in two steps; as a second factor; once more.
use super::{KEYS, ME, WebAuthn, asker, is_passwordless, ours, proof, trigger};
use crate::base::terms::{Aal, Channel, CredentialsType, FlowKind};
use crate::flow::outcome::LoginOutcome;
use crate::flow::{Cx, Fault, Refusal, Step, Submission, csrf};
use crate::method::letters::evenly;
use crate::method::{LoginMethod, LoginMode, decode, is_first_factor, keys, must_be_on, text_of};
use crate::model::factors;
use crate::model::flow::{Login, LoginFlow};
use crate::model::identity::Identity;
use crate::schema::{Payload, SchemaError};
use crate::session;
use crate::store::Load;
use crate::text::{self, Message};
use crate::ui::{Input, Node};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "identifier": { "type": "string" },
        "webauthn_login": { "type": "string" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }))
});

#[async_trait]
impl LoginMethod for WebAuthn {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut LoginFlow,
        mode: LoginMode<'_>,
    ) -> Result<(), Fault> {
        if flow.channel != Channel::Browser {
            return Ok(());
        }
        let alone = is_passwordless(cx);
        match mode {
            LoginMode::FirstFactor if alone => {
                let schema = cx.schema(flow.own.identity_schema.as_deref()).await?;
                let field = Node::input("identifier", Input::Text)
                    .value("")
                    .required()
                    .autocomplete("username webauthn");
                flow.form.set(field.label(schema.identifier_label()));
                flow.form.push(button());
            }
            LoginMode::Chosen { identity, .. } if alone => {
                let policy = session::policy(&cx.config);
                let credential = identity.and_then(|i| i.credential(CredentialsType::WebAuthn));
                let has_key = credential.is_some_and(|c| factors::first_factors(c, &policy) > 0);
                if has_key || cx.config.security.account_enumeration.mitigate {
                    flow.form.push(button());
                }
            }
            LoginMode::SecondFactor(identity) if !alone => {
                ask(cx, flow, identity, Aal::Two, text::login::webauthn_submit());
            }
            LoginMode::Refresh(identity) => {
                confirm(cx, flow, identity, Aal::One);
            }
            LoginMode::SecondFactorRefresh(identity) => {
                confirm(cx, flow, identity, Aal::Two);
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
        if step.flow.channel != Channel::Browser {
            return Ok(LoginOutcome::NotMine);
        }
        let answered = answer(self, cx, step, s).await;
        if answered.is_err() {
            step.flow.form.fill("webauthn_login", Value::Null);
            csrf::put(cx, step.flow, step.cookies);
        }
        answered
    }
}

/// The first step of the two.
fn button() -> Node {
    let button = Node::submit("method", ME.word()).group(ME);
    button.label(text::login::webauthn_submit())
}

/// Asks for one of the person's keys of that worth. False: there is none.
fn ask(cx: &Cx, flow: &mut LoginFlow, identity: &Identity, aal: Aal, label: Message) -> bool {
    let Some((credential, mut keys, handle)) = KEYS.keys(identity) else {
        return false;
    };
    keys.retain(|key| key.is_passwordless == (aal == Aal::One));
    if keys.is_empty() {
        return false;
    }
    let asked = asker(&ours(cx)).get(cx.dice(), Some(&handle), &keys);
    KEYS.keep(flow, &asked);
    if let Some(identifier) = credential.identifiers.first() {
        let field = Node::hidden("identifier", identifier.as_str());
        flow.form.set(field);
    }
    flow.form.set(keys::script(cx));
    let button = trigger("webauthn_login_trigger", "oryWebAuthnLogin", &asked, label);
    flow.form.set(button);
    flow.form.set(Node::hidden("webauthn_login", "").group(ME));
    true
}

/// Asks somebody who is signed in once more, if keys are found by a name of theirs.
fn confirm(cx: &Cx, flow: &mut LoginFlow, identity: &Identity, aal: Aal) {
    let credential = identity.credential(CredentialsType::WebAuthn);
    if credential.is_some_and(|c| c.identifiers.iter().any(|i| !i.is_empty())) {
        ask(cx, flow, identity, aal, text::login::webauthn_submit());
    }
}

async fn answer(
    me: &WebAuthn,
    cx: &Cx,
    step: &mut Step<'_, Login>,
    s: &Submission,
) -> Result<LoginOutcome, Fault> {
    let body = decode(&SHAPE, s)?;
    let (identifier, answer) = (
        text_of(&body, "identifier"),
        text_of(&body, "webauthn_login"),
    );
    if answer.is_empty() && text_of(&body, "method") != ME.word() {
        return Ok(LoginOutcome::NotMine);
    }
    if identifier.is_empty() {
        let missing = text::validation::missing("identifier");
        return Err(Fault::field("identifier", missing));
    }
    must_be_on(cx, me)?;
    step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
    csrf::check(cx, step.flow, s)?;
    let first = is_first_factor(step);
    let alone = is_passwordless(cx) || (step.flow.own.refresh && first);
    match (alone, first) {
        (true, true) => {
            let Some(identity) = cx.find(&[CredentialsType::WebAuthn], identifier).await? else {
                return evenly(cx, async { Err(keys::nobody()) }).await;
            };
            if answer.is_empty() {
                return offer(cx, step, &identity, identifier).await;
            }
            check(cx, step, identity, Aal::One, answer).await
        }
        (false, false) => {
            let Some(session) = step.session else {
                return Err(Refusal::aal1_required().into());
            };
            let mut identities = cx.store().identities();
            let identity = identities
                .get(session.identity_id, Load::Credentials)
                .await?;
            check(cx, step, identity, Aal::Two, answer).await
        }
        _ => Ok(LoginOutcome::NotMine),
    }
}

/// The second step: a form with nothing but the key in it.
async fn offer(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    identity: &Identity,
    identifier: &str,
) -> Result<LoginOutcome, Fault> {
    let flow = &mut *step.flow;
    let before = std::mem::take(&mut flow.form.nodes);
    flow.form
        .set(Node::hidden("identifier", identifier).required());
    csrf::put(cx, flow, step.cookies);
    let label = text::login::go_on();
    if !ask(cx, flow, identity, Aal::One, label) {
        flow.form.nodes = before;
        return evenly(cx, async { Err(keys::nobody()) }).await;
    }
    let field = Node::hidden("identifier", identifier).required();
    flow.form.set(field);
    flow.form.say(text::login::webauthn_prepare());
    cx.store().flows().update(flow).await?;
    let page = cx.page(FlowKind::Login, flow.id);
    Ok(LoginOutcome::GoTo(page))
}

async fn check(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    identity: Identity,
    aal: Aal,
    answer: &str,
) -> Result<LoginOutcome, Fault> {
    let none = || Fault::form(text::validation::no_webauthn_key());
    let (_, mut keys, handle) = KEYS.keys(&identity).ok_or_else(none)?;
    let answer = keys::read_use(answer)?;
    let open = KEYS.open(step.flow).ok_or_else(keys::wrong)?;
    if !step.flow.own.refresh {
        keys.retain(|key| key.is_passwordless == (aal == Aal::One));
    }
    if open.ceremony.user_handle != handle {
        return Err(keys::wrong());
    }
    let ours = ours(cx);
    let party = ours.party();
    let used = party
        .assert(&open.ceremony, &keys, &handle, &answer, cx.now)
        .map_err(|refused| {
            tracing::info!(identity_id = %identity.id, reason = %refused, "a security key was refused");
            keys::wrong()
        })?;
    if !KEYS.close(cx, step.flow, &open).await? {
        return Err(keys::wrong());
    }
    KEYS.note(cx, &identity, used).await;
    Ok(LoginOutcome::Authenticated {
        identity: Box::new(identity),
        by: proof(cx),
    })
}
