//! What an import tells: each refused account with its line, the numbers at the end, and where to go on.
use super::batch::Outcome;
use super::progress::Progress;
use super::source::Place;
use crate::cli::print;
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// So many are shown on the screen. More would push away what matters.
const SHOWN: u64 = 20;

pub(super) struct Report {
    pub(super) created: u64,
    /// Those of an earlier part, too.
    pub(super) refused: u64,
    /// The whole list, if somebody wants it in a file.
    file: Option<(String, BufWriter<File>)>,
    pub(super) progress: Progress,
}

impl Report {
    pub(super) fn new(
        path: Option<&Path>,
        adds: bool,
        refused: u64,
        progress: bool,
    ) -> anyhow::Result<Self> {
        let file = match path {
            None => None,
            Some(path) => {
                let name = path.display().to_string();
                let mut options = File::options();
                options
                    .create(true)
                    .write(true)
                    .append(adds)
                    .truncate(!adds);
                let file = options
                    .open(path)
                    .map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
                Some((name, BufWriter::new(file)))
            }
        };
        Ok(Self {
            created: 0,
            refused,
            file,
            progress: Progress::new(progress),
        })
    }

    /// Notes what came of an account; gives its id.
    pub(super) fn tell(
        &mut self,
        place: &Place,
        outcome: Outcome,
    ) -> anyhow::Result<Option<String>> {
        match outcome {
            Outcome::Created(id) => {
                self.created += 1;
                Ok(Some(id))
            }
            Outcome::Refused { status, reason } => {
                self.refuse(place, status, &reason)?;
                Ok(None)
            }
        }
    }

    pub(super) fn refuse(
        &mut self,
        place: &Place,
        status: Option<u16>,
        reason: &str,
    ) -> anyhow::Result<()> {
        self.refused += 1;
        if let Some((_, file)) = &mut self.file {
            let line = json!({
                "source": place.source, "line": place.line, "number": place.number,
                "status": status, "reason": reason,
            });
            writeln!(file, "{line}")?;
        } else if self.refused <= SHOWN {
            self.progress.clear();
            let Place { source, line, .. } = place;
            print::note(format_args!("{source}:{line}: {reason}"));
        }
        Ok(())
    }

    /// What is in the file so far stays there.
    pub(super) fn keep(&mut self) -> anyhow::Result<()> {
        match &mut self.file {
            Some((_, file)) => Ok(file.flush()?),
            None => Ok(()),
        }
    }

    /// Where to read about those that were refused and are not on the screen.
    pub(super) fn end(&mut self) -> anyhow::Result<()> {
        self.progress.clear();
        self.keep()?;
        match &self.file {
            Some((name, _)) if self.refused > 0 => {
                print::note(format_args!("{} were refused: see {name}", self.refused));
            }
            None if self.refused > SHOWN => print::note(format_args!(
                "and {} more were refused; --report FILE gathers them all",
                self.refused - SHOWN
            )),
            _ => {}
        }
        Ok(())
    }
}
