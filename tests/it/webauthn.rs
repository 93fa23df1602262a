//! Security keys: alone in two steps, as a second factor, at registration and in settings, and the script of the page.
use crate::support::authenticator::{Authenticator, Lie, PRESENT};
use crate::support::client::{Answer, Client, Form, Kind, PASSWORD, messages};
use crate::support::{TestApp, inline, person_schema, rounds};
use data_encoding::BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};
use std::sync::Arc;
use time::Duration;
use tokio::task::JoinSet;

const HOME: &str = "https://example.org";
/// No apps: the method is for browsers.
const KINDS: [Kind; 2] = [Kind::Browser, Kind::Spa];

fn config(passwordless: bool) -> Value {
    let mut schema = person_schema();
    schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]["credentials"]["webauthn"] =
        json!({ "identifier": true });
    let after = json!({ "hooks": [{ "hook": "session" }] });
    json!({
        "identity": { "schemas": [{ "id": "default", "url": inline(&schema) }] },
        "session": { "whoami": { "required_aal": "highest_available" } },
        "selfservice": {
            "methods": { "webauthn": { "enabled": true, "config": {
                "passwordless": passwordless,
                "rp": { "id": "example.org", "display_name": "Example", "origin": HOME },
            } } },
            "flows": { "registration": { "after": { "webauthn": after } } },
        },
    })
}

fn options(form: &Form, name: &str) -> Value {
    let node = form
        .node(name)
        .unwrap_or_else(|| panic!("{name}: {}", form.flow));
    let attributes = &node["attributes"];
    let text = attributes["value"].as_str().expect("text");
    let function = attributes["onclickTrigger"].as_str().expect("a function");
    assert_eq!(attributes["onclick"], format!("window.{function}({text})"));
    serde_json::from_str(text).expect("JSON")
}

/// The second step: what the page then shows.
async fn identify(client: &mut Client, form: &Form, email: &str) -> Form {
    let fields = json!({ "method": "webauthn", "identifier": email });
    let answer = client.submit("login", form, fields).await;
    let page = format!("http://ui.test/login?flow={}", form.id);
    if client.kind == Kind::Browser {
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            (303, page.as_str())
        );
    } else {
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert_eq!(answer.json()["redirect_browser_to"], page);
    }
    let path = format!("/self-service/login/flows?id={}", form.id);
    let flow = client.get(&path).await.json();
    Form {
        id: form.id.clone(),
        flow,
    }
}

async fn answer(client: &mut Client, form: &Form, email: &str, answer: &Value) -> Answer {
    let fields = json!({ "webauthn_login": answer.to_string(), "identifier": email });
    client.submit("login", form, fields).await
}

async fn add(client: &mut Client, key: &mut Authenticator, name: &str) -> Form {
    let form = client.start("settings", "").await;
    let made = key.create(
        &options(&form, "webauthn_register_trigger"),
        &Lie::default(),
    );
    let fields =
        json!({ "webauthn_register": made.to_string(), "webauthn_register_displayname": name });
    let answer = client.submit("settings", &form, fields).await;
    client.form("settings", &answer).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_signs_up_and_then_in_by_two_steps() {
    let app = TestApp::with(config(true)).await;
    for kind in KINDS {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let mut key = Authenticator::new(HOME);
        // Whoever holds it is enough.
        key.flags = PRESENT;
        let mut client = app.client(kind);
        let form = client.start("registration", "").await;
        let made = key.create(
            &options(&form, "webauthn_register_trigger"),
            &Lie::default(),
        );
        let fields = json!({
            "webauthn_register": made.to_string(), "webauthn_register_displayname": "blue",
            "traits": { "email": email },
        });
        let answered = client.submit("registration", &form, fields).await;
        assert!(answered.status.as_u16() < 400, "{}", answered.text);
        let me = client.whoami().await.json();
        assert_eq!(me["authentication_methods"][0]["method"], "webauthn");
        assert_eq!(me["authenticator_assurance_level"], "aal1");

        let mut client = app.client(kind);
        let form = client.start("login", "").await;
        let field = &form.node("identifier").unwrap()["attributes"];
        assert_eq!(field["autocomplete"], "username webauthn");
        let form = identify(&mut client, &form, &email.to_uppercase()).await;
        assert_eq!(form.messages(), ["1010012"]);
        let asked = options(&form, "webauthn_login_trigger");
        assert_eq!(asked["publicKey"]["userVerification"], "discouraged");
        let used = key.get(&asked, &Lie::default());
        let answered = answer(&mut client, &form, &email, &used).await;
        assert!(answered.status.as_u16() < 400, "{}", answered.text);

        app.clock.advance(Duration::seconds(1));
        let form = client.start("login", "refresh=true").await;
        let used = key.get(&options(&form, "webauthn_login_trigger"), &Lie::default());
        let answered = answer(&mut client, &form, &email, &used).await;
        assert!(answered.status.as_u16() < 400, "{}", answered.text);
        let me = client.whoami().await.json();
        assert_eq!(me["authentication_methods"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_key_is_not_told_from_who_is_unknown() {
    let app = TestApp::with(config(true)).await;
    app.seed("ada@example.org", PASSWORD).await;
    let mut client = app.spa();
    let form = client.start("login", "").await;
    for email in ["ada@example.org", "nobody@example.org"] {
        let fields = json!({ "method": "webauthn", "identifier": email });
        let answer = client.submit("login", &form, fields).await;
        assert_eq!(answer.status, 400);
        let shown = client.form("login", &answer).await;
        assert_eq!(shown.messages(), ["4000015"]);
        assert!(shown.node("password").is_some());
    }
    let answer = client
        .submit("login", &form, json!({ "method": "webauthn" }))
        .await;
    assert_eq!(messages(&answer.json()), ["identifier:4000002"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_a_second_factor() {
    let app = TestApp::with(config(false)).await;
    for kind in KINDS {
        let email = format!("{kind:?}@example.org").to_lowercase();
        app.seed(&email, PASSWORD).await;
        let mut client = app.client(kind);
        client.sign_in(&email, PASSWORD).await;
        let mut key = Authenticator::new(HOME);
        let form = add(&mut client, &mut key, "blue").await;
        assert_eq!(form.messages(), ["1050001"], "{}", form.flow);
        let removal = form.node("webauthn_remove").unwrap();
        assert_eq!(removal["meta"]["label"]["context"]["display_name"], "blue");
        assert_eq!(removal["attributes"]["disabled"], false);
        let me = client.whoami().await.json();
        assert_eq!(me["authenticator_assurance_level"], "aal2");

        let mut client = app.client(kind);
        client.sign_in(&email, PASSWORD).await;
        assert_eq!(client.whoami().await.status, 403);
        let form = client.start("login", "aal=aal2").await;
        let asked = options(&form, "webauthn_login_trigger");
        let strange = Authenticator::new(HOME).create(
            &json!({ "publicKey": { "rp": { "id": "example.org" }, "user": { "id": "AA" }, "challenge": asked["publicKey"]["challenge"] } }),
            &Lie::default(),
        );
        let answered = answer(&mut client, &form, &email, &strange).await;
        let shown = client.form("login", &answered).await;
        assert_eq!(shown.messages(), ["4000001"]);
        let lie = Lie {
            broken_signature: true,
            ..Lie::default()
        };
        let answered = answer(&mut client, &form, &email, &key.get(&asked, &lie)).await;
        assert_eq!(
            client.form("login", &answered).await.messages(),
            ["4000043"]
        );
        let used = key.get(&asked, &Lie::default());
        let answered = answer(&mut client, &form, &email, &used).await;
        assert!(answered.status.as_u16() < 400, "{}", answered.text);
        let me = client.whoami().await.json();
        assert_eq!(me["authenticator_assurance_level"], "aal2");
        assert_eq!(me["authentication_methods"][1]["method"], "webauthn");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_need_a_name_and_are_added_once() {
    let app = TestApp::with(config(false)).await;
    let id = app.seed("ada@example.org", PASSWORD).await;
    let mut client = app.spa();
    client.sign_in("ada@example.org", PASSWORD).await;
    let mut key = Authenticator::new(HOME);
    let form = client.start("settings", "").await;
    let asked = options(&form, "webauthn_register_trigger");
    let made = key.create(&asked, &Lie::default());
    let nameless = json!({ "webauthn_register": made.to_string() });
    let answer = client.submit("settings", &form, nameless).await;
    assert_eq!(
        messages(&answer.json()),
        ["webauthn_register_displayname:4000002"]
    );
    for lie in [
        Lie {
            origin: Some("https://evil.test"),
            ..Lie::default()
        },
        Lie {
            challenge: Some("AA".into()),
            ..Lie::default()
        },
    ] {
        let made = key.create(&asked, &lie);
        let fields =
            json!({ "webauthn_register": made.to_string(), "webauthn_register_displayname": "x" });
        let answer = client.submit("settings", &form, fields).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(messages(&answer.json()), ["4000001"]);
    }
    let fields =
        json!({ "webauthn_register": made.to_string(), "webauthn_register_displayname": "x" });
    let answer = client.submit("settings", &form, fields.clone()).await;
    let form = client.form("settings", &answer).await;
    assert_eq!(form.messages(), ["1050001"], "{}", form.flow);
    let answer = client.submit("settings", &form, fields).await;
    assert_eq!(
        messages(&answer.json()),
        ["4000001"],
        "the question was another"
    );

    let path = format!("/admin/identities/{id}?include_credential=webauthn");
    let identity = app.admin(Method::GET, &path, None).await.json();
    let kept = &identity["credentials"]["webauthn"];
    assert_eq!(kept["version"], 1);
    assert_eq!(kept["identifiers"], json!(["ada@example.org"]));
    assert_eq!(kept["config"]["credentials"][0]["is_passwordless"], false);
    assert_eq!(
        kept["config"]["credentials"][0]["added_at"],
        "2026-07-01T12:00:00Z"
    );
    let uuid: uuid::Uuid = id.parse().unwrap();
    assert_eq!(
        kept["config"]["user_handle"],
        BASE64.encode(uuid.as_bytes())
    );

    let form = client.start("settings", "").await;
    let button = form.node("webauthn_remove").unwrap()["attributes"]["value"].clone();
    let answer = client
        .submit("settings", &form, json!({ "webauthn_remove": button }))
        .await;
    let form = client.form("settings", &answer).await;
    assert_eq!(form.messages(), ["1050001"]);
    assert!(form.node("webauthn_remove").is_none());
}

/// Adding a key is for those who have just shown who they are.
/// Of changes that were made from the same state one is made, and the others are told.
#[tokio::test(flavor = "multi_thread")]
async fn keys_added_at_once_are_all_there_or_refused() {
    let app = TestApp::with(config(false)).await;
    let id = app.seed("ada@example.org", PASSWORD).await;
    let mut owner = app.spa();
    owner.sign_in("ada@example.org", PASSWORD).await;
    let mut saved = 0;
    for round in 0..8 {
        let mut all = JoinSet::new();
        for n in 0..4 {
            let mut client = app.spa();
            client.cookies.clone_from(&owner.cookies);
            let form = client.start("settings", "").await;
            let made = Authenticator::new(HOME).create(
                &options(&form, "webauthn_register_trigger"),
                &Lie::default(),
            );
            let fields = json!({ "webauthn_register": made.to_string(),
                "webauthn_register_displayname": format!("{round}-{n}") });
            all.spawn(async move { client.submit("settings", &form, fields).await });
        }
        let mut now = 0;
        while let Some(answered) = all.join_next().await {
            let answered = answered.unwrap();
            match answered.status.as_u16() {
                200 => now += 1,
                400 => assert_eq!(messages(&answered.json()), ["4000001"]),
                _ => panic!("{} {}", answered.status, answered.text),
            }
        }
        assert!(now > 0);
        saved += now;
    }
    let url = format!(
        "{}/admin/identities/{id}?include_credential=webauthn",
        app.admin
    );
    let identity = app.spa().get(&url).await.json();
    let keys = identity["credentials"]["webauthn"]["config"]["credentials"].clone();
    assert_eq!(keys.as_array().unwrap().len(), saved);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_session_has_to_be_confirmed_first() {
    let app = TestApp::with(config(false)).await;
    app.seed("ada@example.org", PASSWORD).await;
    for kind in KINDS {
        let mut client = app.client(kind);
        client.sign_in("ada@example.org", PASSWORD).await;
        app.clock.advance(Duration::hours(2));
        let mut key = Authenticator::new(HOME);
        let form = client.start("settings", "").await;
        let made = key.create(
            &options(&form, "webauthn_register_trigger"),
            &Lie::default(),
        );
        let fields =
            json!({ "webauthn_register": made.to_string(), "webauthn_register_displayname": "x" });
        let answer = client.submit("settings", &form, fields).await;
        if kind == Kind::Browser {
            assert!(answer.location().contains("refresh=true"));
        } else {
            assert_eq!(answer.status, 403);
            assert_eq!(answer.error_id().unwrap(), "session_refresh_required");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_in_stays() {
    let app = TestApp::with(config(true)).await;
    let mut key = Authenticator::new(HOME);
    let mut client = app.spa();
    let form = client.start("registration", "").await;
    let made = key.create(
        &options(&form, "webauthn_register_trigger"),
        &Lie::default(),
    );
    let fields =
        json!({ "webauthn_register": made.to_string(), "traits": { "email": "ada@example.org" } });
    assert_eq!(
        client.submit("registration", &form, fields).await.status,
        200
    );
    let form = client.start("settings", "").await;
    let button = form.node("webauthn_remove").unwrap()["attributes"].clone();
    assert_eq!(button["disabled"], true);
    let fields = json!({ "webauthn_remove": button["value"] });
    let answer = client.submit("settings", &form, fields).await;
    assert_eq!(messages(&answer.json()), ["webauthn_remove:4000001"]);
}

/// What an installation brings along: keys imported by an administrator, and rows of an older release.
#[tokio::test(flavor = "multi_thread")]
async fn keys_from_elsewhere_work() {
    let app = TestApp::with(config(true)).await;
    let mut key = Authenticator::new(HOME);
    let mut client = app.spa();
    let form = client.start("registration", "").await;
    let made = key.create(
        &options(&form, "webauthn_register_trigger"),
        &Lie::default(),
    );
    let fields =
        json!({ "webauthn_register": made.to_string(), "traits": { "email": "ada@example.org" } });
    let answer_ = client.submit("registration", &form, fields).await;
    let id = answer_.json()["identity"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/admin/identities/{id}?include_credential=webauthn");
    let identity = app.admin(Method::GET, &path, None).await.json();
    let mut config = identity["credentials"]["webauthn"]["config"].clone();
    app.admin(Method::DELETE, &format!("/admin/identities/{id}"), None)
        .await;
    let entry = config["credentials"][0].as_object_mut().unwrap();
    entry.shift_remove("flags");
    let body = json!({
        "schema_id": "default", "traits": { "email": "bob@example.org" },
        "credentials": { "webauthn": { "config": config } },
    });
    let made = app
        .admin(Method::POST, "/admin/identities", Some(&body))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let mut client = app.spa();
    let form = client.start("login", "").await;
    let form = identify(&mut client, &form, "bob@example.org").await;
    key.counter = 1;
    let used = key.get(&options(&form, "webauthn_login_trigger"), &Lie::default());
    let answered = answer(&mut client, &form, "bob@example.org", &used).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_once() {
    let app = Arc::new(TestApp::with(config(true)).await);
    let mut key = Authenticator::new(HOME);
    let mut client = app.spa();
    let form = client.start("registration", "").await;
    let made = key.create(
        &options(&form, "webauthn_register_trigger"),
        &Lie::default(),
    );
    let fields =
        json!({ "webauthn_register": made.to_string(), "traits": { "email": "ada@example.org" } });
    client.submit("registration", &form, fields).await;

    for _ in 0..rounds(1) {
        let mut client = app.spa();
        let form = client.start("login", "").await;
        let form = identify(&mut client, &form, "ada@example.org").await;
        let used = key.get(&options(&form, "webauthn_login_trigger"), &Lie::default());
        let mut all = JoinSet::new();
        for _ in 0..64 {
            let mut other = app.spa();
            other.cookies.clone_from(&client.cookies);
            let (form, used) = (form.clone(), used.clone());
            all.spawn(async move { answer(&mut other, &form, "ada@example.org", &used).await });
        }
        let mut won = 0;
        while let Some(answered) = all.join_next().await {
            let answered = answered.unwrap();
            match answered.status.as_u16() {
                200 => won += 1,
                400 => assert_eq!(messages(&answered.json()), ["4000043"]),
                _ => panic!("{} {}", answered.status, answered.text),
            }
        }
        assert_eq!(won, 1);
    }
}

/// This method is the last that is asked, and says what all of them have missed.
#[tokio::test(flavor = "multi_thread")]
async fn without_any_method_what_is_missing_is_said_and_the_traits_stay() {
    let app = TestApp::with(config(true)).await;
    for (method, expected) in [
        (
            json!(null),
            vec![
                "identifier:4000002",
                "webauthn_register:4000002",
                "method:4000002",
            ],
        ),
        (
            json!("nonsense"),
            vec!["identifier:4000002", "webauthn_register:4000002"],
        ),
    ] {
        let mut client = app.spa();
        let form = client.start("registration", "").await;
        let mut fields = json!({ "traits": { "email": "ada@example.org" } });
        if method.is_string() {
            fields["method"] = method;
        }
        let answer = client.submit("registration", &form, fields).await;
        let form = client.form("registration", &answer).await;
        let mut said = form.messages();
        said.sort();
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(said, expected);
        let email = form.node("traits.email").unwrap();
        assert_eq!(email["attributes"]["value"], "ada@example.org");
    }
}

/// Apps have no page that could talk to a key.
#[tokio::test(flavor = "multi_thread")]
async fn apps_are_not_offered_keys() {
    let app = TestApp::with(config(true)).await;
    let mut client = app.native();
    for flow in ["login", "registration"] {
        let form = client.start(flow, "").await;
        let nodes = form.flow["ui"]["nodes"].as_array().unwrap();
        assert!(nodes.iter().all(|n| n["group"] != "webauthn"));
    }
    let form = client.start("login", "").await;
    let fields = json!({ "method": "webauthn", "identifier": "ada@example.org" });
    let answer = client.submit("login", &form, fields).await;
    assert_eq!(messages(&answer.json()), ["4010002"]);
}

/// Browsers run the script only if it is the one that the form vouches for.
#[tokio::test(flavor = "multi_thread")]
async fn the_script_is_the_one_that_forms_name() {
    let app = TestApp::with(config(true)).await;
    let mut client = app.spa();
    let form = client.start("login", "refresh=false").await;
    assert!(
        form.flow["ui"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|n| n["type"] != "script")
    );
    let form = client.start("registration", "").await;
    let nodes = form.flow["ui"]["nodes"].as_array().unwrap();
    let script = nodes.iter().find(|n| n["type"] == "script").unwrap();
    let script = &script["attributes"];
    assert_eq!(script["id"], "webauthn_script");
    assert_eq!(script["type"], "text/javascript");
    assert_eq!(
        (&script["async"], &script["crossorigin"]),
        (&json!(true), &json!("anonymous"))
    );
    let answer = client.get(script["src"].as_str().unwrap()).await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/javascript; charset=UTF-8")
    );
    let digest = BASE64.encode(&Sha512::digest(answer.text.as_bytes()));
    assert_eq!(script["integrity"], format!("sha512-{digest}"));
    for name in [
        "oryWebAuthnLogin",
        "oryWebAuthnRegistration",
        "oryPasskeyLogin",
        "oryPasskeyLoginAutocompleteInit",
        "oryPasskeyRegistration",
        "oryPasskeySettingsRegistration",
        "oryWebAuthnInitialized",
    ] {
        assert!(answer.text.contains(name), "{name}");
    }
}
