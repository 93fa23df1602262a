//! `/self-service/logout…` (http-api.md §8.5).
use crate::engine::logout;
use crate::flow::{Cx, Fault, Refusal};
use crate::http::body::{self, Object};
use crate::http::context::Call;
use crate::http::{cookies, error, reply, respond};
use axum::http::Method;
use axum::http::header::{HeaderName, HeaderValue};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// `GET /self-service/logout/browser`: always JSON when it works.
pub async fn offer(call: Call) -> Response {
    match logout::offer(&call.cx).await {
        Ok(offer) => respond::json(
            200,
            &json!({ "logout_url": offer.url, "logout_token": offer.token }),
        ),
        Err(fault) => failed(&call.cx, &call.head.method, fault).await,
    }
}

/// `GET /self-service/logout?token=`
pub async fn browser(call: Call) -> Response {
    match logout::browser(&call.cx).await {
        Ok(done) => {
            let mut response = match done.then {
                Err(fault) => failed(&call.cx, &call.head.method, fault).await,
                Ok(_) if call.cx.request.accepts_json => respond::empty(204),
                Ok(then) => respond::redirect(303, &call.head.method, &then),
            };
            let headers = response.headers_mut();
            cookies::write(&call.cx, &done.cookies, headers);
            if done.clear_browser_data {
                headers.insert(
                    CLEAR_SITE_DATA,
                    HeaderValue::from_static("\"cookies\", \"storage\", \"cache\""),
                );
            }
            response
        }
        Err(fault) => failed(&call.cx, &call.head.method, fault).await,
    }
}

#[derive(Deserialize)]
struct Native {
    session_token: Option<String>,
}

/// `DELETE /self-service/logout/api`
pub async fn native(call: Call) -> Response {
    let result = async {
        if call.body.is_empty() {
            let reason = "The request has no body; wanted is {\"session_token\": \"…\"} as application/json.";
            return Err(Refusal::bad(reason).into());
        }
        let native: Option<Object<Native>> = body::announced_json(&call.head, &call.body)?;
        let token = native.and_then(|Object(native)| native.session_token);
        logout::native(&call.cx, token.as_deref().unwrap_or("")).await
    };
    match result.await {
        Ok(()) => respond::empty(204),
        Err(fault) => error::of_fault(fault, &call.cx.request.request_id),
    }
}

async fn failed(cx: &Cx, method: &Method, fault: Fault) -> Response {
    let refusal: Refusal = error::refusal(fault);
    reply::refused(cx, method, refusal, !cx.request.is_json).await
}
