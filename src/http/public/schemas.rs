//! `/schemas`: the identity schemas (http-api.md §12.6).
use crate::flow::{Cx, Fault, Refusal};
use crate::http::context::Call;
use crate::http::page::{Keys, Page};
use crate::http::{error, respond};
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// `GET /schemas`
pub async fn list(call: Call) -> Response {
    let page = Page::read(&call.cx.request.query);
    match all(&call.cx, page).await {
        Ok((list, total)) => {
            let mut response = respond::json(200, &list);
            page.write(&mut response, &call.head.uri, Keys::All, total);
            response
        }
        Err(fault) => error::of_fault(fault, &call.cx.request.request_id),
    }
}

async fn all(cx: &Cx, page: Page) -> Result<(Vec<Value>, u64), Fault> {
    let schemas = &cx.config.identity.schemas;
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    // As in the reference, a page ends where it would if it was as long as all before it together and one more.
    let take = usize::try_from(page.offset().saturating_add(page.size)).unwrap_or(usize::MAX);
    let mut list = vec![];
    for entry in schemas.iter().skip(skip).take(take) {
        let schema = cx.schema(Some(&entry.id)).await?;
        list.push(json!({ "id": entry.id, "schema": schema.document }));
    }
    Ok((list, schemas.len() as u64))
}

/// `GET /schemas/{id}`: by the configured id or its base64url form.
pub async fn get(call: Call) -> Response {
    match one(&call.cx, call.param("id")).await {
        Ok(document) => respond::json(200, &document),
        Err(fault) => error::of_fault(fault, &call.cx.request.request_id),
    }
}

async fn one(cx: &Cx, asked: &str) -> Result<Value, Fault> {
    let known = |id: &str| cx.config.identity.schemas.iter().any(|s| s.id == id);
    let decoded = BASE64URL_NOPAD
        .decode(asked.as_bytes())
        .ok()
        .and_then(|b| String::from_utf8(b).ok());
    let id = match decoded {
        _ if known(asked) => asked.to_owned(),
        Some(id) if known(&id) => id,
        _ => return Err(Refusal::not_found("There is no identity schema by that id.").into()),
    };
    Ok(cx.schema(Some(&id)).await?.document.clone())
}
