//! `verification`: writes to an address of the person that is not proven yet, and begins the flow that asks for the
//! code (flows.md §10.2). Nothing is said of that flow; `show_verification_ui` does.
use super::{Event, Hook, Verdict};
use crate::base::terms::{Aal, Channel, FlowKind};
use crate::flow::{CookieChanges, Cx, Fault};
use crate::method::begin_verification;
use crate::model::flow::{ContinueWith, Parts};
use crate::model::identity::{AddressStatus, Identity, VerifiableAddress};
use crate::model::session::Session;
use async_trait::async_trait;

pub(super) struct Verify;

#[async_trait]
impl Hook for Verify {
    async fn run(
        &self,
        cx: &Cx,
        event: &mut Event<'_>,
        cookies: &mut CookieChanges,
    ) -> Result<Verdict, Fault> {
        // Whoever shows a second factor has been through it.
        if matches!(event, Event::LoginAfter { flow, .. } if flow.own.requested_aal != Aal::One) {
            return Ok(Verdict::Next);
        }
        if let Some((mut parts, identity, session)) = event.person() {
            begin_all(cx, &mut parts, identity, session, cookies).await?;
        }
        Ok(Verdict::Next)
    }
}

/// The first address that is due; every one in the way of old releases.
async fn begin_all(
    cx: &Cx,
    parts: &mut Parts<'_>,
    identity: &mut Identity,
    session: Option<&Session>,
    cookies: &mut CookieChanges,
) -> Result<(), Fault> {
    let legacy = cx.config.feature_flags.legacy_continue_with_verification_ui;
    let signs_in = matches!(parts.kind, FlowKind::Login | FlowKind::Registration);
    let is_due = |address: &VerifiableAddress| {
        let open = if signs_in {
            !address.verified
        } else {
            address.status == AddressStatus::Pending
        };
        open && !address.value.is_empty()
    };
    for place in 0..identity.verifiable_addresses.len() {
        if !is_due(&identity.verifiable_addresses[place]) {
            continue;
        }
        if signs_in && parts.channel == Channel::Browser {
            cookies.renew_csrf(cx.dice());
        }
        let begun =
            begin_verification::begin(cx, parts, (identity, place), session, cookies).await?;
        parts.memory.verification = Some(begun.clone());
        if !legacy {
            break;
        }
        let shown = ContinueWith::ShowVerificationUi(begun);
        parts.passing.continue_with.push(shown);
    }
    Ok(())
}
