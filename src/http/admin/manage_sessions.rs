//! `POST /admin/sessions`: many sessions ended or deleted at once (http-api.md §10.6).
use crate::base::id::{IdentityId, SessionId};
use crate::flow::{Cx, Fault, Refusal};
use crate::http::body::{self, Object};
use crate::http::context::Call;
use crate::http::{error, respond};
use crate::store::{End, Which};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

/// Ids that one request may name.
const MOST: usize = 500;
/// Sessions that one request for all of them deals with.
const TURN: u32 = 5000;
const ALL: &str = "*";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    action: Option<String>,
    identities: Option<Vec<String>>,
    sessions: Option<Vec<String>>,
}

pub async fn manage(call: Call) -> Response {
    let result = manage_many(&call.cx, &call.body).await;
    result.unwrap_or_else(|fault| error::of_fault(fault, &call.cx.request.request_id))
}

async fn manage_many(cx: &Cx, bytes: &[u8]) -> Result<Response, Fault> {
    let wanted: Option<Object<Wanted>> = body::json(bytes).map_err(Refusal::bad)?;
    let wanted = wanted.map(|Object(wanted)| wanted).unwrap_or_default();
    let end = match wanted.action.as_deref() {
        Some("disable") => End::Revoke,
        Some("delete") => End::Delete,
        _ => return Err(Refusal::bad("action has to be disable or delete.").into()),
    };
    let identities = wanted.identities.unwrap_or_default();
    let sessions = wanted.sessions.unwrap_or_default();
    let which = match (identities.as_slice(), sessions.as_slice()) {
        ([all], []) if all == ALL => Which::All(TURN),
        ([_, ..], []) => Which::Of(parsed(&identities, IdentityId::parse)?),
        ([], [_, ..]) => Which::These(parsed(&sessions, SessionId::parse)?),
        _ => {
            let reason = "Either identities or sessions has to be a list that is not empty.";
            return Err(Refusal::bad(reason).into());
        }
    };
    let processed = cx.store().sessions().end(&which, end).await?;
    let more = which == Which::All(TURN) && processed >= u64::from(TURN);
    let told = json!({ "processed": processed, "more": more });
    Ok(respond::json(200, &told))
}

fn parsed<I>(list: &[String], parse: impl Fn(&str) -> Option<I>) -> Result<Vec<I>, Fault> {
    if list.len() > MOST {
        return Err(Refusal::bad(format!("At most {MOST} ids can be named.")).into());
    }
    let ids: Option<Vec<I>> = list.iter().map(|id| parse(id)).collect();
    ids.ok_or_else(|| {
        let reason = "Every id has to be a UUID; \"*\" stands alone, and only in identities.";
        Refusal::bad(reason).into()
    })
}
