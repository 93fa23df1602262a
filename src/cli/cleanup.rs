//! `kratos cleanup sql`: one batch of each table, with a pause behind each so that a busy database can breathe
//! (config-cli.md §4.7). Silent but for the log; errors go to stdout.
use super::source::DsnArgs;
use crate::base::clock::{Clock, SystemClock};
use crate::base::random::SystemRandom;
use crate::config::duration;
use crate::store::{Error, Expiring, Store};
use clap::{Args, Subcommand};
use std::time::Duration;

/// A server that is starting up itself gets so long.
const PATIENCE: Duration = Duration::from_mins(5);

/// Take away what has expired
#[derive(Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct CleanupArgs {
    #[command(subcommand)]
    family: Family,
}

#[derive(Subcommand, Clone, Debug)]
enum Family {
    /// Delete expired rows of an SQL database, one batch of each table
    Sql(SqlArgs),
}

#[derive(Args, Clone, Debug)]
struct SqlArgs {
    #[command(flatten)]
    dsn: DsnArgs,
    /// How long to pause after each table
    #[arg(long = "database.cleanup.sleep.tables", value_name = "SPAN", default_value = "1m", value_parser = span)]
    pause: Duration,
    /// How many rows of each table to delete at most
    #[arg(
        short = 'b',
        long = "database.cleanup.batch_size",
        value_name = "ROWS",
        default_value_t = 100
    )]
    batch: u32,
    /// Keep rows that expired no longer ago than this
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = span)]
    keep_last: Duration,
}

fn span(text: &str) -> Result<Duration, &'static str> {
    duration::parse(text)
        .and_then(|span| Duration::try_from(span).ok())
        .ok_or("write a span of time like 90s or 1h30m")
}

/// How fast to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Rows of each table.
    pub batch: u32,
    /// After each table, the last one included.
    pub pause: Duration,
    /// Rows that expired no longer ago than this stay.
    pub keep_last: Duration,
}

impl CleanupArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let Family::Sql(args) = &self.family;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(args.run()).map_err(|error| {
            println!("{error:#}");
            super::Explained.into()
        })
    }
}

impl SqlArgs {
    async fn run(&self) -> anyhow::Result<()> {
        let Some(dsn) = self.dsn.read_anywhere()? else {
            anyhow::bail!("no database is named: give its address, or the variable DSN, or -c");
        };
        let store = Store::connect(&dsn, PATIENCE, SystemClock.now(), &SystemRandom).await?;
        let pace = Pace {
            batch: self.batch,
            pause: self.pause,
            keep_last: self.keep_last,
        };
        Ok(clean(&store, &SystemClock, pace).await?)
    }
}

/// Takes away what has expired.
pub async fn clean(store: &Store, clock: &dyn Clock, pace: Pace) -> Result<(), Error> {
    for what in Expiring::ALL {
        let at = clock.now() - pace.keep_last;
        let count = store.cleanup().expired(what, at, pace.batch).await?;
        tracing::debug!(table = what.table(), count, "deleted expired rows");
        tokio::time::sleep(pace.pause).await;
    }
    Ok(())
}
