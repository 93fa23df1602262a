//! Flows of all five kinds. Their tables share most columns; what one kind has of its own is listed once, below.
use super::addresses::{Asking, bind_spellings};
use super::db::{Dialect, Row, Sql, built, sql};
use super::error::{Error, Result};
use super::whole::{self, distinct};
use super::{Scope, Store};
use crate::base::id::{FlowId, NetworkId};
use crate::base::terms::{Aal, Channel, FlowKind, Group, State};
use crate::model::flow::{
    Flow, Kind, Login, Memory, Passing, Recovery, Registration, Settings, Verification,
};
use crate::model::identity::Identity;
use crate::ui::Form;
use serde_json::Value;

/// Flows.
pub struct Flows<'c>(pub(super) Scope<'c>);

/// A kind of flow that has a table.
pub trait Stored: Kind {
    const INSERT: &'static str;
    const SELECT: &'static str;
    const UPDATE: &'static str;
    /// The same without the memory.
    const UPDATE_FORM: &'static str;
    const DELETE: &'static str;
    /// Adds one and answers nothing.
    const COUNT_SUBMISSION: &'static str;
    const SUBMISSIONS: &'static str;
    /// Binds the columns of this kind.
    fn bind_own(flow: &Flow<Self>, sql: Sql) -> Sql;
    /// Reads them: the anti-forgery token, empty if there is no such column, and the rest.
    fn read_own(row: &mut Row) -> Result<(String, Self)>;
}

impl Store {
    /// Counts a submission of a code and says the how-manieth it is: a guess costs even if the rest of it fails.
    /// Only for kinds that take codes. Of several at the same time each gets a number of its own.
    pub async fn count_submission<K: Stored>(&self, id: FlowId) -> Result<i64> {
        if matches!(self.db().dialect(), Dialect::Postgres | Dialect::Cockroach) {
            let text = format!("{} RETURNING submit_count", K::COUNT_SUBMISSION);
            let add = built(text).bind(id).bind(self.nid());
            let row = self.db().conn().fetch_optional(add).await?;
            return row.ok_or(Error::Missing("flow"))?.get();
        }
        let mut tx = self.begin().await?;
        let scope = tx.scope();
        let (mut conn, nid) = (scope.conn, scope.nid);
        let add = sql(K::COUNT_SUBMISSION).bind(id).bind(nid);
        if conn.execute(add).await? == 0 {
            return Err(Error::Missing("flow"));
        }
        let question = sql(K::SUBMISSIONS).bind(id).bind(nid);
        let row = conn.fetch_optional(question).await?;
        let count = row.ok_or(Error::Missing("flow"))?.get()?;
        tx.commit().await?;
        Ok(count)
    }
}

impl Store {
    /// Takes what a method has kept under this key out of the flow's memory. False: it is not there any more, or is
    /// something else by now. Of several at the same time one gets it.
    pub async fn take_kept<K: Stored>(&self, id: FlowId, key: &str, kept: &Value) -> Result<bool> {
        let mut tx = self.begin().await?;
        let scope = tx.scope();
        let (mut conn, nid) = (scope.conn, scope.nid);
        let question = conn.locking(&format!(
            "SELECT internal_context FROM selfservice_{}_flows WHERE id = ? AND nid = ?",
            K::KIND
        ));
        let row = conn.fetch_optional(question.bind(id).bind(nid)).await?;
        let memory = row
            .map(|mut row| row.json::<Memory>())
            .transpose()?
            .flatten();
        let Some(mut memory) = memory.filter(|m| m.kept(key) == Some(kept)) else {
            return Ok(false);
        };
        memory.forget(key);
        let update = built(format!(
            "UPDATE selfservice_{}_flows SET internal_context = ? WHERE id = ? AND nid = ?",
            K::KIND
        ));
        conn.execute(update.bind_json(&memory).bind(id).bind(nid))
            .await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl Flows<'_> {
    pub async fn insert<K: Stored>(&mut self, flow: &Flow<K>) -> Result<()> {
        self.0
            .conn
            .execute(insert(self.0.nid, flow))
            .await
            .map(|_| ())
    }

    /// `None`: there is none of that kind with this id.
    pub async fn find<K: Stored>(&mut self, id: FlowId) -> Result<Option<Flow<K>>> {
        let question = sql(K::SELECT).bind(id).bind(self.0.nid);
        let row = self.0.conn.fetch_optional(question).await?;
        row.map(|mut row| read(&mut row)).transpose()
    }

    /// The same, and who has an address that is spelt in one of these ways: one question for both.
    pub async fn find_with_owners<K: Asking>(
        &mut self,
        id: FlowId,
        spellings: [&str; 2],
    ) -> Result<Option<(Flow<K>, Vec<Identity>)>> {
        let spellings = distinct(&spellings);
        let (flow, owners) = (K::SELECT, K::owners(spellings));
        let text = format!("SELECT * FROM ({flow}) f LEFT JOIN ({owners}) o ON 1 = 1");
        let question = built(text).bind(id).bind(self.0.nid);
        let question = bind_spellings(question, self.0.nid, spellings);
        let mut found = None;
        // A row for each owner; one without, if there is none.
        for mut row in self.0.conn.fetch_few(question).await? {
            let flow = read(&mut row)?;
            let (_, owners) = found.get_or_insert_with(|| (flow, vec![]));
            if !row.is_null() {
                owners.push(whole::identity(&mut row, self.0.types)?);
            }
        }
        Ok(found)
    }

    /// Everything that may change. `updated_at` stays, as with the reference.
    pub async fn update<K: Stored>(&mut self, flow: &Flow<K>) -> Result<()> {
        let update = update(self.0.nid, flow);
        self.written(update).await
    }

    async fn written(&mut self, update: Sql) -> Result<()> {
        match self.0.conn.execute(update).await? {
            0 => Err(Error::Missing("flow")),
            _ => Ok(()),
        }
    }

    /// What an unsuccessful submission leaves behind. What methods keep in the memory is written only if one of them has
    /// changed it: another submission may have used it up meanwhile.
    pub async fn update_failed<K: Stored>(&mut self, flow: &Flow<K>) -> Result<()> {
        if flow.memory.is_changed() {
            return self.update(flow).await;
        }
        let update = bind_form(flow, sql(K::UPDATE_FORM));
        let update = K::bind_own(flow, update).bind(flow.id).bind(self.0.nid);
        self.written(update).await
    }

    pub async fn delete<K: Stored>(&mut self, id: FlowId) -> Result<bool> {
        let delete = sql(K::DELETE).bind(id).bind(self.0.nid);
        Ok(self.0.conn.execute(delete).await? > 0)
    }
}

pub(super) fn insert<K: Stored>(nid: NetworkId, flow: &Flow<K>) -> Sql {
    let sql = sql(K::INSERT)
        .bind(flow.id)
        .bind(nid)
        .bind(flow.channel.word())
        .bind(flow.issued_at)
        .bind(flow.created_at)
        .bind(flow.updated_at);
    K::bind_own(flow, bind_common(flow, sql))
}

pub(super) fn update<K: Stored>(nid: NetworkId, flow: &Flow<K>) -> Sql {
    K::bind_own(flow, bind_common(flow, sql(K::UPDATE)))
        .bind(flow.id)
        .bind(nid)
}

fn bind_common<K: Kind>(flow: &Flow<K>, sql: Sql) -> Sql {
    let sql = bind_form(flow, sql);
    // An empty memory is `null` where the reference has had the column but for a short while.
    let is_late = matches!(K::KIND, FlowKind::Recovery | FlowKind::Verification);
    if is_late && flow.memory == Memory::default() {
        sql.bind_json(&())
    } else {
        sql.bind_json(&flow.memory)
    }
}

fn bind_form<K: Kind>(flow: &Flow<K>, sql: Sql) -> Sql {
    let active = flow.active.map(Group::word);
    let sql = sql
        .bind(flow.request_url.as_str())
        .bind(flow.expires_at)
        .bind(flow.state.word());
    // These two tables refuse NULL and say nothing by an empty text.
    let sql = if matches!(K::KIND, FlowKind::Login | FlowKind::Registration) {
        sql.bind(active.unwrap_or_default())
    } else {
        sql.bind_text_or_null(active)
    };
    sql.bind_json(&flow.form)
}

fn read<K: Stored>(row: &mut Row) -> Result<Flow<K>> {
    let id = row.get()?;
    let channel = row.word(Channel::from_word)?;
    let (issued_at, created_at, updated_at) = (row.get()?, row.get()?, row.get()?);
    let request_url = row.opt::<String>()?.unwrap_or_default();
    let expires_at = row.get()?;
    // Rows from before there were states have none.
    let state = row
        .opt::<String>()?
        .and_then(|word| State::from_word(&word));
    let active = row
        .opt::<String>()?
        .and_then(|word| Group::from_word(&word));
    let form = row.json::<Form>()?.unwrap_or_default();
    let memory = row.json::<Memory>()?.unwrap_or_default();
    let (csrf_token, own) = K::read_own(row)?;
    Ok(Flow {
        id,
        channel,
        request_url,
        issued_at,
        expires_at,
        created_at,
        updated_at,
        state: state.unwrap_or(match K::KIND {
            FlowKind::Settings => State::ShowForm,
            _ => State::ChooseMethod,
        }),
        active,
        csrf_token,
        form,
        memory,
        passing: Passing::default(),
        own,
    })
}

macro_rules! stored {
    ($kind:ident in $table:literal: $($column:literal)*;
     bind |$flow:ident, $sql:ident| $bind:expr; read |$row:ident| $read:expr) => {
        impl Stored for $kind {
            const INSERT: &'static str = concat!(
                "INSERT INTO ", $table,
                " (id, nid, type, issued_at, created_at, updated_at, request_url, expires_at, state, active_method,",
                " ui, internal_context", $(", ", $column,)* ")",
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?", $(stored!(@mark $column),)* ")"
            );
            const SELECT: &'static str = concat!(
                "SELECT id, type, issued_at, created_at, updated_at, request_url, expires_at, state, active_method,",
                " ui, internal_context", $(", ", $column,)*
                " FROM ", $table, " WHERE id = ? AND nid = ?"
            );
            const UPDATE: &'static str = concat!(
                "UPDATE ", $table,
                " SET request_url = ?, expires_at = ?, state = ?, active_method = ?, ui = ?, internal_context = ?",
                $(", ", $column, " = ?",)*
                " WHERE id = ? AND nid = ?"
            );
            const UPDATE_FORM: &'static str = concat!(
                "UPDATE ", $table,
                " SET request_url = ?, expires_at = ?, state = ?, active_method = ?, ui = ?",
                $(", ", $column, " = ?",)*
                " WHERE id = ? AND nid = ?"
            );
            const DELETE: &'static str = concat!("DELETE FROM ", $table, " WHERE id = ? AND nid = ?");
            const COUNT_SUBMISSION: &'static str = concat!(
                "UPDATE ", $table, " SET submit_count = submit_count + 1 WHERE id = ? AND nid = ?"
            );
            const SUBMISSIONS: &'static str = concat!(
                "SELECT submit_count FROM ", $table, " WHERE id = ? AND nid = ?"
            );
            fn bind_own($flow: &Flow<Self>, $sql: Sql) -> Sql { $bind }
            fn read_own($row: &mut Row) -> Result<(String, Self)> { $read }
        }
    };
    (@mark $column:literal) => { ", ?" };
}

stored!(Login in "selfservice_login_flows":
    "csrf_token" "forced" "requested_aal" "oauth2_login_challenge_data" "organization_id" "identity_schema_id"
    "test_flow";
    bind |flow, sql| sql
        .bind(flow.csrf_token.as_str())
        .bind(flow.own.refresh)
        .bind(flow.own.requested_aal.word())
        .bind_text_or_null(flow.own.oauth2_login_challenge.as_deref())
        .bind(flow.own.organization_id)
        .bind(flow.own.identity_schema.as_deref().unwrap_or_default())
        .bind(flow.own.test_flow.then_some(true));
    read |row| Ok((row.get()?, Self {
        refresh: row.get()?,
        requested_aal: row.word(Aal::from_word)?,
        oauth2_login_challenge: row.text_or_none()?,
        organization_id: row.opt()?,
        identity_schema: row.text_or_none()?,
        test_flow: row.opt()?.unwrap_or(false),
    }))
);
stored!(Registration in "selfservice_registration_flows":
    "csrf_token" "oauth2_login_challenge_data" "organization_id" "identity_schema_id";
    bind |flow, sql| sql
        .bind(flow.csrf_token.as_str())
        .bind_text_or_null(flow.own.oauth2_login_challenge.as_deref())
        .bind(flow.own.organization_id)
        .bind(flow.own.identity_schema.as_deref().unwrap_or_default());
    read |row| Ok((row.get()?, Self {
        oauth2_login_challenge: row.text_or_none()?,
        organization_id: row.opt()?,
        identity_schema: row.text_or_none()?,
    }))
);
stored!(Settings in "selfservice_settings_flows":
    "identity_id" "organization_id";
    bind |flow, sql| sql.bind(flow.own.identity).bind(flow.own.organization_id);
    read |row| Ok((String::new(), Self { identity: row.get()?, organization_id: row.opt()? }))
);
stored!(Recovery in "selfservice_recovery_flows":
    "csrf_token" "recovered_identity_id" "skip_csrf_check";
    bind |flow, sql| sql
        .bind(flow.csrf_token.as_str())
        .bind(flow.own.recovered)
        .bind(flow.own.skip_csrf_check);
    read |row| Ok((row.get()?, Self { recovered: row.opt()?, skip_csrf_check: row.get()? }))
);
stored!(Verification in "selfservice_verification_flows":
    "csrf_token" "session_id" "identity_id" "authentication_methods" "oauth2_login_challenge";
    bind |flow, sql| sql
        .bind(flow.csrf_token.as_str())
        .bind(flow.own.session)
        .bind(flow.own.identity)
        .bind_json(&flow.own.authentication_methods)
        .bind_text_or_null(flow.own.oauth2_login_challenge.as_deref());
    read |row| Ok((row.get()?, Self {
        session: row.opt()?,
        identity: row.opt()?,
        authentication_methods: row.json()?,
        oauth2_login_challenge: row.text_or_none()?,
    }))
);
