//! `sqlite://PATH?…`, with the parameters of the two Go drivers that the reference has used.
use super::BadDsn;
use crate::base::url::Params;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A database file, or one in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sqlite {
    /// `None`: in memory.
    pub path: Option<PathBuf>,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
    /// A journal mode asked for by name; `None`: write-ahead log.
    pub journal: Option<String>,
}

const JOURNALS: [&str; 4] = ["delete", "truncate", "persist", "wal"];

impl Sqlite {
    pub(super) fn memory() -> Self {
        Self {
            path: None,
            busy_timeout: Duration::from_secs(5),
            journal: None,
        }
    }

    pub(super) fn parse(rest: &str, params: &Params) -> Result<Self, BadDsn> {
        let path = rest.split_once('?').map_or(rest, |(path, _)| path);
        let (path, is_uri) = match path.strip_prefix("file:") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let mut out = Self::memory();
        if !matches!(path, ":memory:" | "") && params.get("mode") != Some("memory") {
            out.path = Some(if is_uri {
                percent_decoded(path)?
            } else {
                path.into()
            });
        } else if path.is_empty() && params.get("mode") != Some("memory") {
            return Err(BadDsn::new("the SQLite address names no file"));
        }
        if let Some(milliseconds) = pragma(params, "busy_timeout")
            .or_else(|| params.text("_timeout").map(str::to_owned))
            .and_then(|v| v.parse().ok())
        {
            out.busy_timeout = Duration::from_millis(milliseconds);
        }
        out.journal = pragma(params, "journal_mode")
            .map(|mode| mode.to_ascii_lowercase())
            .filter(|mode| JOURNALS.contains(&mode.as_str()));
        Ok(out)
    }
}

/// `_NAME=value`, or `_pragma=NAME(value)`.
fn pragma(params: &Params, name: &str) -> Option<String> {
    if let Some(value) = params.text(&format!("_{name}")) {
        return Some(value.to_owned());
    }
    params
        .iter()
        .filter(|(key, _)| *key == "_pragma")
        .find_map(|(_, value)| {
            let value = value.strip_prefix(name)?.trim();
            let value = value
                .strip_prefix('(')
                .and_then(|v| v.strip_suffix(')'))
                .or_else(|| value.strip_prefix('='))?;
            Some(value.trim().trim_matches('\'').to_owned())
        })
}

fn percent_decoded(path: &str) -> Result<PathBuf, BadDsn> {
    // A plus is a plus in a path, unlike in a query.
    let pair = format!("p={}", path.replace('+', "%2B"));
    Params::parse(&pair)
        .get("p")
        .map(PathBuf::from)
        .ok_or_else(|| BadDsn::new("the SQLite address names no file"))
}

impl fmt::Display for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "sqlite://{}", path.display()),
            None => f.write_str("memory"),
        }
    }
}
