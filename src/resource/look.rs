//! A look at a request that a configuration describes, before it counts: one that can never be made, and a Jsonnet that
//! cannot be read, are mistakes that would otherwise show when somebody waits for what it brings.
use super::Resources;
use super::snippet::source;
use crate::config::request::RequestConfig;
use crate::config::{Finding, Loaded};
use crate::jsonnet::{JsonnetError, JsonnetPool};
use crate::outbound::call::{Call, CallError};
use crate::outbound::{Method, Policy};
use time::OffsetDateTime;
use url::Url;

/// What is wrong with the request that stands at the pointer `at`. A Jsonnet that is out of reach is only warned of: it
/// may be back when it is needed.
pub async fn look_at_request(
    loaded: &Loaded,
    (resources, jsonnet): (&Resources, &JsonnetPool),
    (at, request): (&str, &RequestConfig),
    make: impl FnOnce(&RequestConfig, Method) -> Result<Call, CallError>,
    usual: Method,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut findings = vec![];
    let url = request.url.as_str();
    if !url.is_empty()
        && let Err(error) = Url::parse(url)
    {
        let text = format!("this is no address: {error}");
        findings.push(loaded.finding(&format!("{at}/url"), &text));
    }
    if let Err(error) = make(request, usual) {
        let key = match &error {
            CallError::Method => "/method",
            CallError::Header(_) | CallError::ContentType => "/headers",
            CallError::Key | CallError::Form => "/auth",
        };
        findings.push(loaded.finding(&format!("{at}{key}"), &error.to_string()));
    }
    let Some(uri) = request.body.as_deref().filter(|uri| !uri.is_empty()) else {
        return findings;
    };
    let at = format!("{at}/body");
    let policy = Policy::from(&loaded.config.clients.http);
    let key = at.trim_start_matches('/').replace('/', ".");
    match source(resources, &policy, uri, now).await {
        Ok(snippet) => match jsonnet.check(&snippet).await {
            Ok(slips) => {
                for slip in slips {
                    let place = format!("{}, {slip}", super::shown(uri));
                    tracing::warn!(key, place, "a Jsonnet will fail where this is reached");
                }
            }
            Err(JsonnetError::Failed(text)) => {
                let text = format!("{}, {text}", super::shown(uri));
                findings.push(loaded.finding(&at, &text));
            }
            // It may be fine all the same.
            Err(error) => {
                let error = error.to_string();
                tracing::warn!(key, error, "a Jsonnet cannot be checked");
            }
        },
        Err(error) if super::is_remote(uri) => {
            let error = error.to_string();
            tracing::warn!(key, error, "a Jsonnet is out of reach");
        }
        Err(error) => {
            let text = format!("{}: {error}", super::shown(uri));
            findings.push(loaded.finding(&at, &text));
        }
    }
    findings
}
