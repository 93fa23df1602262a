//! PostgreSQL, `CockroachDB`, MySQL and MariaDB through sqlx: how values are bound, and what their errors mean.
use super::pool::Lease;
use super::row::Row;
use super::value::{Sql, Value};
use super::{Dialect, count, plans, times};
use crate::config::dsn::{self, MySqlTls, Place};
use crate::store::error::{Conflict, Error, Result};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySql, MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgConnectOptions, PgConnection, PgTypeInfo, Postgres,
};
use sqlx::query::Query;
use sqlx::{
    Arguments, AssertSqlSafe, ConnectOptions, Database, Encode, Executor, SqlSafeStr, SqlStr, Type,
};
use std::borrow::Cow;
use std::str::FromStr;

/// Statements that each connection keeps prepared.
const PREPARED: usize = 400;

pub(super) fn postgres_options(dsn: &dsn::Postgres) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(dsn.url.expose()).map_err(translate)?;
    let options = if dsn.url.expose().contains("application_name=") {
        options
    } else {
        options.application_name("kratos")
    };
    Ok(options
        .options(dsn.runtime.iter().map(|(k, v)| (k.as_str(), v.as_str())))
        .statement_cache_capacity(if dsn.prepare { PREPARED } else { 0 })
        .disable_statement_logging())
}

pub(super) fn mysql_options(dsn: &dsn::MySql) -> MySqlConnectOptions {
    let options = MySqlConnectOptions::new()
        .username(&dsn.user)
        .password(dsn.password.expose())
        .database(&dsn.database)
        .statement_cache_capacity(PREPARED)
        .ssl_mode(match dsn.tls {
            MySqlTls::Off => MySqlSslMode::Disabled,
            MySqlTls::Preferred => MySqlSslMode::Preferred,
            MySqlTls::Unchecked => MySqlSslMode::Required,
            MySqlTls::Checked => MySqlSslMode::VerifyIdentity,
        })
        // The session stays as the server has it, its time zone above all (database.md §5.1).
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .disable_statement_logging();
    let options = match &dsn.place {
        Place::Tcp { host, port } => options.host(host).port(*port),
        Place::Socket(path) => options.socket(path),
    };
    let options = match &dsn.charset {
        Some(charset) => options.charset(charset),
        None => options,
    };
    match &dsn.collation {
        Some(collation) => options.collation(collation),
        None => options,
    }
}

fn encode_fault(error: BoxDynError) -> Error {
    Error::Broken(error)
}

/// A JSON text, sent as `jsonb` without being looked at again.
struct Json<'a>(&'a str);

impl Type<Postgres> for Json<'_> {
    fn type_info() -> PgTypeInfo {
        <sqlx::types::Json<()> as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Json<'_> {
    fn encode_by_ref(
        &self,
        buffer: &mut PgArgumentBuffer,
    ) -> std::result::Result<IsNull, BoxDynError> {
        // The binary form of `jsonb` is a version, 1, and the text.
        buffer.push(1);
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

fn postgres_arguments(values: &[Value]) -> Result<PgArguments> {
    let mut out = PgArguments::default();
    for value in values {
        match value {
            Value::Bool(value) => out.add(*value),
            Value::Int(value) => out.add(*value),
            Value::Text(value) => out.add(value.as_deref()),
            Value::Bytes(value) => out.add(value.as_deref()),
            Value::Uuid(value) => out.add(*value),
            Value::Time(value) => out.add(value.map(times::postgres)),
            Value::Json(value) => out.add(value.as_deref().map(Json)),
            Value::Document(value) => out.add(Json(value)),
        }
        .map_err(encode_fault)?;
    }
    Ok(out)
}

fn mysql_arguments(values: &[Value]) -> Result<MySqlArguments> {
    let mut out = MySqlArguments::default();
    for value in values {
        match value {
            Value::Bool(value) => out.add(*value),
            Value::Int(value) => out.add(*value),
            Value::Text(value) | Value::Json(value) => out.add(value.as_deref()),
            Value::Document(value) => out.add(value.as_str()),
            Value::Bytes(value) => out.add(value.as_deref()),
            Value::Uuid(value) => out.add(value.map(|id| id.hyphenated().to_string())),
            Value::Time(value) => out.add(value.map(times::mysql)),
        }
        .map_err(encode_fault)?;
    }
    Ok(out)
}

macro_rules! engine {
    ($name:ident, $engine:ty, $connection:ty, $arguments:ident) => {
        /// One statement at a time on a connection of this engine.
        pub(super) mod $name {
            use super::*;

            pub(in super::super) async fn execute(
                lease: &mut Lease<$connection>,
                dialect: Dialect,
                sql: &Sql,
            ) -> Result<u64> {
                let query = query(dialect, sql)?;
                let done = lease.start()?.execute(query).await;
                finish(lease, done).map(|d| d.rows_affected())
            }

            pub(in super::super) async fn fetch_optional(
                lease: &mut Lease<$connection>,
                dialect: Dialect,
                sql: &Sql,
            ) -> Result<Option<Row>> {
                let query = query(dialect, sql)?;
                let row = lease.start()?.fetch_optional(query).await;
                finish(lease, row).map(|row| row.map(Row::from))
            }

            pub(in super::super) async fn fetch_all(
                lease: &mut Lease<$connection>,
                dialect: Dialect,
                sql: &Sql,
            ) -> Result<Vec<Row>> {
                let query = query(dialect, sql)?;
                let rows = lease.start()?.fetch_all(query).await;
                finish(lease, rows).map(|rows| rows.into_iter().map(Row::from).collect())
            }

            /// The statement with its values, about to be sent.
            fn query(
                dialect: Dialect,
                sql: &Sql,
            ) -> Result<Query<'static, $engine, <$engine as Database>::Arguments>> {
                if let Some(fault) = &sql.fault {
                    return Err(Error::broken(format!("a value is no JSON: {fault}")));
                }
                let arguments = $arguments(&sql.values)?;
                count();
                plans::note(sql);
                Ok(sqlx::query_with(safe(dialect.spell(&sql.text)), arguments))
            }

            /// Statements without values, sent as they are.
            pub(in super::super) async fn raw(
                lease: &mut Lease<$connection>,
                text: &str,
            ) -> Result<()> {
                count();
                let query = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
                let done = lease.start()?.execute(query).await;
                finish(lease, done).map(|_| ())
            }

            fn finish<T>(
                lease: &mut Lease<$connection>,
                result: std::result::Result<T, sqlx::Error>,
            ) -> Result<T> {
                lease.done(match &result {
                    Ok(_) => true,
                    Err(sqlx::Error::Database(e)) => !is_fatal(e.code().as_deref()),
                    Err(_) => false,
                });
                result.map_err(translate)
            }
        }
    };
}
engine!(postgres, Postgres, PgConnection, postgres_arguments);
engine!(mysql, MySql, MySqlConnection, mysql_arguments);

/// The texts are the program's own; what came from outside is bound.
fn safe(text: Cow<'static, str>) -> SqlStr {
    match text {
        Cow::Borrowed(text) => text.into_sql_str(),
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

/// The server ends the session after such an error.
fn is_fatal(code: Option<&str>) -> bool {
    code.is_some_and(|c| c.starts_with("57P") || c.starts_with("08"))
}

/// What a driver's error means to the caller.
pub(super) fn translate(error: sqlx::Error) -> Error {
    let native = match error {
        sqlx::Error::Database(native) => native,
        sqlx::Error::Io(e) => return Error::unavailable(e),
        sqlx::Error::Tls(e) => return Error::Unavailable(e),
        e @ (sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut) => {
            return Error::unavailable(e);
        }
        e => return Error::Broken(Box::new(e)),
    };
    if let Some(mysql) = native.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return translate_mysql(mysql.number(), mysql.message());
    }
    let code = native.code().unwrap_or_default().into_owned();
    match code.as_str() {
        "23505" => Error::Conflict(Conflict::named(native.constraint().unwrap_or_default())),
        "23503" => Error::Dangling,
        // We divide only by the number of rows that have to be there.
        "22012" => Error::Stale,
        "40001" | "40P01" | "CR000" => Error::Contended,
        "22001" => Error::Refused("it is too long"),
        "22021" | "22P05" => Error::Refused("it holds a character that cannot be stored"),
        "22003" | "22008" | "23514" => Error::Refused("it is out of range"),
        "57P01" | "57P02" => Error::unavailable(SentAway),
        "53300" | "57P03" | "53400" => Error::unavailable(native.message()),
        code if code.starts_with("08") || code.starts_with("28") => {
            Error::unavailable(native.message())
        }
        _ => Error::Broken(Box::new(Native {
            code,
            message: native.message().to_owned(),
        })),
    }
}

fn translate_mysql(number: u16, message: &str) -> Error {
    match number {
        // "Duplicate entry '…' for key 'table.index'"
        1062 | 1586 => {
            let key = message.rsplit('\'').nth(1).unwrap_or_default();
            Error::Conflict(Conflict::named(key))
        }
        1216 | 1217 | 1451 | 1452 => Error::Dangling,
        1205 | 1213 | 1020 => Error::Contended,
        1406 => Error::Refused("it is too long"),
        1366 => Error::Refused("it holds a character that cannot be stored"),
        1264 | 1292 | 4025 | 3819 => Error::Refused("it is out of range"),
        1040 | 1044 | 1045 | 1049 | 1053 | 1077 | 1152 | 1159 | 1161 | 1203 => {
            Error::unavailable(message)
        }
        // Other messages may quote values.
        _ => Error::Broken(Box::new(Native {
            code: number.to_string(),
            message: message.split('\'').step_by(2).collect::<Vec<_>>().join("…"),
        })),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the database answers {code}: {message}")]
struct Native {
    code: String,
    message: String,
}

/// The connection is gone, whatever became of the statement.
pub(super) fn is_broken(error: &Error) -> bool {
    let Error::Unavailable(source) = error else {
        return false;
    };
    source.is::<std::io::Error>() || source.is::<SentAway>()
}

/// The server has ended the session by itself, so that nothing was done.
pub(super) fn was_sent_away(error: &Error) -> bool {
    matches!(error, Error::Unavailable(source) if source.is::<SentAway>())
}

#[derive(Debug, thiserror::Error)]
#[error("the database server has ended the session")]
struct SentAway;
