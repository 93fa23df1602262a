//! What the reference ignores or misreads without a word. The behaviour is the same here; the silence is not.
use super::finding::Warning;
use super::hint::nearest;
use super::load::Flag;
use super::node::{Kind, Node, Origins, escape};
use super::secrets::HashAlgorithm;
use super::selfservice::After;
use super::{Config, SameSite, courier, format, hook::HookSpec, schema};
use crate::base::terms::{FlowKind, Via};
use serde_json::Value;

/// A file's value that a flag hides although nobody typed the flag.
pub(super) fn hidden_by_flag(flag: &Flag, place: &Node, warnings: &mut Vec<Warning>) {
    if flag.given || matches!(&place.kind, Kind::Leaf(old) if old.is_null() || *old == flag.value) {
        return;
    }
    let variable = flag.name.to_uppercase().replace('.', "_");
    warnings.push(Warning {
        origin: Some(place.key.clone()),
        key: flag.name.to_owned(),
        message: "has no effect in a file".to_owned(),
        remedy: format!(
            "use the flag --{} or the environment variable {variable}",
            flag.name
        ),
    });
}

struct Collector<'a> {
    given: &'a Value,
    origins: &'a Origins,
    warnings: Vec<Warning>,
}

impl Collector<'_> {
    fn warn(&mut self, pointer: &str, message: impl Into<String>, remedy: &str) {
        self.warnings.push(Warning {
            origin: self.origins.key(pointer).cloned(),
            key: super::node::dotted(pointer),
            message: message.into(),
            remedy: remedy.to_owned(),
        });
    }
    /// What somebody wrote there.
    fn given(&self, pointer: &str) -> Option<&Value> {
        self.given.pointer(pointer)
    }
}

/// Everything odd. `given` is what was written, without defaults.
pub(super) fn warnings(config: &Config, given: &Value, origins: &Origins) -> Vec<Warning> {
    let mut out = Collector {
        given,
        origins,
        warnings: Vec::new(),
    };
    without_effect(&mut out);
    unknown(&schema::SCHEMA, given, &mut String::new(), &mut out);
    hooks(config, &mut out);
    cookies(config, &mut out);
    secrets(config, &mut out);
    returns(config, &mut out);
    lists(config, &mut out);
    messages(config, &mut out);
    out.warnings
}

/// Keys that are accepted and never read.
fn without_effect(out: &mut Collector<'_>) {
    const KEYS: &[(&str, &str)] = &[
        (
            "/organizations",
            "remove it; see selfservice.methods.b2b.config.organizations",
        ),
        ("/enterprise", "remove it"),
        ("/preview", "remove it"),
        (
            "/database/cleanup/older_than",
            "use the flag --keep-last of cleanup sql",
        ),
        (
            "/selfservice/methods/link/config/base_url",
            "remove it; links begin with serve.public.base_url",
        ),
        ("/selfservice/methods/webauthn/config/rp/icon", "remove it"),
        (
            "/feature_flags/password_profile_registration_node_group",
            "remove it",
        ),
        (
            "/courier/templates/recovery/valid/sms",
            "use courier.templates.recovery_code",
        ),
        (
            "/courier/templates/verification/valid/sms",
            "use courier.templates.verification_code",
        ),
    ];
    for (pointer, remedy) in KEYS {
        let empty = |value: &Value| matches!(value, Value::Array(items) if items.is_empty());
        if out.given(pointer).is_some_and(|value| !empty(value)) {
            out.warn(pointer, "has no effect", remedy);
        }
    }
    let one_step = "/selfservice/flows/registration/enable_legacy_one_step";
    if out.given(one_step) == Some(&Value::Bool(true)) {
        let text = "is an older word and wins over selfservice.flows.registration.style";
        out.warn(one_step, text, "write style: unified instead");
    }
    if out
        .given("/feature_flags")
        .is_some_and(|flags| !flags.is_object())
    {
        out.warn(
            "/feature_flags",
            "is no map and counts as empty",
            "write a map of keys and values",
        );
    }
}

/// Keys that nobody knows in maps that the schema leaves open.
fn unknown(node: &Value, value: &Value, pointer: &mut String, out: &mut Collector<'_>) {
    let node = schema::resolve(node);
    let length = pointer.len();
    match value {
        Value::Object(entries) => {
            let Some(known) = schema::properties(node) else {
                return;
            };
            let open = node
                .get("additionalProperties")
                .is_none_or(|rule| rule == true)
                && node.get("patternProperties").is_none();
            for (key, value) in entries {
                pointer.push('/');
                pointer.push_str(&escape(key));
                match known.get(key) {
                    Some(property) => unknown(property, value, pointer, out),
                    None if open => {
                        let near = nearest(key, known.keys().map(String::as_str));
                        let remedy = near.map_or("remove it".to_owned(), |near| {
                            format!("did you mean `{near}`?")
                        });
                        out.warn(pointer, "there is no such key; it is ignored", &remedy);
                    }
                    None => {}
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            let Some(kind) = node.get("items") else {
                return;
            };
            for (index, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                unknown(kind, item, pointer, out);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

fn hooks(config: &Config, out: &mut Collector<'_>) {
    for kind in FlowKind::ALL {
        let flows = &config.selfservice.flows;
        let at = format!("/selfservice/flows/{kind}");
        list(&flows.before(*kind).hooks, &format!("{at}/before"), out);
        after(flows.after(*kind), &format!("{at}/after"), out);
    }
}

fn after(after: &After, at: &str, out: &mut Collector<'_>) {
    list(&after.hooks, at, out);
    for (method, own) in &after.methods {
        list(&own.hooks, &format!("{at}/{method}"), out);
        if !own.hooks.is_empty() && !after.hooks.is_empty() {
            let text = "hides the hooks for all methods: those do not run here";
            out.warn(
                &format!("{at}/{method}/hooks"),
                text,
                "repeat them in this list",
            );
        }
    }
}

fn list(hooks: &[HookSpec], at: &str, out: &mut Collector<'_>) {
    for (index, hook) in hooks.iter().enumerate() {
        let at = format!("{at}/hooks/{index}");
        match hook {
            HookSpec::Organization => out.warn(&at, "this hook does nothing here", "remove it"),
            HookSpec::WebHook(hook) => {
                let bare = hook
                    .body
                    .as_deref()
                    .is_some_and(|body| !body.contains("://"));
                if bare {
                    let text = "is a bare path, which is an older way to name a file";
                    out.warn(&format!("{at}/config/body"), text, "write file:// in front");
                }
                if hook.can_interrupt {
                    let text = "is an older word for response.parse";
                    out.warn(
                        &format!("{at}/config/can_interrupt"),
                        text,
                        "write response: {parse: true}",
                    );
                }
            }
            _ => {}
        }
    }
}

fn cookies(config: &Config, out: &mut Collector<'_>) {
    for pointer in ["/cookies/secure", "/session/cookie/secure"] {
        let word = out.given(pointer).and_then(Value::as_str);
        if word.is_some_and(|word| !matches!(word, "true" | "false" | "1" | "0")) {
            out.warn(
                pointer,
                "is neither true nor false and counts as false",
                "write \"true\" or \"false\"",
            );
        }
    }
    let session = config.session_cookie();
    if session.same_site == SameSite::None && !session.secure {
        let text = "browsers drop cookies with SameSite=None that are not secure";
        out.warn(
            "/session/cookie/same_site",
            text,
            "set session.cookie.secure to \"true\"",
        );
    }
}

fn secrets(config: &Config, out: &mut Collector<'_>) {
    let none = |pointer: &str| {
        out.given(pointer)
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
    };
    if none("/secrets/default") && none("/secrets/cookie") {
        let text = "is not set: sessions, codes and links end with this process";
        out.warn(
            "/secrets/cookie",
            text,
            "set a secret of at least 16 characters",
        );
    }
    let short = config.secrets.cipher.len() - config.secrets_cipher().len();
    if short > 0 {
        let text = format!("{short} of the entries have not 32 bytes and are left out");
        out.warn("/secrets/cipher", text, "use ASCII characters only");
    }
    let cost = config.hashers.bcrypt.cost;
    if config.hashers.algorithm == HashAlgorithm::Bcrypt && cost < config.bcrypt_cost() {
        let text = format!(
            "{cost} counts as {} outside of development",
            config.bcrypt_cost()
        );
        out.warn("/hashers/bcrypt/cost", text, "write 12 or more");
    }
}

/// Addresses that are passed over when somebody asks for them.
fn returns(config: &Config, out: &mut Collector<'_>) {
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

/// `*`, `*foo.com`, `*.com`, `a.*.com`: a star in a host that is not a whole first label before two others.
fn is_unbounded(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    match host.strip_prefix("*.") {
        Some(rest) => rest.contains('*') || !rest.contains('.'),
        None => host.contains('*'),
    }
}

/// Items of lists get no defaults from the schema.
fn lists(config: &Config, out: &mut Collector<'_>) {
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
    for (index, channel) in config.courier.channels.iter().enumerate() {
        let at = format!("/courier/channels/{index}/request_config");
        if channel.request_config.method.is_none() {
            out.warn(&at, "has no method: a GET is sent", "set method: POST");
        }
        if channel.request_config.body.is_none() {
            out.warn(
                &at,
                "has no body: every message of this channel fails",
                "set body",
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
fn repeated(pointer: &str, what: &str, ids: Vec<&str>, out: &mut Collector<'_>) {
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].contains(id) {
            let pointer = format!("{pointer}/{index}/id");
            let text = format!("another {what} has this id; the first one counts");
            out.warn(&pointer, text, "rename one");
        }
    }
}

fn messages(config: &Config, out: &mut Collector<'_>) {
    let courier = &config.courier;
    let flows = &config.selfservice.flows;
    let writes = flows.recovery.enabled || flows.verification.enabled;
    let by_smtp = courier.delivery_strategy == courier::DeliveryStrategy::Smtp;
    if writes && by_smtp && courier.smtp.connection_uri.is_none() {
        let text = format!("is not set: no {} can be sent", Via::Email);
        out.warn(
            "/courier/smtp/connection_uri",
            text,
            "set it to smtp://host:port/",
        );
    }
    let count = courier.worker.pull_count;
    if i64::from(courier.worker.batch()) != count {
        let text = format!("{count} counts as {}", courier.worker.batch());
        out.warn("/courier/worker/pull_count", text, "write 1 to 255");
    }
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
