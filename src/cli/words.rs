//! What shells and readers want to know of the commands: completion scripts and man pages.
use super::{Cli, print};
use clap::{Args, Command, CommandFactory as _, ValueEnum};
use clap_complete::{Generator, Shell};
use std::io::Write as _;
use std::path::PathBuf;

/// Write a script that teaches a shell to complete our commands
///
/// For the shell that runs: `source <(kratos completion bash)`, the same with zsh; `kratos completion fish | source`.
/// For each new one: `kratos completion bash > /etc/bash_completion.d/kratos`,
/// `kratos completion zsh > "${fpath[1]}/_kratos"`, `kratos completion fish > ~/.config/fish/completions/kratos.fish`.
#[derive(Args, Clone, Debug)]
pub struct CompletionArgs {
    #[arg(value_name = "SHELL")]
    shell: Option<Kind>,
    /// Names alone, without what they mean
    #[arg(long)]
    no_descriptions: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Elvish,
}

impl CompletionArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let shell = match self.shell {
            None => return super::help(&["completion"]),
            Some(Kind::Bash) => Shell::Bash,
            Some(Kind::Zsh) => Shell::Zsh,
            Some(Kind::Fish) => Shell::Fish,
            Some(Kind::PowerShell) => Shell::PowerShell,
            Some(Kind::Elvish) => Shell::Elvish,
        };
        let mut command = Cli::command();
        if self.no_descriptions {
            command = silent(command);
        }
        command.set_bin_name("kratos");
        command.build();
        // In one piece: a generator takes a closed pipe ill.
        let mut script = vec![];
        shell.try_generate(&command, &mut script)?;
        print::out().write_all(&script)?;
        Ok(())
    }
}

fn silent(command: Command) -> Command {
    command
        .about(None::<&str>)
        .long_about(None::<&str>)
        .mut_args(|arg| arg.help(None::<&str>).long_help(None::<&str>))
        .mut_subcommands(silent)
}

/// Write the manual pages into a folder
///
/// One for each command: kratos.1, kratos-serve.1 and so on, for a folder as /usr/local/share/man/man1.
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// The folder; it is made if there is none
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl ManArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        clap_mangen::generate_to(Cli::command(), &self.folder)?;
        Ok(())
    }
}
