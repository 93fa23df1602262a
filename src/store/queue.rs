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
use super::messages::{Spoilt, id_text, message_columns, readable};
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

/// Whose messages are left in the queue.
#[derive(Clone, Debug, Default)]
pub struct Left {
    pub channels: Vec<String>,
    pub recipients: Vec<String>,
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
    /// Takes up to `limit` messages whose time has come, the oldest first. No two callers get the same. A message that
    /// cannot be read is set aside, or nobody would get what is behind it.
    pub async fn claim(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<Holding>> {
        self.claim_but(now, limit, &Left::default()).await
    }

    /// The same, without some messages.
    pub async fn claim_but(
        &self,
        now: OffsetDateTime,
        limit: u32,
        left: &Left,
    ) -> Result<Vec<Holding>> {
        let store = self.0;
        let mut only = String::new();
        if !left.channels.is_empty() {
            // Rows of old versions name no channel.
            let channel =
                "COALESCE(NULLIF(channel, ''), CASE type WHEN 2 THEN 'sms' ELSE 'email' END)";
            only += &format!(" AND {channel} NOT IN ({})", marks(left.channels.len()));
        }
        if !left.recipients.is_empty() {
            only += &format!(" AND recipient NOT IN ({})", marks(left.recipients.len()));
        }
        let due = format!(
            "SELECT id FROM courier_messages
              WHERE nid = ? AND status = ? AND (updated_at <= ? OR updated_at = created_at){only}
              ORDER BY created_at LIMIT ?"
        );
        let bound = |question: Sql| {
            question
                .bind(store.nid())
                .bind(MessageStatus::Queued.number())
                .bind(now)
                .bind_all(left.channels.iter().map(String::as_str))
                .bind_all(left.recipients.iter().map(String::as_str))
                .bind(limit)
        };
        let ticket = self.ticket(now);
        let mut claimed = match store.db().dialect() {
            Dialect::Postgres | Dialect::Cockroach => {
                let claim = bound(built(format!(
                    "WITH due AS MATERIALIZED ({due} FOR UPDATE SKIP LOCKED)
                     UPDATE courier_messages SET status = ?, updated_at = ?
                      WHERE id IN (SELECT id FROM due) RETURNING CAST(id AS TEXT), {}",
                    message_columns!()
                )))
                .bind(MessageStatus::Processing.number())
                .bind(ticket);
                let rows = store.scope().conn.fetch_all(claim).await?;
                self.holdings(rows).await?
            }
            Dialect::Sqlite | Dialect::MySql => {
                // A look first: nothing is locked while there is nothing to do, and then only rows by their keys.
                let due = store.scope().conn.fetch_all(bound(built(due))).await?;
                let (mut ids, mut is_nameless) = (vec![], false);
                for mut row in due {
                    match row.get::<String>() {
                        Ok(id) => ids.push(id),
                        Err(_) => is_nameless = true,
                    }
                }
                if is_nameless {
                    self.set_nameless_aside().await?;
                }
                self.mark(ids, ticket).await?
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
    async fn mark(&self, due: Vec<String>, ticket: OffsetDateTime) -> Result<Vec<Holding>> {
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
            "SELECT id, {} FROM courier_messages WHERE id IN ({}) AND status = ?{lock}",
            message_columns!(),
            marks(due.len())
        ))
        .bind_all(due)
        .bind(MessageStatus::Queued.number());
        let rows = tx.scope().conn.fetch_all(still).await?;
        let (found, spoilt) = readable(rows);
        for spoilt in &spoilt {
            tx.scope().conn.execute(self.aside(spoilt)).await?;
        }
        if found.is_empty() {
            tx.commit().await?;
            return Ok(vec![]);
        }
        let found: Vec<_> = found.into_iter().map(Holding).collect();
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

    /// The messages of rows that are ours already; those that cannot be read are set aside.
    async fn holdings(&self, rows: Vec<Row>) -> Result<Vec<Holding>> {
        let (found, spoilt) = readable(rows);
        for spoilt in &spoilt {
            let aside = self.aside(spoilt);
            self.0.scope().conn.execute(aside).await?;
        }
        Ok(found.into_iter().map(Holding).collect())
    }

    /// Gives up a message that nobody can read, and says so.
    fn aside(&self, spoilt: &Spoilt) -> Sql {
        let (message_id, column) = (spoilt.id.as_str(), spoilt.column);
        tracing::error!(
            message_id,
            column,
            reason = spoilt.reason,
            "a message in the queue cannot be read: it is given up"
        );
        // The text of an id is not its value everywhere.
        let update = match self.0.db().dialect() {
            Dialect::Postgres | Dialect::Cockroach => sql(
                "UPDATE courier_messages SET status = ? WHERE CAST(id AS TEXT) = ? AND nid = ?
                   AND status IN (?, ?)",
            ),
            Dialect::Sqlite | Dialect::MySql => sql(
                "UPDATE courier_messages SET status = ? WHERE id = ? AND nid = ? AND status IN (?, ?)",
            ),
        };
        update
            .bind(MessageStatus::Abandoned.number())
            .bind(message_id)
            .bind(self.0.nid())
            .bind(MessageStatus::Queued.number())
            .bind(MessageStatus::Processing.number())
    }

    /// SQLite keeps rows whose id is no text at all.
    async fn set_nameless_aside(&self) -> Result<()> {
        let update = sql(
            "UPDATE courier_messages SET status = ? WHERE nid = ? AND status IN (?, ?) AND typeof(id) <> 'text'",
        )
        .bind(MessageStatus::Abandoned.number())
        .bind(self.0.nid())
        .bind(MessageStatus::Queued.number())
        .bind(MessageStatus::Processing.number());
        if self.0.db().dialect() == Dialect::Sqlite {
            let count = self.0.scope().conn.execute(update).await?;
            tracing::error!(count, "messages in the queue have no id: they are given up");
        }
        Ok(())
    }

    /// Messages in anybody's hands, those that were queued first before others. What cannot be read is set aside.
    pub async fn seen(&self, limit: u32) -> Result<Vec<Seen>> {
        let question = built(format!(
            "SELECT {}, id, send_count, created_at, updated_at FROM courier_messages
              WHERE nid = ? AND status = ? ORDER BY created_at LIMIT ?",
            id_text(self.0.db().dialect())
        ))
        .bind(self.0.nid())
        .bind(MessageStatus::Processing.number())
        .bind(limit);
        let rows = self.0.scope().conn.fetch_all(question).await?;
        let read = |row: &mut Row| {
            Ok(Seen {
                id: row.get()?,
                send_count: row.get()?,
                created_at: row.get()?,
                updated_at: row.get()?,
            })
        };
        let mut seen = vec![];
        for mut row in rows {
            let Ok(id) = row.get::<String>() else {
                self.set_nameless_aside().await?;
                continue;
            };
            match read(&mut row) {
                Ok(read) => seen.push(read),
                Err(error) => {
                    let columns = ["id", "send_count", "created_at", "updated_at"];
                    let aside = self.aside(&Spoilt::new(id, &error, &columns));
                    self.0.scope().conn.execute(aside).await?;
                }
            }
        }
        Ok(seen)
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
        .bind_json(&attempt.error)
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
        Ok(self.0.scope().conn.together(statements).await? > 0)
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
