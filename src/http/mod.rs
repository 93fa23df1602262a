//! Translates between HTTP and the engines. All routes are listed here, one list for each listener.
//!
//! An endpoint is a handler in `public/` or `admin/` and one line below. What is not listed is a 404, also on the
//! listener where it would be looked for by mistake, unless `redirects.rs` knows better.
pub mod admin;
pub mod body;
pub mod context;
pub mod cookies;
pub mod error;
mod front;
pub mod headers;
pub mod infra;
pub mod layers;
pub mod listeners;
pub mod negotiate;
pub mod page;
pub mod peer;
pub mod public;
mod redirects;
pub mod reply;
pub mod respond;
pub mod serve;
pub mod welcome;

pub use front::Side;

use crate::method::keys;
use crate::services::Services;
use axum::Router;
use axum::routing::{MethodFilter, delete, get, on, patch, post};
use std::sync::Arc;

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = layers::body::MAX;

/// Everything that the public listener answers.
pub fn public_router(services: Arc<Services>) -> Router {
    use public::{
        errors, login, logout, recovery, registration, schemas, sessions, settings, verification,
    };
    let routes = Router::new()
        .route("/health/alive", get(infra::alive))
        .route("/health/ready", get(infra::public_ready))
        .route("/.well-known/change-password", get(infra::change_password))
        .route(keys::SCRIPT_PATH, get(infra::keys_script))
        .route("/schemas", get(schemas::list))
        .route("/admin/schemas", get(schemas::list))
        .route("/schemas/{id}", get(schemas::get))
        .route("/admin/schemas/{id}", get(schemas::get))
        .route("/self-service/login/browser", get(login::browser))
        .route("/self-service/login/api", get(login::api))
        .route("/self-service/login/flows", get(login::fetch))
        .route(
            "/self-service/login",
            get(login::submit).post(login::submit),
        )
        .route(
            "/self-service/registration/browser",
            get(registration::browser),
        )
        .route("/self-service/registration/api", get(registration::api))
        .route("/self-service/registration/flows", get(registration::fetch))
        .route(
            "/self-service/registration",
            get(registration::submit).post(registration::submit),
        )
        .route("/self-service/settings/browser", get(settings::browser))
        .route("/self-service/settings/api", get(settings::api))
        .route("/self-service/settings/flows", get(settings::fetch))
        .route(
            "/self-service/settings",
            get(settings::submit).post(settings::submit),
        )
        .route("/self-service/recovery/browser", get(recovery::browser))
        .route("/self-service/recovery/api", get(recovery::api))
        .route("/self-service/recovery/flows", get(recovery::fetch))
        .route(
            "/self-service/recovery",
            get(recovery::submit).post(recovery::submit),
        )
        .route(
            "/self-service/verification/browser",
            get(verification::browser),
        )
        .route("/self-service/verification/api", get(verification::api))
        .route("/self-service/verification/flows", get(verification::fetch))
        .route(
            "/self-service/verification",
            get(verification::submit).post(verification::submit),
        )
        .route("/self-service/logout/browser", get(logout::offer))
        .route("/self-service/logout", get(logout::browser))
        .route("/self-service/logout/api", delete(logout::native))
        .route("/self-service/errors", get(errors::fetch))
        .route("/sessions/whoami", on(every_method(), sessions::whoami))
        .route(
            "/sessions",
            get(sessions::list).delete(sessions::revoke_others),
        )
        .route("/sessions/{id}", delete(sessions::revoke));
    front::put_before(redirects::to_admin(routes), Side::Public, services)
}

/// Everything that the admin listener answers. Each path may be asked for without its prefix, too.
pub fn admin_router(services: Arc<Services>) -> Router {
    use admin::{courier, identities, mailbox, manage_sessions, recovery, sessions};
    let routes = Router::new()
        .route("/admin/health/alive", get(infra::alive))
        .route("/admin/health/ready", get(infra::admin_ready))
        .route("/admin/health/config", get(infra::config))
        .route("/admin/version", get(infra::version))
        .route("/admin/metrics/prometheus", get(infra::metrics))
        .route(
            "/admin/identities",
            get(identities::list)
                .post(identities::create)
                .patch(identities::batch),
        )
        .route(
            "/admin/identities/by/external/{id}",
            get(identities::get_by_external_id),
        )
        .route(
            "/admin/identities/{id}",
            get(identities::get)
                .put(identities::put)
                .patch(identities::patch)
                .delete(identities::delete),
        )
        .route(
            "/admin/identities/{id}/credentials/{type}",
            delete(identities::delete_credential),
        )
        .route(
            "/admin/identities/{id}/sessions",
            get(sessions::of_identity).delete(sessions::delete_of_identity),
        )
        .route("/admin/recovery/code", post(recovery::code))
        .route("/admin/recovery/link", post(recovery::link))
        .route(
            "/admin/sessions",
            get(sessions::list).post(manage_sessions::manage),
        )
        .route(
            "/admin/sessions/{id}",
            get(sessions::get).delete(sessions::disable),
        )
        .route(
            "/admin/sessions/whoami",
            get(redirects::answer_to_public).delete(sessions::disable),
        )
        .route("/admin/sessions/{id}/extend", patch(sessions::extend))
        .route("/admin/courier/messages", get(courier::list))
        .route("/admin/courier/messages/{id}", get(courier::get))
        .route("/admin/mailbox", get(mailbox::page))
        .route("/admin/mailbox/messages", get(mailbox::messages));
    front::put_before(redirects::to_public(routes), Side::Admin, services)
}

/// All that the listener of a worker without a server answers.
pub fn worker_router(services: Arc<Services>) -> Router {
    let routes = Router::new().route("/admin/metrics/prometheus", get(infra::metrics));
    front::put_before(routes, Side::Admin, services)
}

/// Those that the reference registers for the one route that takes any.
fn every_method() -> MethodFilter {
    [
        MethodFilter::HEAD,
        MethodFilter::POST,
        MethodFilter::PUT,
        MethodFilter::PATCH,
        MethodFilter::DELETE,
        MethodFilter::OPTIONS,
        MethodFilter::CONNECT,
        MethodFilter::TRACE,
    ]
    .into_iter()
    .fold(MethodFilter::GET, MethodFilter::or)
}
