//! What operators and their machines ask (http-api.md §7): alive, ready, which configuration, which version, metrics.
use super::{headers, respond};
use crate::base::url;
use crate::config::Config;
use crate::method::keys;
use crate::services::Services;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long the database may take to answer before the server is not ready.
const PATIENCE: Duration = Duration::from_secs(5);

/// `GET /health/alive`: the process answers; nothing else is looked at.
pub async fn alive() -> Response {
    respond::json(200, &json!({ "status": "ok" }))
}

/// `GET /health/ready` of the public listener: the reasons are not told.
pub async fn public_ready(State(services): State<Arc<Services>>) -> Response {
    match problem(&services).await {
        None => respond::json(200, &json!({ "status": "ok" })),
        Some(_) => not_ready("the reason is not told on this listener"),
    }
}

/// `GET /admin/health/ready`: the database answers and has every migration.
pub async fn admin_ready(State(services): State<Arc<Services>>) -> Response {
    match problem(&services).await {
        None => respond::json(200, &json!({ "status": "ok" })),
        Some(problem) => not_ready(&problem),
    }
}

fn not_ready(message: &str) -> Response {
    let error = json!({ "code": 500, "status": "Internal Server Error", "message": message });
    let mut response = respond::json_as(503, "application/json", &json!({ "error": error }));
    let id = HeaderName::from_static("ory-error-id");
    response
        .headers_mut()
        .insert(id, HeaderValue::from_static(""));
    response
}

async fn problem(services: &Services) -> Option<String> {
    let problem = match tokio::time::timeout(PATIENCE, services.store.is_ready()).await {
        Ok(Ok(true)) => return None,
        Ok(Ok(false)) => "migrations have not yet been fully applied".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the database did not answer in time".to_owned(),
    };
    tracing::warn!(problem, "the server is not ready");
    Some(problem)
}

/// `GET /admin/health/config`: the revision that the configuration names, else its hash.
pub async fn config(State(services): State<Arc<Services>>) -> Response {
    text("text/plain", fingerprint(&services.config.load()))
}

fn fingerprint(config: &Config) -> String {
    config
        .revision
        .clone()
        .filter(|r| !r.is_empty())
        .unwrap_or_else(|| config.fingerprint.clone())
}

/// `GET /admin/version`
pub async fn version() -> Response {
    respond::json(200, &json!({ "version": crate::base::build::VERSION }))
}

/// `GET /admin/metrics/prometheus`
pub async fn metrics(State(services): State<Arc<Services>>, headers: HeaderMap) -> Response {
    let accept = headers::text(&headers, ACCEPT).unwrap_or_default();
    let (content_type, body) = services.metrics.render(&accept);
    text(&content_type, body)
}

/// `GET /.well-known/change-password`: where a person changes it.
pub async fn change_password(State(services): State<Arc<Services>>, method: Method) -> Response {
    let config = services.config.load();
    let ui = config.selfservice.flows.settings.ui_url.as_str();
    if ui.is_empty() {
        let place = url::join(&config.public_url(), "/self-service/settings/browser");
        return respond::redirect(303, &method, &place);
    }
    respond::redirect(303, &method, ui)
}

/// `GET /.well-known/ory/webauthn.js`: what pages need to talk to security keys.
pub async fn keys_script() -> Response {
    text("text/javascript; charset=UTF-8", keys::SCRIPT.to_owned())
}

fn text(content_type: &str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}
