//! What a session has to prove: the table of flows.md §12.3 for every set of credentials.
use crate::support::TestApp;
use kratos::base::clock::Clock;
use kratos::base::id::{AddressId, CredentialId, IdentityId};
use kratos::base::terms::{Aal, CredentialsType, MethodId, Via};
use kratos::model::credentials::Credential;
use kratos::model::identity::{AddressStatus, Identity, VerifiableAddress};
use kratos::model::session::{Authentication, Session};
use serde_json::{Value, json};
use time::Duration;

/// What somebody may have of each kind: one of these, and whether it is a second factor. `Code`: where codes are.
const KINDS: [&[(&str, Second)]; 5] = [
    &[
        ("", Second::No),
        ("password", Second::No),
        ("oidc and passkey", Second::No),
        ("all three", Second::No),
    ],
    &[
        ("", Second::No),
        ("passwordless key", Second::No),
        ("security key", Second::Yes),
        ("both keys", Second::Yes),
    ],
    &[("", Second::No), ("totp", Second::Yes)],
    &[("", Second::No), ("used backup codes", Second::Yes)],
    &[
        ("", Second::No),
        ("code", Second::Code),
        ("code of an older release", Second::Code),
        ("code without addresses", Second::No),
    ],
];

#[derive(Clone, Copy, PartialEq)]
enum Second {
    No,
    Yes,
    Code,
}

/// Configurations of codes, and whether the other methods are on.
fn modes() -> [(Value, bool); 6] {
    let code = |passwordless: bool, mfa: bool, fallback: bool, on: bool| {
        json!({
            "enabled": on, "passwordless_enabled": passwordless, "mfa_enabled": mfa,
            "config": { "missing_credential_fallback_enabled": fallback },
        })
    };
    [
        (code(false, false, false, true), true),
        (code(true, false, false, true), true),
        (code(false, true, false, true), true),
        (code(false, true, true, true), true),
        (code(false, false, false, false), false),
        (code(false, true, false, false), false),
    ]
}

fn credentials(name: &str) -> Vec<(CredentialsType, Value)> {
    let key = |id: &str, passwordless: bool| json!({ "id": id, "is_passwordless": passwordless });
    let keys = |list: Value| json!({ "credentials": list });
    let password = json!({ "hashed_password": "$2a$04$x" });
    let oidc = json!({ "providers": [{ "subject": "s", "provider": "p" }] });
    let passkey = keys(json!([key("AA==", true)]));
    let (first, second) = (key("AA==", true), key("AQ==", false));
    match name {
        "password" => vec![(CredentialsType::Password, password)],
        "oidc and passkey" => vec![
            (CredentialsType::Oidc, oidc),
            (CredentialsType::Passkey, passkey),
        ],
        "all three" => vec![
            (CredentialsType::Password, password),
            (CredentialsType::Oidc, oidc),
            (CredentialsType::Passkey, passkey),
        ],
        "passwordless key" => vec![(CredentialsType::WebAuthn, keys(json!([first])))],
        "security key" => vec![(CredentialsType::WebAuthn, keys(json!([second])))],
        "both keys" => vec![(CredentialsType::WebAuthn, keys(json!([first, second])))],
        "totp" => vec![(
            CredentialsType::Totp,
            json!({ "totp_url": "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ" }),
        )],
        "used backup codes" => vec![(
            CredentialsType::LookupSecret,
            json!({ "recovery_codes": [{ "code": "a", "used_at": "2026-01-01T00:00:00Z" }] }),
        )],
        "code" => vec![(
            CredentialsType::Code,
            json!({ "addresses": [{ "channel": "email", "address": "a@example.org" }] }),
        )],
        "code of an older release" => vec![(
            CredentialsType::Code,
            json!({ "address_type": "email", "used_at": null }),
        )],
        "code without addresses" => vec![(CredentialsType::Code, json!({ "addresses": [] }))],
        _ => vec![],
    }
}

/// All ways to choose one of each kind.
fn sets() -> Vec<Vec<(&'static str, Second)>> {
    let mut sets = vec![vec![]];
    for kind in KINDS {
        let longer = |set: &Vec<_>| {
            let all = kind.iter().map(|one| [set.as_slice(), &[*one]].concat());
            all.collect::<Vec<_>>()
        };
        sets = sets.iter().flat_map(longer).collect();
    }
    sets
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_factor_is_asked_of_those_who_have_one() {
    let mut app = TestApp::in_memory().await;
    let mut checked = 0;
    for (number, (code, on)) in modes().into_iter().enumerate() {
        let mfa = code["mfa_enabled"] == true;
        let others = ["password", "totp", "lookup_secret", "webauthn", "passkey"];
        let others = others.map(|method| (method.to_owned(), json!({ "enabled": on })));
        let mut methods: serde_json::Map<_, _> = others.into_iter().collect();
        let rp =
            json!({ "id": "example.org", "display_name": "x", "origins": ["https://example.org"] });
        for method in ["webauthn", "passkey"] {
            methods[method]["config"] = json!({ "rp": rp });
        }
        methods.insert("code".to_owned(), code.clone());
        app.configure(&json!({ "selfservice": { "methods": methods } }));
        let mut people = vec![];
        for set in sets() {
            // What is a first factor plays no part; that is looked at whole under the first configurations only.
            if number > 2 && !matches!(set[0].0, "" | "all three") {
                continue;
            }
            let second = |one: &(&str, Second)| match one.1 {
                Second::No => false,
                Second::Yes => true,
                Second::Code => mfa,
            };
            let has_second = set.iter().any(second);
            let names: Vec<_> = set.iter().map(|one| one.0).collect();
            for known in [false, true] {
                let token = person(&app, &names, known.then_some(has_second)).await;
                people.push((format!("{names:?} {code} {known}"), token, has_second));
            }
        }
        for required in ["highest_available", "aal1"] {
            app.configure(&json!({
                "session": { "whoami": { "required_aal": required } },
                "selfservice": { "flows": { "settings": { "required_aal": required } } },
            }));
            for (place, (about, token, has_second)) in people.iter().enumerate() {
                let refused = required == "highest_available" && *has_second;
                let expected = if refused { 403 } else { 200 };
                let about = format!("{about} {required}");
                assert_eq!(
                    status(&app, "/sessions/whoami", token).await,
                    expected,
                    "{about}"
                );
                checked += 1;
                if place % 2 == 0 {
                    let path = "/self-service/settings/api";
                    assert_eq!(status(&app, path, token).await, expected, "{about}");
                }
            }
        }
    }
    let per_mode = [256, 256, 256, 128, 128, 128];
    assert_eq!(checked, per_mode.iter().sum::<usize>() * 2 * 2);
}

async fn status(app: &TestApp, path: &str, token: &str) -> u16 {
    let request = app.http.get(format!("{}{path}", app.public));
    let answer = request.header("X-Session-Token", token).send().await;
    answer.expect("the server answers").status().as_u16()
}

/// Somebody with these credentials, a proven address and a session at the first level; its token.
async fn person(app: &TestApp, names: &[&str], known: Option<bool>) -> String {
    let (dice, now) = (app.services.random.as_ref(), app.clock.now());
    let id = IdentityId::random(dice);
    let address = format!("{id}@example.org");
    let store = &app.services.store;
    let traits = json!({ "email": address });
    let mut identity = Identity::new(id, store.nid(), "default", traits, now);
    for name in names {
        for (kind, config) in credentials(name) {
            let mut credential = Credential::new(CredentialId::random(dice), kind, config, now);
            credential.identifiers = vec![format!("{kind:?} of {id}")];
            if *name == "code of an older release" {
                credential.version = 0;
            }
            identity.set_credential(credential);
        }
    }
    identity.verifiable_addresses.push(VerifiableAddress {
        id: AddressId::random(dice),
        value: address,
        via: Via::Email,
        verified: true,
        status: AddressStatus::Completed,
        verified_at: Some(now),
        created_at: now,
        updated_at: now,
    });
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

/// With the fallback, an address is a second factor that nobody has to have, and that is offered all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_alone_is_offered_and_not_asked_for() {
    let mut app = TestApp::in_memory().await;
    for fallback in [false, true] {
        app.configure(&json!({ "selfservice": { "methods": { "code": {
            "mfa_enabled": true, "config": { "missing_credential_fallback_enabled": fallback },
        } } } }));
        let mut client = app.native();
        client.token = Some(person(&app, &["password"], None).await);
        assert_eq!(client.whoami().await.status, 200);
        let form = client.start("login", "aal=aal2").await;
        let state = if fallback {
            "sent_email"
        } else {
            "choose_method"
        };
        assert_eq!(form.flow["state"], state);
        if !fallback {
            continue;
        }
        let me = client.whoami().await.json();
        let address = me["identity"]["traits"]["email"].as_str().unwrap();
        let code = app.code(address).await;
        let fields = json!({ "method": "code", "code": code });
        let done = client.submit("login", &form, fields).await;
        assert_eq!(done.status, 200, "{}", done.text);
        let me = client.whoami().await.json();
        assert_eq!(me["authenticator_assurance_level"], "aal2");
    }
}
