//! `show_verification_ui`: tells the client of the verification that `verification` has begun, and leads browsers there.
use super::{Event, Hook, Verdict};
use crate::base::terms::FlowKind;
use crate::flow::{CookieChanges, Cx, Fault};
use crate::model::flow::{ContinueWith, VerificationRef};
use async_trait::async_trait;

pub(super) struct ShowVerificationUi;

#[async_trait]
impl Hook for ShowVerificationUi {
    async fn run(
        &self,
        cx: &Cx,
        event: &mut Event<'_>,
        _: &mut CookieChanges,
    ) -> Result<Verdict, Fault> {
        let Some((parts, ..)) = event.person() else {
            return Ok(Verdict::Next);
        };
        let known = parts.memory.verification.clone();
        let Some(begun) = known.or_else(|| last_shown(&parts.passing.continue_with)) else {
            tracing::warn!("there is no verification to be shown: is it switched on?");
            return Ok(Verdict::Next);
        };
        if cx.request.is_browser {
            parts.passing.detour = Some(cx.page(FlowKind::Verification, begun.id));
        }
        let shown = ContinueWith::ShowVerificationUi(begun);
        parts.passing.continue_with.push(shown);
        Ok(Verdict::Next)
    }
}

/// One that another hook has shown already.
fn last_shown(items: &[ContinueWith]) -> Option<VerificationRef> {
    items.iter().rev().find_map(|item| match item {
        ContinueWith::ShowVerificationUi(begun) => Some(begun.clone()),
        _ => None,
    })
}
