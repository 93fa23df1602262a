//! Credentials that come with an identity, in the form in which they are stored (database.md §6.2).
use super::body::{Attestation, Credentials, Key, Keys, Lookup, Password, Provider, Providers};
use super::{ImportError, provider_identifier};
use crate::base::id::CredentialId;
use crate::base::random::Random;
use crate::base::secret::Secret;
use crate::base::terms::CredentialsType as Kind;
use crate::base::time::{micros, parse_rfc3339, rfc3339};
use crate::crypto::hash::{self, HashError};
use crate::model::credentials::Credential;
use crate::model::identity::Identity;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// Where a hash stands in the body.
const HASH: &str = "credentials.password.config.hashed_password";

type Result<T> = std::result::Result<T, ImportError>;

fn invalid<T>(reason: &str) -> Result<T> {
    Err(ImportError::Invalid(reason.to_owned()))
}

/// Puts the given credentials onto the identity; kinds that are not given stay. Gives a password in clear
/// back, to be hashed.
pub(super) fn import(
    identity: &mut Identity,
    given: Option<&Credentials>,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Result<Option<Secret<String>>> {
    let Some(given) = given else {
        return Ok(None);
    };
    let mut to = Target {
        identity,
        dice,
        now,
    };
    let mut password = None;
    if let Some(of) = &given.password {
        password = to.password(of.config.as_ref().unwrap_or(&Password::default()))?;
    }
    if let Some(of) = &given.oidc {
        to.providers(Kind::Oidc, of.config.as_ref())?;
    }
    if let Some(of) = &given.saml {
        to.providers(Kind::Saml, of.config.as_ref())?;
    }
    if let Some(of) = &given.webauthn {
        to.webauthn(of.config.as_ref().unwrap_or(&Keys::default()))?;
    }
    if let Some(of) = &given.passkey {
        to.passkey(of.config.as_ref().unwrap_or(&Keys::default()))?;
    }
    if let Some(of) = &given.lookup_secret {
        to.lookup(of.config.as_ref())?;
    }
    if let Some(of) = &given.totp {
        let url = of.config.as_ref().and_then(|c| c.totp_url.as_deref());
        to.set(
            Kind::Totp,
            vec![],
            json!({"totp_url": url.unwrap_or_default()}),
        );
    }
    Ok(password)
}

/// Puts the hash where the password was imported without one.
pub(super) fn set_hash(
    identity: &mut Identity,
    hash: &str,
    dice: &dyn Random,
    now: OffsetDateTime,
) {
    let mut to = Target {
        identity,
        dice,
        now,
    };
    to.set(Kind::Password, vec![], json!({"hashed_password": hash}));
}

struct Target<'a> {
    identity: &'a mut Identity,
    dice: &'a dyn Random,
    now: OffsetDateTime,
}

impl Target<'_> {
    /// A new credential in the place of the one of its kind.
    fn set(&mut self, kind: Kind, identifiers: Vec<String>, config: Value) {
        let mut credential =
            Credential::new(CredentialId::random(self.dice), kind, config, self.now);
        // Versions are those of the identity that is replaced; what is new begins at 0 (and is read as 1).
        credential.version = self.identity.credential(kind).map_or(0, |c| c.version);
        credential.identifiers = identifiers;
        self.identity.set_credential(credential);
    }

    /// A list in the config of the credential that is there, if there is one.
    fn stored(&self, kind: Kind, list: &str) -> (Vec<String>, Vec<Value>) {
        let Some(credential) = self.identity.credential(kind) else {
            return (vec![], vec![]);
        };
        let items = match credential.config.get(list) {
            Some(Value::Array(items)) => items.clone(),
            _ => vec![],
        };
        (credential.identifiers.clone(), items)
    }

    fn password(&mut self, given: &Password) -> Result<Option<Secret<String>>> {
        if given.use_password_migration_hook == Some(true) {
            let config = json!({"hashed_password": "", "use_password_migration_hook": true});
            self.set(Kind::Password, vec![], config);
            return Ok(None);
        }
        if let Some(plain) = given.password.as_ref().filter(|p| !p.is_empty()) {
            // Holds the place until the hash is there.
            self.set(Kind::Password, vec![], json!({}));
            return Ok(Some(Secret::new(plain.clone())));
        }
        let hashed = given.hashed_password.as_deref().unwrap_or_default();
        match hash::check_import(hashed) {
            Ok(()) => {}
            Err(HashError::Unknown) => {
                return invalid(&format!(
                    "The password hash ({HASH}) has none of the known formats."
                ));
            }
            Err(error @ HashError::OutOfBounds { .. }) => {
                return Err(ImportError::Invalid(format!(
                    "The password hash ({HASH}) is too costly to check: {error}."
                )));
            }
            Err(_) => return invalid(&format!("The password hash ({HASH}) cannot be read.")),
        }
        self.set(Kind::Password, vec![], json!({"hashed_password": hashed}));
        Ok(None)
    }

    fn providers(&mut self, kind: Kind, given: Option<&Providers>) -> Result<()> {
        let given = given.and_then(|g| g.providers.as_deref());
        let (mut identifiers, mut providers) = self.stored(kind, "providers");
        let is_new = self.identity.credential(kind).is_none();
        for provider in given.unwrap_or_default() {
            let (name, subject) = (
                provider.provider.as_deref().unwrap_or_default(),
                provider.subject.as_deref().unwrap_or_default(),
            );
            identifiers.push(provider_identifier(name, subject));
            providers.push(provider_config(kind, provider)?);
        }
        // Nothing given is stored as nothing, which is shown as one provider without a name.
        let providers = if is_new && given.unwrap_or_default().is_empty() {
            Value::Null
        } else {
            providers.into()
        };
        let config = json!({ "providers": providers });
        self.replace(kind, identifiers, config);
        Ok(())
    }

    fn webauthn(&mut self, given: &Keys) -> Result<()> {
        let (identifiers, keys, handle) = self.merged(Kind::WebAuthn, given)?;
        let config = json!({"credentials": keys, "user_handle": handle});
        self.replace(Kind::WebAuthn, identifiers, config);
        Ok(())
    }

    fn passkey(&mut self, given: &Keys) -> Result<()> {
        let (mut identifiers, keys, handle) = self.merged(Kind::Passkey, given)?;
        let Some(encoded) = handle.as_deref().filter(|h| !h.is_empty()) else {
            return invalid(
                "A passkey needs the user_handle that the authenticator has stored with it \
                 (credentials.passkey.config.user_handle).",
            );
        };
        if !matches!(&keys, Value::Array(keys) if !keys.is_empty()) {
            return invalid(
                "A passkey import needs at least one entry in credentials.passkey.config.credentials.",
            );
        }
        if given.user_handle.as_deref().is_some_and(|h| !h.is_empty()) {
            let bytes = BASE64.decode(encoded.as_bytes()).unwrap_or_default();
            let name = String::from_utf8_lossy(&bytes).into_owned();
            if !identifiers.contains(&name) {
                identifiers.push(name);
            }
        }
        let config = json!({"credentials": keys, "user_handle": encoded});
        self.replace(Kind::Passkey, identifiers, config);
        Ok(())
    }

    /// Keeps the row of a credential that is there.
    fn replace(&mut self, kind: Kind, identifiers: Vec<String>, config: Value) {
        if let Some(old) = self.identity.credential_mut(kind) {
            old.identifiers = identifiers;
            old.config = config;
            old.updated_at = micros(self.now);
        } else {
            self.set(kind, identifiers, config);
        }
    }

    /// The keys that are there, with those of the same id replaced and new ones behind them.
    fn merged(&self, kind: Kind, given: &Keys) -> Result<(Vec<String>, Value, Option<String>)> {
        let (identifiers, mut keys) = self.stored(kind, "credentials");
        for key in given.credentials.as_deref().unwrap_or_default() {
            let key = key_config(key)?;
            match keys.iter_mut().find(|k| k.get("id") == key.get("id")) {
                Some(old) => *old = key,
                None => keys.push(key),
            }
        }
        let handle = match given.user_handle.as_deref().filter(|h| !h.is_empty()) {
            Some(handle) => Some(bytes("user_handle", handle)?),
            None => self
                .identity
                .credential(kind)
                .and_then(|c| c.config.get("user_handle")?.as_str())
                .map(str::to_owned),
        };
        let keys = if given.credentials.is_none() && keys.is_empty() {
            Value::Null
        } else {
            keys.into()
        };
        Ok((identifiers, keys, handle))
    }

    fn lookup(&mut self, given: Option<&Lookup>) -> Result<()> {
        let (_, mut codes) = self.stored(Kind::LookupSecret, "recovery_codes");
        for code in given.and_then(|g| g.codes.as_deref()).unwrap_or_default() {
            let used_at = match code.used_at.as_deref() {
                None => Value::Null,
                Some(at) => time("used_at", at)?.into(),
            };
            codes.push(
                json!({"code": code.code.as_deref().unwrap_or_default(), "used_at": used_at}),
            );
        }
        // As the reference writes it: no list where there is nothing to put into one.
        let codes = Some(codes).filter(|codes| !codes.is_empty());
        self.replace(
            Kind::LookupSecret,
            vec![],
            json!({ "recovery_codes": codes }),
        );
        Ok(())
    }
}

fn provider_config(kind: Kind, given: &Provider) -> Result<Value> {
    let mut out = json!({
        "subject": given.subject.as_deref().unwrap_or_default(),
        "provider": given.provider.as_deref().unwrap_or_default(),
        "initial_id_token": "",
        "initial_access_token": "",
        "initial_refresh_token": "",
    });
    if let Some(organization) = &given.organization {
        let id = Uuid::parse_str(organization)
            .map_err(|_| ImportError::Undecodable("organization is no UUID".to_owned()))?;
        out["organization"] = id.to_string().into();
    }
    if kind == Kind::Oidc && given.use_auto_link == Some(true) {
        out["use_auto_link"] = true.into();
    }
    Ok(out)
}

fn key_config(given: &Key) -> Result<Value> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut out = Map::new();
    out.insert("id".to_owned(), optional_bytes("id", given.id.as_ref())?);
    out.insert(
        "public_key".to_owned(),
        optional_bytes("public_key", given.public_key.as_ref())?,
    );
    out.insert(
        "attestation_type".to_owned(),
        text(&given.attestation_type).into(),
    );
    if let Some(a) = &given.authenticator {
        let authenticator = json!({
            "aaguid": optional_bytes("aaguid", a.aaguid.as_ref())?,
            "sign_count": a.sign_count.unwrap_or(0),
            "clone_warning": a.clone_warning.unwrap_or(false),
        });
        out.insert("authenticator".to_owned(), authenticator);
    }
    out.insert("display_name".to_owned(), text(&given.display_name).into());
    let added_at = match given.added_at.as_deref() {
        Some(at) => time("added_at", at)?,
        None => "0001-01-01T00:00:00Z".to_owned(),
    };
    out.insert("added_at".to_owned(), added_at.into());
    out.insert(
        "is_passwordless".to_owned(),
        given.is_passwordless.unwrap_or(false).into(),
    );
    if let Some(f) = &given.flags {
        let flags = json!({
            "user_present": f.user_present.unwrap_or(false),
            "user_verified": f.user_verified.unwrap_or(false),
            "backup_eligible": f.backup_eligible.unwrap_or(false),
            "backup_state": f.backup_state.unwrap_or(false),
        });
        out.insert("flags".to_owned(), flags);
    }
    if let Some(transport) = given.transport.as_ref().filter(|t| !t.is_empty()) {
        out.insert("transport".to_owned(), json!(transport));
    }
    if let Some(attestation) = &given.attestation {
        out.insert("attestation".to_owned(), attestation_config(attestation)?);
    }
    Ok(out.into())
}

fn attestation_config(given: &Attestation) -> Result<Value> {
    Ok(json!({
        "client_dataJSON": optional_bytes("client_dataJSON", given.client_data_json.as_ref())?,
        "client_data_hash": optional_bytes("client_data_hash", given.client_data_hash.as_ref())?,
        "authenticator_data": optional_bytes("authenticator_data", given.authenticator_data.as_ref())?,
        "public_key_algorithm": given.public_key_algorithm.unwrap_or(0),
        "object": optional_bytes("object", given.object.as_ref())?,
    }))
}

/// Standard base64, checked; `null` if there is none.
fn optional_bytes(field: &str, text: Option<&String>) -> Result<Value> {
    match text {
        None => Ok(Value::Null),
        Some(text) => bytes(field, text).map(Value::from),
    }
}

fn bytes(field: &str, text: &str) -> Result<String> {
    match BASE64.decode(text.as_bytes()) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(ImportError::Undecodable(format!("{field} is no base64"))),
    }
}

fn time(field: &str, text: &str) -> Result<String> {
    match parse_rfc3339(text) {
        Some(at) => Ok(rfc3339(at)),
        None => Err(ImportError::Undecodable(format!(
            "{field} is no RFC 3339 time"
        ))),
    }
}
