//! What credentials and proofs are worth (flows.md §12.2, §12.3). Pure, so that `session` needs no method.
use super::credentials::Credential;
use super::session::Authentication;
use crate::base::terms::{Aal, CredentialsType as Kind};
use serde_json::Value;

/// What the configuration says about methods that can be either factor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    pub code_passwordless: bool,
    pub code_mfa: bool,
    /// `hooks`-based password migration is switched on.
    pub password_migration: bool,
}

/// The level a session reaches by its proofs.
#[must_use]
pub fn session_aal(proofs: &[Authentication]) -> Aal {
    let has = |aal| proofs.iter().any(|p| p.aal == aal);
    let upstream =
        |p: &Authentication| p.aal == Aal::Two && matches!(p.method.as_str(), "oidc" | "saml");
    if proofs.is_empty() {
        Aal::Zero
    } else if (has(Aal::One) && has(Aal::Two)) || proofs.iter().any(upstream) {
        Aal::Two
    } else {
        Aal::One
    }
}

/// The highest level that these credentials allow. Whether their methods are enabled plays no part.
#[must_use]
pub fn available_aal(credentials: &[Credential], policy: &Policy) -> Aal {
    if credentials.iter().any(|c| second_factors(c, policy) > 0) {
        Aal::Two
    } else if policy.code_passwordless || credentials.iter().any(|c| first_factors(c, policy) > 0) {
        Aal::One
    } else {
        Aal::Zero
    }
}

/// How often the credential counts as a first factor. (Code counts for everybody, see [`available_aal`].)
#[must_use]
pub fn first_factors(credential: &Credential, policy: &Policy) -> usize {
    let identified = !credential.identifiers.is_empty();
    match credential.kind {
        Kind::Password => usize::from(
            identified
                && (credential.hashed_password().is_some()
                    || (credential.uses_migration_hook() && policy.password_migration)),
        ),
        Kind::Oidc | Kind::Saml => list(&credential.config, "providers")
            .iter()
            .filter(|p| {
                p.get("organization")
                    .and_then(Value::as_str)
                    .unwrap_or("")
                    .is_empty()
            })
            .count(),
        Kind::Passkey if identified => list(&credential.config, "credentials").len(),
        Kind::WebAuthn if identified => webauthn_keys(credential, true),
        _ => 0,
    }
}

/// In how many ways somebody with these credentials can sign in.
#[must_use]
pub fn ways_in(credentials: &[Credential], policy: &Policy) -> usize {
    let own: usize = credentials.iter().map(|c| first_factors(c, policy)).sum();
    own + usize::from(policy.code_passwordless)
}

/// How often the credential counts as a second factor.
#[must_use]
pub fn second_factors(credential: &Credential, policy: &Policy) -> usize {
    match credential.kind {
        Kind::WebAuthn => webauthn_keys(credential, false),
        // Whether it can be used or not: what cannot must not open the door.
        Kind::Totp => {
            let url = credential.config.get("totp_url").and_then(Value::as_str);
            usize::from(url.is_some_and(|url| !url.is_empty()))
        }
        Kind::LookupSecret => usize::from(!list(&credential.config, "recovery_codes").is_empty()),
        Kind::Code if policy.code_mfa && credential.version == 0 => 1,
        Kind::Code if policy.code_mfa => list(&credential.config, "addresses").len(),
        _ => 0,
    }
}

fn webauthn_keys(credential: &Credential, passwordless: bool) -> usize {
    list(&credential.config, "credentials")
        .iter()
        .filter(|k| (k.get("is_passwordless") == Some(&Value::Bool(true))) == passwordless)
        .count()
}

fn list<'a>(config: &'a Value, name: &str) -> &'a [Value] {
    config
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
