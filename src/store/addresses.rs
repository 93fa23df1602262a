//! Addresses of identities: found by their value, and marked as verified.
use super::db::sql;
use super::error::{Error, Result};
use super::{Batch, Scope};
use crate::base::id::IdentityId;
use crate::base::terms::Via;
use crate::model::identity::{AddressStatus, RecoveryAddress, VerifiableAddress};

/// Addresses.
pub struct Addresses<'c>(pub(super) Scope<'c>);

impl Addresses<'_> {
    /// The address and who it belongs to.
    pub async fn verifiable(
        &mut self,
        via: Via,
        value: &str,
    ) -> Result<Option<(IdentityId, VerifiableAddress)>> {
        let question = sql(
            "SELECT identity_id, id, value, via, verified, status, verified_at, created_at, updated_at
               FROM identity_verifiable_addresses WHERE nid = ? AND via = ? AND value = ?",
        )
        .bind(self.0.nid)
        .bind(via.word())
        .bind(value);
        let Some(mut row) = self.0.conn.fetch_optional(question).await? else {
            return Ok(None);
        };
        Ok(Some((
            row.get()?,
            VerifiableAddress {
                id: row.get()?,
                value: row.get()?,
                via: row.word(Via::from_word)?,
                verified: row.get()?,
                status: row.word(AddressStatus::from_word)?,
                verified_at: row.opt()?,
                created_at: row.get()?,
                updated_at: row.get()?,
            },
        )))
    }

    /// The address and who it belongs to.
    pub async fn recovery(
        &mut self,
        via: Via,
        value: &str,
    ) -> Result<Option<(IdentityId, RecoveryAddress)>> {
        let question = sql(
            "SELECT identity_id, id, value, via, break_glass_for_organization, created_at, updated_at
               FROM identity_recovery_addresses WHERE nid = ? AND via = ? AND value = ?",
        )
        .bind(self.0.nid)
        .bind(via.word())
        .bind(value);
        let Some(mut row) = self.0.conn.fetch_optional(question).await? else {
            return Ok(None);
        };
        Ok(Some((
            row.get()?,
            RecoveryAddress {
                id: row.get()?,
                value: row.get()?,
                via: row.word(Via::from_word)?,
                break_glass_for_organization: row.opt()?,
                created_at: row.get()?,
                updated_at: row.get()?,
            },
        )))
    }

    /// Writes what is known about an address that is there.
    pub async fn update(&mut self, address: &VerifiableAddress) -> Result<()> {
        let mut batch = Batch::on(self.0.again());
        batch.update_verifiable_address(address);
        match batch.commit().await {
            Err(Error::Dangling) => Err(Error::Missing("address")),
            other => other,
        }
    }
}
