use super::apply;
use crate::base::id::{CredentialId, IdentityId, NetworkId};
use crate::base::random::SeededRandom;
use crate::base::terms::{CredentialsType as Kind, Via};
use crate::identity::validate::is_protected;
use crate::model::credentials::Credential;
use crate::model::identity::{AddressStatus, Identity};
use crate::schema::{Address, Derived};
use serde_json::json;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);
const LATER: OffsetDateTime = datetime!(2026-07-02 12:00 UTC);

fn email(value: &str) -> Address {
    Address {
        via: Via::Email,
        value: value.to_owned(),
    }
}

fn derived(address: &str) -> Derived {
    Derived {
        password: vec![address.to_owned()],
        code: vec![email(address)],
        verifiable: vec![email(address)],
        recovery: vec![email(address)],
        ..Derived::default()
    }
}

fn identity() -> Identity {
    let id = IdentityId(Uuid::from_u128(7));
    Identity::new(id, NetworkId(Uuid::nil()), "default", json!({}), NOW)
}

#[test]
fn a_new_identity_gets_everything() {
    let mut it = identity();
    let totp = CredentialId(Uuid::nil());
    it.credentials
        .push(Credential::new(totp, Kind::Totp, json!({}), NOW));
    apply(
        &mut it,
        &derived("ada@example.org"),
        &SeededRandom::new(1),
        NOW,
    );
    let password = it.credential(Kind::Password).unwrap();
    assert_eq!(password.identifiers, ["ada@example.org"]);
    assert_eq!((password.version, &password.config), (0, &json!({})));
    let code = it.credential(Kind::Code).unwrap();
    assert_eq!(code.version, 1);
    assert_eq!(
        code.config,
        json!({"addresses": [{"channel": "email", "address": "ada@example.org"}]})
    );
    assert_eq!(
        it.credential(Kind::Totp).unwrap().identifiers,
        [it.id.to_string()]
    );
    assert_eq!(it.verifiable_addresses[0].status, AddressStatus::Pending);
    assert_eq!(it.recovery_addresses[0].value, "ada@example.org");
}

#[test]
fn what_stays_keeps_its_state_and_what_is_new_is_unverified() {
    let dice = SeededRandom::new(1);
    let mut it = identity();
    apply(&mut it, &derived("ada@example.org"), &dice, NOW);
    let address = &mut it.verifiable_addresses[0];
    // As a release of old stored it.
    address.value = "Ada@Example.org".to_owned();
    address.verified = true;
    address.status = AddressStatus::Completed;
    let known = address.id;
    let before = it.clone();

    apply(&mut it, &derived("ada@example.org"), &dice, LATER);
    let address = &it.verifiable_addresses[0];
    assert_eq!(address.id, known);
    assert_eq!(address.value, "ada@example.org");
    assert_eq!(address.verified_at, Some(LATER));
    assert_eq!(it.credentials, before.credentials);

    let same = it.clone();
    assert!(!is_protected(&same, &it));
    apply(&mut it, &derived("bob@example.org"), &dice, LATER);
    assert!(is_protected(&same, &it));
    let address = &it.verifiable_addresses[0];
    assert_ne!(address.id, known);
    assert!(!address.verified && address.verified_at.is_none());
    let password = it.credential(Kind::Password).unwrap();
    assert_eq!(password.identifiers, ["bob@example.org"]);
    assert_eq!((password.created_at, password.updated_at), (NOW, LATER));
}

/// Identifiers are stored in no order: the same ones in another are no change.
#[test]
fn the_order_of_identifiers_is_no_change() {
    let dice = SeededRandom::new(1);
    let mut says = derived("ada@example.org");
    says.password.push("ada".to_owned());
    let mut it = identity();
    apply(&mut it, &says, &dice, NOW);
    let as_read = it.credential_mut(Kind::Password).unwrap();
    as_read.identifiers.reverse();
    apply(&mut it, &says, &dice, LATER);
    let password = it.credential(Kind::Password).unwrap();
    assert_eq!(password.updated_at, NOW);
    says.password.pop();
    apply(&mut it, &says, &dice, LATER);
    let password = it.credential(Kind::Password).unwrap();
    assert_eq!(
        (password.updated_at, password.identifiers.len()),
        (LATER, 1)
    );
}
