//! Identities: made, found, listed, changed and deleted with all that hangs on them.
use super::db::{Dialect, Sql, built, marks, sql};
use super::error::{Error, Result};
use super::whole::{self, Load, credentials_column, identity_columns, loading};
use super::{Batch, Scope};
use crate::base::id::IdentityId;
use crate::base::random::Random;
use crate::base::terms::{Aal, CredentialsType as Kind};
use crate::model::identity::Identity;
use time::OffsetDateTime;
use uuid::Uuid;

/// Identities.
pub struct Identities<'c>(pub(super) Scope<'c>);

/// Which identities a list shows (http-api.md §11.1).
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All,
    Ids(Vec<IdentityId>),
    Organization(Uuid),
    /// Who has this identifier: `normalised` among those that are stored so, `verbatim` among those of providers.
    Identifier {
        normalised: String,
        verbatim: String,
    },
    /// Who has one that begins like this.
    IdentifierPrefix {
        normalised: String,
        verbatim: String,
    },
}

/// Which part of a list, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// Behind this id; the nil id stands before all.
    After(IdentityId, u32),
    Page {
        offset: u32,
        limit: u32,
    },
}

macro_rules! identity_where {
    ($load:expr, $condition:literal) => {
        loading!(
            $load,
            "SELECT ",
            concat!(" FROM identities i WHERE ", $condition)
        )
    };
}

impl Identities<'_> {
    pub async fn find(&mut self, id: IdentityId, load: Load) -> Result<Option<Identity>> {
        let question = sql(identity_where!(load, "i.id = ? AND i.nid = ?"))
            .bind(id)
            .bind(self.0.nid);
        self.one(question).await
    }

    /// The same, for who knows that it is there.
    pub async fn get(&mut self, id: IdentityId, load: Load) -> Result<Identity> {
        self.find(id, load).await?.ok_or(Error::Missing("identity"))
    }

    pub async fn by_external_id(
        &mut self,
        external_id: &str,
        load: Load,
    ) -> Result<Option<Identity>> {
        let question = sql(identity_where!(load, "i.nid = ? AND i.external_id = ?"))
            .bind(self.0.nid)
            .bind(external_id);
        let found = self.one(question).await?;
        Ok(found.filter(|i| i.external_id.as_deref() == Some(external_id)))
    }

    async fn one(&mut self, question: Sql) -> Result<Option<Identity>> {
        let row = self.0.conn.fetch_optional(question).await?;
        row.map(|mut row| whole::identity(&mut row, self.0.types))
            .transpose()
    }

    /// The identity with its credentials and addresses, all or nothing. [`Error::Conflict`] if somebody has an
    /// identifier, an address or the external id already.
    pub async fn insert(&mut self, identity: &Identity, dice: &dyn Random) -> Result<()> {
        let mut batch = Batch::on(self.0.again());
        batch.insert_identity(identity, dice);
        batch.commit().await
    }

    /// Writes what is different in `new`. Both must have been loaded with credentials; addresses and credentials are
    /// told apart by their ids.
    pub async fn update(
        &mut self,
        old: &Identity,
        new: &Identity,
        dice: &dyn Random,
    ) -> Result<()> {
        let mut batch = Batch::on(self.0.again());
        batch.change_identity(old, new, dice);
        batch.commit().await
    }

    pub async fn set_available_aal(
        &mut self,
        id: IdentityId,
        aal: Aal,
        now: OffsetDateTime,
    ) -> Result<()> {
        let mut batch = Batch::on(self.0.again());
        batch.set_available_aal(id, aal, now);
        batch.commit().await
    }

    /// Sessions, credentials, addresses, codes and settings flows go with it. False: there was none.
    pub async fn delete(&mut self, id: IdentityId) -> Result<bool> {
        let delete = sql("DELETE FROM identities WHERE id = ? AND nid = ?")
            .bind(id)
            .bind(self.0.nid);
        Ok(self.0.conn.execute(delete).await? > 0)
    }

    /// How many there are in the network.
    pub async fn count(&mut self) -> Result<u64> {
        let question = sql("SELECT COUNT(*) FROM identities WHERE nid = ?").bind(self.0.nid);
        let row = self.0.conn.fetch_optional(question).await?;
        let count = row.map(|mut row| row.get::<i64>()).transpose()?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    /// By id, ascending. Ask for one more than you show to learn whether there is more.
    pub async fn list(
        &mut self,
        filter: &Filter,
        slice: Slice,
        load: Load,
    ) -> Result<Vec<Identity>> {
        let mut values: Vec<super::db::Value> = vec![];
        let mut text = String::from(loading!(load, "SELECT ", " FROM "));
        if let Filter::Identifier { .. } | Filter::IdentifierPrefix { .. } = filter {
            text += "(SELECT u.identity_id AS id FROM ";
            self.push_owners(&mut text, &mut values, filter);
            text += " u";
            push_slice(&mut text, &mut values, ["WHERE", "u.identity_id"], slice);
            // In this order, says SQLite's CROSS JOIN: else it would begin with all identities.
            text += ") o CROSS JOIN identities i WHERE i.id = o.id AND i.nid = ? ORDER BY o.id ASC";
            values.push(self.0.nid.into());
        } else {
            // MySQL and MariaDB would read the index of a network from its beginning, whatever the id; this they cannot
            // look up, and go by the id.
            text += match self.0.conn.dialect() {
                Dialect::MySql => "identities i WHERE COALESCE(i.nid) = ?",
                _ => "identities i WHERE i.nid = ?",
            };
            values.push(self.0.nid.into());
            match filter {
                Filter::Ids(ids) if ids.is_empty() => return Ok(vec![]),
                Filter::Ids(ids) => {
                    text.extend([" AND i.id IN (", &marks(ids.len()), ")"]);
                    values.extend(ids.iter().map(|id| (*id).into()));
                }
                Filter::Organization(id) => {
                    text += " AND i.organization_id = ?";
                    values.push((*id).into());
                }
                _ => {}
            }
            push_slice(&mut text, &mut values, ["AND", "i.id"], slice);
        }
        let rows = self.0.conn.fetch_all(built(text).bind_all(values)).await?;
        rows.into_iter()
            .map(|mut row| whole::identity(&mut row, self.0.types))
            .collect()
    }

    /// Who has an identifier, found before their rows are looked at: a table. Each half is one range of the index.
    fn push_owners(&self, text: &mut String, values: &mut Vec<super::db::Value>, filter: &Filter) {
        let (normalised, verbatim, is_prefix) = match filter {
            Filter::Identifier {
                normalised,
                verbatim,
            } => (normalised, verbatim, false),
            Filter::IdentifierPrefix {
                normalised,
                verbatim,
            } => (normalised, verbatim, true),
            _ => return,
        };
        let types = self.0.types;
        let halves = [
            (
                types.ids(&[Kind::Password, Kind::WebAuthn, Kind::Code]),
                normalised,
            ),
            (types.ids(&[Kind::Oidc, Kind::Saml]), verbatim),
        ];
        for (at, (kinds, wanted)) in halves.into_iter().enumerate() {
            text.push_str(if at == 0 { "(" } else { " UNION " });
            let comparison = if !is_prefix {
                "= ?"
            } else if self.0.conn.dialect() == Dialect::Sqlite {
                // LIKE would look at every row there.
                ">= ? AND x.identifier < ?"
            } else {
                "LIKE ? ESCAPE '!'"
            };
            text.push_str(&format!(
                "SELECT x.identity_id FROM identity_credential_identifiers x
                  WHERE x.nid = ? AND x.identity_credential_type_id IN ({}) AND x.identifier {comparison}",
                marks(kinds.len())
            ));
            values.push(self.0.nid.into());
            values.extend(kinds.into_iter().map(Into::into));
            if !is_prefix {
                values.push(wanted.as_str().into());
            } else if self.0.conn.dialect() == Dialect::Sqlite {
                values.push(wanted.as_str().into());
                values.push(format!("{wanted}\u{10ffff}").into());
            } else {
                values.push(format!("{}%", escaped(wanted)).into());
            }
        }
        text.push(')');
    }
}

/// The end of a question for a part of a list. The id is looked at behind this word.
fn push_slice(
    text: &mut String,
    values: &mut Vec<super::db::Value>,
    [word, id]: [&str; 2],
    slice: Slice,
) {
    match slice {
        Slice::After(after, limit) => {
            text.extend([" ", word, " ", id, " > ? ORDER BY ", id, " ASC LIMIT ?"]);
            values.extend([after.into(), limit.into()]);
        }
        Slice::Page { offset, limit } => {
            text.extend([" ORDER BY ", id, " ASC LIMIT ? OFFSET ?"]);
            values.extend([limit.into(), offset.into()]);
        }
    }
}

/// For LIKE with `!` as the escape, which no engine gives a meaning of its own.
fn escaped(text: &str) -> String {
    text.replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_")
}
