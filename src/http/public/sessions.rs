//! `/sessions…`: who am I, and where else am I signed in (http-api.md §10.1, §10.2).
use crate::base::id::SessionId;
use crate::engine::admit::{self, Visitor};
use crate::flow::cookies::{CookieChanges, SessionCookie};
use crate::flow::cx::SentCookie;
use crate::flow::{Cx, Fault, Refusal};
use crate::http::context::Call;
use crate::http::page::{Keys, Page};
use crate::http::{cookies, error, respond};
use crate::store::Load;
use axum::http::header::{HeaderName, HeaderValue};
use axum::response::Response;
use serde_json::{Value, json};

const IDENTITY: HeaderName = HeaderName::from_static("x-kratos-authenticated-identity-id");
const CACHE_FOR: HeaderName = HeaderName::from_static("ory-session-cache-for");
/// How long "nobody is signed in" may be kept where nothing was sent that could say otherwise, in seconds.
const CACHE_NOBODY: i64 = 60;

/// `/sessions/whoami`, by any method.
pub async fn whoami(call: Call) -> Response {
    let cx = &call.cx;
    match who(cx).await {
        Ok(visitor) => answer(cx, &visitor),
        Err(fault) => {
            let mut response = error::of_fault(fault, &cx.request.request_id);
            let nothing_sent =
                cx.request.session_token.is_none() && cx.request.session_cookie == SentCookie::None;
            if cx.config.feature_flags.cacheable_sessions
                && nothing_sent
                && response.status() == 401
            {
                response
                    .headers_mut()
                    .insert(CACHE_FOR, CACHE_NOBODY.into());
            }
            response
        }
    }
}

async fn who(cx: &Cx) -> Result<Visitor, Fault> {
    let nobody = || Refusal::unauthorized("The request has no session that counts.");
    let visitor = admit::visitor(cx, admit::enough_for_aal(cx))
        .await?
        .ok_or_else(nobody)?;
    // A cookie that cannot be read cannot be renewed either.
    if cx.request.session_cookie == SentCookie::Unreadable {
        return Err(nobody().into());
    }
    if let Some(template) = cx.request.query.text("tokenize_as") {
        return Err(Refusal::bad(format!(
            "There is no template {template:?} for session tokens."
        ))
        .into());
    }
    check_aal(cx, &visitor)?;
    Ok(visitor)
}

fn check_aal(cx: &Cx, visitor: &Visitor) -> Result<(), Fault> {
    if admit::satisfies(
        cx,
        cx.config.session.whoami.required_aal,
        &visitor.session,
        &visitor.identity,
    ) {
        return Ok(());
    }
    Err(Refusal::aal2_required(cx.public("/self-service/login/browser", &[("aal", "aal2")])).into())
}

fn answer(cx: &Cx, visitor: &Visitor) -> Response {
    let Visitor { session, identity } = visitor;
    let schema_url = cx.schema_url(&identity.schema_id);
    let shown = session.public(cx.now, Some((identity, schema_url.as_str())));
    let mut response = respond::json(200, &shown);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&identity.id.to_string()) {
        headers.insert(IDENTITY, id);
    }
    if cx.config.feature_flags.cacheable_sessions {
        let left = (session.expires_at - cx.now).whole_seconds();
        let most = cx
            .config
            .feature_flags
            .cacheable_sessions_max_age
            .map(time::Duration::whole_seconds);
        let seconds = most
            .filter(|most| *most > 0)
            .map_or(left, |most| left.min(most));
        headers.insert(CACHE_FOR, seconds.into());
    }
    // The session was extended since the cookie was written.
    if let SentCookie::Readable { expires_at, .. } = &cx.request.session_cookie
        && expires_at.is_none_or(|at| at < session.expires_at)
    {
        let issue = SessionCookie::Issue {
            token: session.token.clone(),
            expires_at: session.expires_at,
        };
        cookies::write(cx, &CookieChanges::of_session(issue), headers);
    }
    response
}

/// `GET /sessions`: the other live sessions, newest first.
pub async fn list(call: Call) -> Response {
    let cx = &call.cx;
    let page = Page::read(&cx.request.query);
    match others(cx, page).await {
        Ok((list, total)) => {
            let mut response = respond::json(200, &list);
            page.write(&mut response, &call.head.uri, Keys::All, total);
            response
        }
        Err(fault) => error::of_fault(fault, &cx.request.request_id),
    }
}

async fn signed_in(cx: &Cx, load: Load) -> Result<Visitor, Fault> {
    let visitor = admit::visitor(cx, load).await?;
    visitor.ok_or_else(|| Refusal::unauthorized("Nobody is signed in.").into())
}

async fn others(cx: &Cx, page: Page) -> Result<(Value, u64), Fault> {
    let visitor = signed_in(cx, admit::enough_for_aal(cx)).await?;
    check_aal(cx, &visitor)?;
    let (live, except) = (Some((true, cx.now)), Some(visitor.session.id));
    let (sessions, total) = cx
        .store()
        .sessions()
        .of(visitor.identity.id, live, except, page.behind_one())
        .await?;
    let mut bare = visitor.identity;
    bare.verifiable_addresses.clear();
    bare.recovery_addresses.clear();
    let list = sessions
        .iter()
        .map(|s| Value::from(s.json(cx.now, Some((&bare, "")))))
        .collect();
    Ok((list, total))
}

/// `DELETE /sessions`: ends all others.
pub async fn revoke_others(call: Call) -> Response {
    let result = async {
        let visitor = signed_in(&call.cx, Load::Addresses).await?;
        Ok::<_, Fault>(
            call.cx
                .store()
                .sessions()
                .revoke_others(visitor.identity.id, Some(visitor.session.id))
                .await?,
        )
    };
    match result.await {
        Ok(count) => respond::json(200, &json!({ "count": count })),
        Err(fault) => error::of_fault(fault, &call.cx.request.request_id),
    }
}

/// `DELETE /sessions/{id}`: ends one of the others. Whose it is and whether it exists is not told.
pub async fn revoke(call: Call) -> Response {
    let result = async {
        let visitor = signed_in(&call.cx, Load::Addresses).await?;
        let id = SessionId::parse(call.param("id"))
            .ok_or_else(|| Refusal::unreadable("The id of a session has to be a UUID."))?;
        if id == visitor.session.id {
            return Err(Refusal::unreadable("The session at hand is ended by signing out.").into());
        }
        call.cx
            .store()
            .sessions()
            .revoke_of(visitor.identity.id, id)
            .await?;
        Ok::<_, Fault>(())
    };
    match result.await {
        Ok(()) => respond::no_json(),
        Err(fault) => error::of_fault(fault, &call.cx.request.request_id),
    }
}
