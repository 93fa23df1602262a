//! What methods answer. A new variant makes the compiler list every place that must handle it.
use super::Refusal;
use super::answer::Shown;
use crate::base::terms::Channel;
use crate::model::identity::Identity;
use crate::model::identity::VerifiableAddress;
use crate::model::pending::PendingChange;
use crate::model::session::Authentication;
use crate::text::Message;

pub enum LoginOutcome {
    NotMine,
    Authenticated {
        identity: Box<Identity>,
        by: Authentication,
    },
    /// Who it claims to be is known; now offer what that person has.
    Identified {
        identifier: String,
        identity: Option<Box<Identity>>,
    },
    /// A code is on its way; the form asks for it, and is stored.
    AskAgain(Shown),
    /// The next step needs the page, there: it has the script that talks to security keys.
    GoTo(String),
}

pub enum RegistrationOutcome {
    NotMine,
    Create {
        identity: Box<Identity>,
        by: Authentication,
    },
    /// Show the other screen of the two.
    Turn(Screen),
    /// A code is on its way; the form asks for it, and is stored.
    AskAgain(Shown),
}

pub enum SettingsOutcome {
    /// The identity as it shall be, and what the session has proven by it.
    Change {
        identity: Box<Identity>,
        gains: Option<Authentication>,
    },
    /// Only the form has changed. It is to be stored, and nothing follows.
    AskAgain,
}

pub enum RecoveryOutcome {
    NotMine,
    /// The form has changed, and is stored.
    AskAgain,
    /// Only somebody who is not signed in may ask for a code.
    AlreadySignedIn,
    Recovered(Box<Recovered>),
    /// This flow is over. A new one says why.
    StartOver(Again),
}

/// Somebody has shown that a code or link reached them.
pub struct Recovered {
    pub identity: Identity,
    pub by: Authentication,
    /// Their own addresses of this value are proven by it; none if an administrator handed the code out.
    pub proves: Option<String>,
    /// A link is opened by a browser, whatever asked for it.
    pub by_link: bool,
}

pub enum VerificationOutcome {
    NotMine,
    /// The form has changed, and is stored.
    AskAgain,
    /// A code came with a link; the page shows it filled in.
    Prefilled,
    Verified(Box<Verified>),
    /// A change of traits waited for this proof.
    Approved(Box<PendingChange>),
    /// Somebody else has by now the address that a change waits for.
    Taken,
    StartOver(Again),
}

pub struct Verified {
    pub identity: Identity,
    /// As it was before.
    pub address: VerifiableAddress,
}

/// Why a flow cannot go on, and what the next one is like.
pub struct Again {
    pub why: Reason,
    /// The kind of client the new flow is for, if it is another.
    pub channel: Option<Channel>,
    /// The answer leads to a page or to the flow, whatever asked for it.
    pub by_link: bool,
}

pub enum Reason {
    Message(Message),
    Refusal(Box<Refusal>),
}

impl Again {
    #[must_use]
    pub fn message(message: Message) -> Self {
        Self::because(Reason::Message(message))
    }
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self::because(Reason::Refusal(Box::new(refusal)))
    }
    fn because(why: Reason) -> Self {
        Self {
            why,
            channel: None,
            by_link: false,
        }
    }
    /// What the next form says.
    #[must_use]
    pub fn said(&self) -> Message {
        match &self.why {
            Reason::Message(message) => message.clone(),
            Reason::Refusal(refusal) => refusal.said(),
        }
    }
    /// What JSON clients are told, if that is more than a message.
    #[must_use]
    pub fn refusal(self) -> Option<Box<Refusal>> {
        match self.why {
            Reason::Message(_) => None,
            Reason::Refusal(refusal) => Some(refusal),
        }
    }
    #[must_use]
    pub fn in_channel(self, channel: Channel) -> Self {
        Self {
            channel: Some(channel),
            ..self
        }
    }
    #[must_use]
    pub fn by_link(self) -> Self {
        Self {
            by_link: true,
            ..self
        }
    }
}

/// What a registration shows: everything at once, or first who somebody is, then how they prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    OneForAll,
    Profile,
    Credentials,
}
