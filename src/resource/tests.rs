use super::*;
use time::macros::datetime;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);

fn wish(uri: &str) -> Wish<'_> {
    Wish {
        uri,
        most: 100,
        fresh: Duration::hours(1),
        now: NOW,
    }
}

fn resources() -> Resources {
    Resources::new(Outbound::default())
}

#[tokio::test]
async fn inline_content_is_decoded() {
    let all = resources();
    let load = async |uri: &str| all.load(&Policy::default(), wish(uri)).await;
    assert_eq!(
        load("base64://eyJhIjogMX0=").await.unwrap().as_ref(),
        b"{\"a\": 1}"
    );
    assert_eq!(load("base64://").await.unwrap().as_ref(), b"");
    assert_eq!(
        load("base64://eyJhI\njogMX0=").await.unwrap().as_ref(),
        b"{\"a\": 1}"
    );
    assert_eq!(
        load("base64://eyJhIjogMX0").await,
        Err(ResourceError::Base64)
    );
    let long = format!("base64://{}", "AAAA".repeat(34));
    assert_eq!(load(&long).await, Err(ResourceError::TooLarge(100)));
    assert_eq!(
        load(&format!("base64://{}", "AAAA".repeat(33)))
            .await
            .unwrap()
            .len(),
        99
    );
}

#[tokio::test]
async fn files_are_read_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.json");
    let uri = format!("file://{}", file.display());
    let all = resources();
    let policy = Policy::default();
    assert_eq!(
        all.load(&policy, wish(&uri)).await,
        Err(ResourceError::Missing)
    );
    std::fs::write(&file, "one").unwrap();
    assert_eq!(
        all.load(&policy, wish(&uri)).await.unwrap().as_ref(),
        b"one"
    );
    std::fs::write(&file, "two").unwrap();
    assert_eq!(
        all.load(&policy, wish(&uri)).await.unwrap().as_ref(),
        b"one"
    );
    let later = Wish {
        now: NOW + Duration::hours(1),
        ..wish(&uri)
    };
    assert_eq!(all.load(&policy, later).await.unwrap().as_ref(), b"two");
    std::fs::write(&file, "x".repeat(101)).unwrap();
    let anew = Wish {
        fresh: Duration::ZERO,
        ..wish(&uri)
    };
    assert_eq!(
        all.load(&policy, anew).await,
        Err(ResourceError::TooLarge(100))
    );
    let folder_itself = folder.path().display().to_string();
    assert!(matches!(
        all.load(&policy, wish(&folder_itself)).await,
        Err(ResourceError::Unreadable(_))
    ));
}

#[tokio::test]
async fn pages_have_to_answer_with_200() {
    let server = MockServer::start().await;
    let answer = |at: &str, status: u16, body: &str| {
        Mock::given(path(at)).respond_with(ResponseTemplate::new(status).set_body_string(body))
    };
    answer("/good", 200, "yes").expect(1).mount(&server).await;
    answer("/gone", 404, "").mount(&server).await;
    answer("/empty", 204, "").mount(&server).await;
    answer("/long", 200, &"x".repeat(101)).mount(&server).await;
    let all = resources();
    let policy = Policy::default();
    let load = async |at: &str| {
        all.load(&policy, wish(&format!("{}{at}", server.uri())))
            .await
    };
    assert_eq!(load("/good").await.unwrap().as_ref(), b"yes");
    assert_eq!(load("/good").await.unwrap().as_ref(), b"yes");
    assert_eq!(load("/gone").await, Err(ResourceError::Missing));
    assert_eq!(load("/empty").await, Err(ResourceError::Status(204)));
    assert_eq!(load("/long").await, Err(ResourceError::TooLarge(100)));
}

#[tokio::test]
async fn private_addresses_are_refused_where_they_are() {
    let all = resources();
    let policy = Policy {
        refuse_private: true,
        ..Policy::default()
    };
    let answer = all.load(&policy, wish("http://127.0.0.1:1/x")).await;
    assert_eq!(answer, Err(ResourceError::Outbound(OutboundError::Refused)));
}
