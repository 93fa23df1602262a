//! What the public listener answers.
pub mod errors;
pub mod login;
pub mod logout;
pub mod recovery;
pub mod registration;
pub mod schemas;
pub mod sessions;
pub mod settings;
pub mod verification;
