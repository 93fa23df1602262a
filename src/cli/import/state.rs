//! How far an import got, in a file of two numbers.
use anyhow::Context as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub(super) struct State(Option<PathBuf>);

impl State {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// How many accounts are through, and how many of them were refused; nothing if there is no such file yet.
    pub(super) fn read(&self) -> anyhow::Result<Option<(u64, u64)>> {
        let Some(path) = &self.0 else {
            return Ok(None);
        };
        let named = || path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let mut numbers = text.split_whitespace().map(str::parse);
                match (numbers.next(), numbers.next(), numbers.next()) {
                    (Some(Ok(through)), Some(Ok(refused)), None) => Ok(Some((through, refused))),
                    _ => anyhow::bail!("{} does not hold two numbers", named()),
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(named),
        }
    }

    /// In one step: a half-written number would be another one.
    pub(super) fn write(&self, through: u64, refused: u64) -> anyhow::Result<()> {
        let Some(path) = &self.0 else {
            return Ok(());
        };
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        std::fs::write(&beside, format!("{through} {refused}\n"))
            .and_then(|()| std::fs::rename(&beside, path))
            .with_context(|| path.display().to_string())
    }

    pub(super) fn forget(&self) -> anyhow::Result<()> {
        let Some(path) = &self.0 else {
            return Ok(());
        };
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        }
    }
}
