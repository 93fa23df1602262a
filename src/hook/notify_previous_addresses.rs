//! `notify_previous_addresses`: tells the addresses of before that the account has others now (flows.md §10.2). What goes
//! wrong here never spoils the change, which is stored already.
use super::{Event, Hook, Verdict};
use crate::config::hook::Recipients;
use crate::flow::{CookieChanges, Cx, Fault};
use crate::method::notices;
use crate::model::identity::{Identity, VerifiableAddress};
use async_trait::async_trait;

pub(super) struct Notify(pub Recipients);

#[async_trait]
impl Hook for Notify {
    async fn run(
        &self,
        cx: &Cx,
        event: &mut Event<'_>,
        _: &mut CookieChanges,
    ) -> Result<Verdict, Fault> {
        let Event::SettingsPostPersist {
            flow,
            previous,
            identity,
            ..
        } = event
        else {
            return Ok(Verdict::Next);
        };
        let to = recipients(self.0, previous, identity);
        if let Err(fault) = notices::address_changed(cx, flow, identity, &to).await {
            tracing::warn!(identity_id = %identity.id, error = ?fault, "the addresses of before could not be told of the change");
        }
        Ok(Verdict::Next)
    }
}

/// Nobody, if the addresses are the same.
fn recipients<'a>(
    which: Recipients,
    before: &'a Identity,
    after: &Identity,
) -> Vec<&'a VerifiableAddress> {
    let has = |identity: &Identity, address: &VerifiableAddress| {
        let mut all = identity.verifiable_addresses.iter();
        all.any(|a| a.via == address.via && a.value == address.value)
    };
    let (old, new) = (&before.verifiable_addresses, &after.verifiable_addresses);
    let same = old.len() == new.len() && new.iter().all(|a| has(before, a));
    if same {
        return vec![];
    }
    let told = |address: &&VerifiableAddress| match which {
        Recipients::Removed => !has(after, address),
        Recipients::AllVerified => address.verified,
        Recipients::All => true,
    };
    old.iter().filter(told).collect()
}
