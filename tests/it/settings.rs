//! Changing one's account: who may, with how fresh a sign-in, and what follows.
use crate::support::client::{
    ALL_KINDS, Client, Form, Kind, OTHER_PASSWORD, PASSWORD, http, messages, query_of,
};
use crate::support::{TestApp, rounds};
use kratos::store::Dialect;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";

async fn signed_in(app: &TestApp, kind: Kind, email: &str) -> Client {
    let mut client = app.client(kind);
    let answer = client.sign_in(email, PASSWORD).await;
    assert!(answer.status.as_u16() < 400, "{}", answer.text);
    client
}

fn profile(email: &str) -> Value {
    json!({ "method": "profile", "traits": { "email": email } })
}

fn new_password() -> Value {
    json!({ "method": "password", "password": OTHER_PASSWORD })
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_and_password_are_changed_and_the_session_stays() {
    let app = TestApp::start().await;
    for kind in ALL_KINDS {
        let address = format!("{kind:?}@example.org").to_lowercase();
        let id = app.seed(&address, PASSWORD).await;
        let mut client = signed_in(&app, kind, &address).await;
        let session = client.whoami().await.json()["id"].clone();
        let form = client.start("settings", "").await;
        assert_eq!(form.flow["identity"]["id"], id);
        let change = json!({ "method": "profile", "traits": {
            "email": address, "name": { "first": "Ada" }, "age": 36,
        } });
        let done = client.submit("settings", &form, change).await;
        let saved = match kind {
            Kind::Browser => client.form("settings", &done).await.flow,
            _ => {
                assert_eq!(done.status, 200, "{}", done.text);
                done.json()
            }
        };
        assert_eq!(messages(&saved), ["1050001"]);
        assert_eq!(saved["state"], "success");
        assert_eq!(saved["identity"]["traits"]["age"], 36);

        let done = client.submit("settings", &form, new_password()).await;
        assert!(done.status.as_u16() < 400, "{}", done.text);
        let me = client.whoami().await.json();
        assert_eq!(me["id"], session);
        assert_eq!(me["identity"]["traits"]["name"]["first"], "Ada");
        let mut other = app.client(kind);
        let old = other.sign_in(&address, PASSWORD).await;
        let old = other.form("login", &old).await;
        assert_eq!(old.messages(), ["4000006"]);
        let new = app.spa().sign_in(&address, OTHER_PASSWORD).await;
        assert_eq!(new.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_at_its_field_and_changes_nothing() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    let form = client.start("settings", "").await;
    let before = client.whoami().await.json()["identity"].clone();
    let cases = [
        (profile("no address"), "traits.email:4000040"),
        (json!({ "method": "profile" }), "traits.email:4000002"),
        (json!({ "method": "password" }), "password:4000002"),
        (
            json!({ "method": "password", "password": "short" }),
            "password:4000032",
        ),
        (
            json!({ "method": "password", "password": PASSWORD }),
            "password:4000039",
        ),
        (json!({ "method": "nothing" }), "4010004"),
        (json!({}), "4010004"),
        (json!({ "method": "code" }), "4010004"),
    ];
    for (body, expected) in cases {
        let answer = client.submit("settings", &form, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        assert_eq!(messages(&answer.json()), [expected], "{body}");
    }
    let off = client
        .submit("settings", &form, json!({ "method": "totp" }))
        .await;
    assert_eq!(off.status, 404);
    let forged = json!({ "csrf_token": "other", "method": "password", "password": OTHER_PASSWORD });
    let forged = client.submit("settings", &form, forged).await;
    assert_eq!(
        forged.error_id().as_deref(),
        Some("security_csrf_violation")
    );
    assert_eq!(client.whoami().await.json()["identity"], before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trait_that_the_schema_does_not_know_is_shown_and_refused() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    let form = client.start("settings", "").await;
    let change = json!({ "method": "profile", "traits": { "email": ADA, "color": "red" } });
    let answer = client.submit("settings", &form, change).await;
    assert_eq!(answer.status, 400);
    assert_eq!(messages(&answer.json()), ["traits:4000001"]);
    let form = client.form("settings", &answer).await;
    let color = form.node("traits.color").expect("what was sent");
    assert_eq!(color["group"], "profile");
    assert_eq!(color["attributes"]["value"], "red");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_stays_when_a_form_is_refused_for_where_it_comes_from() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Native, ADA).await;
    let form = client.start("settings", "").await;
    let token = client.token.clone().expect("a session token");
    let answer = http()
        .post(form.flow["ui"]["action"].as_str().unwrap_or_default())
        .header("x-session-token", token)
        .header("origin", "http://elsewhere.test")
        .json(&profile(ADA))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 400);
    let path = format!("/self-service/settings/flows?id={}", form.id);
    let shown = client.get(&path).await;
    let shown = client.form("settings", &shown).await;
    assert_eq!(shown.messages(), ["4000001"]);
    let email = shown.node("traits.email");
    assert_eq!(email.expect("the field")["attributes"]["value"], ADA);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_asks_a_server_of_databases_few_questions() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    for change in [profile("ada2@example.org"), new_password()] {
        let form = client.start("settings", "").await;
        let before = app.services.store.db().asked();
        let done = client.submit("settings", &form, change).await;
        assert_eq!(done.status, 200, "{}", done.text);
        let asked = app.services.store.db().asked() - before;
        if app.services.store.db().dialect() == Dialect::Postgres {
            assert!(asked <= 6, "{asked}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_their_owner_gets_at_settings() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    app.seed(BOB, PASSWORD).await;
    for kind in ALL_KINDS {
        let mut ada = signed_in(&app, kind, ADA).await;
        let form = ada.start("settings", "").await;
        let page = format!("/self-service/settings/flows?id={}", form.id);
        let mut bob = signed_in(&app, kind, BOB).await;
        let own = bob.start("settings", "").await;
        let read = bob.get(&page).await;
        assert_eq!(read.status, 403);
        assert_eq!(
            read.error_id().as_deref(),
            Some("security_identity_mismatch")
        );
        let theirs = Form {
            id: form.id.clone(),
            flow: own.flow,
        };
        let submitted = bob.submit("settings", &theirs, new_password()).await;
        match kind {
            Kind::Browser => assert!(submitted.location().starts_with("http://ui.test/error")),
            _ => assert_eq!(submitted.status, 403),
        }

        let mut nobody = app.client(kind);
        let expected = if kind == Kind::Browser { 302 } else { 401 };
        assert_eq!(nobody.get(&page).await.status, expected);
        let submitted = nobody.submit("settings", &form, new_password()).await;
        match kind {
            Kind::Browser => assert_eq!(submitted.location(), "http://ui.test/login"),
            _ => assert_eq!(submitted.status, 401),
        }
    }
    let mut nobody = app.browser();
    let begun = nobody
        .get("/self-service/settings/browser?return_to=http://ui.test/x&other=1")
        .await;
    let login = format!(
        "{}/self-service/login/browser?return_to=http%3A%2F%2Fui.test%2Fx",
        app.public
    );
    assert_eq!(
        (begun.status.as_u16(), begun.location()),
        (303, login.as_str())
    );
    assert_eq!(
        app.spa().get("/self-service/settings/browser").await.status,
        401
    );
    assert_eq!(
        app.native().get("/self-service/settings/api").await.status,
        401
    );
    assert!(
        app.native()
            .sign_in(ADA, PASSWORD)
            .await
            .status
            .is_success()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_form_is_replaced() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    for kind in ALL_KINDS {
        let mut client = signed_in(&app, kind, ADA).await;
        let form = client.start("settings", "").await;
        app.clock.advance(Duration::minutes(61));
        let answer = client.submit("settings", &form, new_password()).await;
        let page = format!("/self-service/settings/flows?id={}", form.id);
        assert_eq!(client.get(&page).await.status, 410);
        if kind == Kind::Browser {
            let new = client.form("settings", &answer).await;
            assert_eq!(new.messages(), ["4050001"]);
        } else {
            assert_eq!(answer.status, 410);
            assert!(answer.json()["use_flow_id"].is_string());
        }
    }
}

/// A sign-in that is too old for what a form asks for.
async fn stale(app: &TestApp, kind: Kind) -> (Client, Form) {
    let mut client = signed_in(app, kind, ADA).await;
    app.clock.advance(Duration::minutes(59));
    let form = client.start("settings", "").await;
    app.clock.advance(Duration::minutes(2));
    (client, form)
}

fn with_destination() -> Value {
    json!({ "selfservice": { "flows": { "settings": {
        "after": { "default_browser_return_url": "http://ui.test/done" },
    } } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_proves_an_account_is_changed_only_soon_after_a_sign_in() {
    let app = TestApp::with(with_destination()).await;
    let id = app.seed(ADA, PASSWORD).await;
    for kind in ALL_KINDS {
        for change in [new_password(), profile("new@example.org")] {
            let (mut client, form) = stale(&app, kind).await;
            let harmless = json!({ "method": "profile", "traits": { "email": ADA, "age": 20 } });
            let allowed = client.submit("settings", &form, harmless).await;
            assert!(allowed.status.as_u16() < 400, "{}", allowed.text);
            let refused = client.submit("settings", &form, change.clone()).await;
            let login = if kind == Kind::Browser {
                assert_eq!(refused.status, 303);
                refused.location().to_owned()
            } else {
                assert_eq!(refused.status, 403);
                let body = refused.json();
                assert_eq!(body["error"]["id"], "session_refresh_required");
                body["redirect_browser_to"]
                    .as_str()
                    .unwrap_or("")
                    .to_owned()
            };
            assert!(login.contains("/self-service/login/browser?refresh=true&return_to="));
            let back = query_of(&login, "return_to").expect("the way back");
            assert!(back.ends_with(&format!("/self-service/settings?flow={}", form.id)));
        }
    }
    let path = format!("/admin/identities/{id}");
    let stored = app.admin(Method::GET, &path, None).await.json();
    assert_eq!(stored["traits"]["email"], ADA);
    assert!(app.spa().sign_in(ADA, PASSWORD).await.status.is_success());
}

/// Signs in again where a refused change leads to; the address to go back to.
async fn confirm(client: &mut Client, refused: &str) -> String {
    let begun = client.get(refused).await;
    let form = client.form("login", &begun).await;
    let fields = json!({ "method": "password", "identifier": ADA, "password": PASSWORD });
    let done = client.submit("login", &form, fields).await;
    done.location().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_comes_back_from_the_sign_in_and_its_change_is_made_once() {
    let app = TestApp::with(with_destination()).await;
    let id = app.seed(ADA, PASSWORD).await;
    for _ in 0..rounds(1) {
        let (mut client, form) = stale(&app, Kind::Browser).await;
        let change = profile("new@example.org");
        let refused = client.submit("settings", &form, change).await;
        let back = confirm(&mut client, refused.location()).await;
        let tries = (0..64).map(|_| {
            let mut twin = app.browser();
            twin.cookies.clone_from(&client.cookies);
            let back = back.clone();
            tokio::spawn(async move { twin.get(&back).await.location().to_owned() })
        });
        let mut made = 0;
        for answer in tries.collect::<Vec<_>>() {
            let place = answer.await.expect("an answer");
            if place == "http://ui.test/done" {
                made += 1;
            } else {
                assert!(
                    place.starts_with("http://ui.test/settings?flow="),
                    "{place}"
                );
            }
        }
        assert_eq!(made, 1);
        let path = format!("/admin/identities/{id}");
        let mut stored = app.admin(Method::GET, &path, None).await.json();
        assert_eq!(stored["traits"]["email"], "new@example.org");
        stored["traits"]["email"] = ADA.into();
        let undo = json!({
            "schema_id": stored["schema_id"], "state": "active", "traits": stored["traits"],
        });
        let undone = app.admin(Method::PUT, &path, Some(&undo)).await;
        assert_eq!(undone.status, 200, "{}", undone.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waits_is_forgotten_with_a_new_form_and_is_nobody_elses() {
    let app = TestApp::with(with_destination()).await;
    app.seed(ADA, PASSWORD).await;
    app.seed(BOB, PASSWORD).await;
    let (mut client, form) = stale(&app, Kind::Browser).await;
    let refused = client.submit("settings", &form, new_password()).await;
    let mut thief = signed_in(&app, Kind::Browser, BOB).await;
    let kept = client.cookies["ory_kratos_continuity"].clone();
    thief.cookies.insert("ory_kratos_continuity".into(), kept);
    let own = thief.start("settings", "").await;
    let back = format!("/self-service/settings?flow={}", own.id);
    let nothing = thief.get(&back).await;
    assert!(
        nothing
            .location()
            .starts_with("http://ui.test/settings?flow=")
    );

    let back = confirm(&mut client, refused.location()).await;
    client.start("settings", "").await;
    let nothing = client.get(&back).await;
    assert!(
        nothing
            .location()
            .starts_with("http://ui.test/settings?flow=")
    );
    assert!(app.spa().sign_in(ADA, PASSWORD).await.status.is_success());
    assert!(app.spa().sign_in(BOB, PASSWORD).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_now_goes_before_what_waits() {
    let app = TestApp::with(with_destination()).await;
    let id = app.seed(ADA, PASSWORD).await;
    let (mut client, form) = stale(&app, Kind::Browser).await;
    let refused = client.submit("settings", &form, new_password()).await;
    confirm(&mut client, refused.location()).await;
    let forged = json!({ "csrf_token": "none", "method": "profile", "traits": { "email": ADA } });
    let forged = client.submit("settings", &form, forged).await;
    assert!(forged.location().starts_with("http://ui.test/error"));
    let now = json!({ "method": "profile", "traits": { "email": ADA, "age": 41 } });
    let done = client.submit("settings", &form, now).await;
    assert_eq!(done.location(), "http://ui.test/done");
    let path = format!("/admin/identities/{id}");
    let stored = app.admin(Method::GET, &path, None).await.json();
    assert_eq!(stored["traits"]["age"], 41);
    assert!(app.spa().sign_in(ADA, PASSWORD).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sign_in_is_fresh_enough_for_a_limit_of_nothing_and_nobody_goes_round_for_ever() {
    let mut app = TestApp::with(with_destination()).await;
    app.configure(&json!({ "selfservice": { "flows": { "settings": {
        "privileged_session_max_age": "0s",
    } } } }));
    app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Browser, ADA).await;
    let form = client.start("settings", "").await;
    app.clock.advance(Duration::SECOND);
    let mut refused = client.submit("settings", &form, new_password()).await;
    for _ in 0..2 {
        app.clock.advance(Duration::SECOND);
        let back = confirm(&mut client, refused.location()).await;
        app.clock.advance(Duration::SECOND);
        refused = client.get(&back).await;
    }
    assert!(
        refused
            .location()
            .starts_with("http://ui.test/settings?flow=")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_may_be_sent_by_get() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Native, ADA).await;
    let form = client.start("settings", "").await;
    let query = format!("flow={}&method=password&password={OTHER_PASSWORD}", form.id);
    let done = client.get(&format!("/self-service/settings?{query}")).await;
    assert_eq!(done.status, 200, "{}", done.text);
    // What stands in the address does not count where there is a body.
    let path = format!("/self-service/settings?{query}");
    let answer = client.send(Method::POST, &path, Some(&json!({}))).await;
    assert_eq!(messages(&answer.json()), ["4010004"]);
    assert!(
        app.spa()
            .sign_in(ADA, OTHER_PASSWORD)
            .await
            .status
            .is_success()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_somebody_has_is_refused() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    app.seed(BOB, PASSWORD).await;
    for kind in ALL_KINDS {
        let mut client = signed_in(&app, kind, ADA).await;
        let form = client.start("settings", "").await;
        let answer = client.submit("settings", &form, profile(BOB)).await;
        let form = client.form("settings", &answer).await;
        assert_eq!(form.messages(), ["4000007"]);
        assert_eq!(form.flow["state"], "show_form");
    }
}

/// Nobody can sign in by an address that the account does not have.
#[tokio::test(flavor = "multi_thread")]
async fn of_addresses_given_at_once_one_stays() {
    let app = TestApp::start().await;
    let id = app.seed(ADA, PASSWORD).await;
    let owner = signed_in(&app, Kind::Spa, ADA).await;
    for round in 0..8 {
        let mut answers = vec![];
        for n in 0..4 {
            let mut client = app.spa();
            client.cookies.clone_from(&owner.cookies);
            let form = client.start("settings", "").await;
            let change = profile(&format!("ada-{round}-{n}@example.org"));
            answers.push(tokio::spawn(async move {
                client.submit("settings", &form, change).await
            }));
        }
        let mut saved = 0;
        for answer in answers {
            let answer = answer.await.expect("an answer");
            match answer.status.as_u16() {
                200 => saved += 1,
                400 => assert_eq!(messages(&answer.json()), ["4000001"]),
                _ => panic!("{} {}", answer.status, answer.text),
            }
        }
        assert!(saved > 0);
        let url = format!(
            "{}/admin/identities/{id}?include_credential=password",
            app.admin
        );
        let identity = app.spa().get(&url).await.json();
        let address = identity["traits"]["email"].clone();
        let identifiers = &identity["credentials"]["password"]["identifiers"];
        assert_eq!(*identifiers, json!([address]));
        for list in ["verifiable_addresses", "recovery_addresses"] {
            assert_eq!(identity[list].as_array().map(Vec::len), Some(1), "{list}");
            assert_eq!(identity[list][0]["value"], address);
        }
    }
}

fn verified(hooks: &Value) -> Value {
    json!({ "selfservice": { "flows": {
        "verification": { "enabled": true },
        "settings": { "after": { "profile": { "hooks": hooks } } },
    } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_address_is_written_to_and_the_old_one_is_told() {
    let hooks =
        json!([{ "hook": "show_verification_ui" }, { "hook": "notify_previous_addresses" }]);
    let app = TestApp::with(verified(&hooks)).await;
    let id = app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    let form = client.start("settings", "").await;
    let new = "new@example.org";
    let done = client.submit("settings", &form, profile(new)).await.json();
    let item = &done["continue_with"][0];
    assert_eq!(item["action"], "show_verification_ui");
    assert_eq!(item["flow"]["verifiable_address"], new);
    assert!(!app.is_verified(&id, new).await);
    let told = app.mail(ADA).await;
    assert_eq!(told.template_type, "verifiable_address_changed");
    let flow = item["flow"]["id"].as_str().expect("a flow").to_owned();
    let code = app.code(new).await;
    let form = Form {
        id: flow,
        flow: Value::Null,
    };
    let body = json!({ "method": "code", "code": code });
    client.submit("verification", &form, body).await;
    assert!(app.is_verified(&id, new).await);
}

/// Wishes for another address; the verification that it waits for.
async fn wish(client: &mut Client, new: &str) -> Form {
    let form = client.start("settings", "").await;
    let answer = client.submit("settings", &form, profile(new)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let flow = answer.json();
    assert_eq!(flow["state"], "show_form");
    let id = flow["continue_with"][0]["flow"]["id"]
        .as_str()
        .expect("a flow");
    Form {
        id: id.to_owned(),
        flow: Value::Null,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_address_waits_for_the_proof() {
    let app = TestApp::with(verified(&json!([{ "hook": "verify_new_address" }]))).await;
    let id = app.seed(ADA, PASSWORD).await;
    let path = format!("/admin/identities/{id}");
    let new = "new@example.org";
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    // A later wish takes the place of an earlier one.
    let first = wish(&mut client, "first@example.org").await;
    let waits = wish(&mut client, new).await;
    let stored = app.admin(Method::GET, &path, None).await.json();
    assert_eq!(stored["traits"]["email"], ADA);
    let void = app.code("first@example.org").await;
    let answer = client
        .submit(
            "verification",
            &first,
            json!({ "method": "code", "code": void }),
        )
        .await;
    assert_eq!(messages(&answer.json()), ["4070006"]);

    let code = app.code(new).await;
    let right = json!({ "method": "code", "code": code });
    let tries = (0..64).map(|_| {
        let (mut twin, form, right) = (app.spa(), waits.clone(), right.clone());
        tokio::spawn(async move { twin.submit("verification", &form, right).await })
    });
    let mut made = 0;
    for answer in tries.collect::<Vec<_>>() {
        let answer = answer.await.expect("an answer");
        assert!(answer.status.as_u16() < 500, "{}", answer.text);
        made += usize::from(answer.status == 200 && answer.json()["state"] == "passed_challenge");
    }
    assert_eq!(made, 1);
    let stored = app.admin(Method::GET, &path, None).await.json();
    assert_eq!(stored["traits"]["email"], new);
    assert!(app.is_verified(&id, new).await);
    assert!(app.spa().sign_in(new, PASSWORD).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_somebody_else_has_by_now_is_not_given() {
    let app = TestApp::with(verified(&json!([{ "hook": "verify_new_address" }]))).await;
    let id = app.seed(ADA, PASSWORD).await;
    let new = "new@example.org";
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    let waits = wish(&mut client, new).await;
    app.seed(new, PASSWORD).await;
    let nodes = |flow: &Value| {
        let nodes = flow["ui"]["nodes"].as_array().expect("nodes").iter();
        let shape =
            |n: &Value| [&n["attributes"]["name"], &n["attributes"]["type"]].map(Value::to_string);
        nodes.map(shape).collect::<Vec<_>>()
    };
    let path = format!("/self-service/verification/flows?id={}", waits.id);
    let flow = client.get(&path).await.json();
    let waits = Form { id: waits.id, flow };
    for fields in [
        json!({ "method": "code", "code": app.code(new).await }),
        json!({ "method": "code", "email": new }),
    ] {
        let answer = client.submit("verification", &waits, fields).await;
        assert_eq!(answer.status, 400);
        assert_eq!(messages(&answer.json()), ["4000007"]);
        assert_eq!(nodes(&answer.json()), nodes(&waits.flow));
    }
    assert_eq!(app.mails(new).await.len(), 1);
    let path = format!("/admin/identities/{id}");
    let stored = app.admin(Method::GET, &path, None).await.json();
    assert_eq!(stored["traits"]["email"], ADA);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waits_is_void_once_its_session_is_over_or_the_traits_are_others() {
    let app = TestApp::with(verified(&json!([{ "hook": "verify_new_address" }]))).await;
    let id = app.seed(ADA, PASSWORD).await;
    for over in ["session", "traits"] {
        let new = format!("{over}@example.org");
        let mut client = signed_in(&app, Kind::Spa, ADA).await;
        let waits = wish(&mut client, &new).await;
        if over == "session" {
            let path = format!("/admin/identities/{id}/sessions");
            assert_eq!(app.admin(Method::DELETE, &path, None).await.status, 204);
        } else {
            let form = client.start("settings", "").await;
            let other = json!({ "method": "profile", "traits": { "email": ADA, "age": 50 } });
            let done = client.submit("settings", &form, other).await;
            assert_eq!(done.status, 200, "{}", done.text);
        }
        let code = app.code(&new).await;
        let right = json!({ "method": "code", "code": code });
        let answer = app.spa().submit("verification", &waits, right).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(messages(&answer.json()), ["4070006"]);
    }
    assert!(app.spa().sign_in(ADA, PASSWORD).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_ends_in_settings_where_a_new_password_is_set() {
    let recovery = json!({ "selfservice": { "flows": { "recovery": { "enabled": true } } } });
    let app = TestApp::with(recovery).await;
    app.seed(ADA, PASSWORD).await;
    let mut client = app.browser();
    let form = client.start("recovery", "").await;
    let ask = json!({ "method": "code", "email": ADA });
    let sent = client.submit("recovery", &form, ask).await;
    let form = client.form("recovery", &sent).await;
    let code = json!({ "method": "code", "code": app.code(ADA).await });
    let done = client.submit("recovery", &form, code).await;
    let settings = client.form("settings", &done).await;
    assert_eq!(settings.messages(), ["1060001"]);
    let saved = client.submit("settings", &settings, new_password()).await;
    let saved = client.form("settings", &saved).await;
    assert_eq!(saved.messages(), ["1050001"]);
    assert!(
        app.spa()
            .sign_in(ADA, OTHER_PASSWORD)
            .await
            .status
            .is_success()
    );
}
