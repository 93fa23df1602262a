//! Mails and text messages (courier.md).
use super::Batch;
use super::db::{Sql, sql};
use crate::base::id::NetworkId;
use crate::base::terms::Via;
use crate::model::message::CourierMessage;

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
