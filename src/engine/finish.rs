//! What goes with a success: the session's cookie, the second step.
use crate::base::terms::Aal;
use crate::flow::cookies::SessionCookie;
use crate::flow::{CookieChanges, Cx};
use crate::model::session::Session;

/// Puts the session into the cookie. Somebody who was not signed in gets another anti-forgery token, too.
pub(super) fn issue(cx: &Cx, cookies: &mut CookieChanges, session: &Session, another: bool) {
    cookies.session = SessionCookie::Issue {
        token: session.token.clone(),
        expires_at: session.expires_at,
    };
    if another {
        cookies.renew_csrf(cx.dice());
    }
}

/// Where a second factor is asked for.
pub(super) fn step_up(cx: &Cx, return_to: Option<&str>) -> String {
    let mut query = vec![("aal", Aal::Two.word())];
    query.extend(return_to.map(|url| ("return_to", url)));
    cx.public("/self-service/login/browser", &query)
}
