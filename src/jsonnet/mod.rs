//! Jsonnet of the operator's, run in child processes of this very program (config-cli.md §4.9).
//!
//! A Jsonnet can loop for ever and ask for all memory there is. So it never runs here: a child has no files, no network,
//! no environment, and bounds on memory; it is killed when it is late, and the next evaluation gets a new one. Children
//! are started when they are needed, at most one per processor, and are kept.
mod child;
mod complaint;
mod format;
mod frame;
mod lint;
mod manifest;
mod pool;
mod run;
mod sandbox;
#[cfg(test)]
mod tests;
mod tokens;
mod tokens_tidy;

pub use child::run as run_child;
pub use format::format;
pub use frame::Given;
pub use lint::lint;
pub use pool::JsonnetPool;

use serde_json::Value;
use std::io;

/// The hidden command that makes this program such a child.
pub const COMMAND: &str = "jsonnet-worker";

/// One call of a Jsonnet.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'a> {
    pub snippet: &'a str,
    /// What the function that the Jsonnet is gets by name; of no account where it is none.
    pub arguments: &'a [(&'a str, &'a Value)],
    /// What `std.extVar` gives.
    pub external: &'a [(&'a str, &'a Value)],
}

/// Why there is no result. The texts hold places and names of the Jsonnet, never what it was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonnetError {
    /// `error "cancel"`: what that means is up to the caller.
    #[error("the Jsonnet cancels this")]
    Cancelled,
    /// With line and column where they are known.
    #[error("{0}")]
    Failed(String),
    #[error("the Jsonnet took too long and was stopped")]
    TimedOut,
    /// Of memory, or nested so deeply that the child ran out of stack.
    #[error("the Jsonnet took too much memory and was stopped")]
    Died,
    #[error("the Jsonnet or what it is given is too large")]
    InputTooLarge,
    #[error("the result of the Jsonnet is too large")]
    OutputTooLarge,
    /// All children had work for as long as one waits.
    #[error("too many Jsonnets wait to be run")]
    Busy,
    #[error("no process to run the Jsonnet in can be started: {0}")]
    Unavailable(io::ErrorKind),
}
