//! What is written down about every request: two lines in the log (config-cli.md §5.3), and the metrics (§5.2).
//!
//! A client that goes away before its answer is recorded with status 499, as the reference does.
use crate::config::Config;
use crate::http::front::Side;
use crate::http::peer::Peer;
use crate::services::Services;
use crate::telemetry::logs::request::{RequestLine, ResponseLine, Shown};
use crate::telemetry::metrics::{Sample, endpoint};
use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request};
use axum::http::header::HOST;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A client that is gone.
const GONE: u16 = 499;

/// A request that is being answered. Dropped without [`Entry::end`], its client went away.
pub struct Entry {
    services: Arc<Services>,
    began: Instant,
    method: Method,
    request_size: u64,
    /// For the log; `None` if it wants nothing.
    shown: Option<Shown>,
    ended: bool,
}

impl Entry {
    /// Logs that the request has come.
    #[must_use]
    pub fn begin(side: Side, services: &Arc<Services>, config: &Config, request: &Request) -> Self {
        let began = Instant::now();
        let quiet = is_quiet(side, config, request.uri().path());
        let shown = Shown::new(&line(request), quiet);
        if let Some(shown) = &shown {
            shown.started();
        }
        Self {
            services: Arc::clone(services),
            began,
            method: request.method().clone(),
            request_size: approximate_size(request),
            shown,
            ended: false,
        }
    }

    /// Logs and counts the answer.
    pub fn end(mut self, response: &Response) {
        self.ended = true;
        let route = response
            .extensions()
            .get::<MatchedPath>()
            .map_or("", MatchedPath::as_str);
        let size = response.body().size_hint().lower();
        self.record(response.status().as_u16(), route, size, response.headers());
    }

    fn record(&self, status: u16, route: &str, size: u64, headers: &HeaderMap) {
        let took = self.began.elapsed();
        let label = if route.contains('{') {
            endpoint(route).into()
        } else {
            Cow::Borrowed(route)
        };
        self.services.metrics.answered(&Sample {
            method: self.method.as_str(),
            endpoint: &label,
            status,
            took,
            request_size: self.request_size,
            response_size: size,
        });
        if let Some(shown) = &self.shown {
            shown.completed(&ResponseLine {
                status,
                size,
                took,
                took_external: Duration::ZERO,
                headers,
            });
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.record(GONE, "", 0, &HeaderMap::new());
        }
    }
}

/// What the log shows of it.
fn line(request: &Request) -> RequestLine<'_> {
    let (uri, headers) = (request.uri(), request.headers());
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let peer = request.extensions().get::<Peer>();
    let remote = text("x-real-ip").filter(|ip| !ip.is_empty());
    let authority = uri.authority().map(axum::http::uri::Authority::as_str);
    RequestLine {
        remote: remote
            .or(peer.map(|p| p.address.as_str()))
            .unwrap_or_default(),
        method: request.method().as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        scheme: if peer.is_some_and(|p| p.tls) {
            "https"
        } else {
            "http"
        },
        host: authority
            .or_else(|| text(HOST.as_str()))
            .unwrap_or_default(),
        headers,
    }
}

/// The configuration may ask not to be told about probes. As in the reference, on the admin listener only those count
/// that name the prefix.
fn is_quiet(side: Side, config: &Config, path: &str) -> bool {
    match side {
        Side::Public => {
            config.serve.public.request_log.disable_for_health
                && matches!(path, "/health/alive" | "/health/ready")
        }
        Side::Admin => {
            config.serve.admin.request_log.disable_for_health
                && matches!(
                    path,
                    "/admin/health/alive" | "/admin/health/ready" | "/admin/metrics/prometheus"
                )
        }
    }
}

/// Bytes of the request line, the headers and the body, about.
fn approximate_size(request: &Request) -> u64 {
    let headers: usize = request
        .headers()
        .iter()
        .map(|(n, v)| n.as_str().len() + v.len())
        .sum();
    let uri = request.uri();
    let target = uri.path().len() + uri.query().map_or(0, |q| q.len() + 1);
    let head = target + request.method().as_str().len() + "HTTP/1.1".len() + headers;
    u64::try_from(head)
        .unwrap_or(u64::MAX)
        .saturating_add(request.body().size_hint().lower())
}
