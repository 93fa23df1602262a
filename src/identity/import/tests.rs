use super::*;
use crate::base::random::SeededRandom;
use crate::identity::json::{Origin, Show, admin};
use serde_json::json;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);
const HASH: &str = "$2a$04$zHgDQZCxZLXxKSaCaNBYsuR1J6zLQKyYqUWFmxRbK4XFmPWEPGTNW";

fn created(body: &Value) -> Result<Imported, ImportError> {
    let (id, nid) = (IdentityId(Uuid::from_u128(1)), NetworkId(Uuid::nil()));
    create(body, id, nid, "default", &SeededRandom::new(1), NOW)
}

fn with(credentials: &Value) -> Result<Imported, ImportError> {
    created(&json!({"traits": {"email": "ada@example.org"}, "credentials": credentials}))
}

fn shown(imported: &Imported, kind: Kind) -> Value {
    let out = admin(
        &imported.identity,
        "",
        Show::WithConfigOf(&[kind]),
        Origin::Created,
        &|_| None,
    );
    let mut out = out.credentials.unwrap()[kind.word()].clone();
    for key in ["type", "version", "created_at", "updated_at"] {
        out.as_object_mut().unwrap().shift_remove(key);
    }
    out
}

fn key() -> Value {
    json!({
        "added_at": "2020-01-02T03:04:05Z", "attestation_type": "none",
        "authenticator": {"aaguid": "AAAAAAAAAAAAAAAAAAAAAA==", "clone_warning": false, "sign_count": 3},
        "display_name": "imported key", "id": "Y29uZm9ybWFuY2U=", "is_passwordless": false,
        "public_key": "AAECAw==",
    })
}

#[test]
fn the_least_and_the_most() {
    let least = created(&json!({"traits": {}})).unwrap().identity;
    assert_eq!(least.schema_id, "default");
    assert_eq!(least.state, IdentityState::Active);
    assert_eq!(least.state_changed_at, Some(NOW));
    assert!(least.metadata_admin.is_none());

    let most = created(&json!({
        "schema_id": "staff", "traits": {"email": "ada@example.org"}, "external_id": "x1", "state": "inactive",
        "metadata_public": {"a": 1}, "metadata_admin": null,
        "organization_id": "00000000-0000-0000-0000-000000000009",
        "verifiable_addresses": [
            {"value": "Ada@Example.ORG", "via": "email", "verified": true},
            {"value": "x", "via": "pigeon"},
        ],
        "recovery_addresses": [{"value": "Ada@Example.ORG"}],
    }))
    .unwrap()
    .identity;
    assert_eq!(most.schema_id, "staff");
    assert_eq!(most.state, IdentityState::Inactive);
    assert_eq!(most.metadata_admin, Some(Value::Null));
    assert_eq!(most.organization_id, Some(Uuid::from_u128(9)));
    assert_eq!(most.verifiable_addresses.len(), 1);
    assert_eq!(most.verifiable_addresses[0].value, "ada@example.org");
    assert_eq!(
        most.verifiable_addresses[0].status,
        AddressStatus::Completed
    );
    assert_eq!(most.recovery_addresses[0].via, Via::Email);
}

#[test]
fn unknown_fields_and_wrong_types_are_refused() {
    for body in [
        json!({"traits": {}, "unknown": 1}),
        json!({"traits": {}, "credentials": {"nonsense": {"config": {}}}}),
        json!({"traits": {}, "credentials": {"password": {"config": {"pasword": "x"}}}}),
        json!({"traits": {}, "credentials": {"password": {"password": "x"}}}),
        json!({"traits": {}, "credentials": {"lookup_secret": {"config": {"codes": ["abcd1234"]}}}}),
        json!({"traits": {}, "credentials": {"webauthn": {"config": {"user_handle": "%"}}}}),
        json!({"traits": {}, "schema_id": 5}),
        json!({"traits": {}, "verifiable_addresses": [{"valu": "x"}]}),
        json!([]),
        json!("x"),
    ] {
        let error = created(&body).unwrap_err();
        assert!(
            matches!(error, ImportError::Undecodable(_)),
            "{body}: {error}"
        );
    }
    assert!(matches!(
        created(&json!({"traits": {}, "state": "nonsense"})),
        Err(ImportError::Invalid(_))
    ));
}

/// A body may have hundreds of places; secrets that stand there are not repeated.
#[test]
fn complaints_name_the_place() {
    let complaint = |credentials: Value| with(&credentials).unwrap_err().to_string();
    let cases = [
        (
            json!({"password": {"config": {"hashed_password": 5}}}),
            "credentials.password.config.hashed_password is a number, wanted is text",
        ),
        (
            json!({"password": {"config": {"pasword": "hush"}}}),
            "credentials.password.config.pasword is not known; possible: password, hashed_password, \
             use_password_migration_hook",
        ),
        (
            json!({"password": {"password": "hush"}}),
            "credentials.password.password is not known, only config is",
        ),
        (
            json!({"oidc": {"config": {"providers": [{"subject": "s"}, {"subject": true}]}}}),
            "credentials.oidc.config.providers.1.subject is true or false, wanted is text",
        ),
        (
            json!({"webauthn": {"config": {"credentials": [{"id": "%hush"}]}}}),
            "credentials.webauthn.config.credentials.0.id is not standard base64",
        ),
        (
            json!({"lookup_secret": {"config": {"codes": [{"used_at": "soon"}]}}}),
            "credentials.lookup_secret.config.codes.0.used_at is not a time such as 2026-12-24T18:00:00Z",
        ),
        (json!([]), "credentials is a list, wanted is an object"),
        (
            json!({"password": {"config": {"hashed_password": "hush"}}}),
            "The password hash (credentials.password.config.hashed_password) has none of the known formats.",
        ),
    ];
    for (credentials, words) in cases {
        assert_eq!(complaint(credentials), words);
    }
}

#[test]
fn passwords_come_in_three_ways() {
    let hashed = with(&json!({"password": {"config": {"hashed_password": HASH}}})).unwrap();
    assert!(hashed.password.is_none());
    assert_eq!(
        shown(&hashed, Kind::Password),
        json!({"identifiers": null, "config": {"hashed_password": HASH}})
    );

    let body = json!({"password": {"config": {"password": "kAf3-vuQ9-lomT7"}}});
    let mut plain = with(&body).unwrap();
    let body = json!({ "credentials": body });
    assert_eq!(plain_password(&body), Some("kAf3-vuQ9-lomT7"));
    assert_eq!(plain.password.as_ref().unwrap().expose(), "kAf3-vuQ9-lomT7");
    set_password(&mut plain.identity, HASH, &SeededRandom::new(2), NOW);
    let credential = plain.identity.credential(Kind::Password).unwrap();
    assert_eq!(credential.hashed_password(), Some(HASH));

    let hook = with(&json!({"password": {"config": {"use_password_migration_hook": true}}}));
    let hook = hook.unwrap().identity;
    assert!(
        hook.credential(Kind::Password)
            .unwrap()
            .uses_migration_hook()
    );

    for bad in [
        "",
        "x",
        "$2a$16$zHgDQZCxZLXxKSaCaNBYsuR1J6zLQKyYqUWFmxRbK4XFmPWEPGTNW",
    ] {
        let result = with(&json!({"password": {"config": {"hashed_password": bad}}}));
        assert!(matches!(result, Err(ImportError::Invalid(_))), "{bad}");
    }
}

#[test]
fn other_credentials_are_stored_as_the_reference_does() {
    let oidc = with(&json!({"oidc": {"config": {"providers": [
        {"provider": "alpha", "subject": "one"},
        {"provider": "beta", "subject": "two", "use_auto_link": true},
    ]}}}))
    .unwrap();
    assert_eq!(
        shown(&oidc, Kind::Oidc),
        json!({"identifiers": ["alpha:one", "beta:two"], "config": {"providers": [
            {"initial_id_token": "", "initial_access_token": "", "initial_refresh_token": "",
             "subject": "one", "provider": "alpha"},
            {"initial_id_token": "", "initial_access_token": "", "initial_refresh_token": "",
             "subject": "two", "provider": "beta", "use_auto_link": true},
        ]}})
    );
    let none = with(&json!({"oidc": {"config": {}}})).unwrap();
    assert_eq!(shown(&none, Kind::Oidc)["identifiers"], Value::Null);
    assert_eq!(
        shown(&none, Kind::Oidc)["config"]["providers"][0]["provider"],
        ""
    );

    let saml =
        with(&json!({"saml": {"config": {"providers": [{"provider": "corp", "subject": "one"}]}}}));
    assert_eq!(
        shown(&saml.unwrap(), Kind::Saml),
        json!({"identifiers": ["corp:one"], "config": {"providers": [{"subject": "one", "provider": "corp"}]}})
    );

    let codes = with(&json!({"lookup_secret": {"config": {"codes": [
        {"code": "one"}, {"code": "two", "used_at": "2020-01-02T03:04:05Z"},
    ]}}}));
    assert_eq!(
        shown(&codes.unwrap(), Kind::LookupSecret)["config"],
        json!({"recovery_codes": [
            {"code": "one", "used_at": null}, {"code": "two", "used_at": "2020-01-02T03:04:05Z"},
        ]})
    );

    let passkey = with(&json!({"passkey": {"config": {
        "credentials": [key()], "user_handle": "Y29uZm9ybWFuY2UtdXNlci1oYW5kbGU=",
    }}}))
    .unwrap();
    assert_eq!(
        shown(&passkey, Kind::Passkey),
        json!({"identifiers": ["conformance-user-handle"], "config": {
            "credentials": [key()], "user_handle": "Y29uZm9ybWFuY2UtdXNlci1oYW5kbGU=",
        }})
    );
    for bad in [
        json!({"credentials": [key()]}),
        json!({"credentials": [], "user_handle": "eA=="}),
    ] {
        let result = with(&json!({"passkey": {"config": bad}}));
        assert!(matches!(result, Err(ImportError::Invalid(_))));
    }
}

#[test]
fn replacing_merges_lists_and_clears_metadata() {
    let mut old = with(&json!({
        "oidc": {"config": {"providers": [{"provider": "alpha", "subject": "one"}]}},
        "webauthn": {"config": {"credentials": [key()], "user_handle": "eA=="}},
        "totp": {"config": {"totp_url": "otpauth://old"}},
    }))
    .unwrap()
    .identity;
    old.metadata_public = Some(json!({"a": 1}));
    old.external_id = Some("x".to_owned());
    let mut changed = key();
    changed["display_name"] = "renamed".into();
    let mut other = key();
    other["id"] = "b3RoZXI=".into();
    let body = json!({
        "traits": {"email": "ada@example.org"}, "state": "inactive", "unknown": 1,
        "credentials": {
            "oidc": {"config": {"providers": [{"provider": "beta", "subject": "two"}]}},
            "webauthn": {"config": {"credentials": [changed, other]}},
            "totp": {"config": {"totp_url": "otpauth://new"}},
        },
    });
    let later = NOW + time::Duration::days(1);
    let new = replace(&body, old, &SeededRandom::new(3), later).unwrap();
    assert_eq!(new.identity.metadata_public, None);
    assert_eq!(new.identity.external_id, None);
    assert_eq!(new.identity.state_changed_at, Some(later));
    assert_eq!(
        shown(&new, Kind::Oidc)["identifiers"],
        json!(["alpha:one", "beta:two"])
    );
    let keys = shown(&new, Kind::WebAuthn);
    assert_eq!(keys["config"]["credentials"], json!([changed, other]));
    assert_eq!(keys["config"]["user_handle"], "eA==");
    assert_eq!(
        shown(&new, Kind::Totp)["config"],
        json!({"totp_url": "otpauth://new"})
    );
}
