//! A fresh, migrated database on each engine, and samples to put in.
use crate::support::database::{OnServer, Place, told};
use kratos::base::id::{AddressId, CredentialId, DeviceId, IdentityId, SessionId};
use kratos::base::random::{self, Random, SeededRandom};
use kratos::base::terms::{Aal, CredentialsType, MethodId, Via};
use kratos::config::dsn::Dsn;
use kratos::model::credentials::Credential;
use kratos::model::identity::{AddressStatus, Identity, RecoveryAddress, VerifiableAddress};
use kratos::model::session::{Authentication, Device, Session};
use kratos::store::{Db, Load, Store, migrate};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;

/// Whole seconds, which every engine keeps.
pub(super) const NOW: OffsetDateTime = datetime!(2026-07-01 12:00:00 UTC);

/// A database of a test's own.
pub(super) struct Engine {
    pub(super) name: &'static str,
    pub(super) dsn: Dsn,
    /// The address as a URL, for tests that look at tables by themselves.
    pub(super) url: String,
    pub(super) dice: SeededRandom,
    _place: Place,
}

fn seed() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    u64::from(std::process::id()) << 32 | NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Without the parameters, and without `tcp(…)` around the place.
fn plain_url(address: &str) -> String {
    let address = address
        .split_once('?')
        .map_or(address, |(before, _)| before);
    address.replace("tcp(", "").replace(')', "")
}

impl Engine {
    pub(super) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kratos.sqlite");
        Self {
            name: "sqlite",
            dsn: Dsn::parse(&format!("sqlite://{}", path.display())).expect("an address"),
            url: path.display().to_string(),
            dice: SeededRandom::new(seed()),
            _place: Place::Folder(folder),
        }
    }

    async fn on_server(name: &'static str, url: &str) -> Self {
        let dice = SeededRandom::new(seed());
        let database = format!("t{}", random::alphanumeric(&dice, 16).to_lowercase());
        let database = OnServer::create(url, database, "").await;
        Self {
            name,
            dsn: Dsn::parse(&database.address()).expect("an address"),
            url: plain_url(&database.address()),
            dice,
            _place: Place::Server(database),
        }
    }

    /// All engines at hand, each with an empty database.
    pub(super) async fn all() -> Vec<Self> {
        let mut all = vec![Self::sqlite()];
        if let Some(url) = told("TEST_POSTGRES_URL") {
            all.push(Self::on_server("postgres", &url).await);
        }
        if let Some(url) = told("TEST_MYSQL_URL") {
            all.push(Self::on_server("mysql", &url).await);
        }
        all
    }

    pub(super) async fn db(&self) -> Db {
        Db::connect(&self.dsn, Duration::ZERO)
            .await
            .unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// Migrates and opens it.
    pub(super) async fn store(&self) -> Store {
        let db = self.db().await;
        migrate::up(&db)
            .await
            .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        Store::open(db, NOW, &self.dice)
            .await
            .unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// Inserts somebody.
    pub(super) async fn put(&self, store: &Store, identity: &Identity) {
        let done = store.identities().insert(identity, self.dice()).await;
        done.unwrap_or_else(|e| panic!("{}: {e}", self.name));
    }

    /// Somebody who is there.
    pub(super) async fn get(&self, store: &Store, id: IdentityId, load: Load) -> Identity {
        let found = store.identities().get(id, load).await;
        found.unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    pub(super) fn dice(&self) -> &dyn Random {
        &self.dice
    }
}

/// Somebody with a password under this address, to be verified and good for recovery.
pub(super) fn person(store: &Store, dice: &dyn Random, email: &str) -> Identity {
    let mut identity = Identity::new(
        IdentityId::random(dice),
        store.nid(),
        "default",
        json!({ "email": email, "name": { "last": "Ü", "first": "A" } }),
        NOW,
    );
    let mut password = Credential::new(
        CredentialId::random(dice),
        CredentialsType::Password,
        json!({ "hashed_password": "$2a$04$x" }),
        NOW,
    );
    password.identifiers = vec![email.to_owned()];
    identity.credentials.push(password);
    identity.verifiable_addresses.push(VerifiableAddress {
        id: AddressId::random(dice),
        value: email.to_owned(),
        via: Via::Email,
        verified: false,
        status: AddressStatus::Pending,
        verified_at: None,
        created_at: NOW,
        updated_at: NOW,
    });
    identity.recovery_addresses.push(RecoveryAddress {
        id: AddressId::random(dice),
        value: email.to_owned(),
        via: Via::Email,
        break_glass_for_organization: None,
        created_at: NOW,
        updated_at: NOW,
    });
    identity
}

pub(super) fn session(dice: &dyn Random, identity: &Identity) -> Session {
    Session {
        id: SessionId::random(dice),
        identity_id: identity.id,
        active: true,
        token: format!("ory_st_{}", random::alphanumeric(dice, 32)),
        logout_token: format!("ory_lo_{}", random::alphanumeric(dice, 32)),
        aal: Aal::One,
        methods: vec![Authentication::by(MethodId::Password, Aal::One, NOW)],
        issued_at: NOW,
        authenticated_at: NOW,
        expires_at: NOW + time::Duration::hours(24),
        created_at: NOW,
        updated_at: NOW,
        devices: vec![Device {
            id: DeviceId::random(dice),
            ip_address: Some("203.0.113.7".into()),
            user_agent: None,
            location: Some(String::new()),
            created_at: NOW,
            updated_at: NOW,
        }],
    }
}
