//! `kratos hashers argon2 …` (config-cli.md §4.10): how long hashes take on this machine, and which costs to choose.
mod calibrate;
mod hash;
mod load_test;
mod text;

use super::ConfigArgs;
use super::output::OutputArgs;
use crate::config::duration;
use crate::config::secrets::Argon2;
use crate::config::size;
use crate::crypto::hash::argon2::Params;
use crate::crypto::hash::pool::cores;
use clap::{Args, Subcommand};
use std::time::Duration;

/// Work with password hashers
#[derive(Args, Clone, Debug)]
pub struct HashersArgs {
    #[command(subcommand)]
    family: Family,
}

#[derive(Subcommand, Clone, Debug)]
enum Family {
    /// Measure and choose the costs of argon2
    Argon2 {
        #[command(subcommand)]
        command: Command,
    },
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Hash some words and say how long each took; the hashes are not shown
    Hash {
        /// Words to hash; the configured costs count, unless a flag says otherwise
        #[arg(required = true)]
        passwords: Vec<String>,
        /// All at once instead of one after the other
        #[arg(long)]
        parallel: bool,
        #[command(flatten)]
        first: FirstCosts,
        #[command(flatten)]
        costs: Costs,
    },
    /// Log in as many people a minute as given, for twenty seconds, and say how long they waited
    LoadTest {
        /// How many people sign in in the busiest minute
        #[arg(value_name = "LOGINS_PER_MINUTE")]
        per_minute: u32,
        #[command(flatten)]
        first: FirstCosts,
        #[command(flatten)]
        costs: Costs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Search for costs that take the wanted time, then test them under load
    Calibrate {
        /// How many people sign in in the busiest minute
        #[arg(value_name = "LOGINS_PER_MINUTE")]
        per_minute: u32,
        #[command(flatten)]
        search: calibrate::Search,
        #[command(flatten)]
        costs: Costs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Args, Clone, Debug)]
struct FirstCosts {
    /// Passes over the memory [default: the configuration's, else 1]
    #[arg(long)]
    iterations: Option<u32>,
    /// Memory of one hash [default: the configuration's, else 128MB]
    #[arg(long, value_parser = size_flag)]
    memory: Option<u64>,
}

#[derive(Args, Clone, Debug)]
struct Costs {
    /// Lanes [default: the configuration's, else two for each processor]
    #[arg(long)]
    parallelism: Option<u32>,
    /// Bytes of the salt [default: the configuration's, else 16]
    #[arg(long)]
    salt_length: Option<u32>,
    /// Bytes of the key [default: the configuration's, else 32]
    #[arg(long)]
    key_length: Option<u32>,
    /// Memory that all hashes may take together [default: the configuration's, else 1GB]
    #[arg(long, value_parser = size_flag)]
    dedicated_memory: Option<u64>,
    /// How long a login should take at least [default: the configuration's, else 500ms]
    #[arg(long, value_parser = duration_flag)]
    min_duration: Option<Duration>,
    /// How much longer it may take [default: the configuration's, else 500ms]
    #[arg(long, value_parser = duration_flag)]
    expected_deviation: Option<Duration>,
    #[command(flatten)]
    config: ConfigArgs,
}

fn size_flag(text: &str) -> Result<u64, String> {
    size::parse(text).ok_or_else(|| "not a size such as 128MB".to_owned())
}

fn duration_flag(text: &str) -> Result<Duration, String> {
    let parsed = duration::parse(text).and_then(|d| Duration::try_from(d).ok());
    parsed.ok_or_else(|| "not a duration such as 500ms".to_owned())
}

/// What is measured, flags and configuration taken together.
#[derive(Clone, Copy, Debug)]
struct Settings {
    params: Params,
    min_duration: Duration,
    deviation: Duration,
    /// Bytes.
    dedicated_memory: u64,
    /// Hashes at a time.
    at_once: usize,
}

impl Costs {
    fn settings(&self, configured: &Argon2) -> Settings {
        let mut params = Params::from(configured);
        params.parallelism = self.parallelism.unwrap_or(params.parallelism);
        params.salt_length = self.salt_length.unwrap_or(params.salt_length);
        params.key_length = self.key_length.unwrap_or(params.key_length);
        let or = |flag: Option<Duration>, file: time::Duration| {
            flag.unwrap_or_else(|| Duration::try_from(file).unwrap_or_default())
        };
        Settings {
            params,
            min_duration: or(self.min_duration, configured.expected_duration),
            deviation: or(self.expected_deviation, configured.expected_deviation),
            dedicated_memory: self.dedicated_memory.unwrap_or(configured.dedicated_memory),
            at_once: cores(),
        }
    }
}

impl FirstCosts {
    fn apply(&self, settings: &mut Settings) {
        let params = &mut settings.params;
        params.iterations = self.iterations.unwrap_or(params.iterations);
        if let Some(memory) = self.memory {
            params.memory_kib = kib(memory);
        }
    }
}

fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes / 1024).unwrap_or(u32::MAX)
}

impl HashersArgs {
    /// Where the configuration is that gives the defaults.
    #[must_use]
    pub fn config(&self) -> &ConfigArgs {
        let Family::Argon2 { command } = &self.family;
        match command {
            Command::Hash { costs, .. }
            | Command::LoadTest { costs, .. }
            | Command::Calibrate { costs, .. } => &costs.config,
        }
    }

    /// Does it. `configured` is `hashers.argon2` of the configuration, or its defaults.
    pub fn run(&self, configured: &Argon2) -> anyhow::Result<()> {
        let Family::Argon2 { command } = &self.family;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        match command {
            Command::Hash {
                passwords,
                parallel,
                first,
                costs,
            } => {
                let mut settings = costs.settings(configured);
                first.apply(&mut settings);
                runtime.block_on(hash::run(settings, passwords, *parallel))
            }
            Command::LoadTest {
                per_minute,
                first,
                costs,
                output,
            } => {
                let mut settings = costs.settings(configured);
                first.apply(&mut settings);
                let output = (&output.format()?, output.is_quiet());
                runtime.block_on(load_test::run(settings, *per_minute, output))
            }
            Command::Calibrate {
                per_minute,
                search,
                costs,
                output,
            } => {
                let settings = costs.settings(configured);
                let output = (&output.format()?, output.is_quiet());
                runtime.block_on(calibrate::run(settings, search, *per_minute, output))
            }
        }
    }
}
