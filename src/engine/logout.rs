//! Signing out (flows.md §8).
use super::admit;
use crate::flow::cookies::SessionCookie;
use crate::flow::{CookieChanges, Cx, Fault, Refusal, return_to};
use crate::store::Load;
use subtle::ConstantTimeEq as _;

/// What a page needs to offer signing out.
pub struct Offer {
    pub url: String,
    pub token: String,
}

/// `GET /self-service/logout/browser`: the address that ends the browser's session.
pub async fn offer(cx: &Cx) -> Result<Offer, Fault> {
    let Some(visitor) = admit::visitor(cx, Load::Addresses).await? else {
        return Err(Refusal::session_inactive().into());
    };
    let return_to = match cx.request.query.text("return_to") {
        Some(wanted) => Some(return_to::checked(
            cx,
            wanted,
            cx.config.logout_return_url(),
        )?),
        None => None,
    };
    let token = visitor.session.logout_token;
    let mut query = vec![("token", token.as_str())];
    query.extend(return_to.as_deref().map(|r| ("return_to", r)));
    Ok(Offer {
        url: cx.public("/self-service/logout", &query),
        token: token.clone(),
    })
}

/// A browser that was signed out.
pub struct Done {
    /// Where it goes, or why the address that was asked for is none to go to. Either way nobody is signed in any more.
    pub then: Result<String, Fault>,
    pub cookies: CookieChanges,
    pub clear_browser_data: bool,
}

/// `GET /self-service/logout?token=`: ends the session that the token belongs to, if it is the caller's own.
pub async fn browser(cx: &Cx) -> Result<Done, Fault> {
    let Some(token) = cx.request.query.text("token") else {
        return Err(Refusal::bad("The query needs the token to sign out by: ?token=…").into());
    };
    let Some(visitor) = admit::visitor(cx, Load::Addresses).await? else {
        return Err(Refusal::session_inactive().into());
    };
    let session = visitor.session;
    if !bool::from(session.logout_token.as_bytes().ct_eq(token.as_bytes())) {
        return Err(Refusal::forbidden("This token signs out somebody else.").into());
    }
    cx.store().sessions().revoke(session.id).await?;
    let mut cookies = CookieChanges::of_session(SessionCookie::Clear);
    cookies.renew_csrf(cx.dice());
    let default = cx.config.logout_return_url();
    let then = match cx.request.query.text("return_to") {
        Some(wanted) => return_to::checked(cx, wanted, default),
        None => Ok(default.to_owned()),
    };
    let logout = &cx.config.selfservice.flows.logout;
    let clear_browser_data =
        logout.clear_browser_data && cx.config.public_url().starts_with("https://");
    Ok(Done {
        then,
        cookies,
        clear_browser_data,
    })
}

/// `DELETE /self-service/logout/api`: ends the session of that token, which an app has kept.
pub async fn native(cx: &Cx, token: &str) -> Result<(), Fault> {
    if cx.store().sessions().revoke_by_token(token).await? {
        return Ok(());
    }
    Err(Refusal::forbidden("There is no session by that token.").into())
}
