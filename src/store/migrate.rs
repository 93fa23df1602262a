//! The tables, from nothing or from where the reference left them.
//!
//! `schema_migration` belongs to the reference: a complete database has exactly the rows that it would have written, so
//! that it may be taken back at any time (database.md §1.4). A new database gets the final shape at once and all those
//! rows; one that the reference has migrated is taken over as it stands; an older one has to be brought up by the
//! reference first. Indexes of our own are made wherever they are missing and recorded nowhere; migrations of our own, once
//! there are any, go into a table of our own.
mod versions;

pub use versions::Version;

use super::db::{Db, Dialect, Row, Transaction, built, sql};
use super::error::{Error, Result};
use std::collections::HashSet;
use std::fmt::Write as _;

/// One line of `migrate sql status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// 20 digits.
    pub version: &'static str,
    pub name: String,
    pub state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Applied,
    Pending,
    /// Would be undone by `down`: in plans only.
    Rollback,
}

impl State {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "Applied",
            Self::Pending => "Pending",
            Self::Rollback => "Rollback",
        }
    }
}

/// The newest version can be undone and done again, as the reference can; it makes one index.
const NEWEST: &str = "20260703000000000000";
const NEWEST_INDEX: &str = "courier_messages_status_created_at_idx";

/// Nothing here needs them, but the reference's migrations may, should the database be given back to it. Without
/// the right to make them one can live.
const EXTENSIONS: &str = "DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE EXTENSION IF NOT EXISTS btree_gin;
EXCEPTION WHEN OTHERS THEN NULL;
END $$";

/// All versions known for the database's engine, oldest first.
pub async fn status(db: &Db) -> Result<Vec<Status>> {
    let applied = if has_table(&mut db.conn(), "schema_migration").await? {
        let rows = db
            .conn()
            .fetch_all(sql("SELECT version FROM schema_migration"))
            .await?;
        texts(rows)?
    } else {
        HashSet::new()
    };
    Ok(statuses(db.dialect(), &applied))
}

/// True if nothing is pending: what readiness asks.
pub async fn is_complete(db: &Db) -> Result<bool> {
    Ok(status(db).await?.iter().all(|s| s.state == State::Applied))
}

/// What stands in the way of using the database.
///
/// # Errors
/// It has to be migrated, or it is too old for this program to do that.
pub async fn required(db: &Db) -> Result<()> {
    let missing = pending(status(db).await?);
    match missing.as_slice() {
        [] => Ok(()),
        all if all.len() == versions::of(db.dialect()).count() => Err(Error::NotMigrated),
        [one] if one.version == NEWEST => Err(Error::NotMigrated),
        [first, ..] => Err(too_old(first, missing.len())),
    }
}

/// Makes the indexes that the reference lacks, where they are missing: a database that the reference has made gets them at
/// the first start. A server without them is slow at deleting and nothing else, so that a failure is told and no more.
pub async fn own_indexes(db: &Db) {
    let Some(text) = own(db.dialect()) else {
        return;
    };
    let result = async {
        let there = sql("SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND name GLOB ?");
        let row = db.conn().fetch_optional(there.bind("own_*")).await?;
        let there = row.map(|mut row| row.get::<i64>()).transpose()?;
        // Nobody has to wait for the writer if there is nothing to write.
        if there == i64::try_from(text.matches("CREATE INDEX").count()).ok() {
            return Ok(());
        }
        db.run(text).await
    };
    if let Err(error) = result.await {
        tracing::warn!(%error, "indexes could not be made: to delete an identity will take long in a large database");
    }
}

fn pending(statuses: Vec<Status>) -> Vec<Status> {
    let pending = |s: &Status| s.state == State::Pending;
    statuses.into_iter().filter(pending).collect()
}

fn too_old(first: &Status, missing: usize) -> Error {
    Error::Schema(format!(
        "the database was last migrated by an older release: {missing} migrations are missing, beginning with {} ({}). \
         Bring it up once with the reference server's `kratos migrate sql` of July 2026 or later, then start this program",
        first.version, first.name
    ))
}

/// What `down` with so many steps would do, newest last.
#[must_use]
pub fn plan_down(mut status: Vec<Status>, steps: usize) -> Vec<Status> {
    status
        .iter_mut()
        .rev()
        .filter(|s| s.state == State::Applied)
        .take(steps)
        .for_each(|s| s.state = State::Rollback);
    status
}

/// The SQL that brings a version up, and down again, as far as this program knows it. The first version of an empty
/// database stands for all.
#[must_use]
pub fn content(dialect: Dialect, version: &str) -> (String, String) {
    let first = versions::of(dialect).next().map(|v| v.version);
    if Some(version) == first {
        let own = own(dialect).unwrap_or_default();
        (format!("{}{own}", baseline(dialect)), String::new())
    } else if version == NEWEST {
        (create_index(dialect), drop_index(dialect))
    } else {
        (String::new(), String::new())
    }
}

/// Brings the database to the newest version; nothing happens if it is there.
pub async fn up(db: &Db) -> Result<()> {
    let mut t = locked(db).await?;
    let result = up_in(&mut t, db.dialect()).await;
    unlock(&mut t, db.dialect()).await;
    result?;
    t.commit().await?;
    own_indexes(db).await;
    Ok(())
}

async fn up_in(t: &mut Transaction, dialect: Dialect) -> Result<()> {
    let applied = applied(t).await?;
    if applied.is_empty() {
        if dialect != Dialect::MySql && has_table(&mut t.conn(), "identities").await? {
            return Err(Error::Schema(
                "the database has tables but no record of migrations: restore `schema_migration`, or use an empty database".into(),
            ));
        }
        if dialect != Dialect::MySql && has_table(&mut t.conn(), "schema_migration").await? {
            t.raw("DROP TABLE schema_migration").await?;
        }
        if dialect == Dialect::Postgres {
            t.raw(EXTENSIONS).await?;
        }
        t.raw(baseline(dialect)).await?;
        let all: Vec<_> = versions::of(dialect).map(|v| v.version).collect();
        return record(t, &all).await;
    }
    let missing = pending(statuses(dialect, &applied));
    match missing.as_slice() {
        [] => {}
        [one] if one.version == NEWEST => {
            t.raw(&create_index(dialect)).await?;
            record(t, &[NEWEST]).await?;
        }
        [first, ..] => return Err(too_old(first, missing.len())),
    }
    // Rows of very old releases have 14 digits; the reference writes the long form beside them.
    let short: Vec<_> = versions::of(dialect)
        .map(|v| v.version)
        .filter(|v| !applied.contains(*v) && *v != NEWEST)
        .collect();
    record(t, &short).await
}

/// Undoes the newest versions. Only the newest of all can be undone here.
pub async fn down(db: &Db, steps: usize) -> Result<()> {
    let dialect = db.dialect();
    let mut t = locked(db).await?;
    let result = async {
        let applied = applied(&mut t).await?;
        let plan = plan_down(statuses(dialect, &applied), steps);
        let undone: Vec<_> = plan.iter().filter(|s| s.state == State::Rollback).collect();
        match undone.as_slice() {
            [] => Ok(()),
            [one] if one.version == NEWEST => {
                t.raw(&drop_index(dialect)).await?;
                let delete = sql("DELETE FROM schema_migration WHERE version = ?").bind(NEWEST);
                t.conn().execute(delete).await.map(|_| ())
            }
            _ => Err(Error::Schema(format!(
                "only version {NEWEST} can be undone by this program; go further back with the reference server's `kratos migrate sql down`"
            ))),
        }
    }
    .await;
    unlock(&mut t, dialect).await;
    result?;
    t.commit().await
}

/// A transaction during which nobody else migrates.
async fn locked(db: &Db) -> Result<Transaction> {
    let mut t = db.begin().await?;
    match db.dialect() {
        // A transaction of SQLite is the only writer; CockroachDB has no such locks.
        Dialect::Sqlite | Dialect::Cockroach => {}
        Dialect::Postgres => {
            let lock = sql("SELECT pg_advisory_xact_lock(7309450712044118785)");
            t.conn().fetch_optional(lock).await?;
        }
        Dialect::MySql => {
            let lock = sql("SELECT GET_LOCK('kratos_migrate', 120)");
            let held = match t.conn().fetch_optional(lock).await? {
                Some(mut row) => row.opt::<i64>()?,
                None => None,
            };
            if held != Some(1) {
                return Err(Error::unavailable(
                    "another process is migrating the database",
                ));
            }
        }
    }
    Ok(t)
}

async fn unlock(t: &mut Transaction, dialect: Dialect) {
    if dialect == Dialect::MySql {
        // If this fails the connection is gone, and the lock with it.
        let _ = t
            .conn()
            .fetch_optional(sql("SELECT RELEASE_LOCK('kratos_migrate')"))
            .await;
    }
}

async fn applied(t: &mut Transaction) -> Result<HashSet<String>> {
    if !has_table(&mut t.conn(), "schema_migration").await? {
        return Ok(HashSet::new());
    }
    texts(
        t.conn()
            .fetch_all(sql("SELECT version FROM schema_migration"))
            .await?,
    )
}

fn texts(rows: Vec<Row>) -> Result<HashSet<String>> {
    rows.into_iter().map(|mut row| row.get()).collect()
}

fn statuses(dialect: Dialect, applied: &HashSet<String>) -> Vec<Status> {
    versions::of(dialect)
        .map(|v| {
            let short = v.version.get(..14).unwrap_or(v.version);
            let is_applied = applied.contains(v.version) || applied.contains(short);
            Status {
                version: v.version,
                name: v.shown_name(dialect),
                state: if is_applied {
                    State::Applied
                } else {
                    State::Pending
                },
            }
        })
        .collect()
}

async fn record(t: &mut Transaction, versions: &[&str]) -> Result<()> {
    if versions.is_empty() {
        return Ok(());
    }
    // The versions are digits of ours.
    let mut text = String::from("INSERT INTO schema_migration (version, version_self) VALUES ");
    for (at, version) in versions.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}('{version}', 0)");
    }
    t.conn().execute(built(text)).await.map(|_| ())
}

async fn has_table(conn: &mut super::db::Conn<'_>, name: &'static str) -> Result<bool> {
    let question = match conn.dialect() {
        Dialect::Sqlite => {
            sql("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?")
        }
        Dialect::Postgres | Dialect::Cockroach => sql(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?",
        ),
        Dialect::MySql => sql(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
        ),
    };
    let row = conn.fetch_optional(question.bind(name)).await?;
    Ok(row
        .map(|mut row| row.get::<i64>())
        .transpose()?
        .unwrap_or(0)
        > 0)
}

fn baseline(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => include_str!("../../migrations/sqlite/0001_baseline.sql"),
        Dialect::Postgres | Dialect::Cockroach => {
            include_str!("../../migrations/postgres/0001_baseline.sql")
        }
        Dialect::MySql => include_str!("../../migrations/mysql/0001_baseline.sql"),
    }
}

/// Indexes of our own.
fn own(dialect: Dialect) -> Option<&'static str> {
    let is_sqlite = dialect == Dialect::Sqlite;
    is_sqlite.then_some(include_str!("../../migrations/sqlite/own_indexes.sql"))
}

fn create_index(dialect: Dialect) -> String {
    // MySQL has no such clause; there it fails if the index is there, as with the reference.
    let clause = if dialect == Dialect::MySql {
        ""
    } else {
        "IF NOT EXISTS "
    };
    format!("CREATE INDEX {clause}{NEWEST_INDEX} ON courier_messages (status, created_at)")
}

fn drop_index(dialect: Dialect) -> String {
    if dialect == Dialect::MySql {
        format!("DROP INDEX {NEWEST_INDEX} ON courier_messages")
    } else {
        format!("DROP INDEX IF EXISTS {NEWEST_INDEX}")
    }
}
