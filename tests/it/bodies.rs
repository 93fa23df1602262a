//! How bodies and queries are read, and the form of the answer to those that cannot be.
use crate::support::TestApp;
use crate::support::client::{Answer, PASSWORD, http, messages};
use reqwest::Method;
use serde_json::{Value, json};

const EVE: &str = "eve@example.org";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Sends exactly this body under this type.
async fn send(method: Method, url: &str, kind: &str, accept: &str, body: &[u8]) -> Answer {
    let request = http().request(method, url).body(body.to_vec());
    let request = request
        .header("content-type", kind)
        .header("accept", accept);
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer {
        status,
        headers,
        text,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_first_value_of_a_body_counts() {
    let app = TestApp::start().await;
    let create = async |body: &[u8]| {
        let url = format!("{}/admin/identities", app.admin);
        send(Method::POST, &url, JSON, JSON, body).await
    };
    for (n, tail) in ["", " ", " xx", "{\"a\":1}", "}", "\0"].iter().enumerate() {
        let body = format!(r#"{{"traits":{{"email":"p{n}@example.org"}}}}{tail}"#);
        assert_eq!(create(body.as_bytes()).await.status, 201, "{body}");
    }
    for (body, has_reason) in [
        (&b""[..], false),
        (b" ", false),
        (b"{\"traits\":", false),
        (b"xx{}", false),
        (b"null", true),
    ] {
        let answer = create(body).await;
        assert_eq!(answer.status, 400, "{body:?}");
        let reason = &answer.json()["error"]["reason"];
        assert_eq!(reason.is_string(), has_reason, "{body:?}: {reason}");
    }
    // What is no text stands for itself, but is no address.
    let made =
        create(b"{\"traits\":{\"email\":\"q@example.org\"},\"metadata_public\":\"a\xffb\"}").await;
    assert_eq!(made.json()["metadata_public"], "a\u{fffd}b");
    let refused = create(b"{\"traits\":{\"email\":\"\xff@example.org\"}}").await;
    assert_eq!(refused.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_signs_out_by_the_first_value_of_its_body() {
    let app = TestApp::start().await;
    app.seed(EVE, PASSWORD).await;
    let mut eve = app.native();
    eve.sign_in(EVE, PASSWORD).await;
    let out = async |body: &[u8]| {
        let url = format!("{}/self-service/logout/api", app.public);
        send(Method::DELETE, &url, JSON, JSON, body).await.status
    };
    assert_eq!(out(b"null").await, 403);
    assert_eq!(out(b"{\"session_token\":\"\xff\"} x").await, 403);
    assert_eq!(out(b"{\"session_token\":1}").await, 400);
    assert_eq!(out(b"").await, 400);
    let body = json!({ "session_token": eve.token }).to_string() + " {}";
    assert_eq!(out(body.as_bytes()).await, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_as_a_whole_or_not_at_all() {
    let app = TestApp::start().await;
    let wrong_password = vec!["4000006".to_owned()];
    let unreadable = vec!["4000001".to_owned()];
    for (kind, body, expected) in [
        (
            JSON,
            &br#"{"method":"password","identifier":"a","password":"b"} {}"#[..],
            &wrong_password,
        ),
        (
            JSON,
            b"{\"method\":\"password\",\"identifier\":\"\xff\",\"password\":\"b\"}",
            &wrong_password,
        ),
        (
            FORM,
            b"method=password&identifier=a%20%ff&password=b",
            &wrong_password,
        ),
        (
            FORM,
            b"method=password&identifier=a;b&password=b",
            &unreadable,
        ),
        (
            FORM,
            b"method=password&identifier=a&password=b&c;d=e",
            &unreadable,
        ),
        (
            FORM,
            b"method=password&identifier=%zz&password=b",
            &unreadable,
        ),
        (
            FORM,
            b"method=password&identifier=a&password=b%",
            &unreadable,
        ),
    ] {
        let form = app.native().start("login", "").await;
        let url = format!("{}/self-service/login?flow={}", app.public, form.id);
        let answer = send(Method::POST, &url, kind, JSON, body).await;
        assert_eq!(
            &messages(&answer.json()),
            expected,
            "{}",
            String::from_utf8_lossy(body)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_cannot_be_read_is_no_part_of_the_query() {
    let app = TestApp::start().await;
    let get = async |query: &str| {
        let path = format!("/self-service/login/api?{query}");
        app.native().get(&path).await
    };
    for query in [
        "aal=aal3;x",
        "return_to=http://evil.test;x=1",
        "return_to=%zz",
        "return_to=http://evil.test/%2",
    ] {
        let answer = get(query).await;
        assert_eq!(answer.status, 200, "{query}");
        assert_eq!(answer.json()["return_to"], Value::Null, "{query}");
    }
    for query in ["%zz=1&aal=aal3", "a;b=c&aal=aal%33", "aal=%zz&aal=aal3"] {
        assert_eq!(get(query).await.status, 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_json_reads_errors_as_json() {
    let app = TestApp::start().await;
    for query in ["return_to=http://evil.test", "aal=aal3", "aal=aal2"] {
        let url = format!("{}/self-service/login/browser?{query}", app.public);
        let answer = send(Method::GET, &url, JSON, "text/html", b"").await;
        assert!(
            answer.status.is_client_error(),
            "{query}: {}",
            answer.status
        );
        assert!(answer.json()["error"]["code"].is_number(), "{query}");
        let answer = send(Method::GET, &url, "text/plain", "text/html", b"").await;
        assert_eq!(answer.status, 303, "{query}");
    }
    // A form is shown by `Accept` alone.
    let url = format!("{}/self-service/login/browser", app.public);
    assert_eq!(
        send(Method::GET, &url, JSON, "text/html", b"").await.status,
        303
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_values_are_no_values() {
    let app = TestApp::start().await;
    app.seed(EVE, PASSWORD).await;
    let mut eve = app.native();
    let session = eve.sign_in(EVE, PASSWORD).await.json()["session"].clone();
    assert_eq!(eve.get("/sessions/whoami?tokenize_as=").await.status, 200);
    assert_eq!(eve.get("/sessions/whoami?tokenize_as=x").await.status, 400);
    for nil in ["00000000-0000-0000-0000-000000000000", ""] {
        let submit = format!("/self-service/login?flow={nil}");
        let answer = eve
            .send(
                Method::POST,
                &submit,
                Some(&json!({ "method": "password" })),
            )
            .await;
        assert_eq!(answer.status, 400, "{nil:?}");
    }
    let mut nobody = app.spa();
    let offer = "/self-service/logout/browser?return_to=http://evil.test";
    assert_eq!(nobody.get(offer).await.status, 401);

    let path = format!("/admin/sessions/{}", session["id"].as_str().unwrap());
    let shown = app.admin(Method::GET, &path, None).await.json();
    assert_eq!(shown["devices"], json!([]));
    let listed = app.admin(Method::GET, "/admin/sessions", None).await.json();
    assert_eq!(listed[0]["devices"], Value::Null);
    let ended = app.admin(Method::DELETE, &path, None).await;
    assert_eq!(
        (ended.status.as_u16(), ended.header("content-type")),
        (204, Some("application/json; charset=utf-8"))
    );
}
