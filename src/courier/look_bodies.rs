//! A look at the gateways that a configuration names, before it counts: what is wrong with them would otherwise show in
//! the log of somebody who waits for a code.
use super::channel::Bodies;
use crate::config::courier::DeliveryStrategy;
use crate::config::request::RequestConfig;
use crate::config::{Finding, Loaded};
use crate::jsonnet::JsonnetPool;
use crate::outbound::call::Call;
use crate::resource::Resources;
use crate::resource::look::look_at_request;
use time::OffsetDateTime;

/// What is wrong with the requests of a configuration.
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
        let (request, usual) = ((at.as_str(), request), bodies.usual_method());
        let look = look_at_request(loaded, (resources, jsonnet), request, Call::new, usual, now);
        findings.extend(look.await);
    }
    findings
}
