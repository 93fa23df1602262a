//! The queue of messages as its workers see it: several of them, in several processes, maybe one of the reference's
//! among them, and each may die at any moment.
//!
//! Whoever wants to deliver a message claims it: status `processing`, and in `updated_at` the time of the claim. That
//! time is the holder's ticket: each later write asks for it, so that a holder who was given up writes nothing. When an
//! attempt is over `updated_at` is the time of creation again, which is what it always is in the reference's rows, or
//! the moment before which the message shall not be tried again.
use super::Store;
use super::db::{Dialect, Row, Sql, built, marks, sql};
use super::error::Result;
use super::messages::{message, message_columns};
use crate::base::id::{MessageId, RowId};
use crate::base::time::{micros, seconds};
use crate::model::message::{CourierMessage, MessageStatus};
use serde_json::Value;
use time::OffsetDateTime;

/// See [`Store::queue`].
pub struct Queue<'s>(pub(super) &'s Store);

/// A message that is ours for the time of a lease; its `updated_at` is the ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Holding(CourierMessage);

/// A message in somebody's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    pub id: MessageId,
    pub send_count: i64,
    pub created_at: OffsetDateTime,
    /// When it was claimed; the time of creation if a worker of the reference has it.
    pub updated_at: OffsetDateTime,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub id: RowId,
    pub at: OffsetDateTime,
    /// The error object of a failure.
    pub error: Option<Value>,
}

impl Holding {
    #[must_use]
    pub fn message(&self) -> &CourierMessage {
        &self.0
    }
}

/// What is held: the row, as long as its ticket is the same.
macro_rules! held {
    () => {
        "id = ? AND nid = ? AND status = ? AND updated_at = ? AND send_count = ?"
    };
}

impl Queue<'_> {
    /// Takes up to `limit` messages whose time has come, the oldest first. No two callers get the same.
    pub async fn claim(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<Holding>> {
        let store = self.0;
        let ticket = self.ticket(now);
        let mut claimed = match store.db().dialect() {
            Dialect::Postgres | Dialect::Cockroach => {
                let claim = sql(concat!(
                    "WITH due AS MATERIALIZED (
                        SELECT id FROM courier_messages
                         WHERE nid = ? AND status = ? AND (updated_at <= ? OR updated_at = created_at)
                         ORDER BY created_at LIMIT ? FOR UPDATE SKIP LOCKED)
                     UPDATE courier_messages SET status = ?, updated_at = ?
                      WHERE id IN (SELECT id FROM due) RETURNING ",
                    message_columns!()
                ))
                .bind(store.nid())
                .bind(MessageStatus::Queued.number())
                .bind(now)
                .bind(limit)
                .bind(MessageStatus::Processing.number())
                .bind(ticket);
                holdings(store.scope().conn.fetch_all(claim).await?)?
            }
            Dialect::Sqlite | Dialect::MySql => {
                let due = sql("SELECT id FROM courier_messages
                      WHERE nid = ? AND status = ? AND (updated_at <= ? OR updated_at = created_at)
                      ORDER BY created_at LIMIT ?")
                .bind(store.nid())
                .bind(MessageStatus::Queued.number())
                .bind(now)
                .bind(limit);
                // A look first: nothing is locked while there is nothing to do, and then only rows by their keys.
                let due = store.scope().conn.fetch_all(due).await?;
                let due = due.into_iter().map(|mut row| row.get::<MessageId>());
                self.mark(due.collect::<Result<_>>()?, ticket).await?
            }
        };
        for holding in &mut claimed {
            holding.0.status = MessageStatus::Processing;
            holding.0.updated_at = ticket;
        }
        claimed.sort_by_key(|holding| holding.0.created_at);
        Ok(claimed)
    }

    /// Claims those of the messages that are still queued and that nobody is about to claim.
    async fn mark(&self, due: Vec<MessageId>, ticket: OffsetDateTime) -> Result<Vec<Holding>> {
        if due.is_empty() {
            return Ok(vec![]);
        }
        let mut tx = self.0.begin().await?;
        // On SQLite the transaction keeps all others out.
        let lock = match self.0.db().dialect() {
            Dialect::MySql => " FOR UPDATE SKIP LOCKED",
            _ => "",
        };
        let still = built(format!(
            "SELECT {} FROM courier_messages WHERE id IN ({}) AND status = ?{lock}",
            message_columns!(),
            marks(due.len())
        ))
        .bind_all(due)
        .bind(MessageStatus::Queued.number());
        let found = holdings(tx.scope().conn.fetch_all(still).await?)?;
        if found.is_empty() {
            return Ok(found);
        }
        let mark = built(format!(
            "UPDATE courier_messages SET status = ?, updated_at = ? WHERE id IN ({})",
            marks(found.len())
        ))
        .bind(MessageStatus::Processing.number())
        .bind(ticket)
        .bind_all(found.iter().map(|holding| holding.0.id));
        tx.scope().conn.execute(mark).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Messages in anybody's hands, those that were queued first before others.
    pub async fn seen(&self, limit: u32) -> Result<Vec<Seen>> {
        let question = sql(
            "SELECT id, send_count, created_at, updated_at FROM courier_messages
              WHERE nid = ? AND status = ? ORDER BY created_at LIMIT ?",
        )
        .bind(self.0.nid())
        .bind(MessageStatus::Processing.number())
        .bind(limit);
        let rows = self.0.scope().conn.fetch_all(question).await?;
        let seen = |mut row: Row| {
            Ok(Seen {
                id: row.get()?,
                send_count: row.get()?,
                created_at: row.get()?,
                updated_at: row.get()?,
            })
        };
        rows.into_iter().map(seen).collect()
    }

    /// Gives a message that its holder has lost back to the queue. False: he has not, or another one was faster.
    pub async fn release(&self, seen: &Seen) -> Result<bool> {
        let update = sql(concat!(
            "UPDATE courier_messages SET status = ?, updated_at = created_at WHERE ",
            held!()
        ));
        let update = self.held(
            update.bind(MessageStatus::Queued.number()),
            seen.id,
            seen.updated_at,
            seen.send_count,
        );
        Ok(self.0.scope().conn.execute(update).await? > 0)
    }

    /// Holds it for another lease. False: it is no longer ours.
    pub async fn renew(&self, holding: &mut Holding, now: OffsetDateTime) -> Result<bool> {
        let ticket = self.ticket(now);
        let update = sql(concat!(
            "UPDATE courier_messages SET updated_at = ? WHERE ",
            held!()
        ));
        let update = self.held_by(update.bind(ticket), holding);
        if self.0.scope().conn.execute(update).await? == 0 {
            return Ok(false);
        }
        holding.0.updated_at = ticket;
        Ok(true)
    }

    /// Gives messages back that were not tried: as if they had never been claimed.
    pub async fn put_back(&self, holdings: &[Holding]) -> Result<()> {
        let updates = holdings.iter().map(|holding| {
            let update = sql(concat!(
                "UPDATE courier_messages SET status = ?, updated_at = created_at WHERE ",
                held!()
            ));
            self.held_by(update.bind(MessageStatus::Queued.number()), holding)
        });
        let updates: Vec<Sql> = updates.collect();
        self.0.scope().conn.together(updates).await.map(|_| ())
    }

    /// Ends an attempt: writes it down, counts it, and says what becomes of the message. `not_before` is for one that is
    /// queued again. False: it was no longer ours, and nothing is written.
    pub async fn finish(
        &self,
        holding: &Holding,
        attempt: &Attempt,
        status: MessageStatus,
        not_before: Option<OffsetDateTime>,
    ) -> Result<bool> {
        let log = sql(concat!(
            "INSERT INTO courier_message_dispatches (id, message_id, status, error, nid, created_at, updated_at)
             SELECT ?, id, ?, ?, nid, ?, ? FROM courier_messages WHERE ",
            held!()
        ))
        .bind(attempt.id)
        .bind(if attempt.error.is_none() { "success" } else { "failed" })
        .bind_json_or_null(attempt.error.as_ref())
        .bind(attempt.at)
        .bind(attempt.at);
        let update = match not_before {
            Some(at) => sql(concat!(
                "UPDATE courier_messages SET status = ?, send_count = send_count + 1, updated_at = ? WHERE ",
                held!()
            ))
            .bind(status.number())
            .bind(at),
            None => sql(concat!(
                "UPDATE courier_messages SET status = ?, send_count = send_count + 1, updated_at = created_at WHERE ",
                held!()
            ))
            .bind(status.number()),
        };
        // In this order where there is one: the row of the attempt is made of the message as it is held.
        let statements = vec![self.held_by(log, holding), self.held_by(update, holding)];
        let done = self.0.scope().conn.together(statements).await?;
        Ok(done.last().is_some_and(|rows| *rows > 0))
    }

    /// Gives a message up without an attempt. False: it was no longer ours.
    pub async fn abandon(&self, holding: &Holding) -> Result<bool> {
        let update = sql(concat!(
            "UPDATE courier_messages SET status = ?, updated_at = created_at WHERE ",
            held!()
        ));
        let update = self.held_by(update.bind(MessageStatus::Abandoned.number()), holding);
        Ok(self.0.scope().conn.execute(update).await? > 0)
    }

    fn held_by(&self, sql: Sql, holding: &Holding) -> Sql {
        let message = &holding.0;
        self.held(sql, message.id, message.updated_at, message.send_count)
    }

    fn held(&self, sql: Sql, id: MessageId, ticket: OffsetDateTime, send_count: i64) -> Sql {
        sql.bind(id)
            .bind(self.0.nid())
            .bind(MessageStatus::Processing.number())
            .bind(ticket)
            .bind(send_count)
    }

    /// The time as the engine keeps it.
    fn ticket(&self, now: OffsetDateTime) -> OffsetDateTime {
        match self.0.db().dialect() {
            Dialect::MySql => seconds(now),
            _ => micros(now),
        }
    }
}

fn holdings(rows: Vec<Row>) -> Result<Vec<Holding>> {
    let message = |mut row: Row| message(&mut row).map(Holding);
    rows.into_iter().map(message).collect()
}
