//! Writes to identities and what hangs on them.
use super::super::db::{Sql, Value, built, marks, sql};
use super::Batch;
use crate::base::id::{IdentityId, NetworkId, RowId};
use crate::base::random::Random;
use crate::base::terms::Aal;
use crate::model::credentials::Credential;
use crate::model::identity::{Identity, RecoveryAddress, VerifiableAddress};
use crate::store::Dialect;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

impl Batch<'_> {
    /// The identity with its credentials and addresses. `dice` gives the ids of rows that have no id in our model.
    pub fn insert_identity(&mut self, identity: &Identity, dice: &dyn Random) {
        let insert = sql(
            "INSERT INTO identities (schema_id, traits, state, state_changed_at, external_id, metadata_public,
                metadata_admin, available_aal, organization_id, updated_at, id, nid, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        );
        let nid = self.scope.nid;
        let insert =
            bind_identity(insert, nid, identity, identity.updated_at).bind(identity.created_at);
        self.add(insert);
        self.insert_verifiable_addresses(identity.id, &identity.verifiable_addresses);
        self.insert_recovery_addresses(identity.id, &identity.recovery_addresses);
        for credential in &identity.credentials {
            self.insert_credential(identity.id, credential, dice);
        }
    }

    /// Many identities with all that hangs on them, in the order in which rows refer to each other.
    pub(in crate::store) fn insert_identities(
        &mut self,
        identities: &[&Identity],
        dice: &dyn Random,
    ) {
        // Rows refer to rows of statements before.
        self.makes_room();
        let table =
            "identities (schema_id, traits, state, state_changed_at, external_id, metadata_public,
            metadata_admin, available_aal, organization_id, updated_at, id, nid, created_at)";
        self.insert_rows(table, 13, identities, |sql, nid, identity| {
            bind_identity(sql, nid, identity, identity.updated_at).bind(identity.created_at)
        });
        let verifiable: Vec<_> = identities
            .iter()
            .flat_map(|i| i.verifiable_addresses.iter().map(|a| (i.id, a)))
            .collect();
        self.insert_rows(VERIFIABLE, 10, &verifiable, bind_verifiable);
        let recovery: Vec<_> = identities
            .iter()
            .flat_map(|i| i.recovery_addresses.iter().map(|a| (i.id, a)))
            .collect();
        self.insert_rows(RECOVERY, 8, &recovery, bind_recovery);
        let mut credentials = vec![];
        let mut identifiers = vec![];
        for identity in identities {
            for credential in &identity.credentials {
                let kind = match self.scope.types.id(credential.kind) {
                    Ok(kind) => kind,
                    Err(fault) => {
                        self.fault.get_or_insert(fault);
                        return;
                    }
                };
                credentials.push((identity.id, kind, credential));
                let own = credential.identifiers.iter();
                identifiers.extend(own.map(|i| (identity.id, kind, credential, i.as_str())));
            }
        }
        self.insert_rows(CREDENTIALS, 8, &credentials, bind_credential);
        self.insert_rows(IDENTIFIERS, 8, &identifiers, |sql, nid, row| {
            bind_identifier(sql, nid, row, dice)
        });
    }

    /// The row of the identity itself.
    pub(in crate::store) fn identity_row(&self, identity: &Identity, at: OffsetDateTime) -> Sql {
        let update = sql(
            "UPDATE identities
                SET created_at = ?, schema_id = ?, traits = ?, state = ?, state_changed_at = ?, external_id = ?, metadata_public = ?,
                    metadata_admin = ?, available_aal = ?, organization_id = ?, updated_at = ?
              WHERE id = ? AND nid = ?",
        );
        let update = update.bind(identity.created_at);
        bind_identity(update, self.scope.nid, identity, at)
    }

    /// When a change of something last changed at `before` is said to be made: later, by what the column can tell apart,
    /// so that no two states of an identity have the same time.
    pub(in crate::store) fn later(
        &self,
        before: OffsetDateTime,
        now: OffsetDateTime,
    ) -> OffsetDateTime {
        let least = match self.scope.conn.dialect() {
            Dialect::MySql => Duration::SECOND,
            Dialect::Sqlite | Dialect::Postgres | Dialect::Cockroach => Duration::MICROSECOND,
        };
        now.max(before.saturating_add(least))
    }

    /// An update of an identity's row, up to and with its condition, which undoes the whole batch if the row has
    /// changed since it was read.
    pub(in crate::store) fn add_unless_changed(&mut self, update: Sql, read: OffsetDateTime) {
        let unchanged = match self.scope.conn.dialect() {
            // Old rows have other spellings of the same time; they get ours by this.
            Dialect::Sqlite => " AND (updated_at = ? OR updated_at NOT LIKE '%+00:00')",
            Dialect::Postgres | Dialect::Cockroach | Dialect::MySql => " AND updated_at = ?",
        };
        self.add(update.and(unchanged).bind(read).or_nothing());
    }

    /// What the credentials of an identity are worth, remembered.
    pub fn set_available_aal(&mut self, id: IdentityId, aal: Aal, now: OffsetDateTime) {
        let update = available_aal(aal, now).bind(id).bind(self.scope.nid);
        self.add(update);
    }

    pub fn insert_credential(
        &mut self,
        owner: IdentityId,
        credential: &Credential,
        dice: &dyn Random,
    ) {
        let kind = match self.scope.types.id(credential.kind) {
            Ok(kind) => kind,
            Err(fault) => {
                self.fault.get_or_insert(fault);
                return;
            }
        };
        self.insert_rows(
            CREDENTIALS,
            8,
            &[(owner, kind, credential)],
            bind_credential,
        );
        self.insert_identifiers(owner, credential, &credential.identifiers, dice);
    }

    pub(in crate::store) fn insert_identifiers(
        &mut self,
        owner: IdentityId,
        credential: &Credential,
        identifiers: &[String],
        dice: &dyn Random,
    ) {
        let Ok(kind) = self.scope.types.id(credential.kind) else {
            return;
        };
        let rows: Vec<_> = identifiers
            .iter()
            .map(|identifier| (owner, kind, credential, identifier.as_str()))
            .collect();
        self.insert_rows(IDENTIFIERS, 8, &rows, |sql, nid, row| {
            bind_identifier(sql, nid, row, dice)
        });
    }

    /// What is proven by it, not the identifiers. `updated_at` is the credential's.
    pub fn update_credential(&mut self, credential: &Credential) {
        let update = sql(
            "UPDATE identity_credentials SET config = ?, version = ?, updated_at = ? WHERE id = ? AND nid = ?",
        )
        .bind_json(&credential.config)
        .bind(credential.version)
        .bind(credential.updated_at)
        .bind(credential.id)
        .bind(self.scope.nid);
        self.add(update);
    }

    pub(in crate::store) fn delete_credential(&mut self, credential: &Credential) {
        self.delete_row(
            "DELETE FROM identity_credentials WHERE id = ? AND nid = ?",
            credential.id,
        );
    }

    pub(in crate::store) fn delete_identifiers(
        &mut self,
        credential: &Credential,
        identifiers: &[&str],
    ) {
        self.makes_room();
        let text = format!(
            "DELETE FROM identity_credential_identifiers
              WHERE identity_credential_id = ? AND nid = ? AND identifier IN ({})",
            marks(identifiers.len())
        );
        let delete = built(text)
            .bind(credential.id)
            .bind(self.scope.nid)
            .bind_all(identifiers.iter().copied());
        self.add(delete);
    }

    pub(in crate::store) fn insert_verifiable_addresses(
        &mut self,
        owner: IdentityId,
        list: &[VerifiableAddress],
    ) {
        let rows: Vec<_> = list.iter().map(|address| (owner, address)).collect();
        self.insert_rows(VERIFIABLE, 10, &rows, bind_verifiable);
    }

    pub(in crate::store) fn insert_recovery_addresses(
        &mut self,
        owner: IdentityId,
        list: &[RecoveryAddress],
    ) {
        let rows: Vec<_> = list.iter().map(|address| (owner, address)).collect();
        self.insert_rows(RECOVERY, 8, &rows, bind_recovery);
    }

    /// A verifiable address that is there already: verified or not, and since when. `updated_at` is the address's.
    pub fn update_verifiable_address(&mut self, address: &VerifiableAddress) {
        let update = sql("UPDATE identity_verifiable_addresses
                SET value = ?, via = ?, verified = ?, status = ?, verified_at = ?, updated_at = ?
              WHERE id = ? AND nid = ?")
        .bind(address.value.as_str())
        .bind(address.via.word())
        .bind(address.verified)
        .bind(address.status.word())
        .bind(address.verified_at)
        .bind(address.updated_at)
        .bind(address.id)
        .bind(self.scope.nid);
        self.add(update);
    }

    pub(in crate::store) fn delete_verifiable_address(&mut self, address: &VerifiableAddress) {
        self.delete_row(
            "DELETE FROM identity_verifiable_addresses WHERE id = ? AND nid = ?",
            address.id,
        );
    }

    pub(in crate::store) fn delete_recovery_address(&mut self, address: &RecoveryAddress) {
        self.delete_row(
            "DELETE FROM identity_recovery_addresses WHERE id = ? AND nid = ?",
            address.id,
        );
    }

    fn delete_row(&mut self, text: &'static str, id: impl Into<Value>) {
        self.makes_room();
        let delete = sql(text).bind(id).bind(self.scope.nid);
        self.add(delete);
    }
}

/// Up to what the identity is found by.
pub(in crate::store) fn available_aal(aal: Aal, at: OffsetDateTime) -> Sql {
    sql("UPDATE identities SET available_aal = ?, updated_at = ? WHERE id = ? AND nid = ?")
        .bind(aal.word())
        .bind(at)
}

const VERIFIABLE: &str = "identity_verifiable_addresses (id, nid, identity_id, value, via, verified, status, verified_at,
    created_at, updated_at)";
const RECOVERY: &str =
    "identity_recovery_addresses (id, nid, identity_id, value, via, break_glass_for_organization,
    created_at, updated_at)";
const CREDENTIALS: &str =
    "identity_credentials (id, nid, identity_id, identity_credential_type_id, config, version,
    created_at, updated_at)";
const IDENTIFIERS: &str =
    "identity_credential_identifiers (identity_credential_id, identity_credential_type_id,
    identifier, id, nid, identity_id, created_at, updated_at)";

/// The columns of an identity from `schema_id` on, `updated_at`, and then what it is found by.
fn bind_identity(sql: Sql, nid: NetworkId, identity: &Identity, at: OffsetDateTime) -> Sql {
    sql.bind(identity.schema_id.as_str())
        .bind_json(&identity.traits)
        .bind(identity.state.word())
        .bind(identity.state_changed_at)
        .bind_text_or_null(identity.external_id.as_deref())
        .bind_json_or_null(identity.metadata_public.as_ref())
        .bind_json_or_null(identity.metadata_admin.as_ref())
        .bind(identity.available_aal.map(Aal::word))
        .bind(identity.organization_id)
        .bind(at)
        .bind(identity.id)
        .bind(nid)
}

fn bind_verifiable(
    sql: Sql,
    nid: NetworkId,
    (owner, address): &(IdentityId, &VerifiableAddress),
) -> Sql {
    sql.bind(address.id)
        .bind(nid)
        .bind(*owner)
        .bind(address.value.as_str())
        .bind(address.via.word())
        .bind(address.verified)
        .bind(address.status.word())
        .bind(address.verified_at)
        .bind(address.created_at)
        .bind(address.updated_at)
}

fn bind_recovery(
    sql: Sql,
    nid: NetworkId,
    (owner, address): &(IdentityId, &RecoveryAddress),
) -> Sql {
    sql.bind(address.id)
        .bind(nid)
        .bind(*owner)
        .bind(address.value.as_str())
        .bind(address.via.word())
        .bind(address.break_glass_for_organization)
        .bind(address.created_at)
        .bind(address.updated_at)
}

fn bind_credential(
    sql: Sql,
    nid: NetworkId,
    (owner, kind, credential): &(IdentityId, Uuid, &Credential),
) -> Sql {
    sql.bind(credential.id)
        .bind(nid)
        .bind(*owner)
        .bind(*kind)
        .bind_json(&credential.config)
        .bind(credential.version)
        .bind(credential.created_at)
        .bind(credential.updated_at)
}

fn bind_identifier(
    sql: Sql,
    nid: NetworkId,
    (owner, kind, credential, identifier): &(IdentityId, Uuid, &Credential, &str),
    dice: &dyn Random,
) -> Sql {
    sql.bind(credential.id)
        .bind(*kind)
        .bind(*identifier)
        .bind(RowId::random(dice))
        .bind(nid)
        .bind(*owner)
        .bind(credential.updated_at)
        .bind(credential.updated_at)
}
