//! What stands before the routes of a listener: the order of things that happen to every request (http-api.md §1).
//!
//! Public: metrics, log, caching, CORS, panics and deadline, anti-forgery, routes. Admin: metrics, log, caching,
//! panics and deadline, prefix, routes. Each step is a function of `layers/`; here one sees when it is its turn.
use super::context::Snapshot;
use super::error::envelope;
use super::layers::{body, cors, csrf, log, panic, path, proxies};
use super::peer::Peer;
use super::serve::Limits;
use super::{context, cookies, headers, respond};
use crate::config::Config;
use crate::crypto::csrf::{CsrfToken, cookie_name};
use crate::flow::Refusal;
use crate::flow::csrf::violation;
use crate::services::Services;
use arc_swap::ArcSwapOption;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use std::borrow::Cow;
use std::sync::Arc;
use tower::ServiceExt;

const NEVER_KEEP: HeaderValue =
    HeaderValue::from_static("private, no-cache, no-store, must-revalidate");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Which listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Public,
    Admin,
}

impl Side {
    #[must_use]
    pub fn limits(self) -> Limits {
        match self {
            Self::Public => Limits::PUBLIC,
            Self::Admin => Limits::ADMIN,
        }
    }
}

struct Front {
    side: Side,
    services: Arc<Services>,
    routes: Router,
    prepared: ArcSwapOption<Prepared>,
}

/// What is computed once per snapshot of the configuration.
struct Prepared {
    config: Arc<Config>,
    cors: Option<cors::Cors>,
    proxies: Option<proxies::Proxies>,
    /// Of the anti-forgery cookie.
    csrf_name: String,
}

/// The routes with everything that stands before them.
pub(super) fn put_before(
    routes: Router<Arc<Services>>,
    side: Side,
    services: Arc<Services>,
) -> Router {
    let routes = routes
        .route_layer(from_fn(remember_route))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(&services));
    let front = Arc::new(Front {
        side,
        services,
        routes,
        prepared: ArcSwapOption::empty(),
    });
    Router::new().fallback(move |request: Request| {
        let front = Arc::clone(&front);
        async move { front.answer(request).await }
    })
}

/// Tells the layers outside which route it was.
async fn remember_route(route: MatchedPath, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(route);
    response
}

async fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// axum adds the methods that would be right; [`in_order`] puts them as Go does.
async fn wrong_method() -> Response {
    plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = respond::plain(status, text);
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

impl Front {
    async fn answer(&self, mut request: Request) -> Response {
        let snapshot = request
            .extensions()
            .get::<Snapshot>()
            .map(|s| Arc::clone(&s.0));
        let prepared = self.prepared(snapshot);
        if let Some(proxies) = &prepared.proxies {
            let peer = request.extensions().get::<Peer>().cloned();
            proxies.sift(peer.as_ref(), request.headers_mut());
        }
        let is_get = request.method() == Method::GET;
        let entry = log::Entry::begin(self.side, &self.services, &prepared.config, &request);
        let mut response = self.across_origins(&prepared, request).await;
        if is_get && !response.headers().contains_key(CACHE_CONTROL) {
            response.headers_mut().insert(CACHE_CONTROL, NEVER_KEEP);
        }
        entry.end(&response);
        response
    }

    async fn across_origins(&self, prepared: &Prepared, request: Request) -> Response {
        let Some(cors) = &prepared.cors else {
            return self.in_time(prepared, request).await;
        };
        let (method, headers) = (request.method().clone(), request.headers().clone());
        if !cors::is_preflight(&method, &headers) {
            let mut response = self.in_time(prepared, request).await;
            cors.actual(&headers, &method, response.headers_mut());
            return response;
        }
        let mut response = if cors.passthrough {
            self.in_time(prepared, request).await
        } else {
            respond::empty(204)
        };
        cors.preflight(&headers, response.headers_mut());
        response
    }

    /// Neither a panic nor a handler that hangs leaves the client without an answer.
    async fn in_time(&self, prepared: &Prepared, request: Request) -> Response {
        let request_id = request_id(request.headers()).into_owned();
        let work = panic::caught(self.spell(prepared, request));
        let refusal = match tokio::time::timeout(self.side.limits().write, work).await {
            Ok(Ok(response)) => return response,
            Ok(Err(words)) => {
                tracing::error!(error = words, "a request ended in a panic");
                Refusal::new(500, None, "")
            }
            Err(_) => {
                tracing::error!("a request was not answered in time");
                Refusal::new(503, None, "The answer took too long.")
            }
        };
        envelope(&refusal, &request_id)
    }

    /// One spelling per path, and bounds for the body.
    async fn spell(&self, prepared: &Prepared, request: Request) -> Response {
        let mut request = body::bound(request, self.side.limits().read);
        let spelled = path::decode_unreserved(request.uri().path());
        match self.side {
            Side::Admin => {
                let prefixed = path::with_admin_prefix(&spelled).into_owned();
                respell(&mut request, &prefixed);
                self.route(request).await
            }
            Side::Public => {
                if let Cow::Owned(spelled) = spelled {
                    respell(&mut request, &spelled);
                }
                self.guard(prepared, request).await
            }
        }
    }

    /// Against forgery by other websites.
    async fn guard(&self, prepared: &Prepared, mut request: Request) -> Response {
        let class = csrf::class(request.uri().path());
        if class == csrf::Class::Disabled {
            return self.route(request).await;
        }
        let (verdict, renew) = csrf::judge(
            class,
            request.method(),
            &prepared.csrf_name,
            request.headers(),
        );
        let new = renew.then(|| CsrfToken::random(self.services.random.as_ref()));
        let mut response = match verdict {
            csrf::Verdict::Pass => {
                if let Some(token) = &new {
                    request
                        .extensions_mut()
                        .insert(cookies::GivenCsrf(token.clone()));
                }
                self.route(request).await
            }
            csrf::Verdict::Refuse => refuse(&prepared.csrf_name, request.headers()),
        };
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Cookie"));
        if let Some(token) = new {
            let line = cookies::csrf_line(&prepared.config, &token);
            csrf::give(&prepared.csrf_name, &line, headers);
        }
        response
    }

    async fn route(&self, request: Request) -> Response {
        let uri = request.uri();
        if let Cow::Owned(cleaned) = path::clean(uri.path())
            && request.method() != Method::CONNECT
        {
            let place = match uri.query() {
                Some(query) => format!("{cleaned}?{query}"),
                None => cleaned,
            };
            return respond::redirect(307, request.method(), &place);
        }
        let answered = self.routes.clone().oneshot(request).await;
        in_order(answered.unwrap_or_else(|never| match never {}))
    }

    fn prepared(&self, snapshot: Option<Arc<Config>>) -> Arc<Prepared> {
        let config = snapshot.unwrap_or_else(|| self.services.config.load_full());
        if let Some(prepared) = &*self.prepared.load()
            && Arc::ptr_eq(&prepared.config, &config)
        {
            return Arc::clone(prepared);
        }
        let cors = (self.side == Side::Public)
            .then(|| cors::Cors::of(&config))
            .flatten();
        let prepared = Arc::new(Prepared {
            cors,
            proxies: proxies::Proxies::new(&config.extensions.trusted_proxies),
            csrf_name: cookie_name(&config.public_url()),
            config,
        });
        self.prepared.store(Some(Arc::clone(&prepared)));
        prepared
    }
}

fn respell(request: &mut Request, path: &str) {
    if request.uri().path() != path
        && let Some(uri) = path::replace(request.uri(), path)
    {
        *request.uri_mut() = uri;
    }
}

fn refuse(csrf_name: &str, headers: &HeaderMap) -> Response {
    let facts = context::csrf_facts(headers, &cookies::parse(headers), csrf_name);
    // JSON may hold a token that is not looked for here.
    let is_json = headers
        .get(CONTENT_TYPE)
        .is_some_and(|v| v.as_bytes().starts_with(b"application/json"));
    let sent = is_json || headers.get(csrf::HEADER).is_some_and(|v| !v.is_empty());
    envelope(&violation(&facts, sent), &request_id(headers))
}

fn request_id(headers: &HeaderMap) -> Cow<'_, str> {
    headers::text(headers, REQUEST_ID).unwrap_or_default()
}

/// `Allow` in Go's order: sorted, with blanks.
fn in_order(mut response: Response) -> Response {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Some(allow) = response.headers().get(ALLOW).and_then(|v| v.to_str().ok())
    {
        let mut methods: Vec<_> = allow.split(',').map(str::trim).collect();
        methods.sort_unstable();
        if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
            response.headers_mut().insert(ALLOW, value);
        }
    }
    response
}
