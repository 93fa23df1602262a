//! What methods write to people, and how long it seems to take.
use crate::base::id::{AddressId, FlowId};
use crate::base::terms::{TemplateType, Via};
use crate::courier::Letter;
use crate::flow::outcome::{VerificationOutcome, Verified};
use crate::flow::{Cx, Fault};
use crate::model::flow::{Flow, Kind};
use crate::model::identifier;
use crate::model::identity::{Identity, RecoveryAddress, VerifiableAddress};
use crate::model::message::CourierMessage;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// A letter about a flow.
pub(super) fn about<'a, K: Kind>(
    flow: &'a Flow<K>,
    template: TemplateType,
    via: Via,
    to: &'a str,
) -> Letter<'a> {
    let payload = flow.passing.transient_payload.clone();
    Letter {
        transient_payload: payload.unwrap_or_else(|| json!({})),
        ..Letter::new(template, via, to, &flow.request_url)
    }
}

/// Puts it into words.
pub(super) async fn compose(cx: &Cx, letter: &Letter<'_>) -> Result<CourierMessage, Fault> {
    let composer = &cx.services.composer;
    let message = composer.compose(&cx.config, letter, cx.dice(), cx.now);
    Ok(message.await?)
}

/// The identity as templates see it.
pub(super) fn person(cx: &Cx, identity: &Identity) -> Value {
    let url = cx.schema_url(&identity.schema_id);
    Value::Object(identity.json(&url))
}

/// Headers of the visitor that a channel may pass on.
pub(super) fn headers(cx: &Cx) -> Option<Value> {
    Some(cx.request.forwardable.clone()).filter(Value::is_object)
}

/// Where links in mails lead: the address that was known when the flow began, else ours. Never what a request says.
pub(super) fn link<K: Kind>(cx: &Cx, flow: &Flow<K>, path: &str, query: &[(&str, &str)]) -> String {
    use crate::base::url::{join, with};
    let captured = flow.memory.courier_base_url.clone();
    let base = captured.filter(|url| !url.is_empty());
    let base = base.unwrap_or_else(|| cx.config.public_url());
    with(&join(&base, path), query)
}

/// Who gets their account back through an address that somebody typed.
pub(super) async fn recovered_by(
    cx: &Cx,
    via: Option<Via>,
    typed: &str,
) -> Result<Option<(Identity, RecoveryAddress)>, Fault> {
    let stored = identifier::normalize(typed);
    let mut addresses = cx.store().addresses();
    Ok(addresses.recovered_by(via, [typed, &stored]).await?)
}

/// Whose address it is that somebody typed to verify it.
pub(super) async fn verified_by(
    cx: &Cx,
    via: Via,
    typed: &str,
) -> Result<Option<(Identity, VerifiableAddress)>, Fault> {
    let stored = identifier::normalize(typed);
    let mut addresses = cx.store().addresses();
    Ok(addresses.verified_by(via, [typed, &stored]).await?)
}

/// What a code or link of a verification has shown: an address that is known, or one that a change waits for.
pub(super) async fn proven(
    cx: &Cx,
    flow: FlowId,
    address: Option<AddressId>,
) -> Result<Option<VerificationOutcome>, Fault> {
    let Some(id) = address else {
        let waiting = cx.store().pending_changes().of(flow).await?;
        return Ok(waiting.map(|change| VerificationOutcome::Approved(Box::new(change))));
    };
    let known = cx.store().addresses().verifiable_by_id(id).await?;
    Ok(known.map(|(identity, address)| {
        VerificationOutcome::Verified(Box::new(Verified { identity, address }))
    }))
}

/// Nobody shall tell by the clock whether an address is known. To write to somebody takes a few milliseconds; the
/// answer waits until this much has passed, whatever there was to do.
const EVEN: Duration = Duration::from_millis(40);

/// Does the work, and takes as long for it as for anybody else.
pub(super) async fn evenly<T>(work: impl Future<Output = T>) -> T {
    let end = Instant::now() + EVEN;
    let done = work.await;
    tokio::time::sleep_until(end).await;
    done
}
