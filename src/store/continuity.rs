//! What waits while its owner is elsewhere: at a provider, or proving who they are (database.md §8.3).
use super::Scope;
use super::db::sql;
use super::error::Result;
use crate::base::id::{ContainerId, IdentityId};
use serde_json::Value;
use time::OffsetDateTime;

/// Continuity containers.
pub struct Continuity<'c>(pub(super) Scope<'c>);

/// A row of `continuity_containers`. The payload stays out of logs: it may hold a submitted form.
#[derive(Clone, PartialEq)]
pub struct Container {
    pub id: ContainerId,
    pub name: String,
    /// Only who it is bound to may take it up.
    pub identity: Option<IdentityId>,
    pub payload: Option<Value>,
    pub expires_at: OffsetDateTime,
    pub created_at: OffsetDateTime,
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Continuity<'_> {
    pub async fn insert(&mut self, container: &Container) -> Result<()> {
        let insert = sql(
            "INSERT INTO continuity_containers (id, nid, identity_id, name, payload, expires_at, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(container.id)
        .bind(self.0.nid)
        .bind(container.identity)
        .bind(container.name.as_str())
        .bind_json_or_null(container.payload.as_ref())
        .bind(container.expires_at)
        .bind(container.created_at)
        .bind(container.created_at);
        self.0.conn.execute(insert).await.map(|_| ())
    }

    /// Expired or not.
    pub async fn find(&mut self, id: ContainerId) -> Result<Option<Container>> {
        let question = sql(
            "SELECT id, name, identity_id, payload, expires_at, created_at
               FROM continuity_containers WHERE id = ? AND nid = ?",
        )
        .bind(id)
        .bind(self.0.nid);
        let Some(mut row) = self.0.conn.fetch_optional(question).await? else {
            return Ok(None);
        };
        Ok(Some(Container {
            id: row.get()?,
            name: row.get()?,
            identity: row.opt()?,
            payload: row.json()?,
            expires_at: row.get()?,
            created_at: row.get()?,
        }))
    }

    /// Lets it live for a while longer, or shorter. False: it is gone.
    pub async fn expire_at(&mut self, id: ContainerId, expires_at: OffsetDateTime) -> Result<bool> {
        let update =
            sql("UPDATE continuity_containers SET expires_at = ? WHERE id = ? AND nid = ?")
                .bind(expires_at)
                .bind(id)
                .bind(self.0.nid);
        Ok(self.0.conn.execute(update).await? > 0)
    }

    /// Takes it away. False: somebody else was faster, or there was none.
    pub async fn delete(&mut self, id: ContainerId) -> Result<bool> {
        let delete = sql("DELETE FROM continuity_containers WHERE id = ? AND nid = ?")
            .bind(id)
            .bind(self.0.nid);
        Ok(self.0.conn.execute(delete).await? > 0)
    }
}
