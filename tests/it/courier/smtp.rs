//! Every kind of mail server that an address can name, and what a mail looks like there.
use super::{message, queue, queue_one, recovery, relay, settled, work};
use crate::support::smtp::{At, Server, Settings};
use crate::support::{TestApp, merge};
use kratos::courier::worker::LEASE;
use kratos::model::message::MessageStatus;
use serde_json::{Value, json};
use std::sync::Arc;

/// Sends one mail; the last attempt's error if it does not get there.
async fn sent(uri: &str, more: Value) -> Result<(), String> {
    let mut patch = relay(uri);
    merge(&mut patch, &json!({ "courier": { "message_retries": 0 } }));
    merge(&mut patch, &more);
    let app = TestApp::with(patch).await;
    let id = queue_one(&app, "somebody@example.org").await;
    let _working = work(&app, LEASE);
    for _ in 0..1000 {
        let (message, dispatches) = super::find(&app, id).await;
        match message.status {
            MessageStatus::Sent => return Ok(()),
            MessageStatus::Abandoned => {
                let error = dispatches[0].error.as_ref().unwrap();
                return Err(error["message"].as_str().unwrap().to_owned());
            }
            _ => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
    panic!("nothing happens");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_reached_as_their_address_says() {
    let secret = "us%40er:p%3Aw%2F@";
    let login = |way| Some(("us@er".to_owned(), "p:w/".to_owned(), way));
    for (settings, scheme, query, user, expected) in [
        // scheme, parameters, credentials; whether it is private, and how it signed in
        (
            Settings::default(),
            "smtp",
            "?disable_starttls=true",
            "",
            Ok((false, None)),
        ),
        (Settings::default(), "smtp", "", "", Err("STARTTLS")),
        (
            Settings {
                starttls: true,
                ..Settings::default()
            },
            "smtp",
            "?skip_ssl_verify=true",
            "",
            Ok((true, None)),
        ),
        // Not by anybody known.
        (
            Settings {
                starttls: true,
                ..Settings::default()
            },
            "smtp",
            "",
            "",
            Err("certificate"),
        ),
        // The offer is taken, with what is usual.
        (
            Settings {
                starttls: true,
                ..Settings::default()
            },
            "smtp",
            "?disable_starttls=true&skip_ssl_verify=true",
            "",
            Err("certificate"),
        ),
        (
            Settings {
                implicit_tls: true,
                ..Settings::default()
            },
            "smtps",
            "?skip_ssl_verify=true",
            "",
            Ok((true, None)),
        ),
        (
            Settings {
                implicit_tls: true,
                ..Settings::default()
            },
            "smtps",
            "",
            "",
            Err("certificate"),
        ),
        (
            Settings {
                starttls: true,
                auth: "LOGIN PLAIN",
                pipelining: true,
                ..Settings::default()
            },
            "smtp",
            "?skip_ssl_verify=true",
            secret,
            Ok((true, login("PLAIN"))),
        ),
        (
            Settings {
                implicit_tls: true,
                auth: "LOGIN",
                ..Settings::default()
            },
            "smtps",
            "?skip_ssl_verify=true",
            secret,
            Ok((true, login("LOGIN"))),
        ),
        // To ourselves in clear.
        (
            Settings {
                auth: "PLAIN",
                ..Settings::default()
            },
            "smtp",
            "?disable_starttls=true",
            secret,
            Ok((false, login("PLAIN"))),
        ),
        (
            Settings {
                auth: "CRAM-MD5",
                ..Settings::default()
            },
            "smtp",
            "?disable_starttls=true",
            secret,
            Err("neither PLAIN nor LOGIN"),
        ),
        (
            Settings::default(),
            "smtp",
            "?disable_starttls=true",
            secret,
            Ok((false, None)),
        ),
    ] {
        let server = Server::start(settings).await;
        let uri = format!("{scheme}://{user}127.0.0.1:{}/{query}", server.port);
        let local = json!({ "courier": { "smtp": { "local_name": "me.example.org" } } });
        let result = sent(&uri, local).await;
        match expected {
            Ok((tls, login)) => {
                assert_eq!(result, Ok(()), "{uri}");
                let mail = &server.mails()[0];
                assert_eq!((mail.tls, &mail.login), (tls, &login), "{uri}");
                assert_eq!(mail.hello, "me.example.org");
            }
            Err(word) => {
                let error = result.expect_err(&uri);
                assert!(error.contains(word), "{uri}: {error}");
                assert!(!error.contains("p:w"), "{error}");
                assert!(server.mails().is_empty());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_reached_or_must_not_be_is_told() {
    let server = Server::plain().await;
    let refuses = json!({ "clients": { "smtp": { "disallow_private_ip_ranges": true } } });
    let error = sent(&server.uri(), refuses).await.unwrap_err();
    assert!(error.contains("disallow_private_ip_ranges"), "{error}");
    assert_eq!(server.connections(), 0);
    let error = sent("smtp://127.0.0.1:9/?disable_starttls=true", json!({})).await;
    assert!(error.unwrap_err().contains("cannot be reached"));
    let error = sent("", json!({ "dev": false })).await.unwrap_err();
    assert!(error.contains("connection_uri is not set"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_says_what_it_should() {
    let server = Server::plain().await;
    let mut patch = relay(&server.uri());
    let headers = json!({
        "X-Extra": "Grüße", "Bcc": "archive@example.org", "cc": "Boss <boss@example.org>", "Content-Type": "text/evil",
        "X-Evil": "a\r\nBcc: evil@example.org", "From: evil": "x",
    });
    merge(
        &mut patch,
        &json!({ "courier": { "smtp": { "headers": headers } } }),
    );
    let app = TestApp::with(patch).await;
    let mut mail = message(&app, "so\"me body\"@example.org", app.services.clock.now());
    mail.recipient = "\"some body\"@example.org".into();
    mail.subject = "Grüße\r\nBcc: evil@example.org".into();
    queue(&app, std::slice::from_ref(&mail)).await;
    let _working = work(&app, LEASE);
    settled(&app, mail.id, MessageStatus::Sent).await;
    let got = server.mails().remove(0);
    assert_eq!(got.from, "accounts@example.org");
    assert_eq!(
        got.to,
        [
            "\"some body\"@example.org",
            "archive@example.org",
            "boss@example.org"
        ]
    );
    let header = |name| {
        got.header(name)
            .unwrap_or_else(|| panic!("{name}: {}", got.data))
    };
    assert_eq!(
        header("From"),
        "\"Example \\\"A\\\"\" <accounts@example.org>"
    );
    assert_eq!(header("To"), "\"some body\"@example.org");
    assert_eq!(header("cc"), "Boss <boss@example.org>");
    assert!(
        header("Subject").starts_with("=?UTF-8?B?"),
        "{}",
        header("Subject")
    );
    let date = header("Date");
    assert!(
        date.starts_with("Wed, 01 Jul 2026 12:00:0") && date.ends_with(" +0000"),
        "{date}"
    );
    assert_eq!(header("Message-ID"), format!("<{}@example.org>", mail.id));
    assert_eq!(header("MIME-Version"), "1.0");
    assert!(
        header("Content-Type").starts_with("text/plain; charset=UTF-8"),
        "{}",
        got.data
    );
    assert_eq!(got.header("Bcc"), None);
    assert_eq!(got.header("From: evil"), None);
    let (_, body) = got.data.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "Gr=C3=BC=C3=9Fe.\r\n.\r\n.hidden code 123456\r\n\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn html_comes_behind_the_text() {
    let server = Server::plain().await;
    let app = TestApp::with(relay(&server.uri())).await;
    let mail = recovery(&app);
    queue(&app, std::slice::from_ref(&mail)).await;
    let _working = work(&app, LEASE);
    settled(&app, mail.id, MessageStatus::Sent).await;
    let got = server.mails().remove(0);
    let kind = got.header("Content-Type").unwrap();
    let boundary = kind
        .strip_prefix("multipart/alternative; boundary=")
        .unwrap();
    let parts: Vec<_> = got.data.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 4, "{}", got.data);
    assert!(
        parts[1].starts_with("\r\nContent-Type: text/plain; charset=UTF-8\r\n"),
        "{}",
        parts[1]
    );
    assert!(
        parts[2].starts_with("\r\nContent-Type: text/html; charset=UTF-8\r\n"),
        "{}",
        parts[2]
    );
    assert!(parts[2].contains("123456"), "{}", parts[2]);
    assert_eq!(parts[3], "--\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_for_good_end_it_and_others_are_tried_again() {
    let plan = |at, to: &str, count| match (at, to) {
        (At::Recipient, "unknown@example.org") => Some("550 5.1.1 no such user"),
        (At::Recipient, "grey@example.org") if count < 3 => Some("451 later"),
        (At::Content, "late@example.org") if count < 2 => Some("452 full"),
        (At::Content, "spam@example.org") => Some("554 spam"),
        (At::Content, "never@example.org") => Some("450 never"),
        _ => None,
    };
    for pipelining in [false, true] {
        let settings = Settings {
            pipelining,
            plan: Some(Arc::new(plan)),
            ..Settings::default()
        };
        let server = Server::start(settings).await;
        let app = TestApp::with(relay(&server.uri())).await;
        let _working = work(&app, LEASE);
        for (to, status, attempts) in [
            ("unknown@example.org", MessageStatus::Abandoned, 1),
            ("fine@example.org", MessageStatus::Sent, 1),
            ("grey@example.org", MessageStatus::Sent, 3),
            ("late@example.org", MessageStatus::Sent, 2),
            ("spam@example.org", MessageStatus::Abandoned, 1),
            ("never@example.org", MessageStatus::Abandoned, 6),
            ("no address", MessageStatus::Abandoned, 1),
        ] {
            let id = queue_one(&app, to).await;
            let (message, dispatches) = settled(&app, id, status).await;
            assert_eq!(message.send_count, attempts, "{to}");
            assert_eq!(dispatches.len(), usize::try_from(attempts).unwrap(), "{to}");
            let failed = dispatches.iter().filter(|d| !d.is_success).count();
            let successes = usize::from(status == MessageStatus::Sent);
            assert_eq!(failed, dispatches.len() - successes, "{to}");
            assert_eq!(message.updated_at, message.created_at);
        }
        // A refusal does not cost the connection.
        assert!(server.connections() <= 2, "{}", server.connections());
        assert_eq!(server.mails().len(), 3);
        let metrics = app.services.metrics.render("").1;
        for (result, count) in [("sent", 3), ("failed", 8), ("abandoned", 4)] {
            let line = format!(
                "kratos_courier_attempts_total{{channel=\"email\",result=\"{result}\"}} {count}"
            );
            assert!(metrics.contains(&line), "{line}: {metrics}");
        }
    }
}

/// Servers repeat what they do not understand; that is logged and kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_the_server_repeats_is_not_kept() {
    let answer = "503 no: SuperSecretPw1 U3VwZXJTZWNyZXRQdzE= AHVzZXIAU3VwZXJTZWNyZXRQdzE=";
    for point in [At::Mail, At::Recipient, At::Content] {
        let settings = Settings {
            auth: "PLAIN",
            plan: Some(Arc::new(move |at, _: &str, _| {
                (at == point).then_some(answer)
            })),
            ..Settings::default()
        };
        let server = Server::start(settings).await;
        let uri = server
            .uri()
            .replace("smtp://", "smtp://user:SuperSecretPw1@");
        let error = sent(&uri, json!({})).await.unwrap_err();
        assert!(error.ends_with("503 no: […] […]= […]="), "{error}");
    }
}
