//! The key `dsn`: which database, where, and how many connections to it (config-cli.md §2.12).
//!
//! Operators bring the addresses that they have: URLs for PostgreSQL, the form of Go's driver for MySQL, paths with
//! pragmas for SQLite. All of them are read here into one type, so that nothing below looks at text again.
mod mysql;
mod sqlite;

pub use mysql::{MySql, MySqlTls, Place};
pub use sqlite::Sqlite;

use super::duration;
use crate::base::secret::Secret;
use crate::base::url::Params;
use std::fmt;
use std::time::Duration;

/// Where the rows live. Its `Display` shows no password.
#[derive(Clone, Debug)]
pub struct Dsn {
    pub target: Target,
    pub pool: Pool,
}

#[derive(Clone, Debug)]
pub enum Target {
    Sqlite(Sqlite),
    Postgres(Postgres),
    MySql(MySql),
}

/// PostgreSQL, or CockroachDB, which speaks the same protocol.
#[derive(Clone, Debug)]
pub struct Postgres {
    pub cockroach: bool,
    /// A `postgres://` URL without the parameters in `runtime` and [`Pool`].
    pub url: Secret<String>,
    /// Settings of the server for each session, such as `search_path`.
    pub runtime: Vec<(String, String)>,
    /// False behind a pooler that gives each transaction another connection.
    pub prepare: bool,
    shown: String,
}

/// How many connections, for how long. SQLite has its own rule and ignores these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    pub max: usize,
    pub max_idle: usize,
    /// `None`: for ever.
    pub max_lifetime: Option<Duration>,
    pub max_idle_time: Option<Duration>,
}

/// The text is not the address of a database. Says what is wrong without repeating the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadDsn(String);

impl BadDsn {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Schemes that mean `CockroachDB`.
const COCKROACH: [&str; 6] = [
    "cockroach",
    "cockroachdb",
    "crdb",
    "crdb-postgres",
    "cockroach-pgx",
    "crdb-pgx",
];

impl Dsn {
    /// Reads `memory`, `sqlite://…`, `postgres://…`, `cockroach://…` or `mysql://…`.
    pub fn parse(text: &str) -> Result<Self, BadDsn> {
        let text = text.trim();
        if text == "memory" {
            return Ok(Self::memory());
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(BadDsn::new(format!(
                "a database address begins with a scheme ({ALLOWED}), this one has none"
            )));
        };
        let params = Params::of(rest);
        let target = match scheme.to_ascii_lowercase().as_str() {
            "sqlite" | "sqlite3" => Target::Sqlite(Sqlite::parse(rest, &params)?),
            "postgres" | "postgresql" => Target::Postgres(Postgres::parse(rest, &params, false)?),
            "mysql" => Target::MySql(MySql::parse(rest, &params)?),
            other if COCKROACH.contains(&other) => {
                Target::Postgres(Postgres::parse(rest, &params, true)?)
            }
            other => {
                let other: String = other.chars().take(20).collect();
                return Err(BadDsn::new(format!(
                    "there is no database engine {other:?}, only {ALLOWED}"
                )));
            }
        };
        Ok(Self::of(target, &params))
    }

    /// A database that ends with the process.
    #[must_use]
    pub fn memory() -> Self {
        Self::of(Target::Sqlite(Sqlite::memory()), &Params::default())
    }

    fn of(target: Target, params: &Params) -> Self {
        Self {
            target,
            pool: Pool::from(params),
        }
    }

    /// Nothing is kept when the process ends; the tables are made at start.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        matches!(&self.target, Target::Sqlite(sqlite) if sqlite.path.is_none())
    }
}

const ALLOWED: &str = "sqlite, postgres, cockroach, mysql or the word memory";

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Sqlite(sqlite) => sqlite.fmt(f),
            Target::Postgres(postgres) => f.write_str(&postgres.shown),
            Target::MySql(mysql) => mysql.fmt(f),
        }
    }
}

/// Parameters of [`Pool`], taken out of the address before the driver sees it.
const POOL: [&str; 4] = [
    "max_conns",
    "max_idle_conns",
    "max_conn_lifetime",
    "max_conn_idle_time",
];

impl From<&Params> for Pool {
    fn from(params: &Params) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let number = |name| params.text(name).and_then(|v| v.parse::<usize>().ok());
        let time = |name| {
            let span = duration::parse(params.text(name)?)?;
            Duration::try_from(span).ok().filter(|d| !d.is_zero())
        };
        let max = number("max_conns").filter(|n| *n > 0).unwrap_or(cores * 2);
        Self {
            max,
            max_idle: number("max_idle_conns").unwrap_or(cores).min(max),
            max_lifetime: time("max_conn_lifetime"),
            max_idle_time: time("max_conn_idle_time"),
        }
    }
}

/// Parameters that our driver reads from the URL itself.
const KNOWN_TO_DRIVER: [&str; 11] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Parameters of the reference's driver that mean nothing to the server.
const OF_THE_REFERENCE: [&str; 8] = [
    "connect_timeout",
    "target_session_attrs",
    "default_query_exec_mode",
    "statement_cache_capacity",
    "statement_cache_mode",
    "description_cache_capacity",
    "prefer_simple_protocol",
    "sslinline",
];

impl Postgres {
    fn parse(rest: &str, params: &Params, cockroach: bool) -> Result<Self, BadDsn> {
        let mut url = url::Url::parse(&format!("postgres://{rest}"))
            .map_err(|e| BadDsn::new(format!("the database address is not a URL: {e}")))?;
        let mut runtime = vec![];
        url.set_query(None);
        for (name, value) in params.iter() {
            if KNOWN_TO_DRIVER.contains(&name) {
                url.query_pairs_mut().append_pair(name, value);
            } else if !POOL.contains(&name)
                && !OF_THE_REFERENCE.contains(&name)
                && !name.starts_with("pool_")
            {
                runtime.push((name.to_owned(), value.to_owned()));
            }
        }
        let prepare = !matches!(
            params.get("default_query_exec_mode"),
            Some("exec" | "simple_protocol")
        ) && params.get("prefer_simple_protocol") != Some("true")
            && params.get("statement_cache_capacity") != Some("0");
        let mut shown = url.clone();
        if shown.password().is_some() {
            // Fails only for URLs without a host, which carry no password.
            let _ = shown.set_password(Some("xxxxx"));
        }
        shown.set_query(None);
        let mut shown = shown.to_string();
        if cockroach {
            shown = shown.replacen("postgres://", "cockroach://", 1);
        }
        Ok(Self {
            cockroach,
            url: Secret::new(url.to_string()),
            runtime,
            prepare,
            shown,
        })
    }
}

#[cfg(test)]
mod tests;
