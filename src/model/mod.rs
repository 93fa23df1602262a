//! Plain data. What one does with it is in `store`, `identity`, `session` and above.
pub mod credentials;
pub mod factors;
pub mod flow;
pub mod email;
pub mod identifier;
pub mod identity;
pub mod message;
pub mod pending;
pub mod session;
pub mod upgrade;
