//! `/admin/sessions…` and the sessions of an identity (http-api.md §10.4, §10.5).
use super::{boolean, page_size, write_links};
use crate::base::id::{IdentityId, SessionId};
use crate::base::time::{date_and_time, parse_rfc3339};
use crate::flow::{Cx, Fault, Refusal};
use crate::http::context::Call;
use crate::http::page::{Keys, Page};
use crate::http::{error, reply, respond};
use crate::model::identity::Identity;
use crate::model::session::Session;
use crate::session;
use crate::store::{Load, SessionCursor};
use axum::response::Response;
use data_encoding::BASE64_NOPAD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

/// Later than any session, so that a list begins with the newest.
const LATEST: OffsetDateTime = datetime!(2200-12-31 23:59:59 UTC);

/// What of a session is shown besides itself.
#[derive(Clone, Copy, Default)]
struct Expand {
    identity: bool,
    devices: bool,
}

impl Expand {
    fn read(cx: &Cx) -> Result<Self, Fault> {
        let mut expand = Self::default();
        for (_, value) in cx
            .request
            .query
            .iter()
            .filter(|(name, _)| *name == "expand")
        {
            match value.to_ascii_lowercase().as_str() {
                "identity" => expand.identity = true,
                "devices" => expand.devices = true,
                _ => {
                    return Err(Refusal::bad(format!(
                        "expand knows identity and devices, not {value:?}."
                    ))
                    .into());
                }
            }
        }
        Ok(expand)
    }
}

/// As administrators read it: with admin metadata, the identity last.
fn shown(
    cx: &Cx,
    session: &Session,
    owner: Option<(&Identity, &str)>,
    devices: bool,
) -> Map<String, Value> {
    let mut out = session.json(cx.now, owner);
    out.remove("identity");
    if !devices {
        out.insert("devices".into(), Value::Null);
    }
    let identity = owner.map(|(owner, url)| {
        let mut identity = owner.json(url);
        identity.insert(
            "metadata_admin".into(),
            owner.metadata_admin.clone().unwrap_or(Value::Null),
        );
        identity
    });
    out.insert(
        "identity".into(),
        identity.map_or(Value::Null, Value::Object),
    );
    out
}

fn session_id(call: &Call) -> Result<SessionId, Fault> {
    let id = SessionId::parse(call.param("id"));
    id.ok_or_else(|| Refusal::unreadable("The id of a session has to be a UUID.").into())
}

fn identity_id(call: &Call) -> Result<IdentityId, Fault> {
    let id = IdentityId::parse(call.param("id"));
    id.ok_or_else(|| Refusal::unreadable("The id of an identity has to be a UUID.").into())
}

fn answer(call: &Call, result: Result<Response, Fault>) -> Response {
    result.unwrap_or_else(|fault| error::of_fault(fault, &call.cx.request.request_id))
}

/// `GET /admin/sessions`
pub async fn list(call: Call) -> Response {
    let result = all(&call.cx).await;
    answer(&call, result)
}

async fn all(cx: &Cx) -> Result<Response, Fault> {
    let query = &cx.request.query;
    let active = boolean(query, "active")?;
    let expand = Expand::read(cx)?;
    let size = page_size(query, 250, 1000).map_err(Refusal::unreadable)?;
    let from = match query.text("page_token") {
        None => first_position(),
        Some(token) => {
            position(token).ok_or_else(|| Refusal::bad("The page_token cannot be read."))?
        }
    };
    let active = active.map(|active| (active, cx.now));
    let mut page = cx
        .store()
        .sessions()
        .list(active, Some(from), size + 1)
        .await?;
    let more = page.len() > size as usize;
    page.truncate(size as usize);
    for (_, owner) in &mut page {
        // Only the session alone comes with them.
        owner.verifiable_addresses.clear();
        owner.recovery_addresses.clear();
    }
    let list: Vec<_> = page
        .iter()
        .map(|(session, owner)| {
            let url = cx.schema_url(&owner.schema_id);
            shown(
                cx,
                session,
                expand.identity.then_some((owner, url.as_str())),
                expand.devices,
            )
        })
        .collect();
    let next = page.last().filter(|_| more).map(|(s, _)| {
        token(SessionCursor {
            created_at: s.created_at,
            id: s.id,
        })
    });
    let mut response = respond::json(200, &list);
    let first = token(first_position());
    write_links(
        &mut response,
        "/admin/sessions",
        query,
        size,
        &first,
        next.as_deref(),
    );
    Ok(response)
}

/// Unpadded base64 of `created_at=2026-07-01 12:00:00.5/id=…`, in any order; the time is in UTC.
fn position(token: &str) -> Option<SessionCursor> {
    let text = String::from_utf8(BASE64_NOPAD.decode(token.as_bytes()).ok()?).ok()?;
    let part = |name: &str| {
        text.split('/')
            .find_map(|p| p.strip_prefix(name)?.strip_prefix('='))
    };
    Some(SessionCursor {
        created_at: parse_rfc3339(&format!("{}Z", part("created_at")?.replacen(' ', "T", 1)))?,
        id: SessionId::parse(part("id")?)?,
    })
}

fn first_position() -> SessionCursor {
    SessionCursor {
        created_at: LATEST,
        id: SessionId(Uuid::nil()),
    }
}

fn token(at: SessionCursor) -> String {
    let created_at = date_and_time(at.created_at, ' ');
    BASE64_NOPAD.encode(format!("created_at={created_at}/id={}", at.id).as_bytes())
}

/// `GET /admin/sessions/{id}`
pub async fn get(call: Call) -> Response {
    let result = async {
        let id = session_id(&call)?;
        let expand = Expand::read(&call.cx)?;
        let (session, owner) = call
            .cx
            .store()
            .sessions()
            .find(id, Load::Addresses)
            .await?
            .ok_or_else(Refusal::no_row)?;
        let url = call.cx.schema_url(&owner.schema_id);
        let owner = expand.identity.then_some((&owner, url.as_str()));
        let mut shown = shown(&call.cx, &session, owner, expand.devices);
        if !expand.devices {
            shown.insert("devices".into(), json!([]));
        }
        Ok(respond::json(200, &shown))
    };
    let result = result.await;
    answer(&call, result)
}

/// `DELETE /admin/sessions/{id}`: ends it; the row stays.
pub async fn disable(call: Call) -> Response {
    let result = async {
        let id = session_id(&call)?;
        if call.cx.store().sessions().revoke(id).await? {
            Ok(respond::no_json())
        } else {
            Err(Refusal::no_row().into())
        }
    };
    let result = result.await;
    answer(&call, result)
}

/// `PATCH /admin/sessions/{id}/extend`
pub async fn extend(call: Call) -> Response {
    let result = async {
        let cx = &call.cx;
        let id = session_id(&call)?;
        let (mut session, owner) = cx
            .store()
            .sessions()
            .find(id, Load::Addresses)
            .await?
            .ok_or_else(Refusal::no_row)?;
        if session::extend(&cx.config, cx.now, &mut session) {
            cx.store().sessions().extend(id, session.expires_at).await?;
        }
        if cx.config.feature_flags.faster_session_extend {
            return Ok(respond::empty(204));
        }
        session.devices.clear();
        Ok(respond::json(
            200,
            &reply::session(cx, &session, Some(&owner)),
        ))
    };
    let result = result.await;
    answer(&call, result)
}

/// `GET /admin/identities/{id}/sessions`
pub async fn of_identity(call: Call) -> Response {
    let result = async {
        let cx = &call.cx;
        let id = identity_id(&call)?;
        let active = boolean(&cx.request.query, "active")?.map(|active| (active, cx.now));
        let page = Page::read(&cx.request.query);
        let Some(mut owner) = cx.store().identities().find(id, Load::Addresses).await? else {
            let mut response = respond::json(200, &Vec::<Value>::new());
            page.write(&mut response, &call.head.uri, Keys::All, 0);
            return Ok(response);
        };
        owner.verifiable_addresses.clear();
        owner.recovery_addresses.clear();
        let (sessions, total) = cx
            .store()
            .sessions()
            .of(id, active, None, page.behind_one())
            .await?;
        let list: Vec<_> = sessions
            .iter()
            .map(|s| shown(cx, s, Some((&owner, "")), true))
            .collect();
        let mut response = respond::json(200, &list);
        page.write(&mut response, &call.head.uri, Keys::All, total);
        Ok(response)
    };
    let result = result.await;
    answer(&call, result)
}

/// `DELETE /admin/identities/{id}/sessions`: takes the rows away.
pub async fn delete_of_identity(call: Call) -> Response {
    let result = async {
        let id = identity_id(&call)?;
        if call.cx.store().sessions().delete_of(id).await? == 0 {
            return Err(Refusal::no_row().into());
        }
        Ok(respond::empty(204))
    };
    let result = result.await;
    answer(&call, result)
}
