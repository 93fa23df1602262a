//! Ids are newtypes, so that a flow is never looked up by a session's id.
use super::random::Random;
use uuid::Uuid;

macro_rules! ids {
    ($($name:ident)*) => { $(
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);
        impl $name {
            /// A fresh version 4 UUID from the given dice.
            #[must_use]
            pub fn random(dice: &dyn Random) -> Self { Self(super::random::uuid(dice)) }
            /// Reads the hyphenated form; `None` if it is none.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> { Uuid::parse_str(text).ok().map(Self) }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }
    )* };
}
ids!(NetworkId FlowId IdentityId CredentialId AddressId SessionId DeviceId ContainerId ErrorId MessageId RowId);
