//! Telephone numbers that were stored as somebody typed them, table by table and in all networks (config-cli.md §4.6).
use super::Db;
use super::db::sql;
use super::error::Result;
use crate::base::id::RowId;
use time::OffsetDateTime;

/// Where numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneTable {
    CredentialIdentifiers,
    VerifiableAddresses,
    RecoveryAddresses,
}

/// Stored values that begin with a plus, as a number does.
pub struct Phones<'d> {
    db: &'d Db,
    table: PhoneTable,
}

impl PhoneTable {
    pub const ALL: [Self; 3] = [
        Self::CredentialIdentifiers,
        Self::VerifiableAddresses,
        Self::RecoveryAddresses,
    ];
}

impl<'d> Phones<'d> {
    #[must_use]
    pub fn new(db: &'d Db, table: PhoneTable) -> Self {
        Self { db, table }
    }

    /// At most `limit` of them behind this row, or from the beginning for the nil id, by id.
    pub async fn after(&self, id: RowId, limit: u32) -> Result<Vec<(RowId, String)>> {
        let question = match self.table {
            PhoneTable::CredentialIdentifiers => {
                "SELECT id, identifier FROM identity_credential_identifiers
                    WHERE id > ? AND identifier LIKE '+%' ORDER BY id LIMIT ?"
            }
            PhoneTable::VerifiableAddresses => {
                "SELECT id, value FROM identity_verifiable_addresses
                    WHERE id > ? AND via = 'sms' AND value LIKE '+%' ORDER BY id LIMIT ?"
            }
            PhoneTable::RecoveryAddresses => {
                "SELECT id, value FROM identity_recovery_addresses
                    WHERE id > ? AND via = 'sms' AND value LIKE '+%' ORDER BY id LIMIT ?"
            }
        };
        let question = sql(question).bind(id).bind(limit);
        let rows = self.db.conn().fetch_all(question).await?;
        rows.into_iter()
            .map(|mut row| Ok((RowId(row.get()?), row.get()?)))
            .collect()
    }

    /// Writes another spelling, unless the value has changed since it was read; says whether it did. `now` is kept in
    /// whole seconds. [`super::Error::Conflict`]: somebody has that number already.
    pub async fn respell(
        &self,
        id: RowId,
        old: &str,
        new: &str,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let update = match self.table {
            PhoneTable::CredentialIdentifiers => {
                "UPDATE identity_credential_identifiers SET identifier = ?, updated_at = ?
                    WHERE id = ? AND identifier = ?"
            }
            PhoneTable::VerifiableAddresses => {
                "UPDATE identity_verifiable_addresses SET value = ?, updated_at = ? WHERE id = ? AND value = ?"
            }
            PhoneTable::RecoveryAddresses => {
                "UPDATE identity_recovery_addresses SET value = ?, updated_at = ? WHERE id = ? AND value = ?"
            }
        };
        let update = sql(update)
            .bind(new)
            .bind(now.truncate_to_second())
            .bind(id)
            .bind(old);
        Ok(self.db.conn().execute(update).await? > 0)
    }
}
