//! Somebody came to the wrong listener: the requests that are sent to the other one (http-api.md §1).
use super::respond;
use crate::base::url;
use crate::services::Services;
use axum::Router;
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use std::sync::Arc;

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;
const DELETE: MethodFilter = MethodFilter::DELETE;
const READ_OR_MAKE: MethodFilter = GET.or(POST);
const ONE: MethodFilter = GET.or(MethodFilter::PUT).or(MethodFilter::PATCH).or(DELETE);

/// On the public listener, answered by the admin listener.
const TO_ADMIN: &[(MethodFilter, &str)] = &[
    (READ_OR_MAKE, "/identities"),
    (READ_OR_MAKE, "/admin/identities"),
    (ONE, "/identities/{id}"),
    (ONE, "/admin/identities/{id}"),
    (GET, "/identities/by/external/{external_id}"),
    (GET, "/admin/identities/by/external/{external_id}"),
    (DELETE, "/identities/{id}/credentials/{type}"),
    (DELETE, "/admin/identities/{id}/credentials/{type}"),
    (DELETE, "/identities/{id}/sessions"),
    (POST, "/recovery/code"),
    (POST, "/recovery/link"),
    (GET, "/admin/courier/messages"),
    (GET, "/admin/courier/messages/{id}"),
];

/// On the admin listener, where every path has its prefix, answered by the public listener. `GET /sessions/whoami` is
/// beside `/sessions/{id}` in the list of admin routes.
const TO_PUBLIC: &[(MethodFilter, &str)] = &[
    (GET, "/admin/self-service/logout/browser"),
    (DELETE, "/admin/self-service/logout/api"),
    (GET, "/admin/self-service/logout"),
    (GET, "/admin/self-service/errors"),
    (GET, "/admin/schemas"),
    (GET, "/admin/schemas/{id}"),
    (DELETE, "/admin/sessions"),
];

const FLOWS: [&str; 5] = [
    "login",
    "registration",
    "settings",
    "recovery",
    "verification",
];

/// Adds them to the routes of the public listener.
pub(super) fn to_admin(routes: Router<Arc<Services>>) -> Router<Arc<Services>> {
    TO_ADMIN.iter().fold(routes, |routes, (methods, path)| {
        routes.route(path, on(*methods, answer_to_admin))
    })
}

/// Adds them to the routes of the admin listener.
pub(super) fn to_public(routes: Router<Arc<Services>>) -> Router<Arc<Services>> {
    let routes = TO_PUBLIC.iter().fold(routes, |routes, (methods, path)| {
        routes.route(path, on(*methods, answer_to_public))
    });
    FLOWS.iter().fold(routes, |routes, flow| {
        let begun = ["browser", "api", "flows"]
            .iter()
            .fold(routes, |routes, part| {
                routes.route(
                    &format!("/admin/self-service/{flow}/{part}"),
                    on(GET, answer_to_public),
                )
            });
        begun.route(
            &format!("/admin/self-service/{flow}"),
            on(READ_OR_MAKE, answer_to_public),
        )
    })
}

async fn answer_to_admin(
    State(services): State<Arc<Services>>,
    method: Method,
    uri: Uri,
) -> Response {
    let base = url::join(&services.config.load().admin_url(), "/admin");
    respond::redirect(307, &method, &target(&base, &uri))
}

pub(super) async fn answer_to_public(
    State(services): State<Arc<Services>>,
    method: Method,
    uri: Uri,
) -> Response {
    respond::redirect(
        307,
        &method,
        &target(&services.config.load().public_url(), &uri),
    )
}

/// The path without its admin prefix under another base, with the query as it came.
fn target(base: &str, uri: &Uri) -> String {
    let path = uri.path();
    let path = path.strip_prefix("/admin").unwrap_or(path);
    let target = url::join(base, path);
    match uri.query() {
        Some(query) => format!("{target}?{query}"),
        None => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_goes_and_the_query_stays() {
        for (base, uri, expected) in [
            (
                "http://a:4434/admin",
                "/identities?x=1&y=%2F",
                "http://a:4434/admin/identities?x=1&y=%2F",
            ),
            (
                "http://a:4434/admin",
                "/admin/identities/%C3%A4",
                "http://a:4434/admin/identities/%C3%A4",
            ),
            (
                "http://a:4433/base/",
                "/admin/self-service/login/api",
                "http://a:4433/base/self-service/login/api",
            ),
        ] {
            assert_eq!(target(base, &uri.parse().unwrap()), expected);
        }
    }
}
