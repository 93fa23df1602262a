//! Addresses of identities: found by their value, and marked as verified.
use super::db::{Sql, sql};
use super::error::{Error, Result};
use super::whole::{self, distinct, identity_columns};
use super::{Batch, Scope, Stored};
use crate::base::id::{AddressId, IdentityId, NetworkId};
use crate::base::terms::Via;
use crate::model::flow::{Recovery, Verification};
use crate::model::identity::{AddressStatus, Identity, RecoveryAddress, VerifiableAddress};
use time::OffsetDateTime;

/// The owners of addresses `x`.
macro_rules! owners {
    ($addresses:expr) => {
        concat!(
            "SELECT ",
            identity_columns!(),
            ", NULL FROM ",
            $addresses,
            " JOIN identities i ON i.id = x.identity_id"
        )
    };
}
/// Who has an address of this value, of either kind: one question for each key, so that an index answers it whatever the
/// database knows of its tables.
macro_rules! by_value {
    ($table:literal) => {
        concat!(
            "SELECT identity_id FROM ",
            $table,
            " WHERE nid = ? AND via = 'email' AND value = ? UNION ALL ",
            "SELECT identity_id FROM ",
            $table,
            " WHERE nid = ? AND via = 'sms' AND value = ?"
        )
    };
}
macro_rules! owners_by_value {
    ($table:literal, $spellings:expr) => {
        match $spellings {
            [_] => owners!(concat!("(", by_value!($table), ") x")),
            _ => owners!(concat!(
                "(",
                by_value!($table),
                " UNION ALL ",
                by_value!($table),
                ") x"
            )),
        }
    };
}

/// A kind of flow into which people type an address of theirs.
pub trait Asking: Stored {
    /// Who has an address so spelt: the question, to be bound by [`bind_spellings`].
    fn owners(spellings: &[&str]) -> &'static str;
}
impl Asking for Recovery {
    fn owners(spellings: &[&str]) -> &'static str {
        owners_by_value!("identity_recovery_addresses", spellings)
    }
}
impl Asking for Verification {
    fn owners(spellings: &[&str]) -> &'static str {
        owners_by_value!("identity_verifiable_addresses", spellings)
    }
}

pub(super) fn bind_spellings(question: Sql, nid: NetworkId, spellings: &[&str]) -> Sql {
    spellings.iter().fold(question, |question, key| {
        question.bind(nid).bind(*key).bind(nid).bind(*key)
    })
}

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

    /// Everybody who has an address of this kind that is spelt in one of these ways, with all of theirs.
    pub async fn owners<K: Asking>(&mut self, spellings: [&str; 2]) -> Result<Vec<Identity>> {
        let spellings = distinct(&spellings);
        let question = bind_spellings(sql(K::owners(spellings)), self.0.nid, spellings);
        let rows = self.0.conn.fetch_few(question).await?;
        let types = self.0.types;
        rows.into_iter()
            .map(|mut row| whole::identity(&mut row, types))
            .collect()
    }

    /// The address of that id with its owner.
    pub async fn verifiable_by_id(
        &mut self,
        id: AddressId,
    ) -> Result<Option<(Identity, VerifiableAddress)>> {
        let question = sql(concat!(
            owners!("identity_verifiable_addresses x"),
            " WHERE x.id = ? AND x.nid = ?"
        ))
        .bind(id)
        .bind(self.0.nid);
        let Some(mut row) = self.0.conn.fetch_optional(question).await? else {
            return Ok(None);
        };
        let identity = whole::identity(&mut row, self.0.types)?;
        let address = identity.verifiable_addresses.iter().find(|a| a.id == id);
        Ok(address.cloned().map(|address| (identity, address)))
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

impl Batch<'_> {
    /// A code or link is on its way. What is known of the address otherwise stays.
    pub fn mark_sent(&mut self, id: AddressId) {
        let update =
            sql("UPDATE identity_verifiable_addresses SET status = ? WHERE id = ? AND nid = ?")
                .bind(AddressStatus::Sent.word())
                .bind(id)
                .bind(self.nid());
        self.add(update);
    }

    /// Its owner has shown that it is theirs.
    pub fn mark_verified(&mut self, id: AddressId, now: OffsetDateTime) {
        let update = sql("UPDATE identity_verifiable_addresses
                SET verified = ?, verified_at = ?, status = ? WHERE id = ? AND nid = ?")
        .bind(true)
        .bind(now)
        .bind(AddressStatus::Completed.word())
        .bind(id)
        .bind(self.nid());
        self.add(update);
    }
}
