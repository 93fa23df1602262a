//! The network that all rows belong to, and the types of credentials: read once, when the store is opened.
use super::db::{Db, sql};
use super::error::{Error, Result};
use crate::base::id::NetworkId;
use crate::base::random::Random;
use crate::base::terms::CredentialsType;
use time::OffsetDateTime;
use uuid::Uuid;

/// The oldest network; made if there is none. Two that race may make two, and all later starts take the older one.
pub(super) async fn own(db: &Db, now: OffsetDateTime, dice: &dyn Random) -> Result<NetworkId> {
    if let Some(nid) = oldest(db).await? {
        return Ok(nid);
    }
    let insert = sql("INSERT INTO networks (id, created_at, updated_at) VALUES (?, ?, ?)")
        .bind(NetworkId::random(dice))
        .bind(now)
        .bind(now);
    db.conn().execute(insert).await?;
    oldest(db).await?.ok_or(Error::Missing("network"))
}

async fn oldest(db: &Db) -> Result<Option<NetworkId>> {
    let question = sql("SELECT id FROM networks ORDER BY created_at ASC, id ASC LIMIT 1");
    let row = db.conn().fetch_optional(question).await?;
    row.map(|mut row| row.get()).transpose()
}

/// The ids of the types of credentials, which a database may have chosen itself.
pub(super) struct Types(Vec<(CredentialsType, Uuid)>);

pub(super) async fn types(db: &Db) -> Result<Types> {
    let rows = db
        .conn()
        .fetch_all(sql("SELECT name, id FROM identity_credential_types"))
        .await?;
    let mut types = vec![];
    for mut row in rows {
        let (name, id) = (row.get::<String>()?, row.get()?);
        // A newer release may know more.
        if let Some(kind) = CredentialsType::from_word(&name) {
            types.push((kind, id));
        }
    }
    Ok(Types(types))
}

impl Types {
    pub(super) fn id(&self, kind: CredentialsType) -> Result<Uuid> {
        self.0
            .iter()
            .find(|(k, _)| *k == kind)
            .map(|(_, id)| *id)
            .ok_or(Error::Missing("type of credentials"))
    }
    pub(super) fn kind(&self, id: Uuid) -> Option<CredentialsType> {
        self.0.iter().find(|(_, i)| *i == id).map(|(kind, _)| *kind)
    }
    /// Those of the given kinds that the database knows.
    pub(super) fn ids(&self, kinds: &[CredentialsType]) -> Vec<Uuid> {
        kinds
            .iter()
            .filter_map(|kind| self.id(*kind).ok())
            .collect()
    }
}
