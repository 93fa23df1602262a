//! Passwords that another system knows still (flows.md §9.1): at the first login its web hook is asked. What it
//! confirms is hashed here, and the hook is asked no more.
use super::{compare, wrong};
use crate::base::terms::CredentialsType;
use crate::base::time::micros;
use crate::crypto::hash::pool::PoolError;
use crate::crypto::hash::{HashError, HasherParams};
use crate::flow::{Cx, Fault, Refusal};
use crate::identity::password_policy;
use crate::model::credentials::Credential;
use crate::model::flow::LoginFlow;
use crate::model::identity::Identity;
use crate::outbound::call::{Call, CallError};
use crate::outbound::{Limits, Longer, Method, Policy, Request};
use crate::resource::snippet;
use anyhow::Context;
use serde_json::{Map, Value, json};

/// As for any web hook, but of the answer is read what a verdict takes.
const LIMITS: Limits = Limits {
    body: 1024,
    longer: Longer::IsCut,
    ..Limits::USUAL
};
const CANNOT_BE_MADE: &str = "the request to the password migration hook cannot be made";

/// Whose password it is, once the hook has said so.
///
/// # Errors
/// The hook is off, does not know this password, or cannot be asked.
pub(super) async fn check(
    cx: &Cx,
    flow: &LoginFlow,
    identity: Identity,
    identifier: &str,
    password: &str,
) -> Result<Identity, Fault> {
    let hook = &cx.config.selfservice.methods.password.config.migrate_hook;
    if !hook.enabled {
        return Err(Refusal::misconfigured(
            "This password is still with another system, and the hook that asks it is switched off.",
        )
        .into());
    }
    let params = HasherParams::of(&cx.config);
    // At the same time, so that a password that the hook refuses takes as long as any wrong one, unless the hook is slow.
    let (hashed, verdict) = tokio::join!(
        cx.services.hasher.hash(&params, password.as_bytes()),
        ask(cx, flow, &identity, identifier, password),
    );
    if !verdict? {
        return Err(wrong());
    }
    match hashed {
        Ok(hashed) => keep(cx, identity, hashed, password).await,
        Err(error @ PoolError::Hash(HashError::PasswordTooLong { .. })) => {
            match password_policy::too_long_for_bcrypt(password) {
                Some(message) => Err(Fault::field("password", message)),
                None => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// What the other system says about the password.
async fn ask(
    cx: &Cx,
    flow: &LoginFlow,
    identity: &Identity,
    identifier: &str,
    password: &str,
) -> Result<bool, Fault> {
    let policy = Policy::from(&cx.config.clients.http);
    let request = request(cx, &policy, flow, identity, identifier, password).await?;
    let answer = match cx.services.outbound.send(&policy, &request).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(
                identity_id = %identity.id, %error,
                "the password migration hook cannot be asked"
            );
            return Err(upstream(
                "The system that knows this password cannot be reached. Please try again later.",
            ));
        }
    };
    match answer.status.as_u16() {
        200 => Ok(is_match(&answer.body)),
        403 => Ok(false),
        status => {
            tracing::warn!(
                identity_id = %identity.id, status,
                "the password migration hook did not answer as it should"
            );
            Err(upstream(
                "The system that knows this password did not answer as it should. Please try again later.",
            ))
        }
    }
}

/// Without the id that other trouble of the kind has, as in the reference.
fn upstream(reason: &str) -> Fault {
    let refusal = Refusal {
        id: None,
        ..Refusal::upstream(reason)
    };
    refusal.into()
}

/// Whether the first value in the answer is an object that says so. Go does not mind how keys are spelt.
fn is_match(body: &[u8]) -> bool {
    let first = serde_json::Deserializer::from_slice(body)
        .into_iter::<Map<String, Value>>()
        .next();
    let Some(Ok(answer)) = first else {
        return false;
    };
    let status = answer
        .iter()
        .rfind(|(key, _)| key.eq_ignore_ascii_case("status"));
    status.is_some_and(|(_, word)| word == "password_match")
}

async fn request(
    cx: &Cx,
    policy: &Policy,
    flow: &LoginFlow,
    identity: &Identity,
    identifier: &str,
    password: &str,
) -> Result<Request, Fault> {
    let config = &cx
        .config
        .selfservice
        .methods
        .password
        .config
        .migrate_hook
        .config;
    let bad = |error: CallError| anyhow::Error::from(error).context(CANNOT_BE_MADE);
    let own = json!({ "identifier": identifier, "password": password });
    let call = Call::of_hook(&config.request, Method::POST).map_err(bad)?;
    let snippet = config.request.body.as_deref();
    let body = match snippet.filter(|uri| !uri.is_empty()) {
        None => own.to_string(),
        Some(uri) => {
            let parts = (&cx.services.resources, &cx.services.jsonnet);
            let context = context(cx, flow, identity, own);
            let made = snippet::body(parts, policy, uri, &context, cx.now).await;
            made.context(CANNOT_BE_MADE)?
        }
    };
    let mut request = call.request(Some(body), LIMITS).map_err(bad)?;
    if config.emit_analytics_event {
        request = request.numbered(&cx.services.random);
    }
    Ok(request)
}

/// What the Jsonnet is given as `ctx`: that of a web hook (flows.md §10.5) with all headers, and what was typed.
fn context(cx: &Cx, flow: &LoginFlow, identity: &Identity, own: Value) -> Value {
    let cookies: Map<String, Value> = cx
        .request
        .cookies
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let mut context = json!({
        "flow": serde_json::to_value(flow).unwrap_or_default(),
        "request_headers": cx.request.headers,
        "request_method": cx.request.method,
        "request_url": cx.request.url,
        "request_cookies": cookies,
        "identity": identity.json(&cx.schema_url(&identity.schema_id)),
    });
    if let (Value::Object(context), Value::Object(own)) = (&mut context, own) {
        context.extend(own);
    }
    context
}

/// Stores the hash in the place of the mark. Of two logins at once one comes first; the other is held to what that has
/// left, as it is to whatever an administrator or the person has put there meanwhile.
async fn keep(
    cx: &Cx,
    mut identity: Identity,
    hashed: String,
    password: &str,
) -> Result<Identity, Fault> {
    let owner = identity.id;
    let Some(credential) = identity.credential_mut(CredentialsType::Password) else {
        return Err(wrong());
    };
    let (id, touches) = (credential.id, Some((owner, cx.now)));
    let before = credential.clone();
    credential.config = json!({ "hashed_password": hashed });
    credential.updated_at = micros(cx.now);
    let mut other = None;
    let change = |stored: &mut Value| {
        let found = Credential {
            config: stored.take(),
            ..before
        };
        if found.awaits_migration() {
            stored.clone_from(&credential.config);
            return true;
        }
        other = found.hashed_password().map(str::to_owned);
        false
    };
    if cx.store().edit_credential(id, touches, change).await? {
        return Ok(identity);
    }
    let Some(other) = other else {
        return Err(wrong());
    };
    if compare(cx, &other, password).await? != Some(true) {
        return Err(wrong());
    }
    credential.config = json!({ "hashed_password": other });
    Ok(identity)
}
