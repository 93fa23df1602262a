//! What one does with identities: derive what follows from the traits, import, show.
pub mod derive;
pub mod hints;
pub mod import;
pub mod json;
pub mod password_policy;
