//! Changes of traits that wait for the proof of an address (database.md §4.9). At most one waits for each identity.
use super::db::sql;
use super::error::Result;
use super::{Batch, Scope};
use crate::base::id::{FlowId, IdentityId};
use crate::base::terms::Via;
use crate::model::pending::PendingChange;
use time::OffsetDateTime;

/// Changes that wait.
pub struct PendingChanges<'c>(pub(super) Scope<'c>);

impl PendingChanges<'_> {
    /// The one that waits for this verification flow.
    pub async fn of(&mut self, verification: FlowId) -> Result<Option<PendingChange>> {
        let question = sql("SELECT id, identity_id, session_id, origin_settings_flow_id, verification_flow_id,
                    new_address_value, new_address_via, original_traits_hash, proposed_traits, created_at
               FROM identity_pending_traits_changes
              WHERE nid = ? AND verification_flow_id = ? AND status = 'pending'")
        .bind(self.0.nid)
        .bind(verification);
        let Some(mut row) = self.0.conn.fetch_optional(question).await? else {
            return Ok(None);
        };
        Ok(Some(PendingChange {
            id: row.get()?,
            identity: row.get()?,
            session: row.opt()?,
            origin: row.opt()?,
            verification: row.get()?,
            value: row.get()?,
            via: row.word(Via::from_word)?,
            original_hash: row.get()?,
            proposed: row.json()?.unwrap_or_default(),
            created_at: row.get()?,
        }))
    }

    /// Those of the identity that wait are not wanted any more.
    pub async fn forget(&mut self, identity: IdentityId) -> Result<()> {
        let delete = sql("DELETE FROM identity_pending_traits_changes
              WHERE nid = ? AND identity_id = ? AND status = 'pending'")
        .bind(self.0.nid)
        .bind(identity);
        self.0.conn.execute(delete).await.map(|_| ())
    }
}

impl Batch<'_> {
    pub fn insert_pending(&mut self, change: &PendingChange) {
        let insert = sql(
            "INSERT INTO identity_pending_traits_changes (id, identity_id, nid, session_id,
                origin_settings_flow_id, verification_flow_id, new_address_value, new_address_via,
                original_traits_hash, proposed_traits, status, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
        )
        .bind(change.id)
        .bind(change.identity)
        .bind(self.nid())
        .bind(change.session)
        .bind(change.origin)
        .bind(change.verification)
        .bind(change.value.as_str())
        .bind(change.via.word())
        .bind(change.original_hash.as_str())
        .bind_document(&change.proposed)
        .bind(change.created_at)
        .bind(change.created_at);
        self.add(insert);
    }

    pub fn complete_pending(&mut self, change: &PendingChange, now: OffsetDateTime) {
        let update = sql(
            "UPDATE identity_pending_traits_changes SET status = 'completed', updated_at = ?
              WHERE id = ? AND nid = ?",
        )
        .bind(now)
        .bind(change.id)
        .bind(self.nid());
        self.add(update);
    }
}
