use super::compose::{ComposeError, Composer};
use super::kinds::{Place, has_sms};
use super::letter::Letter;
use super::template::{Mode, Parsed};
use super::{builtin, sprig};
use crate::base::random::SeededRandom;
use crate::base::terms::{TemplateType, Via};
use crate::config::Config;
use crate::model::message::{CourierMessage, MessageStatus};
use crate::outbound::Outbound;
use crate::resource::Resources;
use data_encoding::BASE64;
use regex::Regex;
use serde_json::{Value, json};
use std::fs;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

const NOW: OffsetDateTime = datetime!(2026-07-01 12:34:56.123456789 UTC);

fn composer() -> Composer {
    Composer::new(Resources::new(Outbound::default()))
}

fn letter(template: TemplateType, via: Via, to: &str) -> Letter<'_> {
    Letter {
        transient_payload: json!({ "who": "<i>friend</i>", "n": 1_000_000 }),
        identity: Some(
            json!({ "id": "x", "traits": { "name": "Ada & co", "email": "a@example.org" } }),
        ),
        code: Some("481502"),
        url: Some("https://id.example.org/self-service/verification?code=481502&flow=c3e9"),
        expires_in_minutes: 15,
        at: Some(NOW),
        ..Letter::new(
            template,
            via,
            to,
            "https://id.example.org:4433/self-service/login/browser",
        )
    }
}

async fn compose(config: &Config, letter: &Letter<'_>) -> Result<CourierMessage, ComposeError> {
    let dice = SeededRandom::new(1);
    composer().compose(config, letter, &dice, NOW).await
}

fn inline(text: &str) -> String {
    format!("base64://{}", BASE64.encode(text.as_bytes()))
}

fn data(message: &CourierMessage) -> String {
    String::from_utf8(message.template_data.clone().unwrap()).unwrap()
}

#[tokio::test]
async fn every_kind_has_its_words() {
    let config = Config::default();
    let six = Regex::new("[0-9]{6}").unwrap();
    let all = composer();
    for &template in TemplateType::ALL {
        let has_code = template.word().ends_with("code_valid");
        let mail = letter(template, Via::Email, "ada@example.org");
        let message = compose(&config, &mail).await.unwrap();
        assert_eq!(message.subject.contains("481502"), has_code, "{template}");
        assert!(message.body.contains("ada@example.org"), "{template}");
        assert!(!message.body.contains("<no value>"), "{template}");
        assert!(
            message.body.lines().all(|line| line.len() <= 100),
            "{template}"
        );
        let html = all.html(&config, &message, NOW).await.unwrap();
        assert!(html.starts_with("<!doctype html>") && html.contains("ada@example.org"));
        for text in [&message.subject, &message.body, &html] {
            let first = six.find(text).map(|found| found.as_str());
            assert!(
                first.is_none_or(|number| number == "481502"),
                "{template}: {first:?}"
            );
        }
        assert_eq!(message.channel.as_deref(), Some("email"));
        assert_eq!(
            (message.status, message.send_count),
            (MessageStatus::Queued, 0)
        );
        assert_eq!(
            message.created_at,
            datetime!(2026-07-01 12:34:56.123456 UTC)
        );

        let text = letter(template, Via::Sms, "+4915100322674");
        let text = compose(&config, &text).await;
        if !has_sms(template) {
            assert_eq!(text, Err(ComposeError::NoSuchText(template)));
            continue;
        }
        let text = text.unwrap();
        assert_eq!(
            (text.subject.as_str(), text.channel.as_deref()),
            ("", Some("sms"))
        );
        let last = text.body.trim_end().lines().last().unwrap();
        assert_eq!(last == "@id.example.org #481502", has_code, "{}", text.body);
        assert_eq!(all.html(&config, &text, NOW).await, None);
    }
}

#[test]
fn what_is_built_in_can_be_read() {
    for place in Place::all() {
        let (folder, file) = place.path();
        let text = builtin::text(folder, file).unwrap();
        let source = super::template::Source {
            name: file.to_owned(),
            text: text.into(),
        };
        for mode in [Mode::Text, Mode::Html] {
            Parsed::parse(
                file,
                std::slice::from_ref(&source),
                mode,
                sprig::Set::Hermetic,
            )
            .map(drop)
            .unwrap();
        }
    }
}

#[tokio::test]
async fn the_data_is_written_as_the_reference_writes_it() {
    let config = Config::default();
    let text = async |letter: Letter<'_>| data(&compose(&config, &letter).await.unwrap());
    let payload = r#""transient_payload":{"n":1000000,"who":"\u003ci\u003efriend\u003c/i\u003e"}"#;
    let identity =
        r#""identity":{"id":"x","traits":{"email":"a@example.org","name":"Ada \u0026 co"}}"#;
    let request = r#""request_url":"https://id.example.org:4433/self-service/login/browser""#;

    let code = letter(
        TemplateType::VerificationCodeValid,
        Via::Email,
        "a@example.org",
    );
    let url = r"https://id.example.org/self-service/verification?code=481502\u0026flow=c3e9";
    assert_eq!(
        text(code.clone()).await,
        format!(
            r#"{{"to":"a@example.org","verification_url":"{url}","verification_code":"481502",{identity},{request},{payload},"expires_in_minutes":15}}"#
        )
    );
    let sms = letter(TemplateType::RecoveryCodeValid, Via::Sms, "+491");
    assert_eq!(
        text(sms).await,
        format!(
            r#"{{"to":"+491","verification_code":"481502",{identity},{request},"request_url_domain":"id.example.org",{payload},"expires_in_minutes":15,"recovery_code":"481502"}}"#
        )
    );
    let newcomer = Letter {
        identity: None,
        traits: Some(json!({ "phone": "+491" })),
        ..letter(TemplateType::RegistrationCodeValid, Via::Sms, "+491")
    };
    assert_eq!(
        text(newcomer.clone()).await,
        format!(
            r#"{{"to":"+491","registration_code":"481502","identity":{{"phone":"+491"}},{request},"request_url_domain":"id.example.org",{payload},"expires_in_minutes":15}}"#
        )
    );
    let newcomer = Letter {
        via: Via::Email,
        to: "a@example.org",
        ..newcomer
    };
    assert_eq!(
        text(newcomer).await,
        format!(
            r#"{{"to":"a@example.org","traits":{{"phone":"+491"}},"registration_code":"481502",{request},{payload},"expires_in_minutes":15}}"#
        )
    );
    let notice = Letter {
        transient_payload: Value::Null,
        ..letter(
            TemplateType::VerifiableAddressChanged,
            Via::Email,
            "a@example.org",
        )
    };
    assert_eq!(
        text(notice).await,
        format!(
            r#"{{"to":"a@example.org",{identity},"changed_at":"2026-07-01T12:34:56Z","transient_payload":null}}"#
        )
    );
    let oauth2 = Letter {
        oauth2_login_request: Some(json!({
            "challenge": "c", "client": { "client_name": "App", "client_id": "id", "logo_uri": "", "metadata": null }
        })),
        ..letter(TemplateType::LoginCodeValid, Via::Email, "a@example.org")
    };
    assert!(text(oauth2).await.ends_with(
        r#""expires_in_minutes":15,"oauth2_login_request":{"challenge":"c","client":{"client_id":"id","client_name":"App"}}}"#
    ));
}

#[tokio::test]
async fn headers_of_the_visitor_go_where_templates_see_them() {
    let mut config = Config::default();
    let email = &mut config.courier.templates.login_code.valid.email;
    email.subject = Some(inline("{{ .UserRequestHeaders.Get \"x-name\" }}"));
    email.body.html = Some(inline("{{ .UserRequestHeaders }}"));
    let kept = async |template, headers: Option<Value>| {
        let letter = Letter {
            request_headers: headers,
            ..letter(template, Via::Email, "a@example.org")
        };
        compose(&config, &letter).await.unwrap()
    };
    let given = json!({ "X-Name": ["Ada", "B"] });
    let message = kept(TemplateType::LoginCodeValid, Some(given.clone())).await;
    assert_eq!(
        (message.subject.as_str(), &message.request_headers),
        ("Ada", &Some(given.clone()))
    );
    let without = kept(TemplateType::LoginCodeValid, None).await;
    assert_eq!(without.request_headers, Some(Value::Null));
    let unseen = kept(TemplateType::VerificationCodeValid, Some(given)).await;
    assert_eq!(unseen.request_headers, Some(json!({})));
}

#[tokio::test]
async fn nothing_is_queued_for_nobody() {
    let config = Config::default();
    for to in [
        "",
        "nobody",
        "a b@example.org",
        "a@example.org\r\nBcc: b@example.org",
    ] {
        let letter = letter(TemplateType::LoginCodeValid, Via::Email, to);
        assert_eq!(
            compose(&config, &letter).await,
            Err(ComposeError::Recipient),
            "{to:?}"
        );
    }
}

#[tokio::test]
async fn errors_hold_no_code() {
    let mut config = Config::default();
    let email = &mut config.courier.templates.login_code.valid.email;
    email.subject = Some(inline("{{ fail (printf \"%s is it\" .LoginCode) }}"));
    let letter = letter(TemplateType::LoginCodeValid, Via::Email, "a@example.org");
    let error = compose(&config, &letter).await.unwrap_err().to_string();
    assert!(error.ends_with("fail: … is it"), "{error}");
}

#[tokio::test]
async fn numbers_in_maps_are_floats_and_the_lifespan_is_none() {
    let mut config = Config::default();
    let email = &mut config.courier.templates.login_code.valid.email;
    let all = "{{ .TransientPayload.n }} {{ .ExpiresInMinutes }} {{ kindOf .ExpiresInMinutes }}";
    email.body.plaintext = Some(inline(all));
    email.body.html = Some(inline(all));
    let letter = letter(TemplateType::LoginCodeValid, Via::Email, "a@example.org");
    let message = compose(&config, &letter).await.unwrap();
    assert_eq!(message.body, "1e+06 15 int");
    assert_eq!(
        composer().html(&config, &message, NOW).await.unwrap(),
        "1e&#43;06 15 int"
    );
    let broken = CourierMessage {
        template_data: Some(b"{\"to\": 5}".to_vec()),
        ..message
    };
    assert_eq!(composer().html(&config, &broken, NOW).await, None);
}

#[tokio::test]
async fn a_folder_takes_the_place_of_what_is_built_in_file_by_file() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("login_code/valid");
    fs::create_dir_all(&folder).unwrap();
    let put = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    put(
        "email.body.gotmpl",
        "{{ if eq .Identity.traits.name \"Ada & co\" }}{{ template \"email.body.de.gotmpl\" . }}{{ end }}",
    );
    put("email.body.de.gotmpl", "<b>{{ .Identity.traits.name }}</b>");
    put("email.bodies.gotmpl.txt", "{{ if }}");
    let mut config = Config::default();
    config.courier.template_override_path = Some(root.path().display().to_string());
    let letter = letter(TemplateType::LoginCodeValid, Via::Email, "a@example.org");
    let all = composer();
    let dice = SeededRandom::new(1);
    let message = all.compose(&config, &letter, &dice, NOW).await.unwrap();
    assert!(message.body.contains("481502"));
    let html = async || all.html(&config, &message, NOW).await;
    assert_eq!(html().await.unwrap(), "<b>Ada &amp; co</b>");
    put("email.body.de.gotmpl", "<i>{{ .To }}</i>");
    assert_eq!(html().await.unwrap(), "<i>a@example.org</i>");
    // The last good one serves on; who comes later has none.
    put("email.body.de.gotmpl", "{{ if }}");
    assert_eq!(html().await.unwrap(), "<i>a@example.org</i>");
    assert_eq!(composer().html(&config, &message, NOW).await, None);
    fs::remove_file(folder.join("email.body.gotmpl")).unwrap();
    assert!(html().await.unwrap().starts_with("<!doctype html>"));
    // What is in one set cannot reach out of its folder.
    put("email.body.gotmpl", "{{ template \"../../etc/passwd\" . }}");
    assert_eq!(composer().html(&config, &message, NOW).await, None);
}

#[tokio::test]
async fn an_address_comes_first_and_may_be_away_later() {
    let server = MockServer::start().await;
    let page = Mock::given(matchers::path("/subject"))
        .respond_with(ResponseTemplate::new(200).set_body_string(" Hello {{ .To }} \n"))
        .up_to_n_times(1);
    page.mount(&server).await;
    let mut config = Config::default();
    let email = &mut config.courier.templates.login_code.valid.email;
    email.subject = Some(format!("{}/subject", server.uri()));
    let letter = letter(TemplateType::LoginCodeValid, Via::Email, "a@example.org");
    let (all, dice) = (composer(), SeededRandom::new(1));
    for later in [Duration::ZERO, Duration::seconds(30), Duration::hours(1)] {
        let message = all
            .compose(&config, &letter, &dice, NOW + later)
            .await
            .unwrap();
        assert_eq!(message.subject, "Hello a@example.org");
    }
    let error = compose(&config, &letter).await.unwrap_err().to_string();
    assert!(
        error.contains("login_code/valid/email.subject.gotmpl"),
        "{error}"
    );
}
