//! Plain data. What one does with it is in `store`, `identity`, `session` and above.
pub mod credentials;
pub mod factors;
pub mod flow;
pub mod identity;
pub mod session;
