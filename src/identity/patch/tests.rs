use super::*;
use crate::base::id::{IdentityId, NetworkId};
use crate::base::random::SeededRandom;
use serde_json::json;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);

fn ada() -> Identity {
    let (id, nid) = (IdentityId(Uuid::from_u128(1)), NetworkId(Uuid::nil()));
    let then = datetime!(2025-01-01 00:00 UTC);
    let mut identity = Identity::new(
        id,
        nid,
        "default",
        json!({"email": "ada@example.org"}),
        then,
    );
    identity.metadata_public = Some(json!({"a": {"b": 1}, "list": [1, 2]}));
    let credential = |n: u128, kind, config| {
        let mut c = Credential::new(CredentialId(Uuid::from_u128(n)), kind, config, then);
        c.identifiers = vec!["ada@example.org".to_owned()];
        c
    };
    identity.credentials = vec![
        credential(2, Kind::Password, json!({"hashed_password": "$2a$04$x"})),
        credential(
            3,
            Kind::Oidc,
            json!({"providers": [{"subject": "s", "provider": "p", "initial_id_token": "sealed", "extra": 1}]}),
        ),
    ];
    identity.verifiable_addresses = vec![VerifiableAddress {
        id: AddressId(Uuid::from_u128(4)),
        value: "ada@example.org".to_owned(),
        via: Via::Email,
        verified: false,
        status: AddressStatus::Pending,
        verified_at: None,
        created_at: then,
        updated_at: then,
    }];
    identity
}

fn patched(patch: &Value) -> Result<Patched, ImportError> {
    apply(patch, &ada(), &SeededRandom::new(1), NOW)
}

fn one(op: &str, path: &str, value: &Value) -> Result<Identity, ImportError> {
    patched(&json!([{"op": op, "path": path, "value": value}])).map(|p| p.identity)
}

#[test]
fn an_empty_patch_changes_nothing() {
    let same = patched(&json!([])).unwrap().identity;
    let mut expected = ada();
    expected.updated_at = NOW;
    expected.upgrade_credentials();
    expected.credentials.reverse();
    assert_eq!(same, expected);
}

#[test]
fn values_are_set_added_and_removed() {
    let identity = one("replace", "/traits/age", &json!(40)).unwrap();
    assert_eq!(identity.traits["age"], 40);
    let identity = one("add", "/metadata_public/list/-", &json!(3)).unwrap();
    assert_eq!(identity.metadata_public.unwrap()["list"], json!([1, 2, 3]));
    let identity = one("add", "/metadata_public/a~1b~0c", &json!(1)).unwrap();
    assert_eq!(identity.metadata_public.unwrap()["a/b~c"], 1);
    let identity = one("add", "/metadata_admin/x/y", &json!(1)).unwrap();
    assert_eq!(identity.metadata_admin, Some(json!({"x": {"y": 1}})));
    let identity = one("replace", "/metadata_public", &json!(null)).unwrap();
    assert_eq!(identity.metadata_public, None);
    let identity = one("remove", "/traits/email", &json!(null)).unwrap();
    assert_eq!(identity.traits, json!({}));
    let identity = one("replace", "traits/email", &json!("x")).unwrap();
    assert_eq!(identity.traits["email"], "ada@example.org");
}

#[test]
fn a_new_state_has_its_time() {
    let identity = one("replace", "/state", &json!("inactive")).unwrap();
    assert_eq!(identity.state, IdentityState::Inactive);
    assert_eq!(identity.state_changed_at, Some(NOW));
    assert!(matches!(
        one("replace", "/state", &json!("nonsense")),
        Err(ImportError::Invalid(_))
    ));
}

#[test]
fn what_must_not_be_patched_is_refused() {
    for path in [
        "",
        "/id",
        "/ID",
        "/stateChangedAt",
        "/credentials",
        "/credentials/oidc",
        "/Credentials/OIDC/config",
        "/credentials/saml/x",
        "/metadata_public/list/9",
    ] {
        assert!(one("replace", path, &json!({})).is_err(), "{path}");
    }
    for patch in [
        json!({"op": "replace", "path": "/state", "value": "inactive"}),
        json!([{"op": "test", "path": "/state", "value": "active"}]),
        json!([{"op": "move", "from": "/state", "path": "/traits"}]),
        json!([{"path": "/state", "value": "inactive"}]),
        json!([{"op": "replace", "value": "inactive"}]),
        json!([{"op": "replace", "path": "/state"}]),
        json!([{"op": "remove", "path": "/traits/website"}]),
        json!([{"op": "add", "path": "/credentials/totp", "value": {"config": {}}}]),
        json!([{"op": "add", "path": "/credentials/totp", "value": {"type": "password"}}]),
        json!([{"op": "add", "path": "/credentials/nonsense", "value": {"type": "nonsense"}}]),
    ] {
        assert!(patched(&patch).is_err(), "{patch}");
    }
}

#[test]
fn credentials_change_alone() {
    let path = "/credentials/password/config/hashed_password";
    let identity = one("replace", path, &json!("$2a$04$y")).unwrap();
    let password = identity.credential(Kind::Password).unwrap();
    assert_eq!(password.hashed_password(), Some("$2a$04$y"));
    assert_eq!(password.updated_at, NOW);
    assert_eq!(
        identity.credential(Kind::Oidc),
        ada().credential(Kind::Oidc)
    );
    let identity = one("remove", "/credentials/password", &json!(null)).unwrap();
    assert_eq!(identity.credentials.len(), 1);
}

#[test]
fn an_address_can_be_declared_verified() {
    let path = "/verifiable_addresses/0/verified";
    let identity = one("replace", path, &json!(true)).unwrap();
    let address = &identity.verifiable_addresses[0];
    assert!(address.verified);
    assert_eq!(address.status, AddressStatus::Pending);
    assert_eq!(address.updated_at, NOW);
}

#[test]
fn the_region_is_said_back() {
    let patch = json!([{"op": "add", "path": "/region", "value": "eu"}]);
    assert_eq!(patched(&patch).unwrap().region.as_deref(), Some("eu"));
    assert!(patched(&json!([{"op": "remove", "path": "/region"}])).is_err());
    let moon = json!([{"op": "add", "path": "/region", "value": "moon"}]);
    assert!(patched(&moon).is_err());
}

#[test]
fn places_may_count_from_the_end() {
    let list = |op: &str, path: &str, value: Value| {
        let identity = one(op, path, &value).ok()?;
        Some(identity.metadata_public?["list"].clone())
    };
    let at = "/metadata_public/list/-1";
    assert_eq!(list("add", at, json!(3)), Some(json!([1, 2, 3])));
    assert_eq!(list("replace", at, json!(3)), Some(json!([1, 3])));
    assert_eq!(list("remove", at, json!(null)), Some(json!([1])));
    let first = "/metadata_public/list/-2";
    assert_eq!(list("remove", first, json!(null)), Some(json!([2])));
    for path in ["-0", "-3", "--1", "-x"] {
        let path = format!("/metadata_public/list/{path}");
        assert_eq!(list("remove", &path, json!(null)), None, "{path}");
    }
}
