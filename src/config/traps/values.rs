//! Values that say something else than they seem to: addresses that allow nothing, entries that hide others, methods that
//! cannot work.
use super::Collector;
use crate::base::domain;
use crate::base::terms::FlowKind;
use crate::config::node::escape;
use crate::config::{Config, format};

/// Addresses that are passed over when somebody asks for them.
pub(super) fn returns(config: &Config, out: &mut Collector<'_>) {
    for (index, url) in config.selfservice.allowed_return_urls.iter().enumerate() {
        let pointer = format!("/selfservice/allowed_return_urls/{index}");
        if !url.is_empty() && !format::is_request_uri(url) {
            out.warn(
                &pointer,
                "is no address and allows nothing",
                "write scheme, host and path",
            );
        } else if is_unbounded(url) && !config.feature_flags.legacy_allow_insecure_origins {
            out.warn(
                &pointer,
                "has a wildcard without bounds and allows nothing",
                "write *.example.org",
            );
        }
    }
    for kind in FlowKind::ALL {
        let after = config.selfservice.flows.after(*kind);
        let at = format!("/selfservice/flows/{kind}/after");
        let own = after
            .methods
            .iter()
            .map(|(method, own)| (format!("{at}/{method}"), &own.default_browser_return_url));
        for (at, url) in own.chain([(at.clone(), &after.default_browser_return_url)]) {
            if url
                .as_deref()
                .is_some_and(|url| !format::is_request_uri(url))
            {
                let text =
                    "is neither an absolute address nor a path from the root, and is passed over";
                out.warn(
                    &format!("{at}/default_browser_return_url"),
                    text,
                    "write an absolute address",
                );
            }
        }
    }
}

/// Whether the star in its host, if there is one, could stand for hosts of anybody: then the entry allows nothing.
fn is_unbounded(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !domain::is_bounded(host)
}

/// Items of lists get no defaults from the schema.
pub(super) fn lists(config: &Config, out: &mut Collector<'_>) {
    for (name, template) in &config.session.whoami.tokenizer.templates {
        if template.ttl.is_zero() {
            let pointer = format!("/session/whoami/tokenizer/templates/{}", escape(name));
            out.warn(
                &pointer,
                "has no ttl: its tokens are born expired",
                "set ttl, for example to 1m",
            );
        }
    }
    let identity = &config.identity;
    let providers = &config.selfservice.methods.oidc.config.providers;
    let schemas = identity.schemas.iter().map(|schema| schema.id.as_str());
    repeated("/identity/schemas", "schema", schemas.collect(), out);
    let providers = providers.iter().map(|provider| provider.id.as_str());
    let pointer = "/selfservice/methods/oidc/config/providers";
    repeated(pointer, "provider", providers.collect(), out);
}

/// Of several entries with one id only the first counts.
pub(super) fn repeated(pointer: &str, what: &str, ids: Vec<&str>, out: &mut Collector<'_>) {
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].contains(id) {
            let pointer = format!("{pointer}/{index}/id");
            let text = format!("another {what} has this id; the first one counts");
            out.warn(&pointer, text, "rename one");
        }
    }
}

/// Methods that need to know for whom keys are made.
pub(super) fn parties(config: &Config, out: &mut Collector<'_>) {
    for (name, on, party) in [
        (
            "webauthn",
            config.selfservice.methods.webauthn.enabled,
            &config.selfservice.methods.webauthn.config.rp,
        ),
        (
            "passkey",
            config.selfservice.methods.passkey.enabled,
            &config.selfservice.methods.passkey.config.rp,
        ),
    ] {
        if on && party.id.is_empty() {
            let pointer = format!("/selfservice/methods/{name}/config/rp");
            out.warn(
                &pointer,
                "has no id: the method cannot work",
                "set id and display_name",
            );
        }
    }
}

/// Passwords that another system knows, and nobody says which.
pub(super) fn migration(config: &Config, out: &mut Collector<'_>) {
    let hook = &config.selfservice.methods.password.config.migrate_hook;
    if hook.enabled && hook.config.request.url.is_empty() {
        let pointer = "/selfservice/methods/password/config/migrate_hook/config";
        let text = "has no url: nobody whose password is elsewhere can sign in";
        out.warn(pointer, text, "set url");
    }
}
