//! Getting back into an account: by code, by link, by an administrator.
use crate::support::client::{ALL_KINDS, Kind, OTHER_PASSWORD, PASSWORD, messages, query_of};
use crate::support::{TestApp, rounds};
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
