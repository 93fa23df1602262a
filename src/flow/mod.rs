//! What an engine, a method and a hook say to each other.
pub mod answer;
pub mod cookies;
pub mod csrf;
pub mod cx;
pub mod fault;
pub mod outcome;
pub mod pause;
pub mod return_to;
pub mod submission;

pub use answer::{Answer, Registered, Reply, Shown, SignedIn, Why};
pub use cookies::CookieChanges;
pub use cx::{Cx, RequestFacts};
pub use fault::{Fault, Refusal};
pub use submission::{Body, Submission, Verb};

use crate::model::flow::Flow;
use crate::model::session::Session;

/// A flow being answered. What a method may change: the flow, and the cookies to come.
pub struct Step<'a, K> {
    pub flow: &'a mut Flow<K>,
    pub session: Option<&'a Session>,
    pub cookies: &'a mut CookieChanges,
}
