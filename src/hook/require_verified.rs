//! `require_verified_address`: only who has proven one of their addresses is signed in; others are asked to (flows.md §10.2).
use super::{Event, Hook, Verdict};
use crate::base::terms::{FlowKind, Group, MethodId};
use crate::flow::{Answer, CookieChanges, Cx, Fault, Refusal};
use crate::method::begin_verification;
use crate::model::flow::ContinueWith;
use crate::text;
use async_trait::async_trait;
use serde_json::json;

pub(super) struct RequireVerified;

#[async_trait]
impl Hook for RequireVerified {
    async fn run(
        &self,
        cx: &Cx,
        event: &mut Event<'_>,
        cookies: &mut CookieChanges,
    ) -> Result<Verdict, Fault> {
        let Event::LoginAfter {
            flow,
            identity,
            session,
        } = event
        else {
            return Ok(Verdict::Next);
        };
        let legacy = cx.config.feature_flags.legacy_require_verified_login_error;
        if legacy && flow.active != Some(Group::Of(MethodId::Password)) {
            return Ok(Verdict::Next);
        }
        let addresses = &identity.verifiable_addresses;
        if addresses.is_empty() {
            let reason = "Only who has verified an address may sign in, but this account has no address that could be.";
            return Err(Refusal::misconfigured(reason).into());
        }
        if addresses.iter().any(|address| address.verified) {
            return Ok(Verdict::Next);
        }
        let place = addresses.iter().position(|a| !a.value.is_empty());
        begin_verification::method(cx)?;
        let Some(place) = place.filter(|_| !legacy) else {
            return Err(Fault::form(text::validation::address_unverified()));
        };
        let parts = flow.parts();
        let mut begun =
            begin_verification::begin(cx, &parts, (identity, place), Some(session), cookies)
                .await?;
        let page = cx.page(FlowKind::Verification, begun.id);
        begun.url = Some(page.clone());
        let next = ContinueWith::ShowVerificationUi(begun).json();
        let refusal = Refusal::address_not_verified()
            .detail("continue_with", json!([next]))
            .html_to(303, page);
        Ok(Verdict::Stop(Answer::Refused(Box::new(refusal))))
    }
}
