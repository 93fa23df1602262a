//! Leaf types: the words everybody speaks, ids, time, dice, secrets, addresses on the web.
pub mod alarm;
pub mod build;
pub mod clock;
pub mod domain;
pub mod id;
pub mod random;
pub mod secret;
pub mod terms;
pub mod time;
pub mod url;
