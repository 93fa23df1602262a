//! A verification that somebody else asks for: after signing up or in, or before an address is used.
use super::{Target, VerificationMethod, primary};
use crate::base::id::FlowId;
use crate::base::terms::{Channel, FlowKind, Group, MethodId};
use crate::base::url::Params;
use crate::flow::{CookieChanges, Cx, Fault, Refusal};
use crate::model::flow::{Flow, Parts, Verification, VerificationFlow, VerificationRef};
use crate::model::identity::{AddressStatus, Identity};
use crate::model::session::Session;
use crate::store::Batch;

/// The method that `selfservice.flows.verification.use` names. It has to be on.
pub fn method(cx: &Cx) -> Result<(MethodId, &'static dyn VerificationMethod), Fault> {
    let id = cx.config.selfservice.flows.verification.r#use.method();
    let method = primary(&cx.config, id).and_then(|m| m.verification());
    let method = method.ok_or_else(|| {
        Fault::from(Refusal::bad(
            "The method by which addresses are verified is switched off.",
        ))
    })?;
    Ok((id, method))
}

/// An empty verification form.
#[must_use]
pub fn blank(
    cx: &Cx,
    channel: Channel,
    request_url: String,
    own: Verification,
) -> VerificationFlow {
    let id = FlowId::random(cx.dice());
    let action = cx.public("/self-service/verification", &[("flow", &id.to_string())]);
    let lifespan = cx.config.selfservice.flows.verification.lifespan;
    let times = (cx.now, cx.now + lifespan);
    Flow::new(id, channel, request_url, times, action, own)
}

/// Begins to verify the address at that place, and writes to it. The flow is stored; the address's status is `sent`, also
/// in the identity at hand.
pub async fn begin(
    cx: &Cx,
    parent: &Parts<'_>,
    (identity, place): (&mut Identity, usize),
    session: Option<&Session>,
    cookies: &mut CookieChanges,
) -> Result<VerificationRef, Fault> {
    let target = Target::from(&identity.verifiable_addresses[place]);
    let (batch, begun) = prepare(cx, parent, identity, target, session, cookies).await?;
    batch.commit().await?;
    identity.verifiable_addresses[place].status = AddressStatus::Sent;
    Ok(begun)
}

/// The flow and the letter, to be written by the caller.
pub async fn prepare<'c>(
    cx: &'c Cx,
    parent: &Parts<'_>,
    identity: &Identity,
    target: Target<'_>,
    session: Option<&Session>,
    cookies: &mut CookieChanges,
) -> Result<(Batch<'c>, VerificationRef), Fault> {
    let (id, method) = method(cx)?;
    let own = Verification {
        session: session.map(|s| s.id),
        identity: session.map(|s| s.identity_id),
        authentication_methods: session.and_then(|s| serde_json::to_value(&s.methods).ok()),
        oauth2_login_challenge: None,
    };
    let request_url = handed_on(parent.request_url);
    let mut flow = blank(cx, parent.channel, request_url, own);
    flow.passing
        .transient_payload
        .clone_from(&parent.passing.transient_payload);
    flow.active = Some(Group::Of(id));
    method.begin(cx, &mut flow, target, cookies);
    let mut batch = cx.store().batch();
    batch.insert_flow(&flow);
    method
        .send(cx, &flow, (identity, target), &mut batch)
        .await?;
    let in_browser = flow.channel == Channel::Browser;
    let url = in_browser.then(|| cx.page(FlowKind::Verification, flow.id));
    let begun = VerificationRef {
        id: flow.id,
        verifiable_address: target.value.to_owned(),
        url,
    };
    Ok((batch, begun))
}

/// The address that began the flow before, with the return address for after the verification.
fn handed_on(request_url: &str) -> String {
    let mut query = Params::of(request_url);
    let then = query
        .text("after_verification_return_to")
        .map(str::to_owned);
    if let Some(then) = then {
        query.set("return_to", &then);
    }
    query.remove("after_verification_return_to");
    let base = request_url.split(['?', '#']).next().unwrap_or_default();
    let query = query.encode_sorted();
    if query.is_empty() {
        return base.to_owned();
    }
    format!("{base}?{query}")
}
