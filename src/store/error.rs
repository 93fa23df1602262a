//! Everything that can go wrong between a question and its rows, named by what the caller can do about it.
//! No variant shows a stored value: drivers' messages that could are replaced.
use std::error::Error as StdError;

pub type Result<T, E = Error> = std::result::Result<T, E>;
pub(super) type Source = Box<dyn StdError + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else has it already.
    #[error("there is a row with the same {0} already")]
    Conflict(Conflict),
    /// A row that was to be pointed to is gone: its identity or flow was deleted meanwhile.
    #[error("a row that is referred to does not exist")]
    Dangling,
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// Somebody else has changed it since it was read.
    #[error("it was changed meanwhile")]
    Stale,
    /// A value that no database of this kind can hold. The caller's input is to blame.
    #[error("the database does not take the value: {0}")]
    Refused(&'static str),
    /// The database cannot be reached or is too busy; answered with 503.
    #[error("the database is not available: {0}")]
    Unavailable(Source),
    /// Another transaction was in the way, again and again; answered with 503.
    #[error("too many writers at once")]
    Contended,
    /// A row that was not written by us or the reference.
    #[error("column {column} of a row cannot be read: {reason}")]
    Unreadable { column: usize, reason: String },
    /// The database is not in the state that this program needs. The text says what to do.
    #[error("{0}")]
    Schema(String),
    /// Migrations are pending, or nothing is there at all.
    #[error("the database is not migrated")]
    NotMigrated,
    #[error(transparent)]
    Broken(#[from] Source),
}

/// What must be unique, and is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// `identity_credential_identifiers` (type, identifier).
    #[error("credential identifier")]
    Identifier,
    #[error("verifiable address")]
    VerifiableAddress,
    #[error("recovery address")]
    RecoveryAddress,
    #[error("external id")]
    ExternalId,
    /// A primary key.
    #[error("id")]
    Id,
    /// Another index, by its name, or its columns on SQLite.
    #[error("values in {0}")]
    Other(String),
}

impl Conflict {
    /// From the name of an index, `identities_nid_external_id_idx`, or SQLite's list of columns,
    /// `identities.nid, identities.external_id`.
    pub(super) fn named(name: &str) -> Self {
        let has = |text| name.contains(text);
        if has("identity_credential_identifiers_identifier_nid_type")
            || has("identity_credential_identifiers.identifier")
        {
            Self::Identifier
        } else if has("identity_verifiable_addresses_status_via")
            || has("identity_verifiable_addresses.value")
        {
            Self::VerifiableAddress
        } else if has("identity_recovery_addresses_status_via")
            || has("identity_recovery_addresses.value")
        {
            Self::RecoveryAddress
        } else if has("external_id") {
            Self::ExternalId
        } else if has("_pkey")
            || has("PRIMARY")
            || name
                .rsplit_once('.')
                .is_some_and(|(_, column)| column == "id")
        {
            Self::Id
        } else {
            Self::Other(name.to_owned())
        }
    }
}

impl Error {
    pub(super) fn broken(text: impl Into<String>) -> Self {
        Self::Broken(text.into().into())
    }
    pub(super) fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }
    /// Worth a 503: it may work in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Contended)
    }
    #[must_use]
    pub fn conflict(&self) -> Option<&Conflict> {
        if let Self::Conflict(conflict) = self {
            Some(conflict)
        } else {
            None
        }
    }
}
