//! What a person at a terminal meets: flags in any order, closed pipes, databases that are missing or not ready.
use crate::cli::{PROGRAM, kratos_in, text};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A configuration that has all it needs but the database.
fn configure(folder: &Path, dsn: &str) {
    let values = json!({
        "dsn": dsn,
        "serve": {
            "public": { "host": "unix:public.sock", "base_url": "http://public.example/" },
            "admin": { "host": "unix:admin.sock", "base_url": "http://admin.example/" },
        },
        "identity": { "schemas": [{ "id": "default", "url": "base64://e30=" }] },
        "selfservice": { "default_browser_return_url": "http://ui.example/" },
    });
    std::fs::write(folder.join("my kratos.json"), values.to_string()).unwrap();
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let (out, errors) = (text(&output.stdout), text(&output.stderr));
    (output.status.code(), out, errors)
}

/// The database's host takes calls and never answers.
#[test]
fn a_server_that_waits_for_its_database_can_be_stopped() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        configure(folder.path(), &format!("postgres://u:p@127.0.0.1:{port}/x"));
        let mut server = Command::new(PROGRAM)
            .args(["serve", "-c", "my kratos.json"])
            .env_clear()
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while !folder.path().join("admin.sock").exists() {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "it does not begin"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(200));
        let id = server.id().to_string();
        let mut kill = Command::new("kill");
        kill.args([&format!("-{signal}"), &id]);
        assert!(kill.status().unwrap().success());
        let asked = Instant::now();
        let status = loop {
            if let Some(status) = server.try_wait().unwrap() {
                break status;
            }
            if asked.elapsed() > Duration::from_secs(5) {
                server.kill().unwrap();
                panic!("SIG{signal} is not obeyed");
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

/// `kratos --help | true`, and work that goes on although nobody reads what it prints.
#[test]
fn nobody_has_to_read_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["--help"][..],
        &["version"],
        &["serve", "--nonsense"],
        &["migrate", "sql", "up", "sqlite://db.sqlite", "--yes"],
        &["migrate", "sql", "status", "sqlite://db.sqlite"],
        &["hashers", "argon2", "hash", "--memory", "1MB", "x"],
    ] {
        let closed = || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            writer
        };
        let status = Command::new(PROGRAM)
            .args(arguments)
            .env_clear()
            .current_dir(folder.path())
            .stdout(closed())
            .stderr(closed())
            .status()
            .unwrap();
        let expected = i32::from(arguments.contains(&"--nonsense"));
        assert_eq!(status.code(), Some(expected), "{arguments:?}");
    }
    let status = kratos_in(
        folder.path(),
        &["migrate", "sql", "status", "sqlite://db.sqlite"],
    );
    assert!(!text(&status.stdout).contains("Pending"));
}

/// As the examples of the reference are written.
#[test]
fn shared_flags_may_stand_before_the_command() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "sqlite://db.sqlite");
    for arguments in [
        &["-c", "my kratos.json", "migrate", "sql", "-e", "--yes"][..],
        &["migrate", "-cmy kratos.json", "sql", "-e", "up", "--yes"],
        &["--config=my kratos.json", "migrate", "sql", "-e", "status"],
    ] {
        let (code, out, errors) = told(&kratos_in(folder.path(), arguments));
        assert_eq!(code, Some(0), "{arguments:?}: {out}{errors}");
    }
    for arguments in [
        &["-c", "my kratos.json", "version"][..],
        &["-c"],
        &["-c", "x"],
    ] {
        let (code, _, errors) = told(&kratos_in(folder.path(), arguments));
        assert!(
            code == Some(1) && errors.contains("-c"),
            "{arguments:?}: {errors}"
        );
    }
}

#[test]
fn a_command_without_a_database_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.yml"), "log: {level: error}\n").unwrap();
    for (arguments, words) in [
        (&["migrate", "sql"][..], "give its address, or -e"),
        (&["migrate", "sql", "up"], "give its address, or -e"),
        (
            &["migrate", "sql", "down", "-e"],
            "the variable DSN is not set",
        ),
        (
            &["migrate", "sql", "status", "-e"],
            "no file was given by -c",
        ),
        (&["cleanup", "sql"], "the variable DSN is not set"),
        (
            &["cleanup", "sql", "-c", "empty.yml"],
            "`dsn` is not in empty.yml",
        ),
    ] {
        let (code, out, _) = told(&kratos_in(folder.path(), arguments));
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(out.contains("Usage: kratos"), "{arguments:?}: {out}");
        let last = out.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("Error: ") && last.contains(words),
            "{arguments:?}: {out}"
        );
    }
}

/// Looking makes no file, and what makes one makes it for its owner only.
#[test]
fn only_a_migration_makes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "sqlite://db.sqlite");
    let run = |arguments: &[&str]| told(&kratos_in(folder.path(), arguments));
    for place in ["db.sqlite", "missing/db.sqlite"] {
        let dsn = format!("sqlite://{place}");
        let (code, out, errors) = run(&["migrate", "sql", "status", &dsn]);
        assert!(code == Some(0) && out.contains("Pending"), "{out}{errors}");
        assert!(errors.contains(&format!("no database {place}")), "{errors}");
        let (code, _, errors) = run(&["migrate", "sql", "down", &dsn, "--steps", "1", "-y"]);
        assert!(
            code == Some(1) && errors.contains("no database"),
            "{errors}"
        );
        let (code, out, _) = run(&["cleanup", "sql", &dsn]);
        assert!(code == Some(1) && out.contains("no database"), "{out}");
    }
    let (code, _, errors) = run(&["serve", "-c", "my kratos.json"]);
    let advice = "run `kratos migrate sql up -e --yes -c 'my kratos.json'` first";
    assert!(code == Some(1) && errors.contains(advice), "{errors}");
    assert!(!folder.path().join("db.sqlite").exists());

    let file = folder.path().join("db.sqlite");
    std::fs::write(&file, "").unwrap();
    let (code, _, errors) = run(&["serve", "-c", "my kratos.json"]);
    assert!(
        code == Some(1) && errors.contains("is not migrated"),
        "{errors}"
    );
    assert!(errors.contains(advice), "{errors}");
    std::fs::remove_file(&file).unwrap();

    assert_eq!(
        run(&["migrate", "sql", "up", "-c", "my kratos.json", "-e", "-y"]).0,
        Some(0)
    );
    let rights = std::fs::metadata(&file).unwrap().permissions();
    assert_eq!(rights.mode() & 0o777, 0o600);
}

#[test]
fn the_state_of_migrations_is_shown_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("sqlite://{}", folder.path().join("db.sqlite").display());
    let run = |more: &[&str]| {
        let arguments = [&["migrate", "sql", "status", &dsn], more].concat();
        told(&kratos_in(folder.path(), &arguments))
    };
    let (code, table, _) = run(&[]);
    assert_eq!(code, Some(0));
    assert!(table.starts_with("Version\t\t\tName\t"), "{table}");
    assert_eq!(run(&["--format", "nonsense"]).1, table);
    let (_, first, _) = run(&["--format", "jsonpath=0.version"]);
    assert_eq!(first, "\"20150100000001000000\"\n");
    let (_, first, _) = run(&["--format", "jsonpointer=/0/state"]);
    assert_eq!(first, "\"Pending\"\n");
    let (_, versions, _) = run(&["-q"]);
    assert!(versions.starts_with("20150100000001000000\n"), "{versions}");
    assert_eq!(versions.lines().count() + 1, table.lines().count());
    let (code, out, err) = run(&["--format", "jsonpath"]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
}

/// As Go's flags take it.
#[test]
fn switches_may_have_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("sqlite://{}", folder.path().join("db.sqlite").display());
    let run = |arguments: &[&str]| told(&kratos_in(folder.path(), arguments));
    let (code, out, _) = run(&["migrate", "sql", "up", &dsn, "--yes=false"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("[y/n]"), "{out}");
    for yes in ["--yes=true", "-y=1"] {
        let (code, _, err) = run(&["migrate", "sql", "up", &dsn, yes]);
        assert_eq!(code, Some(0), "{err}");
    }
    let status = ["migrate", "sql", "status", &dsn];
    let quiet = run(&[&status[..], &["--quiet=TRUE"]].concat());
    let (_, short, _) = run(&[&status[..], &["-q"]].concat());
    assert!(quiet.0 == Some(0) && quiet.1 == short, "they differ");
    for wrong in ["--yes=perhaps", "--steps=true"] {
        let (code, _, err) = run(&["migrate", "sql", "down", &dsn, wrong]);
        assert_eq!(code, Some(1));
        assert!(err.contains(wrong.split('=').next().unwrap()), "{err}");
    }
}

/// Before twenty seconds of measuring, not after.
#[test]
fn a_format_that_lacks_its_path_is_told_of_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["load-test", "calibrate"] {
        let arguments = ["hashers", "argon2", command, "3", "--format", "jsonpath"];
        let began = Instant::now();
        let (code, out, err) = told(&kratos_in(folder.path(), &arguments));
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert!(err.contains("jsonpath="), "{err}");
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
