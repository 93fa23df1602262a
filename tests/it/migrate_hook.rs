//! Passwords that another system knows still: its web hook is asked at the first login.
use crate::support::client::{ALL_KINDS, Answer, Kind, OTHER_PASSWORD, PASSWORD, messages};
use crate::support::{TestApp, merge};
use kratos::base::terms::CredentialsType;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const ADA: &str = "ada@example.org";
const MATCH: &str = r#"{"status":"password_match"}"#;

fn answer(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_string(body)
}

async fn hook(reply: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    reply_with(&server, reply).await;
    server
}

/// What it says from now on. What it was asked is forgotten.
async fn reply_with(server: &MockServer, reply: ResponseTemplate) {
    server.reset().await;
    Mock::given(any()).respond_with(reply).mount(server).await;
}

fn settings(hook: &Value) -> Value {
    json!({ "selfservice": { "methods": { "password": { "config": {
        "migrate_hook": { "enabled": true, "config": hook },
    } } } } })
}

/// A server that asks that hook, with more in the hook's settings.
async fn asking(server: &MockServer, more: Value) -> TestApp {
    let mut hook = json!({ "url": format!("{}/migrate?a=b", server.uri()) });
    merge(&mut hook, &more);
    TestApp::with(settings(&hook)).await
}

/// Somebody whose password is elsewhere; the id.
async fn elsewhere(app: &TestApp, email: &str) -> String {
    let body = json!({
        "traits": { "email": email }, "metadata_admin": { "for": "admins" },
        "credentials": { "password": { "config": { "use_password_migration_hook": true } } },
    });
    let made = app.admin(Method::POST, "/admin/identities", Some(&body));
    let made = made.await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// The password credential as stored.
async fn stored(app: &TestApp, id: &str) -> Value {
    let path = format!("/admin/identities/{id}?include_credential=password");
    let answer = app.admin(Method::GET, &path, None).await;
    answer.json()["credentials"]["password"]["config"].clone()
}

fn is_hashed(config: &Value) -> bool {
    let hash = config["hashed_password"].as_str().unwrap_or_default();
    hash.starts_with("$2a$04$") && config.as_object().unwrap().len() == 1
}

async fn asked(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

fn said(answer: &Answer) -> (u16, Vec<String>) {
    (answer.status.as_u16(), messages(&answer.json()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_the_hook_confirms_is_kept_and_the_hook_not_asked_again() {
    let server = hook(answer(200, MATCH)).await;
    let app = asking(&server, json!({})).await;
    for (n, kind) in ALL_KINDS.into_iter().enumerate() {
        let email = format!("p{n}@example.org");
        let id = elsewhere(&app, &email).await;
        let before = stored(&app, &id).await;
        assert_eq!(before["use_password_migration_hook"], true);

        reply_with(&server, answer(200, MATCH)).await;
        let mut client = app.client(kind);
        // No policy is asked: it is the password that they have.
        let signed_in = client.sign_in(&email, "a<&").await;
        let fine = if kind == Kind::Browser { 303 } else { 200 };
        assert_eq!(signed_in.status, fine, "{}", signed_in.text);
        let me = client.whoami().await.json();
        assert_eq!(me["identity"]["traits"]["email"], email);
        assert_eq!(me["authentication_methods"][0]["method"], "password");
        assert!(is_hashed(&stored(&app, &id).await));

        let requests = asked(&server).await;
        let [request] = requests.as_slice() else {
            panic!("{requests:?}");
        };
        assert_eq!(request.method.as_str(), "POST");
        assert_eq!(
            (request.url.path(), request.url.query()),
            ("/migrate", Some("a=b"))
        );
        assert_eq!(request.headers["content-type"], "application/json");
        for id in ["ory-webhook-request-id", "ory-webhook-trigger-id"] {
            let id = request.headers[id].to_str().unwrap();
            assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
        }
        let body: Value = request.body_json().unwrap();
        assert_eq!(body, json!({ "identifier": email, "password": "a<&" }));

        reply_with(&server, answer(403, "")).await;
        assert_eq!(app.client(kind).sign_in(&email, "a<&").await.status, fine);
        let wrong = app.native().sign_in(&email, PASSWORD).await;
        assert_eq!(said(&wrong), (400, vec!["4000006".to_owned()]));
        assert!(asked(&server).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_does_not_confirm_a_password_makes_it_a_wrong_one() {
    let server = hook(answer(403, "")).await;
    let app = asking(&server, json!({ "emit_analytics_event": false })).await;
    let id = elsewhere(&app, ADA).await;
    let late = format!(
        r#"{{"x":"{}","status":"password_match"}}"#,
        "x".repeat(1024)
    );
    for reply in [
        answer(403, MATCH),
        answer(200, ""),
        answer(200, "sure"),
        answer(200, "null"),
        answer(200, "[]"),
        answer(200, r#""password_match""#),
        answer(200, r#"{"status":"no"}"#),
        answer(200, r#"{"status":1}"#),
        answer(200, r#"{"status":"password_match""#),
        answer(200, &late),
        answer(200, &"[".repeat(1 << 20)),
    ] {
        reply_with(&server, reply.clone()).await;
        for kind in ALL_KINDS {
            let mut client = app.client(kind);
            let refused = client.sign_in(ADA, PASSWORD).await;
            let expected = if kind == Kind::Browser { 303 } else { 400 };
            assert_eq!(refused.status, expected, "{reply:?}: {}", refused.text);
            let form = client.form("login", &refused).await;
            assert_eq!(form.messages(), ["4000006"], "{reply:?}");
            let node = |name: &str| form.node(name).unwrap()["attributes"].clone();
            assert_eq!(node("identifier")["value"], ADA);
            assert!(node("password").get("value").is_none());
        }
    }
    let requests = asked(&server).await;
    assert!(!requests[0].headers.contains_key("ory-webhook-trigger-id"));
    assert_eq!(stored(&app, &id).await["use_password_migration_hook"], true);

    // The first value counts, and Go does not mind how keys are spelt.
    reply_with(&server, answer(200, r#"{"Status":"password_match"} more"#)).await;
    assert_eq!(app.native().sign_in(ADA, PASSWORD).await.status, 200);
    assert!(is_hashed(&stored(&app, &id).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_in_trouble_is_upstream_trouble_and_changes_nothing() {
    let server = hook(answer(200, MATCH)).await;
    let app = asking(&server, json!({})).await;
    let id = elsewhere(&app, ADA).await;
    for status in [201, 204, 302, 400, 401, 404, 501] {
        reply_with(&server, answer(status, MATCH)).await;
        for kind in ALL_KINDS {
            let answer = app.client(kind).sign_in(ADA, PASSWORD).await;
            if kind == Kind::Browser {
                assert_eq!(answer.status, 303);
                let page = answer.location();
                assert!(page.starts_with("http://ui.test/error?id="), "{page}");
                continue;
            }
            assert_eq!(answer.status, 502, "{status}: {}", answer.text);
            let error = answer.json()["error"].clone();
            assert_eq!(error["code"], 502);
            assert_eq!(error.get("id"), None);
            assert_eq!(answer.header("ory-error-id"), Some(""));
            assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
        }
        assert_eq!(asked(&server).await.len(), 3, "{status} is final");
    }
    assert_eq!(stored(&app, &id).await["use_password_migration_hook"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_away_for_a_moment_is_asked_again() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(answer(503, "").insert_header("Retry-After", "0"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(answer(200, MATCH))
        .mount(&server)
        .await;
    let mut app = asking(&server, json!({})).await;
    elsewhere(&app, ADA).await;
    assert_eq!(app.native().sign_in(ADA, PASSWORD).await.status, 200);
    let requests = asked(&server).await;
    let ids = |name: &str| {
        let all = requests.iter().map(|r| r.headers[name].to_str().unwrap());
        all.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(requests.len(), 3);
    assert_eq!(ids("ory-webhook-trigger-id"), 1);
    assert_eq!(ids("ory-webhook-request-id"), 3);
    assert!(requests.iter().all(|r| r.body == requests[0].body));

    // And then it is over.
    reply_with(&server, answer(503, "").insert_header("Retry-After", "0")).await;
    elsewhere(&app, "bob@example.org").await;
    let away = app.native().sign_in("bob@example.org", PASSWORD).await;
    assert_eq!(away.status, 502, "{}", away.text);
    assert_eq!(asked(&server).await.len(), 3);

    // Nothing is asked that must not be.
    app.configure(&json!({ "clients": { "http": { "disallow_private_ip_ranges": true } } }));
    let refused = app.native().sign_in("bob@example.org", PASSWORD).await;
    assert_eq!(refused.status, 502, "{}", refused.text);
    assert_eq!(asked(&server).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_where_the_hook_should_be() {
    for settings_of in [json!({ "url": "http://127.0.0.1:9/" }), json!({})] {
        let app = TestApp::with(settings(&settings_of)).await;
        elsewhere(&app, ADA).await;
        let answer = app.spa().sign_in(ADA, PASSWORD).await;
        assert_eq!(answer.status, 502, "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_hook_that_is_off_meets_a_misconfiguration() {
    let server = hook(answer(200, MATCH)).await;
    let mut app = asking(&server, json!({})).await;
    elsewhere(&app, ADA).await;
    let off = json!({ "enabled": false });
    app.configure(&json!({ "selfservice": { "methods": { "password": { "config": { "migrate_hook": off } } } } }));
    for kind in ALL_KINDS {
        let answer = app.client(kind).sign_in(ADA, PASSWORD).await;
        if kind == Kind::Browser {
            assert!(answer.location().starts_with("http://ui.test/error?id="));
        } else {
            assert_eq!(answer.status, 500, "{}", answer.text);
            assert_eq!(answer.error_id().as_deref(), Some("invalid_configuration"));
        }
    }
    assert!(asked(&server).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hook_is_told_who_asks() {
    let server = hook(answer(200, MATCH)).await;
    let auth = |kind: &str, config: Value| json!({ "auth": { "type": kind, "config": config } });
    let key = |place: &str| json!({ "name": "X-Key", "value": "secret", "in": place });
    for (n, (settings, header, value)) in [
        (auth("api_key", key("header")), "x-key", "secret"),
        (auth("api_key", key("cookie")), "cookie", "X-Key=secret"),
        (
            auth("basic_auth", json!({ "user": "u", "password": "p" })),
            "authorization",
            "Basic dTpw",
        ),
        (json!({ "headers": { "X-Extra": "1" } }), "x-extra", "1"),
        // Without a Jsonnet the body is what it is, whatever it is called.
        (
            json!({ "headers": { "Content-Type": "application/vnd.x+json" } }),
            "content-type",
            "application/vnd.x+json",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        reply_with(&server, answer(200, MATCH)).await;
        let app = asking(&server, settings).await;
        let email = format!("p{n}@example.org");
        elsewhere(&app, &email).await;
        assert_eq!(app.native().sign_in(&email, PASSWORD).await.status, 200);
        let requests = asked(&server).await;
        assert_eq!(requests[0].headers[header], value);
        let body: Value = requests[0].body_json().unwrap();
        assert_eq!(body, json!({ "identifier": email, "password": PASSWORD }));
    }
}

fn snippet(text: &str) -> String {
    format!("base64://{}", data_encoding::BASE64.encode(text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jsonnet_makes_the_body_of_all_that_is_known() {
    let server = hook(answer(200, MATCH)).await;
    let app = asking(&server, json!({ "body": snippet("function(ctx) ctx") })).await;
    elsewhere(&app, ADA).await;
    let mut client = app.spa();
    let form = client.start("login", "").await;
    let fields = json!({
        "method": "password", "identifier": ADA, "password": PASSWORD,
        "transient_payload": { "from": "a test" },
    });
    let signed_in = client.submit("login", &form, fields).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    let mut body: Value = asked(&server).await[0].body_json().unwrap();
    let mut take = |key: &str| body.as_object_mut().unwrap().remove(key).unwrap();
    assert_eq!(
        (take("identifier"), take("password")),
        (ADA.into(), PASSWORD.into())
    );
    assert_eq!(take("request_method"), "POST");
    let url = format!("{}/self-service/login?flow={}", app.public, form.id);
    assert_eq!(take("request_url"), url.as_str());
    let flow = take("flow");
    assert_eq!(flow["id"], form.id.as_str());
    assert_eq!(flow["transient_payload"], json!({ "from": "a test" }));
    assert!(!flow.to_string().contains(PASSWORD));
    let identity = take("identity");
    assert_eq!(identity["traits"], json!({ "email": ADA }));
    for hidden in ["credentials", "metadata_admin"] {
        assert_eq!(identity.get(hidden), None);
    }
    let cookies = take("request_cookies");
    let mut names = cookies.as_object().unwrap().keys();
    assert!(
        names.any(|name| name.starts_with("csrf_token")),
        "{cookies}"
    );
    let headers = take("request_headers");
    assert_eq!(headers["User-Agent"], json!(["test/1"]));
    assert_eq!(headers["Content-Type"], json!(["application/json"]));
    assert!(headers.get("Cookie").is_some(), "the list is of no account");
    assert_eq!(headers.get("Host"), None);
    assert_eq!(body, json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jsonnet_can_make_a_form_or_fail() {
    let server = hook(answer(200, MATCH)).await;
    let app = asking(
        &server,
        json!({
            "body": snippet("function(ctx) { user: ctx.identifier, pw: ctx.password }"),
            "headers": { "Content-Type": "application/x-www-form-urlencoded" },
        }),
    );
    let app = app.await;
    elsewhere(&app, ADA).await;
    assert_eq!(app.native().sign_in(ADA, "a b&c").await.status, 200);
    let body = String::from_utf8(asked(&server).await[0].body.clone()).unwrap();
    assert_eq!(body, "pw=a+b%26c&user=ada%40example.org");

    reply_with(&server, answer(200, MATCH)).await;
    for broken in [
        json!({ "body": snippet("function(ctx) error 'cancel'") }),
        json!({ "body": snippet("function(ctx) error ctx.password") }),
        json!({ "body": "file://nowhere.jsonnet" }),
        json!({ "body": snippet("function(ctx) ctx"), "headers": { "Content-Type": "text/xml" } }),
        json!({ "headers": { "X-Bad": "a\nb" } }),
    ] {
        let app = asking(&server, broken).await;
        let id = elsewhere(&app, ADA).await;
        for (kind, status) in [(Kind::Spa, 500), (Kind::Native, 400)] {
            let failed = app.client(kind).sign_in(ADA, PASSWORD).await;
            assert_eq!(failed.status, status, "{}", failed.text);
            assert_eq!(failed.json()["error"]["code"], 500);
            assert!(!failed.text.contains(PASSWORD));
        }
        assert_eq!(stored(&app, &id).await["use_password_migration_hook"], true);
    }
    assert!(asked(&server).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_passwords_that_nobody_here_knows_are_asked_about() {
    let server = hook(answer(200, MATCH)).await;
    let app = asking(&server, json!({})).await;
    elsewhere(&app, ADA).await;
    app.seed("bob@example.org", PASSWORD).await;
    for (email, password) in [
        ("nobody@example.org", PASSWORD),
        ("bob@example.org", OTHER_PASSWORD),
    ] {
        let wrong = app.native().sign_in(email, password).await;
        assert_eq!(said(&wrong), (400, vec!["4000006".to_owned()]));
    }
    // A mark beside a hash is of no account.
    let mut found = app.services.store.credentials();
    let found = found.by_identifier(&[CredentialsType::Password], "bob@example.org", "");
    let bob = found.await.unwrap().unwrap().identity;
    let credential = bob.credential(CredentialsType::Password).unwrap().id;
    let mark = |config: &mut Value| {
        config["use_password_migration_hook"] = true.into();
        true
    };
    let marked = app.services.store.edit_credential(credential, None, mark);
    assert!(marked.await.unwrap());
    for (password, status) in [(OTHER_PASSWORD, 400), (PASSWORD, 200)] {
        let answer = app.native().sign_in("bob@example.org", password).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    assert!(asked(&server).await.is_empty());

    // The hook gets what was typed.
    let typed = app.native().sign_in("ADA@Example.org", PASSWORD).await;
    assert_eq!(typed.status, 200, "{}", typed.text);
    let body: Value = asked(&server).await[0].body_json().unwrap();
    assert_eq!(body["identifier"], "ADA@Example.org");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_logins_at_once_all_succeed_and_one_hash_is_kept() {
    let slow = answer(200, MATCH).set_delay(Duration::from_millis(200));
    let server = hook(slow).await;
    let app = asking(&server, json!({})).await;
    let id = elsewhere(&app, ADA).await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut client = app.native();
        running.spawn(async move { client.sign_in(ADA, PASSWORD).await });
    }
    while let Some(done) = running.join_next().await {
        let done = done.unwrap();
        assert_eq!(done.status, 200, "{}", done.text);
    }
    assert!(is_hashed(&stored(&app, &id).await));
    server.reset().await;
    assert_eq!(app.native().sign_in(ADA, PASSWORD).await.status, 200);
    assert!(asked(&server).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_set_meanwhile_counts_for_more_than_the_hook() {
    let slow = answer(200, MATCH).set_delay(Duration::from_millis(600));
    let server = hook(slow).await;
    let app = asking(&server, json!({})).await;
    let id = elsewhere(&app, ADA).await;
    let mut client = app.native();
    let late = tokio::spawn(async move { client.sign_in(ADA, PASSWORD).await });
    while asked(&server).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let body = json!({
        "schema_id": "default", "state": "active", "traits": { "email": ADA },
        "credentials": { "password": { "config": { "password": OTHER_PASSWORD } } },
    });
    let path = format!("/admin/identities/{id}");
    let put = app.admin(Method::PUT, &path, Some(&body)).await;
    assert_eq!(put.status, 200, "{}", put.text);
    let late = late.await.unwrap();
    assert_eq!(said(&late), (400, vec!["4000006".to_owned()]));
    assert_eq!(app.native().sign_in(ADA, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_hashed_is_told_once_the_hook_has_confirmed_it() {
    let server = hook(answer(403, "")).await;
    let app = asking(&server, json!({})).await;
    let id = elsewhere(&app, ADA).await;
    let long = "x".repeat(73);
    let wrong = app.native().sign_in(ADA, &long).await;
    assert_eq!(said(&wrong), (400, vec!["4000006".to_owned()]));
    reply_with(&server, answer(200, MATCH)).await;
    let told = app.native().sign_in(ADA, &long).await;
    assert_eq!(said(&told), (400, vec!["password:4000033".to_owned()]));
    assert_eq!(stored(&app, &id).await["use_password_migration_hook"], true);
}

/// A form asks for a password where there is one to be checked.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_elsewhere_is_asked_for_while_the_hook_is_on() {
    let server = hook(answer(200, MATCH)).await;
    let mut app = asking(&server, json!({})).await;
    app.configure(
        &json!({ "selfservice": { "flows": { "login": { "style": "identifier_first" } } } }),
    );
    elsewhere(&app, ADA).await;
    let identify = json!({ "method": "identifier_first", "identifier": ADA });
    let mut client = app.native();
    let form = client.start("login", "").await;
    let asked_for = client.submit("login", &form, identify.clone()).await;
    let form = client.form("login", &asked_for).await;
    assert!(form.node("password").is_some(), "{}", asked_for.text);

    let off = json!({ "enabled": false });
    app.configure(&json!({ "selfservice": { "methods": { "password": { "config": { "migrate_hook": off } } } } }));
    let form = client.start("login", "").await;
    let nothing = client.submit("login", &form, identify).await;
    let form = client.form("login", &nothing).await;
    assert!(form.node("password").is_none(), "{}", nothing.text);
    assert_eq!(form.messages(), ["identifier:4000037"]);
}
