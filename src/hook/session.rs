//! `session`: whoever signs up is signed in. Without it there is a session that nobody gets to know.
use super::{Event, Hook, Verdict};
use crate::flow::{CookieChanges, Cx, Fault};
use async_trait::async_trait;

pub(super) struct SignIn;

#[async_trait]
impl Hook for SignIn {
    async fn run(
        &self,
        _: &Cx,
        event: &mut Event<'_>,
        _: &mut CookieChanges,
    ) -> Result<Verdict, Fault> {
        if let Event::RegistrationPostPersist { sign_in, .. } = event {
            **sign_in = true;
        }
        Ok(Verdict::Next)
    }
}
