//! The cookies that go with an answer.
use crate::base::id::ContainerId;
use crate::base::random::Random;
use crate::crypto::csrf::CsrfToken;
use time::OffsetDateTime;

#[derive(Default)]
pub struct CookieChanges {
    csrf: Option<CsrfToken>,
    pub session: SessionCookie,
    /// What waits for this browser, by name, if that has changed.
    pub waiting: Option<Vec<(String, ContainerId)>>,
}

#[derive(Default)]
pub enum SessionCookie {
    #[default]
    Keep,
    Issue {
        token: String,
        expires_at: OffsetDateTime,
    },
    Clear,
}

impl CookieChanges {
    /// Only the session's cookie changes.
    #[must_use]
    pub fn of_session(session: SessionCookie) -> Self {
        Self {
            session,
            ..Self::default()
        }
    }
    /// A new anti-forgery token, at most once per answer, so that forms made on the way agree with the cookie.
    pub fn renew_csrf(&mut self, dice: &dyn Random) -> &CsrfToken {
        self.csrf.get_or_insert_with(|| CsrfToken::random(dice))
    }
    #[must_use]
    pub fn new_csrf(&self) -> Option<&CsrfToken> {
        self.csrf.as_ref()
    }
}
