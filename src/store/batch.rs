//! Writes that need no answer in between, collected and carried out together or not at all.
//!
//! On PostgreSQL they go out as one statement and in any order, so that no two may touch the same row, and none sees
//! another's work; references among them are checked at the end. Where something makes room for something else, all that
//! is deleted goes first. Elsewhere they run in the order given.
mod identity;

pub(super) use identity::available_aal;

use super::Scope;
use super::db::{Sql, built, rows_of_marks, sql};
use super::error::Result;
use super::flows::{self, Stored};
use crate::base::id::NetworkId;
use crate::model::flow::Flow;
use crate::model::session::{Device, Session};

/// So many rows are written by one statement, if there are so many.
const PIECES: [usize; 3] = [256, 64, 16];

#[must_use = "nothing happens before `commit`"]
pub struct Batch<'c> {
    scope: Scope<'c>,
    statements: Vec<Sql>,
    /// The first thing that cannot be written.
    fault: Option<super::Error>,
    /// Something makes room for something else.
    ordered: bool,
}

impl<'c> Batch<'c> {
    pub(super) fn on(scope: Scope<'c>) -> Self {
        Self {
            scope,
            statements: vec![],
            fault: None,
            ordered: false,
        }
    }

    /// Carries them out. Nothing to do is done.
    pub async fn commit(mut self) -> Result<()> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let done = if self.ordered {
            self.scope.conn.in_order(self.statements).await
        } else {
            self.scope.conn.together(self.statements).await
        };
        done.map(|_| ())
    }

    /// What is deleted from now on makes room for what is inserted.
    fn makes_room(&mut self) {
        self.ordered = true;
    }

    pub(super) fn nid(&self) -> NetworkId {
        self.scope.nid
    }

    pub(super) fn add(&mut self, statement: Sql) {
        self.statements.push(statement);
    }

    /// Rows for a table, which is named with its columns; nothing for none. Many rows go in few sizes, so that there are
    /// few statements to prepare.
    fn insert_rows<T>(
        &mut self,
        table: &str,
        width: usize,
        rows: &[T],
        bind: impl Fn(Sql, NetworkId, &T) -> Sql,
    ) {
        let nid = self.scope.nid;
        let mut rest = rows;
        while !rest.is_empty() {
            let size = PIECES.iter().find(|size| **size <= rest.len());
            let (now, later) = rest.split_at(size.copied().unwrap_or(rest.len()));
            let marks = rows_of_marks(now.len(), width);
            let insert = built(format!("INSERT INTO {table} VALUES {marks}"));
            self.add(now.iter().fold(insert, |sql, row| bind(sql, nid, row)));
            rest = later;
        }
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
            "INSERT INTO sessions (expires_at, authenticated_at, updated_at, token, logout_token, active, aal,
                authentication_methods, id, nid, identity_id, issued_at, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        );
        let insert = self
            .bind_session(insert, session)
            .bind(session.identity_id)
            .bind(session.issued_at)
            .bind(session.created_at);
        self.add(insert);
        let table = "session_devices (id, nid, session_id, identity_id, ip_address, user_agent, location, created_at,
            updated_at)";
        self.insert_rows(table, 9, &session.devices, |sql, nid, device| {
            bind_device(sql, nid, session, device)
        });
    }

    /// A session that is there already; who it belongs to, when it was issued and its devices stay. One that was revoked
    /// meanwhile stays so.
    pub fn update_session(&mut self, session: &Session) {
        let update = sql(
            "UPDATE sessions
                SET expires_at = ?, authenticated_at = ?, updated_at = ?, token = ?, logout_token = ?, active = ?,
                    aal = ?, authentication_methods = ?
              WHERE id = ? AND nid = ? AND active = ?",
        );
        let update = self.bind_session(update, session).bind(true);
        self.add(update);
    }

    /// What may change of it, and then what it is found by.
    fn bind_session(&self, sql: Sql, session: &Session) -> Sql {
        sql.bind(session.expires_at)
            .bind(session.authenticated_at)
            .bind(session.updated_at)
            .bind(session.token.as_str())
            .bind(session.logout_token.as_str())
            .bind(session.active)
            .bind(session.aal.word())
            .bind_json(&session.methods)
            .bind(session.id)
            .bind(self.scope.nid)
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
        let insert = bind_device(insert, self.scope.nid, session, device)
            .bind(self.scope.nid)
            .bind(session.id)
            .bind(cut(device.ip_address.as_deref(), 50))
            .bind(cut(device.user_agent.as_deref(), 512));
        self.add(insert);
    }
}

fn bind_device(sql: Sql, nid: NetworkId, session: &Session, device: &Device) -> Sql {
    sql.bind(device.id)
        .bind(nid)
        .bind(session.id)
        .bind(session.identity_id)
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
