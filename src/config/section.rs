//! How a section of the file becomes a struct: one macro, so that a key stands beside its default.

/// Makes a struct with public fields that reads a section of the configuration. A field without a
/// default takes that of its type; keys that the struct does not know are passed over, since the
/// schema has judged them before.
macro_rules! section {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty $(= $default:expr)?),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(default)]
        pub struct $name { $($(#[$field_meta])* pub $field: $kind),* }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $crate::config::section::or_default!($($default)?)),* }
            }
        }
    };
}

/// The given value, or the default of the type.
macro_rules! or_default {
    () => {
        Default::default()
    };
    ($value:expr) => {
        $value
    };
}

/// Makes an enum whose values are words of the file; the first is the default.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$value_meta:meta])* $value:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
        pub enum $name { $($(#[$value_meta])* #[serde(rename = $word)] $value),* }
        impl $name {
            /// Every value, the default first.
            pub const ALL: &'static [Self] = &[$(Self::$value),*];
            /// The spelling in the file.
            #[must_use]
            pub fn word(self) -> &'static str { match self { $(Self::$value => $word),* } }
        }
        impl Default for $name {
            fn default() -> Self { Self::ALL[0] }
        }
    };
}

pub(super) use {choice, or_default, section};
