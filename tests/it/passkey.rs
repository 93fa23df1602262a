//! Passkeys, whole: made at registration or in settings, used without a name, counted, used up and done away with.
use crate::support::authenticator::{
    Authenticator, BACKED_UP, BACKUP_ELIGIBLE, Lie, PRESENT, VERIFIED,
};
use crate::support::client::{ALL_KINDS, Answer, Client, Form, Kind, PASSWORD};
use crate::support::{TestApp, inline, person_schema, rounds};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use time::Duration;
use tokio::task::JoinSet;

const HOME: &str = "https://example.org";

fn config() -> Value {
    let mut schema = person_schema();
    schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]["credentials"]["passkey"] =
        json!({ "display_name": true });
    let after = json!({ "hooks": [{ "hook": "session" }] });
    json!({
        "identity": { "schemas": [{ "id": "default", "url": inline(&schema) }] },
        "selfservice": {
            "methods": { "passkey": { "enabled": true, "config": { "rp": {
                "id": "example.org", "display_name": "Example", "origins": [HOME, "https://app.example.org"],
            } } } },
            "flows": { "registration": { "after": { "passkey": after } } },
        },
    })
}

/// What stands in a field as text.
fn options(form: &Form, name: &str) -> Value {
    let node = form
        .node(name)
        .unwrap_or_else(|| panic!("{name}: {}", form.flow));
    let text = node["attributes"]["value"].as_str().expect("text");
    serde_json::from_str(text).expect("JSON")
}

async fn sign_up(client: &mut Client, key: &mut Authenticator, email: &str, lie: &Lie) -> Answer {
    let form = client.start("registration", "").await;
    let data = options(&form, "passkey_create_data");
    assert_eq!(data["displayNameFieldName"], "traits.email");
    assert_eq!(data["displayNameFieldNames"], json!(["traits.email"]));
    let answer = key.create(&data["credentialOptions"], lie);
    let fields = json!({ "passkey_register": answer.to_string(), "traits": { "email": email } });
    let answer = client.submit("registration", &form, fields).await;
    remember(client, &answer);
    answer
}

fn remember(client: &mut Client, answer: &Answer) {
    if client.kind == Kind::Native && answer.status == 200 {
        client.token = answer.json()["session_token"].as_str().map(str::to_owned);
    }
}

async fn sign_in(client: &mut Client, key: &mut Authenticator, lie: &Lie) -> Answer {
    let form = client.start("login", "").await;
    let answer = key.get(&options(&form, "passkey_challenge"), lie);
    let fields = json!({ "passkey_login": answer.to_string() });
    let answer = client.submit("login", &form, fields).await;
    remember(client, &answer);
    answer
}

/// The stored credential, from the admin API.
async fn stored(app: &TestApp, id: &str) -> Value {
    let path = format!("/admin/identities/{id}?include_credential=passkey");
    let identity = app.admin(Method::GET, &path, None).await.json();
    identity["credentials"]["passkey"].clone()
}

async fn who(client: &mut Client) -> String {
    let me = client.whoami().await;
    assert_eq!(me.status, 200, "{}", me.text);
    let me = me.json();
    assert_eq!(me["authentication_methods"][0]["method"], "passkey");
    assert_eq!(me["authentication_methods"][0]["aal"], "aal1");
    me["identity"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_up_and_in_and_confirms() {
    let app = TestApp::with(config()).await;
    for kind in ALL_KINDS {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let mut key = Authenticator::new(HOME);
        let mut client = app.client(kind);
        let answer = sign_up(&mut client, &mut key, &email, &Lie::default()).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.text);
        let id = who(&mut client).await;

        let mut client = app.client(kind);
        let form = client.start("login", "").await;
        let trigger = &form.node("passkey_login_trigger").unwrap()["attributes"];
        let field = &form.node("passkey_login").unwrap()["attributes"];
        assert_eq!(trigger["onclickTrigger"], "oryPasskeyLogin");
        let in_browser = kind != Kind::Native;
        assert_eq!(trigger["onclick"].is_string(), in_browser);
        assert_eq!(field["onload"].is_string(), in_browser);
        let scripts = form.flow["ui"]["nodes"].as_array().unwrap().iter();
        assert_eq!(
            scripts.filter(|n| n["type"] == "script").count(),
            usize::from(in_browser)
        );

        let answer = sign_in(&mut client, &mut key, &Lie::default()).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.text);
        assert_eq!(who(&mut client).await, id);

        app.clock.advance(Duration::seconds(1));
        let form = client.start("login", "refresh=true").await;
        let asked = options(&form, "passkey_challenge");
        assert_eq!(
            asked["publicKey"]["allowCredentials"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            form.node("identifier").unwrap()["attributes"]["value"],
            email.as_str()
        );
        let answer = key.get(&asked, &Lie::default());
        let fields = json!({ "passkey_login": answer.to_string() });
        let answer = client.submit("login", &form, fields).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.text);
        let me = client.whoami().await.json();
        assert_eq!(me["authentication_methods"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_algorithm_that_is_offered_works() {
    let app = TestApp::with(config()).await;
    for (algorithm, attests) in [-7, -35, -36, -257, -258, -259, -37, -38, -39, -8]
        .into_iter()
        .flat_map(|algorithm| [(algorithm, false), (algorithm, true)])
    {
        let mut key = Authenticator::new("https://app.example.org");
        (key.algorithm, key.attests) = (algorithm, attests);
        let mut client = app.native();
        let email = format!("a{algorithm}{attests}@example.org");
        let answer = sign_up(&mut client, &mut key, &email, &Lie::default()).await;
        assert_eq!(answer.status, 200, "{algorithm}: {}", answer.text);
        let id = who(&mut client).await;
        let kept = stored(&app, &id).await;
        let format = if attests { "packed" } else { "none" };
        assert_eq!(kept["config"]["credentials"][0]["attestation_type"], format);
        let mut client = app.native();
        let answer = sign_in(&mut client, &mut key, &Lie::default()).await;
        assert_eq!(answer.status, 200, "{algorithm}: {}", answer.text);
        assert_eq!(who(&mut client).await, id);
    }
}

fn lies() -> Vec<Lie> {
    let lie = Lie::default;
    vec![
        Lie {
            origin: Some("https://evil.test"),
            ..lie()
        },
        Lie {
            origin: Some("https://example.org.evil.test"),
            ..lie()
        },
        Lie {
            challenge: Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into()),
            ..lie()
        },
        Lie {
            challenge: Some(String::new()),
            ..lie()
        },
        Lie {
            kind: Some("payment.get"),
            ..lie()
        },
        Lie {
            rp_id: Some("evil.test"),
            ..lie()
        },
        // Nobody there; a backup of what cannot be backed up.
        Lie {
            flags: Some(0),
            ..lie()
        },
        Lie {
            flags: Some(PRESENT | BACKED_UP),
            ..lie()
        },
        Lie {
            broken_signature: true,
            ..lie()
        },
    ]
}

/// The form says that it is wrong, and the question stays open for the right answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_right_is_refused() {
    let app = TestApp::with(config()).await;
    let mut key = Authenticator::new(HOME);
    key.attests = true;
    let mut client = app.spa();
    let form = client.start("registration", "").await;
    let data = options(&form, "passkey_create_data")["credentialOptions"].clone();
    for lie in lies() {
        let answer = key.create(&data, &lie);
        let fields = json!({ "passkey_register": answer.to_string(), "traits": { "email": "ada@example.org" } });
        let answer = client.submit("registration", &form, fields).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(
            client.form("registration", &answer).await.messages(),
            ["4000001"]
        );
    }
    let mut key = Authenticator::new(HOME);
    let answer = key.create(&data, &Lie::default());
    let fields =
        json!({ "passkey_register": answer.to_string(), "traits": { "email": "ada@example.org" } });
    let answer = client.submit("registration", &form, fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let mut client = app.spa();
    let form = client.start("login", "").await;
    let asked = options(&form, "passkey_challenge");
    let mut wrong = lies();
    // Whether it can be backed up never changes.
    wrong.push(Lie {
        flags: Some(PRESENT | VERIFIED | BACKUP_ELIGIBLE),
        ..Lie::default()
    });
    for lie in wrong {
        let answer = key.get(&asked, &lie);
        let fields = json!({ "passkey_login": answer.to_string() });
        let answer = client.submit("login", &form, fields).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(client.form("login", &answer).await.messages(), ["4000043"]);
    }
    for (handle, message) in [
        (&b"nobody"[..], "4000015"),
        (b"", "4000015"),
        (b"a\0b", "4000015"),
    ] {
        let lie = Lie {
            user_handle: Some(handle.to_vec()),
            ..Lie::default()
        };
        let answer = key.get(&asked, &lie);
        let fields = json!({ "passkey_login": answer.to_string() });
        let answer = client.submit("login", &form, fields).await;
        assert_eq!(client.form("login", &answer).await.messages(), [message]);
    }
    for garbage in ["garbage", "{}", "[]", "null", "{\"id\":\"AA\"}"] {
        let answer = client
            .submit("login", &form, json!({ "passkey_login": garbage }))
            .await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(client.form("login", &answer).await.messages(), ["4000001"]);
    }
    let answer = key.get(&asked, &Lie::default());
    let answer = client
        .submit(
            "login",
            &form,
            json!({ "passkey_login": answer.to_string() }),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn user_verification_is_insisted_on_where_it_is_required() {
    let mut config = config();
    config["selfservice"]["methods"]["passkey"]["config"]["authenticator_selection"] = json!({ "user_verification": "required", "attachment": "platform", "resident_key": "preferred" });
    config["selfservice"]["methods"]["passkey"]["config"]["timeouts"] = json!({ "login": "1m" });
    let app = TestApp::with(config).await;
    let mut key = Authenticator::new(HOME);
    let lie = Lie {
        flags: Some(PRESENT),
        ..Lie::default()
    };
    let mut client = app.spa();
    let answer = sign_up(&mut client, &mut key, "ada@example.org", &lie).await;
    assert_eq!(answer.status, 400);
    let answer = sign_up(&mut client, &mut key, "ada@example.org", &Lie::default()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut client = app.spa();
    let form = client.start("login", "").await;
    assert_eq!(
        options(&form, "passkey_challenge")["publicKey"]["timeout"],
        60_000
    );
    assert_eq!(sign_in(&mut client, &mut key, &lie).await.status, 400);
    assert_eq!(
        sign_in(&mut client, &mut key, &Lie::default()).await.status,
        200
    );
}

/// Of many uses of one answer one signs in; afterwards none does.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_once() {
    let app = Arc::new(TestApp::with(config()).await);
    let mut key = Authenticator::new(HOME);
    let mut client = app.native();
    sign_up(&mut client, &mut key, "ada@example.org", &Lie::default()).await;
    let mut client = app.native();
    for _ in 0..rounds(1) {
        let form = client.start("login", "").await;
        let answer = key.get(&options(&form, "passkey_challenge"), &Lie::default());
        let fields = json!({ "passkey_login": answer.to_string() });
        let mut all = JoinSet::new();
        for _ in 0..64 {
            let (app, form, fields) = (app.clone(), form.clone(), fields.clone());
            all.spawn(async move { app.native().submit("login", &form, fields).await });
        }
        let mut won = 0;
        while let Some(answer) = all.join_next().await {
            let answer = answer.unwrap();
            match answer.status.as_u16() {
                200 => won += 1,
                400 => {
                    let messages = crate::support::client::messages(&answer.json());
                    assert_eq!(messages, ["4000043"]);
                }
                _ => panic!("{} {}", answer.status, answer.text),
            }
        }
        assert_eq!(won, 1);
        let answer = client.submit("login", &form, fields).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }

    // A new account is made once, too, and who lost may go on with a new question.
    let form = client.start("registration", "").await;
    let data = options(&form, "passkey_create_data");
    let answer = key.create(&data["credentialOptions"], &Lie::default());
    let taken =
        json!({ "passkey_register": answer.to_string(), "traits": { "email": "ada@example.org" } });
    let refused = client.submit("registration", &form, taken.clone()).await;
    let form = client.form("registration", &refused).await;
    assert_eq!(form.messages(), ["4000007"]);
    let again = client.submit("registration", &form, taken).await;
    assert_eq!(
        client.form("registration", &again).await.messages(),
        ["4000001"]
    );
    let data = options(&form, "passkey_create_data");
    let answer = key.create(&data["credentialOptions"], &Lie::default());
    let free =
        json!({ "passkey_register": answer.to_string(), "traits": { "email": "bob@example.org" } });
    let answer = client.submit("registration", &form, free).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_goes_back_is_noted_and_backups_are() {
    let app = TestApp::with(config()).await;
    let mut key = Authenticator::new(HOME);
    key.flags |= BACKUP_ELIGIBLE;
    let mut client = app.native();
    sign_up(&mut client, &mut key, "ada@example.org", &Lie::default()).await;
    let id = who(&mut client).await;
    for (counter, stored_counter, warning) in
        [(5, 5, false), (3, 5, true), (0, 5, true), (9, 9, true)]
    {
        key.counter = counter;
        key.flags |= BACKED_UP;
        let answer = sign_in(&mut app.native(), &mut key, &Lie::default()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let kept = stored(&app, &id).await["config"]["credentials"][0].clone();
        assert_eq!(kept["authenticator"]["sign_count"], stored_counter);
        assert_eq!(kept["authenticator"]["clone_warning"], warning);
        assert_eq!(kept["flags"]["backup_state"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_add_passkeys_and_do_away_with_them() {
    let app = TestApp::with(config()).await;
    for kind in ALL_KINDS {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let id = app.seed(&email, PASSWORD).await;
        let mut client = app.client(kind);
        client.sign_in(&email, PASSWORD).await;
        let mut key = Authenticator::new(HOME);
        for count in 1..=2 {
            let form = client.start("settings", "").await;
            let data = options(&form, "passkey_create_data");
            assert_eq!(data["publicKey"]["user"]["name"], email.as_str());
            let answer = key.create(&data, &Lie::default());
            let fields = json!({ "passkey_settings_register": answer.to_string() });
            let answer = client.submit("settings", &form, fields.clone()).await;
            let form = client.form("settings", &answer).await;
            assert_eq!(form.messages(), ["1050001"], "{}", form.flow);
            let again = client.submit("settings", &form, fields).await;
            let form = client.form("settings", &again).await;
            assert_eq!(form.messages(), ["4000001"]);
            let kept = stored(&app, &id).await;
            assert_eq!(
                kept["config"]["credentials"].as_array().unwrap().len(),
                count
            );
            assert_eq!(kept["identifiers"].as_array().unwrap().len(), count);
            assert_eq!(kept["version"], 1);
        }
        // Either of them is found by the name of its own.
        let answer = sign_in(&mut app.client(kind), &mut key, &Lie::default()).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.text);

        for left in [1, 0] {
            let form = client.start("settings", "").await;
            let button = form.node("passkey_remove").unwrap()["attributes"].clone();
            assert_eq!(button["disabled"], false);
            let unknown = json!({ "passkey_remove": "abcd" });
            let answer = client.submit("settings", &form, unknown).await;
            assert_eq!(
                client.form("settings", &answer).await.messages(),
                ["4000001"]
            );
            let fields = json!({ "passkey_remove": button["value"] });
            let answer = client.submit("settings", &form, fields).await;
            assert_eq!(
                client.form("settings", &answer).await.messages(),
                ["1050001"]
            );
            let kept = stored(&app, &id).await;
            let list = kept["config"]["credentials"].as_array();
            assert_eq!(list.map_or(0, Vec::len), left);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_in_stays() {
    let app = TestApp::with(config()).await;
    let mut key = Authenticator::new(HOME);
    let mut client = app.spa();
    sign_up(&mut client, &mut key, "ada@example.org", &Lie::default()).await;
    let form = client.start("settings", "").await;
    let button = form.node("passkey_remove").unwrap()["attributes"].clone();
    assert_eq!(button["disabled"], true);
    let fields = json!({ "passkey_remove": button["value"] });
    let answer = client.submit("settings", &form, fields).await;
    assert_eq!(answer.status, 400);
    let messages = client.form("settings", &answer).await.messages();
    assert_eq!(messages, ["webauthn_remove:4000001"]);
}

/// Two steps, the first without a passkey in sight; the question stays the same.
#[tokio::test(flavor = "multi_thread")]
async fn in_two_steps_the_passkey_comes_last() {
    let mut config = config();
    config["selfservice"]["flows"]["registration"]["style"] = json!("profile_first");
    config["selfservice"]["flows"]["login"]["style"] = json!("identifier_first");
    let app = TestApp::with(config).await;
    for kind in ALL_KINDS {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let traits = json!({ "email": email });
        let mut key = Authenticator::new(HOME);
        let mut client = app.client(kind);
        let form = client.start("registration", "").await;
        assert!(form.node("passkey_create_data").is_none());
        let fields = json!({ "method": "profile", "traits": traits });
        let answer = client.submit("registration", &form, fields).await;
        let form = client.form("registration", &answer).await;
        let data = options(&form, "passkey_create_data");
        let back = json!({ "screen": "previous", "traits": traits });
        let answer = client.submit("registration", &form, back).await;
        let form = client.form("registration", &answer).await;
        assert!(form.node("passkey_create_data").is_none());
        let fields = json!({ "method": "profile", "traits": traits });
        let answer = client.submit("registration", &form, fields).await;
        let form = client.form("registration", &answer).await;
        assert_eq!(options(&form, "passkey_create_data"), data);
        let answer = key.create(&data["credentialOptions"], &Lie::default());
        let fields = json!({ "passkey_register": answer.to_string(), "traits": traits });
        let answer = client.submit("registration", &form, fields).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.text);

        let mut client = app.client(kind);
        let form = client.start("login", "").await;
        assert!(form.node("passkey_login_trigger").is_none());
        let fields = json!({ "method": "identifier_first", "identifier": email });
        let answer = client.submit("login", &form, fields).await;
        let form = client.form("login", &answer).await;
        assert!(
            form.node("passkey_login_trigger").is_some(),
            "{}",
            form.flow
        );
        let answer = key.get(&options(&form, "passkey_challenge"), &Lie::default());
        let fields = json!({ "passkey_login": answer.to_string() });
        let answer = client.submit("login", &form, fields).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.text);
    }
}

/// Without an answer the browser is sent to the page that asks.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_for_the_passkey() {
    let app = TestApp::with(config()).await;
    for kind in ALL_KINDS {
        let mut client = app.client(kind);
        let form = client.start("login", "").await;
        let answer = client
            .submit("login", &form, json!({ "method": "passkey" }))
            .await;
        let page = format!("http://ui.test/login?flow={}", form.id);
        if kind == Kind::Browser {
            assert_eq!(
                (answer.status.as_u16(), answer.location()),
                (303, page.as_str())
            );
        } else {
            assert_eq!(answer.status, 422);
            assert_eq!(
                answer.error_id().unwrap(),
                "browser_location_change_required"
            );
            assert_eq!(answer.json()["redirect_browser_to"], page);
        }
    }
}
