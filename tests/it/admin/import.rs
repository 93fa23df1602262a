//! Credentials that come with an identity, and what they are good for.
use super::{get, made, path, post, put};
use crate::support::TestApp;
use crate::support::client::PASSWORD;
use serde_json::{Value, json};

const TOTP: &str = "otpauth://totp/x:y?issuer=x&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const ALL: &str = "?include_credential=password&include_credential=oidc&include_credential=saml&include_credential=totp\
    &include_credential=lookup_secret&include_credential=webauthn&include_credential=passkey";

fn with(email: &str, credentials: Value) -> Value {
    json!({ "traits": { "email": email }, "credentials": credentials })
}

fn key(name: &str) -> Value {
    json!({
        "id": data_encoding::BASE64.encode(name.as_bytes()), "public_key": "AAECAw==", "attestation_type": "none",
        "authenticator": { "aaguid": "AAAAAAAAAAAAAAAAAAAAAA==", "sign_count": 3, "clone_warning": false },
        "display_name": name, "added_at": "2020-01-02T03:04:05Z", "is_passwordless": true,
        "flags": { "user_present": true, "user_verified": true, "backup_eligible": false, "backup_state": false },
        "transport": ["usb"],
    })
}

/// Stored as given, in the order of the keys on the wire; without what is new about it.
async fn configs(app: &TestApp, id: &str) -> Value {
    let stored = get(app, &format!("{}{ALL}", path(id))).await.json();
    let credentials = stored["credentials"].as_object().unwrap().iter();
    credentials
        .map(|(kind, c)| (kind.clone(), json!([c["identifiers"], c.get("config")])))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_stored_whole_and_merged_by_put() {
    let app = TestApp::start().await;
    let mut body = with(
        "ada@example.org",
        json!({
            "oidc": { "config": { "providers": [{ "provider": "alpha", "subject": "one", "use_auto_link": true }] } },
            "saml": { "config": { "providers": [{ "provider": "corp", "subject": "one" }] } },
            "totp": { "config": { "totp_url": TOTP } },
            "lookup_secret": { "config": { "codes": [{ "code": "abcd1234" }] } },
            "webauthn": { "config": { "credentials": [key("a")], "user_handle": "eA==" } },
            "passkey": { "config": { "credentials": [key("p")], "user_handle": "aGFuZGxl" } },
        }),
    );
    let id = made(&app, &body).await;
    let link = |provider: &str, subject: &str| {
        json!({
            "initial_id_token": "", "initial_access_token": "", "initial_refresh_token": "",
            "subject": subject, "provider": provider,
        })
    };
    let mut first = link("alpha", "one");
    first["use_auto_link"] = true.into();
    let mut expected = json!({
        "lookup_secret": [[id], { "recovery_codes": [{ "code": "abcd1234", "used_at": null }] }],
        "oidc": [["alpha:one"], { "providers": [first] }],
        "passkey": [["handle"], { "credentials": [key("p")], "user_handle": "aGFuZGxl" }],
        "password": [["ada@example.org"], {}],
        "saml": [["corp:one"], { "providers": [{ "subject": "one", "provider": "corp" }] }],
        "totp": [[id], { "totp_url": TOTP }],
        "webauthn": [[], { "credentials": [key("a")], "user_handle": "eA==" }],
    });
    assert_eq!(configs(&app, &id).await, expected);

    let mut renamed = key("a");
    renamed["display_name"] = "renamed".into();
    body["credentials"] = json!({
        "oidc": { "config": { "providers": [{ "provider": "beta", "subject": "two" }] } },
        "lookup_secret": { "config": { "codes": [{ "code": "efgh5678", "used_at": "2020-01-02T03:04:05Z" }] } },
        "webauthn": { "config": { "credentials": [renamed, key("b")] } },
    });
    let answer = put(&app, &path(&id), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    expected["oidc"] =
        json!([["alpha:one", "beta:two"], { "providers": [first, link("beta", "two")] }]);
    expected["lookup_secret"][1]["recovery_codes"] = json!([
        { "code": "abcd1234", "used_at": null }, { "code": "efgh5678", "used_at": "2020-01-02T03:04:05Z" },
    ]);
    expected["webauthn"][1]["credentials"] = json!([renamed, key("b")]);
    let mut stored = configs(&app, &id).await;
    // Databases give identifiers in no order.
    let list = stored["oidc"][0].as_array_mut().unwrap();
    list.sort_by_key(Value::to_string);
    assert_eq!(stored, expected);

    let taken = with(
        "eve@example.org",
        json!({ "oidc": body["credentials"]["oidc"] }),
    );
    assert_eq!(post(&app, &taken).await.status, 409);
    let taken = with(
        "eve@example.org",
        json!({ "passkey": { "config": { "credentials": [key("p")], "user_handle": "aGFuZGxl" } } }),
    );
    assert_eq!(post(&app, &taken).await.status, 409);
}

/// Clients that read it by the description of the interface get a list wherever the reference gives one.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_credential_without_identifiers_shows_an_empty_list() {
    let app = TestApp::start().await;
    let none = json!({ "providers": [] });
    let body = with(
        "ada@example.org",
        json!({ "saml": { "config": none }, "oidc": { "config": none } }),
    );
    let created = post(&app, &body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let replaced = put(&app, &path(&id), &body).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    for kind in ["saml", "oidc"] {
        let identifiers = |answer: &Value| answer["credentials"][kind]["identifiers"].clone();
        assert_eq!(identifiers(&created.json()), Value::Null, "{kind}");
        assert_eq!(identifiers(&replaced.json()), json!([]), "{kind}");
    }
}

/// The description of the interface says that bytes are a list of numbers, and clients are generated from it.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_may_be_a_list_of_numbers() {
    let app = TestApp::start().await;
    let config = |handle: Value| {
        let mut listed = key("p");
        listed["public_key"] = json!([0, 1, 2, 3]);
        json!({ "passkey": { "config": { "credentials": [listed], "user_handle": handle } } })
    };
    let id = made(
        &app,
        &with(
            "ada@example.org",
            config(json!([104, 97, 110, 100, 108, 101])),
        ),
    )
    .await;
    let stored = configs(&app, &id).await;
    let expected = json!([["handle"], { "credentials": [key("p")], "user_handle": "aGFuZGxl" }]);
    assert_eq!(stored["passkey"], expected);
    let refused = with("b@example.org", config(json!([256])));
    assert_eq!(post(&app, &refused).await.status, 400);
}

/// What Kratos' main branch had wrong once: they were stored, and did not work.
#[tokio::test(flavor = "multi_thread")]
async fn imported_second_factors_are_asked_for() {
    let methods = json!({ "totp": { "enabled": true }, "lookup_secret": { "enabled": true } });
    let app = TestApp::with(json!({
        "selfservice": { "methods": methods },
        "session": { "whoami": { "required_aal": "highest_available" } },
    }))
    .await;
    let factors = [
        json!({ "totp": { "config": { "totp_url": TOTP } } }),
        json!({ "lookup_secret": { "config": { "codes": [{ "code": "abcd1234" }] } } }),
    ];
    for (n, mut credentials) in factors.into_iter().enumerate() {
        credentials["password"] = json!({ "config": { "password": PASSWORD } });
        let email = format!("user{n}@example.org");
        made(&app, &with(&email, credentials)).await;
        let mut client = app.native();
        client.sign_in(&email, PASSWORD).await;
        let whoami = client.whoami().await;
        assert_eq!(
            whoami.error_id().as_deref(),
            Some("session_aal2_required"),
            "{n}"
        );
    }
    // Backup codes work; the codes of the app are tried with those that are enrolled.
    let mut client = app.native();
    client.sign_in("user1@example.org", PASSWORD).await;
    let form = client.start("login", "aal=aal2").await;
    let fields = json!({ "method": "lookup_secret", "lookup_secret": "abcd1234" });
    let answer = client.submit("login", &form, fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(client.whoami().await.status, 200);
}
