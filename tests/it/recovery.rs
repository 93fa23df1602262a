//! Getting back into an account: by code, by link, by an administrator.
use crate::second_factor::{code_of, enrol};
use crate::support::client::{
    ALL_KINDS, Answer, Client, Form, Kind, OTHER_PASSWORD, PASSWORD, messages, query_of,
};
use crate::support::{TestApp, rounds};
use kratos::base::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

const ADA: &str = "ada@example.org";

fn on(r#use: &str) -> Value {
    json!({ "selfservice": {
        "methods": { "link": { "enabled": true } },
        "flows": { "recovery": { "enabled": true, "use": r#use } },
    } })
}

fn transitions(on: bool) -> Value {
    json!({ "feature_flags": { "use_continue_with_transitions": on } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_leads_to_settings_and_proves_the_address() {
    let mut app = TestApp::with(on("code")).await;
    for with_transitions in [false, true] {
        app.configure(&transitions(with_transitions));
        for kind in ALL_KINDS {
            let address = format!("{kind:?}.{with_transitions}@example.org").to_lowercase();
            let id = app.seed(&address, PASSWORD).await;
            let mut client = app.client(kind);
            let form = client.start("recovery", "").await;
            let ask = json!({ "method": "code", "email": address });
            let answer = client.submit("recovery", &form, ask).await;
            let form = client.form("recovery", &answer).await;
            assert_eq!(form.flow["state"], "sent_email");
            assert_eq!(form.messages(), ["1060003"]);
            assert!(!app.is_verified(&id, &address).await);

            let code = app.code(&address).await;
            let done = client
                .submit("recovery", &form, json!({ "code": code, "method": "code" }))
                .await;
            assert!(app.is_verified(&id, &address).await);
            let page = match (kind, with_transitions) {
                (Kind::Browser, _) => {
                    assert_eq!(done.status, 303);
                    done.location().to_owned()
                }
                (_, false) => {
                    assert_eq!(done.status, 422, "{}", done.text);
                    let body = done.json();
                    body["redirect_browser_to"]
                        .as_str()
                        .unwrap_or("")
                        .to_owned()
                }
                (_, true) => {
                    assert_eq!(done.status, 200, "{}", done.text);
                    let body = done.json();
                    let items = body["continue_with"].as_array().expect("items");
                    if kind == Kind::Native {
                        let token = items[0]["ory_session_token"].as_str();
                        client.token = token.map(str::to_owned);
                    }
                    let last = items.last().expect("an item");
                    assert_eq!(last["action"], "show_settings_ui");
                    last["flow"]["url"].as_str().unwrap_or("").to_owned()
                }
            };
            assert!(page.starts_with("http://ui.test/settings?flow="), "{page}");
            if kind != Kind::Native || with_transitions {
                let me = client.whoami().await.json();
                assert_eq!(me["authentication_methods"][0]["method"], "code_recovery");
                assert_eq!(me["identity"]["id"], id);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_change_nothing_and_too_many_start_over() {
    let app = TestApp::with(on("code")).await;
    app.seed(ADA, PASSWORD).await;
    let mut client = app.spa();
    let form = client.start("recovery", "").await;
    let ask = json!({ "method": "code", "email": ADA });
    client.submit("recovery", &form, ask).await;
    let code = app.code(ADA).await;
    for _ in 0..5 {
        let wrong = json!({ "method": "code", "code": "not it" });
        let answer = client.submit("recovery", &form, wrong).await;
        assert_eq!(answer.status, 200);
        assert_eq!(messages(&answer.json()), ["4060006"]);
    }
    let right = json!({ "method": "code", "code": code });
    let answer = client.submit("recovery", &form, right).await;
    assert_eq!(answer.status, 303);
    let fresh = client.get(answer.location()).await;
    assert_eq!(messages(&fresh.json()), ["4000001"]);
    assert_eq!(client.whoami().await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_a_browser_in_once() {
    let app = TestApp::with(on("link")).await;
    let id = app.seed(ADA, PASSWORD).await;
    let mut client = app.native();
    let form = client.start("recovery", "").await;
    let ask = json!({ "method": "link", "email": ADA });
    let answer = client.submit("recovery", &form, ask).await;
    assert_eq!(messages(&answer.json()), ["1060002"]);
    let link = app.link(ADA).await;
    // What looks at a mail before its reader does, looks at its links, too.
    let mut scanner = app.browser();
    let looked_at = scanner.send(Method::HEAD, &link, None).await;
    assert!(looked_at.status.as_u16() < 500);
    assert_eq!(scanner.whoami().await.status, 401);
    let mut browser = app.browser();
    let opened = browser.get(&link).await;
    assert_eq!(opened.status, 303);
    assert!(
        opened
            .location()
            .starts_with("http://ui.test/settings?flow=")
    );
    let me = browser.whoami().await.json();
    assert_eq!(me["authentication_methods"][0]["method"], "link_recovery");
    assert!(app.is_verified(&id, ADA).await);

    let mut thief = app.browser();
    let again = thief.get(&link).await;
    let form = thief.form("recovery", &again).await;
    assert_eq!(form.messages(), ["4060004"]);
    assert_eq!(thief.whoami().await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_has_no_need_of_it() {
    let app = TestApp::with(on("code")).await;
    app.seed(ADA, PASSWORD).await;
    for kind in ALL_KINDS {
        let mut client = app.client(kind);
        client.sign_in(ADA, PASSWORD).await;
        let path = match kind {
            Kind::Native => "/self-service/recovery/api",
            _ => "/self-service/recovery/browser",
        };
        let answer = client.get(path).await;
        match kind {
            Kind::Browser => assert_eq!(answer.location(), "http://ui.test/welcome"),
            _ => assert_eq!(
                answer.error_id().as_deref(),
                Some("session_already_available")
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_addresses_are_answered_alike() {
    let mut app = TestApp::with(on("code")).await;
    app.seed(ADA, PASSWORD).await;
    let stranger = "stranger@example.org";
    for method in ["code", "link"] {
        app.configure(&on(method));
        let mut said = vec![];
        for address in [ADA, stranger] {
            let mut client = app.spa();
            let form = client.start("recovery", "").await;
            let ask = json!({ "method": method, "email": address });
            let answer = client.submit("recovery", &form, ask).await;
            let text = answer.text.replace(address, "someone");
            said.push((answer.status, text.len(), messages(&answer.json())));
        }
        assert_eq!(said[0], said[1]);
        assert!(app.mails(stranger).await.is_empty());
    }
    app.configure(&json!({ "selfservice": { "flows": { "recovery": {
        "notify_unknown_recipients": true,
    } } } }));
    let mut client = app.spa();
    let form = client.start("recovery", "").await;
    let ask = json!({ "method": "link", "email": stranger });
    client.submit("recovery", &form, ask).await;
    assert_eq!(app.mail(stranger).await.template_type, "recovery_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_are_switched_off_stay_so() {
    let app = TestApp::with(on("code")).await;
    let body = json!({ "schema_id": "default", "state": "inactive", "traits": { "email": ADA } });
    app.admin(Method::POST, "/admin/identities", Some(&body))
        .await;
    let mut client = app.spa();
    let form = client.start("recovery", "").await;
    let ask = json!({ "method": "code", "email": ADA });
    client.submit("recovery", &form, ask).await;
    let right = json!({ "method": "code", "code": app.code(ADA).await });
    let answer = client.submit("recovery", &form, right).await;
    let fresh = client.get(answer.location()).await;
    assert_eq!(messages(&fresh.json()), ["4010011"]);
    assert_eq!(client.whoami().await.status, 401);
}

/// An administrator's code needs no cookie and proves no address.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_hands_out_codes_and_links() {
    let app = TestApp::with(on("code")).await;
    let id = app.seed(ADA, PASSWORD).await;
    let body = json!({ "identity_id": id, "expires_in": "10m" });
    let made = app
        .admin(Method::POST, "/admin/recovery/code", Some(&body))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(made["expires_at"], "2026-07-01T12:10:00.123456Z");
    let flow = query_of(made["recovery_link"].as_str().unwrap_or(""), "flow").expect("a flow");
    let mut browser = app.browser();
    let page = browser
        .get(&format!("/self-service/recovery/flows?id={flow}"))
        .await;
    assert_eq!(page.status, 200, "{}", page.text);
    let fields = json!([["code", made["recovery_code"]], ["method", "code"]]);
    let path = format!("/self-service/recovery?flow={flow}");
    let done = browser.send(Method::POST, &path, Some(&fields)).await;
    assert!(
        done.location().starts_with("http://ui.test/settings"),
        "{done:?}"
    );
    assert_eq!(browser.whoami().await.status, 200);
    assert!(!app.is_verified(&id, ADA).await);

    let body = json!({ "identity_id": id });
    let made = app
        .admin(Method::POST, "/admin/recovery/link", Some(&body))
        .await;
    assert_eq!(made.status, 200);
    assert!(made.text.contains("&token="), "{}", made.text);
    let mut browser = app.browser();
    let link = made.json()["recovery_link"]
        .as_str()
        .unwrap_or("")
        .to_owned();
    let opened = browser.get(&link).await;
    assert!(opened.location().starts_with("http://ui.test/settings"));
    assert_eq!(browser.whoami().await.status, 200);
    assert!(!app.is_verified(&id, ADA).await);
    assert!(app.mails(ADA).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_asks_wrongly_is_refused() {
    let app = TestApp::with(on("code")).await;
    let id = app.seed(ADA, PASSWORD).await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (path, unknown) in [("code", 404), ("link", 400)] {
        let cases = [
            (json!({}), unknown),
            (json!({ "identity_id": nobody }), unknown),
            (json!({ "identity_id": "nonsense" }), 400),
            (json!({ "identity_id": id, "expires_in": "-1h" }), 400),
            (json!({ "identity_id": id, "expires_in": "0s" }), 400),
            (json!({ "identity_id": id, "expires_in": "soon" }), 400),
        ];
        for (body, status) in cases {
            let path = format!("/admin/recovery/{path}");
            let answer = app.admin(Method::POST, &path, Some(&body)).await;
            assert_eq!(answer.status, status, "{path} {body}: {}", answer.text);
        }
    }
    let body = json!({ "identity_id": id, "flow_type": "x" });
    let answer = app
        .admin(Method::POST, "/admin/recovery/code", Some(&body))
        .await;
    assert_eq!(answer.status, 400);
}

/// By choice among masked addresses; strangers see the screens of somebody with one address.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_chosen_and_typed_in_full() {
    let mut patch = on("code");
    patch["feature_flags"] =
        json!({ "choose_recovery_address": true, "use_continue_with_transitions": true });
    let mut schema = crate::support::person_schema();
    schema["properties"]["traits"]["properties"]["second"] = json!({
        "type": "string", "format": "email",
        "ory.sh/kratos": { "recovery": { "via": "email" } },
    });
    patch["identity"] = json!({ "schemas": [
        { "id": "default", "url": crate::support::inline(&schema) },
    ] });
    let app = TestApp::with(patch).await;
    let second = "lovelace@example.org";
    let body = json!({ "schema_id": "default", "traits": { "email": ADA, "second": second } });
    app.admin(Method::POST, "/admin/identities", Some(&body))
        .await;

    let mut client = app.spa();
    let form = client.start("recovery", "").await;
    assert_eq!(form.flow["state"], "recovery_awaiting_address");
    let answer = client
        .submit("recovery", &form, json!({ "recovery_address": ADA }))
        .await
        .json();
    assert_eq!(answer["state"], "recovery_awaiting_address_choice");
    assert!(!answer.to_string().contains(second));
    let nodes = answer["ui"]["nodes"].as_array().expect("nodes");
    let choice = nodes
        .iter()
        .find(|n| n["meta"]["label"]["text"] == "lo****@example.org")
        .expect("a choice")["attributes"]["value"]
        .clone();
    let chosen = json!({ "recovery_address": ADA, "recovery_select_address": choice });
    let answer = client.submit("recovery", &form, chosen).await.json();
    assert_eq!(answer["state"], "recovery_confirming_address");
    assert!(app.mails(second).await.is_empty());
    let typed = json!({ "recovery_address": ADA, "recovery_confirm_address": second });
    let answer = client.submit("recovery", &form, typed.clone()).await.json();
    assert_eq!(answer["state"], "recovery_awaiting_code");
    app.clock.advance(Duration::seconds(1));
    client.submit("recovery", &form, typed).await;
    assert_eq!(app.mails(second).await.len(), 2);
    let code = json!({ "code": app.code(second).await });
    let done = client.submit("recovery", &form, code).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(client.whoami().await.status, 200);

    // Whoever goes back and has a code sent elsewhere does without the one of before.
    app.clock.advance(Duration::seconds(1));
    let mut client = app.spa();
    let form = client.start("recovery", "").await;
    let begun = json!({ "recovery_address": ADA });
    client.submit("recovery", &form, begun).await;
    let confirmed = [
        ("recovery_select_address", &choice),
        ("recovery_confirm_address", &second.into()),
    ];
    for (field, value) in confirmed {
        let mut fields = json!({ "recovery_address": ADA });
        fields[field] = value.clone();
        client.submit("recovery", &form, fields).await;
    }
    let old = json!({ "code": app.code(second).await });
    let back = json!({ "recovery_address": ADA, "screen": "previous" });
    let answer = client.submit("recovery", &form, back).await.json();
    assert_eq!(answer["state"], "recovery_awaiting_address_choice");
    let nodes = answer["ui"]["nodes"].as_array().expect("nodes");
    let own = nodes
        .iter()
        .find(|n| n["meta"]["label"]["text"] == "ad****@example.org");
    let own = own.expect("a choice")["attributes"]["value"].clone();
    let own = json!({ "recovery_address": ADA, "recovery_select_address": own });
    let answer = client.submit("recovery", &form, own).await.json();
    assert_eq!(answer["state"], "recovery_awaiting_code");
    let answer = client.submit("recovery", &form, old).await.json();
    assert_eq!(messages(&answer), ["4060006"]);

    let mut stranger = app.spa();
    let form = stranger.start("recovery", "").await;
    let address = json!({ "recovery_address": "nobody@example.org" });
    let answer = stranger.submit("recovery", &form, address).await.json();
    assert_eq!(answer["state"], "recovery_awaiting_code");
    assert!(app.mails("nobody@example.org").await.is_empty());
}

/// Of many who open one link or type one code at the same time, one gets in.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_gets_in() {
    let mut patch = on("code");
    patch["selfservice"]["methods"]["code"]["config"]["max_submissions"] = json!(255);
    let mut app = TestApp::with(patch).await;
    app.seed(ADA, PASSWORD).await;
    for method in ["code", "link"].into_iter().cycle().take(rounds(4)) {
        app.configure(&on(method));
        app.clock.advance(Duration::seconds(1));
        let mut client = app.native();
        let form = client.start("recovery", "").await;
        let ask = json!({ "method": method, "email": ADA });
        client.submit("recovery", &form, ask).await;
        let mail = app.mail(ADA).await.body;
        let code = (method == "code").then(|| crate::support::mail::code_in(&mail));
        let link = match &code {
            None => app.link(ADA).await,
            Some(_) => String::new(),
        };
        let tries = (0..64).map(|_| {
            let (mut client, form, code) = (app.native(), form.clone(), code.clone());
            let (mut browser, link) = (app.browser(), link.clone());
            tokio::spawn(async move {
                match code {
                    Some(code) => {
                        let fields = json!({ "method": "code", "code": code });
                        let answer = client.submit("recovery", &form, fields).await;
                        answer.status == 422
                    }
                    None => {
                        let answer = browser.get(&link).await;
                        answer.location().contains("/settings?")
                    }
                }
            })
        });
        let mut won = 0;
        for one in tries.collect::<Vec<_>>() {
            won += usize::from(one.await.expect("an answer"));
        }
        assert_eq!(won, 1, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sessions_end_where_that_is_configured() {
    let mut patch = on("code");
    patch["selfservice"]["flows"]["recovery"]["after"] =
        json!({ "hooks": [{ "hook": "revoke_active_sessions" }] });
    let app = TestApp::with(patch).await;
    app.seed(ADA, PASSWORD).await;
    let mut other = app.spa();
    other.sign_in(ADA, PASSWORD).await;
    assert_eq!(other.whoami().await.status, 200);
    let mut client = app.spa();
    let form = client.start("recovery", "").await;
    let ask = json!({ "method": "code", "email": ADA });
    client.submit("recovery", &form, ask).await;
    let right = json!({ "method": "code", "code": app.code(ADA).await });
    client.submit("recovery", &form, right).await;
    assert_eq!(client.whoami().await.status, 200);
    assert_eq!(other.whoami().await.status, 401);
    assert_eq!(other.sign_in(ADA, OTHER_PASSWORD).await.status, 400);
}

/// Gets an account back; the page that this leads to.
async fn recovered(app: &TestApp, client: &mut Client, method: &str, address: &str) -> String {
    app.clock.advance(Duration::seconds(1));
    let form = client.start("recovery", "").await;
    let ask = json!({ "method": method, "email": address });
    let asked = client.submit("recovery", &form, ask).await;
    if method == "link" {
        let opened = client.get(&app.link(address).await).await;
        assert_eq!(opened.status, 303, "{}", opened.text);
        return opened.location().to_owned();
    }
    let form = client.form("recovery", &asked).await;
    let fields = json!({ "method": "code", "code": app.code(address).await });
    let done = client.submit("recovery", &form, fields).await;
    if client.kind == Kind::Browser {
        assert_eq!(done.status, 303, "{}", done.text);
        return done.location().to_owned();
    }
    assert_eq!(done.status, 200, "{}", done.text);
    let flow = done.json();
    assert_eq!(flow["state"], "passed_challenge");
    let items = flow["continue_with"].as_array().expect("items");
    let url = items.last().expect("an item")["flow"]["url"].as_str();
    let page = url.expect("a page").to_owned();
    let id = query_of(&page, "flow").expect("a flow");
    let mut expected = vec![json!({
        "action": "show_settings_ui", "flow": { "id": id, "url": page },
    })];
    if client.kind == Kind::Native {
        let token = items[0]["ory_session_token"].as_str().expect("a token");
        client.token = Some(token.to_owned());
        let item = json!({ "action": "set_ory_session_token", "ory_session_token": token });
        expected.insert(0, item);
    }
    assert_eq!(*items, expected);
    page
}

/// That a second factor is asked for, and where; the address of that form.
fn assert_half(answer: &Answer, kind: Kind, public: &str, return_to: Option<&str>) -> String {
    let mut url = url::Url::parse(&format!("{public}/self-service/login/browser?aal=aal2"));
    if let (Ok(url), Some(then)) = (&mut url, return_to) {
        url.query_pairs_mut().append_pair("return_to", then);
    }
    let url = url.expect("a URL").to_string();
    if kind == Kind::Browser {
        assert_eq!((answer.status.as_u16(), answer.location()), (303, &*url));
        return url;
    }
    assert_eq!(answer.status, 403, "{}", answer.text);
    let mut body = answer.json();
    let error = body["error"].as_object_mut().expect("an error");
    for words in ["reason", "message"] {
        assert!(
            error
                .shift_remove(words)
                .is_some_and(|text| text.is_string())
        );
    }
    let expected = json!({
        "error": {
            "id": "session_aal2_required", "code": 403, "status": "Forbidden",
            "details": { "redirect_browser_to": url },
        },
        "redirect_browser_to": url,
    });
    assert_eq!(body, expected);
    url
}

/// Whoever has a second factor is asked for it before the form that recovery leads to is shown or taken: by mail alone
/// nobody gets at an account that has more.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_before_a_new_password_is_set() {
    let mut patch = on("code");
    patch["selfservice"]["methods"]["totp"] = json!({ "enabled": true });
    let mut app = TestApp::with(patch).await;
    app.configure(&transitions(true));
    // Links are opened in browsers.
    let cases = ALL_KINDS.map(|kind| ("code", kind)).into_iter();
    for (method, kind) in cases.chain([("link", Kind::Browser), ("link", Kind::Spa)]) {
        app.configure(&on(method));
        let address = format!("{method}.{kind:?}@example.org").to_lowercase();
        app.seed(&address, PASSWORD).await;
        let mut owner = app.client(kind);
        owner.sign_in(&address, PASSWORD).await;
        let secret = enrol(&app, &mut owner).await;

        let mut client = app.client(kind);
        let page = recovered(&app, &mut client, method, &address).await;
        assert!(page.starts_with("http://ui.test/settings?flow="), "{page}");
        let id = query_of(&page, "flow").expect("a flow");
        let public = app.public.clone();
        let new = json!({ "method": "password", "password": OTHER_PASSWORD });
        let unseen = Form {
            id: id.clone(),
            flow: json!({}),
        };
        let read = format!("/self-service/settings/flows?id={id}");
        let sent_to = format!("{public}/self-service/settings?flow={id}");
        let channel = if kind == Kind::Native {
            "api"
        } else {
            "browser"
        };
        let mut step_up = String::new();
        for wrong in ["000000", "abcdef"] {
            assert_half(&client.whoami().await, Kind::Spa, &public, None);
            let begun = client
                .get(&format!("/self-service/settings/{channel}"))
                .await;
            assert_half(&begun, kind, &public, None);
            let sent = client.submit("settings", &unseen, new.clone()).await;
            assert_half(&sent, kind, &public, Some(&sent_to));
            // Read by scripts, whatever shows it.
            step_up = assert_half(&client.get(&read).await, Kind::Spa, &public, Some(&page));
            // A wrong code changes nothing of that.
            let form = client.start("login", "aal=aal2").await;
            let fields = json!({ "method": "totp", "totp_code": wrong });
            let refused = client.submit("login", &form, fields).await;
            let shown = client.form("login", &refused).await;
            assert_eq!(shown.messages(), ["4000008"], "{}", shown.flow["ui"]);
        }

        let form = match kind {
            Kind::Native => client.start("login", "aal=aal2").await,
            _ => {
                let begun = client.get(&step_up).await;
                client.form("login", &begun).await
            }
        };
        let code = code_of(&secret, app.clock.now());
        let fields = json!({ "method": "totp", "totp_code": code });
        let done = client.submit("login", &form, fields).await;
        match kind {
            Kind::Browser => assert_eq!((done.status.as_u16(), done.location()), (303, &*page)),
            Kind::Spa => {
                let then =
                    json!([{ "action": "redirect_browser_to", "redirect_browser_to": page }]);
                assert_eq!(done.json()["continue_with"], then, "{}", done.text);
            }
            Kind::Native => assert_eq!(done.status, 200, "{}", done.text),
        }
        let me = client.whoami().await.json();
        let proofs: Vec<_> = me["authentication_methods"]
            .as_array()
            .unwrap()
            .iter()
            .collect();
        let proofs: Vec<_> = proofs
            .iter()
            .map(|p| (p["method"].as_str(), p["aal"].as_str()))
            .collect();
        let by = format!("{method}_recovery");
        let expected = [
            (Some(by.as_str()), Some("aal1")),
            (Some("totp"), Some("aal2")),
        ];
        assert_eq!(proofs, expected);
        assert_eq!(me["authenticator_assurance_level"], "aal2");

        let shown = client.get(&read).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        assert_eq!(messages(&shown.json()), ["1060001"]);
        let form = Form {
            id,
            flow: shown.json(),
        };
        let saved = client.submit("settings", &form, new).await;
        let saved = client.form("settings", &saved).await;
        assert_eq!(saved.messages(), ["1050001"]);

        let mut client = app.client(kind);
        let old = client.sign_in(&address, PASSWORD).await;
        assert_eq!(client.form("login", &old).await.messages(), ["4000006"]);
        client.sign_in(&address, OTHER_PASSWORD).await;
        assert_half(&client.whoami().await, Kind::Spa, &public, None);
        let form = client.start("login", "aal=aal2").await;
        let code = code_of(&secret, app.clock.now());
        let fields = json!({ "method": "totp", "totp_code": code });
        client.submit("login", &form, fields).await;
        assert_eq!(client.whoami().await.status, 200);
    }
}
