//! The command line as a client: of a server of ours, and of one that is busy, odd or not there.
use crate::cli::{PROGRAM, kratos_in, text};
use crate::support::TestApp;
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Exit state, stdout, stderr.
pub(crate) type Told = (i32, String, String);

/// Runs the program against a server, with this on its standard input.
pub(crate) async fn ask(endpoint: &str, arguments: &[&str], input: &str) -> Told {
    let mut child = tokio::process::Command::new(PROGRAM)
        .args(arguments)
        .env_clear()
        .env("KRATOS_ADMIN_URL", endpoint)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that fails at once does not read.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let code = output.status.code().unwrap();
    (code, text(&output.stdout), text(&output.stderr))
}

fn account(email: &str) -> Value {
    json!({ "schema_id": "default", "traits": { "email": email } })
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_imported_shown_listed_and_deleted() {
    let app = TestApp::start().await;
    let run = async |arguments: &[&str], input: &str| ask(&app.admin, arguments, input).await;
    let ada = account("ada@example.org").to_string();
    let (code, out, err) = run(&["import", "identities", "--format", "json"], &ada).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(made["traits"]["email"], "ada@example.org");
    let id = made["id"].as_str().unwrap();

    let (code, out, err) = run(&["import", "identities", "--format", "json"], &ada).await;
    assert_eq!((code, out.as_str()), (1, "[]\n"));
    assert!(err.starts_with("STD_IN[0]: "), "{err}");

    let two = json!([account("b@example.org"), account("c@example.org")]).to_string();
    let (code, out, _) = run(&["import", "identities", "-q"], &two).await;
    assert_eq!((code, out.lines().count()), (0, 2), "{out}");

    let (code, out, _) = run(&["get", "identity", id], "").await;
    assert_eq!(code, 0);
    assert!(out.starts_with(&format!("ID\t\t\t{id}\t\t")), "{out}");
    let unknown = "00000000-0000-4000-8000-000000000000";
    let (code, out, err) = run(&["get", "identity", unknown, id, "--format", "json"], "").await;
    assert_eq!(code, 1);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["id"], id);
    assert!(err.starts_with(&format!("{unknown}: ")), "{err}");

    let list = |more: &[&'static str]| -> Vec<&'static str> {
        ["list", "identities"].iter().chain(more).copied().collect()
    };
    let (_, out, _) = run(&list(&["--page-size", "2", "--format", "json"]), "").await;
    let page: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(page["identities"].as_array().map(Vec::len), Some(2));
    let token = page["next_page_token"].as_str().unwrap();
    let (_, out, _) = run(&["ls", "identities", "--page-token", token], "").await;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 4, "{out}");
    assert!(lines[0].starts_with("ID\t") && lines[2].trim().is_empty());
    assert_eq!(lines[3].trim_end(), "NEXT PAGE TOKEN");
    let (_, out, _) = run(
        &list(&["--format", "jsonpath=identities.#.schema_id|0"]),
        "",
    )
    .await;
    assert_eq!(out, "\"default\"\n");

    let (code, out, _) = run(&["delete", "identity", id, "--format", "json"], "").await;
    assert_eq!((code, out), (0, format!("\"{id}\"\n")));
    let (code, out, err) = run(&["delete", "identity", id], "").await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with(id), "{err}");

    let (code, out, _) = run(&["remote", "status"], "").await;
    assert_eq!((code, out.as_str()), (0, "ALIVE\ttrue\t\nREADY\ttrue\t\n"));
    let glued = format!("--endpoint={}", app.admin);
    for place in [&["-e", &app.admin][..], &[&glued]] {
        let arguments = [place, &["remote", "status", "-q"]].concat();
        let (code, out, err) = ask("", &arguments, "").await;
        assert_eq!((code, out.as_str()), (0, "true\n"), "{err}");
    }
    let (code, out, _) = run(&["remote", "version", "--format", "yaml"], "").await;
    let version = format!("version: \"{}\"\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((code, out), (0, version));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_checked_as_the_server_would() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.jsonl");
    let lines = [account("ada@example.org"), account("bob@example.org")];
    std::fs::write(&file, lines.map(|line| line.to_string()).join("\n")).unwrap();
    let name = file.to_str().unwrap();
    let (code, out, err) = ask(&app.admin, &["validate", "identity", name], "").await;
    assert_eq!(
        (code, out.as_str()),
        (0, "All identity files are valid.\n"),
        "{err}"
    );

    let bad = [
        (account("no address"), "traits.email"),
        (json!({ "schema_id": "other", "traits": {} }), "schema_id"),
        (
            json!({ "traits": { "email": "a@example.org" } }),
            "schema_id",
        ),
        (
            json!({ "schema_id": "default", "traits": {}, "trait": {} }),
            "trait",
        ),
        (
            json!({
                "schema_id": "default", "traits": { "email": "a@example.org" },
                "credentials": { "password": { "config": { "hashed_password": "$1$x" } } },
            }),
            "hash",
        ),
    ];
    for (body, place) in bad {
        let (code, out, err) = ask(&app.admin, &["validate", "identity"], &body.to_string()).await;
        assert_eq!((code, out.as_str()), (1, ""), "{body}");
        assert!(err.starts_with("STD_IN[0]: not valid"), "{err}");
        assert!(err.contains(place), "{place} is missing in {err}");
    }
}

/// 503 says that nothing was done; 500 does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_asked_again() {
    let server = MockServer::start().await;
    let busy = |status| ResponseTemplate::new(status).insert_header("retry-after", "0");
    let fine = ResponseTemplate::new(201).set_body_json(json!({ "id": "1" }));
    for (verb, status, again) in [
        ("GET", 503, true),
        ("POST", 503, true),
        ("POST", 500, false),
    ] {
        server.reset().await;
        let once = Mock::given(method(verb)).respond_with(busy(status));
        once.up_to_n_times(1).mount(&server).await;
        let then = Mock::given(method(verb)).respond_with(fine.clone());
        then.mount(&server).await;
        let arguments: &[&str] = match verb {
            "GET" => &["get", "identity", "1", "-q"],
            _ => &["import", "identities", "-q"],
        };
        let (code, out, _) = ask(&server.uri(), arguments, "{}").await;
        let requests = server.received_requests().await.unwrap().len();
        let expected = if again { (0, "1\n", 2) } else { (1, "\n", 1) };
        assert_eq!((code, out.as_str(), requests), expected, "{verb} {status}");
    }
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_asked() {
    for (endpoint, arguments, problem) in [
        ("", &["list", "identities"][..], "KRATOS_ADMIN_URL"),
        ("localhost", &["remote", "status"], "http://"),
        (
            "http://h",
            &["delete", "identity", "1", "--format", "jsonpath"],
            "jsonpath=",
        ),
        (
            "http://h",
            &["get", "identity", "1", "-i", "password"],
            "oidc",
        ),
        (
            "http://h",
            &["import", "identities", "nowhere.json"],
            "nowhere.json",
        ),
        ("http://h", &["import", "--batch-size", "1001", "-"], "1000"),
        ("http://h", &["get", "identity"], "ID"),
        ("http://h", &["list", "identities", "one"], "2 values"),
    ] {
        let (code, out, err) = ask(endpoint, arguments, "").await;
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}");
        assert!(err.contains(problem), "{problem} is missing in {err}");
    }
    for family in ["get", "list", "delete", "validate", "remote"] {
        let (code, out, err) = ask("http://h", &[family], "").await;
        assert_eq!((code, err.as_str()), (0, ""), "{family}");
        assert!(out.contains(&format!("Usage: kratos {family}")), "{out}");
    }
}

/// Takes batches as a server does: an entry with `bad` makes the whole batch bad, one with `known` is refused alone.
fn batches(request: &Request) -> ResponseTemplate {
    let body: Value = request.body_json().unwrap();
    let entries = body["identities"].as_array().unwrap();
    let has = |entry: &Value, word: &str| entry["create"]["traits"].get(word).is_some();
    if entries.len() > 1000 || entries.iter().any(|entry| has(entry, "bad")) {
        let error = json!({ "error": { "code": 400, "message": "bad", "reason": "very bad" } });
        return ResponseTemplate::new(400).set_body_json(error);
    }
    let outcomes: Vec<Value> = entries
        .iter()
        .map(|entry| match entry["create"]["traits"]["n"].as_u64() {
            _ if has(entry, "known") => {
                json!({ "action": "error", "error": { "code": 409, "reason": "known" } })
            }
            Some(n) => json!({ "action": "create", "identity": format!("id-{n}") }),
            None => Value::Null,
        })
        .collect();
    ResponseTemplate::new(200).set_body_json(json!({ "identities": outcomes }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_in_batches_and_tells_what_was_refused() {
    let server = MockServer::start().await;
    let patch = Mock::given(method("PATCH")).and(path("/admin/identities"));
    patch.respond_with(batches).mount(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.jsonl");
    let name = file.to_str().unwrap();
    let lines: Vec<String> = (0..2500)
        .map(|n| match n {
            10 => json!({ "traits": { "n": n, "known": true } }).to_string(),
            1500 => json!({ "traits": { "n": n, "bad": true } }).to_string(),
            1600 => "{ nonsense }".to_owned(),
            n => json!({ "traits": { "n": n } }).to_string(),
        })
        .collect();
    std::fs::write(&file, lines.join("\n")).unwrap();

    let arguments = ["import", name, "--format", "json"];
    let (code, out, err) = ask(&server.uri(), &arguments, "").await;
    assert_eq!(code, 1);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        told,
        json!({ "created": 2497, "refused": 3, "skipped": 0, "next": 2500 })
    );
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 3, "{err}");
    assert_eq!(lines[0], format!("{name}:11: known"));
    assert_eq!(lines[1], format!("{name}:1501: bad: very bad"));
    assert!(
        lines[2].starts_with(&format!("{name}:1601: this is no JSON")),
        "{err}"
    );

    let report = folder.path().join("refused.jsonl");
    let report = report.to_str().unwrap();
    let arguments = ["import", name, "--skip", "1400", "--report", report, "-q"];
    let (code, out, _) = ask(&server.uri(), &arguments, "").await;
    assert_eq!((code, out.as_str()), (1, "1098\n"));
    let refused = std::fs::read_to_string(report).unwrap();
    let first: Value = serde_json::from_str(refused.lines().next().unwrap()).unwrap();
    assert_eq!(
        first,
        json!({ "source": name, "line": 1501, "number": 1500, "status": 400, "reason": "bad: very bad" })
    );
    assert_eq!(refused.lines().count(), 2, "{refused}");

    let (code, out, _) = ask(&server.uri(), &["import", "identities", name, "-q"], "").await;
    assert_eq!((code, out.lines().count()), (1, 2497));
    assert!(out.starts_with("id-0\nid-1\n"), "{out:.60}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_stopped_goes_on() {
    let server = MockServer::start().await;
    let patch = || Mock::given(method("PATCH")).and(path("/admin/identities"));
    patch()
        .respond_with(batches)
        .up_to_n_times(2)
        .mount(&server)
        .await;
    let broken = ResponseTemplate::new(500).set_body_json(json!({ "error": { "message": "ill" } }));
    patch()
        .respond_with(broken)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    patch().respond_with(batches).mount(&server).await;

    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let people: Vec<Value> = (0..2500).map(|n| json!({ "traits": { "n": n } })).collect();
    let people = Value::Array(people).to_string();
    let arguments = [
        "import",
        "-",
        "--format",
        "json",
        "--state",
        state.to_str().unwrap(),
    ];
    let (code, out, err) = ask(&server.uri(), &arguments, &people).await;
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &told["created"], &told["next"]),
        (1, &json!(2000), &json!(2000))
    );
    assert!(err.contains("ill") && err.contains("2000"), "{err}");
    assert_eq!(std::fs::read_to_string(&state).unwrap(), "2000 0\n");

    let (code, out, err) = ask(&server.uri(), &arguments, &people).await;
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        told,
        json!({ "created": 500, "refused": 0, "skipped": 2000, "next": 2500 })
    );
    assert!(!state.exists());
    let requests = server.received_requests().await.unwrap();
    let last: Value = requests.last().unwrap().body_json().unwrap();
    assert_eq!(
        last["identities"][0],
        json!({ "create": { "traits": { "n": 2000 } } })
    );
}

/// The server itself: hashed passwords, plain ones, one that is known, one that nobody can read.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_takes_what_is_imported() {
    let app = TestApp::start().await;
    app.seed("n7@example.org", "kAf3-vuQ9-lomT7").await;
    let lines: Vec<String> = (0..1200)
        .map(|n| {
            let mut body = account(&format!("n{n}@example.org"));
            let hash = "$2a$04$n0Vbc8tGnIwZKkgz9zj2W.Lxhq7mFQKbV/1e0XpWfLcd9oD6zUu8y";
            body["credentials"] = match n {
                1100 => json!({ "password": { "config": { "hashed_password": "$nonsense$" } } }),
                n if n < 1150 => json!({ "password": { "config": { "hashed_password": hash } } }),
                _ => json!({ "password": { "config": { "password": "kAf3-vuQ9-lomT7" } } }),
            };
            body.to_string()
        })
        .collect();
    let arguments = ["import", "-", "--format", "json"];
    let (code, out, err) = ask(&app.admin, &arguments, &lines.join("\n")).await;
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1);
    assert_eq!(
        told,
        json!({ "created": 1198, "refused": 2, "skipped": 0, "next": 1200 }),
        "{err}"
    );
    assert!(
        err.contains("STD_IN:8: ") && err.contains("STD_IN:1101: "),
        "{err}"
    );
}

#[test]
fn jsonnet_is_formatted_and_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/jsonnet");
    let formatted = std::fs::read_to_string(format!("{fixtures}/formatted.jsonnet")).unwrap();
    let run = |arguments: &[&str]| {
        let output = kratos_in(folder.path(), arguments);
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    for name in ["rough", "formatted"] {
        let file = format!("{fixtures}/{name}.jsonnet");
        let told = run(&["format", "jsonnet", &file]);
        assert_eq!(told, (Some(0), format!("{formatted}\n"), String::new()));
        std::fs::copy(file, folder.path().join(format!("{name}.jsonnet"))).unwrap();
    }
    assert_eq!(run(&["format", "jsonnet", "-w", "r*.jsonnet"]).0, Some(0));
    let written = std::fs::read_to_string(folder.path().join("rough.jsonnet")).unwrap();
    assert_eq!(written, formatted);

    let nothing = (Some(0), String::new(), String::new());
    let (code, out, told) = run(&["lint", "lint", "nothing*.jsonnet"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(told.contains("nothing*.jsonnet"), "{told}");
    std::fs::write(
        folder.path().join("good.jsonnet"),
        "function(ctx) { id: ctx.a }",
    )
    .unwrap();
    assert_eq!(run(&["lint", "lint", "good.jsonnet"]), nothing);
    std::fs::write(folder.path().join("bad.jsonnet"), "local a = 1;\n{ b: c }").unwrap();
    let (code, out, err) = run(&["lint", "jsonnet", "*.jsonnet"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        err.starts_with("bad.jsonnet: ") && err.contains("line 2"),
        "{err}"
    );
    let (code, _, err) = run(&["format", "jsonnet", "bad.jsonnet", "-w", "nothing"]);
    assert_eq!(
        (code, err.as_str()),
        (Some(0), "nothing: there is no such file\n")
    );
    assert_eq!(run(&["format", "jsonnet"]).0, Some(1));
}

#[test]
fn shells_and_readers_learn_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = kratos_in(folder.path(), &["completion", shell]);
        assert!(output.status.success(), "{shell}");
        let script = text(&output.stdout);
        assert!(
            script.contains("identities") && script.contains("endpoint"),
            "{shell}"
        );
        assert!(!script.contains("jsonnet-worker"), "{shell}");
        let short = kratos_in(folder.path(), &["completion", shell, "--no-descriptions"]);
        assert!(short.status.success() && short.stdout.len() <= output.stdout.len());
    }
    assert!(kratos_in(folder.path(), &["man", "pages"]).status.success());
    let page = folder.path().join("pages/kratos-import-identities.1");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.starts_with(".ie") || page.contains(".TH"),
        "{page:.80}"
    );
}
