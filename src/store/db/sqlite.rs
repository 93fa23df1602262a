//! SQLite through rusqlite, on the worker that asks: a read by key takes microseconds, less than handing it over.
//!
//! One connection writes; whoever wants to write stands in line for it, so nobody ever sees "database is locked" from
//! our own process. Writers that wait while another one syncs to disk are carried out together with one sync.
//! Other processes are waited for without blocking the worker. What was acknowledged survives power loss.
use super::value::{Sql, Value};
use super::{Dialect, count, times};
use crate::config::dsn;
use crate::store::error::{Conflict, Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, ffi, types::Null};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore, oneshot};

use super::row::Row;

pub(super) struct Files {
    path: Option<PathBuf>,
    journal: Option<String>,
    busy_timeout: Duration,
    writer: Arc<AsyncMutex<Connection>>,
    /// Writes that wait for the writer.
    queue: Mutex<Vec<Job>>,
    /// `None` in memory, where there is but the one connection.
    readers: Option<Readers>,
}

struct Readers {
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// Statements that are carried out together or not at all.
struct Job {
    statements: Vec<Sql>,
    done: oneshot::Sender<Result<Vec<u64>>>,
}

impl Files {
    pub(super) async fn open(dsn: &dsn::Sqlite) -> Result<Self> {
        let writer = open(dsn.path.as_ref(), dsn.journal.as_deref())?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let readers = dsn.path.is_some().then(|| Readers {
            permits: Semaphore::new((cores * 2).max(4)),
            idle: Mutex::default(),
        });
        let files = Self {
            path: dsn.path.clone(),
            journal: dsn.journal.clone(),
            busy_timeout: dsn.busy_timeout,
            writer: Arc::new(AsyncMutex::new(writer)),
            queue: Mutex::default(),
            readers,
        };
        // A file that is no database is found now and not at the first request.
        files
            .fetch(
                &super::value::sql("SELECT COUNT(*) FROM sqlite_master"),
                false,
            )
            .await?;
        Ok(files)
    }

    /// All rows; `scan` says that there may be many.
    pub(super) async fn fetch(&self, sql: &Sql, scan: bool) -> Result<Vec<Row>> {
        let start = Instant::now();
        let mut pause = Pause::new(self.busy_timeout, start);
        loop {
            match self.fetch_once(sql, scan).await {
                Err(e) if is_busy(&e) => pause.wait().await?,
                other => return other,
            }
        }
    }

    async fn fetch_once(&self, sql: &Sql, scan: bool) -> Result<Vec<Row>> {
        let Some(readers) = &self.readers else {
            return query(&*self.writer.lock().await, sql, scan);
        };
        let _permit = readers
            .permits
            .acquire()
            .await
            .map_err(|_| Error::unavailable("the store is closed"))?;
        let connection = lock(&readers.idle).pop();
        let connection = match connection {
            Some(connection) => connection,
            None => blocking(|| open(self.path.as_ref(), self.journal.as_deref()))?,
        };
        let rows = query(&connection, sql, scan);
        lock(&readers.idle).push(connection);
        rows
    }

    /// Carries out the statements together or not at all, and says how many rows each has touched.
    pub(super) async fn write(&self, statements: Vec<Sql>) -> Result<Vec<u64>> {
        let (done, mut result) = oneshot::channel();
        lock(&self.queue).push(Job { statements, done });
        let mut writer = tokio::select! {
            biased;
            answer = &mut result => return answer.unwrap_or_else(|_| Err(lost())),
            writer = self.writer.lock() => writer,
        };
        if let Ok(answer) = result.try_recv() {
            return answer;
        }
        self.begin(&mut writer).await?;
        let jobs = std::mem::take(&mut *lock(&self.queue));
        blocking(|| carry_out(&writer, jobs));
        drop(writer);
        result.await.unwrap_or_else(|_| Err(lost()))
    }

    /// The writer with a transaction open on it.
    pub(super) async fn transaction(&self) -> Result<Writing> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        self.begin(&mut writer).await?;
        Ok(Writing { writer, open: true })
    }

    async fn begin(&self, writer: &mut Connection) -> Result<()> {
        let mut pause = Pause::new(self.busy_timeout, Instant::now());
        loop {
            match run(writer, "BEGIN IMMEDIATE") {
                Err(e) if is_busy(&e) => pause.wait().await?,
                other => return other,
            }
        }
    }
}

/// The one writer while a transaction is open; rolled back when dropped.
pub(super) struct Writing {
    writer: OwnedMutexGuard<Connection>,
    open: bool,
}

impl Writing {
    pub(super) fn fetch(&self, sql: &Sql, scan: bool) -> Result<Vec<Row>> {
        query(&self.writer, sql, scan)
    }
    pub(super) fn execute(&self, sql: &Sql) -> Result<u64> {
        execute(&self.writer, sql)
    }
    pub(super) fn raw(&self, text: &str) -> Result<()> {
        run(&self.writer, text)
    }
    pub(super) fn commit(mut self) -> Result<()> {
        blocking(|| run(&self.writer, "COMMIT"))?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.open {
            // If this fails the transaction was rolled back already.
            let _ = run(&self.writer, "ROLLBACK");
        }
    }
}

/// All jobs in one transaction, which is open; one that fails leaves no trace and does not disturb the others.
fn carry_out(writer: &Connection, jobs: Vec<Job>) {
    let alone = jobs.len() == 1;
    let mut carried = Vec::with_capacity(jobs.len());
    for job in jobs {
        if job.done.is_closed() {
            continue;
        }
        let result = carry_out_one(writer, &job.statements, alone);
        carried.push((job.done, result));
    }
    let worth = carried.iter().any(|(_, result)| result.is_ok());
    let end = run(writer, if worth { "COMMIT" } else { "ROLLBACK" });
    if end.is_err() {
        let _ = run(writer, "ROLLBACK");
    }
    for (done, result) in carried {
        let result = match (&end, result) {
            (Err(_), Ok(_)) => Err(Error::broken("the write could not be committed")),
            (_, result) => result,
        };
        // Nobody to tell: the request was given up.
        let _ = done.send(result);
    }
}

fn carry_out_one(writer: &Connection, statements: &[Sql], alone: bool) -> Result<Vec<u64>> {
    if alone {
        return statements.iter().map(|sql| execute(writer, sql)).collect();
    }
    run(writer, "SAVEPOINT job")?;
    let result: Result<Vec<u64>> = statements.iter().map(|sql| execute(writer, sql)).collect();
    if result.is_err() {
        run(writer, "ROLLBACK TO job")?;
    }
    run(writer, "RELEASE job")?;
    result
}

fn open(path: Option<&PathBuf>, journal: Option<&str>) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match path {
        Some(path) => Connection::open_with_flags(path, flags),
        None => Connection::open_in_memory_with_flags(flags),
    }
    .map_err(translate)?;
    connection.set_prepared_statement_cache_capacity(400);
    // Another process may be at it: opening is the one moment at which waiting inside is simplest.
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(translate)?;
    let journal = journal.unwrap_or("wal");
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = {journal}; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000; PRAGMA trusted_schema = OFF;"
        ))
        .map_err(translate)?;
    connection.busy_timeout(Duration::ZERO).map_err(translate)?;
    Ok(connection)
}

fn query(connection: &Connection, sql: &Sql, scan: bool) -> Result<Vec<Row>> {
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
        let cells = (0..columns).map(|at| row.get(at).map_err(translate));
        out.push(Row::from(cells.collect::<Result<Vec<_>>>()?));
    }
    Ok(out)
}

fn execute(connection: &Connection, sql: &Sql) -> Result<u64> {
    count();
    let mut statement = prepared(connection, sql)?;
    let rows = statement.raw_execute().map_err(translate)?;
    Ok(rows as u64)
}

fn run(connection: &Connection, text: &str) -> Result<()> {
    count();
    connection.execute_batch(text).map_err(translate)
}

fn prepared<'c>(connection: &'c Connection, sql: &Sql) -> Result<rusqlite::CachedStatement<'c>> {
    if let Some(fault) = &sql.fault {
        return Err(Error::broken(format!("a value is no JSON: {fault}")));
    }
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
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lost() -> Error {
    Error::broken("the write was lost with the request that carried it out")
}

/// Waits for another process, a little longer each time.
struct Pause {
    until: Instant,
    next: Duration,
}

impl Pause {
    fn new(patience: Duration, start: Instant) -> Self {
        Self {
            until: start + patience,
            next: Duration::from_millis(1),
        }
    }
    async fn wait(&mut self) -> Result<()> {
        if Instant::now() >= self.until {
            return Err(Error::unavailable(
                "another process keeps the database locked",
            ));
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(Duration::from_millis(50));
        Ok(())
    }
}

/// Another process holds a lock.
#[derive(Debug, thiserror::Error)]
#[error("another process keeps the database locked")]
struct Busy;

fn is_busy(error: &Error) -> bool {
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
