//! A mail or text message on its way: a row of `courier_messages` (database.md §4.26).
use crate::base::id::{MessageId, RowId};
use crate::base::terms::Via;
use serde_json::Value;
use time::OffsetDateTime;

#[derive(Clone, Debug, PartialEq)]
pub struct CourierMessage {
    pub id: MessageId,
    pub via: Via,
    pub status: MessageStatus,
    /// The word of the channel that carries it: `email`, `sms`; rows of old versions have none.
    pub channel: Option<String>,
    pub recipient: String,
    /// Empty for text messages.
    pub subject: String,
    /// The text that was rendered when it was queued. The HTML of a mail is rendered when it is sent.
    pub body: String,
    /// A word of `TemplateType`; other servers on the same database may know more.
    pub template_type: String,
    /// What the template was given, as JSON text.
    pub template_data: Option<Vec<u8>>,
    /// Headers of the visitor, for a channel that forwards them: an object of lists, or `null`.
    pub request_headers: Option<Value>,
    /// Attempts so far.
    pub send_count: i64,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// Waiting, also between attempts.
    Queued,
    Sent,
    /// In the hands of a worker.
    Processing,
    Abandoned,
}

impl MessageStatus {
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Processing, Self::Abandoned];

    /// The spelling on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Processing => "processing",
            Self::Abandoned => "abandoned",
        }
    }

    /// The number in the database.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::Queued => 1,
            Self::Sent => 2,
            Self::Processing => 3,
            Self::Abandoned => 4,
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.number() == number)
    }
}

/// One attempt to deliver a message: a row of `courier_message_dispatches` (database.md §4.27).
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    pub id: RowId,
    /// The error object of an attempt that failed; a success has none.
    pub error: Option<Value>,
    pub is_success: bool,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}
