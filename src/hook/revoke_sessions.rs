//! `revoke_active_sessions`: ends all sessions of the person but the one at hand. A session that is only being
//! made is not stored yet, so a fresh sign-in ends all that are.
use super::{Event, Hook, Verdict};
use crate::flow::{CookieChanges, Cx, Fault};
use async_trait::async_trait;

pub(super) struct RevokeSessions;

#[async_trait]
impl Hook for RevokeSessions {
    async fn run(
        &self,
        cx: &Cx,
        event: &mut Event<'_>,
        _: &mut CookieChanges,
    ) -> Result<Verdict, Fault> {
        if let Some(session) = event.session() {
            cx.store()
                .sessions()
                .revoke_others(session.identity_id, Some(session.id))
                .await?;
        }
        Ok(Verdict::Next)
    }
}
