//! Writes that need no answer in between, collected and carried out together or not at all.
//!
//! On PostgreSQL they go out as one statement and in any order, so that no two may touch the same row, and none sees
//! another's work; references among them are checked at the end. Elsewhere they run in the order given.
use super::Scope;
use super::db::{Sql, built, marks, rows_of_marks, sql};
use super::error::Result;
use super::flows::{self, Stored};
use crate::base::id::{IdentityId, RowId, SessionId};
use crate::base::random::Random;
use crate::base::terms::Aal;
use crate::model::credentials::Credential;
use crate::model::flow::Flow;
use crate::model::identity::{Identity, RecoveryAddress, VerifiableAddress};
use crate::model::session::{Device, Session};
use time::OffsetDateTime;

#[must_use = "nothing happens before `commit`"]
pub struct Batch<'c> {
    scope: Scope<'c>,
    statements: Vec<Sql>,
    /// The first thing that cannot be written.
    fault: Option<super::Error>,
}

impl<'c> Batch<'c> {
    pub(super) fn on(scope: Scope<'c>) -> Self {
        Self {
            scope,
            statements: vec![],
            fault: None,
        }
    }

    /// Carries them out. Nothing to do is done.
    pub async fn commit(mut self) -> Result<()> {
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.scope.conn.together(self.statements).await.map(|_| ()),
        }
    }

    /// The same in the given order on every engine: for writes that make room for each other.
    pub async fn commit_in_order(mut self) -> Result<()> {
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.scope.conn.in_order(self.statements).await.map(|_| ()),
        }
    }

    pub(super) fn add(&mut self, statement: Sql) {
        self.statements.push(statement);
    }

    pub fn insert_flow<K: Stored>(&mut self, flow: &Flow<K>) {
        self.add(flows::insert(self.scope.nid, flow));
    }

    pub fn update_flow<K: Stored>(&mut self, flow: &Flow<K>) {
        self.add(flows::update(self.scope.nid, flow));
    }

    /// A new session with its devices.
    pub fn insert_session(&mut self, session: &Session) {
        let insert = sql(
            "INSERT INTO sessions (id, nid, identity_id, issued_at, expires_at, authenticated_at, created_at,
                updated_at, token, logout_token, active, aal, authentication_methods)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(session.id)
        .bind(self.scope.nid)
        .bind(session.identity_id)
        .bind(session.issued_at)
        .bind(session.expires_at)
        .bind(session.authenticated_at)
        .bind(session.created_at)
        .bind(session.updated_at)
        .bind(session.token.as_str())
        .bind(session.logout_token.as_str())
        .bind(session.active)
        .bind(session.aal.word())
        .bind_json(&session.methods);
        self.add(insert);
        if !session.devices.is_empty() {
            let text = format!(
                "INSERT INTO session_devices (id, nid, session_id, identity_id, ip_address, user_agent, location,
                    created_at, updated_at)
                 VALUES {}",
                rows_of_marks(session.devices.len(), 9)
            );
            let mut insert = built(text);
            for device in &session.devices {
                insert = bind_device(insert, &self.scope, session.id, session.identity_id, device);
            }
            self.add(insert);
        }
    }

    /// A session that is there already; who it belongs to, when it was issued and its devices stay.
    pub fn update_session(&mut self, session: &Session) {
        let update = sql(
            "UPDATE sessions
                SET expires_at = ?, authenticated_at = ?, updated_at = ?, token = ?, logout_token = ?, active = ?,
                    aal = ?, authentication_methods = ?
              WHERE id = ? AND nid = ?",
        )
        .bind(session.expires_at)
        .bind(session.authenticated_at)
        .bind(session.updated_at)
        .bind(session.token.as_str())
        .bind(session.logout_token.as_str())
        .bind(session.active)
        .bind(session.aal.word())
        .bind_json(&session.methods)
        .bind(session.id)
        .bind(self.scope.nid);
        self.add(update);
    }

    /// A device from which a session was used; one that is known already changes nothing.
    pub fn insert_device(&mut self, session: &Session, device: &Device) {
        let insert = sql(
            "INSERT INTO session_devices (id, nid, session_id, identity_id, ip_address, user_agent, location,
                created_at, updated_at)
             SELECT * FROM (SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e, ? AS f, ? AS g, ? AS h, ? AS i) n
              WHERE NOT EXISTS (
                SELECT 1 FROM session_devices
                 WHERE nid = ? AND session_id = ? AND ip_address = ? AND user_agent = ?)",
        );
        let insert = bind_device(insert, &self.scope, session.id, session.identity_id, device)
            .bind(self.scope.nid)
            .bind(session.id)
            .bind(cut(device.ip_address.as_deref(), 50))
            .bind(cut(device.user_agent.as_deref(), 512));
        self.add(insert);
    }

    /// The identity with its credentials and addresses. `dice` gives the ids of rows that have no id in our model.
    pub fn insert_identity(&mut self, identity: &Identity, dice: &dyn Random) {
        let insert = sql(
            "INSERT INTO identities (id, nid, schema_id, traits, state, state_changed_at, external_id,
                metadata_public, metadata_admin, available_aal, organization_id, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(identity.id)
        .bind(self.scope.nid)
        .bind(identity.schema_id.as_str())
        .bind_json(&identity.traits)
        .bind(identity.state.word())
        .bind(identity.state_changed_at)
        .bind_text_or_null(identity.external_id.as_deref())
        .bind_json_or_null(identity.metadata_public.as_ref())
        .bind_json_or_null(identity.metadata_admin.as_ref())
        .bind(identity.available_aal.map(Aal::word))
        .bind(identity.organization_id)
        .bind(identity.created_at)
        .bind(identity.updated_at);
        self.add(insert);
        self.insert_verifiable_addresses(identity.id, &identity.verifiable_addresses);
        self.insert_recovery_addresses(identity.id, &identity.recovery_addresses);
        for credential in &identity.credentials {
            self.insert_credential(identity.id, credential, dice);
        }
    }

    /// The row of the identity itself, `updated_at` included.
    pub fn update_identity(&mut self, identity: &Identity) {
        let update = sql(
            "UPDATE identities
                SET schema_id = ?, traits = ?, state = ?, state_changed_at = ?, external_id = ?, metadata_public = ?,
                    metadata_admin = ?, available_aal = ?, organization_id = ?, updated_at = ?
              WHERE id = ? AND nid = ?",
        )
        .bind(identity.schema_id.as_str())
        .bind_json(&identity.traits)
        .bind(identity.state.word())
        .bind(identity.state_changed_at)
        .bind_text_or_null(identity.external_id.as_deref())
        .bind_json_or_null(identity.metadata_public.as_ref())
        .bind_json_or_null(identity.metadata_admin.as_ref())
        .bind(identity.available_aal.map(Aal::word))
        .bind(identity.organization_id)
        .bind(identity.updated_at)
        .bind(identity.id)
        .bind(self.scope.nid);
        self.add(update);
    }

    /// What the credentials of an identity are worth, remembered.
    pub fn set_available_aal(&mut self, id: IdentityId, aal: Aal, now: OffsetDateTime) {
        let update =
            sql("UPDATE identities SET available_aal = ?, updated_at = ? WHERE id = ? AND nid = ?")
                .bind(aal.word())
                .bind(now)
                .bind(id)
                .bind(self.scope.nid);
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
        let insert = sql(
            "INSERT INTO identity_credentials (id, nid, identity_id, identity_credential_type_id, config, version,
                created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(credential.id)
        .bind(self.scope.nid)
        .bind(owner)
        .bind(kind)
        .bind_json(&credential.config)
        .bind(credential.version)
        .bind(credential.created_at)
        .bind(credential.updated_at);
        self.add(insert);
        self.insert_identifiers(owner, credential, &credential.identifiers, dice);
    }

    pub(super) fn insert_identifiers(
        &mut self,
        owner: IdentityId,
        credential: &Credential,
        identifiers: &[String],
        dice: &dyn Random,
    ) {
        let Ok(kind) = self.scope.types.id(credential.kind) else {
            return;
        };
        if identifiers.is_empty() {
            return;
        }
        let mut insert = built(format!(
            "INSERT INTO identity_credential_identifiers (id, nid, identity_id, identity_credential_id,
                identity_credential_type_id, identifier, created_at, updated_at)
             VALUES {}",
            rows_of_marks(identifiers.len(), 8)
        ));
        for identifier in identifiers {
            insert = insert
                .bind(RowId::random(dice))
                .bind(self.scope.nid)
                .bind(owner)
                .bind(credential.id)
                .bind(kind)
                .bind(identifier.as_str())
                .bind(credential.updated_at)
                .bind(credential.updated_at);
        }
        self.add(insert);
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

    pub(super) fn delete_credential(&mut self, credential: &Credential) {
        let delete = sql("DELETE FROM identity_credentials WHERE id = ? AND nid = ?")
            .bind(credential.id)
            .bind(self.scope.nid);
        self.add(delete);
    }

    pub(super) fn delete_identifiers(&mut self, credential: &Credential, identifiers: &[&str]) {
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

    pub(super) fn insert_verifiable_addresses(
        &mut self,
        owner: IdentityId,
        list: &[VerifiableAddress],
    ) {
        if list.is_empty() {
            return;
        }
        let mut insert = built(format!(
            "INSERT INTO identity_verifiable_addresses (id, nid, identity_id, value, via, verified, status,
                verified_at, created_at, updated_at)
             VALUES {}",
            rows_of_marks(list.len(), 10)
        ));
        for address in list {
            insert = insert
                .bind(address.id)
                .bind(self.scope.nid)
                .bind(owner)
                .bind(address.value.as_str())
                .bind(address.via.word())
                .bind(address.verified)
                .bind(address.status.word())
                .bind(address.verified_at)
                .bind(address.created_at)
                .bind(address.updated_at);
        }
        self.add(insert);
    }

    pub(super) fn insert_recovery_addresses(
        &mut self,
        owner: IdentityId,
        list: &[RecoveryAddress],
    ) {
        if list.is_empty() {
            return;
        }
        let mut insert = built(format!(
            "INSERT INTO identity_recovery_addresses (id, nid, identity_id, value, via,
                break_glass_for_organization, created_at, updated_at)
             VALUES {}",
            rows_of_marks(list.len(), 8)
        ));
        for address in list {
            insert = insert
                .bind(address.id)
                .bind(self.scope.nid)
                .bind(owner)
                .bind(address.value.as_str())
                .bind(address.via.word())
                .bind(address.break_glass_for_organization)
                .bind(address.created_at)
                .bind(address.updated_at);
        }
        self.add(insert);
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

    pub(super) fn delete_verifiable_address(&mut self, address: &VerifiableAddress) {
        let delete = sql("DELETE FROM identity_verifiable_addresses WHERE id = ? AND nid = ?")
            .bind(address.id)
            .bind(self.scope.nid);
        self.add(delete);
    }

    pub(super) fn delete_recovery_address(&mut self, address: &RecoveryAddress) {
        let delete = sql("DELETE FROM identity_recovery_addresses WHERE id = ? AND nid = ?")
            .bind(address.id)
            .bind(self.scope.nid);
        self.add(delete);
    }
}

fn bind_device(
    sql: Sql,
    scope: &Scope<'_>,
    session: SessionId,
    owner: IdentityId,
    device: &Device,
) -> Sql {
    sql.bind(device.id)
        .bind(scope.nid)
        .bind(session)
        .bind(owner)
        .bind(cut(device.ip_address.as_deref(), 50))
        .bind(cut(device.user_agent.as_deref(), 512))
        .bind(cut(device.location.as_deref(), 512))
        .bind(device.created_at)
        .bind(device.updated_at)
}

/// Not more bytes than the column has characters, cut between characters.
fn cut(text: Option<&str>, limit: usize) -> Option<&str> {
    let text = text?;
    text.get(..text.floor_char_boundary(limit))
}
