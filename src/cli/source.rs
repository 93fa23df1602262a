//! Where a command finds its configuration and its database.
use super::ConfigArgs;
use crate::base::random::SystemRandom;
use crate::config::dsn::Dsn;
use crate::config::{Config, Finding, Source, env};
use crate::telemetry::logs::{self, LogSettings};
use anyhow::bail;
use clap::Args;

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
        eprintln!("{finding}");
    }
    match findings.len() {
        1 => bail!("the configuration cannot be used as it is: see the line above"),
        n => bail!("the configuration cannot be used as it is: see the {n} lines above"),
    }
}

/// Log lines as the configuration wants them.
pub(super) fn install_logs(config: &Config) {
    logs::install(LogSettings::new(&config.log, crate::base::build::VERSION));
}

/// Which database.
#[derive(Args, Clone, Debug)]
pub(super) struct DsnArgs {
    /// The database, such as postgres://… or sqlite://…
    #[arg(value_name = "DSN")]
    dsn: Option<String>,
    /// Take the database from the variable DSN, or from `dsn` in a configuration file
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
}
