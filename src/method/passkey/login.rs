//! Signing in with a passkey: the authenticator says who it is.
use super::{KEYS, ME, Passkey, asker, call, config, field, ours, proof};
use crate::base::terms::{Channel, CredentialsType, FlowKind};
use crate::crypto::webauthn::Assertion;
use crate::flow::outcome::LoginOutcome;
use crate::flow::{Cx, Fault, Step, Submission, csrf};
use crate::method::keys::{self, Kind};
use crate::method::{
    LoginMethod, LoginMode, decode, is_first_factor, must_be_on, text_of, webauthn,
};
use crate::model::factors;
use crate::model::flow::{Login, LoginFlow};
use crate::model::identity::Identity;
use crate::schema::{Payload, SchemaError};
use crate::session;
use crate::text;
use crate::ui::{Input, Node};
use async_trait::async_trait;
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "passkey_login": { "type": "string" },
        "csrf_token": { "type": "string" },
    } }))
});

#[async_trait]
impl LoginMethod for Passkey {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut LoginFlow,
        mode: LoginMode<'_>,
    ) -> Result<(), Fault> {
        match mode {
            LoginMode::FirstFactor => {
                ask_anybody(cx, flow).await?;
                flow.form.push(button(flow.channel));
            }
            LoginMode::Identify => ask_anybody(cx, flow).await?,
            LoginMode::Chosen { identity, .. } => {
                let policy = session::policy(&cx.config);
                let credential = identity.and_then(|i| i.credential(CredentialsType::Passkey));
                let has_key = credential.is_some_and(|c| factors::first_factors(c, &policy) > 0);
                if has_key || cx.config.security.account_enumeration.mitigate {
                    flow.form.push(button(flow.channel));
                }
            }
            LoginMode::Refresh(identity) => confirm(cx, flow, identity).await?,
            LoginMode::SecondFactor(_) | LoginMode::SecondFactorRefresh(_) => {}
        }
        Ok(())
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Login>,
        s: &Submission,
    ) -> Result<LoginOutcome, Fault> {
        let answered = answer(self, cx, step, s).await;
        if answered.is_err() {
            step.flow.form.fill("passkey_login", Value::Null);
            if step.flow.channel == Channel::Browser {
                csrf::put(cx, step.flow, step.cookies);
            }
        }
        answered
    }
}

fn button(channel: Channel) -> Node {
    let function = "oryPasskeyLogin";
    keys::trigger("passkey_login_trigger", function, call(channel, function))
        .group(ME)
        .value("")
        .label(text::login::passkey_submit())
}

/// The question, in a field that the script reads.
fn challenge(options: &Value) -> Node {
    Node::hidden("passkey_challenge", options.to_string()).group(ME)
}

/// Asks for any passkey that the authenticator has for us; browsers may offer it in the field for the name.
async fn ask_anybody(cx: &Cx, flow: &mut LoginFlow) -> Result<(), Fault> {
    let schema = cx.schema(flow.own.identity_schema.as_deref()).await?;
    let asked = asker(cx, &ours(cx), config(cx).timeouts.login).get(cx.dice(), None, &[]);
    KEYS.keep(flow, &asked);
    let identifier = Node::input("identifier", Input::Text)
        .value("")
        .required()
        .autocomplete("username webauthn");
    flow.form.set(identifier.label(schema.identifier_label()));
    flow.form.set(challenge(&asked.options));
    if flow.channel == Channel::Browser {
        flow.form.set(keys::script(cx));
    }
    let function = "oryPasskeyLoginAutocompleteInit";
    let channel = flow.channel;
    flow.form.set(field("passkey_login").with(|input| {
        input.onload = call(channel, function);
        input.onload_trigger = Some(function.to_owned());
    }));
    Ok(())
}

/// Asks somebody who is signed in for a passkey of theirs.
async fn confirm(cx: &Cx, flow: &mut LoginFlow, identity: &Identity) -> Result<(), Fault> {
    let Some((credential, keys, handle)) = KEYS.keys(identity) else {
        return Ok(());
    };
    if keys.is_empty() || credential.identifiers.first().is_none_or(String::is_empty) {
        return Ok(());
    }
    let schema = cx.schema(Some(&identity.schema_id)).await?;
    let name = schema.extract(&identity.traits).passkey_name;
    let asker = asker(cx, &ours(cx), config(cx).timeouts.login);
    let asked = asker.get(cx.dice(), Some(&handle), &keys);
    KEYS.keep(flow, &asked);
    flow.form.set(challenge(&asked.options));
    if flow.channel == Channel::Browser {
        flow.form.set(keys::script(cx));
    }
    flow.form.set(field("passkey_login"));
    flow.form.push(button(flow.channel));
    let name = name.unwrap_or_default();
    flow.form.set(Node::hidden("identifier", name));
    Ok(())
}

async fn answer(
    me: &Passkey,
    cx: &Cx,
    step: &mut Step<'_, Login>,
    s: &Submission,
) -> Result<LoginOutcome, Fault> {
    s.posted()?;
    let body = decode(&SHAPE, s)?;
    let answer = text_of(&body, "passkey_login");
    if answer.is_empty() && text_of(&body, "method") != ME.word() {
        return Ok(LoginOutcome::NotMine);
    }
    must_be_on(cx, me)?;
    csrf::check(cx, step.flow, s)?;
    if !is_first_factor(step) {
        return Ok(LoginOutcome::NotMine);
    }
    if answer.is_empty() {
        let page = cx.page(FlowKind::Login, step.flow.id);
        return Ok(LoginOutcome::GoTo(page));
    }
    let answer = keys::read_use(answer)?;
    let open = KEYS.open(step.flow).ok_or_else(keys::wrong)?;
    let (kind, identity) = owner(cx, &answer).await?.ok_or_else(keys::nobody)?;
    let (_, mut keys, _) = kind.keys(&identity).ok_or_else(keys::nobody)?;
    keys.retain(|key| key.is_passwordless);
    let ours = ours(cx);
    let party = ours.party();
    let used = party
        .assert(&open.ceremony, &keys, &answer.user_handle, &answer, cx.now)
        .map_err(|refused| {
            tracing::info!(identity_id = %identity.id, reason = %refused, "a passkey was refused");
            keys::wrong()
        })?;
    if !KEYS.close(cx, step.flow, &open).await? {
        return Err(keys::wrong());
    }
    kind.note(cx, &identity, used).await;
    Ok(LoginOutcome::Authenticated {
        identity: Box::new(identity),
        by: proof(cx),
    })
}

/// Whose it is, as the authenticator says; keys from before there were passkeys are found by their row.
async fn owner(cx: &Cx, answer: &Assertion) -> Result<Option<(Kind, Identity)>, Fault> {
    let handle = &answer.user_handle;
    if handle.is_empty() {
        return Ok(None);
    }
    let mut credentials = cx.store().credentials();
    // The database takes no U+0000, and no handle of ours has one.
    let name = std::str::from_utf8(handle)
        .ok()
        .filter(|n| !n.contains('\0'));
    if let Some(name) = name {
        let types = [CredentialsType::Passkey];
        if let Some(found) = credentials.by_identifier(&types, name, name).await? {
            return Ok(Some((KEYS, found.identity)));
        }
    }
    let found = credentials.by_user_handle(&BASE64.encode(handle)).await?;
    Ok(found.map(|identity| (webauthn::KEYS, identity)))
}
