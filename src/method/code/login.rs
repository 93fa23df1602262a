//! Signing in by a code, as first or second factor (flows.md §9.4.3).
use super::addresses::{self, Address, Recipients};
use super::{Code, ME, code_field, continue_button, hidden_method, resend_button};
use crate::base::terms::{Aal, Channel, CredentialsType, Group, State, TemplateType};
use crate::courier::Letter;
use crate::flow::outcome::LoginOutcome;
use crate::flow::{Cx, Fault, Shown, Step, Submission, csrf};
use crate::method::letters::{about, compose, evenly, headers, person};
use crate::method::secret::{self, Tried};
use crate::method::{LoginMethod, LoginMode, decode, enabled, must_be_on, text_of};
use crate::model::factors;
use crate::model::flow::{Login, LoginFlow};
use crate::model::identifier::normalize;
use crate::model::identity::Identity;
use crate::model::session::Authentication;
use crate::schema::{Payload, SchemaError};
use crate::session;
use crate::store::{Load, LoginCode};
use crate::text;
use crate::ui::{Input, Node};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "code": { "type": "string" },
        "identifier": { "type": "string" },
        "address": { "type": "string" },
        "resend": { "type": "string", "enum": ["code"] },
        "flow": { "type": "string", "format": "uuid" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }))
});

#[async_trait]
impl LoginMethod for Code {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut LoginFlow,
        mode: LoginMode<'_>,
    ) -> Result<(), Fault> {
        let code = &cx.config.selfservice.methods.code;
        let button = || {
            Node::submit("method", ME.word())
                .group(ME)
                .label(text::login::code_submit())
        };
        let by_choice = cx.config.feature_flags.refresh_login_choose_address;
        match mode {
            LoginMode::FirstFactor | LoginMode::Refresh(_) if !code.passwordless_enabled => {}
            LoginMode::Refresh(identity) if by_choice => offer(cx, flow, identity, None)?,
            LoginMode::FirstFactor | LoginMode::Refresh(_) => {
                let schema = cx.schema(flow.own.identity_schema.as_deref()).await?;
                let field = Node::input("identifier", Input::Text).value("").required();
                flow.form.set(field.label(schema.identifier_label()));
                flow.form.push(button());
            }
            LoginMode::Chosen { .. } if code.passwordless_enabled => flow.form.push(button()),
            LoginMode::SecondFactor(identity) | LoginMode::SecondFactorRefresh(identity)
                if code.mfa_enabled =>
            {
                offer(cx, flow, identity, cx.request.query.text("via"))?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn at_once(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Login>,
        mode: LoginMode<'_>,
    ) -> Result<bool, Fault> {
        if step.flow.state != State::ChooseMethod {
            return Ok(false);
        }
        let code = &cx.config.selfservice.methods.code;
        match mode {
            LoginMode::SecondFactor(identity) | LoginMode::SecondFactorRefresh(identity)
                if code.mfa_enabled =>
            {
                let all = addresses::choices(cx, identity, cx.request.query.text("via"))?;
                let [only] = all.as_slice() else {
                    return Ok(false);
                };
                if has_another_factor(cx, identity, factors::second_factors) {
                    return Ok(false);
                }
                let found = addresses::find(cx, &only.value, Some(identity)).await?;
                send(cx, step, &only.value, Some(&found)).await?;
                Ok(true)
            }
            LoginMode::Chosen {
                identifier,
                identity: Some(identity),
            } if code.passwordless_enabled
                && !cx.config.security.account_enumeration.mitigate
                && !has_another_factor(cx, identity, factors::first_factors) =>
            {
                let found = match addresses::find(cx, identifier, None).await {
                    Ok(found) => found,
                    Err(Fault::Form(_)) => return Ok(false),
                    Err(fault) => return Err(fault),
                };
                send(cx, step, identifier, Some(&found)).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Login>,
        s: &Submission,
    ) -> Result<LoginOutcome, Fault> {
        let code = &cx.config.selfservice.methods.code;
        let serves = match step.flow.own.requested_aal {
            Aal::One => code.passwordless_enabled,
            Aal::Two => code.mfa_enabled && !code.passwordless_enabled,
            Aal::Zero => false,
        };
        if !serves {
            return Ok(LoginOutcome::NotMine);
        }
        let by_choice = cx.config.feature_flags.refresh_login_choose_address;
        let by_address = code.mfa_enabled || (step.flow.own.refresh && by_choice);
        match s.method()?.as_deref() {
            Some(method) if method == ME.word() => {}
            None if by_address && s.text("address").is_some() => {}
            _ => return Ok(LoginOutcome::NotMine),
        }
        must_be_on(cx, self)?;
        let mut typed = s.text("address").or_else(|| s.text("identifier"));
        let answered = answer(cx, step, s).await;
        if answered.is_err() {
            csrf::put(cx, step.flow, step.cookies);
            let typed = typed.take().unwrap_or_default();
            if step.flow.state == State::SentEmail {
                let hidden = Node::hidden("identifier", lower(&typed));
                step.flow.form.set(hidden);
            } else {
                step.flow.form.fill("identifier", typed);
            }
        }
        answered
    }
}

/// A button for each address.
fn offer(
    cx: &Cx,
    flow: &mut LoginFlow,
    identity: &Identity,
    via: Option<&str>,
) -> Result<(), Fault> {
    for address in addresses::choices(cx, identity, via)? {
        let label = text::login::code_to_address(&address.value, address.via.word());
        let button = Node::submit("address", &address.value).group(ME);
        flow.form.push(button.label(label));
    }
    Ok(())
}

/// Does the person have something else that is on, by this count?
fn has_another_factor(
    cx: &Cx,
    identity: &Identity,
    count: impl Fn(&crate::model::credentials::Credential, &factors::Policy) -> usize,
) -> bool {
    let policy = session::policy(&cx.config);
    let is_on = |kind: CredentialsType| {
        enabled(&cx.config).any(|m| m.login().is_some() && m.id().word() == kind.word())
    };
    let others = identity.credentials.iter();
    let mut others = others.filter(|c| c.kind != CredentialsType::Code && is_on(c.kind));
    others.any(|credential| count(credential, &policy) > 0)
}

/// E-mail addresses are compared without capitals.
fn lower(identifier: &str) -> String {
    if identifier.contains('@') {
        identifier.to_lowercase()
    } else {
        identifier.to_owned()
    }
}

async fn answer(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    s: &Submission,
) -> Result<LoginOutcome, Fault> {
    s.posted()?;
    let body = decode(&SHAPE, s)?;
    step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
    csrf::check(cx, step.flow, s)?;
    if text_of(&body, "resend") == "code" {
        step.flow.state = State::ChooseMethod;
    }
    let owner = owner(cx, step).await?;
    let hide = cx.config.security.account_enumeration.mitigate && owner.is_none();
    let work = async {
        match step.flow.state {
            State::ChooseMethod => ask(cx, step, &body, owner, hide).await,
            State::SentEmail => verify(cx, step, &body, owner, hide).await,
            _ => Err(Fault::form(text::login::nobody())),
        }
    };
    if hide {
        evenly(cx, work).await
    } else {
        work.await
    }
}

/// Sends a code to whom the identifier belongs to. Where accounts must not be told apart, `hide`, one seems to be on its
/// way to everybody.
async fn ask(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    body: &Value,
    owner: Option<Identity>,
    hide: bool,
) -> Result<LoginOutcome, Fault> {
    let typed = match text_of(body, "identifier") {
        "" => text_of(body, "address"),
        identifier => identifier,
    };
    let identifier = lower(typed);
    let second_factor_of = owner
        .as_ref()
        .filter(|_| step.flow.own.requested_aal == Aal::Two);
    let found = match addresses::find(cx, &identifier, second_factor_of).await {
        Ok(found) => Some(found),
        Err(Fault::Form(_)) if hide && !identifier.is_empty() => None,
        Err(fault) => return Err(fault),
    };
    if step.flow.own.refresh
        && let (Some(owner), Some(found)) = (&owner, &found)
        && owner.id != found.identity.id
    {
        return Err(Fault::form(text::validation::no_code_account()));
    }
    send(cx, step, &identifier, found.as_ref()).await?;
    Ok(LoginOutcome::AskAgain(Shown::Unfinished))
}

/// Who is signed in, if that matters: for a second factor, or to confirm.
async fn owner(cx: &Cx, step: &Step<'_, Login>) -> Result<Option<Identity>, Fault> {
    let own = &step.flow.own;
    let Some(session) = step
        .session
        .filter(|_| own.refresh || own.requested_aal == Aal::Two)
    else {
        return Ok(None);
    };
    let mut identities = cx.store().identities();
    let found = identities.find(session.identity_id, Load::Credentials);
    Ok(found.await?)
}

/// Codes of before are void; a code for each address that fits, and the form that asks for it. Everything is stored.
async fn send(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    identifier: &str,
    found: Option<&Recipients>,
) -> Result<(), Fault> {
    let flow = &mut *step.flow;
    let lifespan = cx.config.selfservice.methods.code.config.lifespan;
    let mut batch = cx.store().batch();
    batch.delete_once::<LoginCode>(flow.id);
    let recipients = found.map(|found| (&found.identity, meant(&found.addresses, identifier)));
    let (identity, recipients) = recipients.map_or((None, vec![]), |(i, r)| (Some(i), r));
    for address in recipients {
        let Some(identity) = identity else { break };
        let code = secret::code(cx);
        let own = LoginCode {
            flow: flow.id,
            address: address.value.clone(),
            via: address.via,
            identity: identity.id,
        };
        batch.insert_once(&secret::row(cx, &code, lifespan, own)?);
        let template = TemplateType::LoginCodeValid;
        let letter = Letter {
            identity: Some(person(cx, identity)),
            code: Some(&code),
            expires_in_minutes: lifespan.whole_minutes(),
            request_headers: headers(cx),
            ..about(flow, template, address.via, &address.value)
        };
        batch.insert_message(&compose(cx, &letter).await?);
    }
    flow.state = State::SentEmail;
    flow.active = Some(Group::Of(ME));
    ask_for_code(cx, step, identifier);
    batch.update_flow(step.flow);
    Ok(batch.commit().await?)
}

/// The address that was typed, or all of the account.
fn meant<'a>(all: &'a [Address], identifier: &str) -> Vec<&'a Address> {
    let wanted = normalize(identifier);
    match all.iter().find(|address| address.value == wanted) {
        Some(address) => vec![address],
        None => all.iter().collect(),
    }
}

/// The form of the second step; who it is for goes along, hidden.
fn ask_for_code(cx: &Cx, step: &mut Step<'_, Login>, identifier: &str) {
    let flow = &mut *step.flow;
    let known = std::mem::take(&mut flow.form.nodes);
    let (ids, others): (Vec<_>, Vec<_>) = known
        .into_iter()
        .partition(|node| matches!(node.id(), "identifier" | "address"));
    flow.form.nodes = others;
    flow.form.clear();
    for mut node in ids {
        if let Some(input) = node.as_input_mut() {
            input.input = Input::Hidden;
            "identifier".clone_into(&mut input.name);
        }
        node.messages.clear();
        flow.form.push(node);
    }
    flow.form.set(hidden_method());
    flow.form.set(code_field(text::node::login_code()));
    flow.form.push(continue_button());
    flow.form.push(resend_button("resend", ME.word()));
    if flow.channel == Channel::Browser {
        csrf::put(cx, flow, step.cookies);
    }
    flow.form.fill("identifier", identifier);
    let is_known = flow.own.refresh || flow.own.requested_aal == Aal::Two;
    flow.form.say(if is_known {
        text::login::code_sent_to_known()
    } else {
        text::login::code_sent()
    });
}

async fn verify(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    body: &Value,
    owner: Option<Identity>,
    hide: bool,
) -> Result<LoginOutcome, Fault> {
    let code = text_of(body, "code");
    if code.is_empty() {
        return Err(Fault::field("code", text::validation::missing("code")));
    }
    let typed = match text_of(body, "address") {
        "" => text_of(body, "identifier"),
        address => address,
    };
    let flow = &mut *step.flow;
    let second = flow.own.requested_aal == Aal::Two;
    let claimed = match &owner {
        Some(owner) if second => Some(owner.id),
        _ => match addresses::find(cx, &lower(typed), None).await {
            Ok(found) => Some(found.identity.id),
            // Tried and counted as for anybody: so many wrong codes must not tell either.
            Err(Fault::Form(_)) if hide => None,
            Err(fault) => return Err(fault),
        },
    };
    if flow.own.refresh && owner.is_some_and(|owner| claimed != Some(owner.id)) {
        return Err(Fault::form(text::validation::no_code_account()));
    }
    let is_theirs = |own: &LoginCode| claimed == Some(own.identity);
    let used = match secret::try_code::<Login, LoginCode>(cx, flow.id, code, is_theirs).await? {
        Tried::Right(code) => code.own,
        Tried::Wrong => return Err(Fault::form(text::login::code_invalid())),
        Tried::Spent(refusal) => return Err(refusal.into()),
    };
    // Anew: the address may have been verified, or the account switched off, since it was looked at.
    let mut identities = cx.store().identities();
    let mut identity = identities.get(used.identity, Load::Credentials).await?;
    let proven = identity
        .verifiable_addresses
        .iter_mut()
        .find(|a| !a.verified && a.value == used.address);
    if let Some(address) = proven {
        address.prove(cx.now);
        let mut batch = cx.store().batch();
        batch.mark_verified(address.id, cx.now);
        batch.commit().await?;
    }
    flow.state = State::PassedChallenge;
    let aal = if second { Aal::Two } else { Aal::One };
    Ok(LoginOutcome::Authenticated {
        identity: Box::new(identity),
        by: Authentication::by(ME, aal, cx.now),
    })
}
