//! Where a command finds its configuration and its database, and what it says where there is none.
use super::ConfigArgs;
use super::print::note;
use crate::base::random::SystemRandom;
use crate::config::dsn::{Dsn, Target};
use crate::config::{Config, Finding, Source, env};
use crate::store::Error;
use crate::telemetry::logs::{self, LogSettings};
use anyhow::{anyhow, bail};
use clap::Args;
use std::path::{Path, PathBuf};

/// The configuration of `-c` and of the environment.
#[must_use]
pub(super) fn source(config: &ConfigArgs) -> Source {
    Source::new(&config.config, env::environment(), &SystemRandom)
}

/// For commands that need little of it: read, but not judged.
pub(super) fn unchecked(source: &Source) -> anyhow::Result<Config> {
    source.load_unchecked().or_else(refused)
}

/// All findings to stderr, one a line.
pub(super) fn refused<T>(findings: Vec<Finding>) -> anyhow::Result<T> {
    for finding in &findings {
        note(format_args!("{finding}"));
    }
    match findings.len() {
        1 => bail!("the configuration cannot be used as it is, for the reason above"),
        n => bail!("the configuration cannot be used as it is, for the {n} reasons above"),
    }
}

/// The file that an SQLite address names, if it does not exist. Only what makes a database may open it: SQLite would
/// make an empty one.
pub(super) fn absent(dsn: &Dsn) -> Option<&Path> {
    let Target::Sqlite(sqlite) = &dsn.target else {
        return None;
    };
    sqlite.path.as_deref().filter(|path| !path.exists())
}

/// An error that the caller can do something about says what: `how` to migrate the database.
pub(super) fn advised(error: Error, how: &str) -> anyhow::Error {
    match error {
        Error::NotMigrated => anyhow!("the database is not migrated: run {how} first"),
        error => error.into(),
    }
}

/// What to say of a file that [`absent`] has found.
pub(super) fn no_file(path: &Path, how: &str) -> anyhow::Error {
    anyhow!("there is no database {}: run {how} first", path.display())
}

/// How to migrate the database of these configuration files, or of the variable DSN.
pub(super) fn migration(files: &[PathBuf]) -> String {
    let mut line = "`kratos migrate sql up -e --yes".to_owned();
    for file in files {
        line.push_str(" -c ");
        line.push_str(&quoted(&file.to_string_lossy()));
    }
    line + "`"
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,=".contains(c);
    if word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Log lines as the configuration wants them.
pub(super) fn install_logs(config: &Config) {
    logs::install(LogSettings::new(&config.log, crate::base::build::VERSION));
}

/// Which database.
#[derive(Args, Clone, Debug)]
pub(super) struct DsnArgs {
    /// The database, such as postgres://…, mysql://… or sqlite://…
    #[arg(value_name = "DSN")]
    dsn: Option<String>,
    /// Take the database from the variable DSN, or else from `dsn` in a file of -c
    #[arg(short = 'e', long)]
    read_from_env: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

impl DsnArgs {
    /// The database, or `None` if none was named. Logs are installed on the way.
    pub(super) fn read(&self) -> anyhow::Result<Option<Dsn>> {
        self.find(self.read_from_env)
    }

    /// The same for a command that looks into the configuration even if it is not told to.
    pub(super) fn read_anyway(&self) -> anyhow::Result<Option<Dsn>> {
        self.find(true)
    }

    fn find(&self, in_configuration: bool) -> anyhow::Result<Option<Dsn>> {
        let config = unchecked(&source(&self.config))?;
        install_logs(&config);
        let configured = config.dsn.expose();
        let text = match &self.dsn {
            Some(dsn) => dsn,
            None if in_configuration && !configured.is_empty() => configured,
            None => return Ok(None),
        };
        Ok(Some(Dsn::parse(text)?))
    }

    /// Why there is no database, for the person who typed the command.
    pub(super) fn complaint(&self, looked: bool) -> String {
        let files = source(&self.config).paths().to_vec();
        if !looked && !self.read_from_env {
            return "No database was named: give its address, or -e to take it from the variable DSN or from `dsn` \
                    in a file of -c."
                .to_owned();
        }
        let beside = if files.is_empty() {
            "no file was given by -c".to_owned()
        } else {
            let names: Vec<_> = files.iter().map(|f| f.display().to_string()).collect();
            format!("`dsn` is not in {}", names.join(" or "))
        };
        format!("No database was named: the variable DSN is not set, and {beside}.")
    }

    /// How to migrate this database; the address itself, which may hold a password, is not repeated.
    pub(super) fn migration(&self) -> String {
        match self.dsn {
            Some(_) => "`kratos migrate sql up --yes` with the same address".to_owned(),
            None => migration(source(&self.config).paths()),
        }
    }
}
