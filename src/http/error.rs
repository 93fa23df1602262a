//! The error envelope (http-api.md §3.1), built here and nowhere else.
use super::respond;
use crate::flow::{Fault, Refusal};
use axum::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use axum::response::Response;

const ERROR_ID: HeaderName = HeaderName::from_static("ory-error-id");

/// The refusal as JSON, with its status and headers.
#[must_use]
pub fn envelope(refusal: &Refusal, request_id: &str) -> Response {
    let mut response = respond::json_as(
        refusal.answered_with.unwrap_or(refusal.status),
        "application/json",
        &refusal.json(request_id),
    );
    let headers = response.headers_mut();
    headers.insert(ERROR_ID, HeaderValue::from_static(refusal.id.unwrap_or("")));
    if let Some(seconds) = refusal.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// The unforeseen: logged in full, told without details.
#[must_use]
pub fn internal(error: &anyhow::Error) -> Refusal {
    tracing::error!(
        error = format!("{error:#}"),
        "a request failed inside the server"
    );
    Refusal::new(500, None, "")
}

/// A fault where there is no form to show it on.
#[must_use]
pub fn refusal(fault: Fault) -> Refusal {
    match fault {
        Fault::Refused(refusal) => *refusal,
        Fault::Broken(broken) => internal(&broken),
        Fault::Reauthenticate => {
            internal(&anyhow::anyhow!("only settings can ask for a fresh proof"))
        }
        Fault::Form(errors) => Refusal::bad(
            errors
                .into_iter()
                .map(|(_, m)| m.text)
                .collect::<Vec<_>>()
                .join(" "),
        ),
    }
}

/// The envelope of a fault where there is no form to show it on.
#[must_use]
pub fn of_fault(fault: Fault, request_id: &str) -> Response {
    envelope(&refusal(fault), request_id)
}
