//! What one does with identities, as far as it is pure: derive, validate, import, show.
//!
//! Ids, time and dice are arguments; nothing here reads or writes a store.
pub mod derive;
pub mod hints;
pub mod import;
pub mod json;
pub mod password_policy;
pub mod patch;
pub mod validate;

/// Identifiers and addresses in the form in which they are compared.
pub use crate::model::identifier as normalize;
