//! Signing up with a password, by all three kinds of client.
use crate::support::client::{ALL_KINDS, Kind, PASSWORD, messages};
use crate::support::{TestApp, inline, person_schema};
use reqwest::Method;
use serde_json::{Value, json};

const ADA: &str = "ada@example.org";

fn two_steps() -> Value {
    json!({ "selfservice": { "flows": { "registration": { "style": "profile_first" } } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_up_makes_an_account_and_signs_in() {
    for kind in ALL_KINDS {
        let app = TestApp::start().await;
        let mut client = app.client(kind);
        let answer = client.sign_up(ADA).await;
        match kind {
            Kind::Browser => assert_eq!(
                (answer.status.as_u16(), answer.location()),
                (303, "http://ui.test/welcome")
            ),
            Kind::Spa => {
                assert_eq!(answer.status, 200, "{}", answer.text);
                let next = json!([{ "action": "redirect_browser_to", "redirect_browser_to": "http://ui.test/welcome" }]);
                assert_eq!(answer.json()["continue_with"], next);
                assert!(answer.json().get("session_token").is_none());
            }
            Kind::Native => {
                let body = answer.json();
                let token = body["session_token"].as_str().unwrap();
                assert!(token.starts_with("ory_st_") && token.len() == 39);
                assert_eq!(body["continue_with"][0]["ory_session_token"], token);
                assert!(answer.sets().is_empty(), "apps get no cookies");
            }
        }
        let me = client.whoami().await.json();
        assert_eq!(
            me["identity"]["traits"],
            json!({ "email": ADA, "name": {} })
        );
        assert_eq!(
            me["identity"]["verifiable_addresses"][0]["status"],
            "pending"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_session_hook_nobody_is_signed_in() {
    let off = json!({ "selfservice": { "flows": { "registration": { "after": { "password": { "hooks": [] } } } } } });
    let app = TestApp::with(off).await;
    for kind in ALL_KINDS {
        let mut client = app.client(kind);
        let answer = client.sign_up(&format!("{kind:?}@example.org")).await;
        assert!(!answer.sets().contains(&"ory_kratos_session".to_owned()));
        if kind != Kind::Browser {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(answer.json().get("session").is_none());
        }
        assert_eq!(client.whoami().await.status, 401);
    }
}

/// Blanks would sign anybody in as somebody whose name is nothing.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_called_nothing() {
    let mut schema = person_schema();
    let traits = &mut schema["properties"]["traits"]["properties"];
    traits["nick"] = json!({
        "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } },
    });
    let identity =
        json!({ "identity": { "schemas": [{ "id": "default", "url": inline(&schema) }] } });
    let app = TestApp::with(identity).await;
    for nick in ["", "  ", "\u{200b}"] {
        let traits = json!({ "email": ADA, "nick": nick });
        for kind in ALL_KINDS {
            // A field of a page that is left empty was not sent.
            if kind == Kind::Browser && nick.is_empty() {
                continue;
            }
            let mut client = app.client(kind);
            let form = client.start("registration", "").await;
            let fields = json!({ "method": "password", "password": PASSWORD, "traits": traits });
            let answer = client.submit("registration", &form, fields).await;
            let shown = client.form("registration", &answer).await;
            assert_eq!(shown.messages(), ["traits.nick:4000002"], "{nick:?}");
        }
        let made = json!({ "schema_id": "default", "traits": traits });
        let path = "/admin/identities";
        let answer = app.admin(Method::POST, path, Some(&made)).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        let all = json!({ "identities": [{ "create": made }] });
        let answer = app.admin(Method::PATCH, path, Some(&all)).await;
        assert_eq!(
            answer.json()["identities"][0]["action"],
            "error",
            "{}",
            answer.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_stands_on_its_field_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    for kind in ALL_KINDS {
        let mut client = app.client(kind);
        let form = client.start("registration", "").await;
        let fields = json!({ "method": "password", "password": "short", "traits": { "email": "no address", "name": { "first": "Ada" } } });
        let answer = client.submit("registration", &form, fields).await;
        assert_eq!(answer.status, if kind == Kind::Browser { 302 } else { 400 });
        let shown = client.form("registration", &answer).await;
        assert_eq!(shown.messages(), ["traits.email:4000040"]);
        assert_eq!(
            shown.node("traits.name.first").unwrap()["attributes"]["value"],
            "Ada"
        );
        let fields =
            json!({ "method": "password", "password": "short", "traits": { "email": ADA } });
        let answer = client.submit("registration", &form, fields).await;
        assert_eq!(
            client.form("registration", &answer).await.messages(),
            ["password:4000032"]
        );
        let fields = json!({ "method": "password", "password": "ada@example.orc", "traits": { "email": ADA } });
        let answer = client.submit("registration", &form, fields).await;
        assert_eq!(
            client.form("registration", &answer).await.messages(),
            ["password:4000031"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_somebody_has_is_refused_however_it_is_spelt() {
    let app = TestApp::start().await;
    app.seed(ADA, PASSWORD).await;
    for spelling in [ADA, "ADA@EXAMPLE.ORG", " ada@example.org"] {
        let mut spa = app.spa();
        let answer = spa.sign_up(spelling).await;
        assert_eq!(
            (answer.status.as_u16(), messages(&answer.json())),
            (400, vec!["4000007".to_owned()]),
            "{spelling:?}"
        );
        assert_eq!(spa.whoami().await.status, 401);
    }
    let list = app
        .admin(reqwest::Method::GET, "/admin/identities", None)
        .await
        .json();
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_say_how_the_owner_signs_in() {
    let app = TestApp::with(
        json!({ "selfservice": { "flows": { "registration": { "login_hints": true } } } }),
    )
    .await;
    app.seed(ADA, PASSWORD).await;
    let answer = app.spa().sign_up(ADA).await.json();
    assert_eq!(messages(&answer), ["4000028"]);
    let context = &answer["ui"]["messages"][0]["context"];
    assert_eq!(context["available_credential_types"], json!(["password"]));
    assert_eq!(context["credential_identifier_hint"], ADA);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_take_one_name_at_once_one_gets_it() {
    let app = TestApp::start().await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mut native = app.native();
        running.spawn(async move { native.sign_up(ADA).await.status.as_u16() });
    }
    let mut statuses = vec![];
    while let Some(status) = running.join_next().await {
        statuses.push(status.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|s| *s == 400), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_two_steps_first_who_then_how_and_back() {
    let app = TestApp::with(two_steps()).await;
    for kind in ALL_KINDS {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let mut client = app.client(kind);
        let form = client.start("registration", "").await;
        assert!(form.node("password").is_none());
        let traits = json!({ "email": email, "name": { "first": "Ada" } });
        let go_on = json!({ "method": "profile", "traits": traits });
        let answer = client.submit("registration", &form, go_on.clone()).await;
        assert_eq!(answer.status, if kind == Kind::Browser { 303 } else { 400 });
        let second = client.form("registration", &answer).await;
        assert_eq!(second.messages(), ["1040009"]);
        assert_eq!(
            second.node("traits.email").unwrap()["attributes"]["type"],
            "hidden"
        );
        assert!(second.node("password").is_some());

        let back = json!({ "screen": "previous", "traits": traits });
        let answer = client.submit("registration", &second, back).await;
        let first = client.form("registration", &answer).await;
        assert_eq!(
            first.node("traits.email").unwrap()["attributes"]["type"],
            "email"
        );
        assert_eq!(
            first.node("traits.email").unwrap()["attributes"]["value"],
            email
        );
        assert!(first.node("password").is_none());

        let answer = client.submit("registration", &first, go_on).await;
        let second = client.form("registration", &answer).await;
        let fields = json!({ "method": "password", "password": PASSWORD, "traits": traits });
        let done = client.submit("registration", &second, fields).await;
        assert_eq!(
            done.status,
            if kind == Kind::Browser { 303 } else { 200 },
            "{}",
            done.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_way_back_the_traits_are_looked_at_and_screens_have_names() {
    let app = TestApp::with(two_steps()).await;
    let mut native = app.native();
    let form = native.start("registration", "").await;
    let back = json!({ "method": "profile", "screen": "previous" });
    let answer = native.submit("registration", &form, back).await;
    let shown = native.form("registration", &answer).await;
    assert_eq!(shown.messages(), ["traits.email:4000002"]);
    let nowhere = json!({ "method": "password", "password": PASSWORD, "screen": "nowhere", "traits": { "email": ADA } });
    let answer = native.submit("registration", &form, nowhere).await;
    let shown = native.form("registration", &answer).await;
    assert_eq!(shown.messages(), ["screen:4000001"]);
    assert!(shown.node("password").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_has_no_way_to_sign_up_by() {
    for patch in [json!({}), two_steps()] {
        let app = TestApp::with(patch).await;
        let organization = "organization=f0e1d2c3-b4a5-4697-8899-aabbccddeeff";
        for kind in ["api", "browser"] {
            let path = format!("/self-service/registration/{kind}?{organization}");
            let flow = app.spa().get(&path).await.json();
            assert_eq!(flow["ui"]["nodes"], Value::Null, "{kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_schemas_that_are_open_to_self_service_can_be_chosen() {
    let plain = inline(&json!({
        "type": "object", "properties": { "traits": { "type": "object", "properties": {
            "name": { "type": "string", "title": "Name", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } },
        }, "required": ["name"] } },
    }));
    let person = inline(&crate::support::person_schema());
    let schemas = json!([
        { "id": "default", "url": person },
        { "id": "open", "url": plain, "selfservice_selectable": true },
        { "id": "closed", "url": plain },
    ]);
    let app = TestApp::with(json!({ "identity": { "schemas": schemas } })).await;
    let mut native = app.native();
    for (query, status) in [
        ("identity_schema=open", 200),
        ("identity_schema=closed", 400),
        ("identity_schema=no", 400),
    ] {
        let answer = native
            .get(&format!("/self-service/registration/api?{query}"))
            .await;
        assert_eq!(answer.status, status, "{query}");
    }
    let login = native.start("login", "identity_schema=open").await;
    let label = &login.node("identifier").unwrap()["meta"]["label"]["context"];
    assert_eq!(label["name"], "traits.name");
    let form = native.start("registration", "identity_schema=open").await;
    let fields =
        json!({ "method": "password", "password": PASSWORD, "traits": { "name": "Ada Lovelace" } });
    let answer = native.submit("registration", &form, fields).await;
    assert_eq!(
        answer.json()["identity"]["schema_id"],
        "open",
        "{}",
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_signed_in_does_not_sign_up() {
    let app = TestApp::start().await;
    let mut spa = app.spa();
    spa.sign_up(ADA).await;
    let answer = spa.get("/self-service/registration/browser").await;
    assert_eq!(
        (answer.status.as_u16(), answer.error_id().as_deref()),
        (400, Some("session_already_available"))
    );
    let mut browser = app.browser();
    browser.sign_in(ADA, PASSWORD).await;
    let answer = browser.get("/self-service/registration/browser").await;
    assert_eq!(
        (answer.status.as_u16(), answer.location()),
        (303, "http://ui.test/welcome")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_signing_up_is_off_it_is_off() {
    let app = TestApp::with(
        json!({ "selfservice": { "flows": { "registration": { "enabled": false } } } }),
    )
    .await;
    let answer = app.spa().get("/self-service/registration/browser").await;
    assert_eq!(
        (answer.status.as_u16(), answer.error_id().as_deref()),
        (400, Some("self_service_flow_disabled"))
    );
}
