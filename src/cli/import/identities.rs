//! `kratos import identities`: the command of the reference.
use super::batch::{self, Read};
use super::progress::Progress;
use super::report::Report;
use super::source::{self, Sources};
use super::state::State;
use super::{Bulk, watch};
use crate::cli::output::{self, Format};
use crate::cli::print;
use crate::cli::remote::client::{Admin, LONG};
use crate::cli::remote::shape::{self, Identity};
use crate::cli::remote::{Failed, RemoteArgs, block_on};
use crate::outbound::Method;
use serde_json::json;

/// Up to here each account gets a call of its own, and is shown whole.
const FEW: usize = batch::MOST;
const PATH: &str = "/admin/identities";

pub(super) fn run(remote: &RemoteArgs, files: &[String]) -> anyhow::Result<()> {
    if source::is_typed(files) {
        print::note(format_args!("reading accounts from standard input…"));
    }
    let format = remote.output().format()?;
    let admin = remote.admin()?;
    block_on(import(&admin, &format, Sources::new(files)?))
}

async fn import(admin: &Admin, format: &Format, mut sources: Sources) -> anyhow::Result<()> {
    let mut few = vec![];
    while few.len() <= FEW {
        let Some(read) = sources.next()? else {
            return singly(admin, format, few).await;
        };
        few.push(read);
    }
    sources.put_back(few);
    in_batches(admin, format, sources).await
}

async fn singly(admin: &Admin, format: &Format, few: Vec<Read>) -> anyhow::Result<()> {
    let mut made: Vec<Identity> = vec![];
    let mut failed = Failed::default();
    let mut progress = Progress::new(*format != Format::Quiet);
    let total = few.len() as u64;
    for (through, (place, json)) in (1..).zip(few) {
        let one = async {
            let body = json.map_err(anyhow::Error::msg)?.get().as_bytes().to_vec();
            let answer = admin.make(Method::POST, PATH, body, LONG).await?;
            Ok(admin.read(PATH, &answer)?)
        };
        made.extend(failed.or_note(&place.label(), one.await));
        progress.at(through, failed.count(), (through, Some(total)));
    }
    progress.clear();
    shape::show_some(format, made)?;
    failed.end()
}

async fn in_batches(admin: &Admin, format: &Format, sources: Sources) -> anyhow::Result<()> {
    let mut bulk = Bulk {
        sources,
        report: Report::new(None, false, 0, *format != Format::Quiet)?,
        state: State::new(None),
        through: 0,
        skip: 0,
        most: batch::MOST,
    };
    let mut ids = vec![];
    let end = bulk.all(admin, &watch(), |id| ids.push(id)).await;
    bulk.report.end()?;
    let (json, count) = (json!(ids), ids.len());
    let rows: Vec<_> = ids.into_iter().map(|id| vec![id]).collect();
    output::rows(format, &["ID"], rows, count, &json)?;
    bulk.conclude(end)
}
