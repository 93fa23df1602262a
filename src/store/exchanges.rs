//! The two codes by which a native app gets the session that was begun in its browser (http-api.md §10.3).
use super::Scope;
use super::db::{Row, Sql, sql};
use super::error::Result;
use crate::base::id::{FlowId, RowId, SessionId};
use crate::base::secret::Secret;
use time::OffsetDateTime;

/// Session-token exchanges.
pub struct Exchanges<'c>(pub(super) Scope<'c>);

/// A row of `session_token_exchanges`.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    pub id: RowId,
    pub flow: FlowId,
    /// There once the sign-in has succeeded.
    pub session: Option<SessionId>,
    pub init_code: Secret<String>,
    pub return_to_code: Secret<String>,
    pub created_at: OffsetDateTime,
}

impl Exchanges<'_> {
    pub async fn insert(&mut self, exchange: &Exchange) -> Result<()> {
        let insert = sql(
            "INSERT INTO session_token_exchanges (id, nid, flow_id, session_id, init_code, return_to_code, created_at,
                updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(exchange.id)
        .bind(self.0.nid)
        .bind(exchange.flow)
        .bind(exchange.session)
        .bind(exchange.init_code.expose().as_str())
        .bind(exchange.return_to_code.expose().as_str())
        .bind(exchange.created_at)
        .bind(exchange.created_at);
        self.0.conn.execute(insert).await.map(|_| ())
    }

    pub async fn of_flow(&mut self, flow: FlowId) -> Result<Option<Exchange>> {
        let question = sql(
            "SELECT id, flow_id, session_id, init_code, return_to_code, created_at
               FROM session_token_exchanges WHERE flow_id = ? AND nid = ?",
        )
        .bind(flow)
        .bind(self.0.nid);
        self.one(question).await
    }

    /// The one that has both codes and a session already. Codes that are empty match none.
    pub async fn by_codes(&mut self, init: &str, return_to: &str) -> Result<Option<Exchange>> {
        let question = sql(
            "SELECT id, flow_id, session_id, init_code, return_to_code, created_at
               FROM session_token_exchanges
              WHERE nid = ? AND init_code = ? AND init_code <> '' AND return_to_code = ? AND return_to_code <> ''
                AND session_id IS NOT NULL",
        )
        .bind(self.0.nid)
        .bind(init)
        .bind(return_to);
        let found = self.one(question).await?;
        // Databases that compare without case shall not make codes easier to guess.
        Ok(
            found
                .filter(|e| e.init_code.expose() == init && e.return_to_code.expose() == return_to),
        )
    }

    /// The sign-in of the flow has succeeded with this session.
    pub async fn set_session(&mut self, flow: FlowId, session: SessionId) -> Result<bool> {
        let update =
            sql("UPDATE session_token_exchanges SET session_id = ? WHERE flow_id = ? AND nid = ?")
                .bind(session)
                .bind(flow)
                .bind(self.0.nid);
        Ok(self.0.conn.execute(update).await? > 0)
    }

    /// Another flow goes on in the place of this one.
    pub async fn move_to(&mut self, from: FlowId, to: FlowId) -> Result<bool> {
        let update =
            sql("UPDATE session_token_exchanges SET flow_id = ? WHERE flow_id = ? AND nid = ?")
                .bind(to)
                .bind(from)
                .bind(self.0.nid);
        Ok(self.0.conn.execute(update).await? > 0)
    }

    async fn one(&mut self, question: Sql) -> Result<Option<Exchange>> {
        let row = self.0.conn.fetch_optional(question).await?;
        row.map(|mut row| read(&mut row)).transpose()
    }
}

fn read(row: &mut Row) -> Result<Exchange> {
    Ok(Exchange {
        id: row.get()?,
        flow: row.get()?,
        session: row.opt()?,
        init_code: Secret::new(row.get()?),
        return_to_code: Secret::new(row.get()?),
        created_at: row.get()?,
    })
}
