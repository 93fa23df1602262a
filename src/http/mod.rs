//! Translates between HTTP and the engines.
pub mod admin;
pub mod body;
pub mod context;
pub mod cookies;
pub mod error;
pub mod layers;
pub mod listeners;
pub mod negotiate;
pub mod page;
pub mod peer;
pub mod public;
pub mod reply;
pub mod respond;
pub mod serve;
pub mod welcome;
