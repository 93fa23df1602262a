//! What works once: codes, and the tokens of links. They are stored as HMACs (database.md §7.2).
//!
//! Codes are found by their flow and compared by the caller in constant time, tokens are found by their HMAC. Either
//! is used up by one statement that only one request can win.
use super::db::{Row, Sql, built, marks, sql};
use super::error::Result;
use super::{Batch, Scope};
use crate::base::id::{AddressId, FlowId, IdentityId, NetworkId, RowId};
use crate::base::terms::Via;
use time::OffsetDateTime;

/// Codes and tokens.
pub struct OneTimes<'c>(pub(super) Scope<'c>);

/// A code or token of one of the kinds below.
#[derive(Clone, Debug, PartialEq)]
pub struct OneTime<K> {
    pub id: RowId,
    /// 64 hexadecimal digits.
    pub hmac: String,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub used_at: Option<OffsetDateTime>,
    pub own: K,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LoginCode {
    pub flow: FlowId,
    /// Where it was sent to.
    pub address: String,
    pub via: Via,
    pub identity: IdentityId,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RegistrationCode {
    pub flow: FlowId,
    pub address: String,
    pub via: Via,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecoveryCode {
    pub flow: FlowId,
    /// `None` if an administrator made it.
    pub address: Option<AddressId>,
    pub identity: IdentityId,
    pub by_admin: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VerificationCode {
    pub flow: FlowId,
    pub address: Option<AddressId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecoveryToken {
    pub flow: Option<FlowId>,
    /// `None` if an administrator made it.
    pub address: Option<AddressId>,
    pub identity: Option<IdentityId>,
    pub by_admin: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VerificationToken {
    pub flow: FlowId,
    pub address: Option<AddressId>,
}

/// A kind that has a table.
pub trait StoredOnce: Clone + Send + Sync {
    const INSERT: &'static str;
    /// Up to the condition.
    const SELECT: &'static str;
    const OF_FLOW: &'static str;
    /// The column of the HMAC.
    const HMAC: &'static str;
    const USE: &'static str;
    const DELETE: &'static str;
    fn bind_own(&self, sql: Sql) -> Sql;
    fn read_own(row: &mut Row) -> Result<Self>;
}

impl<K> OneTime<K> {
    #[must_use]
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at <= now
    }
}

impl OneTimes<'_> {
    pub async fn insert<K: StoredOnce>(&mut self, secret: &OneTime<K>) -> Result<()> {
        let insert = insert(self.0.nid, secret);
        self.0.conn.execute(insert).await.map(|_| ())
    }

    /// All of the flow, used and expired ones included.
    pub async fn of<K: StoredOnce>(&mut self, flow: FlowId) -> Result<Vec<OneTime<K>>> {
        let question = sql(K::OF_FLOW).bind(flow).bind(self.0.nid);
        let rows = self.0.conn.fetch_few(question).await?;
        rows.into_iter().map(|mut row| read(&mut row)).collect()
    }

    /// The one with one of these HMACs: there is one for each secret that may have made it.
    pub async fn by_hmac<K: StoredOnce>(&mut self, hmacs: &[String]) -> Result<Option<OneTime<K>>> {
        if hmacs.is_empty() {
            return Ok(None);
        }
        let text = format!(
            "{} WHERE nid = ? AND {} IN ({})",
            K::SELECT,
            K::HMAC,
            marks(hmacs.len())
        );
        let question = built(text)
            .bind(self.0.nid)
            .bind_all(hmacs.iter().map(String::as_str));
        let row = self.0.conn.fetch_optional(question).await?;
        row.map(|mut row| read(&mut row)).transpose()
    }

    /// Marks it as used. False: it was used already, by whoever was faster.
    pub async fn use_up<K: StoredOnce>(
        &mut self,
        secret: &OneTime<K>,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let update = sql(K::USE).bind(now).bind(secret.id).bind(self.0.nid);
        Ok(self.0.conn.execute(update).await? == 1)
    }

    /// All of the flow.
    pub async fn delete_of<K: StoredOnce>(&mut self, flow: FlowId) -> Result<u64> {
        let delete = sql(K::DELETE).bind(flow).bind(self.0.nid);
        self.0.conn.execute(delete).await
    }
}

impl Batch<'_> {
    pub fn insert_once<K: StoredOnce>(&mut self, secret: &OneTime<K>) {
        let insert = insert(self.nid(), secret);
        self.add(insert);
    }

    /// All of the flow.
    pub fn delete_once<K: StoredOnce>(&mut self, flow: FlowId) {
        let delete = sql(K::DELETE).bind(flow).bind(self.nid());
        self.add(delete);
    }
}

fn insert<K: StoredOnce>(nid: NetworkId, secret: &OneTime<K>) -> Sql {
    let insert = sql(K::INSERT)
        .bind(secret.id)
        .bind(nid)
        .bind(secret.hmac.as_str())
        .bind(secret.issued_at)
        .bind(secret.expires_at)
        .bind(secret.used_at)
        .bind(secret.issued_at)
        .bind(secret.issued_at);
    secret.own.bind_own(insert)
}

fn read<K: StoredOnce>(row: &mut Row) -> Result<OneTime<K>> {
    Ok(OneTime {
        id: row.get()?,
        hmac: row.get()?,
        issued_at: row.get()?,
        expires_at: row.get()?,
        used_at: row.opt()?,
        own: K::read_own(row)?,
    })
}

/// `flag` is a column that says the same as `used_at`, and counts whether or not somebody wrote down when.
macro_rules! stored {
    ($kind:ident in $table:literal, $hmac:literal $(with $flag:literal)?: $flow:literal $($column:literal)*;
     bind |$own:ident, $sql:ident| $bind:expr; read |$row:ident| $read:expr) => {
        impl StoredOnce for $kind {
            const INSERT: &'static str = concat!(
                "INSERT INTO ", $table, " (id, nid, ", $hmac,
                ", issued_at, expires_at, used_at, created_at, updated_at, ", $flow,
                $(", ", $column,)* $(", ", $flag,)? ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?",
                $(stored!(@mark $column),)* $(stored!(@unused $flag),)? ")"
            );
            const SELECT: &'static str = stored!(@select $table $hmac $flow [$($flag)?] [$($column)*] "");
            const OF_FLOW: &'static str = stored!(
                @select $table $hmac $flow [$($flag)?] [$($column)*] concat!(" WHERE ", $flow, " = ? AND nid = ?")
            );
            const HMAC: &'static str = $hmac;
            const USE: &'static str = concat!(
                "UPDATE ", $table, " SET ", $($flag, " = TRUE, ",)?
                "used_at = ? WHERE id = ? AND nid = ? AND used_at IS NULL", $(" AND NOT ", $flag)?
            );
            const DELETE: &'static str =
                concat!("DELETE FROM ", $table, " WHERE ", $flow, " = ? AND nid = ?");
            fn bind_own(&self, $sql: Sql) -> Sql { let $own = self; $bind }
            fn read_own($row: &mut Row) -> Result<Self> { $read }
        }
    };
    (@select $table:literal $hmac:literal $flow:literal [$($flag:literal)?] [$($column:literal)*] $end:expr) => {
        concat!(
            "SELECT id, ", $hmac, ", issued_at, expires_at, ", stored!(@used $($flag)?), ", ", $flow,
            $(", ", $column,)* " FROM ", $table, $end
        )
    };
    (@mark $column:literal) => { ", ?" };
    (@unused $flag:literal) => { ", FALSE" };
    (@used) => { "used_at" };
    (@used $flag:literal) => {
        concat!("CASE WHEN used_at IS NULL AND ", $flag, " THEN issued_at ELSE used_at END")
    };
}

stored!(LoginCode in "identity_login_codes", "code":
    "selfservice_login_flow_id" "address" "address_type" "identity_id";
    bind |own, sql| sql
        .bind(own.flow)
        .bind(own.address.as_str())
        .bind(own.via.word())
        .bind(own.identity);
    read |row| Ok(Self {
        flow: row.get()?,
        address: row.get()?,
        via: via(row)?,
        identity: row.get()?,
    })
);
stored!(RegistrationCode in "identity_registration_codes", "code":
    "selfservice_registration_flow_id" "address" "address_type";
    bind |own, sql| sql.bind(own.flow).bind(own.address.as_str()).bind(own.via.word());
    read |row| Ok(Self { flow: row.get()?, address: row.get()?, via: via(row)? })
);
stored!(RecoveryCode in "identity_recovery_codes", "code":
    "selfservice_recovery_flow_id" "identity_recovery_address_id" "identity_id" "code_type";
    bind |own, sql| sql
        .bind(own.flow)
        .bind(own.address)
        .bind(own.identity)
        .bind(maker(own.by_admin));
    read |row| Ok(Self {
        flow: row.get()?,
        address: row.opt()?,
        identity: row.get()?,
        by_admin: row.get::<i64>()? == maker(true),
    })
);
stored!(VerificationCode in "identity_verification_codes", "code_hmac":
    "selfservice_verification_flow_id" "identity_verifiable_address_id";
    bind |own, sql| sql.bind(own.flow).bind(own.address);
    read |row| Ok(Self { flow: row.get()?, address: row.opt()? })
);
stored!(RecoveryToken in "identity_recovery_tokens", "token" with "used":
    "selfservice_recovery_flow_id" "identity_recovery_address_id" "identity_id" "token_type";
    bind |own, sql| sql
        .bind(own.flow)
        .bind(own.address)
        .bind(own.identity)
        .bind(maker(own.by_admin));
    read |row| Ok(Self {
        flow: row.opt()?,
        address: row.opt()?,
        identity: row.opt()?,
        by_admin: row.get::<i64>()? == maker(true),
    })
);
stored!(VerificationToken in "identity_verification_tokens", "token" with "used":
    "selfservice_verification_flow_id" "identity_verifiable_address_id";
    bind |own, sql| sql.bind(own.flow).bind(own.address);
    read |row| Ok(Self { flow: row.get()?, address: row.opt()? })
);

/// The number of the one who made it: an administrator, or the person themselves.
fn maker(is_admin: bool) -> i64 {
    if is_admin { 1 } else { 2 }
}

/// Rows from before there was a choice have no type.
fn via(row: &mut Row) -> Result<Via> {
    Ok(row
        .opt::<String>()?
        .and_then(|word| Via::from_word(&word))
        .unwrap_or(Via::Email))
}
