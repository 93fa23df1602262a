//! A hundred thousand requests that are almost right: none may end in a panic or a 5xx.
use crate::support::TestApp;
use crate::support::client::PASSWORD;
use crate::support::dice::Dice;
use axum::body::Body;
use axum::http::{Request, header};
use kratos::base::random::Random as _;
use kratos::http::{admin_router, public_router};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const REQUESTS: usize = 100_000;
const TASKS: usize = 8;

/// A request that is right, to begin with.
#[derive(Clone)]
struct Template {
    admin: bool,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Texts that have upset servers before.
const NASTY: &[&str] = &[
    "",
    "\0",
    "%00",
    "null",
    "{",
    "[]",
    "[[[[[[[[",
    "\"",
    "{}",
    "-1",
    "1e999",
    "9223372036854775808",
    "true",
    "../..",
    "//",
    "\\",
    "%ff",
    "%",
    "\u{202e}",
    "é",
    "\u{0}a",
    "' OR 1=1 --",
    "{{.}}",
    "00000000-0000-0000-0000-000000000000",
    "application/json",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "traits",
    "traits.email=a",
    "a=b&a=b",
    ";",
    ",",
    "=",
    "*/*;q=2",
    "Bearer ",
    "aal2",
    "identifier_first",
    "passkey",
    "oidc",
    "code",
    "password",
    "profile",
    "screen",
];

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

impl Dice {
    fn mutate(&self, text: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(text.len() + 1).min(text.len());
            match self.below(6) {
                0 => text.truncate(at),
                1 => drop(text.splice(at..at, self.pick(NASTY).bytes())),
                2 if at < text.len() => self.0.fill(&mut text[at..=at]),
                3 => {
                    let end = (at + self.below(8)).min(text.len());
                    drop(text.splice(at..end, self.pick(NASTY).bytes()));
                }
                4 => {
                    let copy = text[at..].to_vec();
                    text.extend(copy);
                }
                _ => text.push(b'"'),
            }
        }
        text.truncate(4096);
    }

    fn mutated(&self, template: &Template) -> Option<Request<Body>> {
        let mut template = template.clone();
        match self.below(5) {
            0 => {
                let mut path = template.path.into_bytes();
                self.mutate(&mut path);
                template.path = String::from_utf8_lossy(&path).into_owned();
            }
            1 => {
                if template.headers.is_empty() {
                    return None;
                }
                let at = self.below(template.headers.len());
                let mut value = template.headers[at].1.clone().into_bytes();
                self.mutate(&mut value);
                template.headers[at].1 = String::from_utf8_lossy(&value).into_owned();
            }
            2 => template.method = *self.pick(&METHODS),
            _ => self.mutate(&mut template.body),
        }
        let mut request = Request::builder()
            .method(template.method)
            .uri(template.path);
        for (name, value) in template.headers {
            request = request.header(name, value);
        }
        // What no client could have sent is not sent.
        request.body(Body::from(template.body)).ok()
    }
}

fn form(fields: &Value) -> Vec<u8> {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.as_object().expect("fields") {
        out.append_pair(name, value.as_str().unwrap_or_default());
    }
    out.finish().into_bytes()
}

async fn templates(app: &TestApp) -> Vec<Template> {
    let identity = app.seed("ada@example.org", PASSWORD).await;
    let mut spa = app.spa();
    spa.sign_in("ada@example.org", PASSWORD).await;
    let session = spa.whoami().await.json()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let cookie: Vec<_> = spa
        .cookies
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let cookie = (header::COOKIE.to_string(), cookie.join("; "));
    let mut native = app.native();
    native.sign_in("ada@example.org", PASSWORD).await;
    let token = (
        "x-session-token".to_owned(),
        native.token.clone().expect("a token"),
    );
    let accept = ("accept".to_owned(), "application/json".to_owned());
    let json_type = ("content-type".to_owned(), "application/json".to_owned());
    let form_type = (
        "content-type".to_owned(),
        "application/x-www-form-urlencoded".to_owned(),
    );

    let mut all = vec![];
    let mut add = |admin, method, path: String, headers: &[&(String, String)], body: Vec<u8>| {
        all.push(Template {
            admin,
            method,
            path,
            headers: headers.iter().map(|h| (*h).clone()).collect(),
            body,
        });
    };
    for flow in ["login", "registration"] {
        for query in [
            "",
            "?return_to=http%3A%2F%2Fui.test%2Fx&refresh=true&aal=aal1&identity_schema=default&organization=x",
        ] {
            add(
                false,
                "GET",
                format!("/self-service/{flow}/browser{query}"),
                &[&accept],
                vec![],
            );
            add(
                false,
                "GET",
                format!("/self-service/{flow}/api{query}"),
                &[],
                vec![],
            );
        }
        let mut visitor = app.spa();
        let begun = visitor.start(flow, "").await;
        let csrf = begun.node("csrf_token").expect("a token")["attributes"]["value"]
            .as_str()
            .expect("text")
            .to_owned();
        let jar: Vec<_> = visitor
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let jar = (header::COOKIE.to_string(), jar.join("; "));
        add(
            false,
            "GET",
            format!("/self-service/{flow}/flows?id={}", begun.id),
            &[&jar],
            vec![],
        );
        let fields = json!({
            "method": "password", "csrf_token": csrf, "identifier": "ada@example.org", "password": "wrong",
            "traits.email": "x", "transient_payload": "{}", "screen": "", "provider": "", "totp_code": "",
        });
        let target = format!("/self-service/{flow}?flow={}", begun.id);
        add(
            false,
            "POST",
            target.clone(),
            &[&jar, &form_type],
            form(&fields),
        );
        let nested = json!({
            "method": "password", "csrf_token": csrf, "identifier": "ada@example.org", "password": "wrong",
            "traits": { "email": "x", "name": { "first": "A" }, "age": 1 }, "transient_payload": { "a": [1, null] },
        });
        add(
            false,
            "POST",
            target,
            &[&jar, &json_type, &accept],
            nested.to_string().into_bytes(),
        );
    }
    for path in [
        "/sessions/whoami",
        "/sessions/whoami?tokenize_as=x",
        "/sessions?page_size=2&page_token=x&page=1&per_page=1",
    ] {
        add(false, "GET", path.into(), &[&cookie], vec![]);
        add(false, "GET", path.into(), &[&token], vec![]);
    }
    add(
        false,
        "DELETE",
        "/sessions/00000000-0000-0000-0000-000000000000".into(),
        &[&token],
        vec![],
    );
    add(
        false,
        "GET",
        "/self-service/logout/browser?return_to=http%3A%2F%2Fui.test%2Fx".into(),
        &[&cookie],
        vec![],
    );
    add(
        false,
        "GET",
        "/self-service/logout?token=ory_lo_x&return_to=%2Fx".into(),
        &[&cookie],
        vec![],
    );
    let out = json!({ "session_token": "ory_st_x" })
        .to_string()
        .into_bytes();
    add(
        false,
        "DELETE",
        "/self-service/logout/api".into(),
        &[&json_type],
        out,
    );
    add(
        false,
        "GET",
        "/self-service/errors?id=00000000-0000-0000-0000-000000000000".into(),
        &[],
        vec![],
    );
    add(false, "GET", "/schemas/default".into(), &[], vec![]);
    add(
        false,
        "GET",
        "/schemas?page_token=eyJvZmZzZXQiOiIwIiwidiI6Mn0".into(),
        &[],
        vec![],
    );
    let create = json!({
        "schema_id": "default", "traits": { "email": "b@example.org" }, "state": "active", "metadata_public": { "a": 1 },
        "credentials": { "password": { "config": { "hashed_password": "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo" } } },
        "verifiable_addresses": [{ "value": "b@example.org", "via": "email", "verified": true, "status": "completed" }],
    });
    add(
        true,
        "POST",
        "/admin/identities".into(),
        &[&json_type],
        create.to_string().into_bytes(),
    );
    let of_id = format!("/admin/identities/{identity}");
    let changes = json!([
        { "op": "replace", "path": "/traits/email", "value": "ada@example.org" },
        { "op": "add", "path": "/metadata_admin", "value": { "a": [1] } },
        { "op": "replace", "path": "/verifiable_addresses/0/verified", "value": true },
        { "op": "remove", "path": "/credentials/password/config" },
    ]);
    let keys = json!({ "config": { "credentials": [{ "id": "AQ==", "flags": {} }], "user_handle": "eA==" } });
    let others = json!({
        "oidc": { "config": { "providers": [{ "provider": "a", "subject": "b" }] } },
        "lookup_secret": { "config": { "codes": [{ "code": "x", "used_at": "2020-01-02T03:04:05Z" }] } },
        "totp": { "config": { "totp_url": "otpauth://x" } }, "webauthn": keys, "passkey": keys,
    });
    let replace = json!({ "traits": { "email": "ada@example.org" }, "state": "active", "credentials": others });
    let mut entry = create.clone();
    entry["credentials"] = others;
    let batch = json!({ "identities": [
        { "create": entry, "patch_id": "0b8d6c62-4d1f-4a3a-8f2e-6a7b8c9d0e1f" }, { "create": create },
    ] });
    let end = json!({ "action": "disable", "sessions": [session], "identities": [] });
    for (method, path, body) in [
        ("PATCH", of_id.clone(), &changes),
        ("PUT", of_id.clone(), &replace),
        ("PATCH", "/admin/identities".into(), &batch),
        ("POST", "/admin/sessions".into(), &end),
        (
            "DELETE",
            format!("{of_id}/credentials/oidc?identifier=a:b"),
            &Value::Null,
        ),
        (
            "GET",
            "/admin/identities/by/external/x?include_credential=oidc".into(),
            &Value::Null,
        ),
    ] {
        let body = body.to_string().into_bytes();
        add(true, method, path, &[&json_type], body);
    }
    add(
        true,
        "GET",
        format!("/admin/identities/{identity}?include_credential=password"),
        &[],
        vec![],
    );
    add(
        true,
        "GET",
        "/admin/identities?page_size=2&page_token=00000000-0000-0000-0000-000000000000".into(),
        &[],
        vec![],
    );
    add(
        true,
        "GET",
        "/admin/identities?page=1&per_page=2&credentials_identifier=ada%40example.org".into(),
        &[],
        vec![],
    );
    add(
        true,
        "GET",
        "/admin/sessions?page_size=2&active=true&expand=identity&page_token=Y3JlYXRlZF9hdD0y"
            .into(),
        &[],
        vec![],
    );
    add(
        true,
        "GET",
        format!("/admin/sessions/{session}?expand=devices"),
        &[],
        vec![],
    );
    add(
        true,
        "PATCH",
        format!("/admin/sessions/{session}/extend"),
        &[],
        vec![],
    );
    add(
        true,
        "GET",
        format!("/admin/identities/{identity}/sessions?active=true&page=1"),
        &[],
        vec![],
    );
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_makes_the_server_fail() {
    let app = TestApp::in_memory().await;
    let templates = std::sync::Arc::new(templates(&app).await);
    let mut running = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let templates = templates.clone();
        let (public, admin) = (
            public_router(app.services.clone()),
            admin_router(app.services.clone()),
        );
        running.spawn(async move {
            let dice = Dice::new(task as u64);
            let mut sent = 0;
            while sent < REQUESTS / TASKS {
                let template = dice.pick(&templates);
                let Some(request) = dice.mutated(template) else {
                    continue;
                };
                let shown = format!(
                    "{} {} {:?}",
                    request.method(),
                    request.uri(),
                    request.headers()
                );
                let router = if template.admin {
                    admin.clone()
                } else {
                    public.clone()
                };
                let answer = router.oneshot(request).await.expect("an answer");
                assert!(
                    answer.status().as_u16() < 500,
                    "{} to {shown}",
                    answer.status()
                );
                sent += 1;
            }
            sent
        });
    }
    let mut sent = 0;
    while let Some(count) = running.join_next().await {
        sent += count.expect("no panic");
    }
    assert_eq!(sent, REQUESTS);
}
