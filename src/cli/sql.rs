//! The commands that speak to the database alone: what they take. What they do is in `migrate.rs`, `phones.rs` and
//! `cleanup.rs`.
use super::cleanup::{self, Pace};
use super::migrate::{self, Console};
use super::output::OutputArgs;
use super::phones::PhoneArgs;
use super::print;
use super::source::{self, DsnArgs};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::random::SystemRandom;
use crate::config::dsn::Dsn;
use crate::config::duration;
use crate::store::{Db, Store};
use clap::{Args, CommandFactory as _, Subcommand};
use std::io::{BufReader, Write as _, stdin};
use std::time::Duration;

/// A server that is starting up itself gets so long.
const PATIENCE: Duration = Duration::from_mins(5);

/// Bring the database to the shape that this version needs
#[derive(Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct MigrateArgs {
    #[command(subcommand)]
    family: MigrateFamily,
}

#[derive(Subcommand, Clone, Debug)]
enum MigrateFamily {
    /// Migrate an SQL database; without a further word the same as `up`
    #[command(args_conflicts_with_subcommands = true)]
    Sql {
        #[command(subcommand)]
        command: Option<Command>,
        #[command(flatten)]
        up: Up,
    },
    NormalizePhoneNumbers(PhoneArgs),
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Apply everything that is pending
    Up(Up),
    /// Undo the newest migrations
    Down(Down),
    /// Show which migrations are applied and which are pending
    Status(Status),
}

#[derive(Args, Clone, Debug)]
struct Up {
    #[command(flatten)]
    dsn: DsnArgs,
    /// Do not ask before anything is changed
    #[arg(short, long)]
    yes: bool,
}

#[derive(Args, Clone, Debug)]
struct Down {
    #[command(flatten)]
    dsn: DsnArgs,
    /// Do not ask before anything is changed
    #[arg(short, long)]
    yes: bool,
    /// How many to undo, the newest first; 0 only shows the plan, and fails. This version can undo one
    #[arg(long, default_value_t = 0)]
    steps: usize,
}

#[derive(Args, Clone, Debug)]
struct Status {
    #[command(flatten)]
    dsn: DsnArgs,
    /// Wait until nothing is pending
    #[arg(long)]
    block: bool,
    #[command(flatten)]
    output: OutputArgs,
}

impl MigrateArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let (command, up) = match &self.family {
            MigrateFamily::Sql { command, up } => (command, up),
            MigrateFamily::NormalizePhoneNumbers(args) => return runtime()?.block_on(args.run()),
        };
        let mut input = BufReader::new(stdin());
        let (mut out, mut notes) = (print::out(), print::notes());
        let mut console = Console {
            input: &mut input,
            out: &mut out,
            notes: &mut notes,
        };
        runtime()?.block_on(async {
            match command {
                None => {
                    print::note(format_args!(
                        "`migrate sql` is the old name of `migrate sql up`."
                    ));
                    let db = connect(&up.dsn, &["migrate", "sql"]).await?;
                    migrate::up(&db, up.yes, &mut console).await?;
                }
                Some(Command::Up(up)) => {
                    let db = connect(&up.dsn, &["migrate", "sql", "up"]).await?;
                    migrate::up(&db, up.yes, &mut console).await?;
                }
                Some(Command::Down(down)) => {
                    let dsn = named(&down.dsn, &["migrate", "sql", "down"])?;
                    if let Some(path) = source::absent(&dsn) {
                        anyhow::bail!("there is no database {}", path.display());
                    }
                    let db = connect_to(&dsn).await?;
                    migrate::down(&db, down.steps, down.yes, &mut console).await?;
                }
                Some(Command::Status(status)) => {
                    let format = status.output.format()?;
                    let dsn = named(&status.dsn, &["migrate", "sql", "status"])?;
                    while status.block && source::absent(&dsn).is_some() {
                        print::note(format_args!("Waiting for the database to be made..."));
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    let db = connect_to(&existing(dsn)).await?;
                    migrate::status(&db, &format, status.block, &mut console).await?;
                }
            }
            Ok(())
        })
    }
}

/// Take away what has expired
#[derive(Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct CleanupArgs {
    #[command(subcommand)]
    family: CleanupFamily,
}

#[derive(Subcommand, Clone, Debug)]
enum CleanupFamily {
    /// Delete one batch of expired rows from each table of an SQL database
    ///
    /// The database is the one given, or that of the variable DSN or of `dsn` in a file of -c. Between the eight tables
    /// the command pauses, so that a busy database can breathe: with the usual pause it takes eight minutes.
    Sql {
        #[command(flatten)]
        dsn: DsnArgs,
        /// Pause behind each table, the last one included; 0s for none
        #[arg(long = "database.cleanup.sleep.tables", default_value = "1m", value_parser = span)]
        pause: Duration,
        /// At most so many rows of each table
        #[arg(short, long = "database.cleanup.batch_size", default_value_t = 100)]
        batch: u32,
        /// Rows that expired no longer ago than this stay
        #[arg(long, default_value = "0s", value_parser = span)]
        keep_last: Duration,
    },
}

impl CleanupArgs {
    /// Failures are told on stdout, as the reference does.
    pub fn run(&self) -> anyhow::Result<()> {
        let CleanupFamily::Sql {
            dsn,
            pause,
            batch,
            keep_last,
        } = &self.family;
        let pace = Pace {
            batch: *batch,
            pause: *pause,
            keep_last: *keep_last,
        };
        let done = runtime()?.block_on(async {
            let how = dsn.migration();
            let Some(dsn) = dsn.read_anyway()? else {
                return Err(explained(&["cleanup", "sql"], &dsn.complaint(true)));
            };
            if let Some(path) = source::absent(&dsn) {
                return Err(source::no_file(path, &how));
            }
            let store = Store::connect(&dsn, PATIENCE, SystemClock.now(), &SystemRandom).await;
            let store = store.map_err(|error| source::advised(error, &how))?;
            Ok(cleanup::run(&store, &SystemClock, pace).await?)
        });
        done.map_err(|error| {
            if error.is::<super::Explained>() {
                return error;
            }
            // If even that cannot be written there is the exit state.
            let _ = print::result(format_args!("{error:#}"));
            super::Explained.into()
        })
    }
}

pub(super) fn span(text: &str) -> Result<Duration, String> {
    let parsed = duration::parse(text).and_then(|d| Duration::try_from(d).ok());
    parsed.ok_or_else(|| "not a duration such as 1m".to_owned())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

/// Connects. Without a database the command is explained on stdout, and the exit state is 1.
async fn connect(args: &DsnArgs, command: &[&str]) -> anyhow::Result<Db> {
    connect_to(&named(args, command)?).await
}

pub(super) fn named(args: &DsnArgs, command: &[&str]) -> anyhow::Result<Dsn> {
    args.read()?
        .ok_or_else(|| explained(command, &args.complaint(false)))
}

pub(super) async fn connect_to(dsn: &Dsn) -> anyhow::Result<Db> {
    let db = Db::connect(dsn, PATIENCE).await?;
    tracing::info!(database = %dsn, "connected to the database");
    Ok(db)
}

/// The database, or an empty one in memory in the place of a file that does not exist: who only looks makes no file.
fn existing(dsn: Dsn) -> Dsn {
    let Some(path) = source::absent(&dsn) else {
        return dsn;
    };
    print::note(format_args!(
        "There is no database {}: shown is what it would lack.",
        path.display()
    ));
    Dsn::memory()
}

/// Help on stdout, as the reference has it there, with what is missing behind it.
fn explained(command: &[&str], complaint: &str) -> anyhow::Error {
    let mut cli = super::Cli::command();
    cli.build();
    let found = command
        .iter()
        .try_fold(&mut cli, |at, name| at.find_subcommand_mut(name));
    let help = found.map(|command| command.render_long_help().to_string());
    // Nobody may be reading; that it failed says the exit code.
    let _ = write!(
        print::out(),
        "{}\nError: {complaint}\n",
        help.unwrap_or_default()
    );
    super::Explained.into()
}
