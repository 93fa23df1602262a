//! Proving an address, by code and by link.
use crate::support::client::{ALL_KINDS, Kind, PASSWORD, messages};
use crate::support::{TestApp, rounds};
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

const ADA: &str = "ada@example.org";

fn on(r#use: &str) -> Value {
    json!({ "selfservice": {
        "methods": { "link": { "enabled": true } },
        "flows": { "verification": { "enabled": true, "use": r#use } },
    } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_proves_the_address_it_was_sent_to() {
    let app = TestApp::with(on("code")).await;
    for kind in ALL_KINDS {
        let address = format!("{kind:?}@example.org").to_lowercase();
        let id = app.seed(&address, PASSWORD).await;
        let mut client = app.client(kind);
        let form = client.start("verification", "").await;
        let asked = json!({ "method": "code", "email": address });
        let answer = client.submit("verification", &form, asked).await;
        let form = client.form("verification", &answer).await;
        assert_eq!(form.flow["state"], "sent_email");
        assert_eq!(form.messages(), ["1080003"]);
        assert!(!app.is_verified(&id, &address).await);

        let code = app.code(&address).await;
        let answer = client
            .submit("verification", &form, json!({ "code": code }))
            .await;
        let done = client.form("verification", &answer).await;
        assert_eq!(done.flow["state"], "passed_challenge");
        assert_eq!(done.messages(), ["1080002"]);
        assert!(app.is_verified(&id, &address).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_only_the_newest() {
    let app = TestApp::with(on("code")).await;
    app.seed(ADA, PASSWORD).await;
    let mut client = app.spa();
    let form = client.start("verification", "").await;
    let ask = json!({ "method": "code", "email": ADA });
    client.submit("verification", &form, ask.clone()).await;
    let old = app.code(ADA).await;
    app.clock.advance(Duration::seconds(1));
    client.submit("verification", &form, ask).await;
    let new = app.code(ADA).await;

    let answer = client
        .submit("verification", &form, json!({ "code": old }))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(messages(&answer.json()), ["4070006"]);
    let answer = client
        .submit("verification", &form, json!({ "code": new.clone() }))
        .await;
    assert_eq!(messages(&answer.json()), ["1080002"]);
    let answer = client
        .submit("verification", &form, json!({ "code": new }))
        .await;
    assert_eq!(answer.status, 410);
    assert_eq!(
        answer.error_id().as_deref(),
        Some("self_service_flow_replaced")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn five_codes_may_be_tried_and_a_new_code_is_no_new_chance() {
    let app = TestApp::with(on("code")).await;
    let id = app.seed(ADA, PASSWORD).await;
    let mut client = app.native();
    let form = client.start("verification", "").await;
    let ask = json!({ "method": "code", "email": ADA });
    client.submit("verification", &form, ask.clone()).await;
    for _ in 0..5 {
        let wrong = json!({ "code": "not it" });
        let answer = client.submit("verification", &form, wrong).await;
        assert_eq!(messages(&answer.json()), ["4070006"]);
    }
    app.clock.advance(Duration::seconds(1));
    client.submit("verification", &form, ask).await;
    let code = app.code(ADA).await;
    let answer = client
        .submit("verification", &form, json!({ "code": code }))
        .await;
    assert_eq!(answer.status, 410);
    assert!(!app.is_verified(&id, ADA).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_proves_the_address_and_is_good_once() {
    let app = TestApp::with(on("link")).await;
    let id = app.seed(ADA, PASSWORD).await;
    let mut client = app.browser();
    let form = client.start("verification", "").await;
    let ask = json!({ "method": "link", "email": ADA });
    let answer = client.submit("verification", &form, ask).await;
    let form = client.form("verification", &answer).await;
    assert_eq!(form.messages(), ["1080001"]);

    let link = app.link(ADA).await;
    // What looks at a mail before its reader does, looks at its links, too.
    let looked_at = app.browser().send(Method::HEAD, &link, None).await;
    assert!(looked_at.status.as_u16() < 500);
    assert!(!app.is_verified(&id, ADA).await);
    let opened = client.get(&link).await;
    let done = client.form("verification", &opened).await;
    assert_eq!(done.messages(), ["1080002"]);
    assert!(app.is_verified(&id, ADA).await);
    let again = client.get(&link).await;
    assert_eq!(again.status, 303);
    let new = client.form("verification", &again).await;
    assert_eq!(new.messages(), ["4070001"]);
    assert_ne!(new.id, form.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_too_late_proves_nothing() {
    let mut app = TestApp::with(on("code")).await;
    let id = app.seed(ADA, PASSWORD).await;
    let lifespans = json!({ "selfservice": { "methods": {
        "code": { "config": { "lifespan": "10m" } }, "link": { "config": { "lifespan": "10m" } },
    } } });
    app.configure(&lifespans);
    let mut client = app.spa();
    let form = client.start("verification", "").await;
    let ask = json!({ "method": "code", "email": ADA });
    client.submit("verification", &form, ask).await;
    let code = app.code(ADA).await;
    app.clock.advance(Duration::minutes(10));
    let answer = client
        .submit("verification", &form, json!({ "code": code }))
        .await;
    assert_eq!(messages(&answer.json()), ["4070006"]);

    app.configure(&on("link"));
    let form = client.start("verification", "").await;
    let ask = json!({ "method": "link", "email": ADA });
    client.submit("verification", &form, ask).await;
    let link = app.link(ADA).await;
    app.clock.advance(Duration::minutes(10));
    let mut browser = app.browser();
    let opened = browser.get(&link).await;
    let late = browser.form("verification", &opened).await;
    assert_eq!(late.messages(), ["4070005"]);
    assert!(!app.is_verified(&id, ADA).await);
}

/// What is known of an address does not show in the answer.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_addresses_are_answered_alike_and_told_if_that_is_wanted() {
    let mut app = TestApp::with(on("code")).await;
    app.seed(ADA, PASSWORD).await;
    let stranger = "stranger@example.org";
    for method in ["code", "link"] {
        app.configure(&on(method));
        let mut said = vec![];
        for address in [ADA, stranger] {
            let mut client = app.spa();
            let form = client.start("verification", "").await;
            let ask = json!({ "method": method, "email": address });
            let answer = client.submit("verification", &form, ask).await;
            let text = answer
                .text
                .replace(address, "someone")
                .replace(&form.id, "flow");
            let token = form
                .node("csrf_token")
                .map(|n| n["attributes"]["value"].clone());
            assert!(token.is_some());
            said.push((answer.status, text.len()));
        }
        assert_eq!(said[0], said[1]);
        assert!(app.mails(stranger).await.is_empty());
    }
    app.configure(&json!({ "selfservice": { "flows": { "verification": {
        "notify_unknown_recipients": true,
    } } } }));
    for (method, kind) in [
        ("code", "verification_code_invalid"),
        ("link", "verification_invalid"),
    ] {
        app.clock.advance(Duration::seconds(1));
        app.configure(&on(method));
        let mut client = app.spa();
        let form = client.start("verification", "").await;
        let ask = json!({ "method": method, "email": stranger });
        client.submit("verification", &form, ask).await;
        assert_eq!(app.mail(stranger).await.template_type, kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_button_kills_a_form() {
    let app = TestApp::with(on("code")).await;
    let id = app.seed(ADA, PASSWORD).await;
    let mut client = app.spa();
    let form = client.start("verification", "").await;
    let answer = client
        .submit("verification", &form, json!({ "email": ADA }))
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(messages(&answer.json()), ["4010006"]);
    assert_eq!(answer.json()["active"], "code");
    let ask = json!({ "method": "code", "email": ADA });
    client.submit("verification", &form, ask).await;
    let code = app.code(ADA).await;
    client
        .submit("verification", &form, json!({ "code": code }))
        .await;
    assert!(app.is_verified(&id, ADA).await);
}

/// The link in the mail of a code shows the form with the code in it, in any browser.
#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_code_fills_the_form_in() {
    let app = TestApp::with(on("code")).await;
    let id = app.seed(ADA, PASSWORD).await;
    let mut client = app.native();
    let form = client.start("verification", "").await;
    let ask = json!({ "method": "code", "email": ADA });
    client.submit("verification", &form, ask).await;
    let mut client = app.browser();
    let opened = client.get(&app.link(ADA).await).await;
    assert_eq!(opened.status, 303);
    let mut reader = app.native();
    let shown = reader
        .get(&format!("/self-service/verification/flows?id={}", form.id))
        .await
        .json();
    let nodes = shown["ui"]["nodes"].as_array().expect("nodes");
    let code = nodes.iter().find(|n| n["attributes"]["name"] == "code");
    assert_eq!(
        code.expect("a field")["attributes"]["value"],
        app.code(ADA).await
    );
    assert!(
        !app.is_verified(&id, ADA).await,
        "a link alone proves nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_up_begins_a_verification_and_shows_it_if_that_is_wanted() {
    let mut app = TestApp::with(on("code")).await;
    for kind in ALL_KINDS {
        let address = format!("{kind:?}@example.org").to_lowercase();
        let mut client = app.client(kind);
        let answer = client.sign_up(&address).await;
        assert_eq!(
            app.mail(&address).await.template_type,
            "verification_code_valid"
        );
        match kind {
            Kind::Browser => assert_eq!(answer.location(), "http://ui.test/welcome"),
            _ => assert!(
                !answer.text.contains("show_verification_ui"),
                "{}",
                answer.text
            ),
        }
    }
    app.configure(
        &json!({ "selfservice": { "flows": { "registration": { "after": {
        "password": { "hooks": [{ "hook": "session" }, { "hook": "show_verification_ui" }] },
    } } } } }),
    );
    for kind in ALL_KINDS {
        let address = format!("{kind:?}2@example.org").to_lowercase();
        let mut client = app.client(kind);
        let answer = client.sign_up(&address).await;
        if kind == Kind::Browser {
            let form = client.form("verification", &answer).await;
            assert_eq!(form.flow["state"], "sent_email");
            continue;
        }
        let body = answer.json();
        let items = body["continue_with"].as_array().expect("items");
        let shown = items.iter().find(|i| i["action"] == "show_verification_ui");
        let shown = &shown.expect("a verification")["flow"];
        assert_eq!(shown["verifiable_address"], address);
        assert_eq!(shown.get("url").is_some(), kind == Kind::Spa);
        assert_eq!(
            body["identity"]["verifiable_addresses"][0]["status"],
            "sent"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_verified_people_get_in_where_that_is_asked() {
    let mut patch = on("code");
    patch["selfservice"]["flows"]["login"] =
        json!({ "after": { "hooks": [{ "hook": "require_verified_address" }] } });
    let app = TestApp::with(patch).await;
    app.seed(ADA, PASSWORD).await;
    let mut client = app.spa();
    let answer = client.sign_in(ADA, PASSWORD).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert_eq!(
        answer.error_id().as_deref(),
        Some("session_verified_address_required")
    );
    assert_eq!(client.whoami().await.status, 401);
    let next = &answer.json()["error"]["details"]["continue_with"][0]["flow"];
    let id = next["id"].as_str().expect("a flow");
    let code = app.code(ADA).await;
    let mut anybody = app.native();
    let path = format!("/self-service/verification?flow={id}");
    anybody
        .send(
            reqwest::Method::POST,
            &path,
            Some(&json!({ "code": code, "method": "code" })),
        )
        .await;
    let answer = client.sign_in(ADA, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Of many who try the same code at the same time, one succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_used_by_one_of_many() {
    let mut patch = on("code");
    patch["selfservice"]["methods"]["code"]["config"]["max_submissions"] = json!(255);
    let app = TestApp::with(patch).await;
    app.seed(ADA, PASSWORD).await;
    for _ in 0..rounds(5) {
        app.clock.advance(Duration::seconds(1));
        let mut client = app.native();
        let form = client.start("verification", "").await;
        let ask = json!({ "method": "code", "email": ADA });
        client.submit("verification", &form, ask).await;
        let code = app.code(ADA).await;
        let tries = (0..64).map(|_| {
            let (mut client, form, code) = (app.native(), form.clone(), code.clone());
            tokio::spawn(async move {
                let fields = json!({ "code": code });
                let answer = client.submit("verification", &form, fields).await;
                answer.status == 200 && messages(&answer.json()) == ["1080002"]
            })
        });
        let mut won = 0;
        for one in tries.collect::<Vec<_>>() {
            won += usize::from(one.await.expect("an answer"));
        }
        assert_eq!(won, 1);
    }
}
