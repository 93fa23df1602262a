//! Mails and text messages (courier.md).
use super::db::{Dialect, Row, Sql, built, sql};
use super::error::{Error, Result};
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
    /// A page of messages behind the cursor, newest first. Those that cannot be read are left out.
    pub async fn list(
        &mut self,
        status: Option<MessageStatus>,
        recipient: Option<&str>,
        after: Option<MessageCursor>,
        limit: u32,
    ) -> Result<Vec<CourierMessage>> {
        let mut list = vec![];
        let mut passed = 0;
        loop {
            let wanted = limit.saturating_sub(u32::try_from(list.len()).unwrap_or(limit));
            let question = self.page(status, recipient, after, (wanted, passed));
            let rows = self.0.conn.fetch_all(question).await?;
            let found = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let (good, spoilt) = readable(rows);
            list.extend(good);
            for spoilt in &spoilt {
                let (message_id, column) = (spoilt.id.as_str(), spoilt.column);
                let reason = spoilt.reason.as_str();
                tracing::warn!(message_id, column, reason, "a message cannot be read");
            }
            if spoilt.is_empty() || found < wanted {
                return Ok(list);
            }
            passed += found;
        }
    }

    /// So many rows behind so many others.
    fn page(
        &self,
        status: Option<MessageStatus>,
        recipient: Option<&str>,
        after: Option<MessageCursor>,
        (limit, passed): (u32, u32),
    ) -> Sql {
        let clause = |is_given: bool, text: &'static str| if is_given { text } else { "" };
        let id = id_text(self.0.conn.dialect());
        let network = self.0.conn.dialect().of_network("nid");
        let mut question = built(format!(
            "SELECT {id}, {} FROM courier_messages WHERE {}{}{}{}
              ORDER BY {}created_at DESC, courier_messages.id LIMIT ? OFFSET ?",
            message_columns!(),
            network.condition,
            clause(status.is_some(), " AND status = ?"),
            clause(recipient.is_some(), " AND recipient = ?"),
            // The first condition says no more than the second, but an index can use it.
            clause(
                after.is_some(),
                " AND created_at <= ? AND (created_at < ? OR id > ?)"
            ),
            network.order,
        ))
        .bind_all(vec![self.0.nid; network.times]);
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
        question.bind(limit).bind(passed)
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

/// The names of [`message_columns`], in order.
const COLUMNS: [&str; 13] = [
    "id",
    "type",
    "status",
    "channel",
    "recipient",
    "subject",
    "body",
    "template_type",
    "template_data",
    "request_headers",
    "send_count",
    "created_at",
    "updated_at",
];

/// The id as the row has it: other engines keep ids as text, and any text may be there.
pub(super) fn id_text(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres | Dialect::Cockroach => "CAST(id AS TEXT)",
        Dialect::Sqlite | Dialect::MySql => "id",
    }
}

/// A row that was written by neither of us.
#[derive(Debug)]
pub(super) struct Spoilt {
    /// As the row has it; it may be none.
    pub(super) id: String,
    pub(super) column: &'static str,
    /// Never shows what is stored.
    pub(super) reason: String,
}

impl Spoilt {
    /// `columns` are those behind the first, which is the id as text.
    pub(super) fn new(id: String, error: &Error, columns: &[&'static str]) -> Self {
        let (column, reason) = match error {
            Error::Unreadable { column, reason } => {
                let column = column.checked_sub(1).and_then(|at| columns.get(at));
                (column.copied().unwrap_or_default(), reason.clone())
            }
            other => ("", other.to_string()),
        };
        Self { id, column, reason }
    }
}

/// Messages from rows that begin with the id as text; and those that cannot be read.
pub(super) fn readable(rows: Vec<Row>) -> (Vec<CourierMessage>, Vec<Spoilt>) {
    let (mut good, mut spoilt) = (vec![], vec![]);
    for mut row in rows {
        let id = row.get::<String>().unwrap_or_default();
        match message(&mut row) {
            Ok(message) => good.push(message),
            Err(error) => spoilt.push(Spoilt::new(id, &error, &COLUMNS)),
        }
    }
    (good, spoilt)
}

fn message(row: &mut Row) -> Result<CourierMessage> {
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
