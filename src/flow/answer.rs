//! What an engine decided. `http::reply` is the only reader.
use super::cookies::CookieChanges;
use super::fault::{Fault, Refusal};
use crate::base::terms::{Channel, FlowKind};
use crate::model::flow::{AnyFlow, ContinueWith, Flow, Kind};
use crate::model::identity::Identity;
use crate::model::session::Session;

pub struct Reply {
    pub answer: Answer,
    pub cookies: CookieChanges,
    pub of: (FlowKind, Channel),
}

pub enum Answer {
    /// A form to fill in.
    Flow(Box<AnyFlow>, Shown),
    /// The same form with what is wrong.
    Invalid(Box<AnyFlow>),
    /// The flow is over; another takes its place.
    Replaced {
        by: Box<AnyFlow>,
        why: Why,
    },
    SignedIn(Box<SignedIn>),
    Registered(Box<Registered>),
    /// The flow is done: JSON clients and apps read it, html goes on.
    Done {
        flow: Box<AnyFlow>,
        then: String,
    },
    /// A browser has to go elsewhere: html by 303, JSON by 422.
    GoTo(String),
    /// 303, whoever asks.
    SeeOther(String),
    Refused(Box<Refusal>),
    Broken(anyhow::Error),
}

/// How a form that is no mistake is shown to JSON clients: 200, or 400 (the reference's word for "go on").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Fine,
    Unfinished,
    /// 200 to those who do not negotiate html, whatever kind of flow it is.
    ByAccept,
}

#[derive(Debug)]
pub enum Why {
    /// When it had expired.
    Expired(time::OffsetDateTime),
    /// It was used up.
    Over(Option<Box<Refusal>>),
}

pub struct SignedIn {
    pub identity: Identity,
    pub session: Session,
    pub continue_with: Vec<ContinueWith>,
    /// Where html goes.
    pub then: String,
    /// A second factor is due: where it is asked for.
    pub step_up: Option<String>,
}

pub struct Registered {
    pub identity: Identity,
    /// There if the newcomer is signed in.
    pub session: Option<Session>,
    pub continue_with: Vec<ContinueWith>,
    pub then: String,
}

impl Answer {
    #[must_use]
    pub fn flow<K: Kind>(flow: &Flow<K>, shown: Shown) -> Self {
        Self::Flow(Box::new(flow.any()), shown)
    }
}

/// Where there is no flow to show a fault on.
impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(refusal) => Self::Refused(refusal),
            Fault::Broken(error) => Self::Broken(error),
            Fault::Reauthenticate => {
                Self::Broken(anyhow::anyhow!("only settings can ask for a fresh proof"))
            }
            Fault::Form(errors) => {
                let reason = errors
                    .into_iter()
                    .map(|(_, m)| m.text)
                    .collect::<Vec<_>>()
                    .join(" ");
                Self::Refused(Box::new(Refusal::bad(reason)))
            }
        }
    }
}
