//! `kratos migrate sql …` (config-cli.md §4.5): what would be done, the question, doing it.
use super::output::{self, Format};
use super::source::DsnArgs;
use crate::store::migrate::{self, State, Status};
use crate::store::{Db, Dialect};
use anyhow::bail;
use clap::{Args, CommandFactory as _, Subcommand};
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _};
use std::time::Duration;

/// A server that is starting up itself gets so long.
const PATIENCE: Duration = Duration::from_secs(300);

/// Bring the database to the shape that this version needs
#[derive(Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct MigrateArgs {
    #[command(subcommand)]
    family: Family,
}

#[derive(Subcommand, Clone, Debug)]
enum Family {
    /// Migrate an SQL database; without a further word the same as `up`
    #[command(args_conflicts_with_subcommands = true)]
    Sql {
        #[command(subcommand)]
        command: Option<Command>,
        #[command(flatten)]
        up: Up,
    },
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Apply everything that is pending
    Up(Up),
    /// Undo the newest migrations
    Down(Down),
    /// Show which migrations are applied and which are pending
    Status(StatusArgs),
}

#[derive(Args, Clone, Debug)]
struct Up {
    #[command(flatten)]
    dsn: DsnArgs,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Args, Clone, Debug)]
struct Down {
    #[command(flatten)]
    dsn: DsnArgs,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// How many to undo
    #[arg(long, default_value_t = 0)]
    steps: usize,
}

#[derive(Args, Clone, Debug)]
struct StatusArgs {
    #[command(flatten)]
    dsn: DsnArgs,
    /// Wait until nothing is pending
    #[arg(long)]
    block: bool,
    #[command(flatten)]
    format: Format,
}

impl MigrateArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let Family::Sql { command, up } = &self.family;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            match command {
                None => {
                    eprintln!("`migrate sql` is the old name of `migrate sql up`.");
                    self::up(up).await
                }
                Some(Command::Up(up)) => self::up(up).await,
                Some(Command::Down(down)) => self::down(down).await,
                Some(Command::Status(status)) => self::status(status).await,
            }
        })
    }
}

/// Connects. Without a database the command is explained on stdout, and the exit state is 1.
async fn connect(args: &DsnArgs, command: &str) -> anyhow::Result<Db> {
    let Some(dsn) = args.read()? else {
        let mut cli = super::Cli::command();
        let sub = ["migrate", "sql", command]
            .iter()
            .try_fold(&mut cli, |at, name| at.find_subcommand_mut(name));
        if let Some(sub) = sub {
            print!("{}", sub.render_long_help());
        }
        return Err(super::Explained.into());
    };
    let db = Db::connect(&dsn, PATIENCE).await?;
    tracing::info!(database = %dsn, "connected to the database");
    Ok(db)
}

async fn up(args: &Up) -> anyhow::Result<()> {
    let db = connect(&args.dsn, "up").await?;
    let plan = migrate::status(&db).await?;
    show_plan(&plan, db.dialect(), State::Pending)?;
    if !agreed(args.yes)? {
        return Ok(());
    }
    finish(migrate::up(&db).await, "Successfully applied migrations!")
}

async fn down(args: &Down) -> anyhow::Result<()> {
    let db = connect(&args.dsn, "down").await?;
    let plan = migrate::plan_down(migrate::status(&db).await?, args.steps);
    show_plan(&plan, db.dialect(), State::Rollback)?;
    if args.steps == 0 {
        bail!("nothing is undone unless --steps says how many");
    }
    if !agreed(args.yes)? {
        return Ok(());
    }
    finish(
        migrate::down(&db, args.steps).await,
        "Successfully rolled back migrations!",
    )
}

async fn status(args: &StatusArgs) -> anyhow::Result<()> {
    let db = connect(&args.dsn, "status").await?;
    let mut all = migrate::status(&db).await?;
    while args.block && all.iter().any(|s| s.state == State::Pending) {
        println!("Waiting for migrations to finish...");
        for pending in all.iter().filter(|s| s.state == State::Pending) {
            println!(" - {}", pending.name);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        all = migrate::status(&db).await?;
    }
    let entry = |s: &Status| {
        let (content, content_down) = migrate::content(db.dialect(), s.version);
        json!({
            "state": s.state.word(),
            "version": s.version,
            "name": s.name,
            "content": content,
            "content_down": content_down,
        })
    };
    let json = || Value::Array(all.iter().map(entry).collect());
    output::list(&args.format, HEADINGS, &cells(&all), json)
}

const HEADINGS: &[&str] = &["Version", "Name", "Status"];

fn cells(all: &[Status]) -> Vec<Vec<String>> {
    let row = |s: &Status| {
        vec![
            s.version.to_owned(),
            s.name.clone(),
            s.state.word().to_owned(),
        ]
    };
    all.iter().map(row).collect()
}

/// The table, then the SQL of what will be done.
fn show_plan(plan: &[Status], dialect: Dialect, doing: State) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "The migration plan is as follows:\n")?;
    out.write_all(output::table(HEADINGS, &cells(plan)).as_bytes())?;
    writeln!(
        out,
        "\nThe SQL statements to be executed from top to bottom are:\n"
    )?;
    for step in plan.iter().filter(|s| s.state == doing) {
        let (up, down) = migrate::content(dialect, step.version);
        let text = if doing == State::Rollback { down } else { up };
        if text.is_empty() {
            continue;
        }
        writeln!(
            out,
            "------------ {} - {} ------------\n{text}\n",
            step.version, step.name
        )?;
    }
    Ok(())
}

/// Asks, unless told not to. A no is no failure; an end of the input is one.
fn agreed(yes: bool) -> anyhow::Result<bool> {
    if yes {
        return Ok(true);
    }
    eprintln!("With --yes this is not asked.");
    let mut input = std::io::stdin().lock();
    loop {
        print!("Do you wish to execute this migration plan? [y/n]: ");
        std::io::stdout().flush()?;
        let mut answer = String::new();
        if input.read_line(&mut answer)? == 0 {
            println!();
            bail!("Unable to confirm: unable to read from stdin: EOF");
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "n" | "no" => {
                println!("------------ WARNING ------------\nMigration aborted.");
                return Ok(false);
            }
            _ => {}
        }
    }
}

fn finish(done: crate::store::Result<()>, words: &str) -> anyhow::Result<()> {
    match done {
        Ok(()) => {
            println!("------------ SUCCESS ------------\n{words}");
            Ok(())
        }
        Err(error) => {
            println!("------------ ERROR ------------");
            Err(error.into())
        }
    }
}
