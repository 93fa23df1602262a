//! `GET /admin/identities`: all, or those that a filter finds, in pages (http-api.md §11.1, §13.1).
use super::{answer, included, shown};
use crate::base::id::IdentityId;
use crate::base::url::Params;
use crate::flow::{Cx, Fault, Refusal};
use crate::http::admin::{page_size, write_links};
use crate::http::context::Call;
use crate::http::page::{Keys, Page};
use crate::http::respond;
use crate::identity::json::{Origin, Show};
use crate::model::identifier;
use crate::model::identity::Identity;
use crate::store::{Filter, Load, Slice};
use axum::http::Uri;
use axum::response::Response;
use uuid::Uuid;

const LARGEST_PAGE: u32 = 500;
const DEFAULT_PAGE: u32 = 250;

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
    let written = |found: &[Identity]| {
        let shown = found.iter().map(|i| shown(cx, i, show, Origin::Stored));
        respond::json(200, &shown.collect::<Vec<_>>())
    };
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
        let mut response = written(&found);
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
    let mut response = written(&found);
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
        // Of the nil organization are all, as in the reference.
        finds.push(if id.is_nil() {
            Filter::All
        } else {
            Filter::Organization(id)
        });
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
