//! Sessions: found by their token on each request, listed and revoked by their owner and by administrators.
use super::db::{Row, Sql, built, sql};
use super::error::{Error, Result};
use super::networks::Types;
use super::whole::{self, Load, credentials_column, devices_column, identity_columns, loading};
use super::{Batch, Scope};
use crate::base::id::{IdentityId, SessionId};
use crate::base::terms::Aal;
use crate::model::identity::Identity;
use crate::model::session::Session;
use time::OffsetDateTime;

/// Sessions.
pub struct Sessions<'c>(pub(super) Scope<'c>);

/// Where a list of all sessions goes on: behind this one, in the order newest first, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCursor {
    pub created_at: OffsetDateTime,
    pub id: SessionId,
}

/// Columns of `sessions s`, in the order of [`session`].
macro_rules! session_columns {
    () => {
        "s.id, s.identity_id, s.active, s.token, s.logout_token, s.aal, s.authentication_methods, s.issued_at,
         s.authenticated_at, s.expires_at, s.created_at, s.updated_at"
    };
}

/// Sessions with their identities; the condition follows.
macro_rules! joined {
    ($load:expr, $condition:literal) => {
        loading!(
            $load,
            concat!("SELECT ", session_columns!(), ", ", devices_column!(), ", "),
            concat!(
                " FROM sessions s JOIN identities i ON i.id = s.identity_id WHERE ",
                $condition
            )
        )
    };
}

impl Sessions<'_> {
    /// The session with its devices, and its identity: one round trip. Whether it is still live is not looked at.
    pub async fn by_token(
        &mut self,
        token: &str,
        load: Load,
    ) -> Result<Option<(Session, Identity)>> {
        let question = sql(joined!(load, "s.token = ? AND s.nid = ?"))
            .bind(token)
            .bind(self.0.nid);
        let found = self.one(question).await?;
        // Databases that compare without case shall not make tokens easier to guess.
        Ok(found.filter(|(session, _)| session.token == token))
    }

    pub async fn find(&mut self, id: SessionId, load: Load) -> Result<Option<(Session, Identity)>> {
        let question = sql(joined!(load, "s.id = ? AND s.nid = ?"))
            .bind(id)
            .bind(self.0.nid);
        self.one(question).await
    }

    async fn one(&mut self, question: Sql) -> Result<Option<(Session, Identity)>> {
        let row = self.0.conn.fetch_optional(question).await?;
        row.map(|mut row| with_identity(&mut row, self.0.types))
            .transpose()
    }

    /// A new session with its devices.
    pub async fn insert(&mut self, session: &Session) -> Result<()> {
        let mut batch = Batch::on(self.0.again());
        batch.insert_session(session);
        batch.commit().await
    }

    /// All that may change of a session.
    pub async fn update(&mut self, session: &Session) -> Result<()> {
        let mut batch = Batch::on(self.0.again());
        batch.update_session(session);
        batch.commit().await
    }

    /// Moves the end of a session.
    pub async fn extend(&mut self, id: SessionId, expires_at: OffsetDateTime) -> Result<()> {
        let update = sql("UPDATE sessions SET expires_at = ? WHERE id = ? AND nid = ?")
            .bind(expires_at)
            .bind(id)
            .bind(self.0.nid);
        match self.0.conn.execute(update).await? {
            0 => Err(Error::Missing("session")),
            _ => Ok(()),
        }
    }

    /// Ends the session of that token, of whomever. False: there is none. The row stays.
    pub async fn revoke_by_token(&mut self, token: &str) -> Result<bool> {
        let update = sql("UPDATE sessions SET active = ? WHERE token = ? AND nid = ?")
            .bind(false)
            .bind(token)
            .bind(self.0.nid);
        Ok(self.0.conn.execute(update).await? > 0)
    }

    /// Ends a session. False: there is none with this id.
    pub async fn revoke(&mut self, id: SessionId) -> Result<bool> {
        let update = sql("UPDATE sessions SET active = ? WHERE id = ? AND nid = ?")
            .bind(false)
            .bind(id)
            .bind(self.0.nid);
        Ok(self.0.conn.execute(update).await? > 0)
    }

    /// Ends a session of that identity; one of somebody else is left alone.
    pub async fn revoke_of(&mut self, owner: IdentityId, id: SessionId) -> Result<bool> {
        let update = sql(
            "UPDATE sessions SET active = ? WHERE id = ? AND identity_id = ? AND nid = ? AND active = ?",
        )
        .bind(false)
        .bind(id)
        .bind(owner)
        .bind(self.0.nid)
        .bind(true);
        Ok(self.0.conn.execute(update).await? > 0)
    }

    /// Ends all sessions of the identity but one, if one is named. Says how many there are, ended before or now.
    pub async fn revoke_others(
        &mut self,
        owner: IdentityId,
        except: Option<SessionId>,
    ) -> Result<u64> {
        let update =
            sql("UPDATE sessions SET active = ? WHERE identity_id = ? AND id <> ? AND nid = ?")
                .bind(false)
                .bind(owner)
                .bind(except.map_or_else(uuid::Uuid::nil, |id| id.0))
                .bind(self.0.nid);
        self.0.conn.execute(update).await
    }

    /// Deletes all sessions of the identity. Says how many.
    pub async fn delete_of(&mut self, owner: IdentityId) -> Result<u64> {
        let delete = sql("DELETE FROM sessions WHERE identity_id = ? AND nid = ?")
            .bind(owner)
            .bind(self.0.nid);
        self.0.conn.execute(delete).await
    }

    /// A page of the sessions of one identity, newest first, with their devices, and how many there are in all.
    /// `active`: only those that are live at that moment, or only those that are not. One session may be left out.
    pub async fn of(
        &mut self,
        owner: IdentityId,
        active: Option<(bool, OffsetDateTime)>,
        except: Option<SessionId>,
        (offset, limit): (u32, u32),
    ) -> Result<(Vec<Session>, u64)> {
        let nid = self.0.nid;
        let except = except.map_or_else(uuid::Uuid::nil, |id| id.0);
        let narrow = |sql: Sql| narrowed(sql.bind(owner).bind(nid).bind(except), active);
        let clause = liveness(active);
        let page = built(format!(
            "SELECT {}, {} FROM sessions s WHERE s.identity_id = ? AND s.nid = ? AND s.id <> ?{clause}
              ORDER BY s.created_at DESC, s.id LIMIT ? OFFSET ?",
            session_columns!(),
            devices_column!()
        ));
        let page = narrow(page).bind(limit).bind(offset);
        let rows = self.0.conn.fetch_all(page).await?;
        let count = rows.len();
        let sessions = rows
            .into_iter()
            .map(|mut row| session_with_devices(&mut row))
            .collect::<Result<Vec<_>>>()?;
        // A first page that is not full tells the total by itself.
        if offset == 0 && count < limit as usize {
            return Ok((sessions, count as u64));
        }
        let total = built(format!(
            "SELECT COUNT(*) FROM sessions s WHERE s.identity_id = ? AND s.nid = ? AND s.id <> ?{clause}"
        ));
        let row = self.0.conn.fetch_optional(narrow(total)).await?;
        let total = row
            .map(|mut row| row.get::<i64>())
            .transpose()?
            .unwrap_or(0);
        Ok((sessions, total.unsigned_abs()))
    }

    /// All sessions of the network behind the cursor, newest first, with devices and identities (addresses included).
    pub async fn list(
        &mut self,
        active: Option<(bool, OffsetDateTime)>,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<(Session, Identity)>> {
        let behind = match after {
            // The first condition says no more than the second, but an index can use it.
            Some(_) => " AND s.created_at <= ? AND (s.created_at < ? OR s.id > ?)",
            None => "",
        };
        let network = self.0.conn.dialect().of_network("s.nid");
        let question = built(format!(
            "SELECT {}, {}, {}, NULL FROM sessions s JOIN identities i ON i.id = s.identity_id
              WHERE {}{}{behind} ORDER BY {}s.created_at DESC, s.id ASC LIMIT ?",
            session_columns!(),
            devices_column!(),
            identity_columns!(),
            network.condition,
            liveness(active),
            network.order
        ));
        let question = question.bind_all(vec![self.0.nid; network.times]);
        let mut question = narrowed(question, active);
        if let Some(cursor) = after {
            question = question
                .bind(cursor.created_at)
                .bind(cursor.created_at)
                .bind(cursor.id);
        }
        let rows = self.0.conn.fetch_all(question.bind(limit)).await?;
        rows.into_iter()
            .map(|mut row| with_identity(&mut row, self.0.types))
            .collect()
    }
}

/// COALESCE keeps planners from walking everybody's live sessions where the owner's few are asked for.
fn liveness(active: Option<(bool, OffsetDateTime)>) -> &'static str {
    match active {
        None => "",
        Some((true, _)) => " AND s.active = ? AND COALESCE(s.expires_at, s.expires_at) >= ?",
        Some((false, _)) => " AND (s.active = ? OR COALESCE(s.expires_at, s.expires_at) < ?)",
    }
}

fn narrowed(sql: Sql, active: Option<(bool, OffsetDateTime)>) -> Sql {
    match active {
        None => sql,
        Some((active, now)) => sql.bind(active).bind(now),
    }
}

fn with_identity(row: &mut Row, types: &Types) -> Result<(Session, Identity)> {
    let session = session_with_devices(row)?;
    Ok((session, whole::identity(row, types)?))
}

fn session_with_devices(row: &mut Row) -> Result<Session> {
    let mut session = session(row)?;
    session.devices = whole::devices(row)?;
    Ok(session)
}

fn session(row: &mut Row) -> Result<Session> {
    Ok(Session {
        id: row.get()?,
        identity_id: row.get()?,
        active: row.opt()?.unwrap_or(false),
        token: row.opt()?.unwrap_or_default(),
        logout_token: row.opt()?.unwrap_or_default(),
        aal: row.word(Aal::from_word)?,
        methods: row.json()?.unwrap_or_default(),
        issued_at: row.get()?,
        authenticated_at: row.get()?,
        expires_at: row.get()?,
        created_at: row.get()?,
        updated_at: row.get()?,
        devices: vec![],
    })
}
