//! What a schema cannot say: rules between keys, and texts that have to be readable.
use super::dsn::Dsn;
use super::finding::Finding;
use super::node::Origins;
use super::relay::Relay;
use super::secrets::CipherAlgorithm;
use super::serve::Tls;
use super::{Config, format, hint};
use crate::base::terms::FlowKind;

/// Reasons not to start that are left when the schema is content.
pub(super) fn check(config: &Config, origins: &Origins) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut refuse = |pointer: &str, text: &str| {
        findings.push(Finding::new(origins.value(pointer).cloned(), pointer, text));
    };
    if let Err(bad) = Dsn::parse(config.dsn.expose()) {
        refuse("/dsn", &bad.to_string());
    }
    let identity = &config.identity;
    if identity.default_schema().is_none() {
        let ids: Vec<_> = identity.schemas.iter().map(|s| s.id.as_str()).collect();
        let text = hint::none_of(
            &format!("`{}`", identity.default_schema_id),
            Some(&identity.default_schema_id),
            &ids,
        );
        refuse("/identity/default_schema_id", &text);
    }
    pages(config, &mut refuse);
    cookies(config, &mut refuse);
    for (name, tls) in [
        ("public", &config.serve.public.tls),
        ("admin", &config.serve.admin.tls),
    ] {
        certificate(name, tls, &mut refuse);
    }
    let relay = config.courier.smtp.connection_uri.as_ref();
    if let Some(relay) = relay.filter(|relay| !relay.expose().is_empty())
        && let Err(bad) = Relay::parse(relay.expose())
    {
        refuse("/courier/smtp/connection_uri", &bad.to_string());
    }
    let smtp = &config.courier.smtp;
    for (given, path, missing) in [
        ("client_key_path", &smtp.client_key_path, "client_cert_path"),
        (
            "client_cert_path",
            &smtp.client_cert_path,
            "client_key_path",
        ),
    ] {
        let other = if missing == "client_cert_path" {
            &smtp.client_cert_path
        } else {
            &smtp.client_key_path
        };
        if !path.is_empty() && other.is_empty() {
            let text = format!("a certificate and its key come together: {missing} is missing");
            refuse(&format!("/courier/smtp/{given}"), &text);
        }
    }
    let encrypts = config.ciphers.algorithm != CipherAlgorithm::Noop;
    if encrypts && config.secrets_cipher().is_empty() {
        refuse(
            "/secrets/cipher",
            "no entry has 32 bytes: letters beyond ASCII take more than one",
        );
    }
    for (index, network) in config.extensions.trusted_proxies.iter().enumerate() {
        if super::extensions::network(network).is_none() {
            let pointer = format!("/extensions/trusted_proxies/{index}");
            refuse(
                &pointer,
                "is neither an address nor a network such as 10.0.0.0/8",
            );
        }
    }
    findings
}

/// Addresses that browsers are sent to: absolute, or a path from the root.
fn pages(config: &Config, refuse: &mut impl FnMut(&str, &str)) {
    const WANTED: &str = "is neither an absolute address nor a path that begins with a slash";
    let flows = &config.selfservice.flows;
    for kind in FlowKind::ALL {
        if !format::is_request_uri(flows.ui_url(*kind)) {
            refuse(&format!("/selfservice/flows/{kind}/ui_url"), WANTED);
        }
    }
    if !format::is_request_uri(&flows.error.ui_url) {
        refuse("/selfservice/flows/error/ui_url", WANTED);
    }
    if !format::is_request_uri(&config.selfservice.default_browser_return_url) {
        refuse("/selfservice/default_browser_return_url", WANTED);
    }
}

/// What browsers would read as something else, or not at all (RFC 6265 §4.1.1).
fn cookies(config: &Config, refuse: &mut impl FnMut(&str, &str)) {
    let own = &config.session.cookie;
    let is_token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c);
    if !own.name.chars().all(is_token) {
        let text = "a cookie's name has letters, digits, and none of the characters that separate";
        refuse("/session/cookie/name", text);
    }
    for (pointer, text) in [
        ("/cookies/path", Some(&config.cookies.path)),
        ("/cookies/domain", Some(&config.cookies.domain)),
        ("/session/cookie/path", own.path.as_ref()),
        ("/session/cookie/domain", own.domain.as_ref()),
    ] {
        let ends = |c: char| c.is_control() || c == ';';
        if text.is_some_and(|text| text.contains(ends)) {
            refuse(pointer, "a semicolon would end it inside of the cookie");
        }
    }
}

fn certificate(name: &str, tls: &Tls, refuse: &mut impl FnMut(&str, &str)) {
    if tls.cert.is_set() != tls.key.is_set() {
        let missing = if tls.cert.is_set() { "key" } else { "cert" };
        let text = format!("a certificate and its key come together: {missing} is missing");
        refuse(&format!("/serve/{name}/tls"), &text);
    }
}
