//! Mail and text messages: what they say, how they leave (courier.md).
mod builtin;
pub mod channel;
pub mod compose;
mod gate;
mod gojson;
mod kinds;
pub mod letter;
mod library;
mod look;
mod look_bodies;
mod look_folder;
mod model;
mod pauses;
mod sprig;
mod template;
#[cfg(test)]
mod tests;
mod ways;
pub mod worker;

pub use compose::{ComposeError, Composer};
pub use letter::Letter;
pub use look_bodies::look_at_gateways;
pub use worker::Worker;
