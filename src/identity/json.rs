//! An identity as administrators read it (http-api.md §14.2–14.4).
use crate::base::terms::CredentialsType;
use crate::base::time::rfc3339;
use crate::model::credentials::Credential;
use crate::model::identity::Identity;
use serde_json::{Map, Value, json};

/// Just made: with credentials, without what they hold; admin metadata only if there is some.
#[must_use]
pub fn created(identity: &Identity, schema_url: &str) -> Map<String, Value> {
    let mut out = identity.json(schema_url);
    if let Some(metadata) = &identity.metadata_admin {
        out.insert("metadata_admin".into(), metadata.clone());
    }
    out.insert(
        "credentials".into(),
        credentials(identity, |c| envelope(c, c.version)).into(),
    );
    out
}

/// As loaded; `configs`: show credentials, and what those of these kinds hold.
#[must_use]
pub fn admin(
    identity: &Identity,
    schema_url: &str,
    configs: Option<&[CredentialsType]>,
) -> Map<String, Value> {
    let mut out = identity.json(schema_url);
    out.insert(
        "metadata_admin".into(),
        identity.metadata_admin.clone().unwrap_or(Value::Null),
    );
    if let Some(configs) = configs
        && !identity.credentials.is_empty()
    {
        let shown = credentials(identity, |credential| {
            let mut shown = envelope(credential, credential.current_version());
            if configs.contains(&credential.kind) {
                shown["config"] = credential.config.clone();
            }
            shown
        });
        out.insert("credentials".into(), shown.into());
    }
    out
}

fn credentials(identity: &Identity, show: impl Fn(&Credential) -> Value) -> Map<String, Value> {
    identity
        .credentials
        .iter()
        .map(|c| (c.kind.word().to_owned(), show(c)))
        .collect()
}

fn envelope(credential: &Credential, version: i64) -> Value {
    json!({
        "type": credential.kind,
        "identifiers": credential.identifiers,
        "version": version,
        "created_at": rfc3339(credential.created_at),
        "updated_at": rfc3339(credential.updated_at),
    })
}
