//! `/admin/identities…`: make, read, list and delete (http-api.md §11).
use super::{admin_address, page_size, write_links};
use crate::base::id::IdentityId;
use crate::base::terms::CredentialsType;
use crate::base::url::Params;
use crate::crypto::cipher::Cipher;
use crate::crypto::hash::HasherParams;
use crate::flow::{Cx, Fault, Refusal};
use crate::http::context::Call;
use crate::http::{error, respond};
use crate::identity::import::{self, ImportError};
use crate::identity::validate::describe;
use crate::identity::{derive, json};
use crate::model::identifier;
use crate::store::{Error, Filter, Load, Slice};
use axum::http::header::{HeaderName, HeaderValue, LINK, LOCATION};
use axum::response::Response;
use uuid::Uuid;

const PATH: &str = "/admin/identities";
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
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

/// Status 400, told in the way of the reference.
fn refused(error: ImportError) -> Fault {
    match error {
        ImportError::Undecodable(message) => Refusal::undecodable(message).into(),
        ImportError::Invalid(reason) => Refusal::bad(reason).into(),
    }
}

async fn make(cx: &Cx, bytes: &[u8]) -> Result<Response, Fault> {
    let body = serde_json::from_slice(bytes)
        .map_err(|error| Refusal::undecodable(format!("The body is no JSON: {error}")))?;
    let made = import::create(
        &body,
        IdentityId::random(cx.dice()),
        cx.store().nid(),
        &cx.config.identity.default_schema_id,
        cx.dice(),
        cx.now,
    )
    .map_err(refused)?;
    let mut identity = made.identity;
    let schema_id = identity.schema_id.as_str();
    if !cx.config.identity.schemas.iter().any(|s| s.id == schema_id) {
        return Err(Refusal::bad(format!("There is no identity schema {schema_id:?}.")).into());
    }
    let schema = cx.schema(Some(schema_id)).await?;
    if let Some(password) = made.password {
        let hashed = cx
            .services
            .hasher
            .hash(&HasherParams::of(&cx.config), password.expose().as_bytes())
            .await?;
        import::set_password(&mut identity, &hashed, cx.dice(), cx.now);
    }
    derive::derive(&schema, &mut identity, cx.dice(), cx.now)
        .map_err(|violations| Refusal::bad(describe(&violations)))?;
    crate::session::refresh_available_aal(&cx.config, &mut identity);
    match cx.store().identities().insert(&identity, cx.dice()).await {
        Ok(()) => {}
        Err(Error::Conflict(_)) => {
            return Err(Refusal::new(
                409,
                None,
                "Somebody else has one of these identifiers already.",
            )
            .into());
        }
        Err(error) => return Err(error.into()),
    }
    let mut response = respond::json(
        201,
        &json::created(&identity, &cx.schema_url(&identity.schema_id)),
    );
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
            &json::admin(
                &identity,
                &cx.schema_url(&identity.schema_id),
                Some(&configs),
                &opener(cx),
            ),
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

/// Opens the tokens of providers.
fn opener(cx: &Cx) -> impl Fn(&str) -> Option<String> + use<> {
    let cipher = Cipher::of(&cx.config);
    move |sealed| String::from_utf8(cipher.decrypt(sealed).ok()?).ok()
}

/// The kinds of credentials whose configuration is asked for.
fn included(query: &Params) -> Result<Vec<CredentialsType>, Fault> {
    let mut kinds = vec![];
    for (_, word) in query
        .iter()
        .filter(|(name, _)| *name == "include_credential")
    {
        match CredentialsType::from_word(word) {
            Some(kind) => kinds.push(kind),
            // Kinds that have a word but no rows.
            None if matches!(word, "link_recovery" | "code_recovery") => {}
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
    let result = all(&call.cx).await;
    answer(&call, result)
}

async fn all(cx: &Cx) -> Result<Response, Fault> {
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
    let open = opener(cx);
    let shown = |identity: &crate::model::identity::Identity| {
        json::admin(
            identity,
            &cx.schema_url(&identity.schema_id),
            with_credentials.then_some(&configs[..]),
            &open,
        )
    };
    if query.has("page") && !query.has("page_token") && !query.has("page_size") {
        let size = page_size(query, &["per_page"], DEFAULT_PAGE, LARGEST_PAGE)?;
        let number = query
            .get("page")
            .and_then(|p| p.parse::<u32>().ok())
            .unwrap_or(0);
        let offset = number.saturating_mul(size);
        if offset > 1000 {
            return Err(
                Refusal::bad("Beyond a thousand entries a list is read by page_token.").into(),
            );
        }
        let found = cx
            .store()
            .identities()
            .list(
                &find,
                Slice::Page {
                    offset,
                    limit: size,
                },
                load,
            )
            .await?;
        let total = match find {
            Filter::Identifier { .. } | Filter::IdentifierPrefix { .. } => found.len() as u64,
            _ => cx.store().identities().count().await?,
        };
        let mut response = respond::json(200, &found.iter().map(shown).collect::<Vec<_>>());
        response.headers_mut().insert(TOTAL, total.into());
        if let Ok(links) =
            HeaderValue::from_str(&legacy_links(query, number.into(), size.into(), total))
        {
            response.headers_mut().insert(LINK, links);
        }
        return Ok(response);
    }
    let size = page_size(
        query,
        &["page_size", "per_page"],
        DEFAULT_PAGE,
        LARGEST_PAGE,
    )?;
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
        PATH,
        query,
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

fn legacy_links(query: &Params, number: u64, size: u64, total: u64) -> String {
    let last = total.saturating_sub(1) / size;
    let link = |rel: &str, page: u64| {
        let mut params = query.clone();
        params.set("page", &page.to_string());
        params.set("per_page", &size.to_string());
        format!("<{PATH}?{}>; rel=\"{rel}\"", params.encode_sorted())
    };
    let mut links = vec![link("first", 0)];
    if number < last {
        links.push(link("next", number + 1));
    }
    if number > 0 {
        links.push(link("prev", number - 1));
    }
    links.push(link("last", last));
    links.join(",")
}
