//! How the engine goes about what it is asked: for tests that no question of the store reads a whole table.
use super::value::{Sql, Text, sql};
use super::{Db, Dialect, Transaction};
use crate::store::error::Result;
use std::cell::RefCell;
use std::collections::HashSet;

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
    /// Steps that read a table, or an index, from its beginning to its end, or make one on disk. Results of subqueries are
    /// no tables.
    #[must_use]
    pub fn whole_tables(&self, dialect: Dialect) -> Vec<&str> {
        let reads_all = |step: &&str| match dialect {
            Dialect::Sqlite => {
                let scanned = step.strip_prefix("SCAN ").unwrap_or("o");
                !matches!(scanned.split(' ').next(), Some("o" | "u" | "CONSTANT"))
                    || step.starts_with(AGAIN)
                    || step.contains(" AUTOMATIC ")
            }
            Dialect::Postgres | Dialect::Cockroach => {
                step.contains("Seq Scan") || step.starts_with(WHOLE_INDEX)
            }
            Dialect::MySql => {
                let is_table = !step.starts_with('<') && !step.starts_with("none");
                // The last look up the network alone.
                let kinds = [
                    " ALL ",
                    " index ",
                    " ref identities_nid_id_idx",
                    " ref sessions_list_idx",
                    " ref courier_messages_nid_created_at_id_idx",
                ];
                step == &ON_DISK || is_table && kinds.iter().any(|kind| step.contains(kind))
            }
        };
        self.steps
            .iter()
            .map(String::as_str)
            .filter(reads_all)
            .collect()
    }
}

/// PostgreSQL's words for a look into an index and for a walk through the whole of it are the same; here they are not.
const WHOLE_INDEX: &str = "whole index ";

/// MariaDB does not tell beforehand that it needs one.
const ON_DISK: &str = "a table on disk";

/// SQLite reads a subquery's result from its beginning for each row of something else.
const AGAIN: &str = "again ";

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
    let asked = sql.clone();
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
    // Joins of SQLite that have begun with what may be many rows.
    let mut many = HashSet::new();
    for mut row in transaction.conn().fetch_all(sql).await? {
        steps.push(match db.dialect() {
            Dialect::Sqlite => {
                let (_, parent, _): (i64, i64, i64) = (row.get()?, row.get()?, row.get()?);
                let step: String = row.get()?;
                let is_scan = step.starts_with("SCAN ");
                let is_again = is_scan && many.contains(&parent);
                let is_table = is_scan || step.starts_with("SEARCH ");
                if is_table && !step.contains("(id=?)") {
                    many.insert(parent);
                }
                if is_again {
                    format!("{AGAIN}{step}")
                } else {
                    step
                }
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
    if db.dialect() == Dialect::Postgres {
        steps.extend(whole_indexes(&mut transaction, &steps).await?);
    }
    if db.dialect() == Dialect::MySql && statement.trim_start().starts_with("SELECT") {
        let before = tables_on_disk(&mut transaction).await?;
        transaction.conn().fetch_all(asked).await?;
        if tables_on_disk(&mut transaction).await? > before {
            steps.push(ON_DISK.to_owned());
        }
    }
    Ok(Plan { statement, steps })
}

/// How many MySQL has made on this connection.
async fn tables_on_disk(transaction: &mut Transaction) -> Result<i64> {
    let made = sql("SHOW SESSION STATUS LIKE 'Created_tmp_disk_tables'");
    let row = transaction.conn().fetch_optional(made).await?;
    let count = row.map(|mut row| {
        let _: String = row.get()?;
        row.get::<String>()
    });
    let count = count.transpose()?;
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
}

/// The indexes of a plan of PostgreSQL that are used without a word about the column that they begin with.
async fn whole_indexes(transaction: &mut Transaction, steps: &[String]) -> Result<Vec<String>> {
    let mut whole = vec![];
    for (at, step) in steps.iter().enumerate() {
        let by_name = step.split_once(" using ");
        let by_name = by_name.or_else(|| step.split_once("Bitmap Index Scan on "));
        let Some(index) = by_name.and_then(|(_, rest)| rest.split(' ').next()) else {
            continue;
        };
        let first = sql(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = ?::text::regclass AND attnum = 1",
        );
        let first = transaction.conn().fetch_optional(first.bind(index)).await?;
        let first: Option<String> = first.map(|mut row| row.get()).transpose()?;
        let of_it = steps.iter().skip(at + 1);
        let condition = of_it
            .take_while(|step| !step.contains("->"))
            .find(|step| step.contains("Index Cond:"));
        let mut words = condition
            .into_iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_'));
        if !words.any(|word| first.as_deref() == Some(word)) {
            whole.push(format!("{WHOLE_INDEX}{index}"));
        }
    }
    Ok(whole)
}
