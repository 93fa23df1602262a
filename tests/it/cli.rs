//! The command line as a person or a script uses it.
use std::process::{Command, Output};

/// Runs the program with nothing in its environment, in a folder of its own.
pub fn kratos(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_kratos"))
        .args(arguments)
        .env_clear()
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_goes_to_stdout_and_is_a_success() {
    for arguments in [
        &[][..],
        &["help"],
        &["--help"],
        &["-h"],
        &["version", "--help"],
        &["help", "version"],
    ] {
        let output = kratos(arguments);
        assert!(output.status.success(), "{arguments:?}");
        assert!(
            text(&output.stdout).contains("Usage: kratos"),
            "{arguments:?}"
        );
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn mistakes_go_to_stderr_and_exit_with_1() {
    for arguments in [
        &["nonsense"][..],
        &["version", "--nonsense"],
        &["--nonsense"],
    ] {
        let output = kratos(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_version_is_told_on_stdout() {
    let output = kratos(&["version"]);
    assert!(output.status.success());
    assert!(text(&output.stdout).starts_with("Version:\t\t\t"));
}
