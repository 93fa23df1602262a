//! Tokens of recovery and verification links, stored as HMACs (database.md §7.2).
use super::db::{Row, Sql, built, marks, sql};
use super::error::Result;
use super::{Batch, Scope};
use crate::base::id::{AddressId, FlowId, IdentityId, NetworkId, RowId};
use time::OffsetDateTime;

/// Link tokens.
pub struct Tokens<'c>(pub(super) Scope<'c>);

/// A token of one of the two kinds below.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkToken<K> {
    pub id: RowId,
    /// 64 hexadecimal digits.
    pub hmac: String,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub used_at: Option<OffsetDateTime>,
    pub own: K,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecoveryToken {
    /// `None` if an administrator made it.
    pub address: Option<AddressId>,
    pub flow: Option<FlowId>,
    pub identity: Option<IdentityId>,
    pub by_admin: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VerificationToken {
    pub address: Option<AddressId>,
    pub flow: FlowId,
}

/// A kind of token that has a table.
pub trait StoredToken: Clone + Send + Sync {
    const INSERT: &'static str;
    /// Up to the condition.
    const SELECT: &'static str;
    const USE: &'static str;
    const DELETE: &'static str;
    fn bind_own(&self, sql: Sql) -> Sql;
    fn read_own(row: &mut Row) -> Result<Self>;
}

impl<K> LinkToken<K> {
    #[must_use]
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at <= now
    }
}

impl Tokens<'_> {
    pub async fn insert<K: StoredToken>(&mut self, token: &LinkToken<K>) -> Result<()> {
        self.0
            .conn
            .execute(insert(self.0.nid, token))
            .await
            .map(|_| ())
    }

    /// The token with one of these HMACs: there is one for each secret that may have made it.
    pub async fn by_hmac<K: StoredToken>(
        &mut self,
        hmacs: &[String],
    ) -> Result<Option<LinkToken<K>>> {
        if hmacs.is_empty() {
            return Ok(None);
        }
        let question = built(format!(
            "{} WHERE nid = ? AND token IN ({})",
            K::SELECT,
            marks(hmacs.len())
        ));
        let question = question
            .bind(self.0.nid)
            .bind_all(hmacs.iter().map(String::as_str));
        let row = self.0.conn.fetch_optional(question).await?;
        row.map(|mut row| read(&mut row)).transpose()
    }

    /// Marks it as used. False: it was used already, by whoever was faster.
    pub async fn use_up<K: StoredToken>(
        &mut self,
        token: &LinkToken<K>,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let update = sql(K::USE)
            .bind(true)
            .bind(now)
            .bind(token.id)
            .bind(self.0.nid);
        Ok(self.0.conn.execute(update).await? == 1)
    }

    /// All tokens of the flow.
    pub async fn delete_of<K: StoredToken>(&mut self, flow: FlowId) -> Result<u64> {
        let delete = sql(K::DELETE).bind(flow).bind(self.0.nid);
        self.0.conn.execute(delete).await
    }
}

impl Batch<'_> {
    pub fn insert_token<K: StoredToken>(&mut self, token: &LinkToken<K>) {
        let insert = insert(self.nid(), token);
        self.add(insert);
    }

    pub fn delete_tokens<K: StoredToken>(&mut self, flow: FlowId) {
        let delete = sql(K::DELETE).bind(flow).bind(self.nid());
        self.add(delete);
    }
}

fn insert<K: StoredToken>(nid: NetworkId, token: &LinkToken<K>) -> Sql {
    let insert = sql(K::INSERT)
        .bind(token.id)
        .bind(nid)
        .bind(token.hmac.as_str())
        .bind(token.used_at.is_some())
        .bind(token.used_at)
        .bind(token.issued_at)
        .bind(token.expires_at)
        .bind(token.issued_at)
        .bind(token.issued_at);
    token.own.bind_own(insert)
}

fn read<K: StoredToken>(row: &mut Row) -> Result<LinkToken<K>> {
    let id = row.get()?;
    let hmac = row.get()?;
    let (is_used, used_at) = (row.get::<bool>()?, row.opt()?);
    let issued_at = row.get()?;
    let expires_at = row.get()?;
    Ok(LinkToken {
        id,
        hmac,
        issued_at,
        expires_at,
        // The flag counts, whether or not somebody wrote down when.
        used_at: used_at.or(is_used.then_some(issued_at)),
        own: K::read_own(row)?,
    })
}

macro_rules! stored {
    ($kind:ident in $table:literal, $flow:literal: $($column:literal)*;
     bind |$own:ident, $sql:ident| $bind:expr; read |$row:ident| $read:expr) => {
        impl StoredToken for $kind {
            const INSERT: &'static str = concat!(
                "INSERT INTO ", $table,
                " (id, nid, token, used, used_at, issued_at, expires_at, created_at, updated_at",
                $(", ", $column,)* ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?", $(stored!(@mark $column),)* ")"
            );
            const SELECT: &'static str = concat!(
                "SELECT id, token, used, used_at, issued_at, expires_at", $(", ", $column,)* " FROM ", $table
            );
            const USE: &'static str = concat!(
                "UPDATE ", $table, " SET used = ?, used_at = ? WHERE id = ? AND nid = ? AND used_at IS NULL"
            );
            const DELETE: &'static str =
                concat!("DELETE FROM ", $table, " WHERE ", $flow, " = ? AND nid = ?");
            fn bind_own(&self, $sql: Sql) -> Sql { let $own = self; $bind }
            fn read_own($row: &mut Row) -> Result<Self> { $read }
        }
    };
    (@mark $column:literal) => { ", ?" };
}

stored!(RecoveryToken in "identity_recovery_tokens", "selfservice_recovery_flow_id":
    "identity_recovery_address_id" "selfservice_recovery_flow_id" "identity_id" "token_type";
    bind |own, sql| sql
        .bind(own.address)
        .bind(own.flow)
        .bind(own.identity)
        .bind(if own.by_admin { 1_i64 } else { 2 });
    read |row| Ok(Self {
        address: row.opt()?,
        flow: row.opt()?,
        identity: row.opt()?,
        by_admin: row.get::<i64>()? == 1,
    })
);
stored!(VerificationToken in "identity_verification_tokens", "selfservice_verification_flow_id":
    "identity_verifiable_address_id" "selfservice_verification_flow_id";
    bind |own, sql| sql.bind(own.address).bind(own.flow);
    read |row| Ok(Self { address: row.opt()?, flow: row.get()? })
);
