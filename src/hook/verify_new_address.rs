//! `verify_new_address`: a change of the profile that brings a new address waits until the address is proven
//! (flows.md §7.2, §10.2).
use super::{Event, Hook, Verdict};
use crate::base::id::RowId;
use crate::base::terms::FlowKind;
use crate::flow::{Answer, CookieChanges, Cx, Fault, Shown};
use crate::method::{Target, begin_verification};
use crate::model::flow::{ContinueWith, SettingsFlow};
use crate::model::identity::{Identity, VerifiableAddress};
use crate::model::pending::{PendingChange, traits_hash};
use crate::model::session::Session;
use crate::session;
use crate::text;
use async_trait::async_trait;

pub(super) struct VerifyNewAddress;

#[async_trait]
impl Hook for VerifyNewAddress {
    async fn run(
        &self,
        cx: &Cx,
        event: &mut Event<'_>,
        cookies: &mut CookieChanges,
    ) -> Result<Verdict, Fault> {
        let Event::SettingsPrePersist {
            flow,
            stored,
            identity,
            session,
        } = event
        else {
            return Ok(Verdict::Next);
        };
        let is_new = |a: &&VerifiableAddress| {
            !stored
                .verifiable_addresses
                .iter()
                .any(|b| b.via == a.via && b.value == a.value)
        };
        let new: Vec<_> = identity
            .verifiable_addresses
            .iter()
            .filter(is_new)
            .collect();
        let Some(first) = new.first() else {
            return Ok(Verdict::Next);
        };
        if !session::is_privileged(&cx.config, session, cx.now) {
            return Err(Fault::Reauthenticate);
        }
        if new.len() > 1 {
            flow.form.messages = vec![text::settings::one_address_at_a_time()];
            cx.store().flows().update(flow).await?;
            return Ok(Verdict::Stop(Answer::flow(flow, Shown::Fine)));
        }
        let mut addresses = cx.store().addresses();
        let known = addresses.verifiable(first.via, &first.value).await?;
        if known.is_some_and(|(owner, _)| owner != stored.id) {
            flow.form.messages.clear();
            return Err(Fault::form(text::validation::duplicate()));
        }
        let address = (*first).clone();
        let answer = wait(cx, flow, (stored, identity), &address, session, cookies).await?;
        Ok(Verdict::Stop(answer))
    }
}

/// Puts the change aside and writes to the new address.
async fn wait(
    cx: &Cx,
    flow: &mut SettingsFlow,
    (stored, proposed): (&Identity, &Identity),
    address: &VerifiableAddress,
    session: &Session,
    cookies: &mut CookieChanges,
) -> Result<Answer, Fault> {
    let target = Target {
        value: &address.value,
        via: address.via,
        stored: None,
    };
    let parts = flow.parts();
    let begun = begin_verification::prepare(cx, &parts, proposed, target, None, cookies).await?;
    let (mut batch, begun) = begun;
    let change = PendingChange {
        id: RowId::random(cx.dice()),
        identity: stored.id,
        session: Some(session.id),
        origin: Some(flow.id),
        verification: begun.id,
        value: address.value.clone(),
        via: address.via,
        original_hash: traits_hash(stored),
        proposed: proposed.traits.clone(),
        created_at: cx.now,
    };
    batch.insert_pending(&change);
    flow.memory.verification = Some(begun.clone());
    batch.update_flow(flow);
    cx.store().pending_changes().forget(stored.id).await?;
    batch.commit().await?;
    let page = cx.page(FlowKind::Verification, begun.id);
    let shown = ContinueWith::ShowVerificationUi(begun);
    flow.passing.continue_with.push(shown);
    Ok(Answer::Done {
        flow: Box::new(flow.any()),
        then: page,
    })
}
