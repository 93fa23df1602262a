//! Errors that a browser is sent to look at.
use super::Scope;
use super::db::sql;
use super::error::Result;
use crate::base::id::ErrorId;
use serde_json::Value;
use time::OffsetDateTime;

/// Stored errors.
pub struct Errors<'c>(pub(super) Scope<'c>);

/// A row of `selfservice_errors`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredError {
    pub id: ErrorId,
    /// The error object itself (database.md §6.4).
    pub error: Value,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

impl Errors<'_> {
    pub async fn insert(&mut self, stored: &StoredError, csrf_token: &str) -> Result<()> {
        let insert = sql(
            "INSERT INTO selfservice_errors (id, nid, errors, csrf_token, was_seen, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(stored.id)
        .bind(self.0.nid)
        .bind_document(&stored.error)
        .bind(csrf_token)
        .bind(false)
        .bind(stored.created_at)
        .bind(stored.updated_at);
        self.0.conn.execute(insert).await.map(|_| ())
    }

    /// Reads an error and marks it as seen; it may be read again.
    pub async fn read(&mut self, id: ErrorId, now: OffsetDateTime) -> Result<Option<StoredError>> {
        let question = sql(
            "SELECT id, errors, created_at, updated_at, was_seen FROM selfservice_errors WHERE id = ? AND nid = ?",
        )
        .bind(id)
        .bind(self.0.nid);
        let Some(mut row) = self.0.conn.fetch_optional(question).await? else {
            return Ok(None);
        };
        let stored = StoredError {
            id: row.get()?,
            error: row.json()?.unwrap_or_default(),
            created_at: row.get()?,
            updated_at: row.get()?,
        };
        if !row.get::<bool>()? {
            let update = sql(
                "UPDATE selfservice_errors SET was_seen = ?, seen_at = ? WHERE id = ? AND nid = ?",
            )
            .bind(true)
            .bind(now)
            .bind(id)
            .bind(self.0.nid);
            self.0.conn.execute(update).await?;
        }
        Ok(Some(stored))
    }
}
