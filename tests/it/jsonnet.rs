//! Jsonnet in child processes: what is bad harms nobody but itself.
use crate::cli::PROGRAM;
use kratos::jsonnet::{Evaluation, JsonnetError, JsonnetPool};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn pool() -> JsonnetPool {
    JsonnetPool::new(PROGRAM.into())
}

async fn run(pool: &JsonnetPool, snippet: &str) -> Result<Value, JsonnetError> {
    let ctx = json!({ "n": 7 });
    let evaluation = Evaluation {
        snippet,
        arguments: &[("ctx", &ctx)],
        external: &[],
    };
    let text = pool.evaluate(&evaluation).await?;
    Ok(serde_json::from_str(&text).unwrap())
}

/// Our children that are there, zombies included.
fn children() -> Vec<(u32, String)> {
    let mut found = vec![];
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        if field("PPid:") == std::process::id().to_string() && field("Name:") == "kratos" {
            let command = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            let state = field("State:");
            if command.contains("jsonnet-worker") || state.starts_with('Z') {
                found.push((id, state));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_jsonnets_are_stopped_and_others_go_on() {
    let pool = pool();
    assert_eq!(run(&pool, "function(ctx) ctx.n + 1").await, Ok(json!(8)));
    let begun = Instant::now();
    let endless = "local f(x) = f(x + 1) tailstrict; function(ctx) f(1)";
    assert_eq!(run(&pool, endless).await, Err(JsonnetError::TimedOut));
    assert!(begun.elapsed() < Duration::from_secs(6));
    let recursion = run(&pool, "local f(x) = f(x) + 1; function(ctx) f(1)").await;
    assert!(
        matches!(recursion, Err(JsonnetError::Failed(_))),
        "{recursion:?}"
    );
    let gigabyte = run(
        &pool,
        "local d(s, n) = if n == 0 then s else d(s + s, n - 1); function(ctx) std.length(d('0123456789abcdef', 26))",
    );
    let gigabyte = gigabyte.await;
    let expected = [Err(JsonnetError::Died), Err(JsonnetError::TimedOut)];
    assert!(expected.contains(&gigabyte), "{gigabyte:?}");
    let brackets = "[".repeat(1_000_000);
    let nested = run(&pool, &brackets).await;
    assert!(nested.is_err(), "{nested:?}");
    let large = run(&pool, "function(ctx) std.repeat('x', 2000000)").await;
    assert_eq!(large, Err(JsonnetError::OutputTooLarge));
    let long = " ".repeat(5 << 20);
    assert_eq!(run(&pool, &long).await, Err(JsonnetError::InputTooLarge));
    let import = run(&pool, "function(ctx) importstr '/etc/hostname'").await;
    assert!(matches!(import, Err(JsonnetError::Failed(_))), "{import:?}");
    assert_eq!(
        run(&pool, "error 'cancel'").await,
        Err(JsonnetError::Cancelled)
    );
    assert_eq!(run(&pool, "function(ctx) ctx.n").await, Ok(json!(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_each_their_own() {
    let pool = pool();
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move { run(&pool, &format!("function(ctx) [ctx.n, {n}]")).await })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Ok(json!([7, n])));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_child_is_replaced_and_none_is_left() {
    // By itself, in a program of its own: other tests have children, too.
    let own = "jsonnet::a_killed_child_is_replaced_and_none_is_left";
    if std::env::var_os("KRATOS_TEST_ALONE").is_none() {
        let program = std::env::current_exe().unwrap();
        let output = Command::new(program)
            .args(["--exact", own])
            .env("KRATOS_TEST_ALONE", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let pool = pool();
    assert_eq!(run(&pool, "1").await, Ok(json!(1)));
    let before = children();
    assert_eq!(before.len(), 1, "{before:?}");
    let killed = Command::new("kill")
        .args(["-9", &before[0].0.to_string()])
        .status();
    assert!(killed.unwrap().success());
    assert_eq!(run(&pool, "2").await, Ok(json!(2)));
    let after = children();
    assert_eq!(after.len(), 1, "{after:?}");
    assert_ne!(before[0].0, after[0].0);
    // Nobody waits for this one any more.
    let endless = "local f(x) = f(x + 1) tailstrict; f(1)";
    let given_up = tokio::time::timeout(Duration::from_millis(200), run(&pool, endless)).await;
    assert!(given_up.is_err());
    drop(pool);
    for _ in 0..50 {
        if children().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?}", children());
}

#[test]
fn a_child_ends_with_its_input_and_is_not_in_the_help() {
    let child = Command::new(PROGRAM)
        .arg("jsonnet-worker")
        .env("MIMALLOC_ARENA_RESERVE", "16MiB")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    let help = Command::new(PROGRAM).arg("help").output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("jsonnet"));
}

#[tokio::test]
async fn without_a_program_there_is_an_error() {
    let nowhere = JsonnetPool::new(Path::new("/nowhere/kratos").into());
    let missing = JsonnetError::Unavailable(std::io::ErrorKind::NotFound);
    assert_eq!(run(&nowhere, "1").await, Err(missing));
    // One that says something else.
    let other = JsonnetPool::new(Path::new("/bin/echo").into());
    assert!(matches!(
        run(&other, "1").await,
        Err(JsonnetError::Unavailable(_))
    ));
}

/// `kratos jsonnet`, for whoever runs Jsonnet by it.
fn command(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    use std::io::Write as _;
    let mut child = Command::new(PROGRAM)
        .arg("jsonnet")
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn order(snippet: &str) -> String {
    let pair = |key: &str, value: &str| json!({ "Key": key, "Value": value });
    json!({
        "Filename": "x.jsonnet",
        "Snippet": snippet,
        "TLACodes": [pair("ctx", "{ n: 3 + 4 }")],
        "TLAVars": [pair("text", "7")],
        "ExtCodes": [pair("e", "[1]"), pair("e", "[2]")],
        "ExtVars": null,
    })
    .to_string()
}

#[test]
fn other_programs_may_run_jsonnet_by_the_hidden_command() {
    let all = order("function(ctx, text) [ctx.n, text, std.extVar('e')]");
    let (code, out, err) = command(&[], &all);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert_eq!(out, "[\n   7,\n   \"7\",\n   [\n      2\n   ]\n]\n");
    let (code, out, err) = command(&[], &order("function(ctx"));
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("line 1"), "{err}");
    assert_eq!(command(&[], "nonsense").0, Some(1));

    let endless = order("local f(x) = f(x + 1) tailstrict; f(1)");
    let orders = [
        order("ctx"),
        order("error 'cancel'"),
        endless,
        order("importstr '/etc/hostname'"),
        "{}".to_owned(),
        order("1"),
    ];
    for flag in ["-0", "--null"] {
        let (code, out, err) = command(&[flag], &orders.join("\0"));
        assert_eq!((code, err.as_str()), (Some(0), ""));
        let answers: Vec<&str> = out.split('\0').collect();
        assert_eq!(answers.len(), 7, "{answers:?}");
        for failed in [0, 2, 3, 4] {
            assert!(answers[failed].starts_with("ERROR: "), "{answers:?}");
        }
        assert_eq!(answers[1], "ERROR: RUNTIME ERROR: cancel");
        assert_eq!(answers[5..], ["1\n", ""]);
    }
    assert_eq!(
        command(&["-0"], ""),
        (Some(0), String::new(), String::new())
    );
}
