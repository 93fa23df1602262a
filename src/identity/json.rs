//! Identities as administrators see them (http-api.md §14.2–14.4).
use crate::base::terms::CredentialsType as Kind;
use crate::base::time::rfc3339;
use crate::model::credentials::Credential;
use crate::model::identity::{Identity, IdentityJson};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// How much of the credentials is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show<'a> {
    /// No `credentials` at all.
    Nothing,
    /// Every kind with its identifiers, with the config of these kinds.
    WithConfigOf(&'a [Kind]),
}

/// Where an identity comes from that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Just made from a body: metadata that was not given is left out, and identifiers that were not given are `null`.
    Created,
    /// Just replaced by a body: metadata that was not given is left out.
    Replaced,
    /// Read from the store. Old credentials are shown in the form of today.
    Stored,
}

/// Opens what is stored encrypted; nothing: it cannot be opened.
pub type Open<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The admin form.
#[must_use]
pub fn admin<'a>(
    identity: &'a Identity,
    schema_url: impl Into<Cow<'a, str>>,
    show: Show<'_>,
    origin: Origin,
    open: Open<'_>,
) -> IdentityJson<'a> {
    let mut out = identity.public(schema_url);
    if let Show::WithConfigOf(kinds) = show {
        let shown = if origin == Origin::Stored {
            let mut upgraded = identity.clone();
            upgraded.upgrade_credentials();
            credentials(&upgraded, kinds, origin, open)
        } else {
            credentials(identity, kinds, origin, open)
        };
        out.credentials = Some(shown).filter(|shown| !shown.is_empty());
    }
    if origin == Origin::Stored || identity.metadata_admin.is_some() {
        out.metadata_admin = Some(identity.metadata_admin.as_ref());
    }
    out
}

fn credentials(
    identity: &Identity,
    with_config: &[Kind],
    origin: Origin,
    open: Open<'_>,
) -> Map<String, Value> {
    let mut sorted: Vec<&Credential> = identity.credentials.iter().collect();
    sorted.sort_by_key(|c| c.kind.word());
    sorted
        .into_iter()
        .map(|c| {
            let wanted = with_config.contains(&c.kind);
            let config = wanted.then(|| config(c, open)).flatten();
            (c.kind.word().to_owned(), envelope(c, config, origin))
        })
        .collect()
}

fn envelope(credential: &Credential, config: Option<Value>, origin: Origin) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("type", credential.kind.word().into());
    let identifiers = if origin == Origin::Created && credential.identifiers.is_empty() {
        Value::Null
    } else {
        json!(credential.identifiers)
    };
    put("identifiers", identifiers);
    if let Some(config) = config {
        put("config", config);
    }
    put("version", credential.version.into());
    put("created_at", rfc3339(credential.created_at).into());
    put("updated_at", rfc3339(credential.updated_at).into());
    out.into()
}

/// What is stored, with tokens opened and without what nobody may see. Nothing is shown of no providers.
fn config(credential: &Credential, open: Open<'_>) -> Option<Value> {
    Some(match credential.kind {
        Kind::Oidc | Kind::Saml => {
            let blank = [Value::Null];
            let providers = match credential.config.get("providers") {
                Some(Value::Array(providers)) => providers.as_slice(),
                Some(_) => &blank,
                None => &[],
            };
            let shown: Vec<Value> = providers
                .iter()
                .map(|p| provider(p, credential.kind, open))
                .collect();
            if shown.is_empty() {
                return None;
            }
            json!({ "providers": shown })
        }
        Kind::DeviceAuthn => {
            let mut config = credential.config.clone();
            if let Some(Value::Array(keys)) = config.get_mut("credentials") {
                for key in keys.iter_mut().filter_map(Value::as_object_mut) {
                    key.shift_remove("pin");
                }
            }
            config
        }
        _ => match &credential.config {
            Value::Null => json!({}),
            config => config.clone(),
        },
    })
}

fn provider(stored: &Value, kind: Kind, open: Open<'_>) -> Value {
    let text = |key: &str| stored.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut out = Map::new();
    if kind == Kind::Oidc {
        for token in [
            "initial_id_token",
            "initial_access_token",
            "initial_refresh_token",
        ] {
            let sealed = text(token);
            let opened = if sealed.is_empty() {
                String::new()
            } else {
                open(sealed).unwrap_or_default()
            };
            out.insert(token.to_owned(), opened.into());
        }
    }
    out.insert("subject".to_owned(), text("subject").into());
    out.insert("provider".to_owned(), text("provider").into());
    if !text("organization").is_empty() {
        out.insert("organization".to_owned(), text("organization").into());
    }
    if stored.get("use_auto_link") == Some(&Value::Bool(true)) {
        out.insert("use_auto_link".to_owned(), true.into());
    }
    out.into()
}
