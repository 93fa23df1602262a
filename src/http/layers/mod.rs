//! What happens to every request before and after its handler, one file per question. `http/front.rs` has the order.
pub mod body;
pub mod cors;
pub mod csrf;
pub mod log;
pub mod panic;
pub mod path;
pub mod proxies;
