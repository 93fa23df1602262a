//! Signing in with a password, by all three kinds of client.
use crate::support::TestApp;
use crate::support::client::{ALL_KINDS, Kind, OTHER_PASSWORD, PASSWORD, messages};
use crate::support::database::keeps_fractions;
use serde_json::json;
use time::Duration;

const ADA: &str = "ada@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_signs_in() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    for kind in ALL_KINDS {
        let mut client = app.client(kind);
        let answer = client.sign_in(ADA, PASSWORD).await;
        match kind {
            Kind::Browser => assert_eq!(
                (answer.status.as_u16(), answer.location()),
                (303, "http://ui.test/welcome")
            ),
            Kind::Spa | Kind::Native => {
                assert_eq!(answer.status, 200, "{}", answer.text);
                let body = answer.json();
                assert_eq!(body["session"]["identity"]["traits"]["email"], ADA);
                assert_eq!(body.get("session_token").is_some(), kind == Kind::Native);
            }
        }
        let me = client.whoami().await;
        assert_eq!(me.status, 200, "{kind:?}: {}", me.text);
        assert_eq!(me.json()["authentication_methods"][0]["method"], "password");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_keeps_the_identifier_and_tells_nothing() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    for kind in ALL_KINDS {
        let mut said = vec![];
        for identifier in [ADA, "nobody@example.org"] {
            let mut client = app.client(kind);
            let form = client.start("login", "").await;
            let fields = json!({ "method": "password", "identifier": identifier, "password": OTHER_PASSWORD });
            let answer = client.submit("login", &form, fields).await;
            assert_eq!(answer.status, if kind == Kind::Browser { 303 } else { 400 });
            let shown = client.form("login", &answer).await;
            assert_eq!(
                shown.node("identifier").unwrap()["attributes"]["value"],
                identifier
            );
            assert!(
                shown.node("password").unwrap()["attributes"]
                    .get("value")
                    .is_none()
            );
            said.push(shown.messages());
            assert_eq!(client.whoami().await.status, 401);
        }
        assert_eq!(said[0], ["4000006"]);
        assert_eq!(said[0], said[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_on_the_field() {
    let app = TestApp::start().await;
    for kind in ALL_KINDS {
        let mut client = app.client(kind);
        let form = client.start("login", "").await;
        let answer = client
            .submit("login", &form, json!({ "method": "password" }))
            .await;
        let shown = client.form("login", &answer).await;
        assert_eq!(shown.messages(), ["identifier:4000002", "password:4000002"]);
        let answer = client.submit("login", &form, json!({})).await;
        assert_eq!(client.form("login", &answer).await.messages(), ["4010002"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_too_old_is_replaced_by_one_that_says_so() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut spa = app.spa();
    let form = spa
        .start("login", "return_to=http%3A%2F%2Fui.test%2Fpage")
        .await;
    app.clock.advance(Duration::minutes(61));
    let fields = json!({ "method": "password", "identifier": ADA, "password": PASSWORD });
    let late = spa.submit("login", &form, fields.clone()).await;
    assert_eq!(
        (late.status.as_u16(), late.error_id().as_deref()),
        (410, Some("self_service_flow_expired"))
    );
    let body = late.json();
    let since = body["since"].as_i64().unwrap();
    if keeps_fractions() {
        assert_eq!(since, 60_000_000_000);
    } else {
        assert_eq!(since / 1_000_000_000, 60);
    }
    let id = body["use_flow_id"].as_str().unwrap().to_owned();
    let fresh = spa
        .get(&format!("/self-service/login/flows?id={id}"))
        .await
        .json();
    assert_eq!(messages(&fresh), ["4010001"]);
    assert_eq!(fresh["return_to"], "http://ui.test/page");
    let old = spa
        .get(&format!("/self-service/login/flows?id={}", form.id))
        .await;
    assert_eq!(old.status, 410);
    assert_eq!(
        old.json()["error"]["details"]["return_to"],
        "http://ui.test/page"
    );
    let form = crate::support::client::Form { id, flow: fresh };
    assert_eq!(spa.submit("login", &form, fields).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_submission_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut victim = app.spa();
    let form = victim.start("login", "").await;
    let mut attacker = app.spa();
    let theirs = attacker.start("login", "").await;
    let token = theirs.node("csrf_token").unwrap()["attributes"]["value"].clone();
    for forged in [token, json!(""), json!("nonsense")] {
        let fields = json!({ "method": "password", "identifier": ADA, "password": PASSWORD, "csrf_token": forged });
        let answer = victim.submit("login", &form, fields).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error_id().as_deref()),
            (403, Some("security_csrf_violation"))
        );
        assert!(answer.sets().is_empty());
    }
    let read = attacker
        .get(&format!("/self-service/login/flows?id={}", form.id))
        .await;
    assert_eq!(read.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_sends_cookies_is_told_so_on_the_form() {
    let app = TestApp::start().await;
    let mut native = app.native();
    let form = native.start("login", "").await;
    native.cookies.insert("tracking".into(), "1".into());
    let fields = json!({ "method": "password", "identifier": ADA, "password": PASSWORD });
    let answer = native.submit("login", &form, fields).await;
    assert_eq!(
        (answer.status.as_u16(), messages(&answer.json())),
        (400, vec!["4000001".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_who_one_is_keeps_session_and_token() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    app.seed("bob@example.org", PASSWORD).await;
    for kind in [Kind::Spa, Kind::Native] {
        let mut client = app.client(kind);
        client.sign_in(ADA, PASSWORD).await;
        let before = client.whoami().await.json();
        app.clock.advance(Duration::minutes(5));
        let form = client.start("login", "refresh=true").await;
        assert_eq!(form.messages(), ["1010003"]);
        let again = json!({ "method": "password", "identifier": ADA, "password": PASSWORD });
        assert_eq!(client.submit("login", &form, again).await.status, 200);
        let after = client.whoami().await.json();
        assert_eq!(before["id"], after["id"]);
        assert_ne!(before["authenticated_at"], after["authenticated_at"]);
        assert_eq!(after["authentication_methods"].as_array().unwrap().len(), 2);

        let form = client.start("login", "refresh=true").await;
        let other =
            json!({ "method": "password", "identifier": "bob@example.org", "password": PASSWORD });
        let changed = client.submit("login", &form, other).await.json();
        assert_ne!(
            changed["session"]["id"], after["id"],
            "somebody else never gets the session at hand"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_switched_off_cannot_sign_in_and_is_signed_out() {
    let app = TestApp::start().await;
    let body = json!({
        "schema_id": "default", "traits": { "email": ADA }, "state": "inactive",
        "credentials": { "password": { "config": { "password": PASSWORD } } },
    });
    app.admin(reqwest::Method::POST, "/admin/identities", Some(&body))
        .await;
    let mut spa = app.spa();
    let answer = spa.sign_in(ADA, PASSWORD).await;
    assert_eq!(
        (answer.status.as_u16(), messages(&answer.json())),
        (400, vec!["4010011".to_owned()])
    );
    assert_eq!(spa.whoami().await.status, 401);
    let wrong = spa.sign_in(ADA, OTHER_PASSWORD).await;
    assert_eq!(
        messages(&wrong.json()),
        ["4000006"],
        "only who proves the password learns it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_people_sign_in_at_once() {
    let app = TestApp::start().await;
    for n in 0..64 {
        app.seed(&format!("p{n}@example.org"), PASSWORD).await;
    }
    let mut running = tokio::task::JoinSet::new();
    for n in 0..64 {
        let mut native = app.native();
        running.spawn(async move {
            native
                .sign_in(&format!("p{n}@example.org"), PASSWORD)
                .await
                .status
        });
    }
    while let Some(status) = running.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_sign_in_can_end_all_other_sessions() {
    let hooks = json!([{ "hook": "revoke_active_sessions" }]);
    let app = TestApp::with(
        json!({ "selfservice": { "flows": { "login": { "after": { "hooks": hooks } } } } }),
    )
    .await;
    app.seed(ADA, PASSWORD).await;
    let (mut first, mut second) = (app.spa(), app.native());
    first.sign_in(ADA, PASSWORD).await;
    second.sign_in(ADA, PASSWORD).await;
    assert_eq!(first.whoami().await.status, 401);
    assert_eq!(second.whoami().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_who_then_how() {
    let app = TestApp::with(
        json!({ "selfservice": { "flows": { "login": { "style": "identifier_first" } } } }),
    )
    .await;
    app.seed(ADA, PASSWORD).await;
    for kind in ALL_KINDS {
        let mut client = app.client(kind);
        let form = client.start("login", "").await;
        assert!(form.node("password").is_none());
        let unknown = json!({ "method": "identifier_first", "identifier": "nobody@example.org" });
        let answer = client.submit("login", &form, unknown).await;
        assert_eq!(
            client.form("login", &answer).await.messages(),
            ["identifier:4000037"]
        );
        let answer = client
            .submit(
                "login",
                &form,
                json!({ "method": "identifier_first", "identifier": ADA }),
            )
            .await;
        assert_eq!(answer.status, if kind == Kind::Browser { 303 } else { 400 });
        let chosen = client.form("login", &answer).await;
        assert_eq!(
            chosen.node("identifier").unwrap()["attributes"]["type"],
            "hidden"
        );
        let fields = json!({ "method": "password", "identifier": ADA, "password": PASSWORD });
        let done = client.submit("login", &chosen, fields).await;
        assert_eq!(done.status, if kind == Kind::Browser { 303 } else { 200 });
    }
}

/// An administrator deletes something while a password is being compared, which takes a quarter of a second.
async fn deleted_meanwhile(app: &TestApp, path: &str) {
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    let answer = app.admin(reqwest::Method::DELETE, path, None).await;
    assert_eq!(answer.status, 204);
}

/// The password is being compared again while the session is ended from elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_revoked_while_it_is_confirmed_stays_so() {
    let app =
        TestApp::with(json!({ "hashers": { "algorithm": "bcrypt", "bcrypt": { "cost": 12 } } }))
            .await;
    app.seed(ADA, PASSWORD).await;
    for kind in [Kind::Spa, Kind::Native] {
        let mut client = app.client(kind);
        client.sign_in(ADA, PASSWORD).await;
        let id = client.whoami().await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let form = client.start("login", "refresh=true").await;
        let again = json!({ "method": "password", "identifier": ADA, "password": PASSWORD });
        let path = format!("/admin/sessions/{id}");
        let revoked = deleted_meanwhile(&app, &path);
        let (answer, ()) = tokio::join!(client.submit("login", &form, again), revoked);
        assert_eq!(
            (answer.status.as_u16(), answer.error_id().as_deref()),
            (401, Some("session_inactive"))
        );
        assert_eq!(client.whoami().await.status, 401);
    }
}

/// The password is being compared while an administrator deletes the account.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_deleted_while_signing_in_has_no_account_any_more() {
    let app =
        TestApp::with(json!({ "hashers": { "algorithm": "bcrypt", "bcrypt": { "cost": 12 } } }))
            .await;
    for kind in ALL_KINDS {
        let id = app.seed(ADA, PASSWORD).await;
        let mut client = app.client(kind);
        let form = client.start("login", "").await;
        let fields = json!({ "method": "password", "identifier": ADA, "password": PASSWORD });
        let path = format!("/admin/identities/{id}");
        let deleted = deleted_meanwhile(&app, &path);
        let (answer, ()) = tokio::join!(client.submit("login", &form, fields), deleted);
        assert_eq!(answer.status, if kind == Kind::Browser { 303 } else { 400 });
        let shown = client.form("login", &answer).await;
        assert_eq!(shown.messages(), ["4000006"]);
        assert_eq!(client.whoami().await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_allowed_addresses_are_returned_to_however_they_are_spelt() {
    let app = TestApp::with(json!({ "selfservice": { "allowed_return_urls": [
        "http://ui.test/", "https://app.example/path", "https://*.partner.example.com/", "myapp://cb",
        "https://*.com/",
    ] } }))
    .await;
    app.seed(ADA, PASSWORD).await;
    for (wanted, goes_to) in [
        ("http://ui.test", "http://ui.test"),
        (
            "HTTP://UI.test/a b?c=\"d\"#e",
            "http://ui.test/a%20b?c=%22d%22#e",
        ),
        ("/x%20y", "http://ui.test/x%20y"),
        ("?x=y", "http://ui.test?x=y"),
        ("//ui.test/x", "http://ui.test/x"),
        ("https://app.example/path/x", "https://app.example/path/x"),
        (
            "https://a.b.partner.example.com/",
            "https://a.b.partner.example.com/",
        ),
        ("myapp://CB/x", "myapp://cb/x"),
        ("https://app.example:443/path", FORBIDDEN),
        ("https://app.example/path/../other", FORBIDDEN),
        ("https://app.example/path/%2e%2e/other", FORBIDDEN),
        ("https://user@app.example/path", FORBIDDEN),
        ("https://partner.example.com/", FORBIDDEN),
        ("https://evilpartner.example.com/", FORBIDDEN),
        ("https://evil.com/", FORBIDDEN),
        ("x", FORBIDDEN),
        ("//evil.test", FORBIDDEN),
        ("///evil.test", FORBIDDEN),
        ("/\\evil.test", FORBIDDEN),
        ("https:\\\\app.example\\path", FORBIDDEN),
        ("http://ui.test:99999/", FORBIDDEN),
        ("http://\u{ff55}i.test/", FORBIDDEN),
        ("javascript:alert(1)", FORBIDDEN),
        ("/%zz", ""),
        (":443", ""),
        (" http://ui.test/", ""),
        ("http://ui.test/\n", ""),
    ] {
        let mut browser = app.browser();
        let query: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
        if goes_to.is_empty() || goes_to == FORBIDDEN {
            let path = format!("/self-service/login/browser?return_to={query}");
            let answer = app.spa().get(&path).await;
            let id = answer.error_id().unwrap_or_default();
            assert_eq!((answer.status.as_u16(), &*id), (400, goes_to), "{wanted:?}");
            continue;
        }
        let form = browser.start("login", &format!("return_to={query}")).await;
        let fields = json!({ "method": "password", "identifier": ADA, "password": PASSWORD });
        let answer = browser.submit("login", &form, fields).await;
        assert_eq!(answer.location(), goes_to, "{wanted:?}");
    }
}

const FORBIDDEN: &str = "self_service_flow_return_to_forbidden";
