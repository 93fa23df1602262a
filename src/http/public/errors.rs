//! `GET /self-service/errors`: what went wrong, for the error page (http-api.md §12.5).
use crate::base::id::ErrorId;
use crate::base::time::rfc3339;
use crate::flow::{Cx, Fault, Refusal};
use crate::http::context::Call;
use crate::http::{error, respond};
use axum::response::Response;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

/// When the example was made: Go's zero time.
const BEFORE_ALL: OffsetDateTime = datetime!(0001-01-01 00:00:00 UTC);
/// The id of an example that page authors can look at.
const EXAMPLE: &str = "stub:500";

pub async fn fetch(call: Call) -> Response {
    match read(&call.cx).await {
        Ok(body) => respond::json(200, &body),
        Err(fault) => error::of_fault(fault, &call.cx.request.request_id),
    }
}

async fn read(cx: &Cx) -> Result<Value, Fault> {
    let query = &cx.request.query;
    let id = query
        .text("error")
        .or_else(|| query.text("id"))
        .unwrap_or("");
    if id == EXAMPLE {
        let example = Refusal::new(500, None, "This is an example of an error.").json("");
        return Ok(shown(
            ErrorId::random(cx.dice()),
            &example["error"],
            (BEFORE_ALL, BEFORE_ALL),
        ));
    }
    let found = match ErrorId::parse(id) {
        Some(id) => cx.store().errors().read(id, cx.now).await?,
        None => None,
    };
    let Some(stored) = found else {
        return Err(Refusal::no_row().into());
    };
    Ok(shown(
        stored.id,
        &stored.error,
        (stored.created_at, stored.updated_at),
    ))
}

fn shown(
    id: ErrorId,
    error: &Value,
    (created_at, updated_at): (OffsetDateTime, OffsetDateTime),
) -> Value {
    json!({ "id": id, "error": error, "created_at": rfc3339(created_at), "updated_at": rfc3339(updated_at) })
}
