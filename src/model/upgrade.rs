//! Credentials of older releases in the form of today (database.md §6.2). Done to what is read; what is
//! stored changes when the identity is next saved.
use super::credentials::Credential;
use super::identifier;
use super::identity::Identity;
use crate::base::id::IdentityId;
use crate::base::terms::{CredentialsType as Kind, Via};
use data_encoding::BASE64;
use serde_json::{Value, json};

impl Identity {
    /// Brings every credential of version 0 up to 1, where there is a 1.
    pub fn upgrade_credentials(&mut self) {
        for credential in self.credentials.iter_mut().filter(|c| c.version == 0) {
            match credential.kind {
                Kind::Password => upgrade_password(credential),
                Kind::WebAuthn => upgrade_webauthn(credential, self.id),
                Kind::Code => upgrade_code(credential),
                _ => continue,
            }
            credential.version = 1;
        }
    }
}

/// Identifiers were stored as typed.
fn upgrade_password(credential: &mut Credential) {
    for identifier in &mut credential.identifiers {
        *identifier = identifier::normalize(identifier);
    }
    credential.identifiers.sort();
    credential.identifiers.dedup();
}

/// The user handle was the identity's id, and keys were not marked as good for signing in alone.
fn upgrade_webauthn(credential: &mut Credential, id: IdentityId) {
    let Some(config) = as_object(credential) else {
        return;
    };
    let has_handle = config
        .get("user_handle")
        .and_then(Value::as_str)
        .is_some_and(|h| !h.is_empty());
    if !has_handle {
        config.insert(
            "user_handle".to_owned(),
            BASE64.encode(id.0.as_bytes()).into(),
        );
    }
    if let Some(Value::Array(keys)) = config.get_mut("credentials") {
        for key in keys.iter_mut().filter_map(Value::as_object_mut) {
            key.entry("is_passwordless").or_insert(Value::Bool(false));
        }
    }
}

/// There was one channel for all identifiers.
fn upgrade_code(credential: &mut Credential) {
    let identifiers = credential.identifiers.clone();
    let Some(config) = as_object(credential) else {
        return;
    };
    config.shift_remove("used_at");
    let channel = config
        .shift_remove("address_type")
        .and_then(|t| Via::from_word(&t.as_str()?.trim().to_lowercase()))
        .unwrap_or(Via::Email);
    let addresses = config.entry("addresses").or_insert_with(|| json!([]));
    if let Value::Array(addresses) = addresses {
        for identifier in identifiers.iter().filter(|i| !i.is_empty()) {
            addresses.push(json!({"channel": channel, "address": identifier}));
        }
    }
    let is_empty = addresses.as_array().is_some_and(Vec::is_empty);
    if is_empty {
        config.shift_remove("addresses");
    }
}

fn as_object(credential: &mut Credential) -> Option<&mut serde_json::Map<String, Value>> {
    if credential.config.is_null() {
        credential.config = json!({});
    }
    credential.config.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{CredentialId, NetworkId};
    use time::macros::datetime;
    use uuid::Uuid;

    fn upgraded(kind: Kind, identifiers: &[&str], config: Value) -> Credential {
        let now = datetime!(2026-07-01 12:00 UTC);
        let id = IdentityId(Uuid::from_u128(1));
        let mut identity = Identity::new(id, NetworkId(Uuid::nil()), "default", json!({}), now);
        let mut credential = Credential::new(CredentialId(Uuid::nil()), kind, config, now);
        credential.version = 0;
        credential.identifiers = identifiers.iter().map(|&i| i.to_owned()).collect();
        identity.credentials.push(credential);
        identity.upgrade_credentials();
        identity.credentials.remove(0)
    }

    #[test]
    fn old_credentials_become_todays() {
        let password = upgraded(Kind::Password, &["Bob", "Ada", "ada"], json!({}));
        assert_eq!(password.identifiers, ["ada", "bob"]);
        assert_eq!(password.version, 1);

        let keys = upgraded(Kind::WebAuthn, &[], json!({"credentials": [{"id": "x"}]}));
        assert_eq!(
            keys.config,
            json!({
                "credentials": [{"id": "x", "is_passwordless": false}],
                "user_handle": "AAAAAAAAAAAAAAAAAAAAAQ==",
            })
        );

        let code = upgraded(
            Kind::Code,
            &["ada@example.org"],
            json!({"address_type": "email ", "used_at": null}),
        );
        assert_eq!(
            code.config,
            json!({"addresses": [{"channel": "email", "address": "ada@example.org"}]})
        );

        let totp = upgraded(Kind::Totp, &[], json!({"totp_url": "otpauth://x"}));
        assert_eq!(totp.version, 0);
    }
}
