//! How somebody who has the identifier already can sign in (flows.md §11.1).
use crate::base::terms::CredentialsType as Kind;
use crate::model::credentials::Credential;
use crate::model::identity::Identity;
use serde_json::Value;

/// Words of kinds of credentials, and ids of providers, both sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hints {
    pub types: Vec<String>,
    pub providers: Vec<String>,
}

#[must_use]
pub fn of(owner: &Identity) -> Hints {
    let mut hints = Hints::default();
    for credential in &owner.credentials {
        let counts = match credential.kind {
            Kind::Password => credential.hashed_password().is_some(),
            Kind::Code => true,
            Kind::Oidc | Kind::Saml => {
                hints.providers.extend(providers(credential));
                true
            }
            Kind::WebAuthn | Kind::Passkey => list(credential, "credentials").iter().any(|key| {
                credential.kind == Kind::Passkey
                    || key.get("is_passwordless") == Some(&Value::Bool(true))
            }),
            Kind::Totp | Kind::LookupSecret | Kind::DeviceAuthn => false,
        };
        if counts {
            hints.types.push(credential.kind.word().to_owned());
        }
    }
    hints.types.sort();
    hints.providers.sort();
    hints
}

fn providers(credential: &Credential) -> impl Iterator<Item = String> {
    list(credential, "providers")
        .iter()
        .filter_map(|p| p.get("provider")?.as_str().map(str::to_owned))
}

fn list<'c>(credential: &'c Credential, name: &str) -> &'c [Value] {
    credential
        .config
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
