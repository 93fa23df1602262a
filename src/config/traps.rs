//! What the reference ignores or misreads without a word. The behaviour is the same here; the silence is not.
mod messages;
mod values;

use super::finding::Warning;
use super::hint::nearest;
use super::load::Flag;
use super::node::{Kind, Node, Origin, Origins, escape};
use super::secrets::HashAlgorithm;
use super::selfservice::After;
use super::{Config, SameSite, hook::HookSpec, schema, unbuilt};
use crate::base::terms::FlowKind;
use serde_json::Value;

/// The release of the reference whose keys these are.
const BASELINE: &str = "v26.2.0";

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

pub(super) struct Collector<'a> {
    given: &'a Value,
    origins: &'a Origins,
    warnings: Vec<Warning>,
}

impl Collector<'_> {
    pub(super) fn warn(&mut self, pointer: &str, message: impl Into<String>, remedy: &str) {
        self.warnings.push(Warning {
            origin: self.origins.key(pointer).cloned(),
            key: super::node::dotted(pointer),
            message: message.into(),
            remedy: remedy.to_owned(),
        });
    }
    /// What somebody wrote there.
    pub(super) fn given(&self, pointer: &str) -> Option<&Value> {
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
    version(config, &mut out);
    without_effect(&mut out);
    unknown(&schema::SCHEMA, given, &mut String::new(), &mut out);
    hooks(config, &mut out);
    cookies(config, &mut out);
    secrets(config, &mut out);
    values::returns(config, &mut out);
    values::lists(config, &mut out);
    values::parties(config, &mut out);
    values::migration(config, &mut out);
    messages::courier(config, &mut out);
    messages::means(config, &mut out);
    unbuilt::keys(&mut out);
    out.warnings
}

/// A file that was written for another release may mean something else by its keys.
fn version(config: &Config, out: &mut Collector<'_>) {
    let has_file = matches!(out.origins.key(""), Some(Origin::File { .. }));
    match config.version.as_deref().filter(|given| !given.is_empty()) {
        Some(given) if given.trim_start_matches('v') != BASELINE.trim_start_matches('v') => {
            let text = format!("{given:?} is not the release whose keys are read here");
            let remedy = format!("compare the file with {BASELINE}, then write that");
            out.warn("/version", text, &remedy);
        }
        None if has_file => {
            let text = "is not set: nobody can tell for which release the file was written";
            out.warn("/version", text, &format!("write version: {BASELINE}"));
        }
        _ => {}
    }
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
        unbuilt::hook(hook, &at, out);
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
    let is_plain = config.public_url().starts_with("http://");
    if is_plain && (session.secure || config.plain_cookie().secure) {
        let text = "begins with http, but cookies are marked for https only: browsers do not send them back";
        out.warn(
            "/serve/public/base_url",
            text,
            "write https; to develop without TLS, start `kratos serve` with --dev",
        );
    }
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
