//! Mail and text messages: what they say, how they leave (courier.md).
pub mod letter;

pub use letter::Letter;
