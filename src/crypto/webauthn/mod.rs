//! Security keys and passkeys: the part of the relying party (WebAuthn Level 3 §7). Pure: bytes and a question in, a
//! verdict out. Parsers are bounded and never panic; signatures are looked at by AWS-LC.
//!
//! Own, because no library both takes all ten algorithms that installations have keys of and lets a counter that went
//! back pass, and because open questions have to survive a change of servers, in the reference's own JSON.
mod answer;
mod attestation;
mod authenticator;
mod cbor;
mod ceremony;
mod check;
mod der;
mod key;
mod record;
#[cfg(test)]
mod tests;

pub use answer::{Assertion, Creation, Unreadable};
pub use ceremony::{Asked, Asker, Ceremony, REQUIRED, User, Wishes};
pub use check::{NewKey, Party, Refused};
pub use key::{ALGORITHMS, PublicKey};
pub use record::{Flags, Record, Used, add, keys, remove, user_handle};
