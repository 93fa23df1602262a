//! The files of a command, or standard input, one behind the other.
use super::batch::Read;
use super::items::{Items, ReadError};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _};

/// Where a piece was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Place {
    /// The file as it was named, `STD_IN` for standard input.
    pub(in crate::cli) source: String,
    pub(in crate::cli) line: u64,
    /// Its number in the file; the first is 0.
    pub(in crate::cli) number: u64,
}

impl Place {
    /// As the reference writes it.
    pub(in crate::cli) fn label(&self) -> String {
        format!("{}[{}]", self.source, self.number)
    }
}

/// All pieces of all sources.
pub(in crate::cli) struct Sources {
    /// Pieces that were looked at already.
    ahead: VecDeque<Read>,
    waiting: VecDeque<String>,
    open: Option<(String, Items, u64)>,
    done: u64,
    total: Option<u64>,
}

impl Sources {
    /// Files are opened when it is their turn, but missed at once.
    pub(in crate::cli) fn new(files: &[String]) -> anyhow::Result<Self> {
        let mut total = Some(0);
        for file in files {
            let found = std::fs::metadata(file).map_err(|e| anyhow::anyhow!("{file}: {e}"))?;
            anyhow::ensure!(!found.is_dir(), "{file}: this is a folder");
            total = total
                .filter(|_| found.is_file())
                .map(|sum| sum + found.len());
        }
        let mut sources = Self {
            ahead: VecDeque::new(),
            waiting: files.iter().cloned().collect(),
            open: None,
            done: 0,
            total: total.filter(|_| !files.is_empty()),
        };
        if files.is_empty() {
            let input: Box<dyn io::BufRead> = Box::new(BufReader::new(io::stdin()));
            sources.open = Some(("STD_IN".to_owned(), Items::new(input), 0));
        }
        Ok(sources)
    }

    /// How many bytes have been read, and how many there are, if that is known.
    pub(in crate::cli) fn bytes(&self) -> (u64, Option<u64>) {
        let open = self.open.as_ref().map_or(0, |(_, items, _)| items.bytes());
        (self.done + open, self.total)
    }

    /// Lets these come again, before all that have not been read.
    pub(super) fn put_back(&mut self, pieces: Vec<Read>) {
        self.ahead.extend(pieces);
    }

    /// The next piece.
    ///
    /// # Errors
    /// A source cannot be read further.
    pub(in crate::cli) fn next(&mut self) -> anyhow::Result<Option<Read>> {
        if let Some(read) = self.ahead.pop_front() {
            return Ok(Some(read));
        }
        loop {
            let Some((name, items, number)) = &mut self.open else {
                let Some(name) = self.waiting.pop_front() else {
                    return Ok(None);
                };
                let file = File::open(&name).map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
                let reader = Box::new(BufReader::with_capacity(1 << 16, file));
                self.open = Some((name, Items::new(reader), 0));
                continue;
            };
            let named = |error: ReadError| anyhow::anyhow!("{name}: {error}");
            if let Some(item) = items.next().map_err(named)? {
                let place = Place {
                    source: name.clone(),
                    line: item.line,
                    number: *number,
                };
                *number += 1;
                return Ok(Some((place, item.json)));
            }
            self.done += items.bytes();
            self.open = None;
        }
    }
}

/// Whether somebody would have to type what is read.
pub(in crate::cli) fn is_typed(files: &[String]) -> bool {
    files.is_empty() && io::stdin().is_terminal()
}
