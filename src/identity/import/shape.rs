//! What may stand where in the bodies: looked at before they are read, so that every complaint names its place.
use super::ImportError;
use crate::base::time::parse_rfc3339;
use data_encoding::BASE64;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What a value has to be. `null` may stand anywhere.
enum Shape {
    /// A value of its own.
    Any,
    Text,
    Truth,
    Whole,
    /// A whole number of 32 bits without sign.
    Count,
    /// A UUID.
    Id,
    /// Text that is standard base64, or a list of the bytes, as clients write it that were generated from the description
    /// of the interface.
    Bytes,
    /// Text that is a time of RFC 3339.
    Moment,
    Object(&'static [(&'static str, Shape)]),
    /// An object whose only field is `config`, which is an object.
    Config(&'static [(&'static str, Shape)]),
    List(&'static Shape),
}

use Shape::{Any, Bytes, Config, Count, Id, List, Moment, Object, Text, Truth, Whole};

const PROVIDERS: Shape = Config(&[(
    "providers",
    List(&Object(&[
        ("subject", Text),
        ("provider", Text),
        ("use_auto_link", Truth),
        ("organization", Id),
    ])),
)]);
const SAML_PROVIDERS: Shape = Config(&[(
    "providers",
    List(&Object(&[
        ("subject", Text),
        ("provider", Text),
        ("organization", Id),
    ])),
)]);
const KEYS: &[(&str, Shape)] = &[
    (
        "credentials",
        List(&Object(&[
            ("id", Bytes),
            ("public_key", Bytes),
            ("attestation_type", Text),
            (
                "authenticator",
                Object(&[
                    ("aaguid", Bytes),
                    ("sign_count", Count),
                    ("clone_warning", Truth),
                ]),
            ),
            ("display_name", Text),
            ("added_at", Moment),
            ("is_passwordless", Truth),
            (
                "flags",
                Object(&[
                    ("user_present", Truth),
                    ("user_verified", Truth),
                    ("backup_eligible", Truth),
                    ("backup_state", Truth),
                ]),
            ),
            ("transport", List(&Text)),
            (
                "attestation",
                Object(&[
                    ("client_dataJSON", Bytes),
                    ("client_data_hash", Bytes),
                    ("authenticator_data", Bytes),
                    ("public_key_algorithm", Whole),
                    ("object", Bytes),
                ]),
            ),
        ])),
    ),
    ("user_handle", Bytes),
];
const BACKUP_CODE: Shape = Object(&[("code", Text), ("used_at", Moment)]);
const ADDRESS: Shape = Object(&[
    ("id", Any),
    ("value", Text),
    ("verified", Truth),
    ("via", Text),
    ("status", Text),
    ("verified_at", Moment),
    ("created_at", Any),
    ("updated_at", Any),
]);
const RECOVERY: Shape = Object(&[
    ("id", Any),
    ("value", Text),
    ("via", Text),
    ("break_glass_for_organization", Text),
    ("created_at", Any),
    ("updated_at", Any),
]);
const CREATE: Shape = Object(&[
    ("schema_id", Text),
    ("traits", Any),
    (
        "credentials",
        Object(&[
            (
                "password",
                Config(&[
                    ("password", Text),
                    ("hashed_password", Text),
                    ("use_password_migration_hook", Truth),
                ]),
            ),
            ("oidc", PROVIDERS),
            ("saml", SAML_PROVIDERS),
            ("totp", Config(&[("totp_url", Text)])),
            ("lookup_secret", Config(&[("codes", List(&BACKUP_CODE))])),
            ("webauthn", Config(KEYS)),
            ("passkey", Config(KEYS)),
        ]),
    ),
    ("verifiable_addresses", List(&ADDRESS)),
    ("recovery_addresses", List(&RECOVERY)),
    ("metadata_public", Any),
    ("metadata_admin", Any),
    ("state", Text),
    ("organization_id", Id),
    ("external_id", Text),
    ("region", Text),
]);

/// The configs of credentials as they are stored and shown to administrators.
const STORED: &[(&str, Shape)] = &[
    (
        "password",
        Object(&[
            ("hashed_password", Text),
            ("use_password_migration_hook", Truth),
        ]),
    ),
    ("totp", Object(&[("totp_url", Text)])),
    (
        "lookup_secret",
        Object(&[("recovery_codes", List(&BACKUP_CODE))]),
    ),
    ("webauthn", Object(KEYS)),
    ("passkey", Object(KEYS)),
    (
        "code",
        Object(&[(
            "addresses",
            List(&Object(&[("channel", Text), ("address", Text)])),
        )]),
    ),
];

/// What is wrong with the config of a credential of that kind, with the path of where.
pub(super) fn trouble_in_config(kind: &str, config: &Value) -> Option<String> {
    let (_, shape) = STORED.iter().find(|(name, _)| *name == kind)?;
    trouble(config, &format!("credentials.{kind}.config"), shape, false)
}

/// Objects have to be objects and lists lists (a list would pass for an object otherwise); if `strict`,
/// an unknown field anywhere is an error.
pub(super) fn check(body: &Value, strict: bool) -> Result<(), ImportError> {
    match trouble(body, "the body", &CREATE, strict) {
        None if body.is_object() => Ok(()),
        None => Err(ImportError::Undecodable(
            "the body is nothing, wanted is an object".to_owned(),
        )),
        Some(trouble) => Err(ImportError::Undecodable(trouble)),
    }
}

/// What is wrong, with the path of where. The value itself may be secret.
fn trouble(value: &Value, at: &str, shape: &Shape, strict: bool) -> Option<String> {
    let text = |fits: fn(&str) -> bool| value.as_str().is_some_and(fits);
    let (fits, wanted) = match (shape, value) {
        (Any, _) | (_, Value::Null) => return None,
        (Object(fields), Value::Object(map)) => return trouble_in(map, at, fields, strict),
        (Config(fields), Value::Object(map)) => {
            let at = inside(at, "config");
            if strict && let Some(other) = map.keys().find(|k| *k != "config") {
                return Some(format!(
                    "{} is not known, only config is",
                    parent(&at, other)
                ));
            }
            return match map.get("config") {
                None | Some(Value::Null) => None,
                Some(Value::Object(inner)) => trouble_in(inner, &at, fields, strict),
                Some(other) => Some(unfit(&at, other, "an object")),
            };
        }
        (List(shape), Value::Array(items)) => {
            let mut items = items.iter().enumerate();
            return items
                .find_map(|(n, item)| trouble(item, &inside(at, &n.to_string()), shape, strict));
        }
        (Text, _) => (value.is_string(), "text"),
        (Truth, _) => (value.is_boolean(), "true or false"),
        (Whole, _) => (value.is_i64(), "a whole number"),
        (Count, _) => {
            let fits = value.as_u64().is_some_and(|n| u32::try_from(n).is_ok());
            (fits, "a whole number from 0 to 4294967295")
        }
        (Id, _) => (text(|t| Uuid::parse_str(t).is_ok()), "a UUID"),
        (Bytes, Value::Array(items)) => {
            let is_byte = |item: &Value| item.as_u64().is_some_and(|n| n < 256);
            (items.iter().all(is_byte), "standard base64")
        }
        (Bytes, _) => (
            text(|t| BASE64.decode(t.as_bytes()).is_ok()),
            "standard base64",
        ),
        (Moment, _) => {
            let fits = text(|t| parse_rfc3339(t).is_some());
            (fits, "a time such as 2026-12-24T18:00:00Z")
        }
        (List(_), _) => (false, "a list"),
        (Object(_) | Config(_), _) => (false, "an object"),
    };
    (!fits).then(|| unfit(at, value, wanted))
}

fn trouble_in(
    map: &Map<String, Value>,
    at: &str,
    fields: &[(&str, Shape)],
    strict: bool,
) -> Option<String> {
    map.iter().find_map(|(name, value)| {
        let at = inside(at, name);
        match fields.iter().find(|(field, _)| field == name) {
            Some((_, shape)) => trouble(value, &at, shape, strict),
            None if strict => {
                let known: Vec<_> = fields.iter().map(|(field, _)| *field).collect();
                Some(format!("{at} is not known; possible: {}", known.join(", ")))
            }
            None => None,
        }
    })
}

fn unfit(at: &str, value: &Value, wanted: &str) -> String {
    let kind = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    if kind == "text" || wanted.contains(kind) {
        return format!("{at} is not {wanted}");
    }
    format!("{at} is {kind}, wanted is {wanted}")
}

fn inside(at: &str, name: &str) -> String {
    if at == "the body" {
        return name.to_owned();
    }
    format!("{at}.{name}")
}

/// Another name in the place of the last.
fn parent(at: &str, name: &str) -> String {
    match at.rsplit_once('.') {
        Some((before, _)) => format!("{before}.{name}"),
        None => name.to_owned(),
    }
}
