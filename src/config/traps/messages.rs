//! Messages that cannot go out: no server, no gateway, no method that writes them.
use super::Collector;
use super::values::repeated;
use crate::base::terms::{FlowKind, Via};
use crate::config::Config;
use crate::config::courier::DeliveryStrategy;
use crate::config::relay::{Relay, Unheard};

pub(super) fn courier(config: &Config, out: &mut Collector<'_>) {
    let courier = &config.courier;
    gateways(config, out);
    server(config, out);
    let (count, batch) = (courier.worker.pull_count, courier.worker.batch());
    let pointer = "/courier/worker/pull_count";
    if batch == 0 {
        let text = format!("{count} counts as 0: no message ever goes out");
        out.warn(pointer, text, "write 1 to 255");
    } else if i64::from(batch) != count {
        let text = format!("{count} counts as {batch}");
        out.warn(pointer, text, "write 1 to 255");
    }
    if courier.message_retries < 0 {
        let text = "is negative: every message is given up before its first attempt";
        out.warn("/courier/message_retries", text, "write 0 or more");
    }
}

/// Items of lists get no defaults from the schema.
fn gateways(config: &Config, out: &mut Collector<'_>) {
    let courier = &config.courier;
    for (index, channel) in courier.channels.iter().enumerate() {
        let at = format!("/courier/channels/{index}/request_config");
        let fails = |what: &str| format!("has no {what}: every message of this channel fails");
        if channel.request_config.url.is_empty() {
            out.warn(&at, fails("url"), "set url");
        }
        if channel.request_config.method.is_none() {
            out.warn(&at, "has no method: a GET is sent", "set method: POST");
        }
        if channel.request_config.body.is_none() {
            out.warn(&at, fails("body"), "set body");
        }
    }
    let ids = courier.channels.iter().map(|channel| channel.id.as_str());
    repeated("/courier/channels", "channel", ids.collect(), out);
    let is_by_http = courier.delivery_strategy == DeliveryStrategy::Http;
    // A channel of that name takes the mails.
    let has_channel = |name: &str| courier.channels.iter().any(|channel| channel.id == name);
    if is_by_http && courier.http.request_config.url.is_empty() && !has_channel(Via::Email.word()) {
        let text = "has no url: every mail fails";
        let remedy = "set url, or delivery_strategy: smtp";
        out.warn("/courier/http/request_config", text, remedy);
    }
}

/// The mail server.
fn server(config: &Config, out: &mut Collector<'_>) {
    const POINTER: &str = "/courier/smtp/connection_uri";
    let courier = &config.courier;
    let flows = &config.selfservice.flows;
    let writes = flows.recovery.enabled || flows.verification.enabled;
    let by_smtp = courier.delivery_strategy == DeliveryStrategy::Smtp;
    let Some(uri) = &courier.smtp.connection_uri else {
        if writes && by_smtp && !config.dev {
            let text = format!("is not set: no {} can be sent", Via::Email);
            out.warn(POINTER, text, "set it to smtp://host:port/");
        }
        return;
    };
    for unheard in Relay::unheard(uri.expose()) {
        match unheard {
            Unheard::Parameter(Some(near)) => out.warn(
                POINTER,
                "has a parameter that there is not",
                &format!("did you mean `{near}`?"),
            ),
            Unheard::Parameter(None) => out.warn(
                POINTER,
                "has a parameter that there is not",
                "there are disable_starttls, skip_ssl_verify and server_name",
            ),
            Unheard::Truth(name) => {
                let text = format!("{name} is neither true nor false and counts as false");
                out.warn(POINTER, text, "write true or false");
            }
            Unheard::SkipsNothing => out.warn(
                POINTER,
                "skip_ssl_verify does nothing beside disable_starttls: if the server offers TLS its certificate is \
                 looked at",
                "leave disable_starttls out where the server has TLS",
            ),
        }
    }
}

/// Recovery and verification write by one method, which has to be there.
pub(super) fn means(config: &Config, out: &mut Collector<'_>) {
    let flows = &config.selfservice.flows;
    for (kind, send_by) in [
        (FlowKind::Recovery, flows.recovery.r#use),
        (FlowKind::Verification, flows.verification.r#use),
    ] {
        let (word, method) = (send_by.word(), send_by.method());
        if flows.enabled(kind) && !config.method_enabled(method) {
            let text = format!("is {word}, which is not enabled: nothing can be sent");
            let remedy = format!("set selfservice.methods.{word}.enabled to true");
            out.warn(&format!("/selfservice/flows/{kind}/use"), text, &remedy);
        }
    }
}
