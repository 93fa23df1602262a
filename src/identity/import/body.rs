//! The shape of the bodies. `null` is the same as nothing.
#![expect(clippy::struct_field_names, reason = "the names are those on the wire")]
use super::ImportError;
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value;

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

/// Base64, or a list of the bytes: either as base64.
fn bytes<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Spelling {
        Text(String),
        Bytes(Vec<u8>),
    }
    Ok(Option::deserialize(d)?.map(|spelling| match spelling {
        Spelling::Text(text) => text,
        Spelling::Bytes(bytes) => BASE64.encode(&bytes),
    }))
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
    #[serde(deserialize_with = "bytes")]
    pub(super) user_handle: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Key {
    #[serde(deserialize_with = "bytes")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "bytes")]
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
    #[serde(deserialize_with = "bytes")]
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
    #[serde(deserialize_with = "bytes")]
    pub(super) client_data_json: Option<String>,
    #[serde(deserialize_with = "bytes")]
    pub(super) client_data_hash: Option<String>,
    #[serde(deserialize_with = "bytes")]
    pub(super) authenticator_data: Option<String>,
    pub(super) public_key_algorithm: Option<i64>,
    #[serde(deserialize_with = "bytes")]
    pub(super) object: Option<String>,
}
