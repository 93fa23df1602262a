//! Mail and text messages: what they say, how they leave (courier.md).
pub mod channel;
mod gate;
pub mod letter;
pub mod worker;

pub use letter::Letter;
pub use worker::Worker;
