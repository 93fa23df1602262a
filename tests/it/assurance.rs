//! What a session has to prove: the table of flows.md §12.3 for every set of credentials, and walks of one person through
//! all flows.
use crate::second_factor::{code_of, codes_in, secret_in};
use crate::support::TestApp;
use crate::support::client::{Client, Form, Kind, OTHER_PASSWORD, PASSWORD};
use kratos::base::clock::Clock;
use kratos::base::id::{CredentialId, IdentityId};
use kratos::base::random::{Random, SeededRandom};
use kratos::base::terms::{Aal, CredentialsType, MethodId};
use kratos::model::credentials::Credential;
use kratos::model::identity::Identity;
use kratos::model::session::{Authentication, Session};
use serde_json::{Value, json};
use time::Duration;

/// What somebody may have, and whether it is a second factor: `None`, if only by configuration.
const CREDENTIALS: [(&str, Option<bool>); 8] = [
    ("password", Some(false)),
    ("oidc", Some(false)),
    ("passkey", Some(false)),
    ("passwordless key", Some(false)),
    ("security key", Some(true)),
    ("totp", Some(true)),
    ("lookup_secret", Some(true)),
    ("code", None),
];

fn credential(name: &str, app: &TestApp, owner: &str) -> Credential {
    let key = |passwordless: bool| json!({ "id": "AA==", "is_passwordless": passwordless });
    let (kind, config) = match name {
        "password" => (
            CredentialsType::Password,
            json!({ "hashed_password": "$2a$04$x" }),
        ),
        "oidc" => (
            CredentialsType::Oidc,
            json!({ "providers": [{ "subject": "s", "provider": "p" }] }),
        ),
        "passkey" => (
            CredentialsType::Passkey,
            json!({ "credentials": [key(true)] }),
        ),
        "passwordless key" => (
            CredentialsType::WebAuthn,
            json!({ "credentials": [key(true)] }),
        ),
        "security key" => (
            CredentialsType::WebAuthn,
            json!({ "credentials": [key(false)] }),
        ),
        "totp" => (
            CredentialsType::Totp,
            json!({ "totp_url": "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ" }),
        ),
        "lookup_secret" => (
            CredentialsType::LookupSecret,
            json!({ "recovery_codes": [{ "code": "a", "used_at": "2026-01-01T00:00:00Z" }] }),
        ),
        _ => (
            CredentialsType::Code,
            json!({ "addresses": [{ "channel": "email", "address": "a@example.org" }] }),
        ),
    };
    let dice = app.services.random.as_ref();
    let now = app.clock.now();
    let mut out = Credential::new(CredentialId::random(dice), kind, config, now);
    out.identifiers = vec![format!("{name} of {owner}")];
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_factor_is_asked_of_those_who_have_one() {
    let mut app = TestApp::in_memory().await;
    let code_modes = [
        json!({ "passwordless_enabled": false, "mfa_enabled": false }),
        json!({ "passwordless_enabled": true, "mfa_enabled": false }),
        json!({ "passwordless_enabled": false, "mfa_enabled": true }),
    ];
    let mut checked = 0;
    for code in code_modes {
        for required in ["aal1", "highest_available"] {
            app.configure(&json!({
                "session": { "whoami": { "required_aal": required } },
                "selfservice": {
                    "methods": { "code": code },
                    "flows": { "settings": { "required_aal": required } },
                },
            }));
            for set in 0..1_u32 << CREDENTIALS.len() {
                let has = |place: usize| set & (1 << place) != 0;
                // One credential of each kind: a person has either sort of key or none here.
                if has(3) && has(4) {
                    continue;
                }
                let mfa = code["mfa_enabled"] == true;
                let second = |place: usize| CREDENTIALS[place].1.unwrap_or(mfa);
                let has_second = (0..CREDENTIALS.len()).any(|place| has(place) && second(place));
                let names = (0..CREDENTIALS.len()).filter(|place| has(*place));
                let names: Vec<_> = names.map(|place| CREDENTIALS[place].0).collect();
                let refused = required == "highest_available" && has_second;
                for known in [false, true] {
                    let token = person(&app, &names, known.then_some(has_second)).await;
                    let mut client = app.native();
                    client.token = Some(token);
                    let expected = if refused { 403 } else { 200 };
                    let about = format!("{names:?} {code} {required} {known}");
                    assert_eq!(client.whoami().await.status, expected, "{about}");
                    checked += 1;
                    if known {
                        continue;
                    }
                    let settings = client.get("/self-service/settings/api").await;
                    assert_eq!(settings.status, expected, "{about}: {}", settings.text);
                }
            }
        }
    }
    assert_eq!(checked, 3 * 2 * 192 * 2);
}

/// Somebody with these credentials and a session at the first level; its token.
async fn person(app: &TestApp, credentials: &[&str], known: Option<bool>) -> String {
    let (dice, now) = (app.services.random.as_ref(), app.clock.now());
    let id = IdentityId::random(dice);
    let traits = json!({ "email": format!("{id}@example.org") });
    let store = &app.services.store;
    let mut identity = Identity::new(id, store.nid(), "default", traits, now);
    for name in credentials {
        identity.set_credential(credential(name, app, &id.to_string()));
    }
    // The level that was stored last is right, or not known.
    identity.available_aal = known.map(|second| if second { Aal::Two } else { Aal::One });
    let mut session = Session::fresh(id, dice, now);
    let proof = Authentication::by(MethodId::Password, Aal::One, now);
    kratos::session::add_proof(&mut session, proof);
    session.active = true;
    session.expires_at = now + Duration::hours(1);
    let mut batch = store.batch();
    batch.insert_identity(&identity, dice);
    batch.insert_session(&session);
    batch.commit().await.expect("they are stored");
    session.token
}

/// One person: what they know and have.
struct Walker {
    address: String,
    password: &'static str,
    secret: Option<String>,
    codes: Vec<String>,
}

impl Walker {
    fn has_second(&self) -> bool {
        self.secret.is_some() || !self.codes.is_empty()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_through_all_flows_breaks_no_rule_and_has_no_dead_end() {
    walk_on(600).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour"]
async fn a_long_walk_does_neither() {
    walk_on(100_000).await;
}

async fn walk_on(steps: usize) {
    let app = TestApp::with(json!({ "selfservice": {
        "methods": { "totp": { "enabled": true }, "lookup_secret": { "enabled": true } },
        "flows": { "recovery": { "enabled": true } },
    } }))
    .await;
    let dice = SeededRandom::new(2026);
    let (mut walker, mut clients) = begin(&app, 0).await;
    let mut changes = 0;
    for step in 0..steps {
        let client = pick(&dice, clients.len());
        let client = &mut clients[client];
        if walk(&app, &dice, client, &mut walker).await {
            changes += 1;
        }
        if step % 20 == 19 {
            gets_in(&app, &mut walker).await;
        }
        // Somebody else, once all codes are used up: then nobody gets in, as the table says.
        if step % 200 == 199 || (walker.secret.is_none() && walker.codes.len() == 1) {
            (walker, clients) = begin(&app, step + 1).await;
        }
    }
    assert!(changes > steps / 100, "{changes}");
}

fn pick(dice: &dyn Random, below: usize) -> usize {
    let bytes = kratos::base::random::bytes::<4>(dice);
    usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(0) % below
}

async fn begin(app: &TestApp, number: usize) -> (Walker, Vec<Client>) {
    let address = format!("walker{number}@example.org");
    app.seed(&address, PASSWORD).await;
    let walker = Walker {
        address,
        password: PASSWORD,
        secret: None,
        codes: vec![],
    };
    (walker, vec![app.browser(), app.browser(), app.native()])
}

/// From wherever they are, a person with their factors gets in.
async fn gets_in(app: &TestApp, walker: &mut Walker) {
    let mut client = app.spa();
    client.sign_in(&walker.address, walker.password).await;
    if walker.has_second() {
        let done = second_step(app, &mut client, walker).await;
        assert!(done, "no way past the second factor");
    }
    assert_eq!(client.whoami().await.status, 200);
}

async fn second_step(app: &TestApp, client: &mut Client, walker: &mut Walker) -> bool {
    let channel = if client.kind == Kind::Native {
        "api"
    } else {
        "browser"
    };
    let begun = client
        .get(&format!("/self-service/login/{channel}?aal=aal2"))
        .await;
    let is_form = match client.kind {
        Kind::Browser => begun.location().contains("/login?flow="),
        _ => begun.status == 200,
    };
    if !is_form {
        return false;
    }
    let form = client.form("login", &begun).await;
    let fields = match &walker.secret {
        Some(secret) => json!({ "method": "totp", "totp_code": code_of(secret, app.clock.now()) }),
        None => match walker.codes.pop() {
            Some(code) => json!({ "method": "lookup_secret", "lookup_secret": code }),
            None => return false,
        },
    };
    let done = client.submit("login", &form, fields).await;
    assert!(done.status.as_u16() < 500, "{}", done.text);
    client.whoami().await.status == 200
}

/// One step. True: the account was changed.
async fn walk(app: &TestApp, dice: &dyn Random, client: &mut Client, walker: &mut Walker) -> bool {
    match pick(dice, 12) {
        0 => {
            app.clock
                .advance(Duration::minutes(1 + pick(dice, 40).cast_signed() as i64));
        }
        1 | 2 => {
            client.token = None;
            client.cookies.clear();
            client.sign_in(&walker.address, walker.password).await;
        }
        3 | 4 => {
            second_step(app, client, walker).await;
        }
        5 => refresh(app, client, walker).await,
        6 => {
            client.token = None;
            client.cookies.clear();
        }
        _ => return change(app, dice, client, walker).await,
    }
    false
}

/// Signs in once more.
async fn refresh(app: &TestApp, client: &mut Client, walker: &Walker) {
    let channel = if client.kind == Kind::Native {
        "api"
    } else {
        "browser"
    };
    let begun = client
        .get(&format!("/self-service/login/{channel}?refresh=true"))
        .await;
    let form = client.form("login", &begun).await;
    let fields = json!({
        "method": "password", "identifier": walker.address, "password": walker.password,
    });
    let done = client.submit("login", &form, fields).await;
    assert!(done.status.as_u16() < 500, "{}", done.text);
    if client.kind == Kind::Native && done.status == 200 {
        client.token = done.json()["session_token"].as_str().map(str::to_owned);
    }
    let _ = app;
}

/// Tries to change something, and holds what comes of it to the rules.
async fn change(
    app: &TestApp,
    dice: &dyn Random,
    client: &mut Client,
    walker: &mut Walker,
) -> bool {
    let me = client.whoami().await;
    let channel = if client.kind == Kind::Native {
        "api"
    } else {
        "browser"
    };
    let begun = client
        .get(&format!("/self-service/settings/{channel}"))
        .await;
    let is_form = match client.kind {
        Kind::Browser => begun
            .location()
            .starts_with("http://ui.test/settings?flow="),
        _ => begun.status == 200,
    };
    // Whoever may not be shown the session gets no form either.
    assert_eq!(is_form, me.status == 200, "{}", me.text);
    if !is_form {
        return false;
    }
    let session = me.json();
    let since = session["authenticated_at"]
        .as_str()
        .and_then(kratos::base::time::parse_rfc3339);
    let fresh = app.clock.now() - since.expect("a time") <= Duration::hours(1);
    assert!(!walker.has_second() || session["authenticator_assurance_level"] == "aal2");
    let form = client.form("settings", &begun).await;
    let (fields, wish) = wish(app, dice, &form, walker);
    let done = client.submit("settings", &form, fields).await;
    assert!(done.status.as_u16() < 500, "{}", done.text);
    let refused = match client.kind {
        Kind::Browser => done.location().contains("refresh=true"),
        _ => done.status == 403,
    };
    assert_eq!(refused, !fresh, "{}", done.text);
    if refused {
        return false;
    }
    let after = client.form("settings", &done).await;
    match wish {
        Wish::Password(new) => {
            let saved = after.messages() == ["1050001"];
            if saved {
                walker.password = new;
            }
            saved
        }
        Wish::Enrol(secret) => {
            walker.secret = Some(secret);
            true
        }
        Wish::Unlink => {
            walker.secret = None;
            true
        }
        Wish::Codes => {
            let codes = codes_in(&after);
            let form = Form {
                id: after.id.clone(),
                flow: form.flow,
            };
            let keep = json!({ "lookup_secret_confirm": true });
            let kept = client.submit("settings", &form, keep).await;
            assert!(kept.status.as_u16() < 400, "{}", kept.text);
            walker.codes = codes;
            true
        }
        Wish::NoCodes => {
            walker.codes.clear();
            true
        }
    }
}

enum Wish {
    Password(&'static str),
    Enrol(String),
    Unlink,
    Codes,
    NoCodes,
}

fn wish(app: &TestApp, dice: &dyn Random, form: &Form, walker: &Walker) -> (Value, Wish) {
    match pick(dice, 5) {
        0 | 1 => {
            let new = if walker.password == PASSWORD {
                OTHER_PASSWORD
            } else {
                PASSWORD
            };
            let fields = json!({ "method": "password", "password": new });
            (fields, Wish::Password(new))
        }
        2 => match &walker.secret {
            Some(_) => (json!({ "totp_unlink": true }), Wish::Unlink),
            None => {
                let secret = secret_in(form);
                let code = code_of(&secret, app.clock.now());
                let fields = json!({ "method": "totp", "totp_code": code });
                (fields, Wish::Enrol(secret))
            }
        },
        3 => (json!({ "lookup_secret_regenerate": true }), Wish::Codes),
        _ => (json!({ "lookup_secret_disable": true }), Wish::NoCodes),
    }
}
