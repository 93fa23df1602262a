//! The shape of the bodies. `null` is the same as nothing.
#![expect(clippy::struct_field_names, reason = "the names are those on the wire")]
use super::ImportError;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    pub(super) schema_id: Option<String>,
    #[serde(deserialize_with = "kept")]
    pub(super) traits: Option<Value>,
    pub(super) credentials: Option<Credentials>,
    pub(super) verifiable_addresses: Option<Vec<AddressBody>>,
    pub(super) recovery_addresses: Option<Vec<AddressBody>>,
    #[serde(deserialize_with = "kept")]
    pub(super) metadata_public: Option<Value>,
    #[serde(deserialize_with = "kept")]
    pub(super) metadata_admin: Option<Value>,
    pub(super) state: Option<String>,
    pub(super) organization_id: Option<String>,
    pub(super) external_id: Option<String>,
    /// Read to see that it is a text; regions are not kept.
    pub(super) region: Option<String>,
}

impl Body {
    pub(super) fn read(body: &Value) -> Result<Self, ImportError> {
        Self::deserialize(body).map_err(|e| ImportError::Undecodable(e.to_string()))
    }
}

/// A document that was sent as `null` is not the same as one that was not sent.
fn kept<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(d).map(Some)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AddressBody {
    pub(super) value: Option<String>,
    pub(super) via: Option<String>,
    pub(super) verified: Option<bool>,
    pub(super) status: Option<String>,
    pub(super) verified_at: Option<String>,
    pub(super) break_glass_for_organization: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Credentials {
    pub(super) password: Option<Of<Password>>,
    pub(super) oidc: Option<Of<Providers>>,
    pub(super) saml: Option<Of<Providers>>,
    pub(super) totp: Option<Of<Totp>>,
    pub(super) lookup_secret: Option<Of<Lookup>>,
    pub(super) webauthn: Option<Of<Keys>>,
    pub(super) passkey: Option<Of<Keys>>,
}

/// `{"config": {…}}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Of<T> {
    pub(super) config: Option<T>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Password {
    pub(super) password: Option<String>,
    pub(super) hashed_password: Option<String>,
    pub(super) use_password_migration_hook: Option<bool>,
}

/// Neither passwords nor hashes are for logs.
impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Password").finish_non_exhaustive()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Providers {
    pub(super) providers: Option<Vec<Provider>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Provider {
    pub(super) subject: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) use_auto_link: Option<bool>,
    pub(super) organization: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Totp {
    pub(super) totp_url: Option<String>,
}

impl std::fmt::Debug for Totp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Totp").finish_non_exhaustive()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Lookup {
    pub(super) codes: Option<Vec<LookupCode>>,
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LookupCode {
    pub(super) code: Option<String>,
    pub(super) used_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Keys {
    pub(super) credentials: Option<Vec<Key>>,
    pub(super) user_handle: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) public_key: Option<String>,
    pub(super) attestation_type: Option<String>,
    pub(super) authenticator: Option<Authenticator>,
    pub(super) display_name: Option<String>,
    pub(super) added_at: Option<String>,
    pub(super) is_passwordless: Option<bool>,
    pub(super) flags: Option<Flags>,
    pub(super) transport: Option<Vec<String>>,
    pub(super) attestation: Option<Attestation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Authenticator {
    pub(super) aaguid: Option<String>,
    pub(super) sign_count: Option<u32>,
    pub(super) clone_warning: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Flags {
    pub(super) user_present: Option<bool>,
    pub(super) user_verified: Option<bool>,
    pub(super) backup_eligible: Option<bool>,
    pub(super) backup_state: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attestation {
    #[serde(rename = "client_dataJSON")]
    pub(super) client_data_json: Option<String>,
    pub(super) client_data_hash: Option<String>,
    pub(super) authenticator_data: Option<String>,
    pub(super) public_key_algorithm: Option<i64>,
    pub(super) object: Option<String>,
}

/// What may stand where. `Any`: a value of its own.
enum Shape {
    Any,
    Object(&'static [(&'static str, Shape)]),
    /// An object whose only field is `config`, which is an object.
    Config(&'static [(&'static str, Shape)]),
    List(&'static Shape),
}

use Shape::{Any, Config, List, Object};

const PROVIDERS: Shape = Config(&[(
    "providers",
    List(&Object(&[
        ("subject", Any),
        ("provider", Any),
        ("use_auto_link", Any),
        ("organization", Any),
    ])),
)]);
const SAML_PROVIDERS: Shape = Config(&[(
    "providers",
    List(&Object(&[
        ("subject", Any),
        ("provider", Any),
        ("organization", Any),
    ])),
)]);
const KEYS: Shape = Config(&[
    (
        "credentials",
        List(&Object(&[
            ("id", Any),
            ("public_key", Any),
            ("attestation_type", Any),
            (
                "authenticator",
                Object(&[("aaguid", Any), ("sign_count", Any), ("clone_warning", Any)]),
            ),
            ("display_name", Any),
            ("added_at", Any),
            ("is_passwordless", Any),
            (
                "flags",
                Object(&[
                    ("user_present", Any),
                    ("user_verified", Any),
                    ("backup_eligible", Any),
                    ("backup_state", Any),
                ]),
            ),
            ("transport", Any),
            (
                "attestation",
                Object(&[
                    ("client_dataJSON", Any),
                    ("client_data_hash", Any),
                    ("authenticator_data", Any),
                    ("public_key_algorithm", Any),
                    ("object", Any),
                ]),
            ),
        ])),
    ),
    ("user_handle", Any),
]);
const ADDRESS: Shape = Object(&[
    ("id", Any),
    ("value", Any),
    ("verified", Any),
    ("via", Any),
    ("status", Any),
    ("verified_at", Any),
    ("created_at", Any),
    ("updated_at", Any),
]);
const RECOVERY: Shape = Object(&[
    ("id", Any),
    ("value", Any),
    ("via", Any),
    ("break_glass_for_organization", Any),
    ("created_at", Any),
    ("updated_at", Any),
]);
const CREATE: Shape = Object(&[
    ("schema_id", Any),
    ("traits", Any),
    (
        "credentials",
        Object(&[
            (
                "password",
                Config(&[
                    ("password", Any),
                    ("hashed_password", Any),
                    ("use_password_migration_hook", Any),
                ]),
            ),
            ("oidc", PROVIDERS),
            ("saml", SAML_PROVIDERS),
            ("totp", Config(&[("totp_url", Any)])),
            (
                "lookup_secret",
                Config(&[("codes", List(&Object(&[("code", Any), ("used_at", Any)])))]),
            ),
            ("webauthn", KEYS),
            ("passkey", KEYS),
        ]),
    ),
    ("verifiable_addresses", List(&ADDRESS)),
    ("recovery_addresses", List(&RECOVERY)),
    ("metadata_public", Any),
    ("metadata_admin", Any),
    ("state", Any),
    ("organization_id", Any),
    ("external_id", Any),
    ("region", Any),
]);

/// Objects have to be objects and lists lists (a list would pass for an object otherwise); if `strict`,
/// an unknown field anywhere is an error.
pub(super) fn check(body: &Value, strict: bool) -> Result<(), ImportError> {
    if !body.is_object() {
        return Err(ImportError::Undecodable("the body is no object".to_owned()));
    }
    match trouble(body, "the body", &CREATE, strict) {
        None => Ok(()),
        Some(trouble) => Err(ImportError::Undecodable(trouble)),
    }
}

fn trouble(value: &Value, name: &str, shape: &Shape, strict: bool) -> Option<String> {
    match (shape, value) {
        (Any, _) | (_, Value::Null) => None,
        (Object(fields), Value::Object(map)) => trouble_in(map, fields, strict),
        (Config(fields), Value::Object(map)) => {
            let inner = map.get("config").unwrap_or(&Value::Null);
            if strict && let Some(other) = map.keys().find(|k| *k != "config") {
                return Some(format!("the field {other:?} is not known"));
            }
            match inner {
                Value::Null => None,
                Value::Object(inner) => trouble_in(inner, fields, strict),
                _ => Some("config is no object".to_owned()),
            }
        }
        (List(shape), Value::Array(items)) => {
            items.iter().find_map(|i| trouble(i, name, shape, strict))
        }
        (List(_), _) => Some(format!("{name} is no list")),
        (Object(_) | Config(_), _) => Some(format!("{name} is no object")),
    }
}

fn trouble_in(map: &Map<String, Value>, fields: &[(&str, Shape)], strict: bool) -> Option<String> {
    map.iter().find_map(
        |(name, value)| match fields.iter().find(|(field, _)| field == name) {
            Some((_, shape)) => trouble(value, name, shape, strict),
            None if strict => Some(format!("the field {name:?} is not known")),
            None => None,
        },
    )
}
