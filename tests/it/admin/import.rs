//! Credentials that come with an identity, and what they are good for.
use super::{get, made, path, post, put};
use crate::second_factor::code_of;
use crate::support::authenticator::{Authenticator, Lie};
use crate::support::client::{ALL_KINDS, Form, Kind, PASSWORD, messages};
use crate::support::{TestApp, inline, person_schema};
use kratos::base::clock::Clock;
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
    for name in ["alpha:one", "corp:one"] {
        let found = format!("/admin/identities?credentials_identifier={name}");
        assert_eq!(get(&app, &found).await.json()[0]["id"], id, "{name}");
    }

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
    // Backup codes work, and so does what the app shows.
    let mut client = app.native();
    client.sign_in("user1@example.org", PASSWORD).await;
    let form = client.start("login", "aal=aal2").await;
    let fields = json!({ "method": "lookup_secret", "lookup_secret": "abcd1234" });
    let answer = client.submit("login", &form, fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(client.whoami().await.status, 200);

    let mut client = app.native();
    client.sign_in("user0@example.org", PASSWORD).await;
    let secret = TOTP.rsplit_once('=').unwrap().1;
    let right = code_of(secret, app.clock.now());
    let wrong = if right == "000000" {
        "111111"
    } else {
        "000000"
    };
    for (code, status) in [(wrong, 403), (right.as_str(), 200)] {
        let form = client.start("login", "aal=aal2").await;
        let fields = json!({ "method": "totp", "totp_code": code });
        let answer = client.submit("login", &form, fields).await;
        let said = if status == 200 { 200 } else { 400 };
        assert_eq!(answer.status, said, "{}", answer.text);
        assert_eq!(client.whoami().await.status, status);
    }
    let me = client.whoami().await.json();
    assert_eq!(me["authenticator_assurance_level"], "aal2");
    assert_eq!(me["authentication_methods"][1]["method"], "totp");
}

const HOME: &str = "https://example.org";

/// With passkeys, and security keys as second factors.
async fn with_keys() -> TestApp {
    let mut schema = person_schema();
    let means = &mut schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"];
    means["credentials"]["webauthn"] = json!({ "identifier": true });
    let rp = json!({ "id": "example.org", "display_name": "Example", "origins": [HOME] });
    TestApp::with(json!({
        "identity": { "schemas": [{ "id": "default", "url": inline(&schema) }] },
        "session": { "whoami": { "required_aal": "highest_available" } },
        "selfservice": { "methods": {
            "passkey": { "enabled": true, "config": { "rp": rp } },
            "webauthn": { "enabled": true, "config": { "passwordless": false, "rp": rp } },
        } },
    }))
    .await
}

fn options(form: &Form, name: &str) -> Value {
    let node = form.node(name).unwrap_or_else(|| panic!("{}", form.flow));
    let text = node["attributes"]["value"].as_str().unwrap();
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_passkeys_sign_in() {
    let app = with_keys().await;
    for (kind, algorithm) in ALL_KINDS.into_iter().zip([-7, -8, -257]) {
        let mut key = Authenticator::new(HOME);
        (key.algorithm, key.counter) = (algorithm, 3);
        let handle = format!("handle of {kind:?}");
        let config = json!({
            "credentials": [key.made_elsewhere(handle.as_bytes(), true)],
            "user_handle": data_encoding::BASE64.encode(handle.as_bytes()),
        });
        let email = format!("{kind:?}@example.org").to_lowercase();
        let person = with(&email, json!({ "passkey": { "config": config } }));
        let id = made(&app, &person).await;

        let mut client = app.client(kind);
        let form = client.start("login", "").await;
        let asked = options(&form, "passkey_challenge");
        // Only the key itself does: another of that name is refused.
        let mut other = Authenticator::new(HOME);
        other.made_elsewhere(handle.as_bytes(), true);
        let fields = json!({ "passkey_login": other.get(&asked, &Lie::default()).to_string() });
        let answer = client.submit("login", &form, fields).await;
        let form = client.form("login", &answer).await;
        assert_eq!(form.messages(), ["4000043"]);
        key.counter += 1;
        let fields = json!({ "passkey_login": key.get(&asked, &Lie::default()).to_string() });
        let answer = client.submit("login", &form, fields).await;
        if kind == Kind::Native {
            client.token = answer.json()["session_token"].as_str().map(str::to_owned);
        }
        let me = client.whoami().await.json();
        assert_eq!(me["identity"]["id"], id, "{}", answer.text);
        assert_eq!(me["authentication_methods"][0]["method"], "passkey");
        let stored = configs(&app, &id).await["passkey"][1]["credentials"][0].clone();
        assert_eq!(stored["authenticator"]["sign_count"], 4);
        assert_eq!(stored["authenticator"]["clone_warning"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_security_keys_are_second_factors() {
    let app = with_keys().await;
    let mut key = Authenticator::new(HOME);
    let handle = b"a handle of before";
    let config = json!({
        "credentials": [key.made_elsewhere(handle, false)],
        "user_handle": data_encoding::BASE64.encode(handle),
    });
    let credentials = json!({
        "password": { "config": { "password": PASSWORD } }, "webauthn": { "config": config },
    });
    made(&app, &with("ada@example.org", credentials)).await;
    let mut client = app.spa();
    client.sign_in("ada@example.org", PASSWORD).await;
    let half = client.whoami().await;
    assert_eq!(half.error_id().as_deref(), Some("session_aal2_required"));
    let form = client.start("login", "aal=aal2").await;
    let asked = options(&form, "webauthn_login_trigger");
    let mut other = Authenticator::new(HOME);
    other.made_elsewhere(handle, false);
    // The other one does not even know that it is meant.
    let unasked = json!({ "publicKey": {
        "rpId": "example.org", "challenge": asked["publicKey"]["challenge"],
    } });
    let wrong = other.get(&unasked, &Lie::default());
    let right = key.get(&asked, &Lie::default());
    for (answer, status) in [(wrong, 403), (right, 200)] {
        let fields =
            json!({ "webauthn_login": answer.to_string(), "identifier": "ada@example.org" });
        let said = client.submit("login", &form, fields).await;
        if status != 200 {
            assert_eq!(messages(&said.json()), ["4000043"], "{}", said.text);
        }
        assert_eq!(client.whoami().await.status, status, "{}", said.text);
    }
    let me = client.whoami().await.json();
    assert_eq!(me["authenticator_assurance_level"], "aal2");
}
