//! `migrate sql`: what it shows and asks (config-cli.md §4.5). What it does is in `store::migrate`.
//!
//! Results go to `out`, hints and progress to `notes`, as scripts that read the one do not want the other.
use super::output::{self, Format};
use crate::store::migrate::{self, State, Status};
use crate::store::{Db, Error};
use std::io::{self, BufRead, Write};
use std::time::Duration;

const HEADER: [&str; 3] = ["Version", "Name", "Status"];

/// Where a command reads answers and writes results and hints.
pub struct Console<'a> {
    pub input: &'a mut (dyn BufRead + Send),
    pub out: &'a mut (dyn Write + Send),
    pub notes: &'a mut (dyn Write + Send),
}

/// Why a command fails; the exit state is then 1.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Store(#[from] Error),
    #[error("{0}")]
    Input(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Shows the plan, asks unless `yes`, and brings the database to the newest version. "No" is a success.
pub async fn up(db: &Db, yes: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let plan = migrate::status(db).await?;
    let pending: Vec<_> = plan.iter().filter(|s| s.state == State::Pending).collect();
    show_plan(&plan, console.out)?;
    if pending.is_empty() {
        writeln!(console.notes, "Nothing is pending.")?;
        return success(console.out);
    }
    writeln!(console.out, "\nThe SQL that is going to be run:\n")?;
    for one in &pending {
        let (content, _) = migrate::content(db.dialect(), one.version);
        show_statements(one, &content, console.out)?;
    }
    if !yes && !confirmed(console)? {
        return aborted(console.out);
    }
    match migrate::up(db).await {
        Ok(()) => {
            writeln!(console.notes, "{} migrations applied.", pending.len())?;
            success(console.out)
        }
        Err(error) => failed(error, console.out),
    }
}

/// Shows the plan, asks unless `yes`, and undoes so many versions. Zero shows the plan and fails.
pub async fn down(
    db: &Db,
    steps: usize,
    yes: bool,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let plan = migrate::plan_down(migrate::status(db).await?, steps);
    show_plan(&plan, console.out)?;
    if steps == 0 {
        return Err(Failure::Input(
            "say with --steps how many migrations to undo, at least 1".into(),
        ));
    }
    writeln!(console.out, "\nThe SQL that is going to be run:\n")?;
    for one in plan.iter().rev().filter(|s| s.state == State::Rollback) {
        let (_, content) = migrate::content(db.dialect(), one.version);
        show_statements(one, &content, console.out)?;
    }
    if !yes && !confirmed(console)? {
        return aborted(console.out);
    }
    match migrate::down(db, steps).await {
        Ok(()) => success(console.out),
        Err(error) => failed(error, console.out),
    }
}

/// Shows all versions and their state. With `block` it first waits until nothing is pending.
pub async fn status(
    db: &Db,
    format: &Format,
    block: bool,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    loop {
        let status = migrate::status(db).await?;
        let pending: Vec<_> = status
            .iter()
            .filter(|s| s.state == State::Pending)
            .map(|s| s.name.as_str())
            .collect();
        if !block || pending.is_empty() {
            return show(db, &status, format, console.out);
        }
        writeln!(console.notes, "Waiting for migrations to finish...")?;
        for name in pending {
            writeln!(console.notes, "- {name}")?;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn show(db: &Db, status: &[Status], format: &Format, out: &mut dyn Write) -> anyhow::Result<()> {
    let one = |s: &Status| {
        let (content, content_down) = migrate::content(db.dialect(), s.version);
        serde_json::json!({
            "state": s.state.word(), "version": s.version, "name": s.name,
            "content": content, "content_down": content_down,
        })
    };
    let json = status.iter().map(one).collect();
    output::rows_to(out, format, &HEADER, rows(status), status.len(), &json)
}

fn show_plan(plan: &[Status], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "What is going to happen:")?;
    out.write_all(table(plan).as_bytes())
}

fn show_statements(one: &Status, content: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "------------ {} - {} ------------",
        one.version, one.name
    )?;
    if content.is_empty() {
        // Its work is part of the first one's.
        return writeln!(out);
    }
    writeln!(out, "{content}\n")
}

fn success(out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(
        out,
        "------------ SUCCESS ------------\nThe database is as planned."
    )?;
    Ok(())
}

fn aborted(out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(
        out,
        "------------ WARNING ------------\nNothing was changed."
    )?;
    Ok(())
}

fn failed(error: Error, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "------------ ERROR ------------")?;
    Err(error.into())
}

fn confirmed(console: &mut Console<'_>) -> Result<bool, Failure> {
    writeln!(console.notes, "To skip this question, give the flag --yes.")?;
    loop {
        write!(console.out, "Carry it out? [y/n]: ")?;
        console.out.flush()?;
        let mut answer = String::new();
        if console.input.read_line(&mut answer)? == 0 {
            return Err(Failure::Input(
                "nobody answers: standard input is closed".into(),
            ));
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => {}
        }
    }
}

fn table(status: &[Status]) -> String {
    let mut lines = vec![HEADER.map(str::to_owned).to_vec()];
    lines.extend(rows(status));
    output::aligned(&lines)
}

fn rows(status: &[Status]) -> Vec<Vec<String>> {
    let cells = |s: &Status| vec![s.version.to_owned(), s.name.clone(), s.state.word().into()];
    status.iter().map(cells).collect()
}
