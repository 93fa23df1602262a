//! `kratos format jsonnet` and `kratos lint lint`: for the files that the configuration names (config-cli.md §4.9).
mod evaluate;
mod glob;

pub use evaluate::EvaluateArgs;

use super::{Explained, print};
use crate::jsonnet;
use clap::{Args, Subcommand};
use std::io::Write as _;
use std::path::PathBuf;

/// Format code
#[derive(Args, Clone, Debug)]
pub struct FormatArgs {
    #[command(subcommand)]
    what: Option<FormatWhat>,
}

#[derive(Subcommand, Clone, Debug)]
enum FormatWhat {
    /// Format Jsonnet files, to standard output or in place
    Jsonnet {
        /// Files, or patterns with *, ?, [a-z] and ** in them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// Write them back
        #[arg(short, long)]
        write: bool,
    },
}

/// Look for mistakes in code
#[derive(Args, Clone, Debug)]
pub struct LintArgs {
    #[command(subcommand)]
    what: Option<LintWhat>,
}

#[derive(Subcommand, Clone, Debug)]
enum LintWhat {
    /// Look for mistakes in Jsonnet files: what cannot be read or run here, unknown names, names that nobody uses
    #[command(name = "lint", alias = "jsonnet")]
    Lint {
        /// Files, or patterns with *, ?, [a-z] and ** in them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
}

impl FormatArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let Some(FormatWhat::Jsonnet { files, write }) = &self.what else {
            return super::help(&["format"]);
        };
        for (path, name, source) in read(files)? {
            let text = jsonnet::format(&source).map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
            if !write {
                // One more line break, as the reference has it.
                print::result(format_args!("{text}"))?;
            } else if text != source {
                std::fs::write(&path, text).map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
            }
        }
        Ok(())
    }
}

impl LintArgs {
    /// Says nothing if there is nothing to say.
    pub fn run(&self) -> anyhow::Result<()> {
        let Some(LintWhat::Lint { files }) = &self.what else {
            return super::help(&["lint"]);
        };
        let mut count = 0;
        let mut notes = print::notes();
        for (_, name, source) in read(files)? {
            for problem in jsonnet::lint(&source) {
                count += 1;
                writeln!(notes, "{name}: {problem}")?;
            }
        }
        if count > 0 {
            return Err(Explained.into());
        }
        Ok(())
    }
}

/// Path, name and contents of each file that fits.
fn read(patterns: &[String]) -> anyhow::Result<Vec<(PathBuf, String, String)>> {
    let mut out = vec![];
    for pattern in patterns {
        let paths = glob::files(pattern).map_err(|e| anyhow::anyhow!("{pattern}: {e}"))?;
        // No failure, as in the reference.
        if paths.is_empty() {
            print::note(format_args!("{pattern}: there is no such file"));
        }
        for path in paths {
            let name = path.display().to_string();
            let text =
                std::fs::read_to_string(&path).map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
            out.push((path, name, text));
        }
    }
    Ok(out)
}
