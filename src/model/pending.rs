//! A change of traits that waits until its owner has shown that a new address is theirs (flows.md §7.2).
use super::identity::Identity;
use crate::base::id::{FlowId, IdentityId, RowId, SessionId};
use crate::base::terms::Via;
use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// A row of `identity_pending_traits_changes`.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingChange {
    pub id: RowId,
    pub identity: IdentityId,
    /// The session that asked for it; it has to be alive still. `None`: it was deleted.
    pub session: Option<SessionId>,
    /// The settings flow that asked for it.
    pub origin: Option<FlowId>,
    /// The flow that asks for the proof.
    pub verification: FlowId,
    /// The new address.
    pub value: String,
    pub via: Via,
    /// Of the traits that are to be replaced: a change in between makes this one void.
    pub original_hash: String,
    /// All traits, as they shall be.
    pub proposed: Value,
    pub created_at: OffsetDateTime,
}

/// The hash of an identity's traits as the reference stores it: SHA-256 of the JSON without blanks, in hexadecimal.
#[must_use]
pub fn traits_hash(identity: &Identity) -> String {
    HEXLOWER.encode(&Sha256::digest(identity.traits.to_string()))
}
