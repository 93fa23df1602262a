//! What questions are asked of: the database, or a transaction on it.
use super::pool::Lease;
use super::row::Row;
use super::value::{Sql, built};
use super::{Db, Dialect, server, sqlite};
use crate::store::error::{Error, Result};
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;

/// A transaction. Dropped without [`Transaction::commit`] it never was.
pub struct Transaction {
    /// `None` once it has ended.
    link: Option<Link>,
    dialect: Dialect,
}

/// A connection that is in use. The drivers' futures are large: boxed, they do not make those of every caller large too.
pub(super) enum Link {
    Sqlite(sqlite::Writing),
    Postgres(Lease<PgConnection>),
    MySql(Lease<MySqlConnection>),
}

/// What is asked: the database, each statement for itself, or a transaction.
pub enum Conn<'c> {
    Db(&'c Db),
    Transaction(&'c mut Transaction),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Many {
    One,
    /// Found by a key: not worth handing over.
    Few,
    All,
}

impl Link {
    pub(super) async fn fetch(
        &mut self,
        dialect: Dialect,
        sql: &Sql,
        many: Many,
    ) -> Result<Vec<Row>> {
        let one = match (self, many) {
            (Self::Sqlite(writing), many) => return writing.fetch(sql, many == Many::All),
            (Self::Postgres(lease), Many::Few | Many::All) => {
                return Box::pin(server::postgres::fetch_all(lease, dialect, sql)).await;
            }
            (Self::MySql(lease), Many::Few | Many::All) => {
                return Box::pin(server::mysql::fetch_all(lease, dialect, sql)).await;
            }
            (Self::Postgres(lease), Many::One) => {
                Box::pin(server::postgres::fetch_optional(lease, dialect, sql)).await?
            }
            (Self::MySql(lease), Many::One) => {
                Box::pin(server::mysql::fetch_optional(lease, dialect, sql)).await?
            }
        };
        Ok(one.into_iter().collect())
    }

    pub(super) async fn execute(&mut self, dialect: Dialect, sql: &Sql) -> Result<u64> {
        match self {
            Self::Sqlite(writing) => writing.execute(sql),
            Self::Postgres(lease) => Box::pin(server::postgres::execute(lease, dialect, sql))
                .await
                .and_then(|touched| sql.judged(touched)),
            Self::MySql(lease) => Box::pin(server::mysql::execute(lease, dialect, sql))
                .await
                .and_then(|touched| sql.judged(touched)),
        }
    }

    pub(super) async fn raw(&mut self, text: &str) -> Result<()> {
        match self {
            Self::Sqlite(writing) => writing.raw(text),
            Self::Postgres(lease) => Box::pin(server::postgres::raw(lease, text)).await,
            Self::MySql(lease) => Box::pin(server::mysql::raw(lease, text)).await,
        }
    }
}

impl Transaction {
    pub(super) fn on(link: Link, dialect: Dialect) -> Self {
        Self {
            link: Some(link),
            dialect,
        }
    }

    pub fn conn(&mut self) -> Conn<'_> {
        Conn::Transaction(self)
    }

    pub async fn commit(mut self) -> Result<()> {
        match self.link.take() {
            Some(Link::Sqlite(writing)) => writing.commit(),
            Some(mut link) => {
                let done = link.raw("COMMIT").await;
                if done.is_err() {
                    link.spoil();
                }
                done
            }
            None => Ok(()),
        }
    }

    /// Several statements without values, as one text.
    pub(in crate::store) async fn raw(&mut self, text: &str) -> Result<()> {
        self.link()?.raw(text).await
    }

    fn link(&mut self) -> Result<&mut Link> {
        self.link
            .as_mut()
            .ok_or_else(|| Error::broken("the transaction has ended"))
    }

    /// One after the other; how many rows the last has touched.
    pub(super) async fn each(&mut self, statements: &[Sql]) -> Result<u64> {
        let dialect = self.dialect;
        let mut touched = 0;
        for sql in statements {
            touched = self.link()?.execute(dialect, sql).await?;
        }
        Ok(touched)
    }
}

impl Link {
    fn spoil(&mut self) {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(lease) => lease.spoil(),
            Self::MySql(lease) => lease.spoil(),
        }
    }
    fn is_spoilt(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(lease) => lease.is_busy(),
            Self::MySql(lease) => lease.is_busy(),
        }
    }
}

/// Rolls back: at once on SQLite, behind the scenes elsewhere.
impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut link) = self.link.take() else {
            return;
        };
        if matches!(link, Link::Sqlite(_)) || link.is_spoilt() {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if link.raw("ROLLBACK").await.is_err() {
                        link.spoil();
                    }
                });
            }
            Err(_) => link.spoil(),
        }
    }
}

impl Conn<'_> {
    /// The same, lent for shorter.
    pub fn again(&mut self) -> Conn<'_> {
        match self {
            Self::Db(db) => Conn::Db(db),
            Self::Transaction(transaction) => Conn::Transaction(transaction),
        }
    }

    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Db(db) => db.dialect,
            Self::Transaction(transaction) => transaction.dialect,
        }
    }

    /// A question whose rows are kept for this transaction. (On SQLite it has the whole database for itself.)
    #[must_use]
    pub fn locking(&self, text: &str) -> Sql {
        match self.dialect() {
            Dialect::Sqlite => built(text.to_owned()),
            Dialect::Postgres | Dialect::Cockroach | Dialect::MySql => {
                built(format!("{text} FOR UPDATE"))
            }
        }
    }

    /// The first row.
    pub async fn fetch_optional(&mut self, sql: Sql) -> Result<Option<Row>> {
        let mut rows = self.fetch(&sql, Many::One).await?;
        rows.truncate(1);
        Ok(rows.pop())
    }

    /// All rows, of which there may be many.
    pub async fn fetch_all(&mut self, sql: Sql) -> Result<Vec<Row>> {
        self.fetch(&sql, Many::All).await
    }

    /// All rows, of which there are a few, found by a key.
    pub async fn fetch_few(&mut self, sql: Sql) -> Result<Vec<Row>> {
        self.fetch(&sql, Many::Few).await
    }

    async fn fetch(&mut self, sql: &Sql, many: Many) -> Result<Vec<Row>> {
        match self {
            Self::Db(db) => db.fetch(sql, many).await,
            Self::Transaction(t) => {
                let dialect = t.dialect;
                t.link()?.fetch(dialect, sql, many).await
            }
        }
    }

    /// How many rows it touched. (On MySQL as elsewhere: those found, not those that changed.)
    pub async fn execute(&mut self, sql: Sql) -> Result<u64> {
        match self {
            Self::Db(db) => db.write(vec![sql], true).await,
            Self::Transaction(t) => t.each(&[sql]).await,
        }
    }

    /// Writes that do not depend on each other, all or none of them; one round trip on PostgreSQL. No two may touch
    /// the same row. The answer is how many rows the last has touched.
    pub async fn together(&mut self, statements: Vec<Sql>) -> Result<u64> {
        if statements.is_empty() {
            return Ok(0);
        }
        match self {
            Self::Db(db) => db.write(statements, true).await,
            Self::Transaction(t) => t.each(&statements).await,
        }
    }

    /// Writes in this order, all or none of them; on PostgreSQL what deletes goes first.
    pub async fn in_order(&mut self, statements: Vec<Sql>) -> Result<u64> {
        if statements.is_empty() {
            return Ok(0);
        }
        match self {
            Self::Db(db) => db.write(statements, false).await,
            Self::Transaction(t) => t.each(&statements).await,
        }
    }
}
