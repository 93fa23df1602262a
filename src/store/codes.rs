//! One-time codes, stored as HMACs (database.md §7.2). All codes of a flow are read, compared by the caller in constant
//! time, and the right one is used up by one statement that only one request can win.
use super::db::{Row, Sql, sql};
use super::error::Result;
use super::{Batch, Scope};
use crate::base::id::{AddressId, FlowId, IdentityId, NetworkId, RowId};
use crate::base::terms::Via;
use time::OffsetDateTime;

/// One-time codes.
pub struct Codes<'c>(pub(super) Scope<'c>);

/// A code of one of the four kinds below.
#[derive(Clone, Debug, PartialEq)]
pub struct Code<K> {
    pub id: RowId,
    pub flow: FlowId,
    /// 64 hexadecimal digits.
    pub hmac: String,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub used_at: Option<OffsetDateTime>,
    pub own: K,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LoginCode {
    /// Where it was sent to.
    pub address: String,
    pub via: Via,
    pub identity: IdentityId,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RegistrationCode {
    pub address: String,
    pub via: Via,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecoveryCode {
    /// `None` if an administrator made it.
    pub address: Option<AddressId>,
    pub identity: IdentityId,
    pub by_admin: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VerificationCode {
    pub address: Option<AddressId>,
}

/// A kind of code that has a table.
pub trait StoredCode: Clone + Send + Sync {
    const INSERT: &'static str;
    const OF_FLOW: &'static str;
    const USE: &'static str;
    const DELETE: &'static str;
    fn bind_own(&self, sql: Sql) -> Sql;
    fn read_own(row: &mut Row) -> Result<Self>;
}

impl<K> Code<K> {
    #[must_use]
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at <= now
    }
}

impl Codes<'_> {
    pub async fn insert<K: StoredCode>(&mut self, code: &Code<K>) -> Result<()> {
        self.0
            .conn
            .execute(insert(self.0.nid, code))
            .await
            .map(|_| ())
    }

    /// All codes of the flow, used and expired ones included.
    pub async fn of<K: StoredCode>(&mut self, flow: FlowId) -> Result<Vec<Code<K>>> {
        let question = sql(K::OF_FLOW).bind(flow).bind(self.0.nid);
        let rows = self.0.conn.fetch_few(question).await?;
        rows.into_iter().map(|mut row| read(&mut row)).collect()
    }

    /// Marks it as used. False: it was used already, by whoever was faster.
    pub async fn use_up<K: StoredCode>(
        &mut self,
        code: &Code<K>,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let update = sql(K::USE).bind(now).bind(code.id).bind(self.0.nid);
        Ok(self.0.conn.execute(update).await? == 1)
    }

    /// All codes of the flow.
    pub async fn delete_of<K: StoredCode>(&mut self, flow: FlowId) -> Result<u64> {
        let delete = sql(K::DELETE).bind(flow).bind(self.0.nid);
        self.0.conn.execute(delete).await
    }
}

impl Batch<'_> {
    pub fn insert_code<K: StoredCode>(&mut self, code: &Code<K>) {
        let insert = insert(self.nid(), code);
        self.add(insert);
    }

    pub fn delete_codes<K: StoredCode>(&mut self, flow: FlowId) {
        let delete = sql(K::DELETE).bind(flow).bind(self.nid());
        self.add(delete);
    }
}

fn insert<K: StoredCode>(nid: NetworkId, code: &Code<K>) -> Sql {
    let insert = sql(K::INSERT)
        .bind(code.id)
        .bind(nid)
        .bind(code.flow)
        .bind(code.hmac.as_str())
        .bind(code.issued_at)
        .bind(code.expires_at)
        .bind(code.used_at)
        .bind(code.issued_at)
        .bind(code.issued_at);
    code.own.bind_own(insert)
}

fn read<K: StoredCode>(row: &mut Row) -> Result<Code<K>> {
    Ok(Code {
        id: row.get()?,
        flow: row.get()?,
        hmac: row.get()?,
        issued_at: row.get()?,
        expires_at: row.get()?,
        used_at: row.opt()?,
        own: K::read_own(row)?,
    })
}

macro_rules! stored {
    ($kind:ident in $table:literal, $flow:literal, $code:literal: $($column:literal)*;
     bind |$own:ident, $sql:ident| $bind:expr; read |$row:ident| $read:expr) => {
        impl StoredCode for $kind {
            const INSERT: &'static str = concat!(
                "INSERT INTO ", $table, " (id, nid, ", $flow, ", ", $code,
                ", issued_at, expires_at, used_at, created_at, updated_at", $(", ", $column,)* ")",
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?", $(stored!(@mark $column),)* ")"
            );
            const OF_FLOW: &'static str = concat!(
                "SELECT id, ", $flow, ", ", $code, ", issued_at, expires_at, used_at", $(", ", $column,)*
                " FROM ", $table, " WHERE ", $flow, " = ? AND nid = ?"
            );
            const USE: &'static str = concat!(
                "UPDATE ", $table, " SET used_at = ? WHERE id = ? AND nid = ? AND used_at IS NULL"
            );
            const DELETE: &'static str =
                concat!("DELETE FROM ", $table, " WHERE ", $flow, " = ? AND nid = ?");
            fn bind_own(&self, $sql: Sql) -> Sql { let $own = self; $bind }
            fn read_own($row: &mut Row) -> Result<Self> { $read }
        }
    };
    (@mark $column:literal) => { ", ?" };
}

stored!(LoginCode in "identity_login_codes", "selfservice_login_flow_id", "code":
    "address" "address_type" "identity_id";
    bind |own, sql| sql.bind(own.address.as_str()).bind(own.via.word()).bind(own.identity);
    read |row| Ok(Self { address: row.get()?, via: via(row)?, identity: row.get()? })
);
stored!(RegistrationCode in "identity_registration_codes", "selfservice_registration_flow_id", "code":
    "address" "address_type";
    bind |own, sql| sql.bind(own.address.as_str()).bind(own.via.word());
    read |row| Ok(Self { address: row.get()?, via: via(row)? })
);
stored!(RecoveryCode in "identity_recovery_codes", "selfservice_recovery_flow_id", "code":
    "identity_recovery_address_id" "identity_id" "code_type";
    bind |own, sql| sql.bind(own.address).bind(own.identity).bind(if own.by_admin { 1_i64 } else { 2 });
    read |row| Ok(Self { address: row.opt()?, identity: row.get()?, by_admin: row.get::<i64>()? == 1 })
);
stored!(VerificationCode in "identity_verification_codes", "selfservice_verification_flow_id", "code_hmac":
    "identity_verifiable_address_id";
    bind |own, sql| sql.bind(own.address);
    read |row| Ok(Self { address: row.opt()? })
);

/// Rows from before there was a choice have no type.
fn via(row: &mut Row) -> Result<Via> {
    Ok(row
        .opt::<String>()?
        .and_then(|word| Via::from_word(&word))
        .unwrap_or(Via::Email))
}
