//! `PATCH /admin/identities`: up to a thousand new identities by one request (http-api.md §11.7). Each is stored as a whole
//! or not at all, whatever becomes of the others.
use super::write::refused;
use super::{answer, check, schema};
use crate::base::id::IdentityId;
use crate::base::secret::Secret;
use crate::crypto::hash::HasherParams;
use crate::crypto::hash::pool::{PoolError, cores};
use crate::flow::{Cx, Fault, Refusal};
use crate::http::body::{self, Object};
use crate::http::context::Call;
use crate::http::{error, respond};
use crate::identity::import::{self, Imported};
use crate::model::identity::Identity;
use crate::schema::IdentitySchema;
use crate::store;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

const MOST: usize = 1000;
/// Each of them takes as long as a login.
const MOST_PLAIN_PASSWORDS: usize = 200;
/// After so many others are let through.
const TURN: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    identities: Option<Vec<Object<Item>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    #[serde(default)]
    create: Option<Value>,
    #[serde(default)]
    patch_id: Option<Uuid>,
}

/// What becomes of an entry that wants something.
struct Outcome {
    patch_id: Option<Uuid>,
    result: Result<Identity, Refusal>,
}

pub async fn batch(call: Call) -> Response {
    let result = make(&call.cx, &call.body).await;
    answer(&call, result)
}

async fn make(cx: &Cx, bytes: &[u8]) -> Result<Response, Fault> {
    let wanted: Option<Object<Wanted>> = body::json(bytes).map_err(Refusal::unreadable)?;
    let items = wanted
        .and_then(|Object(w)| w.identities)
        .unwrap_or_default();
    let items: Vec<Item> = items.into_iter().map(|Object(item)| item).collect();
    if items.len() > MOST {
        let reason = format!("At most {MOST} identities can be made by one request.");
        return Err(Refusal::bad(reason).into());
    }
    let plain = items.iter().filter_map(|item| item.create.as_ref());
    if plain
        .filter(|body| import::plain_password(body).is_some())
        .count()
        > MOST_PLAIN_PASSWORDS
    {
        let reason = format!(
            "At most {MOST_PLAIN_PASSWORDS} identities with a password in clear can be made by one request."
        );
        return Err(Refusal::bad(reason).into());
    }
    let mut outcomes = imported(cx, items).await?;
    checked(cx, &mut outcomes).await?;
    stored(cx, &mut outcomes).await?;
    let list: Vec<Value> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().map_or(Value::Null, told))
        .collect();
    Ok(respond::json(
        200,
        &Map::from_iter([("identities".to_owned(), list.into())]),
    ))
}

/// Reads all entries, and hashes passwords. One that cannot be read fails all.
async fn imported(cx: &Cx, items: Vec<Item>) -> Result<Vec<Option<Outcome>>, Fault> {
    let default = &cx.config.identity.default_schema_id;
    let mut passwords = vec![];
    let mut outcomes = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        let Some(body) = item.create else {
            outcomes.push(None);
            continue;
        };
        let id = IdentityId::random(cx.dice());
        let nid = cx.store().nid();
        let Imported { identity, password } =
            import::create(&body, id, nid, default, cx.dice(), cx.now).map_err(refused)?;
        passwords.extend(password.map(|password| (at, password)));
        outcomes.push(Some(Outcome {
            patch_id: item.patch_id,
            result: Ok(identity),
        }));
    }
    for (at, hash) in hashes(cx, passwords).await? {
        if let Some(Some(Outcome {
            result: Ok(identity),
            ..
        })) = outcomes.get_mut(at)
        {
            import::set_password(identity, &hash, cx.dice(), cx.now);
        }
    }
    Ok(outcomes)
}

/// As many at a time as there are cores, so that there is room in the queue for those who sign in.
async fn hashes(
    cx: &Cx,
    passwords: Vec<(usize, Secret<String>)>,
) -> Result<Vec<(usize, String)>, Fault> {
    let params = HasherParams::of(&cx.config);
    let mut running: JoinSet<Result<(usize, String), PoolError>> = JoinSet::new();
    let mut out = Vec::with_capacity(passwords.len());
    for (at, password) in passwords {
        if running.len() >= cores().max(1)
            && let Some(hashed) = running.join_next().await
        {
            out.push(hashed.map_err(anyhow::Error::from)??);
        }
        let services = Arc::clone(&cx.services);
        running.spawn(async move {
            let password = password.expose().as_bytes();
            Ok((at, services.hasher.hash(&params, password).await?))
        });
    }
    while let Some(hashed) = running.join_next().await {
        out.push(hashed.map_err(anyhow::Error::from)??);
    }
    Ok(out)
}

/// Checks every identity against its schema.
async fn checked(cx: &Cx, outcomes: &mut [Option<Outcome>]) -> Result<(), Fault> {
    let mut schemas: HashMap<String, Arc<IdentitySchema>> = HashMap::new();
    for (at, outcome) in outcomes.iter_mut().flatten().enumerate() {
        if at % TURN == TURN - 1 {
            tokio::task::yield_now().await;
        }
        let Ok(identity) = &mut outcome.result else {
            continue;
        };
        let found = match schemas.get(&identity.schema_id) {
            Some(found) => Ok(Arc::clone(found)),
            None => schema(cx, &identity.schema_id).await,
        };
        let checked = match found {
            Ok(schema) => {
                let checked = check(cx, identity, &schema);
                schemas.insert(identity.schema_id.clone(), schema);
                checked
            }
            Err(fault) => Err(fault),
        };
        if let Err(fault) = checked {
            outcome.result = Err(of_one(fault)?);
        }
    }
    Ok(())
}

/// What is wrong with one entry only.
fn of_one(fault: Fault) -> Result<Refusal, Fault> {
    let refusal = error::refusal(fault);
    if refusal.status < 500 {
        Ok(refusal)
    } else {
        Err(refusal.into())
    }
}

async fn stored(cx: &Cx, outcomes: &mut [Option<Outcome>]) -> Result<(), Fault> {
    let mut good: Vec<&mut Outcome> = outcomes
        .iter_mut()
        .flatten()
        .filter(|outcome| outcome.result.is_ok())
        .collect();
    let identities: Vec<&Identity> = good.iter().flat_map(|o| o.result.as_ref()).collect();
    let failed = cx.store().insert_identities(&identities, cx.dice()).await?;
    for (at, error) in failed {
        if let Some(outcome) = good.get_mut(at) {
            outcome.result = Err(of_one(store::Error::into(error))?);
        }
    }
    Ok(())
}

fn told(outcome: &Outcome) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    let patch_id = outcome.patch_id.map(|id| id.to_string());
    match &outcome.result {
        Ok(identity) => {
            put("action", "create".into());
            put("identity", identity.id.to_string().into());
            patch_id.map(|id| put("patch_id", id.into()));
        }
        Err(refusal) => {
            put("action", "error".into());
            patch_id.map(|id| put("patch_id", id.into()));
            put("error", refusal.json("")["error"].take());
        }
    }
    out.into()
}
