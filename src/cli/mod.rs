//! The command line (config-cli.md §4): reading it, running one command, exit states.
//!
//! 0 is success, 1 every failure, mistakes in the command line itself included. Results go to stdout, logs and errors
//! to stderr. Each command has its file; its `Args` say what it takes.
pub mod cleanup;
pub mod courier;
pub mod hashers;
pub mod import;
pub mod jsonnet;
pub mod migrate;
mod order;
pub mod output;
mod phones;
mod print;
pub mod remote;
pub mod serve;
mod source;
pub mod sql;
pub mod validate;
pub mod version;
pub mod words;
pub mod zero_config;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

/// An identity server: sign-up, sign-in, sessions and accounts over one SQL store.
#[derive(Debug, Parser)]
#[command(name = "kratos", disable_version_flag = true, max_term_width = 100)]
struct Cli {
    /// Show version, commit and build time
    #[arg(short = 'V', long)]
    version: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Courier(courier::CourierArgs),
    Migrate(sql::MigrateArgs),
    Cleanup(sql::CleanupArgs),
    Hashers(hashers::HashersArgs),
    Get(remote::GetArgs),
    #[command(alias = "ls")]
    List(remote::ListArgs),
    Delete(remote::DeleteArgs),
    Import(import::ImportArgs),
    Validate(validate::ValidateArgs),
    Remote(remote::AskArgs),
    Format(jsonnet::FormatArgs),
    Lint(jsonnet::LintArgs),
    Completion(words::CompletionArgs),
    Man(words::ManArgs),
    /// Show version, commit and build time
    Version,
}

/// Where the configuration is.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// A configuration file (.yaml, .yml, .json, .toml) or a folder of them; may be repeated or hold several with
    /// commas between, later ones win
    #[arg(short = 'c', long = "config", value_name = "PATH")]
    pub config: Vec<String>,
}

/// A failure whose reason is on the screen already.
#[derive(Debug, thiserror::Error)]
#[error("explained")]
struct Explained;

/// Reads the command line, does what it says, and gives the exit state.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // A child of a server, and what other programs run. These are no commands for people, and none that shells should
    // complete.
    match arguments.get(1) {
        Some(word) if word == crate::jsonnet::COMMAND => {
            return shown(crate::jsonnet::run_child());
        }
        Some(word) if word == "jsonnet" => {
            return match jsonnet::EvaluateArgs::try_parse_from(arguments.iter().skip(1)) {
                Ok(args) => ended(args.run()),
                Err(error) => explain(&error),
            };
        }
        _ => {}
    }
    let root = Cli::command();
    let arguments = order::plain_switches(&root, order::flags_last(&root, arguments));
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let command = match cli.command {
        _ if cli.version => Command::Version,
        Some(command) => command,
        None => {
            return shown(write!(
                print::out(),
                "{}",
                Cli::command().render_long_help()
            ));
        }
    };
    crate::outbound::tls::install_provider();
    let done = match command {
        Command::Serve(args) => args.run(),
        Command::Courier(args) => args.run(),
        Command::Migrate(args) => args.run(),
        Command::Cleanup(args) => args.run(),
        Command::Hashers(args) => hash(&args),
        Command::Get(args) => args.run(),
        Command::List(args) => args.run(),
        Command::Delete(args) => args.run(),
        Command::Import(args) => args.run(),
        Command::Validate(args) => args.run(),
        Command::Remote(args) => args.run(),
        Command::Format(args) => args.run(),
        Command::Lint(args) => args.run(),
        Command::Completion(args) => args.run(),
        Command::Man(args) => args.run(),
        Command::Version => version::run(),
    };
    crate::telemetry::logs::flush();
    ended(done)
}

fn ended(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Explained>() => ExitCode::FAILURE,
        Err(error) => {
            print::note(format_args!("Error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn hash(args: &hashers::HashersArgs) -> anyhow::Result<()> {
    let config = source::unchecked(&source::source(args.config()))?;
    args.run(&config.hashers.argon2)
}

/// What `--help` would show: for a command whose family needs one more word.
fn help(words: &[&str]) -> anyhow::Result<()> {
    let arguments = ["kratos"].iter().chain(words).chain(&["--help"]);
    if let Err(help) = Cli::command().try_get_matches_from(arguments) {
        write!(print::out(), "{}", help.render())?;
    }
    Ok(())
}

/// Help goes to stdout and is a success; everything else goes to stderr and is none.
fn explain(error: &clap::Error) -> ExitCode {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if is_help {
        return shown(write!(print::out(), "{}", error.render()));
    }
    // Nothing can be said where even that fails.
    let _ = write!(print::notes(), "{}", error.render());
    ExitCode::FAILURE
}

fn shown(written: std::io::Result<()>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
