//! A look at the gateways that a configuration names, before it counts: a request that can never be made, and a Jsonnet
//! that cannot be read, are mistakes that would otherwise show in the log of somebody who waits for a code.
use super::channel::Bodies;
use super::channel::http::source;
use crate::config::courier::DeliveryStrategy;
use crate::config::request::RequestConfig;
use crate::config::{Finding, Loaded};
use crate::jsonnet::{JsonnetError, JsonnetPool};
use crate::outbound::Policy;
use crate::outbound::call::{Call, CallError};
use crate::resource::{self, Resources};
use time::OffsetDateTime;
use url::Url;

/// What is wrong with the requests of a configuration. A Jsonnet that is out of reach is only warned of: it may be back
/// when it is needed.
pub async fn look_at_gateways(
    loaded: &Loaded,
    resources: &Resources,
    jsonnet: &JsonnetPool,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let courier = &loaded.config.courier;
    let mut gateways: Vec<(String, &RequestConfig, Bodies)> = vec![];
    for (index, channel) in courier.channels.iter().enumerate() {
        let at = format!("/courier/channels/{index}/request_config");
        gateways.push((at, &channel.request_config, Bodies::Own));
    }
    if courier.delivery_strategy == DeliveryStrategy::Http {
        let at = "/courier/http/request_config".to_owned();
        gateways.push((at, &courier.http.request_config, Bodies::BuiltIn));
    }
    let mut findings = vec![];
    if let Err((key, text)) = super::channel::smtp::tls::check(&courier.smtp) {
        findings.push(loaded.finding(&format!("/courier/smtp/{key}"), &text));
    }
    for (at, request, bodies) in gateways {
        let url = request.url.as_str();
        if !url.is_empty()
            && let Err(error) = Url::parse(url)
        {
            let text = format!("this is no address: {error}");
            findings.push(loaded.finding(&format!("{at}/url"), &text));
        }
        if let Err(error) = Call::new(request, bodies.usual_method()) {
            let key = match &error {
                CallError::Method => "/method",
                CallError::Header(_) | CallError::ContentType => "/headers",
                CallError::Key | CallError::Form => "/auth",
            };
            findings.push(loaded.finding(&format!("{at}{key}"), &error.to_string()));
        }
        let Some(uri) = request.body.as_deref().filter(|uri| !uri.is_empty()) else {
            continue;
        };
        let at = format!("{at}/body");
        let policy = Policy::from(&loaded.config.clients.http);
        let is_far = uri.starts_with("http://") || uri.starts_with("https://");
        let key = at.trim_start_matches('/').replace('/', ".");
        match source(resources, &policy, uri, now).await {
            Ok(snippet) => match jsonnet.check(&snippet).await {
                Ok(()) => {}
                Err(JsonnetError::Failed(text)) => {
                    let text = format!("{}, {text}", resource::shown(uri));
                    findings.push(loaded.finding(&at, &text));
                }
                // It may be fine all the same.
                Err(error) => {
                    tracing::warn!(
                        key,
                        error = error.to_string(),
                        "a Jsonnet cannot be checked"
                    );
                }
            },
            Err(error) if is_far => {
                tracing::warn!(key, error = error.to_string(), "a Jsonnet is out of reach");
            }
            Err(error) => {
                let text = format!("{}: {error}", resource::shown(uri));
                findings.push(loaded.finding(&at, &text));
            }
        }
    }
    findings
}
