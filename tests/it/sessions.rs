//! Who am I, where else am I signed in, and signing out.
use crate::support::TestApp;
use crate::support::client::{Kind, PASSWORD};
use crate::support::database::keeps_fractions;
use reqwest::Method;
use serde_json::json;
use time::Duration;

const ADA: &str = "ada@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_found_by_header_cookie_or_bearer_in_this_order() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    app.seed("bob@example.org", PASSWORD).await;
    let mut browser = app.spa();
    browser.sign_in(ADA, PASSWORD).await;
    let mut native = app.native();
    native.sign_in("bob@example.org", PASSWORD).await;
    let token = native.token.clone().unwrap();

    let who = |answer: crate::support::client::Answer| {
        answer.json()["identity"]["traits"]["email"]
            .as_str()
            .map(str::to_owned)
    };
    assert_eq!(who(browser.whoami().await).as_deref(), Some(ADA));
    browser.token = Some(token.clone());
    assert_eq!(
        who(browser.whoami().await).as_deref(),
        Some("bob@example.org")
    );
    let plain = crate::support::client::http();
    let bearer = |value: String| {
        plain
            .get(format!("{}/sessions/whoami", app.public))
            .header("Authorization", value)
            .send()
    };
    assert_eq!(
        bearer(format!("bearer {token}")).await.unwrap().status(),
        200
    );
    assert_eq!(
        bearer(format!("Bearer  {token}")).await.unwrap().status(),
        401
    );
    assert_eq!(
        bearer(format!("Basic {token}")).await.unwrap().status(),
        401
    );
    // Every proper prefix of a token is refused.
    for length in 0..token.len() {
        native.token = Some(token[..length].to_owned());
        assert_eq!(native.whoami().await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_cannot_be_read_is_no_fault_of_the_server() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut native = app.native();
    native.sign_in(ADA, PASSWORD).await;
    native
        .cookies
        .insert("ory_kratos_session".into(), "nonsense".into());
    assert_eq!(native.whoami().await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_time() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    for kind in [Kind::Spa, Kind::Native] {
        let mut client = app.client(kind);
        client.sign_in(ADA, PASSWORD).await;
        app.clock.advance(Duration::hours(24) - Duration::SECOND);
        assert_eq!(client.whoami().await.status, 200);
        app.clock.advance(Duration::SECOND);
        assert_eq!(client.whoami().await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extended_session_gets_a_new_cookie_at_the_next_question() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut spa = app.spa();
    spa.sign_in(ADA, PASSWORD).await;
    let me = spa.whoami().await;
    assert!(me.sets().is_empty());
    app.clock.advance(Duration::hours(1));
    let path = format!(
        "/admin/sessions/{}/extend",
        me.json()["id"].as_str().unwrap()
    );
    let extended = app.admin(Method::PATCH, &path, None).await;
    assert_eq!(extended.json()["expires_at"], "2026-07-02T13:00:00.123456Z");
    let me = spa.whoami().await;
    let cookie = me.set_cookie("ory_kratos_session").unwrap();
    let ages: &[&str] = if keeps_fractions() {
        &["Max-Age=86400"]
    } else {
        &["Max-Age=86400", "Max-Age=86399"]
    };
    assert!(ages.iter().any(|age| cookie.contains(age)), "{cookie}");
    assert!(spa.whoami().await.sets().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_of_an_earlier_secret_count_until_it_is_taken_out() {
    let mut app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    let mut spa = app.spa();
    spa.sign_in(ADA, PASSWORD).await;
    app.configure(&json!({ "secrets": { "cookie": ["a-newer-secret-for-tests", "another-secret-for-tests"] } }));
    assert_eq!(spa.whoami().await.status, 200);
    app.configure(&json!({ "secrets": { "cookie": ["a-newer-secret-for-tests"] } }));
    assert_eq!(spa.whoami().await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_has_the_attributes_that_are_configured() {
    let cookie = json!({ "name": "sid", "domain": "example.org", "path": "/app", "same_site": "Strict", "persistent": false });
    let app = TestApp::with(json!({ "session": { "cookie": cookie } })).await;
    app.seed(ADA, PASSWORD).await;
    let line = app
        .spa()
        .sign_in(ADA, PASSWORD)
        .await
        .set_cookie("sid")
        .unwrap();
    let (_, attributes) = line.split_once(';').unwrap();
    assert_eq!(
        attributes,
        " Path=/app; Domain=example.org; HttpOnly; SameSite=Strict"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn own_sessions_are_listed_and_ended_and_nobody_elses() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    app.seed("bob@example.org", PASSWORD).await;
    let mut clients = vec![app.native(), app.native(), app.native()];
    let mut ids = vec![];
    for client in &mut clients {
        client.sign_in(ADA, PASSWORD).await;
        ids.push(
            client.whoami().await.json()["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        app.clock.advance(Duration::SECOND);
    }
    let mut bob = app.native();
    bob.sign_in("bob@example.org", PASSWORD).await;
    let listed = clients[2].get("/sessions").await;
    assert_eq!(listed.header("x-total-count"), Some("2"));
    let listed: Vec<_> = listed
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(listed, [ids[1].clone(), ids[0].clone()]);

    let end = |id: &str| format!("/sessions/{id}");
    assert_eq!(
        bob.send(Method::DELETE, &end(&ids[0]), None).await.status,
        204
    );
    assert_eq!(clients[0].whoami().await.status, 200, "it is not bob's");
    assert_eq!(
        clients[2]
            .send(Method::DELETE, &end(&ids[2]), None)
            .await
            .status,
        400
    );
    assert_eq!(
        clients[2]
            .send(Method::DELETE, &end(&ids[0]), None)
            .await
            .status,
        204
    );
    assert_eq!(clients[0].whoami().await.status, 401);
    // Those that had ended before are counted too, as the reference does.
    let all = clients[2].send(Method::DELETE, "/sessions", None).await;
    assert_eq!(all.json(), json!({ "count": 2 }));
    assert_eq!(clients[1].whoami().await.status, 401);
    assert_eq!(clients[2].whoami().await.status, 200);
    assert_eq!(bob.whoami().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_for_good() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    for kind in [Kind::Browser, Kind::Spa] {
        let mut client = app.client(kind);
        client.sign_in(ADA, PASSWORD).await;
        let kept = client.cookies["ory_kratos_session"].clone();
        let offer = client.get("/self-service/logout/browser").await.json();
        let wrong = client.get("/self-service/logout?token=ory_lo_wrong").await;
        assert_eq!(wrong.status, if kind == Kind::Browser { 303 } else { 403 });
        assert_eq!(client.whoami().await.status, 200);
        let out = client.get(offer["logout_url"].as_str().unwrap()).await;
        match kind {
            Kind::Browser => assert_eq!(
                (out.status.as_u16(), out.location()),
                (303, "http://ui.test/goodbye")
            ),
            _ => assert_eq!(out.status, 204),
        }
        assert!(!client.cookies.contains_key("ory_kratos_session"));
        client.cookies.insert("ory_kratos_session".into(), kept);
        assert_eq!(
            client.whoami().await.status,
            401,
            "an old cookie gains nothing"
        );
    }
    let mut native = app.native();
    native.sign_in(ADA, PASSWORD).await;
    let body = json!({ "session_token": native.token });
    for _ in 0..2 {
        assert_eq!(
            native
                .send(Method::DELETE, "/self-service/logout/api", Some(&body))
                .await
                .status,
            204
        );
    }
    assert_eq!(native.whoami().await.status, 401);
}
