//! Everything that outlives a request: one SQL store on SQLite, PostgreSQL or MySQL.
//!
//! A [`Store`] is a database and the network in it. Questions are functions, grouped by what they are about, and asked of
//! the store or of a transaction alike:
//!
//! ```text
//! store.sessions().by_token(token, Load::Addresses).await?
//! let mut tx = store.begin().await?; tx.identities().insert(&identity, dice).await?; tx.commit().await?
//! let mut batch = store.batch(); batch.update_flow(&flow); batch.insert_session(&session); batch.commit().await?
//! ```
//!
//! A [`Batch`] is for writes that need no answer in between: it is one round trip on PostgreSQL and one commit anywhere.
//! Time and ids come as arguments. To add a question: a function in the file of its table with the SQL in it, once for
//! all engines, and a test in `tests/it/store/`. While a transaction is open, ask the transaction and not the store.
mod addresses;
mod batch;
mod bulk;
mod cleanup;
mod continuity;
mod credentials;
pub mod db;
mod edit;
mod error;
mod errors;
mod exchanges;
mod flows;
mod identities;
mod many_sessions;
mod messages;
pub mod migrate;
mod networks;
mod one_time;
mod pending;
mod phones;
mod queue;
mod sessions;
mod whole;

pub use addresses::{Addresses, Asking};
pub use batch::Batch;
pub use cleanup::{Cleanup, Expiring};
pub use continuity::{Container, Continuity};
pub use credentials::{Credentials, Found};
pub use db::{Db, Dialect, Plan, counting, plans};
pub use error::{Conflict, Error, Result};
pub use errors::{Errors, StoredError};
pub use exchanges::{Exchange, Exchanges};
pub use flows::{Flows, Stored};
pub use identities::{Filter, Identities, Slice};
pub use many_sessions::{End, Which};
pub use messages::{MessageCursor, Messages};
pub use one_time::{
    LoginCode, OneTime, OneTimes, RecoveryCode, RecoveryToken, RegistrationCode, StoredOnce,
    VerificationCode, VerificationToken,
};
pub use pending::PendingChanges;
pub use phones::{PhoneTable, Phones};
pub use queue::{Attempt, Holding, Left, Queue, Seen};
pub use sessions::{SessionCursor, Sessions};
pub use whole::Load;

use crate::base::id::NetworkId;
use crate::base::random::Random;
use crate::config::dsn::Dsn;
use db::{Conn, Transaction};
use networks::Types;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use time::OffsetDateTime;

/// Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    db: Db,
    nid: NetworkId,
    types: Types,
    /// Nothing was pending when it was last looked; that stays so.
    is_migrated: AtomicBool,
}

/// A transaction. Dropped without [`Tx::commit`] it never was.
pub struct Tx<'s> {
    transaction: Transaction,
    store: &'s Store,
}

/// Where questions are asked, and what every one of them needs.
struct Scope<'c> {
    conn: Conn<'c>,
    nid: NetworkId,
    types: &'c Types,
}

impl Scope<'_> {
    /// The same, for a helper.
    fn again(&mut self) -> Scope<'_> {
        Scope {
            conn: self.conn.again(),
            nid: self.nid,
            types: self.types,
        }
    }
}

impl Store {
    /// Connects, and reads the network; a database in memory is migrated first, any other has to be.
    /// A server that does not answer is asked again for so long as `patience` says.
    pub async fn connect(
        dsn: &Dsn,
        patience: Duration,
        now: OffsetDateTime,
        dice: &dyn Random,
    ) -> Result<Self> {
        let db = Db::connect(dsn, patience).await?;
        if dsn.is_memory() {
            migrate::up(&db).await?;
        }
        Self::open(db, now, dice).await
    }

    /// The store in a database that is migrated. Makes the network if there is none (database.md §2).
    pub async fn open(db: Db, now: OffsetDateTime, dice: &dyn Random) -> Result<Self> {
        migrate::required(&db).await?;
        migrate::own_indexes(&db).await;
        let nid = networks::own(&db, now, dice).await?;
        let types = networks::types(&db).await?;
        Ok(Self(Arc::new(Inner {
            db,
            nid,
            types,
            is_migrated: AtomicBool::new(true),
        })))
    }

    #[must_use]
    pub fn nid(&self) -> NetworkId {
        self.0.nid
    }

    #[must_use]
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The database answers, and nothing is pending.
    pub async fn is_ready(&self) -> Result<bool> {
        if self.0.is_migrated.load(Ordering::Relaxed) {
            return self.0.db.ping().await.map(|()| true);
        }
        let complete = migrate::is_complete(&self.0.db).await?;
        self.0.is_migrated.store(complete, Ordering::Relaxed);
        Ok(complete)
    }

    /// Begins a transaction, for writes that depend on what is read in between; see [`Batch`] for others.
    pub async fn begin(&self) -> Result<Tx<'_>> {
        Ok(Tx {
            transaction: self.0.db.begin().await?,
            store: self,
        })
    }

    /// Writes to be done together.
    pub fn batch(&self) -> Batch<'_> {
        Batch::on(self.scope())
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            conn: self.0.db.conn(),
            nid: self.0.nid,
            types: &self.0.types,
        }
    }
}

impl Tx<'_> {
    pub async fn commit(self) -> Result<()> {
        self.transaction.commit().await
    }

    /// Writes to be done together, within this transaction.
    pub fn batch(&mut self) -> Batch<'_> {
        Batch::on(self.scope())
    }

    fn scope(&mut self) -> Scope<'_> {
        Scope {
            conn: self.transaction.conn(),
            nid: self.store.0.nid,
            types: &self.store.0.types,
        }
    }
}

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident: $family:ident),* $(,)?) => {
        impl Store { $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> $family<'_> { $family(self.scope()) }
        )* }
        impl Tx<'_> { $(
            $(#[$doc])*
            pub fn $name(&mut self) -> $family<'_> { $family(self.scope()) }
        )* }
    };
}
families!(
    /// Flows of all five kinds.
    flows: Flows,
    /// Sessions and their devices.
    sessions: Sessions,
    identities: Identities,
    credentials: Credentials,
    /// Addresses that are verified, and those for recovery.
    addresses: Addresses,
    /// Errors kept for the page that shows them.
    errors: Errors,
    /// What waits while its owner is elsewhere.
    continuity: Continuity,
    /// Codes by which an app gets the session begun in its browser.
    exchanges: Exchanges,
    /// Codes and tokens of links.
    one_time: OneTimes,
    /// Changes that wait for the proof of an address.
    pending_changes: PendingChanges,
    cleanup: Cleanup,
    /// Mails and text messages, to be read.
    messages: Messages,
);

impl Store {
    /// Messages that wait to be delivered, for those who do it.
    #[must_use]
    pub fn queue(&self) -> Queue<'_> {
        Queue(self)
    }
}
