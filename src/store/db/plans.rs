//! How the engine goes about what it is asked: for tests that no question of the store reads a whole table.
use super::value::{Sql, Text};
use super::{Db, Dialect};
use crate::store::error::Result;
use std::cell::RefCell;

tokio::task_local! {
    static ASKED: RefCell<Vec<Sql>>;
}

/// A statement as the engine was given it, and the steps that it takes, each in the engine's words.
#[derive(Clone, Debug)]
pub struct Plan {
    pub statement: String,
    pub steps: Vec<String>,
}

impl Plan {
    /// Steps that read a table from its beginning to its end. Results of subqueries are no tables.
    #[must_use]
    pub fn whole_tables(&self, dialect: Dialect) -> Vec<&str> {
        let reads_all = |step: &&str| match dialect {
            Dialect::Sqlite => {
                let scanned = step.strip_prefix("SCAN ").unwrap_or("o");
                let is_table = !matches!(scanned.split(' ').next(), Some("o" | "CONSTANT"));
                is_table && !scanned.contains(" USING ")
            }
            Dialect::Postgres | Dialect::Cockroach => step.contains("Seq Scan"),
            Dialect::MySql => {
                let is_table = !step.starts_with('<') && !step.starts_with("none");
                is_table && step.contains(" ALL ")
            }
        };
        self.steps
            .iter()
            .map(String::as_str)
            .filter(reads_all)
            .collect()
    }
}

pub(super) fn note(sql: &Sql) {
    // Nobody listens here: then it is not kept.
    let _ = ASKED.try_with(|asked| asked.borrow_mut().push(sql.clone()));
}

/// The plans of all that the work asks of this database, or changes in it, but for rows that it adds.
pub async fn plans<T>(db: &Db, work: impl Future<Output = T>) -> Result<(T, Vec<Plan>)> {
    let (out, asked) = ASKED
        .scope(RefCell::default(), async {
            let out = work.await;
            (out, ASKED.with(RefCell::take))
        })
        .await;
    let mut plans = vec![];
    for sql in asked {
        let text = sql.text.as_str().trim_start();
        if !text.starts_with("INSERT") {
            plans.push(plan(db, sql).await?);
        }
    }
    Ok((out, plans))
}

async fn plan(db: &Db, mut sql: Sql) -> Result<Plan> {
    let statement = sql.text.as_str().to_owned();
    let word = match db.dialect() {
        Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
        _ => "EXPLAIN ",
    };
    sql.text = Text::Built(format!("{word}{statement}"));
    let mut transaction = db.begin().await?;
    if db.dialect() == Dialect::Postgres {
        // Small tables are read whole because that is cheaper; the question is whether it has to be.
        transaction.raw("SET LOCAL enable_seqscan = off").await?;
    }
    let mut steps = vec![];
    for mut row in transaction.conn().fetch_all(sql).await? {
        steps.push(match db.dialect() {
            Dialect::Sqlite => {
                let (_, _, _): (i64, i64, i64) = (row.get()?, row.get()?, row.get()?);
                row.get()?
            }
            Dialect::Postgres | Dialect::Cockroach => row.get()?,
            Dialect::MySql => {
                let _: Option<i64> = row.opt()?;
                let words = (0..5).map(|_| row.opt::<String>());
                let words = words.collect::<Result<Vec<_>>>()?;
                let word = |at: usize| words.get(at).cloned().flatten();
                let [table, kind, key] = [1, 2, 4].map(|at| word(at).unwrap_or("none".into()));
                format!("{table} {kind} {key}")
            }
        });
    }
    Ok(Plan { statement, steps })
}
