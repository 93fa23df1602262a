//! Password hashes, ciphers, MACs and the cookie codec. Every primitive comes from a crate; formats are the reference's.
pub mod hash;
