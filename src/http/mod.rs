//! Translates between HTTP and the engines.
pub mod peer;
pub mod serve;
