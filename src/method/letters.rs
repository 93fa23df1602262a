//! What methods write to people, and how long it seems to take.
use crate::base::alarm;
use crate::base::id::{AddressId, FlowId};
use crate::base::terms::{TemplateType, Via};
use crate::courier::Letter;
use crate::flow::outcome::{VerificationOutcome, Verified};
use crate::flow::{Cx, Fault};
use crate::model::flow::{Flow, Kind, RecoveryFlow, VerificationFlow};
use crate::model::identifier;
use crate::model::identity::{Identity, RecoveryAddress, VerifiableAddress};
use crate::model::message::CourierMessage;
use crate::store::Asking;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;

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

/// Who gets their account back through an address that somebody typed; `via`: only what is written to so.
pub(super) async fn recovered_by(
    cx: &Cx,
    flow: &RecoveryFlow,
    via: Option<Via>,
    typed: &str,
) -> Result<Option<(Identity, RecoveryAddress)>, Fault> {
    let owners = owners(cx, flow, typed).await?;
    Ok(preferred(&owners, typed, |identity, spelling| {
        let mut addresses = identity.recovery_addresses.iter();
        addresses
            .find(|a| a.value == spelling && via.is_none_or(|via| a.via == via))
            .cloned()
    }))
}

/// Whose address it is that somebody typed to verify it.
pub(super) async fn verified_by(
    cx: &Cx,
    flow: &VerificationFlow,
    via: Via,
    typed: &str,
) -> Result<Option<(Identity, VerifiableAddress)>, Fault> {
    let owners = owners(cx, flow, typed).await?;
    Ok(preferred(&owners, typed, |identity, spelling| {
        let mut addresses = identity.verifiable_addresses.iter();
        addresses
            .find(|a| a.value == spelling && a.via == via)
            .cloned()
    }))
}

/// They may have come with the flow.
async fn owners<'f, K: Asking>(
    cx: &Cx,
    flow: &'f Flow<K>,
    typed: &str,
) -> Result<Cow<'f, [Identity]>, Fault> {
    match &flow.passing.owners {
        Some(owners) if owners.typed == typed => Ok(Cow::Borrowed(&owners.identities)),
        _ => {
            let spellings = [typed, &identifier::normalize(typed)];
            let owners = cx.store().addresses().owners::<K>(spellings).await?;
            Ok(Cow::Owned(owners))
        }
    }
}

/// The first that fits: as it was typed rather than normalised.
fn preferred<A>(
    owners: &[Identity],
    typed: &str,
    find: impl Fn(&Identity, &str) -> Option<A>,
) -> Option<(Identity, A)> {
    let spellings = [typed, &identifier::normalize(typed)];
    spellings.iter().find_map(|spelling| {
        let fits = |owner: &Identity| find(owner, spelling).map(|a| (owner.clone(), a));
        owners.iter().find_map(fits)
    })
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

/// Nobody shall tell by the clock whether an address is known. To write to somebody takes two or three milliseconds; the
/// answer waits until this much has passed since the request came, whatever there was to do.
const EVEN: Duration = Duration::from_millis(10);
/// It never waits longer.
const LONGEST: Duration = Duration::from_millis(160);
/// To write to somebody may ask a server of databases so many times more often.
const ASKED: u32 = 8;

/// Does the work, and takes as long for it as for anybody else.
pub(super) async fn evenly<T>(cx: &Cx, work: impl Future<Output = T>) -> T {
    let even = even(cx.store().db().round_trip());
    let done = work.await;
    alarm::at(cx.began + even).await;
    done
}

/// How long everybody waits, in few and large steps: what somebody else has asked for just before must not show in it.
fn even(round_trip: Duration) -> Duration {
    let needed = EVEN / 2 + round_trip * ASKED;
    let mut even = EVEN;
    while even < needed.min(LONGEST) {
        even *= 2;
    }
    even
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_waits_longer_where_the_database_is_far_away() {
        let even = |micros| even(Duration::from_micros(micros)).as_millis();
        assert_eq!(
            [0, 600, 2_000, 10_000, 60_000_000].map(even),
            [10, 10, 40, 160, 160]
        );
    }
}
