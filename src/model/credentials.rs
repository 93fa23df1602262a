//! What somebody proves by who they are: a row of `identity_credentials` with its identifiers.
use crate::base::id::CredentialId;
use crate::base::terms::CredentialsType;
use crate::base::time::micros;
use serde_json::Value;
use time::OffsetDateTime;

/// `config` is the JSON of database.md §6.2, as stored.
#[derive(Clone, PartialEq)]
pub struct Credential {
    pub id: CredentialId,
    pub kind: CredentialsType,
    pub identifiers: Vec<String>,
    pub config: Value,
    pub version: i64,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// Hashes, keys and tokens stay out of logs.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("identifiers", &self.identifiers.len())
            .finish_non_exhaustive()
    }
}

impl Credential {
    #[must_use]
    pub fn new(
        id: CredentialId,
        kind: CredentialsType,
        config: Value,
        now: OffsetDateTime,
    ) -> Self {
        let version = i64::from(matches!(
            kind,
            CredentialsType::Code | CredentialsType::WebAuthn
        ));
        Self {
            id,
            kind,
            identifiers: vec![],
            config,
            version,
            created_at: micros(now),
            updated_at: micros(now),
        }
    }
    /// Whether these are its identifiers, in whatever order.
    #[must_use]
    pub fn is_found_by(&self, identifiers: &[String]) -> bool {
        let within = |some: &[String], all: &[String]| some.iter().all(|one| all.contains(one));
        within(&self.identifiers, identifiers) && within(identifiers, &self.identifiers)
    }
    /// The stored hash of a password credential; `None` if there is none or it is empty.
    #[must_use]
    pub fn hashed_password(&self) -> Option<&str> {
        self.config
            .get("hashed_password")?
            .as_str()
            .filter(|h| !h.is_empty())
    }
    /// Shall a web hook be asked for the password at the first login (flows.md §9.1)?
    #[must_use]
    pub fn uses_migration_hook(&self) -> bool {
        self.config.get("use_password_migration_hook") == Some(&Value::Bool(true))
    }
    /// Is the web hook the only one that knows the password? A hash that is there counts for more.
    #[must_use]
    pub fn awaits_migration(&self) -> bool {
        self.uses_migration_hook() && self.hashed_password().is_none()
    }
}
