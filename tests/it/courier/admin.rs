//! Messages as administrators see them, and the mailbox of development.
use super::{message, queue, recovery, relay, settled, work};
use crate::support::TestApp;
use kratos::courier::worker::LEASE;
use kratos::model::message::MessageStatus;
use reqwest::Method;
use serde_json::{Value, json};

const MESSAGES: &str = "/admin/courier/messages";

async fn get(app: &TestApp, path: &str) -> crate::support::client::Answer {
    app.admin(Method::GET, path, None).await
}

async fn three(app: &TestApp) -> Vec<String> {
    let now = app.services.clock.now();
    let messages: Vec<_> = (0..3)
        .map(|n| {
            message(
                app,
                &format!("r{n}@example.org"),
                now + time::Duration::seconds(n),
            )
        })
        .collect();
    queue(app, &messages).await;
    messages.iter().rev().map(|m| m.id.to_string()).collect()
}

fn ids(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|m| m["id"].as_str().unwrap().to_owned()).collect()
}

fn next(link: &str) -> String {
    let part = link
        .split(',')
        .find(|part| part.contains("rel=\"next\""))
        .unwrap();
    part.trim_start_matches('<')
        .split_once('>')
        .unwrap()
        .0
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_filters_and_pages() {
    let app = TestApp::start().await;
    let all = three(&app).await;
    let list = get(&app, MESSAGES).await;
    assert_eq!(list.status, 200);
    assert_eq!(ids(&list.json()), all);
    let link = list.header("link").unwrap();
    assert!(
        link.starts_with("</admin/courier/messages?page_size=10&page_token="),
        "{link}"
    );
    assert!(
        link.ends_with("rel=\"first\"") && !link.contains("next"),
        "{link}"
    );
    let one = &list.json()[0];
    let keys: Vec<_> = one
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "id",
            "status",
            "type",
            "recipient",
            "body",
            "subject",
            "template_type",
            "channel",
            "send_count",
            "created_at",
            "updated_at"
        ]
    );
    assert_eq!(one["subject"], "Use code 123456");
    for (query, expected) in [
        ("status=queued", 3),
        ("status=sent", 0),
        ("recipient=r1%40example.org", 1),
        ("recipient=nobody", 0),
        ("page_size=0", 3),
        ("page_size=5000", 3),
    ] {
        let list = get(&app, &format!("{MESSAGES}?{query}")).await;
        assert_eq!(ids(&list.json()).len(), expected, "{query}");
        if query == "page_size=5000" {
            assert!(list.header("link").unwrap().contains("page_size=500&"));
        }
    }
    let first = get(&app, &format!("{MESSAGES}?page_size=2")).await;
    assert_eq!(ids(&first.json()), all[..2]);
    let path = next(first.header("link").unwrap());
    let second = get(&app, &path).await;
    assert_eq!(ids(&second.json()), all[2..]);
    assert!(!second.header("link").unwrap().contains("next"));
    // Tokens are ours, whole, and end.
    for wrong in [
        path.replace("page_token=", "page_token=A"),
        path.trim_end_matches("%3D")[..path.len() - 12].to_owned(),
    ] {
        let answer = get(&app, &wrong).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["code"]),
            (400, &json!(400))
        );
    }
    app.clock.advance(time::Duration::hours(1));
    assert_eq!(get(&app, &path).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_are_refused() {
    let app = TestApp::start().await;
    for (query, code, reason) in [
        ("?status=nonsense", 400, true),
        ("?status=", 400, true),
        ("?page_token=nonsense", 400, false),
        ("?page_size=many", 400, false),
        ("/nonsense", 400, false),
    ] {
        let answer = get(&app, &format!("{MESSAGES}{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        let error = answer.json();
        assert_eq!(error["error"]["code"], code, "{query}");
        assert_eq!(
            error["error"]["reason"].is_string(),
            reason,
            "{query}: {error}"
        );
        assert_eq!(answer.header("ory-error-id"), Some(""), "{query}");
    }
    let unknown = get(&app, &format!("{MESSAGES}/{}", uuid::Uuid::nil())).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_not_shown_outside_of_development() {
    let app = TestApp::with(json!({ "dev": false })).await;
    let all = three(&app).await;
    for path in [MESSAGES.to_owned(), format!("{MESSAGES}/{}", all[0])] {
        let answer = get(&app, &path).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text.contains("code 123456"), "{}", answer.text);
        // Go's JSON escapes the brackets.
        assert!(
            answer.text.contains("redacted-unless-dev-mode"),
            "{}",
            answer.text
        );
    }
    for path in ["/admin/mailbox", "/admin/mailbox/messages"] {
        assert_eq!(get(&app, path).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_with_its_attempts() {
    let mut patch = relay("smtp://127.0.0.1:9/?disable_starttls=true");
    crate::support::merge(&mut patch, &json!({ "courier": { "message_retries": 1 } }));
    let app = TestApp::with(patch).await;
    let all = three(&app).await;
    let _working = work(&app, LEASE);
    let id = kratos::base::id::MessageId::parse(&all[0]).unwrap();
    settled(&app, id, MessageStatus::Abandoned).await;
    let message = get(&app, &format!("{MESSAGES}/{}", all[0])).await.json();
    assert_eq!(
        (&message["status"], &message["send_count"]),
        (&json!("abandoned"), &json!(2))
    );
    assert_eq!(message["updated_at"], message["created_at"]);
    let dispatches = message["dispatches"].as_array().unwrap();
    assert_eq!(dispatches.len(), 2);
    for dispatch in dispatches {
        assert_eq!(dispatch["status"], "failed");
        assert_eq!(dispatch["message_id"], message["id"]);
        let error = dispatch["error"].as_object().unwrap();
        assert_eq!(error["code"], 500);
        let mut keys: Vec<_> = error.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["code", "message", "reason", "status"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_developers_read_mails_here() {
    let app = TestApp::with(json!({ "courier": { "worker": { "pull_wait": "50ms" } } })).await;
    let mut mail = message(&app, "ada@example.org", app.services.clock.now());
    mail.subject = "<script>alert(1)</script>".into();
    mail.body = "Go to http://127.0.0.1:4433/x?a=1&b=2 <b>".into();
    let mut text = message(&app, "+491701234567", app.services.clock.now());
    text.channel = Some("sms".into());
    let mut rich = recovery(&app);
    rich.recipient = "<b>@example.org".into();
    queue(&app, &[mail.clone(), text.clone(), rich]).await;
    let _working = work(&app, LEASE);
    for id in [mail.id, text.id] {
        settled(&app, id, MessageStatus::Sent).await;
    }
    let page = get(&app, "/admin/mailbox").await;
    assert_eq!(page.status, 200);
    // The HTML of a mail stays in its frame.
    assert!(
        page.text
            .contains("srcdoc=\"&lt;base target=&quot;_blank&quot;&gt;&lt;"),
        "{}",
        page.text
    );
    assert!(
        page.text
            .contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\"")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(
        !page.text.contains("<script") && !page.text.contains("<b>\n"),
        "{}",
        page.text
    );
    assert!(
        page.text
            .contains("href=\"http://127.0.0.1:4433/x?a=1&amp;b=2\""),
        "{}",
        page.text
    );
    let list = get(&app, "/mailbox/messages").await.json();
    assert_eq!(list.as_array().unwrap().len(), 3);
    let found = list
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["recipient"] == "ada@example.org");
    assert_eq!(found.unwrap()["body"], mail.body);
}
