//! `/admin/identities…`: make, read, change and delete (http-api.md §11). Here stands what all of them need, and what only
//! reads.
mod batch;
mod credentials;
mod list;
mod write;

pub use batch::batch;
pub use credentials::delete_credential;
pub use list::list;
pub use write::{create, delete, patch, put};

use crate::base::id::IdentityId;
use crate::base::terms::CredentialsType;
use crate::base::url::Params;
use crate::crypto::cipher::Cipher;
use crate::flow::{Cx, Fault, Refusal};
use crate::http::context::Call;
use crate::http::{error, respond};
use crate::identity::import;
use crate::identity::json::{self, Origin, Show};
use crate::identity::validate;
use crate::model::identity::{Identity, IdentityJson};
use crate::schema::IdentitySchema;
use crate::session;
use crate::store::Load;
use axum::response::Response;
use std::sync::Arc;

fn answer(call: &Call, result: Result<Response, Fault>) -> Response {
    result.unwrap_or_else(|fault| error::of_fault(fault, &call.cx.request.request_id))
}

/// `GET /admin/identities/{id}`
pub async fn get(call: Call) -> Response {
    let result = async {
        let cx = &call.cx;
        let found = match IdentityId::parse(call.param("id")) {
            Some(id) => cx.store().identities().find(id, Load::Credentials).await?,
            None => None,
        };
        one(cx, found)
    };
    let result = result.await;
    answer(&call, result)
}

/// `GET /admin/identities/by/external/{id}`: by the id that another system has given.
pub async fn get_by_external_id(call: Call) -> Response {
    let result = async {
        let cx = &call.cx;
        let id = call.param("id");
        let mut identities = cx.store().identities();
        let found = identities.by_external_id(id, Load::Credentials).await?;
        one(cx, found)
    };
    let result = result.await;
    answer(&call, result)
}

/// Who is not there is not there, whatever of them is asked for.
fn one(cx: &Cx, found: Option<Identity>) -> Result<Response, Fault> {
    let identity = found.ok_or_else(Refusal::no_row)?;
    let configs = included(&cx.request.query)?;
    let shown = shown(cx, &identity, Show::WithConfigOf(&configs), Origin::Stored);
    Ok(respond::json(200, &shown))
}

/// As administrators read it. What providers gave us is stored encrypted.
fn shown<'a>(cx: &Cx, identity: &'a Identity, show: Show<'_>, origin: Origin) -> IdentityJson<'a> {
    let cipher = Cipher::of(&cx.config);
    let open = |text: &str| {
        let opened = cipher.decrypt(text).ok()?;
        String::from_utf8(opened).ok()
    };
    json::admin(
        identity,
        cx.schema_url(&identity.schema_id),
        show,
        origin,
        &open,
    )
}

/// The kinds of credentials whose configuration is asked for.
fn included(query: &Params) -> Result<Vec<CredentialsType>, Fault> {
    let mut kinds = vec![];
    for (_, word) in query
        .iter()
        .filter(|(name, _)| *name == "include_credential")
    {
        match import::includable(word) {
            Some(kind) => kinds.extend(kind),
            None => {
                return Err(
                    Refusal::bad(format!("include_credential does not know {word:?}.")).into(),
                );
            }
        }
    }
    Ok(kinds)
}

/// The schema of that id; the sender's fault if there is none.
async fn schema(cx: &Cx, id: &str) -> Result<Arc<IdentitySchema>, Fault> {
    if cx.config.identity.schema(id).is_none() {
        return Err(Refusal::bad(format!("There is no identity schema {id:?}.")).into());
    }
    cx.schema(Some(id)).await
}

/// Checks the traits and puts in what follows from them.
fn check(cx: &Cx, identity: &mut Identity, schema: &IdentitySchema) -> Result<(), Fault> {
    let policy = session::policy(&cx.config);
    match validate::validate(identity, schema, &policy, cx.dice(), cx.now) {
        Ok(_) => Ok(()),
        Err(violations) => Err(Refusal::bad(validate::describe(&violations)).into()),
    }
}
