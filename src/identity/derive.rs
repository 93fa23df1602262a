//! Puts onto an identity what its traits say: identifiers of its credentials, addresses to verify and to
//! recover by. Addresses that it had keep their id, their state and their times.
#[cfg(test)]
mod tests;

use crate::base::id::{AddressId, CredentialId};
use crate::base::random::Random;
use crate::base::terms::CredentialsType as Kind;
use crate::base::time::micros;
use crate::model::credentials::Credential;
use crate::model::identifier;
use crate::model::identity::{AddressStatus, Identity, RecoveryAddress, VerifiableAddress};
use crate::schema::{Address, Derived};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// Replaces identifiers and addresses by the derived ones. Kinds of credentials of which the traits say
/// nothing stay as they are; addresses of which they say nothing go.
pub fn apply(identity: &mut Identity, derived: &Derived, dice: &dyn Random, now: OffsetDateTime) {
    identify(identity, Kind::Password, &derived.password, dice, now);
    identify(identity, Kind::WebAuthn, &derived.webauthn, dice, now);
    if !derived.code.is_empty() {
        let values: Vec<String> = derived.code.iter().map(|a| a.value.clone()).collect();
        identify(identity, Kind::Code, &values, dice, now);
        let addresses: Vec<Value> = derived
            .code
            .iter()
            .map(|a| json!({"channel": a.via, "address": a.value}))
            .collect();
        if let Some(code) = identity.credential_mut(Kind::Code)
            && code.config.get("addresses") != Some(&json!(addresses))
        {
            code.config = json!({ "addresses": addresses });
            code.updated_at = micros(now);
        }
    }
    let known = std::mem::take(&mut identity.verifiable_addresses);
    for address in &derived.verifiable {
        let mut address = verifiable(&known, address, dice, now);
        // Two that were given the same id are two all the same.
        let list = &mut identity.verifiable_addresses;
        if list.iter().any(|other| other.id == address.id) {
            address.id = AddressId::random(dice);
        }
        list.push(address);
    }
    let known = std::mem::take(&mut identity.recovery_addresses);
    for address in &derived.recovery {
        let mut address = recovery(&known, address, dice, now);
        let list = &mut identity.recovery_addresses;
        if list.iter().any(|other| other.id == address.id) {
            address.id = AddressId::random(dice);
        }
        list.push(address);
    }
    default_identifiers(identity);
}

/// Second factors are found by the identity's id, and by nothing else that somebody may have put there.
fn default_identifiers(identity: &mut Identity) {
    let id = identity.id.to_string();
    for credential in &mut identity.credentials {
        if matches!(credential.kind, Kind::Totp | Kind::LookupSecret)
            && credential.identifiers != [id.as_str()]
        {
            credential.identifiers = vec![id.clone()];
        }
    }
}

fn identify(
    identity: &mut Identity,
    kind: Kind,
    identifiers: &[String],
    dice: &dyn Random,
    now: OffsetDateTime,
) {
    if identifiers.is_empty() {
        return;
    }
    if let Some(credential) = identity.credential_mut(kind) {
        // They are stored in no order.
        if !credential.is_found_by(identifiers) {
            credential.updated_at = micros(now);
        }
        credential.identifiers = identifiers.to_vec();
        return;
    }
    let mut credential = Credential::new(CredentialId::random(dice), kind, json!({}), now);
    credential.version = i64::from(kind == Kind::Code);
    credential.identifiers = identifiers.to_vec();
    identity.credentials.push(credential);
}

/// Compared in normal form: rows of older releases were stored as typed.
fn is_same(value: &str, derived: &Address) -> bool {
    value == derived.value || identifier::normalize(value) == identifier::normalize(&derived.value)
}

fn verifiable(
    known: &[VerifiableAddress],
    address: &Address,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> VerifiableAddress {
    let stored = identifier::normalize(&address.value);
    let old = known
        .iter()
        .find(|k| k.via == address.via && is_same(&k.value, address));
    let mut out = old.cloned().unwrap_or_else(|| VerifiableAddress {
        id: AddressId::random(dice),
        value: String::new(),
        via: address.via,
        verified: false,
        status: AddressStatus::Pending,
        verified_at: None,
        created_at: micros(now),
        updated_at: micros(now),
    });
    out.value = stored;
    out.verified_at = out.verified.then(|| out.verified_at.unwrap_or(now));
    out
}

fn recovery(
    known: &[RecoveryAddress],
    address: &Address,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> RecoveryAddress {
    let stored = identifier::normalize(&address.value);
    let old = known
        .iter()
        .find(|k| k.via == address.via && is_same(&k.value, address));
    let mut out = old.cloned().unwrap_or_else(|| RecoveryAddress {
        id: AddressId::random(dice),
        value: String::new(),
        via: address.via,
        break_glass_for_organization: None,
        created_at: micros(now),
        updated_at: micros(now),
    });
    out.value = stored;
    out
}
