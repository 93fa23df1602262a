//! `kratos version` (config-cli.md §4.11), and what every part of the program calls its version.
use std::io::{self, Write};

/// The version of this build.
pub const VERSION: &str = match option_env!("KRATOS_BUILD_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
/// The commit it was built from, if the build was told.
pub const COMMIT: Option<&str> = option_env!("KRATOS_BUILD_COMMIT");
/// When it was built, if the build was told.
pub const TIME: Option<&str> = option_env!("KRATOS_BUILD_TIME");

/// Three lines, or a complaint for what is not known.
pub fn run() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for (name, tabs, value) in [
        ("Version", "\t\t\t", Some(VERSION)),
        ("Build Commit", "\t", COMMIT),
        ("Build Timestamp", "\t", TIME),
    ] {
        match value.filter(|v| !v.is_empty()) {
            Some(value) => writeln!(out, "{name}:{tabs}{value}")?,
            None => eprintln!("{name}: this build was not told"),
        }
    }
    Ok(())
}
