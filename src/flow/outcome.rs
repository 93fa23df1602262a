//! What methods answer. A new variant makes the compiler list every place that must handle it.
use crate::model::identity::Identity;
use crate::model::session::Authentication;

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
}

pub enum RegistrationOutcome {
    NotMine,
    Create {
        identity: Box<Identity>,
        by: Authentication,
    },
    /// Show the other screen of the two.
    Turn(Screen),
}

/// What a registration shows: everything at once, or first who somebody is, then how they prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    OneForAll,
    Profile,
    Credentials,
}
