//! What follows from the traits: identifiers and addresses (database.md §3.1, flows.md §9.3).
use crate::base::id::{AddressId, CredentialId};
use crate::base::random::Random;
use crate::base::terms::CredentialsType;
use crate::model::credentials::Credential;
use crate::model::identity::{AddressStatus, Identity, RecoveryAddress, VerifiableAddress};
use crate::schema::{Address, IdentitySchema, Violation};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// Checks the traits and brings everything that is derived from them up to date. What is known of an address that
/// stays is kept, as are the secrets of credentials.
///
/// # Errors
/// What the schema does not allow; the identity is then half changed and must not be stored.
pub fn derive(
    schema: &IdentitySchema,
    identity: &mut Identity,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Result<(), Vec<Violation>> {
    let derived = schema.check(&mut identity.traits)?;
    for (kind, identifiers) in [
        (CredentialsType::Password, derived.password),
        (CredentialsType::WebAuthn, derived.webauthn),
    ] {
        if !identifiers.is_empty() {
            credential(identity, kind, dice, now).identifiers = identifiers;
        }
    }
    if !derived.code.is_empty() {
        let code = credential(identity, CredentialsType::Code, dice, now);
        code.identifiers = derived.code.iter().map(|a| a.value.clone()).collect();
        code.identifiers.dedup();
        code.version = 1;
        let addresses: Vec<Value> = derived
            .code
            .iter()
            .map(|a| json!({ "channel": a.via, "address": a.value }))
            .collect();
        code.config = json!({ "addresses": addresses });
    }
    identity.verifiable_addresses = verifiable(identity, &derived.verifiable, dice, now);
    identity.recovery_addresses = recovery(identity, &derived.recovery, dice, now);
    Ok(())
}

/// The credential of that kind, made if there is none.
fn credential<'i>(
    identity: &'i mut Identity,
    kind: CredentialsType,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> &'i mut Credential {
    let at = identity
        .credentials
        .iter()
        .position(|c| c.kind == kind)
        .unwrap_or_else(|| {
            identity.credentials.push(Credential::new(
                CredentialId::random(dice),
                kind,
                json!({}),
                now,
            ));
            identity.credentials.len() - 1
        });
    &mut identity.credentials[at]
}

fn verifiable(
    identity: &Identity,
    wanted: &[Address],
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Vec<VerifiableAddress> {
    let known = |a: &Address| {
        identity
            .verifiable_addresses
            .iter()
            .find(|k| k.via == a.via && k.value == a.value)
            .cloned()
    };
    let fresh = |a: &Address| VerifiableAddress {
        id: AddressId::random(dice),
        value: a.value.clone(),
        via: a.via,
        verified: false,
        status: AddressStatus::Pending,
        verified_at: None,
        created_at: now,
        updated_at: now,
    };
    wanted
        .iter()
        .map(|a| known(a).unwrap_or_else(|| fresh(a)))
        .collect()
}

fn recovery(
    identity: &Identity,
    wanted: &[Address],
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Vec<RecoveryAddress> {
    let known = |a: &Address| {
        identity
            .recovery_addresses
            .iter()
            .find(|k| k.via == a.via && k.value == a.value)
            .cloned()
    };
    let fresh = |a: &Address| RecoveryAddress {
        id: AddressId::random(dice),
        value: a.value.clone(),
        via: a.via,
        break_glass_for_organization: None,
        created_at: now,
        updated_at: now,
    };
    wanted
        .iter()
        .map(|a| known(a).unwrap_or_else(|| fresh(a)))
        .collect()
}
