//! Credentials: who is behind an identifier, and changes to what proves it.
use super::batch::available_aal;
use super::db::{built, marks, sql};
use super::error::Result;
use super::whole::{self, credentials_column, distinct, identity_columns};
use super::{Batch, Scope, Store};
use crate::base::id::{CredentialId, IdentityId};
use crate::base::random::Random;
use crate::base::terms::CredentialsType;
use crate::base::time::micros;
use crate::model::credentials::Credential;
use crate::model::identity::{Identity, RecoveryAddress, VerifiableAddress};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

/// Who has one of the keys.
macro_rules! by_keys {
    ($keys:expr) => {
        concat!(
            "SELECT x.identifier, x.identity_credential_type_id, ",
            identity_columns!(),
            ", ",
            credentials_column!(),
            " FROM (",
            $keys,
            ") x JOIN identities i ON i.id = x.identity_id"
        )
    };
}
/// A network, a type and an identifier.
macro_rules! one_key {
    () => {
        "SELECT identity_id, identifier, identity_credential_type_id FROM identity_credential_identifiers
          WHERE nid = ? AND identity_credential_type_id = ? AND identifier = ?"
    };
}

/// Credentials.
pub struct Credentials<'c>(pub(super) Scope<'c>);

/// Who was found by an identifier, with all credentials and addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub identity: Identity,
    /// The type of credentials that the identifier belongs to.
    pub kind: CredentialsType,
    /// As stored.
    pub identifier: String,
}

impl Credentials<'_> {
    /// Who has this identifier in one of the types: one round trip. Rows of old releases keep capitals, so that both
    /// the normalised form and what was typed are looked for, and what was typed wins (database.md §3.1). Among
    /// several types the first in the list wins.
    pub async fn by_identifier(
        &mut self,
        types: &[CredentialsType],
        normalised: &str,
        as_typed: &str,
    ) -> Result<Option<Found>> {
        let ids = self.0.types.ids(types);
        let spellings = [normalised, as_typed];
        let spellings = distinct(&spellings);
        if ids.is_empty() {
            return Ok(None);
        }
        // One question for each key, so that an index answers it whatever the database knows of its tables.
        let text = match (ids.len(), spellings.len()) {
            (1, 1) => sql(by_keys!(one_key!())),
            (types, spellings) => {
                let keys = vec![one_key!(); types * spellings].join(" UNION ALL ");
                built(format!(by_keys!("{}"), keys))
            }
        };
        let pairs = ids
            .iter()
            .flat_map(|id| spellings.iter().map(move |s| (id, s)));
        let question = pairs.fold(text, |text, (id, spelling)| {
            text.bind(self.0.nid).bind(*id).bind(*spelling)
        });
        let mut best: Option<((bool, usize), Found)> = None;
        for mut row in self.0.conn.fetch_few(question).await? {
            let identifier: String = row.get()?;
            let Some(kind) = self.0.types.kind(row.get::<Uuid>()?) else {
                continue;
            };
            let place = types.iter().position(|t| *t == kind).unwrap_or(types.len());
            let rank = (identifier != as_typed, place);
            if best.as_ref().is_none_or(|(other, _)| rank < *other) {
                let identity = whole::identity(&mut row, self.0.types)?;
                best = Some((
                    rank,
                    Found {
                        identity,
                        kind,
                        identifier,
                    },
                ));
            }
        }
        Ok(best.map(|(_, found)| found))
    }

    /// Who has a security key or passkey with this user handle, standard base64, in rows that do not have it as an
    /// identifier.
    pub async fn by_user_handle(&mut self, handle: &str) -> Result<Option<Identity>> {
        use super::db::Dialect;
        let kinds = self.0.types.ids(&[CredentialsType::WebAuthn]);
        let path = match self.0.conn.dialect() {
            Dialect::Sqlite => "json_extract(w.config, '$.user_handle')",
            Dialect::Postgres | Dialect::Cockroach => "w.config ->> 'user_handle'",
            Dialect::MySql => "JSON_UNQUOTE(JSON_EXTRACT(w.config, '$.user_handle'))",
        };
        let question = built(format!(
            "SELECT {}, {} FROM identity_credentials w JOIN identities i ON i.id = w.identity_id
              WHERE w.nid = ? AND w.identity_credential_type_id IN ({}) AND {path} = ? LIMIT 1",
            identity_columns!(),
            credentials_column!(),
            marks(kinds.len())
        ));
        let question = question.bind(self.0.nid).bind_all(kinds).bind(handle);
        let row = self.0.conn.fetch_optional(question).await?;
        row.map(|mut row| whole::identity(&mut row, self.0.types))
            .transpose()
    }

    /// What is proven by it; its identifiers stay.
    pub async fn update(&mut self, credential: &Credential) -> Result<()> {
        let mut batch = Batch::on(self.0.again());
        batch.update_credential(credential);
        batch.commit().await
    }
}

impl Store {
    /// Shows `change` what the credential holds at this moment, and writes what it makes of it, unless that says no.
    /// Of several at the same time each sees the work of those before. `touches`: whose change it is, and when; without it
    /// neither the credential nor its owner is any younger. False: nothing was written.
    pub async fn edit_credential(
        &self,
        id: CredentialId,
        touches: Option<(IdentityId, OffsetDateTime)>,
        change: impl FnOnce(&mut Value) -> bool + Send,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let scope = tx.scope();
        let (mut conn, nid) = (scope.conn, scope.nid);
        let question =
            conn.locking("SELECT config FROM identity_credentials WHERE id = ? AND nid = ?");
        let row = conn.fetch_optional(question.bind(id).bind(nid)).await?;
        let config = row
            .map(|mut row| row.json::<Value>())
            .transpose()?
            .flatten();
        let Some(mut config) = config else {
            return Ok(false);
        };
        if !change(&mut config) {
            return Ok(false);
        }
        let update = sql("UPDATE identity_credentials SET config = ? WHERE id = ? AND nid = ?");
        let update = update.bind_json(&config).bind(id).bind(nid);
        conn.execute(update).await?;
        if let Some((owner, now)) = touches {
            let touch =
                sql("UPDATE identity_credentials SET updated_at = ? WHERE id = ? AND nid = ?");
            conn.execute(touch.bind(micros(now)).bind(id).bind(nid))
                .await?;
            let touch = sql("UPDATE identities SET updated_at = ? WHERE id = ? AND nid = ?");
            conn.execute(touch.bind(micros(now)).bind(owner).bind(nid))
                .await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

impl Batch<'_> {
    /// What is different in `new`: the row, addresses and credentials, told apart by their ids. What goes, goes
    /// first, so that something new may take its place. [`Error::Stale`](super::Error::Stale), and nothing of it, if the
    /// identity was changed since `old` was read.
    pub fn change_identity(&mut self, old: &Identity, new: &Identity, dice: &dyn Random) {
        self.change_row(old, new);
        self.change_verifiable(old, new);
        self.change_recovery(old, new);
        for gone in &old.credentials {
            if !new.credentials.iter().any(|c| c.id == gone.id) {
                self.delete_credential(gone);
            }
        }
        for credential in &new.credentials {
            if let Some(before) = old.credentials.iter().find(|c| c.id == credential.id) {
                self.change_credential(before, credential, new, dice);
            }
        }
        for credential in &new.credentials {
            if !old.credentials.iter().any(|c| c.id == credential.id) {
                self.insert_credential(new.id, credential, dice);
            }
        }
    }

    /// Only what follows from credentials, if nothing else is new: somebody else may be at work on the rest.
    fn change_row(&mut self, old: &Identity, new: &Identity) {
        let like_new = Identity {
            available_aal: new.available_aal,
            updated_at: new.updated_at,
            verifiable_addresses: new.verifiable_addresses.clone(),
            recovery_addresses: new.recovery_addresses.clone(),
            credentials: new.credentials.clone(),
            ..old.clone()
        };
        let at = self.later(old.updated_at, new.updated_at);
        let update = match new.available_aal.filter(|_| like_new == *new) {
            Some(aal) => available_aal(aal, at).bind(new.id).bind(self.nid()),
            None => self.identity_row(new, at),
        };
        self.add_unless_changed(update, old.updated_at);
    }

    fn change_credential(
        &mut self,
        old: &Credential,
        new: &Credential,
        owner: &Identity,
        dice: &dyn Random,
    ) {
        if old.config != new.config
            || old.version != new.version
            || !old.is_found_by(&new.identifiers)
        {
            self.update_credential(new);
        }
        let gone: Vec<&str> = old
            .identifiers
            .iter()
            .filter(|i| !new.identifiers.contains(i))
            .map(String::as_str)
            .collect();
        if !gone.is_empty() {
            self.delete_identifiers(old, &gone);
        }
        let come: Vec<String> = new
            .identifiers
            .iter()
            .filter(|i| !old.identifiers.contains(i))
            .cloned()
            .collect();
        self.insert_identifiers(owner.id, new, &come, dice);
    }

    fn change_verifiable(&mut self, old: &Identity, new: &Identity) {
        let (old, list) = (&old.verifiable_addresses, &new.verifiable_addresses);
        // One with another value is written anew, so that two may change places.
        let is_same = |a: &VerifiableAddress, b: &VerifiableAddress| {
            a.id == b.id && a.value == b.value && a.via == b.via
        };
        for gone in old.iter().filter(|a| !list.iter().any(|b| is_same(a, b))) {
            self.delete_verifiable_address(gone);
        }
        for address in list {
            if old
                .iter()
                .any(|before| is_same(before, address) && before != address)
            {
                self.update_verifiable_address(address);
            }
        }
        let come: Vec<VerifiableAddress> = list
            .iter()
            .filter(|a| !old.iter().any(|b| is_same(a, b)))
            .cloned()
            .collect();
        self.insert_verifiable_addresses(new.id, &come);
    }

    fn change_recovery(&mut self, old: &Identity, new: &Identity) {
        let (old, list) = (&old.recovery_addresses, &new.recovery_addresses);
        // The value of a recovery address never changes: a changed one is another address.
        let is_same = |a: &RecoveryAddress, b: &RecoveryAddress| {
            a.id == b.id && a.value == b.value && a.via == b.via
        };
        for gone in old.iter().filter(|a| !list.iter().any(|b| is_same(a, b))) {
            self.delete_recovery_address(gone);
        }
        let come: Vec<RecoveryAddress> = list
            .iter()
            .filter(|a| !old.iter().any(|b| is_same(a, b)))
            .cloned()
            .collect();
        self.insert_recovery_addresses(new.id, &come);
    }
}
