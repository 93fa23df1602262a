//! `kratos version` (config-cli.md §4.11).
use crate::base::build;
use std::io::{self, Write};

/// Three lines, or a complaint for what is not known.
pub fn run() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for (name, tabs, value) in [
        ("Version", "\t\t\t", build::VERSION),
        ("Build Commit", "\t", build::COMMIT),
        ("Build Timestamp", "\t", build::TIME),
    ] {
        if value.is_empty() {
            eprintln!("{name}: this build was not told");
        } else {
            writeln!(out, "{name}:{tabs}{value}")?;
        }
    }
    Ok(())
}
