//! Password hashes, ciphers, MACs and the cookie codec. Every primitive comes from a crate; formats are the reference's.
//!
//! All secrets are lists: the first entry makes, every entry reads, so that an operator can change them without
//! signing everybody out (config-cli.md §3.1).
pub mod cipher;
pub mod csrf;
mod from_config;
mod gob;
pub mod hash;
pub mod mac;
pub mod seal;
pub mod securecookie;
pub mod webauthn;
