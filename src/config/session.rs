//! Sessions and how they are shown to browsers and other servers.
use super::cookies::SameSite;
use super::duration;
use super::section::{choice, section};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use time::Duration;

section!(
    Session {
        #[serde(deserialize_with = "duration::required")]
        lifespan: Duration = Duration::hours(24),
        /// Extending is allowed when less than this remains; [`Session::extendable_within`].
        #[serde(deserialize_with = "duration::optional")]
        earliest_possible_extend: Option<Duration>,
        cookie: SessionCookie,
        whoami: Whoami,
    }
);
section!(
    /// The fallbacks to `cookies` are in [`super::Config::session_cookie`].
    SessionCookie {
        name: String = "ory_kratos_session".into(),
        domain: Option<String>,
        path: Option<String>,
        same_site: Option<SameSite>,
        #[serde(deserialize_with = "super::cookies::truth")]
        secure: Option<bool>,
        persistent: bool = true,
    }
);
section!(Whoami {
    required_aal: RequiredAal,
    tokenizer: Tokenizer
});
section!(
    Tokenizer {
        #[serde(deserialize_with = "only_objects")]
        templates: BTreeMap<String, TokenizerTemplate>,
    }
);
section!(
    /// One way to turn a session into a JWT, by `?tokenize_as=`.
    TokenizerTemplate {
        /// An omitted life is zero, whatever the schema says (config-cli.md §1.6).
        #[serde(deserialize_with = "duration::required")]
        ttl: Duration,
        /// Resource address of the private keys.
        jwks_url: String,
        claims_mapper_url: Option<String>,
        subject_source: SubjectSource,
    }
);
choice!(
    SubjectSource { Id = "id", ExternalId = "external_id" }
);
choice!(
    /// How much a session must have proven.
    RequiredAal {
        /// As much as the identity's credentials allow.
        HighestAvailable = "highest_available",
        Aal1 = "aal1",
    }
);

impl Session {
    /// Extending is allowed when less than this remains.
    #[must_use]
    pub fn extendable_within(&self) -> Duration {
        self.earliest_possible_extend.unwrap_or(self.lifespan)
    }
}

/// Names outside the schema's pattern may hold anything; they are no templates.
fn only_objects<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<BTreeMap<String, TokenizerTemplate>, D::Error> {
    let entries = BTreeMap::<String, serde_json::Value>::deserialize(input)?;
    let objects = entries.into_iter().filter(|(_, value)| value.is_object());
    objects
        .map(|(name, value)| {
            Ok((
                name,
                serde_json::from_value(value).map_err(serde::de::Error::custom)?,
            ))
        })
        .collect()
}
