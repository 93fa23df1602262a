//! Gateways that take messages by HTTP: what they get, and what becomes of a message that they do not take.
use super::{find, message, queue, recovery, settled, work};
use crate::support::TestApp;
use kratos::base::terms::Via;
use kratos::courier::worker::LEASE;
use kratos::model::message::{CourierMessage, MessageStatus};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

fn snippet(text: &str) -> String {
    format!("base64://{}", data_encoding::BASE64.encode(text.as_bytes()))
}

async fn gateway(status: u16) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_string("x".repeat(5000));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn by_http(request: Value) -> Value {
    json!({ "courier": {
        "delivery_strategy": "http", "http": { "request_config": request }, "message_retries": 0,
        "worker": { "pull_wait": "50ms" },
    }})
}

async fn delivered(
    config: Value,
    server: &MockServer,
    change: impl Fn(&mut CourierMessage),
) -> Request {
    let app = TestApp::with(config).await;
    let mut message = recovery(&app);
    change(&mut message);
    queue(&app, std::slice::from_ref(&message)).await;
    let _working = work(&app, LEASE);
    let (_, dispatches) = settled(&app, message.id, MessageStatus::Sent).await;
    assert_eq!(dispatches.len(), 1);
    let mut requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives_with_the_built_in_body() {
    let server = gateway(202).await;
    let config = by_http(json!({ "url": format!("{}/mail", server.uri()) }));
    let request = delivered(config, &server, |_| ()).await;
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!(request.url.path(), "/mail");
    assert_eq!(request.headers["content-type"], "application/json");
    let body: Value = request.body_json().unwrap();
    assert_eq!(
        body,
        json!({
            "recipient": "somebody@example.org", "template_type": "recovery_code_valid",
            "to": "somebody@example.org", "recovery_code": "123456", "recovery_url": null,
            "verification_url": null, "verification_code": null, "subject": "Use code 123456",
            "body": "Grüße.\n.\n.hidden code 123456\n",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jsonnet_sees_all_of_a_mail() {
    let server = gateway(200).await;
    let config = by_http(json!({ "url": server.uri(), "body": snippet("function(ctx) ctx") }));
    let request = delivered(config, &server, |message| {
        message.request_headers = Some(json!({ "Accept-Language": ["de"] }));
    });
    let mut body: Value = request.await.body_json().unwrap();
    let html = body.as_object_mut().unwrap().remove("html_body");
    assert!(html.unwrap().as_str().unwrap().contains("123456"));
    assert_eq!(body["template_data"]["recovery_code"], "123456");
    assert_eq!(body["template_data"]["expires_in_minutes"], 60);
    assert_eq!(body["message_type"], "email");
    assert_eq!(
        body["request_headers"],
        json!({ "Accept-Language": ["de"] })
    );
    assert_eq!(body.as_object().unwrap().len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_message_takes_its_channel() {
    let server = gateway(200).await;
    let gateway = json!({
        "url": server.uri(), "method": "PUT",
        "headers": { "Content-Type": "application/x-www-form-urlencoded", "X-Extra": "1" },
        "body": snippet("function(ctx) { To: ctx.recipient, Body: ctx.body, html: 'html_body' in ctx }"),
        "auth": { "type": "basic_auth", "config": { "user": "u", "password": "p" } },
    });
    let config = json!({ "courier": { "worker": { "pull_wait": "50ms" },
        "channels": [{ "id": "sms", "type": "http", "request_config": gateway }],
    }});
    let request = delivered(config, &server, |message| {
        message.via = Via::Sms;
        message.channel = Some("sms".into());
        message.recipient = "+491510000".into();
        message.body = "123456 & more".into();
    });
    let request = request.await;
    assert_eq!(request.method.as_str(), "PUT");
    assert_eq!(request.headers["authorization"], "Basic dTpw");
    assert_eq!(request.headers["x-extra"], "1");
    let body = String::from_utf8(request.body).unwrap();
    assert_eq!(body, "Body=123456+%26+more&To=%2B491510000&html=false");
}

/// The status says that the gateway has the message: it must not go out twice for what follows.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_or_does_not_end_is_an_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for ends in [true, false] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let calls = tokio::spawn(async move {
            let mut open = vec![];
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut head = [0; 4096];
                let _ = socket.read(&mut head).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc";
                socket.write_all(answer).await.unwrap();
                if !ends {
                    open.push(socket);
                }
            }
        });
        let app = TestApp::with(by_http(json!({ "url": url }))).await;
        let message = recovery(&app);
        queue(&app, std::slice::from_ref(&message)).await;
        let _working = work(&app, LEASE);
        let (_, dispatches) = settled(&app, message.id, MessageStatus::Sent).await;
        assert_eq!(dispatches.len(), 1);
        calls.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_get_through_is_told_without_the_message() {
    let server = gateway(503).await;
    let url = server.uri();
    for (config, told) in [
        (
            by_http(json!({ "url": url })),
            "the gateway answered with status 503",
        ),
        (
            by_http(json!({ "url": "http://127.0.0.1:9/" })),
            "no connection could be made",
        ),
        (
            by_http(json!({ "url": url, "body": snippet("function(ctx) error 'cancel'") })),
            "the Jsonnet cancels this",
        ),
        (
            by_http(json!({ "url": url, "body": snippet("function(ctx) error ctx.body") })),
            "line 1, column 15: the Jsonnet stopped itself with an error",
        ),
        (
            by_http(json!({ "url": url, "body": "file://nowhere.jsonnet" })),
            "there is no such file or page",
        ),
        (
            by_http(json!({ "url": url, "headers": { "Content-Type": "text/xml" } })),
            "the content type is neither application/json nor application/x-www-form-urlencoded",
        ),
    ] {
        let app = TestApp::with(config).await;
        let message = message(&app, "somebody@example.org", app.services.clock.now());
        queue(&app, std::slice::from_ref(&message)).await;
        let _working = work(&app, LEASE);
        settled(&app, message.id, MessageStatus::Abandoned).await;
        let (_, dispatches) = find(&app, message.id).await;
        let error = dispatches[0].error.clone().unwrap();
        let text = error["message"].as_str().unwrap();
        assert!(text.ends_with(told), "{text}");
        assert!(!text.contains("123456"), "{text}");
        assert_eq!(
            (&error["code"], &error["status"]),
            (&json!(500), &json!("Internal Server Error"))
        );
    }
}
