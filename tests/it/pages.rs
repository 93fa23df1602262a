//! Lists in pages: which one is meant, and where the others are.
use crate::support::client::{Answer, PASSWORD, query_of};
use crate::support::{TestApp, inline, person_schema};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use reqwest::Method;
use serde_json::json;
use time::Duration;

const EVE: &str = "eve@example.org";

/// The links of an answer as `rel page/size`, in order; `rest` stands before these keys in each.
fn links(answer: &Answer, rest: &str) -> Vec<String> {
    let header = answer.header("link").unwrap();
    let one = |link: &str| {
        let (url, rel) = link.trim_start_matches('<').split_once(">; rel=").unwrap();
        let get = |name: &str| query_of(&format!("http://x{url}"), name);
        let (page, size) = (get("page").unwrap(), get("per_page").unwrap());
        let mut wanted = format!("{rest}page={page}&");
        if let Some(token) = get("page_token") {
            let token = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
            let offset = page.parse::<i64>().unwrap() * size.parse::<i64>().unwrap();
            let expected = format!(r#"{{"offset":"{offset}","v":2}}"#);
            assert_eq!(String::from_utf8(token).unwrap(), expected);
            wanted += &format!("page_size={size}&page_token=");
        }
        assert!(url.split_once('?').unwrap().1.starts_with(&wanted), "{url}");
        format!("{} {page}/{size}", rel.trim_matches('"'))
    };
    header.split(',').map(one).collect()
}

async fn get(app: &TestApp, path: &str) -> Answer {
    app.admin(Method::GET, path, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_listed_by_numbers() {
    let app = TestApp::start().await;
    for n in 0..7 {
        app.seed(&format!("p{n}@example.org"), PASSWORD).await;
    }
    for (query, count, expected) in [
        ("page=0", 7, vec!["first 0/7"]),
        ("page=0&per_page=3", 3, vec!["next 1/3", "last 2/3"]),
        ("page=9&per_page=3", 0, vec!["first 0/3", "prev 1/3"]),
        ("page=x&per_page=0", 1, vec!["next 1/1", "last 6/1"]),
        ("page=0&per_page=x", 7, vec!["first 0/7"]),
        ("page=99999999999999999999", 7, vec!["first 0/7"]),
    ] {
        let answer = get(&app, &format!("/admin/identities?{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        assert_eq!(answer.header("x-total-count"), Some("7"), "{query}");
        assert_eq!(
            answer.json().as_array().map(Vec::len),
            Some(count),
            "{query}"
        );
        assert_eq!(links(&answer, ""), expected, "{query}");
    }
    let nobody = get(
        &app,
        "/admin/identities?page=0&credentials_identifier=nobody",
    )
    .await;
    assert_eq!(
        links(&nobody, "credentials_identifier=nobody&"),
        ["first 0/250", "next 1/250", "prev -1/250"]
    );
    for far in ["page=1001&per_page=1", "page=9223372036854775807"] {
        assert_eq!(
            get(&app, &format!("/admin/identities?{far}")).await.status,
            400
        );
    }
    let keyset = get(&app, "/admin/identities?per_page=3").await;
    assert!(
        keyset
            .header("link")
            .unwrap()
            .starts_with("</admin/identities?page_size=3&page_token=00000000-0000-0000-0000-000000000000>; rel=\"first\","),
        "{:?}",
        keyset.header("link")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_of_the_new_style_wins_over_a_number_of_the_old() {
    let schema = |id: &str| json!({ "id": id, "url": inline(&person_schema()), "selfservice_selectable": true });
    let schemas = json!([schema("default"), schema("b"), schema("c")]);
    let app = TestApp::with(json!({ "identity": { "schemas": schemas } })).await;
    let token = |offset: i64| {
        BASE64URL_NOPAD.encode(format!(r#"{{"offset":"{offset}","v":2}}"#).as_bytes())
    };
    // Pages overlap, as they do in the reference: from the second on each reads on.
    let page = app.native().get("/schemas?page=1&per_page=1").await.json();
    assert_eq!((&page[0]["id"], &page[1]["id"]), (&json!("b"), &json!("c")));
    for (query, first, expected) in [
        (String::new(), Some("default"), vec!["first 0/3"]),
        (
            "page=1&per_page=2".into(),
            Some("c"),
            vec!["first 0/2", "prev 0/2"],
        ),
        (
            "page=1&page_size=2".into(),
            Some("default"),
            vec!["next 1/2", "last 1/2"],
        ),
        (
            "page_size=x&per_page=2".into(),
            Some("default"),
            vec!["first 0/3"],
        ),
        (
            "page_size=&per_page=2".into(),
            Some("default"),
            vec!["first 0/3"],
        ),
        (
            format!("page_size=1&page_token={}", token(1)),
            Some("b"),
            vec!["first 0/1", "next 2/1", "prev 0/1", "last 2/1"],
        ),
        (
            format!("page_size=1&page_token={}", token(-5)),
            Some("default"),
            vec!["next 1/1", "last 2/1"],
        ),
        ("page=99".into(), None, vec!["first 0/3"]),
        ("page=9223372036854775807".into(), None, vec!["first 0/3"]),
    ] {
        let mut client = app.native();
        let answer = client.get(&format!("/schemas?{query}")).await;
        assert_eq!(answer.json()[0]["id"].as_str(), first, "{query}");
        assert_eq!(links(&answer, ""), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_keep_what_else_was_asked() {
    let app = TestApp::start().await;
    let id = app.seed(EVE, PASSWORD).await;
    let mut client = app.native();
    for _ in 0..5 {
        client = app.native();
        client.sign_in(EVE, PASSWORD).await;
        app.clock.advance(Duration::SECOND);
    }
    let path = format!("/admin/identities/{id}/sessions");
    for (query, rest, expected) in [
        (
            "active=true&page_size=2",
            "active=true&",
            vec!["next 1/2", "last 2/2"],
        ),
        (
            "active=false",
            "active=false&",
            vec!["first 0/250", "next 1/250", "prev -1/250"],
        ),
        ("page=99&per_page=2", "", vec!["first 0/2", "prev 1/2"]),
    ] {
        let answer = get(&app, &format!("{path}?{query}")).await;
        assert_eq!(links(&answer, rest), expected, "{query}");
    }
    let nobody = "/admin/identities/00000000-0000-0000-0000-000000000001/sessions?page=99";
    assert_eq!(
        links(&get(&app, nobody).await, ""),
        ["first 0/250", "next 100/250", "prev 98/250"]
    );
    let own = client.get("/sessions?a=b&per_page=3").await;
    assert_eq!(links(&own, "a=b&"), ["next 1/3", "last 1/3"]);
}

/// Each session stands on one page, whichever way its moment is written in the token.
#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_are_read_page_by_page() {
    let app = TestApp::start().await;
    app.seed(EVE, PASSWORD).await;
    for _ in 0..5 {
        app.native().sign_in(EVE, PASSWORD).await;
        app.clock.advance(Duration::microseconds(3));
    }
    let mut seen = vec![];
    let mut path = "/admin/sessions?page_size=2&expand=identity".to_owned();
    for page in 0..3 {
        let answer = get(&app, &path).await;
        for session in answer.json().as_array().unwrap() {
            assert_eq!(session["identity"]["verifiable_addresses"], json!(null));
            seen.push(session["id"].as_str().unwrap().to_owned());
        }
        let urls: Vec<_> = answer.header("link").unwrap().split(',').collect();
        let url = |link: &str| {
            link.trim_start_matches('<')
                .split_once('>')
                .unwrap()
                .0
                .to_owned()
        };
        let token = query_of(&format!("http://x{}", url(urls[0])), "page_token").unwrap();
        let token = BASE64_NOPAD.decode(token.as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(token).unwrap(),
            "created_at=2200-12-31 23:59:59/id=00000000-0000-0000-0000-000000000000"
        );
        assert_eq!(urls.len(), if page == 2 { 1 } else { 2 });
        if page < 2 {
            path = url(urls[1]);
        }
    }
    assert_eq!(seen.len(), 5);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
}
