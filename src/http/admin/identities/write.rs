//! One identity made, replaced, patched or deleted (http-api.md §11.3, §11.5, §11.6, §11.8).
use super::{answer, check, schema, shown};
use crate::base::id::IdentityId;
use crate::crypto::hash::HasherParams;
use crate::flow::{Cx, Fault, Refusal};
use crate::http::admin::admin_address;
use crate::http::context::Call;
use crate::http::{body, respond};
use crate::identity::import::{self, ImportError, Imported};
use crate::identity::json::{Origin, Show};
use crate::identity::patch::{self, Patched};
use crate::model::identity::Identity;
use crate::store::{Error, Load};
use axum::http::header::{HeaderValue, LOCATION};
use axum::response::Response;
use serde_json::{Map, Value};

/// So often a change begins anew because somebody has moved the identity to another schema meanwhile.
const TRIES: usize = 5;

/// A body that makes no identity.
pub(super) fn refused(error: ImportError) -> Fault {
    match error {
        ImportError::Undecodable(text) => Refusal::unreadable(text).into(),
        ImportError::Invalid(text) => Refusal::bad(text).into(),
    }
}

/// The same where the body was read without looking at what stands where.
fn unfit(error: ImportError) -> Fault {
    let (ImportError::Undecodable(text) | ImportError::Invalid(text)) = error;
    Refusal::bad(text).into()
}

/// `POST /admin/identities`
pub async fn create(call: Call) -> Response {
    let result = make(&call.cx, &call.body).await;
    answer(&call, result)
}

async fn make(cx: &Cx, bytes: &[u8]) -> Result<Response, Fault> {
    let wanted: Option<Value> = body::json(bytes).map_err(Refusal::unreadable)?;
    let wanted = wanted.unwrap_or_else(|| Value::Object(Map::new()));
    let id = IdentityId::random(cx.dice());
    let default = &cx.config.identity.default_schema_id;
    let Imported {
        mut identity,
        password,
    } = import::create(&wanted, id, cx.store().nid(), default, cx.dice(), cx.now)
        .map_err(refused)?;
    let schema = schema(cx, &identity.schema_id).await?;
    if let Some(password) = password {
        let hash = hash(cx, password.expose()).await?;
        import::set_password(&mut identity, &hash, cx.dice(), cx.now);
    }
    check(cx, &mut identity, &schema)?;
    match cx.store().identities().insert(&identity, cx.dice()).await {
        Ok(()) => {}
        Err(Error::Conflict(_)) => {
            let reason = "Somebody else has one of these identifiers already.";
            return Err(Refusal::new(409, None, reason).into());
        }
        Err(error) => return Err(error.into()),
    }
    let mut shown = shown(cx, &identity, Show::WithConfigOf(&[]), Origin::Created);
    shown.region = import::region(&wanted);
    let mut response = respond::json(201, &shown);
    let location = admin_address(
        &cx.config.admin_url(),
        &format!("identities/{}", identity.id),
    );
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn hash(cx: &Cx, password: &str) -> Result<String, Fault> {
    let params = HasherParams::of(&cx.config);
    let hasher = &cx.services.hasher;
    Ok(hasher.hash(&params, password.as_bytes()).await?)
}

/// `PUT /admin/identities/{id}`
pub async fn put(call: Call) -> Response {
    let result = replace(&call).await;
    answer(&call, result)
}

async fn replace(call: &Call) -> Result<Response, Fault> {
    let cx = &call.cx;
    let mut wanted: Value = body::announced_json(&call.head, &call.body)?;
    import::check_replacement(&mut wanted).map_err(unfit)?;
    let known = known(call).await?;
    // Not while the identity is held.
    let hashed = match import::plain_password(&wanted) {
        Some(password) => Some(hash(cx, password).await?),
        None => None,
    };
    let identity = change(cx, known, |old| {
        let Imported { mut identity, .. } =
            import::replace(&wanted, old.clone(), cx.dice(), cx.now).map_err(unfit)?;
        if let Some(hashed) = &hashed {
            import::set_password(&mut identity, hashed, cx.dice(), cx.now);
        }
        Ok(identity)
    })
    .await?;
    Ok(changed(
        cx,
        &identity,
        Origin::Replaced,
        import::region(&wanted),
    ))
}

/// `PATCH /admin/identities/{id}`
pub async fn patch(call: Call) -> Response {
    let result = amend(&call).await;
    answer(&call, result)
}

async fn amend(call: &Call) -> Result<Response, Fault> {
    let cx = &call.cx;
    let known = known(call).await?;
    let wanted: Value = body::whole_json(&call.body).map_err(Refusal::bad)?;
    let patched = |old: &Identity| patch::apply(&wanted, old, cx.dice(), cx.now).map_err(unfit);
    let Patched { region, origin, .. } = patched(&known)?;
    let identity = change(cx, known, |old| Ok(patched(old)?.identity)).await?;
    Ok(changed(cx, &identity, origin, region.as_deref()))
}

/// The identity as it has become. The region is not kept, only said back.
fn changed(cx: &Cx, identity: &Identity, origin: Origin, region: Option<&str>) -> Response {
    let mut shown = shown(cx, identity, Show::WithConfigOf(&[]), origin);
    shown.region = region;
    respond::json(200, &shown)
}

/// The identity that the path names, with its credentials. What is no id is nobody's.
pub(super) async fn known(call: &Call) -> Result<Identity, Fault> {
    let found = match IdentityId::parse(call.param("id")) {
        Some(id) => {
            let mut identities = call.cx.store().identities();
            identities.find(id, Load::Credentials).await?
        }
        None => None,
    };
    Ok(found.ok_or_else(Refusal::no_row)?)
}

/// Changes an identity, after a first look at it: what `make` makes of what is stored at the moment of writing is checked
/// and stored as a whole.
pub(super) async fn change(
    cx: &Cx,
    mut known: Identity,
    make: impl Fn(&Identity) -> Result<Identity, Fault> + Send + Sync,
) -> Result<Identity, Fault> {
    for _ in 0..TRIES {
        let schema = schema(cx, &make(&known)?.schema_id).await?;
        let edited = cx.store().edit_identity(known.id, cx.dice(), |old| {
            let mut new = make(old)?;
            if new.schema_id != schema.id {
                return Err(Stop::OtherSchema);
            }
            check(cx, &mut new, &schema)?;
            Ok(new)
        });
        match edited.await {
            Ok(Some(identity)) => return Ok(identity),
            Ok(None) => return Err(Refusal::no_row().into()),
            Err(Stop::Fault(fault)) => return Err(fault),
            Err(Stop::OtherSchema) => {
                let mut identities = cx.store().identities();
                let found = identities.find(known.id, Load::Credentials).await?;
                known = found.ok_or_else(Refusal::no_row)?;
            }
        }
    }
    Err(Refusal::busy("The identity is being changed by many at once.").into())
}

/// Why a change was not written.
enum Stop {
    Fault(Fault),
    /// It has another schema than it had a moment ago.
    OtherSchema,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fault(error.into())
    }
}

/// `DELETE /admin/identities/{id}`: with all that hangs on it.
pub async fn delete(call: Call) -> Response {
    let result = async {
        let deleted = match IdentityId::parse(call.param("id")) {
            Some(id) => call.cx.store().identities().delete(id).await?,
            None => false,
        };
        if deleted {
            Ok(respond::empty(204))
        } else {
            Err(Refusal::no_row().into())
        }
    };
    let result = result.await;
    answer(&call, result)
}
