//! The one place that knows that there are several SQL engines.
//!
//! [`Db`] is a database, [`Transaction`] a transaction on it, and [`Conn`] either of the two: what questions are asked of.
//! Each takes a text with `?` and typed values; everything that engines spell differently is settled in the files below.
mod conn;
mod plans;
mod pool;
mod records;
mod row;
mod server;
mod sqlite;
mod text;
pub(super) mod times;
mod value;

pub use conn::{Conn, Transaction};
pub use plans::{Plan, plans};
pub(super) use row::{Row, Rows};
pub(super) use value::{Sql, Value, built, marks, rows_of_marks, sql};

use super::error::{Error, Result};
use crate::config::dsn::{Dsn, Target};
use conn::{Link, Many};
use pool::Pool;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

tokio::task_local! {
    static OF_THIS_TASK: Cell<u64>;
}

/// What comes out of the work, and how many statements it has cost.
pub async fn counting<T>(work: impl Future<Output = T>) -> (T, u64) {
    OF_THIS_TASK
        .scope(Cell::new(0), async {
            let out = work.await;
            (out, OF_THIS_TASK.with(Cell::get))
        })
        .await
}

fn count() {
    // Nobody counts here: then there is nothing to add to.
    let _ = OF_THIS_TASK.try_with(|count| count.set(count.get() + 1));
}

/// How often a write that lost against another one is tried again.
const TRIES: u32 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    Sqlite,
    Postgres,
    Cockroach,
    /// And MariaDB.
    MySql,
}

#[derive(Clone)]
pub struct Db {
    engine: Engine,
    dialect: Dialect,
    /// In microseconds.
    round_trip: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Files>),
    Postgres(Arc<Pool<PgConnection>>),
    MySql(Arc<Pool<MySqlConnection>>),
}

impl Db {
    /// Opens the database. A server that does not answer is asked again for so long as `patience` says.
    pub async fn connect(dsn: &Dsn, patience: Duration) -> Result<Self> {
        let dialect = match &dsn.target {
            Target::Sqlite(_) => Dialect::Sqlite,
            Target::Postgres(p) if p.cockroach => Dialect::Cockroach,
            Target::Postgres(_) => Dialect::Postgres,
            Target::MySql(_) => Dialect::MySql,
        };
        let engine = match &dsn.target {
            Target::Sqlite(sqlite) => Engine::Sqlite(Arc::new(sqlite::Files::open(sqlite).await?)),
            Target::Postgres(postgres) => Engine::Postgres(Arc::new(Pool::new(
                server::postgres_options(postgres)?,
                dsn.pool,
            ))),
            Target::MySql(mysql) => {
                Engine::MySql(Arc::new(Pool::new(server::mysql_options(mysql), dsn.pool)))
            }
        };
        let db = Self {
            engine,
            dialect,
            round_trip: Arc::default(),
        };
        if dialect != Dialect::Sqlite {
            db.wait(dsn, patience).await?;
        }
        Ok(db)
    }

    /// Waits until the server answers and is of the kind that the address says.
    async fn wait(&self, dsn: &Dsn, patience: Duration) -> Result<()> {
        let until = std::time::Instant::now() + patience;
        let mut pause = Duration::from_millis(250);
        let version: String = loop {
            match self.conn().fetch_optional(sql("SELECT version()")).await {
                Ok(Some(mut row)) => break row.get()?,
                Ok(None) => return Err(Error::broken("the server does not tell its version")),
                Err(e) if !e.is_passing() || std::time::Instant::now() + pause > until => {
                    return Err(e);
                }
                Err(error) => {
                    tracing::warn!(database = %dsn, %error, "the database does not let us in yet, trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(10));
                }
            }
        };
        let is_cockroach = version.contains("CockroachDB");
        let wrong = match self.dialect {
            Dialect::Postgres if is_cockroach => {
                "PostgreSQL, but this is CockroachDB: begin it with cockroach://"
            }
            Dialect::Cockroach if !is_cockroach => {
                "CockroachDB, but this is PostgreSQL: begin it with postgres://"
            }
            _ => return Ok(()),
        };
        Err(Error::Schema(format!(
            "the database address is one of {wrong}"
        )))
    }

    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// How many statements a server was sent so far, transaction control included; none where there is no server.
    #[must_use]
    pub fn asked(&self) -> u64 {
        match &self.engine {
            Engine::Sqlite(_) => 0,
            Engine::Postgres(pool) => pool.asked(),
            Engine::MySql(pool) => pool.asked(),
        }
    }

    /// How long the way to the server and back takes, smoothed; nothing where there is none.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        Duration::from_micros(self.round_trip.load(Ordering::Relaxed))
    }

    #[must_use]
    pub fn conn(&self) -> Conn<'_> {
        Conn::Db(self)
    }

    /// Answers if the database does.
    pub async fn ping(&self) -> Result<()> {
        self.conn()
            .fetch_optional(sql("SELECT 1"))
            .await
            .map(|_| ())
    }

    /// Runs statements without values: for maintenance and tests.
    pub async fn run(&self, text: &str) -> Result<()> {
        if matches!(self.engine, Engine::Sqlite(_)) {
            let mut transaction = self.begin().await?;
            transaction.raw(text).await?;
            return transaction.commit().await;
        }
        self.link().await?.raw(text).await
    }

    /// Begins a transaction. On SQLite it holds the one writer: ask only it until it has ended, and never wait for
    /// anything else meanwhile.
    pub async fn begin(&self) -> Result<Transaction> {
        let mut link = self.link().await?;
        if !matches!(link, Link::Sqlite(_)) {
            let start = std::time::Instant::now();
            let begun = link.raw("BEGIN").await;
            self.took(start.elapsed());
            // Nothing is lost with a connection that dies before anything was asked of it.
            if let Err(e) = begun {
                if !server::is_broken(&e) {
                    return Err(e);
                }
                drop(link);
                self.forget_idle();
                link = self.link().await?;
                link.raw("BEGIN").await?;
            }
        }
        Ok(Transaction::on(link, self.dialect))
    }

    /// A server has nothing to do for a BEGIN but to answer.
    fn took(&self, round_trip: Duration) {
        let took = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
        let before = self.round_trip.load(Ordering::Relaxed);
        let smoothed = match before {
            0 => took,
            before => before - before / 16 + took / 16,
        };
        self.round_trip.store(smoothed, Ordering::Relaxed);
    }

    async fn fetch(&self, sql: &Sql, many: Many) -> Result<Vec<Row>> {
        if let Engine::Sqlite(files) = &self.engine {
            return files.fetch(sql, many == Many::All).await;
        }
        let mut tries = Tries::default();
        loop {
            match self.fetch_once(sql, many).await {
                // A connection that died while it was idle; reading twice does no harm.
                Err(e) if tries.0 == 0 && server::is_broken(&e) => {
                    tries.0 += 1;
                    self.forget_idle();
                }
                Err(e) => tries.after(e).await?,
                Ok(rows) => return Ok(rows),
            }
        }
    }

    async fn fetch_once(&self, sql: &Sql, many: Many) -> Result<Vec<Row>> {
        self.link().await?.fetch(self.dialect, sql, many).await
    }

    /// The others are likely to have died with it.
    fn forget_idle(&self) {
        match &self.engine {
            Engine::Sqlite(_) => {}
            Engine::Postgres(pool) => pool.forget_idle(),
            Engine::MySql(pool) => pool.forget_idle(),
        }
    }

    /// A connection; on SQLite the writer, with a transaction on it.
    async fn link(&self) -> Result<Link> {
        Ok(match &self.engine {
            Engine::Sqlite(files) => Link::Sqlite(files.transaction().await?),
            Engine::Postgres(pool) => Link::Postgres(pool.lease().await?),
            Engine::MySql(pool) => Link::MySql(pool.lease().await?),
        })
    }

    /// Carries out the statements together or not at all, in any order if `free`. The answer is how many rows the last
    /// of them has touched.
    async fn write(&self, mut statements: Vec<Sql>, free: bool) -> Result<u64> {
        if let Engine::Sqlite(files) = &self.engine {
            return files.write(statements).await;
        }
        if self.dialect == Dialect::Postgres && statements.len() > 1 {
            statements = if free {
                vec![joined(statements)]
            } else {
                in_two(statements)
            };
        }
        let mut tries = Tries::default();
        loop {
            match self.write_once(&statements).await {
                // The server had ended the session before it could begin with this.
                Err(e) if tries.0 == 0 && server::was_sent_away(&e) => {
                    tries.0 += 1;
                    self.forget_idle();
                }
                Err(e) => tries.after(e).await?,
                Ok(touched) => return Ok(touched),
            }
        }
    }

    async fn write_once(&self, statements: &[Sql]) -> Result<u64> {
        if let [one] = statements {
            return self.link().await?.execute(self.dialect, one).await;
        }
        let mut transaction = self.begin().await?;
        let touched = transaction.each(statements).await?;
        transaction.commit().await?;
        Ok(touched)
    }
}

/// How often something was tried that the database may give up in favour of others.
#[derive(Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Waits some milliseconds where it is worth to try again.
    ///
    /// # Errors
    /// The error itself where it is not.
    pub(super) async fn after(&mut self, error: Error) -> Result<()> {
        self.0 += 1;
        if !matches!(error, Error::Contended) || self.0 == TRIES {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(u64::from(self.0) * 3)).await;
        Ok(())
    }
}

/// PostgreSQL binds no more values to one statement.
const MOST_VALUES: usize = 65_535;

/// What makes room, and then all the rest: two statements, unless they would become too large.
fn in_two(statements: Vec<Sql>) -> Vec<Sql> {
    let values: usize = statements.iter().map(|sql| sql.values.len()).sum();
    let makes_room = |sql: &Sql| sql.text.as_str().trim_start().starts_with("DELETE");
    if values > MOST_VALUES || !statements.iter().any(makes_room) {
        return statements;
    }
    let (room, rest): (Vec<_>, Vec<_>) = statements.into_iter().partition(makes_room);
    let parts = [room, rest].into_iter().filter(|part| !part.is_empty());
    parts.map(joined).collect()
}

/// Several writes as one statement of PostgreSQL, which touches as many rows as the last of them. None of them sees
/// what the others do; references between their rows are checked when all have run.
fn joined(statements: Vec<Sql>) -> Sql {
    let last = statements.len().saturating_sub(1);
    // There is no other way to give up all of it in the midst of one statement than to divide by zero.
    let must: Vec<_> = (0..=last)
        .filter(|at| statements[*at].must_touch)
        .map(|at| format!("1 / (SELECT COUNT(*) FROM w{at}) >= 0"))
        .collect();
    let mut text = String::new();
    let mut all = built(String::new());
    for (at, sql) in statements.into_iter().enumerate() {
        let write = sql.text.as_str().trim_end();
        text += &match at {
            // Whose rows nobody counts needs no name for them.
            _ if at == last && must.is_empty() => format!(" {write}"),
            _ => {
                let begin = if at == 0 { "WITH" } else { "," };
                let counted = sql.must_touch || at == last;
                let end = if counted { " RETURNING 1" } else { "" };
                format!("{begin} w{at} AS ({write}{end})")
            }
        };
        all.values.extend(sql.values);
        all.fault = all.fault.or(sql.fault);
    }
    if !must.is_empty() {
        text += &format!(" SELECT 1 FROM w{last} WHERE {}", must.join(" AND "));
    }
    all.text = value::Text::Built(text);
    all
}
