//! From a request to a [`Call`]: what the handlers work with.
use super::layers::body::Refused;
use super::peer::Peer;
use super::{cookies, error, headers, negotiate};
use crate::base::url::Params;
use crate::config::Config;
use crate::flow::cx::{ClientFacts, CsrfFacts, Cx, RequestFacts, SentCookie};
use crate::services::Services;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The snapshot of the configuration that a layer above has chosen for this request.
#[derive(Clone)]
pub struct Snapshot(pub Arc<Config>);

/// One request: its facts, its head, its whole body (bounded by a layer above).
pub struct Call {
    pub cx: Cx,
    pub head: Parts,
    pub body: Bytes,
    params: Vec<(String, String)>,
}

impl Call {
    /// The part of the path that the route calls so; empty if there is none.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.as_str())
    }
}

impl FromRequest<Arc<Services>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, services: &Arc<Services>) -> Result<Self, Response> {
        let (mut head, body) = request.into_parts();
        let params =
            match <RawPathParams as axum::extract::FromRequestParts<()>>::from_request_parts(
                &mut head,
                &(),
            )
            .await
            {
                Ok(params) => params
                    .iter()
                    .map(|(n, v)| (n.to_owned(), v.to_owned()))
                    .collect(),
                Err(_) => vec![],
            };
        let request_id = text(&head.headers, "x-request-id").unwrap_or_default();
        let body = read(body, &request_id).await?;
        let mut cx = Cx::new(services, RequestFacts::default());
        if let Some(Snapshot(config)) = head.extensions.get() {
            cx.config = Arc::clone(config);
        }
        cx.request = facts(&cx, &head);
        Ok(Self {
            cx,
            head,
            body,
            params,
        })
    }
}

/// The whole body; a layer above has bounded it.
async fn read(body: Body, request_id: &str) -> Result<Bytes, Response> {
    let read = axum::body::to_bytes(body, usize::MAX).await;
    read.map_err(|error| error::envelope(&Refused::of(&error).refusal(), request_id))
}

/// Everything that the request says about itself.
fn facts(cx: &Cx, head: &Parts) -> RequestFacts {
    let headers = &head.headers;
    let peer = head.extensions.get::<Peer>();
    let tls = peer.is_some_and(|p| p.tls);
    let jar = cookies::parse(headers);
    let csrf_name = cookies::csrf_name(&cx.config);
    let session_cookie = cookies::session(&cx.config, &jar, cx.now);
    let bearer = bearer(headers);
    let session_token = match (
        text(headers, "x-session-token").filter(|t| !t.is_empty()),
        &session_cookie,
    ) {
        (Some(token), _) => Some(token),
        (None, SentCookie::Readable { token, .. }) => Some(token.clone()),
        (None, _) => bearer.clone(),
    };
    RequestFacts {
        url: absolute_url(headers, &head.uri, tls),
        query: Params::parse(head.uri.query().unwrap_or("")),
        is_json: negotiate::is_json(headers),
        accepts_json: negotiate::accepts_json(headers),
        is_browser: negotiate::is_browser(headers),
        csrf: cookies::csrf(&cx.config, head, &jar),
        csrf_facts: csrf_facts(headers, &jar, &csrf_name),
        session_token,
        session_cookie,
        waiting: cookies::waiting(&cx.config, &jar, cx.now),
        bearer,
        client: client(headers, peer),
        forwardable: forwardable(&cx.config, headers, head.uri.path()),
        method: head.method.to_string(),
        headers: for_migration(&cx.config, headers, head.uri.path()),
        cookies: jar,
        request_id: text(headers, "x-request-id").unwrap_or_default(),
    }
}

/// Headers on the list of those that templates and web hooks may see.
fn forwardable(config: &Config, headers: &HeaderMap, path: &str) -> Value {
    if !path.starts_with("/self-service/") {
        return Value::Null;
    }
    let allowed = &config.clients.web_hook.header_allowlist;
    let found = allowed.iter().filter_map(|name| {
        let values: Vec<_> = headers::all(headers, name.as_str())
            .map(Cow::into_owned)
            .collect();
        (!values.is_empty()).then(|| (headers::canonical(name), json!(values)))
    });
    let sorted: BTreeMap<String, Value> = found.collect();
    sorted.into_iter().collect()
}

/// Everything that was sent with a login, for the Jsonnet of the password migration hook. To Go the host is no header.
fn for_migration(config: &Config, headers: &HeaderMap, path: &str) -> Value {
    let hook = &config.selfservice.methods.password.config.migrate_hook;
    if !hook.enabled || hook.config.request.body.is_none() || path != "/self-service/login" {
        return Value::Null;
    }
    let names = headers.keys().filter(|name| *name != header::HOST);
    let lists = names.map(|name| {
        let values: Vec<_> = headers::all(headers, name).collect();
        (headers::canonical(name.as_str()), json!(values))
    });
    lists.collect()
}

/// What the rules against forgery look at. `jar` holds the cookies, `name` is that of the anti-forgery cookie.
#[must_use]
pub fn csrf_facts(headers: &HeaderMap, jar: &[(String, String)], name: &str) -> CsrfFacts {
    let foreign = |name: &&str| !["__cf", "_cf", "cf_"].iter().any(|p| name.starts_with(p));
    CsrfFacts {
        json_body: text(headers, "content-type").is_some_and(|t| t.starts_with("application/json")),
        any_cookie: !jar.is_empty(),
        cookie_sent: jar.iter().any(|(n, _)| n == name),
        is_ajax: matches!(
            text(headers, "sec-fetch-mode").as_deref(),
            Some("cors" | "same-origin")
        ),
        has_origin: headers.get(header::ORIGIN).is_some_and(|v| !v.is_empty()),
        foreign_cookies: jar
            .iter()
            .map(|(n, _)| n.as_str())
            .filter(foreign)
            .map(str::to_owned)
            .collect(),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers::text(headers, name).map(Cow::into_owned)
}

/// `Authorization: Bearer <token>`: two parts with one blank between, the scheme in any case.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = text(headers, "authorization")?;
    let (scheme, token) = value.split_once(' ')?;
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ');
    fits.then(|| token.to_owned())
}

/// As the client called us (http-api.md §8.1): host of an absolute URI, else `X-Forwarded-Host`, else `Host`.
fn absolute_url(headers: &HeaderMap, uri: &Uri, tls: bool) -> String {
    let scheme = text(headers, "x-forwarded-proto")
        .filter(|s| s == "http" || s == "https")
        .unwrap_or_else(|| if tls { "https" } else { "http" }.to_owned());
    let named = |a: &Authority| match a.as_str().rsplit_once('@') {
        Some((_, host)) => host.to_owned(),
        None => a.to_string(),
    };
    let host = uri
        .authority()
        .map(named)
        .or_else(|| text(headers, "x-forwarded-host").filter(|h| !h.is_empty()))
        .or_else(|| text(headers, "host"))
        .unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    format!("{scheme}://{host}{path}")
}

/// Where a session is begun from (http-api.md §5.4).
fn client(headers: &HeaderMap, peer: Option<&Peer>) -> ClientFacts {
    let named = |name| text(headers, name).filter(|t| !t.is_empty());
    let address = named("true-client-ip")
        .or_else(|| named("cf-connecting-ip"))
        .or_else(|| named("x-real-ip"))
        .or_else(|| named("x-forwarded-for").and_then(|list| rightmost_public(&list)))
        .or_else(|| peer.map(|p| p.address.clone()))
        .unwrap_or_default();
    let location: Vec<_> = [named("cf-ipcity"), named("cf-ipcountry")]
        .into_iter()
        .flatten()
        .collect();
    let agents: Vec<_> = headers::all(headers, header::USER_AGENT).collect();
    ClientFacts {
        address,
        user_agent: (!agents.is_empty()).then(|| agents.join(" ")),
        location: location.join(", "),
    }
}

/// The last address of the list that is not a private one.
fn rightmost_public(list: &str) -> Option<String> {
    list.split(',')
        .rev()
        .map(str::trim)
        .find(|a| a.parse().is_ok_and(crate::outbound::is_public))
        .map(str::to_owned)
}
