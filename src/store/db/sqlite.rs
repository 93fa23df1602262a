//! SQLite through rusqlite, on the worker that asks: a read by key takes microseconds, less than handing it over.
//!
//! One connection writes; whoever wants to write stands in line for it, so nobody ever sees "database is locked" from
//! our own process. Writers that wait while another one syncs to disk are carried out together with one sync.
//! Other processes are waited for without blocking the worker. What was acknowledged survives power loss.
mod run;

use super::row::Row;
use super::value::Sql;
use crate::config::dsn;
use crate::store::error::{Error, Result};
use run::{blocking, execute, is_busy, open, query, run};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore, oneshot};

pub(super) struct Files {
    path: Option<PathBuf>,
    journal: Option<String>,
    busy_timeout: Duration,
    writer: Arc<AsyncMutex<Connection>>,
    /// Writes that wait for the writer.
    queue: Mutex<Vec<Job>>,
    /// Who reads while somebody writes, and what may take long. `None` in memory, where there is but the one connection.
    readers: Option<Readers>,
}

struct Readers {
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// Statements that are carried out together or not at all.
struct Job {
    statements: Vec<Sql>,
    done: oneshot::Sender<Result<u64>>,
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
        // What a connection has cached counts until another one writes: that of the writer always does.
        if !scan && let Ok(writer) = self.writer.try_lock() {
            return query(&writer, sql, scan);
        }
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

    /// Carries out the statements together or not at all, and says how many rows the last has touched.
    pub(super) async fn write(&self, statements: Vec<Sql>) -> Result<u64> {
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
            // The disk is full, or somebody holds the file: it may work in a moment.
            (Err(error), Ok(_)) => Err(Error::unavailable(format!(
                "the write could not be committed: {error}"
            ))),
            (_, result) => result,
        };
        // Nobody to tell: the request was given up.
        let _ = done.send(result);
    }
}

fn carry_out_one(writer: &Connection, statements: &[Sql], alone: bool) -> Result<u64> {
    let mut each = statements.iter();
    let mut work = || each.try_fold(0, |_, sql| execute(writer, sql));
    if alone {
        return work();
    }
    run(writer, "SAVEPOINT job")?;
    let result = work();
    if result.is_err() {
        run(writer, "ROLLBACK TO job")?;
    }
    run(writer, "RELEASE job")?;
    result
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::sql;

    /// A full disk, too, is often found out at the end only.
    #[test]
    fn a_write_that_cannot_be_committed_may_be_tried_again() -> Result<()> {
        let connection = open(None, None)?;
        run(
            &connection,
            "CREATE TABLE a (id TEXT PRIMARY KEY);
             CREATE TABLE b (a TEXT REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED);
             BEGIN IMMEDIATE",
        )?;
        let (done, mut result) = oneshot::channel();
        let statements = vec![sql("INSERT INTO b VALUES (?)").bind("x")];
        carry_out(&connection, vec![Job { statements, done }]);
        let error = result.try_recv().unwrap().unwrap_err();
        assert!(error.is_passing(), "{error}");
        run(&connection, "BEGIN")?;
        Ok(())
    }
}
