//! `kratos version` (config-cli.md §4.11).
use super::print;
use crate::base::build;
use std::io::Write;

/// Three lines; a build that was not told something says so.
pub fn run() -> anyhow::Result<()> {
    let told = |value: &'static str| if value.is_empty() { "unknown" } else { value };
    let mut out = print::out();
    writeln!(out, "Version:\t\t\t{}", build::VERSION)?;
    writeln!(out, "Build Commit:\t{}", told(build::COMMIT))?;
    writeln!(out, "Build Timestamp:\t{}", told(build::TIME))?;
    Ok(())
}
