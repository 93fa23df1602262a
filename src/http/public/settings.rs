//! `/self-service/settings…` (http-api.md §8.4).
use crate::base::terms::Channel;
use crate::engine::settings;
use crate::flow::Answer;
use crate::http::context::Call;
use crate::http::{body, reply};
use axum::response::Response;

/// `GET /self-service/settings/browser`
pub async fn browser(call: Call) -> Response {
    let reply = settings::begin(&call.cx, Channel::Browser).await;
    reply::render(&call.cx, &call.head.method, true, reply).await
}

/// `GET /self-service/settings/api`
pub async fn api(call: Call) -> Response {
    let reply = settings::begin(&call.cx, Channel::Api).await;
    reply::render(&call.cx, &call.head.method, true, reply).await
}

/// `GET /self-service/settings/flows?id=`: JSON, whoever asks; but a page that nobody is signed in to is sent to do that.
pub async fn fetch(mut call: Call) -> Response {
    let reply = settings::fetch(&call.cx).await;
    if !matches!(&reply.answer, Answer::Refused(refusal) if refusal.status == 401) {
        (call.cx.request.is_json, call.cx.request.accepts_json) = (true, true);
    }
    reply::render(&call.cx, &call.head.method, true, reply).await
}

/// `GET` and `POST /self-service/settings?flow=`
pub async fn submit(call: Call) -> Response {
    let submission = body::submission(&call.head, &call.body, &call.cx.request.query);
    let reply = settings::submit(&call.cx, &submission).await;
    reply::render(&call.cx, &call.head.method, false, reply).await
}
