//! What the documents promise is what the program does.
use crate::support::TestApp;
use reqwest::Method;
use serde_json::Value;
use std::path::Path;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// `docs/configuration.md` lists our own keys: all of them and no others.
#[test]
fn our_own_keys_are_documented() {
    let schema: Value = serde_json::from_str(&read("schemas/config.schema.json")).unwrap();
    let mut keys = vec![];
    leaves(&schema["properties"]["extensions"], "extensions", &mut keys);
    let page = read("docs/configuration.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `extensions."));
    let mut listed: Vec<_> = rows
        .map(|row| format!("extensions.{}", row.split('`').next().unwrap()))
        .collect();
    keys.sort();
    listed.sort();
    assert_eq!(keys, listed);
}

fn leaves(schema: &Value, key: &str, out: &mut Vec<String>) {
    match schema["properties"].as_object() {
        None => out.push(key.to_owned()),
        Some(properties) => {
            for (name, inner) in properties {
                leaves(inner, &format!("{key}.{name}"), out);
            }
        }
    }
}

/// What stands between backticks in the first column of the table below that heading.
fn column(heading: &str) -> Vec<String> {
    let page = read("docs/compatibility.md");
    let (_, table) = page.split_once(&format!("| {heading} | |\n")).unwrap();
    let rows = table.lines().skip(1).take_while(|l| l.starts_with('|'));
    let quoted = |row: &str| -> Vec<String> {
        let first = row.split('|').nth(1).unwrap_or_default();
        first
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    rows.flat_map(quoted).collect()
}

/// What is built has to leave the list.
#[tokio::test]
async fn the_list_of_what_is_missing_is_true() {
    let app = TestApp::start().await;
    for (heading, base) in [
        ("on the public port", &app.public),
        ("on the admin port", &app.admin),
    ] {
        let entries = column(heading);
        assert!(!entries.is_empty(), "{heading}");
        for entry in entries {
            let (method, path) = entry.split_once(' ').unwrap();
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let asked = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = asked.request(method, format!("{base}{path}")).send().await;
            let answer = answer.unwrap();
            let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
            // An id that is not there gives a 404, too, but as JSON.
            let unknown = status == 405 || (status == 404 && body.starts_with("404 page"));
            assert!(unknown, "{entry} is there: {status} {body}");
        }
    }
}

/// The line that starts pages for people is the same everywhere.
#[test]
fn the_readme_starts_the_same_pages() {
    let words = |text: &str| -> Vec<String> {
        let from = text.find("docker run").unwrap();
        let words = text[from..].split_whitespace().filter(|w| *w != "\\");
        let mut words: Vec<_> = words.take(20).map(str::to_owned).collect();
        words.sort();
        words
    };
    let places = kratos::http::welcome::Places {
        public: "http://127.0.0.1:4433/".into(),
        admin: "http://127.0.0.1:4434/".into(),
        ui: "http://127.0.0.1:4455/".into(),
        database: String::new(),
        secrets: String::new(),
    };
    assert_eq!(words(&read("README.md")), words(&places.text()));
}
