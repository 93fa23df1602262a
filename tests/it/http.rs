//! What stands before the routes: paths, methods, listeners, forgery, origins, sizes.
use crate::support::TestApp;
use crate::support::client::{PASSWORD, http};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn text_of<'a>(answer: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).and_then(|v| v.to_str().ok())
}

fn at_public(app: &TestApp, path: &str) -> String {
    format!("{}{path}", app.public)
}

fn at_admin(app: &TestApp, path: &str) -> String {
    format!("{}{path}", app.admin)
}

async fn send(method: Method, url: &str) -> reqwest::Response {
    http().request(method, url).send().await.unwrap()
}

/// Sends exactly this path and a chunked body, and gives the answer as it came.
async fn raw(base: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://"))
        .await
        .unwrap();
    let framing = if body.is_empty() {
        ""
    } else {
        "Transfer-Encoding: chunked\r\n"
    };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{framing}\r\n");
    // The server may have closed before everything is sent.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const NEVER_KEEP: &str = "private, no-cache, no-store, must-revalidate";

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_404_in_plain_text() {
    let app = TestApp::start().await;
    for url in [
        at_public(&app, "/nonsense"),
        at_admin(&app, "/nonsense"),
        at_public(&app, "/sessions/a/b"),
        at_admin(&app, "/admin"),
    ] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let answer = send(method.clone(), &url).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {url}");
            assert_eq!(
                text_of(&answer, "content-type"),
                Some("text/plain; charset=utf-8")
            );
            assert_eq!(text_of(&answer, "x-content-type-options"), Some("nosniff"));
            let kept = (method == Method::GET).then_some(NEVER_KEEP);
            assert_eq!(text_of(&answer, "cache-control"), kept, "{method} {url}");
            let body = if method == Method::HEAD {
                ""
            } else {
                "404 page not found\n"
            };
            assert_eq!(answer.text().await.unwrap(), body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = TestApp::start().await;
    for (method, url, allow) in [
        (
            Method::PUT,
            at_public(&app, "/self-service/login"),
            "GET, HEAD, POST",
        ),
        (Method::POST, at_public(&app, "/health/alive"), "GET, HEAD"),
        (Method::OPTIONS, at_public(&app, "/schemas"), "GET, HEAD"),
        (
            Method::PATCH,
            at_public(&app, "/identities"),
            "GET, HEAD, POST",
        ),
        (
            Method::PUT,
            at_admin(&app, "/sessions"),
            "DELETE, GET, HEAD, POST",
        ),
        (Method::POST, at_admin(&app, "/version"), "GET, HEAD"),
    ] {
        let answer = send(method.clone(), &url).await;
        assert_eq!(
            answer.status(),
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {url}"
        );
        assert_eq!(text_of(&answer, "allow"), Some(allow), "{method} {url}");
        assert_eq!(answer.text().await.unwrap(), "Method Not Allowed\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_are_cleaned_before_they_are_routed() {
    let app = TestApp::start().await;
    for (path, place) in [
        ("//health/alive", "/health/alive"),
        ("/a/../health/alive?x=1", "/health/alive?x=1"),
    ] {
        let answer = raw(&app.public, "GET", path, "").await;
        assert!(answer.starts_with("HTTP/1.1 307"), "{path}: {answer}");
        assert!(
            answer.contains(&format!("location: {place}\r\n")),
            "{path}: {answer}"
        );
    }
    for (path, status) in [
        ("/health/%61live", 200),
        ("/a/%2e%2e/health/alive", 404),
        ("/schemas/%2e%2e", 404),
        ("/sessions%2fwhoami", 404),
    ] {
        let answer = raw(&app.public, "GET", path, "").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {answer}"
        );
    }
}

/// Every line of the two tables.
#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_listener_sends_to_the_other() {
    let app = TestApp::start().await;
    let mut expected = vec![];
    for prefix in ["", "/admin"] {
        for (methods, path) in [
            ("GET POST", "/identities"),
            ("GET PUT PATCH DELETE", "/identities/x"),
            ("GET", "/identities/by/external/x"),
            ("DELETE", "/identities/x/credentials/totp"),
        ] {
            expected.push((
                methods,
                at_public(&app, &format!("{prefix}{path}")),
                at_admin(&app, &format!("/admin{path}")),
            ));
        }
    }
    for (methods, path, place) in [
        (
            "DELETE",
            "/identities/x/sessions",
            "/admin/identities/x/sessions",
        ),
        ("POST", "/recovery/code", "/admin/recovery/code"),
        ("POST", "/recovery/link", "/admin/recovery/link"),
        ("GET", "/admin/courier/messages", "/admin/courier/messages"),
        (
            "GET",
            "/admin/courier/messages/x",
            "/admin/courier/messages/x",
        ),
    ] {
        expected.push((methods, at_public(&app, path), at_admin(&app, place)));
    }
    let mut to_public = vec![];
    for flow in [
        "login",
        "registration",
        "settings",
        "recovery",
        "verification",
    ] {
        to_public.push(("GET POST", format!("/self-service/{flow}")));
        for part in ["browser", "api", "flows"] {
            to_public.push(("GET", format!("/self-service/{flow}/{part}")));
        }
    }
    for (methods, path) in [
        ("GET", "/self-service/logout/browser"),
        ("DELETE", "/self-service/logout/api"),
        ("GET", "/self-service/logout"),
        ("GET", "/self-service/errors"),
        ("GET", "/schemas"),
        ("GET", "/schemas/x"),
        ("DELETE", "/sessions"),
        ("GET", "/sessions/whoami"),
    ] {
        to_public.push((methods, path.to_owned()));
    }
    for (methods, path) in &to_public {
        for prefix in ["", "/admin"] {
            expected.push((
                methods,
                at_admin(&app, &format!("{prefix}{path}")),
                at_public(&app, path),
            ));
        }
    }
    for (methods, url, place) in expected {
        for method in methods.split(' ') {
            let answer = send(method.parse().unwrap(), &format!("{url}?a=1&b=%2F")).await;
            assert_eq!(
                answer.status(),
                StatusCode::TEMPORARY_REDIRECT,
                "{method} {url}"
            );
            assert_eq!(
                text_of(&answer, "location"),
                Some(format!("{place}?a=1&b=%2F").as_str()),
                "{method} {url}"
            );
        }
    }
}

/// The public port must not answer for the admin port.
#[tokio::test(flavor = "multi_thread")]
async fn admin_routes_are_absent_from_the_public_port() {
    let app = TestApp::start().await;
    for path in [
        "/admin/sessions",
        "/admin/sessions/x",
        "/admin/health/alive",
        "/admin/health/config",
        "/admin/version",
        "/version",
        "/metrics/prometheus",
        "/admin/metrics/prometheus",
        "/courier/messages",
    ] {
        assert_eq!(
            send(Method::GET, &at_public(&app, path)).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_prefix_may_be_left_out() {
    let app = TestApp::start().await;
    for path in [
        "/health/alive",
        "/admin/health/alive",
        "/version",
        "/health/ready",
        "/metrics/prometheus",
    ] {
        assert_eq!(
            send(Method::GET, &at_admin(&app, path)).await.status(),
            StatusCode::OK,
            "{path}"
        );
    }
    for path in [
        "/administrator",
        "/admin",
        "/adminidentities",
        "/admin/admin/identities",
    ] {
        assert_eq!(
            send(Method::GET, &at_admin(&app, path)).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsafe_request_that_nobody_else_guards_needs_cookie_and_token() {
    let app = TestApp::start().await;
    for path in ["/schemas", "/nonsense", "/self-service/login/browser"] {
        let answer = send(Method::POST, &at_public(&app, path)).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        assert_eq!(
            text_of(&answer, "ory-error-id"),
            Some("security_csrf_violation")
        );
        assert_eq!(text_of(&answer, "vary"), Some("Cookie"));
        assert!(
            text_of(&answer, "set-cookie").is_some_and(|c| c.starts_with("csrf_token_")),
            "{path}"
        );
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], 403);
        assert!(
            body["error"]["details"]["reject_reason"].is_string(),
            "{body}"
        );
    }
    // What handlers guard themselves gets as far as the routes.
    assert_eq!(
        send(Method::PUT, &at_public(&app, "/self-service/login"))
            .await
            .status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        send(Method::POST, &at_public(&app, "/health/alive"))
            .await
            .status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_against_forgery_is_given_where_it_is_missing() {
    let app = TestApp::start().await;
    let first = send(Method::GET, &at_public(&app, "/nonsense")).await;
    let cookie = text_of(&first, "set-cookie").unwrap().to_owned();
    assert!(
        cookie.contains("; Max-Age=31536000")
            && cookie.contains("; HttpOnly")
            && cookie.contains("; SameSite=Lax")
    );
    let pair = cookie.split(';').next().unwrap().to_owned();
    let (name, _) = pair.split_once('=').unwrap();
    for (sent, given) in [
        (pair.clone(), false),
        (format!("{name}=nonsense"), true),
        (format!("{name}=YWJj; {pair}"), true),
    ] {
        let request = http()
            .get(at_public(&app, "/nonsense"))
            .header(header::COOKIE, &sent);
        let answer = request.send().await.unwrap();
        assert_eq!(
            answer.headers().contains_key(header::SET_COOKIE),
            given,
            "{sent}"
        );
    }
    for path in [
        "/health/alive",
        "/sessions/whoami",
        "/self-service/login/api",
    ] {
        let answer = send(Method::GET, &at_public(&app, path)).await;
        assert!(!answer.headers().contains_key(header::SET_COOKIE), "{path}");
        assert_eq!(
            text_of(&answer, "vary"),
            (path != "/health/alive").then_some("Cookie"),
            "{path}"
        );
    }
}

/// A header that another program of the same domain has spoilt takes nothing else away.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_spoil_only_themselves() {
    let app = TestApp::start().await;
    app.seed("ann@example.org", PASSWORD).await;
    let mut browser = app.browser();
    browser.sign_in("ann@example.org", PASSWORD).await;
    let session = format!(
        "ory_kratos_session={}",
        browser.cookies["ory_kratos_session"]
    );
    let many = |count| "x=1; ".repeat(count);
    for (cookie, status) in [
        (session.clone().into_bytes(), 200),
        ([b"x=\xff; ", session.as_bytes()].concat(), 200),
        ([b"\xff=1; x; ;=b; ", session.as_bytes()].concat(), 200),
        (
            [session.as_bytes(), b"\xff; ", session.as_bytes()].concat(),
            200,
        ),
        ([session.as_bytes(), b"\xff"].concat(), 401),
        (session.replacen('=', "=\"", 1).into_bytes(), 401),
        (format!("{}{session}", many(2999)).into_bytes(), 200),
        (format!("{}{session}", many(3000)).into_bytes(), 401),
    ] {
        let value = header::HeaderValue::from_bytes(&cookie).unwrap();
        let request = http()
            .get(at_public(&app, "/sessions/whoami"))
            .header(header::COOKIE, value);
        let answer = request.send().await.unwrap();
        assert_eq!(
            answer.status(),
            status,
            "{}",
            String::from_utf8_lossy(&cookie[..cookie.len().min(200)])
        );
    }
    let bytes = |text: &[u8]| header::HeaderValue::from_bytes(text).unwrap();
    let request = http()
        .get(at_public(&app, "/self-service/login/browser"))
        .header(header::ACCEPT, bytes(b"x/\xff"))
        .header(header::ACCEPT, bytes(b"application/json, x/\xff"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let request = http()
        .get(at_public(&app, "/self-service/errors"))
        .header("x-request-id", bytes(b"a\xffb"));
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(body["error"]["request"], "a\u{fffd}b");
}

#[tokio::test(flavor = "multi_thread")]
async fn origins_follow_the_configuration_at_once() {
    let mut app = TestApp::start().await;
    let url = at_public(&app, "/self-service/login");
    let preflight = || async {
        let request = http().request(Method::OPTIONS, &url);
        let request = request.header(header::ORIGIN, "https://app.example.org");
        request
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .send()
            .await
            .unwrap()
    };
    assert_eq!(preflight().await.status(), StatusCode::METHOD_NOT_ALLOWED);
    app.configure(&json!({"serve": {"public": {"cors": {
        "enabled": true, "allowed_origins": ["https://*.example.org"],
    }}}}));
    let answer = preflight().await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        text_of(&answer, "access-control-allow-origin"),
        Some("https://app.example.org")
    );
    assert_eq!(
        text_of(&answer, "access-control-allow-credentials"),
        Some("true")
    );
    let request = http()
        .get(at_public(&app, "/nonsense"))
        .header(header::ORIGIN, "https://evil.example.net");
    let answer = request.send().await.unwrap();
    assert_eq!(text_of(&answer, "access-control-allow-origin"), None);
    let vary: Vec<_> = answer.headers().get_all("vary").iter().collect();
    assert_eq!(vary, ["Origin", "Cookie"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_in_the_form_of_an_error() {
    let app = TestApp::start().await;
    let large = vec![b'x'; 5 * 1024 * 1024 + 1];
    let request = http()
        .post(at_admin(&app, "/identities"))
        .header(header::CONTENT_TYPE, "application/json");
    let answer = request.body(large).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], 413);
    // An endless body of unknown length: cut off, and others do not notice.
    let chunk = format!("{:x}\r\n{}\r\n", 65536, "x".repeat(65536));
    let answer = raw(&app.admin, "POST", "/admin/identities", &chunk.repeat(100)).await;
    assert!(
        answer.starts_with("HTTP/1.1 413") || answer.is_empty(),
        "{answer}"
    );
    assert_eq!(
        send(Method::GET, &at_admin(&app, "/health/alive"))
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_answered() {
    let mut app = TestApp::start().await;
    let get = |url: String| async move { send(Method::GET, &url).await };
    for url in [
        at_public(&app, "/health/alive"),
        at_public(&app, "/health/ready"),
        at_admin(&app, "/admin/health/ready"),
    ] {
        let answer = get(url).await;
        assert_eq!(
            text_of(&answer, "content-type"),
            Some("application/json; charset=utf-8")
        );
        assert_eq!(answer.text().await.unwrap(), "{\"status\":\"ok\"}\n");
    }
    let version: Value = get(at_admin(&app, "/version")).await.json().await.unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    app.configure(&json!({"revision": "seventh"}));
    assert_eq!(
        get(at_admin(&app, "/admin/health/config"))
            .await
            .text()
            .await
            .unwrap(),
        "seventh"
    );
    let answer = get(at_public(&app, "/.well-known/change-password")).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let metrics = get(at_admin(&app, "/metrics/prometheus"))
        .await
        .text()
        .await
        .unwrap();
    for name in [
        "http_requests_total",
        "http_requests_duration_seconds",
        "http_requests_statuses_total",
    ] {
        assert!(
            metrics.contains(&format!("# TYPE {name} ")),
            "{name} is missing"
        );
    }
    assert!(
        metrics.contains("endpoint=\"/admin/health/ready\""),
        "{metrics}"
    );
}
