//! Second factors that need no key: authenticator apps and backup codes.
use crate::support::client::{ALL_KINDS, Client, Form, Kind, PASSWORD, messages};
use crate::support::{TestApp, rounds};
use kratos::base::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

const ADA: &str = "ada@example.org";

fn on() -> Value {
    json!({ "selfservice": { "methods": {
        "totp": { "enabled": true }, "lookup_secret": { "enabled": true },
    } } })
}

/// What an app shows at that moment.
pub(crate) fn code_of(secret: &str, at: OffsetDateTime) -> String {
    let bytes = data_encoding::BASE32_NOPAD.decode(secret.as_bytes());
    let key = hmac_sha1::Key::new(&bytes.expect("base32"));
    key.code(at.unix_timestamp() / 30)
}

/// RFC 4226 once more, so that the server's is not its own judge.
mod hmac_sha1 {
    use hmac::{Hmac, KeyInit, Mac};
    use sha1::Sha1;

    pub struct Key(Hmac<Sha1>);

    impl Key {
        pub fn new(secret: &[u8]) -> Self {
            Self(Hmac::new_from_slice(secret).expect("any length"))
        }
        pub fn code(&self, step: i64) -> String {
            let mut mac = self.0.clone();
            mac.update(&step.to_be_bytes());
            let digest = mac.finalize().into_bytes();
            let at = usize::from(digest[19] & 15);
            let number = u32::from_be_bytes([
                digest[at] & 127,
                digest[at + 1],
                digest[at + 2],
                digest[at + 3],
            ]);
            format!("{:06}", number % 1_000_000)
        }
    }
}

pub(crate) fn secret_in(form: &Form) -> String {
    let nodes = form.flow["ui"]["nodes"].as_array().expect("nodes");
    let node = nodes
        .iter()
        .find(|n| n["attributes"]["id"] == "totp_secret_key");
    let node = node.expect("a secret to type");
    let secret = node["attributes"]["text"]["context"]["secret"].as_str();
    secret.expect("a secret").to_owned()
}

async fn signed_in(app: &TestApp, kind: Kind, email: &str) -> Client {
    let mut client = app.client(kind);
    client.sign_in(email, PASSWORD).await;
    client
}

/// Sets up an app; its secret.
pub(crate) async fn enrol(app: &TestApp, client: &mut Client) -> String {
    let form = client.start("settings", "").await;
    let secret = secret_in(&form);
    let code = code_of(&secret, app.clock.now());
    let body = json!({ "method": "totp", "totp_code": code });
    let done = client.submit("settings", &form, body).await;
    assert!(done.status.as_u16() < 400, "{}", done.text);
    secret
}

/// Makes backup codes and keeps them.
async fn make_codes(client: &mut Client) -> Vec<String> {
    let form = client.start("settings", "").await;
    let made = client
        .submit(
            "settings",
            &form,
            json!({ "lookup_secret_regenerate": true }),
        )
        .await;
    let shown = client.form("settings", &made).await;
    let codes = codes_in(&shown);
    assert_eq!(codes.len(), 12);
    let kept = client
        .submit("settings", &form, json!({ "lookup_secret_confirm": true }))
        .await;
    assert!(kept.status.as_u16() < 400, "{}", kept.text);
    codes
}

pub(crate) fn codes_in(form: &Form) -> Vec<String> {
    let nodes = form.flow["ui"]["nodes"].as_array().expect("nodes");
    let node = nodes
        .iter()
        .find(|n| n["attributes"]["id"] == "lookup_secret_codes");
    let secrets = node.expect("codes")["attributes"]["text"]["context"]["secrets"].clone();
    let secrets = secrets.as_array().expect("a list").clone();
    let code = |m: &Value| m["context"]["secret"].as_str().unwrap_or("used").to_owned();
    secrets.iter().map(code).collect()
}

async fn second_step(client: &mut Client, fields: Value) -> crate::support::client::Answer {
    let form = client.start("login", "aal=aal2").await;
    client.submit("login", &form, fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_set_up_asked_for_and_removed() {
    let app = TestApp::with(on()).await;
    for kind in ALL_KINDS {
        let address = format!("{kind:?}@example.org").to_lowercase();
        app.seed(&address, PASSWORD).await;
        let mut client = signed_in(&app, kind, &address).await;
        let form = client.start("settings", "").await;
        for (code, expected) in [("", "totp_code:4000002"), ("000000", "totp_code:4000008")] {
            let body = json!({ "method": "totp", "totp_code": code });
            let answer = client.submit("settings", &form, body).await;
            let form = client.form("settings", &answer).await;
            assert_eq!(form.messages(), [expected]);
        }
        let secret = enrol(&app, &mut client).await;
        let me = client.whoami().await.json();
        assert_eq!(me["authenticator_assurance_level"], "aal2");
        assert_eq!(me["authentication_methods"][1]["method"], "totp");

        let mut client = signed_in(&app, kind, &address).await;
        let half = client.whoami().await;
        assert_eq!(half.error_id().as_deref(), Some("session_aal2_required"));
        let channel = if kind == Kind::Native {
            "api"
        } else {
            "browser"
        };
        let begin = format!("/self-service/settings/{channel}");
        let settings = client.get(&begin).await;
        if kind == Kind::Browser {
            assert!(
                settings
                    .location()
                    .contains("/self-service/login/browser?aal=aal2")
            );
        } else {
            assert_eq!(settings.status, 403);
        }
        let long_ago = code_of(&secret, app.clock.now() - Duration::seconds(90));
        for code in ["000000", "abcdef", &long_ago] {
            let wrong = json!({ "method": "totp", "totp_code": code });
            let answer = second_step(&mut client, wrong).await;
            let form = client.form("login", &answer).await;
            assert_eq!(form.messages(), ["1010004", "4000008"][1..]);
        }
        let before = code_of(&secret, app.clock.now() - Duration::seconds(30));
        let right = json!({ "method": "totp", "totp_code": format!(" {before} ") });
        let done = second_step(&mut client, right).await;
        assert!(done.status.as_u16() < 400, "{}", done.text);
        let me = client.whoami().await.json();
        assert_eq!(me["authenticator_assurance_level"], "aal2");

        let form = client.start("settings", "").await;
        let off = json!({ "totp_unlink": true });
        let done = client.submit("settings", &form, off).await;
        assert!(done.status.as_u16() < 400, "{}", done.text);
        let mut client = signed_in(&app, kind, &address).await;
        assert_eq!(client.whoami().await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_of_an_app_work_again_unless_that_is_refused() {
    let mut app = TestApp::with(on()).await;
    app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    let secret = enrol(&app, &mut client).await;
    let code = code_of(&secret, app.clock.now());
    let right = json!({ "method": "totp", "totp_code": code });
    for _ in 0..2 {
        let mut client = signed_in(&app, Kind::Spa, ADA).await;
        let done = second_step(&mut client, right.clone()).await;
        assert_eq!(done.status, 200, "{}", done.text);
    }
    app.configure(&json!({ "extensions": { "totp": { "refuse_replay": true } } }));
    let mut winners = 0;
    let tries = (0..16).map(|_| {
        let (public, right) = (app.public.clone(), right.clone());
        tokio::spawn(async move {
            let mut client = Client::new(Kind::Spa, &public);
            client.sign_in(ADA, PASSWORD).await;
            second_step(&mut client, right).await.status.as_u16()
        })
    });
    for status in tries.collect::<Vec<_>>() {
        let status = status.await.expect("an answer");
        assert!(status < 500);
        winners += usize::from(status == 200);
    }
    assert_eq!(winners, 1);
    app.clock.advance(Duration::seconds(30));
    let next = code_of(&secret, app.clock.now());
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    let next = json!({ "method": "totp", "totp_code": next });
    assert_eq!(second_step(&mut client, next).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_code_works_once_however_often_it_is_sent_at_once() {
    let app = TestApp::with(on()).await;
    let id = app.seed(ADA, PASSWORD).await;
    let mut owner = signed_in(&app, Kind::Spa, ADA).await;
    let mut codes = make_codes(&mut owner).await;
    let me = owner.whoami().await.json();
    assert_eq!(me["authenticator_assurance_level"], "aal2");

    let mut used = 0;
    for _ in 0..rounds(3) {
        if used == codes.len() {
            (codes, used) = (make_codes(&mut owner).await, 0);
        }
        let code = &codes[used];
        used += 1;
        let mut forms = vec![];
        for _ in 0..64 {
            let mut client = signed_in(&app, Kind::Native, ADA).await;
            let form = client.start("login", "aal=aal2").await;
            forms.push((client, form));
        }
        let tries = forms.into_iter().map(|(mut client, form)| {
            let body = json!({ "method": "lookup_secret", "lookup_secret": code });
            tokio::spawn(async move { client.submit("login", &form, body).await })
        });
        let mut winners = 0;
        for answer in tries.collect::<Vec<_>>() {
            let answer = answer.await.expect("an answer");
            if answer.status == 200 {
                winners += 1;
            } else {
                assert_eq!(answer.status, 400, "{}", answer.text);
                assert_eq!(messages(&answer.json()), ["4000012"]);
            }
        }
        assert_eq!(winners, 1);
    }
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    let form = client.start("login", "aal=aal2").await;
    for (code, expected) in [("", "lookup_secret:4000002"), ("wrong000", "4000016")] {
        let body = json!({ "method": "lookup_secret", "lookup_secret": code });
        let answer = client.submit("login", &form, body).await;
        assert_eq!(messages(&answer.json()), [expected]);
    }
    // Shown again: what was used says so.
    let form = owner.start("settings", "").await;
    let shown = owner
        .submit("settings", &form, json!({ "lookup_secret_reveal": true }))
        .await;
    let shown = codes_in(&owner.form("settings", &shown).await);
    assert!(shown[..used].iter().all(|code| code == "used"));
    assert_eq!(shown[used..], codes[used..]);
    let off = json!({ "lookup_secret_disable": true });
    assert_eq!(owner.submit("settings", &form, off).await.status, 200);
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    assert_eq!(client.whoami().await.json()["identity"]["id"], id);
}

/// As with the reference: they are no second factor that has to be used, but may be tried.
#[tokio::test(flavor = "multi_thread")]
async fn factors_that_were_imported_empty_are_asked_for_and_nothing_fits() {
    let app = TestApp::with(on()).await;
    let body = json!({ "schema_id": "default", "traits": { "email": ADA }, "credentials": {
        "password": { "config": { "password": PASSWORD } },
        "totp": { "config": { "totp_url": "" } }, "lookup_secret": { "config": { "codes": [] } },
    } });
    let path = "/admin/identities";
    let made = app.admin(Method::POST, path, Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let mut client = signed_in(&app, Kind::Native, ADA).await;
    let settings = client.start("settings", "").await;
    assert!(settings.node("totp_unlink").is_none());
    for (field, code, expected) in [
        ("totp_code", "123456", "4000008"),
        ("lookup_secret", "abcdefgh", "4000016"),
    ] {
        let form = client.start("login", "aal=aal2").await;
        assert!(form.node(field).is_some());
        let mut body = json!({ "method": field.trim_end_matches("_code") });
        body[field] = code.into();
        let answer = client.submit("login", &form, body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(messages(&answer.json()), [expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_codes_are_kept_only_when_they_were_shown() {
    let app = TestApp::with(on()).await;
    app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    let form = client.start("settings", "").await;
    for button in ["lookup_secret_confirm", "lookup_secret_reveal"] {
        let answer = client
            .submit("settings", &form, json!({ button: true }))
            .await;
        assert_eq!(messages(&answer.json()), ["4000001"], "{button}");
    }
    let first = make_codes(&mut client).await;
    let second = make_codes(&mut client).await;
    assert_ne!(first, second);
    let mut other = signed_in(&app, Kind::Spa, ADA).await;
    let old = json!({ "method": "lookup_secret", "lookup_secret": first[0] });
    let answer = second_step(&mut other, old).await;
    assert_eq!(messages(&answer.json()), ["4000016"]);
    let new = json!({ "method": "lookup_secret", "lookup_secret": second[0] });
    assert_eq!(second_step(&mut other, new).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn second_factors_are_set_up_only_soon_after_a_sign_in() {
    let app = TestApp::with(on()).await;
    app.seed(ADA, PASSWORD).await;
    let mut client = signed_in(&app, Kind::Spa, ADA).await;
    app.clock.advance(Duration::minutes(59));
    let form = client.start("settings", "").await;
    app.clock.advance(Duration::minutes(2));
    let code = code_of(&secret_in(&form), app.clock.now());
    for body in [
        json!({ "method": "totp", "totp_code": code }),
        json!({ "lookup_secret_regenerate": true }),
    ] {
        let refused = client.submit("settings", &form, body).await;
        assert_eq!(
            refused.error_id().as_deref(),
            Some("session_refresh_required")
        );
    }
    assert_eq!(
        client.whoami().await.json()["authenticator_assurance_level"],
        "aal1"
    );
}
