//! How far an import got, in a file of one number.
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

    /// How many accounts are through; nothing if there is no such file yet.
    pub(super) fn read(&self) -> anyhow::Result<Option<u64>> {
        let Some(path) = &self.0 else {
            return Ok(None);
        };
        let named = || path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let number = text.trim().parse();
                number.map(Some).with_context(named)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(named),
        }
    }

    /// In one step: a half-written number would be another one.
    pub(super) fn write(&self, through: u64) -> anyhow::Result<()> {
        let Some(path) = &self.0 else {
            return Ok(());
        };
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        std::fs::write(&beside, format!("{through}\n"))
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
