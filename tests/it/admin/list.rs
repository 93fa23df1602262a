//! Lists of identities: filters, two ways of paging, links.
use super::{HASH, get, made, path, put};
use crate::support::TestApp;
use crate::support::client::Answer;
use serde_json::{Value, json};

const LIST: &str = "/admin/identities";
const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// So many people, by their ids, each with an address of that place.
async fn crowd(app: &TestApp, count: usize) -> Vec<String> {
    let mut ids = vec![];
    for n in 0..count {
        let traits = json!({ "email": format!("new{n}@example.org") });
        let credentials = json!({ "password": { "config": { "hashed_password": HASH } } });
        ids.push(
            made(
                app,
                &json!({ "traits": traits, "credentials": credentials }),
            )
            .await,
        );
    }
    ids.sort();
    for (n, id) in ids.iter().enumerate() {
        let traits = json!({ "email": format!("user{n}@example.org") });
        assert_eq!(
            put(app, &path(id), &json!({ "traits": traits }))
                .await
                .status,
            200
        );
    }
    ids
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let list = answer.json();
    let ids = list
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

/// The links by their `rel`.
fn links(answer: &Answer) -> Vec<(String, String)> {
    let links = answer.header("link").unwrap_or_default().split(',');
    let parts = links.map(|link| {
        let (url, rel) = link.split_once("; rel=").unwrap();
        let url = url.strip_prefix('<').unwrap().strip_suffix('>').unwrap();
        (rel.trim_matches('"').to_owned(), url.to_owned())
    });
    parts.collect()
}

fn next(answer: &Answer) -> Option<String> {
    let links = links(answer);
    links
        .into_iter()
        .find(|(rel, _)| rel == "next")
        .map(|(_, url)| url)
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_through_the_whole_list_once() {
    let app = TestApp::start().await;
    let all = crowd(&app, 7).await;
    for size in [1, 2, 3, 6, 7, 8] {
        let mut seen = vec![];
        let mut url = Some(format!("{LIST}?page_size={size}"));
        while let Some(page) = url {
            let answer = get(&app, &page).await;
            assert!(answer.header("x-total-count").is_none());
            let first = format!("{LIST}?page_size={size}&page_token={NIL}");
            assert_eq!(links(&answer)[0], ("first".to_owned(), first));
            seen.extend(ids(&answer));
            url = next(&answer);
        }
        assert_eq!(seen, all, "{size}");
    }
    let answer = get(&app, &format!("{LIST}?page_size=2&x=a%20b")).await;
    let expected = format!(
        "<{LIST}?page_size=2&page_token={NIL}&x=a+b>; rel=\"first\",<{LIST}?page_size=2&page_token={}&x=a+b>; rel=\"next\"",
        all[1]
    );
    assert_eq!(answer.header("link"), Some(expected.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_by_number_count_everybody() {
    let app = TestApp::start().await;
    let all = crowd(&app, 5).await;
    for (page, expected) in [
        (0, &all[..2]),
        (1, &all[2..4]),
        (2, &all[4..]),
        (3, &all[5..]),
    ] {
        let answer = get(&app, &format!("{LIST}?page={page}&per_page=2")).await;
        assert_eq!(ids(&answer), expected);
        assert_eq!(answer.header("x-total-count"), Some("5"));
    }
    let middle = get(&app, &format!("{LIST}?page=1&per_page=2")).await;
    let rels: Vec<_> = links(&middle).into_iter().collect();
    let url = |page: u8| format!("{LIST}?page={page}&per_page=2");
    let expected = [("first", 0), ("next", 2), ("prev", 0), ("last", 2)];
    assert_eq!(
        rels,
        expected.map(|(rel, page)| (rel.to_owned(), url(page)))
    );
    assert_eq!(
        ids(&get(&app, &format!("{LIST}?per_page=3")).await),
        all[..3]
    );
    for (query, status) in [
        ("page=501&per_page=2", 400),
        ("page=500&per_page=2", 200),
        ("page_size=x", 400),
        ("page_size=0", 200),
        ("page_size=-1", 200),
        ("page_size=100000", 200),
        ("page_token=x", 400),
        ("page=x", 200),
        ("page=-1", 200),
        ("page=99999999999999999999&per_page=2", 200),
        ("page=9223372036854775807&per_page=500", 400),
        ("consistency=strong", 200),
    ] {
        let answer = get(&app, &format!("{LIST}?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_find_who_they_say() {
    let app = TestApp::start().await;
    let all = crowd(&app, 4).await;
    let organization = "3f2b7c1e-5d64-4a0b-9c8d-7e6f5a4b3c2d";
    let member = made(
        &app,
        &json!({
            "traits": { "email": "Member_1%@example.org" }, "organization_id": organization,
            "credentials": { "oidc": { "config": { "providers": [{ "provider": "alpha", "subject": "One" }] } } },
        }),
    )
    .await;
    let mut everyone: Vec<_> = all.iter().chain([&member]).collect();
    everyone.sort();
    let similar = "preview_credentials_identifier_similar";
    for (query, expected) in [
        (
            format!("ids={}&ids={}&ids={NIL}", all[2], all[0]),
            vec![&all[0], &all[2]],
        ),
        (format!("ids={}&page_size=1", all[2]), vec![&all[2]]),
        (format!("organization_id={organization}"), vec![&member]),
        (format!("organization_id={NIL}"), everyone),
        (
            "credentials_identifier=user1@example.org".into(),
            vec![&all[1]],
        ),
        (
            "credentials_identifier=%20USER1@example.org".into(),
            vec![&all[1]],
        ),
        ("credentials_identifier=user1".into(), vec![]),
        ("credentials_identifier=alpha:One".into(), vec![&member]),
        ("credentials_identifier=alpha:one".into(), vec![]),
        (format!("{similar}=user"), all.iter().collect()),
        (format!("{similar}=USER2"), vec![&all[2]]),
        (format!("{similar}=ser"), vec![]),
        (format!("{similar}=member_1%25"), vec![&member]),
        (format!("{similar}=member%25"), vec![]),
        (format!("{similar}=user_@"), vec![]),
        (format!("{similar}=alpha:O"), vec![&member]),
    ] {
        let answer = get(&app, &format!("{LIST}?{query}")).await;
        // MySQL compares without regard to case.
        let found = ids(&answer);
        let lax = !expected.is_empty() || found.is_empty() || query.contains("alpha:one");
        assert!(
            lax && (expected.is_empty() || found.iter().eq(expected)),
            "{query}: {found:?}"
        );
        let first = &answer.json()[0];
        let shows = query.contains("identifier") && !found.is_empty();
        assert_eq!(first.get("credentials").is_some(), shows, "{query}");
        assert!(first["credentials"]["password"].get("config").is_none());
        if !found.is_empty() {
            assert!(
                first.as_object().unwrap().contains_key("metadata_admin"),
                "{query}"
            );
        }
    }
    let page = get(&app, &format!("{LIST}?{similar}=user&page_size=2")).await;
    let rest = get(&app, &next(&page).unwrap()).await;
    assert_eq!([ids(&page), ids(&rest)].concat(), all);
    let many = format!("ids={}", vec![NIL; 501].join("&ids="));
    for query in [
        "ids=x",
        &many,
        "organization_id=x",
        &format!("ids={}&credentials_identifier=x", all[0]),
        &format!("credentials_identifier=x&{similar}=y"),
        &format!("organization_id={organization}&ids={}", all[0]),
        "include_credential=nonsense",
    ] {
        let answer = get(&app, &format!("{LIST}?{query}")).await;
        assert_eq!(answer.status, 400, "{}", &query[..query.len().min(80)]);
    }
    let included = get(
        &app,
        &format!("{LIST}?include_credential=oidc&include_credential=password"),
    )
    .await;
    let list = included.json();
    let whole = list
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["id"] == member.as_str())
        .unwrap();
    let expected = json!([{
        "initial_id_token": "", "initial_access_token": "", "initial_refresh_token": "",
        "subject": "One", "provider": "alpha",
    }]);
    assert_eq!(
        whole["credentials"]["oidc"]["config"]["providers"],
        expected
    );
    let hash: &Value = &list
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["id"] == all[0].as_str())
        .unwrap()["credentials"];
    assert_eq!(hash["password"]["config"]["hashed_password"], HASH);
}
