//! Signing up and in by codes, as first and second factor.
use crate::support::client::{ALL_KINDS, Kind, PASSWORD, messages};
use crate::support::{TestApp, rounds};
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

const ADA: &str = "ada@example.org";

/// People are found by their address, with a password or a code.
fn schema() -> Value {
    let mut schema = crate::support::person_schema();
    schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]["credentials"]["code"] =
        json!({ "identifier": true, "via": "email" });
    schema
}

fn config(code: Value) -> Value {
    let after = json!({ "hooks": [{ "hook": "session" }] });
    json!({
        "identity": { "schemas": [{ "id": "default", "url": crate::support::inline(&schema()) }] },
        "selfservice": {
            "methods": { "code": code },
            "flows": { "registration": { "after": { "code": after } } },
        },
    })
}

fn passwordless() -> Value {
    config(json!({ "passwordless_enabled": true }))
}

fn second_factor() -> Value {
    let mut config = config(json!({ "mfa_enabled": true }));
    config["session"] = json!({ "whoami": { "required_aal": "highest_available" } });
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_signs_up_and_then_in() {
    let app = TestApp::with(passwordless()).await;
    for kind in ALL_KINDS {
        let address = format!("{kind:?}@example.org").to_lowercase();
        let traits = json!({ "email": address });
        let mut client = app.client(kind);
        let form = client.start("registration", "").await;
        let fields = json!({ "method": "code", "traits": traits });
        let answer = client.submit("registration", &form, fields).await;
        assert_eq!(answer.status, if kind == Kind::Browser { 303 } else { 400 });
        let form = client.form("registration", &answer).await;
        assert_eq!(form.messages(), ["1040005"]);
        assert_eq!(
            form.node("traits.email").unwrap()["attributes"]["type"],
            "hidden"
        );
        let code = app.code(&address).await;
        let fields = json!({ "method": "code", "traits": traits, "code": code });
        let answer = client.submit("registration", &form, fields).await;
        if kind == Kind::Native {
            client.token = answer.json()["session_token"].as_str().map(str::to_owned);
        }
        let me = client.whoami().await.json();
        assert_eq!(
            me["authentication_methods"][0]["method"], "code",
            "{}",
            answer.text
        );
        assert_eq!(me["identity"]["verifiable_addresses"][0]["verified"], true);

        app.clock.advance(Duration::seconds(1));
        let mut client = app.client(kind);
        let form = client.start("login", "").await;
        let fields = json!({ "method": "code", "identifier": address.to_uppercase() });
        let answer = client.submit("login", &form, fields).await;
        let form = client.form("login", &answer).await;
        assert_eq!(form.messages(), ["1010014"]);
        let code = app.code(&address).await;
        let fields = json!({ "method": "code", "identifier": address, "code": code });
        let answer = client.submit("login", &form, fields).await;
        if kind == Kind::Native {
            client.token = answer.json()["session_token"].as_str().map(str::to_owned);
        }
        assert_eq!(client.whoami().await.status, 200, "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traits_cannot_be_changed_behind_a_code() {
    let app = TestApp::with(passwordless()).await;
    let mut client = app.spa();
    let form = client.start("registration", "").await;
    let fields = json!({ "method": "code", "traits": { "email": ADA, "age": 36 } });
    client.submit("registration", &form, fields).await;
    let code = app.code(ADA).await;
    let fields = json!({ "method": "code", "traits": { "email": ADA, "age": 37 }, "code": code });
    let answer = client.submit("registration", &form, fields).await;
    assert_eq!(messages(&answer.json()), ["4000036"]);
    let fields = json!({ "method": "code", "traits": { "email": ADA, "age": 36 }, "code": code });
    let answer = client.submit("registration", &form, fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_form_offers_cannot_be_submitted() {
    let app = TestApp::with(config(json!({ "enabled": true }))).await;
    let mut client = app.spa();
    let form = client.start("registration", "").await;
    let fields = json!({ "method": "code", "traits": { "email": ADA } });
    let answer = client.submit("registration", &form, fields).await;
    assert_eq!(answer.status, 404);
    assert!(app.mails(ADA).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_people_are_told_unless_that_is_to_be_hidden() {
    let mut app = TestApp::with(passwordless()).await;
    app.seed(ADA, PASSWORD).await;
    let ask = |address: &str| json!({ "method": "code", "identifier": address });
    let mut client = app.spa();
    let form = client.start("login", "").await;
    let answer = client
        .submit("login", &form, ask("nobody@example.org"))
        .await;
    assert_eq!(messages(&answer.json()), ["4000035"]);

    app.configure(&json!({ "security": { "account_enumeration": { "mitigate": true } } }));
    let mut said = vec![];
    for address in [ADA, "nobody@example.org"] {
        let mut client = app.spa();
        let form = client.start("login", "").await;
        let sent = client.submit("login", &form, ask(address)).await;
        let sent_text = sent.text.replace(address, "someone").len();
        let fields = json!({ "method": "code", "identifier": address, "code": "not it" });
        let mut refused = vec![];
        // More than are allowed.
        for _ in 0..6 {
            let wrong = client.submit("login", &form, fields.clone()).await;
            refused.push((wrong.status, messages(&wrong.json())));
        }
        said.push((sent.status, sent_text, refused));
    }
    assert_eq!(said[0].2[5].1, ["4000001"]);
    assert_eq!(said[0], said[1]);
    assert!(app.mails("nobody@example.org").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn five_tries_whatever_is_sent_anew() {
    let app = TestApp::with(passwordless()).await;
    app.seed(ADA, PASSWORD).await;
    let mut client = app.native();
    let form = client.start("login", "").await;
    let ask = json!({ "method": "code", "identifier": ADA });
    client.submit("login", &form, ask).await;
    for _ in 0..5 {
        let wrong = json!({ "method": "code", "identifier": ADA, "code": "not it" });
        let answer = client.submit("login", &form, wrong).await;
        assert_eq!(messages(&answer.json()), ["4010008"]);
    }
    app.clock.advance(Duration::seconds(1));
    let again = json!({ "method": "code", "identifier": ADA, "resend": "code" });
    client.submit("login", &form, again).await;
    assert_eq!(app.mails(ADA).await.len(), 2);
    let right = json!({ "method": "code", "identifier": ADA, "code": app.code(ADA).await });
    let answer = client.submit("login", &form, right).await;
    assert_eq!(messages(&answer.json()), ["4000001"]);
}

/// The only address of a second factor gets its code when the form is begun.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_by_code_lifts_the_session() {
    let app = TestApp::with(second_factor()).await;
    app.seed(ADA, PASSWORD).await;
    for kind in ALL_KINDS {
        app.clock.advance(Duration::seconds(1));
        let mut client = app.client(kind);
        client.sign_in(ADA, PASSWORD).await;
        assert_eq!(client.whoami().await.status, 403);
        let form = client.start("login", "aal=aal2").await;
        assert_eq!(form.flow["state"], "sent_email");
        assert!(form.messages().contains(&"1010025".to_owned()));
        let fields = json!({ "method": "code", "code": app.code(ADA).await });
        let answer = client.submit("login", &form, fields).await;
        let me = client.whoami().await;
        assert_eq!(me.status, 200, "{}", answer.text);
        assert_eq!(me.json()["authenticator_assurance_level"], "aal2");
    }
}

/// Somebody else's code is no second factor.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_ones_own() {
    let app = TestApp::with(second_factor()).await;
    app.seed(ADA, PASSWORD).await;
    let other = "mallory@example.org";
    app.seed(other, PASSWORD).await;
    let mut client = app.spa();
    client.sign_in(other, PASSWORD).await;
    let form = client.start("login", "aal=aal2").await;
    let again = json!({ "method": "code", "identifier": ADA, "resend": "code" });
    client.submit("login", &form, again).await;
    let code = app.code(ADA).await;
    let fields = json!({ "method": "code", "identifier": ADA, "code": code });
    let answer = client.submit("login", &form, fields).await;
    assert_eq!(messages(&answer.json()), ["4010008"]);
    assert_eq!(client.whoami().await.status, 403);
}

/// With codes as the only way in, the first screen already sends one.
#[tokio::test(flavor = "multi_thread")]
async fn identifier_first_sends_at_once_where_there_is_no_choice() {
    let mut patch = passwordless();
    patch["selfservice"]["flows"]["login"] = json!({ "style": "identifier_first" });
    let app = TestApp::with(patch).await;
    let body = json!({ "schema_id": "default", "traits": { "email": ADA } });
    app.admin(Method::POST, "/admin/identities", Some(&body))
        .await;
    let mut client = app.spa();
    let form = client.start("login", "").await;
    let first = json!({ "method": "identifier_first", "identifier": ADA });
    let answer = client.submit("login", &form, first).await;
    assert_eq!(answer.json()["state"], "sent_email", "{}", answer.text);
    let fields = json!({ "method": "code", "identifier": ADA, "code": app.code(ADA).await });
    let answer = client.submit("login", &form, fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let grace = "grace@example.org";
    app.seed(grace, PASSWORD).await;
    let mut client = app.spa();
    let form = client.start("login", "").await;
    let first = json!({ "method": "identifier_first", "identifier": grace });
    let answer = client.submit("login", &form, first).await;
    assert_eq!(answer.json()["state"], "choose_method");
    assert!(app.mails(grace).await.is_empty());
}

/// Of many who type one code at the same time, one is signed in, and one signs up.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_signs_one_of_many_in_or_up() {
    let mut patch = passwordless();
    patch["selfservice"]["methods"]["code"]["config"] = json!({ "max_submissions": 255 });
    let app = TestApp::with(patch).await;
    app.seed(ADA, PASSWORD).await;
    let traits = json!({ "email": "grace@example.org" });
    let flows = [
        ("login", ADA, json!({ "method": "code", "identifier": ADA })),
        (
            "registration",
            "grace@example.org",
            json!({ "method": "code", "traits": traits }),
        ),
    ];
    for (round, (flow, address, fields)) in (0..rounds(2)).zip(flows.into_iter().cycle()) {
        app.clock.advance(Duration::seconds(1));
        let (mut address, mut fields) = (address.to_owned(), fields);
        if flow == "registration" {
            address = format!("{round}{address}");
            fields["traits"]["email"] = address.as_str().into();
        }
        let mut client = app.native();
        let form = client.start(flow, "").await;
        client.submit(flow, &form, fields.clone()).await;
        fields["code"] = app.code(&address).await.into();
        let tries = (0..64).map(|_| {
            let (mut client, form, fields) = (app.native(), form.clone(), fields.clone());
            tokio::spawn(async move { client.submit(flow, &form, fields).await.status == 200 })
        });
        let mut won = 0;
        for one in tries.collect::<Vec<_>>() {
            won += usize::from(one.await.expect("an answer"));
        }
        assert_eq!(won, 1, "{flow}");
    }
}
