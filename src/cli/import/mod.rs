//! `kratos import`: files of any size into a server, in batches and in constant memory.
//!
//! What is through is counted in the order of the files. Whatever stops the command, it says where to go on
//! (`--skip`), and `--state` keeps that in a file, so that the same command goes on by itself. `import identities` is the
//! command of the reference: one call for each account and its answer shown, but batches for more than a thousand.
mod batch;
mod identities;
pub(super) mod items;
mod progress;
mod report;
pub(super) mod source;
mod state;

use super::output::{self, Format};
use super::remote::client::Admin;
use super::remote::{RemoteArgs, block_on};
use super::{Explained, print};
use batch::Batch;
use clap::{Args, Subcommand};
use report::Report;
use serde_json::json;
use source::Sources;
use state::State;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Import accounts from files of any size
///
/// A file holds JSON, as the admin API takes it to make an account: one on each line, or a list. Accounts are sent in
/// batches. Those that the server refuses are told with their line, and the rest goes on. When it is stopped, the command
/// says where to go on.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ImportArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    what: Option<ImportWhat>,
    #[command(flatten)]
    bulk: BulkArgs,
}

#[derive(Subcommand, Clone, Debug)]
enum ImportWhat {
    /// Import accounts and show each
    ///
    /// A file holds one account or a list, as the admin API takes it to make one; without a file standard input is read.
    /// More than a thousand accounts are sent in batches, and their ids shown.
    #[command(alias = "identity")]
    Identities {
        #[arg(value_name = "FILE")]
        files: Vec<String>,
    },
}

#[derive(Args, Clone, Debug)]
struct BulkArgs {
    /// Without a file, or with -, standard input is read
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Pass over so many accounts
    #[arg(long, default_value_t = 0)]
    skip: u64,
    /// So many accounts go together, at most 1000; with passwords that have to be hashed at most 200
    #[arg(long, default_value_t = batch::MOST)]
    batch_size: usize,
    /// Write those that are refused to a file: a line of JSON each
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Note in a file how far it got, and go on from there; at the end the file is deleted
    #[arg(long, value_name = "FILE", conflicts_with = "skip")]
    state: Option<PathBuf>,
}

impl ImportArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        if let Some(ImportWhat::Identities { files }) = &self.what {
            return identities::run(&self.remote, files);
        }
        let files: Vec<String> = match self.bulk.files.as_slice() {
            [dash] if dash == "-" => vec![],
            files if source::is_typed(files) => return super::help(&["import"]),
            files => files.to_vec(),
        };
        let format = self.remote.output().format()?;
        anyhow::ensure!(
            (1..=batch::MOST).contains(&self.bulk.batch_size),
            "--batch-size has to be 1 to {}",
            batch::MOST
        );
        let state = State::new(self.bulk.state.clone());
        let (skip, refused) = state.read()?.unwrap_or((self.bulk.skip, 0));
        let admin = self.remote.admin()?;
        let mut bulk = Bulk {
            sources: Sources::new(&files)?,
            report: Report::new(
                self.bulk.report.as_deref(),
                skip > 0,
                refused,
                format != Format::Quiet,
            )?,
            state,
            through: 0,
            skip,
            most: self.bulk.batch_size,
        };
        block_on(async { bulk.run(&admin, &format).await })
    }
}

/// An import on its way.
struct Bulk {
    sources: Sources,
    report: Report,
    state: State,
    /// All that were read and whose fate is known.
    through: u64,
    skip: u64,
    most: usize,
}

/// Why there is an end.
enum End {
    Done,
    /// Somebody pressed Control-C.
    Asked,
}

impl Bulk {
    async fn run(&mut self, admin: &Admin, format: &Format) -> anyhow::Result<()> {
        let asked = watch();
        let end = self.all(admin, &asked, |_| {}).await;
        self.report.end()?;
        let (created, refused) = (self.report.created, self.report.refused);
        let (skipped, next) = (self.skip.min(self.through), self.through);
        output::row(
            format,
            &["CREATED", "REFUSED", "SKIPPED", "NEXT"],
            [created, refused, skipped, next]
                .map(|number| number.to_string())
                .to_vec(),
            &json!({ "created": created, "refused": refused, "skipped": skipped, "next": next }),
        )?;
        self.conclude(end)
    }

    /// Says where to go on, if there is something left.
    fn conclude(&self, end: anyhow::Result<End>) -> anyhow::Result<()> {
        let problem = match end {
            Ok(End::Done) => {
                self.state.forget()?;
                return if self.report.refused == 0 {
                    Ok(())
                } else {
                    Err(Explained.into())
                };
            }
            Ok(End::Asked) => "stopped".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        print::note(format_args!("Error: {problem}"));
        let how = match self.state.path() {
            Some(path) => format!("the same command goes on there ({})", path.display()),
            None => format!("`kratos import --skip {}` goes on there", self.through),
        };
        print::note(format_args!("{} accounts are through; {how}", self.through));
        Err(Explained.into())
    }

    /// Reads and sends everything; `made` gets each id.
    async fn all(
        &mut self,
        admin: &Admin,
        asked: &AtomicBool,
        mut made: impl FnMut(String),
    ) -> anyhow::Result<End> {
        let mut batch = Batch::default();
        while let Some(read) = self.sources.next()? {
            if self.through < self.skip {
                self.through += 1;
                continue;
            }
            if !batch.takes(&read, self.most) {
                self.send(admin, std::mem::take(&mut batch), &mut made)
                    .await?;
                if asked.load(Ordering::Relaxed) {
                    return Ok(End::Asked);
                }
            }
            batch.push(read);
        }
        if !batch.is_empty() {
            self.send(admin, batch, &mut made).await?;
        }
        Ok(End::Done)
    }

    /// Sends a batch, and counts what is known of it as through.
    async fn send(
        &mut self,
        admin: &Admin,
        batch: Batch,
        made: &mut impl FnMut(String),
    ) -> anyhow::Result<()> {
        let (through, report) = (&mut self.through, &mut self.report);
        let end = batch
            .send(admin, |place, outcome| {
                *through += 1;
                if let Some(id) = report.tell(place, outcome)? {
                    made(id);
                }
                Ok(())
            })
            .await;
        self.report.keep()?;
        self.state.write(self.through, self.report.refused)?;
        self.report
            .progress
            .at(self.through, self.report.refused, self.sources.bytes());
        end
    }
}

/// The first Control-C ends the import behind the batch that is on its way, the second at once.
fn watch() -> Arc<AtomicBool> {
    let asked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&asked);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(1);
            }
            print::note(format_args!(
                "\nStopping behind this batch; press again to stop at once"
            ));
        }
    });
    asked
}
