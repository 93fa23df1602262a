//! What somebody wanted to do before they were sent to prove who they are, or to a provider. It waits in a row whose id
//! their browser keeps in a cookie (database.md §8.3).
use super::{CookieChanges, Cx, Fault, Refusal};
use crate::base::id::{ContainerId, IdentityId};
use crate::store::Container;
use serde_json::Value;
use time::Duration;

/// How long a change of settings waits.
const PATIENCE: Duration = Duration::minutes(15);

/// Keeps the payload for this person, under that name.
pub async fn put_aside(
    cx: &Cx,
    cookies: &mut CookieChanges,
    name: &str,
    owner: IdentityId,
    payload: Value,
) -> Result<(), Fault> {
    let until = cx.now + PATIENCE;
    let container = Container {
        id: ContainerId::random(cx.dice()),
        name: name.to_owned(),
        identity: Some(owner),
        payload: Some(payload),
        expires_at: until.replace_nanosecond(0).unwrap_or(until),
        created_at: cx.now,
    };
    cx.store().continuity().insert(&container).await?;
    let mut waiting = others(cx, cookies, name);
    waiting.push((name.to_owned(), container.id));
    cookies.waiting = Some(waiting);
    Ok(())
}

/// Takes it up again, once. Nothing: there is none, it is too old, or somebody was faster.
///
/// # Errors
/// 403: it is somebody else's. It stays.
pub async fn take_up(
    cx: &Cx,
    cookies: &mut CookieChanges,
    name: &str,
    owner: IdentityId,
) -> Result<Option<Value>, Fault> {
    let Some(id) = waiting(cx, cookies, name) else {
        return Ok(None);
    };
    let found = cx.store().continuity().find(id).await?;
    let found = found.filter(|c| c.name == name && c.expires_at > cx.now);
    let Some(container) = found else {
        cookies.waiting = Some(others(cx, cookies, name));
        return Ok(None);
    };
    if container.identity.is_some_and(|of| of != owner) {
        return Err(Refusal::forbidden("What waits here was begun by somebody else.").into());
    }
    cookies.waiting = Some(others(cx, cookies, name));
    let mine = cx.store().continuity().delete(id).await?;
    Ok(container.payload.filter(|_| mine))
}

/// It is not wanted any more.
pub async fn forget(cx: &Cx, cookies: &mut CookieChanges, name: &str) -> Result<(), Fault> {
    if let Some(id) = waiting(cx, cookies, name) {
        cx.store().continuity().delete(id).await?;
        cookies.waiting = Some(others(cx, cookies, name));
    }
    Ok(())
}

fn waiting(cx: &Cx, cookies: &CookieChanges, name: &str) -> Option<ContainerId> {
    let known = cookies.waiting.as_ref().unwrap_or(&cx.request.waiting);
    known.iter().find(|(n, _)| n == name).map(|(_, id)| *id)
}

fn others(cx: &Cx, cookies: &CookieChanges, name: &str) -> Vec<(String, ContainerId)> {
    let known = cookies.waiting.as_ref().unwrap_or(&cx.request.waiting);
    known.iter().filter(|(n, _)| n != name).cloned().collect()
}
