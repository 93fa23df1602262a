//! Mails and text messages (courier.md).
use super::db::{Row, Sql, built, sql};
use super::error::Result;
use super::{Batch, Scope};
use crate::base::id::{MessageId, NetworkId};
use crate::base::terms::Via;
use crate::model::message::{CourierMessage, Dispatch, MessageStatus};
use time::OffsetDateTime;

/// Messages, to be read; [`super::Queue`] is for those who deliver them.
pub struct Messages<'c>(pub(super) Scope<'c>);

/// Where a list of messages goes on: behind this one, in the order newest first, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageCursor {
    pub created_at: OffsetDateTime,
    pub id: MessageId,
}

/// Columns of `courier_messages`, in the order of [`message`].
macro_rules! message_columns {
    () => {
        "id, type, status, channel, recipient, subject, body, template_type, template_data, request_headers,
         send_count, created_at, updated_at"
    };
}
pub(super) use message_columns;

impl Messages<'_> {
    /// A page of messages behind the cursor, newest first.
    pub async fn list(
        &mut self,
        status: Option<MessageStatus>,
        recipient: Option<&str>,
        after: Option<MessageCursor>,
        limit: u32,
    ) -> Result<Vec<CourierMessage>> {
        let clause = |is_given: bool, text: &'static str| if is_given { text } else { "" };
        let mut question = built(format!(
            "SELECT {} FROM courier_messages WHERE nid = ?{}{}{} ORDER BY created_at DESC, id ASC LIMIT ?",
            message_columns!(),
            clause(status.is_some(), " AND status = ?"),
            clause(recipient.is_some(), " AND recipient = ?"),
            // The first condition says no more than the second, but an index can use it.
            clause(
                after.is_some(),
                " AND created_at <= ? AND (created_at < ? OR id > ?)"
            ),
        ))
        .bind(self.0.nid);
        if let Some(status) = status {
            question = question.bind(status.number());
        }
        if let Some(recipient) = recipient {
            question = question.bind(recipient);
        }
        if let Some(cursor) = after {
            question = question
                .bind(cursor.created_at)
                .bind(cursor.created_at)
                .bind(cursor.id);
        }
        let rows = self.0.conn.fetch_all(question.bind(limit)).await?;
        rows.into_iter().map(|mut row| message(&mut row)).collect()
    }

    /// A message with the attempts to deliver it, the latest first.
    pub async fn find(&mut self, id: MessageId) -> Result<Option<(CourierMessage, Vec<Dispatch>)>> {
        let question = sql(concat!(
            "SELECT ",
            message_columns!(),
            " FROM courier_messages WHERE id = ? AND nid = ?"
        ));
        let question = question.bind(id).bind(self.0.nid);
        let Some(mut row) = self.0.conn.fetch_optional(question).await? else {
            return Ok(None);
        };
        let message = message(&mut row)?;
        let question = sql(
            "SELECT id, status, error, created_at, updated_at FROM courier_message_dispatches
              WHERE message_id = ? AND nid = ? ORDER BY created_at DESC",
        );
        let question = question.bind(id).bind(self.0.nid);
        let rows = self.0.conn.fetch_few(question).await?;
        let dispatches = rows.into_iter().map(|mut row| dispatch(&mut row));
        Ok(Some((message, dispatches.collect::<Result<_>>()?)))
    }

    /// How many wait to be delivered.
    pub async fn waiting(&mut self) -> Result<u64> {
        let question = sql("SELECT COUNT(*) FROM courier_messages WHERE nid = ? AND status = ?")
            .bind(self.0.nid)
            .bind(MessageStatus::Queued.number());
        let row = self.0.conn.fetch_optional(question).await?;
        let count = row.map(|mut row| row.get::<i64>()).transpose()?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }
}

pub(super) fn message(row: &mut Row) -> Result<CourierMessage> {
    Ok(CourierMessage {
        id: row.get()?,
        via: match row.get::<i64>()? {
            1 => Via::Email,
            2 => Via::Sms,
            _ => return Err(row.unreadable("there is no such type of message")),
        },
        status: MessageStatus::from_number(row.get()?)
            .ok_or_else(|| row.unreadable("there is no such status of a message"))?,
        channel: row.text_or_none()?,
        recipient: row.get()?,
        subject: row.get()?,
        body: row.get()?,
        template_type: row.get()?,
        template_data: row.opt()?,
        request_headers: row.json()?,
        send_count: row.get()?,
        created_at: row.get()?,
        updated_at: row.get()?,
    })
}

fn dispatch(row: &mut Row) -> Result<Dispatch> {
    Ok(Dispatch {
        id: row.get()?,
        is_success: row.get::<String>()? == "success",
        error: row.json()?,
        created_at: row.get()?,
        updated_at: row.get()?,
    })
}

impl Batch<'_> {
    /// Puts a message into the queue, together with whatever it is about.
    pub fn insert_message(&mut self, message: &CourierMessage) {
        let insert = insert(self.nid(), message);
        self.add(insert);
    }
}

fn insert(nid: NetworkId, message: &CourierMessage) -> Sql {
    sql(
        "INSERT INTO courier_messages (id, nid, type, status, channel, recipient, subject, body, template_type,
            template_data, request_headers, send_count, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(message.id)
    .bind(nid)
    .bind(number(message.via))
    .bind(message.status.number())
    .bind(message.channel.as_deref())
    .bind(message.recipient.as_str())
    .bind(message.subject.as_str())
    .bind(message.body.as_str())
    .bind(message.template_type.as_str())
    .bind(message.template_data.clone())
    .bind_json(&message.request_headers)
    .bind(message.send_count)
    .bind(message.created_at)
    .bind(message.updated_at)
}

/// The column `type`.
fn number(via: Via) -> i64 {
    match via {
        Via::Email => 1,
        Via::Sms => 2,
    }
}
