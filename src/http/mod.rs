//! Translates between HTTP and the engines.
pub mod layers;
pub mod listeners;
pub mod peer;
pub mod serve;
pub mod welcome;
