//! `/admin/identities…`: make, read, list and delete (http-api.md §11).
use super::{admin_address, page_size, write_links};
use crate::base::id::IdentityId;
use crate::base::terms::CredentialsType;
use crate::base::url::Params;
use crate::crypto::cipher::Cipher;
use crate::crypto::hash::HasherParams;
use crate::flow::{Cx, Fault, Refusal};
use crate::http::context::Call;
use crate::http::page::{Keys, Page};
use crate::http::{body, error, respond};
use crate::identity::import::{self, ImportError, Imported};
use crate::identity::json::{self, Show};
use crate::identity::validate;
use crate::model::identifier;
use crate::model::identity::Identity;
use crate::session;
use crate::store::{Error, Filter, Load, Slice};
use axum::http::Uri;
use axum::http::header::{HeaderValue, LOCATION};
use axum::response::Response;
use serde_json::{Map, Value};
use uuid::Uuid;

const LARGEST_PAGE: u32 = 500;
const DEFAULT_PAGE: u32 = 250;

fn answer(call: &Call, result: Result<Response, Fault>) -> Response {
    result.unwrap_or_else(|fault| error::of_fault(fault, &call.cx.request.request_id))
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
    if cx.config.identity.schema(&identity.schema_id).is_none() {
        let asked = &identity.schema_id;
        return Err(Refusal::bad(format!("There is no identity schema {asked:?}.")).into());
    }
    let schema = cx.schema(Some(&identity.schema_id)).await?;
    if let Some(password) = password {
        let params = HasherParams::of(&cx.config);
        let hashed = cx
            .services
            .hasher
            .hash(&params, password.expose().as_bytes())
            .await?;
        import::set_password(&mut identity, &hashed, cx.dice(), cx.now);
    }
    let policy = session::policy(&cx.config);
    validate::validate(&mut identity, &schema, &policy, cx.dice(), cx.now)
        .map_err(|violations| Refusal::bad(validate::describe(&violations)))?;
    match cx.store().identities().insert(&identity, cx.dice()).await {
        Ok(()) => {}
        Err(Error::Conflict(_)) => {
            let reason = "Somebody else has one of these identifiers already.";
            return Err(Refusal::new(409, None, reason).into());
        }
        Err(error) => return Err(error.into()),
    }
    let mut response = respond::json(201, &shown(cx, &identity, Show::WithConfigOf(&[]), true));
    let location = admin_address(
        &cx.config.admin_url(),
        &format!("identities/{}", identity.id),
    );
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `GET /admin/identities/{id}`
pub async fn get(call: Call) -> Response {
    let result = async {
        let cx = &call.cx;
        let configs = included(&cx.request.query)?;
        let found = match IdentityId::parse(call.param("id")) {
            Some(id) => cx.store().identities().find(id, Load::Credentials).await?,
            None => None,
        };
        let identity = found.ok_or_else(Refusal::no_row)?;
        Ok(respond::json(
            200,
            &shown(cx, &identity, Show::WithConfigOf(&configs), false),
        ))
    };
    let result = result.await;
    answer(&call, result)
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

/// As administrators read it. What providers gave us is stored encrypted.
fn shown(cx: &Cx, identity: &Identity, show: Show<'_>, fresh: bool) -> Map<String, Value> {
    let cipher = Cipher::of(&cx.config);
    let open = |text: &str| {
        let opened = cipher.decrypt(text).ok()?;
        String::from_utf8(opened).ok()
    };
    json::admin(
        identity,
        &cx.schema_url(&identity.schema_id),
        show,
        fresh,
        &open,
    )
}

/// A body that makes no identity.
fn refused(error: ImportError) -> Fault {
    match error {
        ImportError::Undecodable(text) => Refusal::unreadable(text).into(),
        ImportError::Invalid(text) => Refusal::bad(text).into(),
    }
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

/// `GET /admin/identities`
pub async fn list(call: Call) -> Response {
    let result = all(&call.cx, &call.head.uri).await;
    answer(&call, result)
}

async fn all(cx: &Cx, uri: &Uri) -> Result<Response, Fault> {
    let query = &cx.request.query;
    let configs = included(query)?;
    let find = wanted(query)?;
    let with_credentials = !configs.is_empty()
        || matches!(
            find,
            Filter::Identifier { .. } | Filter::IdentifierPrefix { .. }
        );
    let load = if with_credentials {
        Load::Credentials
    } else {
        Load::Addresses
    };
    let show = if with_credentials {
        Show::WithConfigOf(&configs)
    } else {
        Show::Nothing
    };
    let shown = |identity: &Identity| shown(cx, identity, show, false);
    if query.has("page") && !query.has("page_token") && !query.has("page_size") {
        let page = Page::numbered(query, LARGEST_PAGE.into());
        let (Ok(offset @ ..=1000), Ok(limit)) =
            (u32::try_from(page.offset()), u32::try_from(page.size))
        else {
            return Err(
                Refusal::bad("Beyond a thousand entries a list is read by page_token.").into(),
            );
        };
        let slice = Slice::Page { offset, limit };
        let found = cx.store().identities().list(&find, slice, load).await?;
        let total = match find {
            Filter::Identifier { .. } => found.len() as u64,
            _ => cx.store().identities().count().await?,
        };
        let mut response = respond::json(200, &found.iter().map(shown).collect::<Vec<_>>());
        page.write(&mut response, uri, Keys::Numbers, total);
        return Ok(response);
    }
    let mut query = query.clone();
    if !query.has("page_token") && !query.has("page_size") {
        query.rename("per_page", "page_size");
    }
    let size = page_size(&query, DEFAULT_PAGE, LARGEST_PAGE).map_err(Refusal::bad)?;
    let after = match query.text("page_token") {
        None => Uuid::nil(),
        Some(token) => {
            Uuid::parse_str(token).map_err(|_| Refusal::bad("The page_token cannot be read."))?
        }
    };
    let slice = Slice::After(IdentityId(after), size + 1);
    let mut found = cx.store().identities().list(&find, slice, load).await?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| last.id.to_string());
    let mut response = respond::json(200, &found.iter().map(shown).collect::<Vec<_>>());
    write_links(
        &mut response,
        uri.path(),
        &query,
        size,
        &Uuid::nil().to_string(),
        next.as_deref(),
    );
    Ok(response)
}

/// At most one of the filters.
fn wanted(query: &Params) -> Result<Filter, Fault> {
    let mut finds = vec![];
    let ids: Vec<&str> = query
        .iter()
        .filter(|(name, _)| *name == "ids")
        .map(|(_, id)| id)
        .collect();
    if !ids.is_empty() {
        if ids.len() > 500 {
            return Err(Refusal::bad("At most 500 ids can be asked for at once.").into());
        }
        let parsed: Option<Vec<_>> = ids.into_iter().map(IdentityId::parse).collect();
        finds.push(Filter::Ids(parsed.ok_or_else(|| {
            Refusal::bad("Every one of ids has to be a UUID.")
        })?));
    }
    if let Some(organization) = query.text("organization_id") {
        let id = Uuid::parse_str(organization)
            .map_err(|_| Refusal::bad("organization_id has to be a UUID."))?;
        finds.push(Filter::Organization(id));
    }
    finds.extend(
        query
            .text("credentials_identifier")
            .map(|typed| Filter::Identifier {
                normalised: identifier::normalize(typed),
                verbatim: typed.to_owned(),
            }),
    );
    finds.extend(
        query
            .text("preview_credentials_identifier_similar")
            .map(|typed| Filter::IdentifierPrefix {
                normalised: identifier::normalize(typed),
                verbatim: typed.to_owned(),
            }),
    );
    match (finds.pop(), finds.is_empty()) {
        (None, _) => Ok(Filter::All),
        (Some(find), true) => Ok(find),
        (Some(_), false) => Err(Refusal::bad("Only one filter can be used at a time.").into()),
    }
}
