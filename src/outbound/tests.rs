//! The client against a server of ours: guard, redirects, limits, attempts.
use super::breach::{BreachError, BreachList, BreachPolicy, Verdict};
use super::*;
use time::OffsetDateTime;
use wiremock::matchers::{header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const OPEN: Policy = Policy {
    refuse_private: false,
    exceptions: vec![],
};

fn guarded(exceptions: &[String]) -> Policy {
    Policy {
        refuse_private: true,
        exceptions: exceptions.to_vec(),
    }
}

fn quick() -> Limits {
    Limits {
        timeout: Duration::from_millis(500),
        attempts: 3,
        least_wait: Duration::from_millis(1),
        most_wait: Duration::from_millis(5),
        body: 1000,
        longer: Longer::IsRefused,
        redirects: 3,
    }
}

async fn at(server: &MockServer, route: &str, answer: ResponseTemplate) {
    Mock::given(path(route))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn get(policy: &Policy, url: String) -> Result<Response, OutboundError> {
    let outbound = Outbound::default();
    outbound
        .send(policy, &Request::get(url).limits(quick()))
        .await
}

#[tokio::test]
async fn private_addresses_are_refused_by_address_name_and_redirect() {
    let server = MockServer::start().await;
    at(&server, "/", ResponseTemplate::new(200)).await;
    let to_inside = ResponseTemplate::new(302).insert_header("location", "/");
    at(&server, "/away", to_inside).await;
    let port = server.address().port();
    let (by_address, by_name) = (server.uri(), format!("http://localhost:{port}/"));
    assert_eq!(
        get(&OPEN, by_address.clone())
            .await
            .map(|r| r.status.as_u16()),
        Ok(200)
    );
    for url in [&by_address, &by_name] {
        let answer = get(&guarded(&[]), url.clone()).await;
        assert_eq!(answer.err(), Some(OutboundError::Refused), "{url}");
    }
    let allowed = guarded(&[format!("{by_address}/away")]);
    let answer = get(&allowed, format!("{by_address}/away")).await;
    assert_eq!(answer.err(), Some(OutboundError::Refused), "by redirect");
    let allowed = guarded(&[format!("{by_address}/**"), by_name.clone()]);
    assert!(get(&allowed, format!("{by_address}/away")).await.is_ok());
    assert!(get(&allowed, by_name).await.is_ok());
    assert_eq!(server.received_requests().await.map(|r| r.len()), Some(5));
}

#[tokio::test]
async fn redirects_are_counted_and_take_no_secrets_along() {
    let server = MockServer::start().await;
    let other = MockServer::start().await;
    let around = ResponseTemplate::new(302).insert_header("location", "/around");
    at(&server, "/around", around).await;
    let across =
        ResponseTemplate::new(307).insert_header("location", format!("{}/to", other.uri()));
    at(&server, "/across", across).await;
    Mock::given(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(418))
        .mount(&other)
        .await;
    Mock::given(method("POST"))
        .respond_with(|request: &wiremock::Request| {
            ResponseTemplate::new(200).set_body_bytes(request.body.clone())
        })
        .mount(&other)
        .await;
    let endless = get(&OPEN, format!("{}/around", server.uri())).await;
    assert_eq!(endless.err(), Some(OutboundError::Redirects));
    let request = Request::post(format!("{}/across", server.uri()))
        .header("authorization", "Bearer x")
        .body("hello");
    let outbound = Outbound::default();
    let answer = outbound.send(&OPEN, &request).await.expect("answer");
    assert_eq!(
        (answer.status.as_u16(), answer.text().as_str()),
        (200, "hello")
    );
}

#[tokio::test]
async fn large_slow_and_failing_answers_are_bounded() {
    let server = MockServer::start().await;
    at(
        &server,
        "/large",
        ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 1001]),
    )
    .await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(5));
    at(&server, "/slow", slow).await;
    at(&server, "/failing", ResponseTemplate::new(503)).await;
    at(&server, "/never", ResponseTemplate::new(501)).await;
    let ask = async |route: &str| get(&OPEN, format!("{}{route}", server.uri())).await;
    assert_eq!(ask("/large").await.err(), Some(OutboundError::TooLarge));
    assert_eq!(ask("/slow").await.err(), Some(OutboundError::TimedOut));
    assert_eq!(
        ask("/failing").await.err(),
        Some(OutboundError::Unavailable(503))
    );
    assert_eq!(ask("/never").await.map(|r| r.status.as_u16()), Ok(501));
    // 1 + 3 + 3 + 1
    assert_eq!(server.received_requests().await.map(|r| r.len()), Some(8));
    let nobody = get(&OPEN, "http://127.0.0.1:9/".to_owned()).await;
    assert_eq!(nobody.err(), Some(OutboundError::NoConnection));
    for url in ["ftp://127.0.0.1/", "nonsense", "file:///etc/passwd"] {
        assert_eq!(
            get(&OPEN, url.to_owned()).await.err(),
            Some(OutboundError::Url)
        );
    }
    let cut = Limits {
        longer: Longer::IsCut,
        ..quick()
    };
    let large = Request::get(format!("{}/large", server.uri())).limits(cut);
    let large = Outbound::default().send(&OPEN, &large).await;
    assert_eq!(large.map(|answer| answer.body.len()), Ok(1000));
}

#[tokio::test]
async fn each_attempt_can_have_its_own_headers() {
    let server = MockServer::start().await;
    at(&server, "/", ResponseTemplate::new(500)).await;
    let mut request = Request::get(server.uri()).limits(quick());
    request.per_attempt = Some(Arc::new(|attempt, headers| {
        headers.insert("attempt", attempt.into());
    }));
    let outbound = Outbound::default();
    let answer = outbound.send(&OPEN, &request).await;
    assert_eq!(answer.err(), Some(OutboundError::Unavailable(500)));
    let seen: Vec<_> = server.received_requests().await.unwrap_or_default();
    let seen: Vec<_> = seen
        .iter()
        .filter_map(|r| r.headers.get("attempt"))
        .collect();
    assert_eq!(seen, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_list_out_of_reach_accepts_only_where_that_is_wanted() {
    let outbound = Outbound::default();
    let list = BreachList::default();
    let mut policy = BreachPolicy {
        host: "127.0.0.1:9".to_owned(),
        max_breaches: 0,
        ignore_network_errors: true,
    };
    let refuse = guarded(&[]);
    let now = OffsetDateTime::UNIX_EPOCH;
    let check = async |policy: &BreachPolicy| {
        list.check(&outbound, &refuse, policy, "password", now)
            .await
    };
    assert_eq!(check(&policy).await, Ok(Verdict::Fine));
    policy.ignore_network_errors = false;
    assert_eq!(
        check(&policy).await,
        Err(BreachError::Network(OutboundError::Refused))
    );
    policy.host = "not a host".to_owned();
    policy.ignore_network_errors = true;
    assert_eq!(check(&policy).await, Err(BreachError::Host));
}
