//! `/admin/courier/messages`: what was sent, or was to be (http-api.md §12.3).
use super::{page_size, write_links};
use crate::base::id::MessageId;
use crate::base::time::{rfc3339, wire};
use crate::crypto::seal::{PAGE_TOKEN, Seal};
use crate::flow::{Cx, Fault, Refusal};
use crate::http::context::Call;
use crate::http::{error, respond};
use crate::model::message::{CourierMessage, Dispatch, MessageStatus};
use crate::store::MessageCursor;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Later than any message, so that a list begins with the newest.
const LATEST: OffsetDateTime = datetime!(2200-12-31 23:59:59 UTC);
/// How long a page token is good for.
const TOKEN_LIFE: Duration = Duration::HOUR;
/// Codes and links are for their recipients.
const REDACTED: &str = "<redacted-unless-dev-mode>";

/// `GET /admin/courier/messages`
pub async fn list(call: Call) -> Response {
    let result = page(&call.cx).await;
    result.unwrap_or_else(|fault| error::of_fault(fault, &call.cx.request.request_id))
}

async fn page(cx: &Cx) -> Result<Response, Fault> {
    let query = &cx.request.query;
    let status = match query.get("status") {
        None => None,
        Some(word) => Some(MessageStatus::from_word(word).ok_or_else(|| {
            Refusal::bad(format!(
                "status is one of queued, sent, processing and abandoned, not {word:?}."
            ))
        })?),
    };
    let size = page_size(query, 10, 500).map_err(Refusal::unreadable)?;
    let from = match query.text("page_token") {
        None => MessageCursor {
            created_at: LATEST,
            id: MessageId(Uuid::nil()),
        },
        Some(token) => open(cx, token)
            .ok_or_else(|| Refusal::unreadable("The page_token cannot be read, or is too old."))?,
    };
    let recipient = query.text("recipient");
    let mut messages = cx
        .store()
        .messages()
        .list(status, recipient, Some(from), size + 1)
        .await?;
    let more = messages.len() > size as usize;
    messages.truncate(size as usize);
    let list: Vec<_> = messages.iter().map(|message| shown(cx, message)).collect();
    let mut response = respond::json(200, &list);
    let next = messages.last().filter(|_| more).and_then(|last| {
        let cursor = MessageCursor {
            created_at: last.created_at,
            id: last.id,
        };
        seal(cx, cursor)
    });
    let first = MessageCursor {
        created_at: LATEST,
        id: MessageId(Uuid::nil()),
    };
    let path = "/admin/courier/messages";
    let first = seal(cx, first).unwrap_or_default();
    write_links(&mut response, path, query, size, &first, next.as_deref());
    Ok(response)
}

/// What is sealed in a page token, in the form of the reference, so that its tokens go on here and back.
#[derive(Serialize, Deserialize)]
struct Token {
    #[serde(rename = "e", with = "wire")]
    until: OffsetDateTime,
    #[serde(rename = "c")]
    columns: [Column; 2],
}

/// The word of the reference for "newest first".
const DESCENDING: i64 = 1;

/// A column of the last message of the page before.
#[derive(Default, Serialize, Deserialize)]
struct Column {
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    order: Option<i64>,
    #[serde(
        rename = "vt",
        default,
        with = "wire::option",
        skip_serializing_if = "Option::is_none"
    )]
    time: Option<OffsetDateTime>,
    #[serde(rename = "vu", default, skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
}

fn seal(cx: &Cx, cursor: MessageCursor) -> Option<String> {
    let token = Token {
        until: cx.now + TOKEN_LIFE,
        columns: [
            Column {
                name: "created_at".into(),
                order: Some(DESCENDING),
                time: Some(cursor.created_at),
                id: None,
            },
            Column {
                name: "id".into(),
                id: Some(cursor.id),
                ..Column::default()
            },
        ],
    };
    let content = serde_json::to_vec(&token).ok()?;
    Seal::of(&cx.config).seal(PAGE_TOKEN, &content, cx.dice())
}

fn open(cx: &Cx, token: &str) -> Option<MessageCursor> {
    let content = Seal::of(&cx.config).open(PAGE_TOKEN, token)?;
    let token: Token = serde_json::from_slice(&content).ok()?;
    let [created_at, id] = token.columns;
    let is_ours = created_at.name == "created_at" && id.name == "id" && token.until > cx.now;
    is_ours.then_some(())?;
    Some(MessageCursor {
        created_at: created_at.time?,
        id: id.id?,
    })
}

/// `GET /admin/courier/messages/{id}`
pub async fn get(call: Call) -> Response {
    let result = async {
        let id = MessageId::parse(call.param("id"))
            .ok_or_else(|| Refusal::unreadable("The id of a message has to be a UUID."))?;
        let found = call.cx.store().messages().find(id).await?;
        let (message, dispatches) = found.ok_or_else(Refusal::no_row)?;
        let mut shown = shown(&call.cx, &message);
        if !dispatches.is_empty() {
            let dispatches = dispatches.iter().map(|one| dispatch(id, one)).collect();
            shown.insert("dispatches".into(), Value::Array(dispatches));
        }
        Ok(respond::json(200, &shown))
    };
    let result: Result<Response, Fault> = result.await;
    result.unwrap_or_else(|fault| error::of_fault(fault, &call.cx.request.request_id))
}

fn shown(cx: &Cx, message: &CourierMessage) -> Map<String, Value> {
    let visible = |text: &str| {
        if cx.config.dev {
            text.to_owned()
        } else {
            REDACTED.to_owned()
        }
    };
    let shown = json!({
        "id": message.id,
        "status": message.status.word(),
        "type": message.via.word(),
        "recipient": message.recipient,
        "body": visible(&message.body),
        "subject": visible(&message.subject),
        "template_type": message.template_type,
        "channel": message.channel.as_deref().unwrap_or_default(),
        "send_count": message.send_count,
        "created_at": rfc3339(message.created_at),
        "updated_at": rfc3339(message.updated_at),
    });
    match shown {
        Value::Object(shown) => shown,
        _ => Map::new(),
    }
}

fn dispatch(message: MessageId, dispatch: &Dispatch) -> Value {
    json!({
        "id": dispatch.id,
        "message_id": message,
        "status": if dispatch.is_success { "success" } else { "failed" },
        "error": dispatch.error,
        "created_at": rfc3339(dispatch.created_at),
        "updated_at": rfc3339(dispatch.updated_at),
    })
}
