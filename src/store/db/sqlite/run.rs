//! One statement on one connection, and what its error means.
use super::super::row::Row;
use super::super::value::{Sql, Value};
use super::super::{Dialect, count, plans, times};
use crate::store::error::{Conflict, Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, ffi, types::Null};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

/// A new file is for its owner only, and so are those that SQLite makes beside it: they hold sessions and hashes.
pub(super) fn open(path: Option<&PathBuf>, journal: Option<&str>) -> Result<Connection> {
    if let Some(path) = path {
        // What is there keeps its rights. What cannot be made SQLite complains about below.
        let mut options = std::fs::OpenOptions::new();
        let _ = options.write(true).create_new(true).mode(0o600).open(path);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match path {
        Some(path) => Connection::open_with_flags(path, flags),
        None => Connection::open_in_memory_with_flags(flags),
    }
    .map_err(translate)?;
    connection.set_prepared_statement_cache_capacity(400);
    // Plans must not depend on values: those that do are made anew for each statement.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(translate)?;
    // Another process may be at it: opening is the one moment at which waiting inside is simplest.
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(translate)?;
    let journal = journal.unwrap_or("wal");
    // The cache holds the upper levels of the indexes of a million identities. Mapping the file into memory instead is
    // cheaper while nobody writes, and dearer as soon as somebody does: each change of another connection unmaps it.
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = {journal}; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA trusted_schema = OFF;"
        ))
        .map_err(translate)?;
    connection.busy_timeout(Duration::ZERO).map_err(translate)?;
    Ok(connection)
}

pub(super) fn query(connection: &Connection, sql: &Sql, scan: bool) -> Result<Vec<Row>> {
    if scan {
        blocking(|| rows_of(connection, sql))
    } else {
        rows_of(connection, sql)
    }
}

fn rows_of(connection: &Connection, sql: &Sql) -> Result<Vec<Row>> {
    count();
    let mut statement = prepared(connection, sql)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut out = vec![];
    while let Some(row) = rows.next().map_err(translate)? {
        let cells = (0..columns).map(|at| row.get_ref(at).map(cell).map_err(translate));
        out.push(Row::from(cells.collect::<Result<Vec<_>>>()?));
    }
    Ok(out)
}

/// Text that is no UTF-8, which any other program may put into a column, stays bytes.
fn cell(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::Value {
    use rusqlite::types::{Value, ValueRef};
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(text.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

pub(super) fn execute(connection: &Connection, sql: &Sql) -> Result<u64> {
    count();
    let mut statement = prepared(connection, sql)?;
    let rows = statement.raw_execute().map_err(translate)?;
    sql.judged(rows as u64)
}

pub(super) fn run(connection: &Connection, text: &str) -> Result<()> {
    count();
    connection.execute_batch(text).map_err(translate)
}

fn prepared<'c>(connection: &'c Connection, sql: &Sql) -> Result<rusqlite::CachedStatement<'c>> {
    if let Some(fault) = &sql.fault {
        return Err(Error::broken(format!("a value is no JSON: {fault}")));
    }
    plans::note(sql);
    let mut statement = connection
        .prepare_cached(&Dialect::Sqlite.spell(&sql.text))
        .map_err(translate)?;
    for (at, value) in sql.values.iter().enumerate() {
        bind(&mut statement, at + 1, value).map_err(translate)?;
    }
    Ok(statement)
}

fn bind(statement: &mut rusqlite::Statement<'_>, at: usize, value: &Value) -> rusqlite::Result<()> {
    let mut bind = |value: &dyn ToSql| statement.raw_bind_parameter(at, value);
    match value {
        Value::Bool(Some(value)) => bind(value),
        Value::Int(Some(value)) => bind(value),
        Value::Text(Some(value)) | Value::Json(Some(value)) => bind(value),
        Value::Bytes(Some(value)) => bind(value),
        Value::Document(value) => bind(&value.as_bytes()),
        Value::Uuid(Some(id)) => {
            let mut buffer = uuid::Uuid::encode_buffer();
            let text: &str = id.hyphenated().encode_lower(&mut buffer);
            bind(&text)
        }
        Value::Time(Some(at)) => bind(&times::sqlite_text(*at)),
        Value::Bool(None)
        | Value::Int(None)
        | Value::Text(None)
        | Value::Json(None)
        | Value::Bytes(None)
        | Value::Uuid(None)
        | Value::Time(None) => bind(&Null),
    }
}

/// Runs what may wait for a disk so that other tasks of this worker go on elsewhere meanwhile.
pub(super) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Another process holds a lock.
#[derive(Debug, thiserror::Error)]
#[error("another process keeps the database locked")]
struct Busy;

pub(super) fn is_busy(error: &Error) -> bool {
    matches!(error, Error::Unavailable(source) if source.is::<Busy>())
}

fn translate(error: rusqlite::Error) -> Error {
    let (code, message) = match error {
        rusqlite::Error::SqliteFailure(code, message) => (code, message),
        // Without the whole text of the statement.
        rusqlite::Error::SqlInputError { msg, .. } => return Error::broken(msg),
        error => return Error::Broken(Box::new(error)),
    };
    match (code.code, code.extended_code) {
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Error::unavailable(Busy),
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            let message = message.unwrap_or_default();
            let columns = message.rsplit(": ").next().unwrap_or_default();
            Error::Conflict(Conflict::named(columns))
        }
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Error::Dangling,
        (_, ffi::SQLITE_CONSTRAINT_CHECK) => Error::Refused("it is out of range"),
        (ErrorCode::TooBig, _) => Error::Refused("it is too long"),
        (
            ErrorCode::CannotOpen
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly,
            _,
        ) => Error::unavailable(rusqlite::Error::SqliteFailure(code, message)),
        _ => Error::Broken(Box::new(rusqlite::Error::SqliteFailure(code, message))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::sql;
    use rusqlite::StatementStatus;

    /// A partial index makes plans depend on values, unless that is forbidden.
    #[test]
    fn statements_are_compiled_once() -> Result<()> {
        let connection = open(None, None)?;
        run(
            &connection,
            "CREATE TABLE i (id TEXT PRIMARY KEY, nid TEXT, x TEXT);
             CREATE TABLE s (token TEXT PRIMARY KEY, nid TEXT, i TEXT);
             CREATE UNIQUE INDEX p ON i (nid, x) WHERE x = 'pending'",
        )?;
        let text =
            "SELECT * FROM s JOIN i ON i.id = s.i AND i.nid = s.nid WHERE s.token = ? AND i.x = ?";
        for value in ["a", "pending", "b"] {
            query(&connection, &sql(text).bind(value).bind(value), false)?;
        }
        let statement = connection.prepare_cached(text).map_err(translate)?;
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        assert_eq!(statement.get_status(StatementStatus::Run), 3);
        Ok(())
    }
}
