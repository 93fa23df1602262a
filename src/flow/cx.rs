//! One operation: services, a snapshot of the configuration, the time, the request.
use super::Fault;
use crate::base::id::{ContainerId, FlowId, IdentityId};
use crate::base::random::Random;
use crate::base::terms::{CredentialsType, FlowKind};
use crate::base::url::{self, Params};
use crate::config::Config;
use crate::crypto::csrf::CsrfToken;
use crate::model::identifier;
use crate::model::identity::Identity;
use crate::schema::IdentitySchema;
use crate::services::Services;
use crate::store::Store;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::time::Instant;

pub struct Cx {
    pub services: Arc<Services>,
    /// A snapshot: a reload never changes a request midway.
    pub config: Arc<Config>,
    /// One instant per operation.
    pub now: OffsetDateTime,
    /// The same by a clock that only goes on, for how long the operation takes.
    pub began: Instant,
    pub request: RequestFacts,
}

/// What a request says about itself, its cookies already opened.
#[derive(Default)]
pub struct RequestFacts {
    /// Absolute, as the client called it (http-api.md §8.1).
    pub url: String,
    pub query: Params,
    /// The three predicates of http-api.md §2.1.
    pub is_json: bool,
    pub accepts_json: bool,
    pub is_browser: bool,
    /// The anti-forgery cookie, if there is exactly one that can be read.
    pub csrf: Option<CsrfToken>,
    /// What the anti-forgery rules look at besides.
    pub csrf_facts: CsrfFacts,
    /// The session's token, wherever it was (http-api.md §5.2).
    pub session_token: Option<String>,
    /// Was a cookie of the session's name sent, and until when does it say that it lasts?
    pub session_cookie: SentCookie,
    /// What waits for this browser, by name (database.md §8.3).
    pub waiting: Vec<(String, ContainerId)>,
    /// The token of `Authorization: Bearer`, which logout looks at before the cookie.
    pub bearer: Option<String>,
    pub client: ClientFacts,
    /// Headers that may be handed on, by `clients.web_hook.header_allowlist`: an object of lists. Of flows only.
    pub forwardable: Value,
    /// The method of HTTP.
    pub method: String,
    /// Every cookie that was sent, in order.
    pub cookies: Vec<(String, String)>,
    /// All headers in the form of `forwardable`, where a Jsonnet of the password migration hook may ask for them.
    pub headers: Value,
    /// `X-Request-ID`, empty if there was none.
    pub request_id: String,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct CsrfFacts {
    pub any_cookie: bool,
    /// The anti-forgery cookie was among them.
    pub cookie_sent: bool,
    /// `Sec-Fetch-Mode` says that a script asks.
    pub is_ajax: bool,
    pub has_origin: bool,
    /// The body says that it is JSON, in which a missing token is not told from a wrong one.
    pub json_body: bool,
    /// Names of cookies that an app should not have (flows.md §1.6).
    pub foreign_cookies: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SentCookie {
    #[default]
    None,
    Unreadable,
    Readable {
        token: String,
        expires_at: Option<OffsetDateTime>,
    },
}

/// Who is at the other end (http-api.md §5.4).
#[derive(Clone, Debug, Default)]
pub struct ClientFacts {
    pub address: String,
    pub user_agent: Option<String>,
    /// City and country, as a proxy says; empty if none does.
    pub location: String,
}

impl ClientFacts {
    /// Address, user agent, place.
    #[must_use]
    pub fn facts(&self) -> (&str, Option<&str>, &str) {
        (&self.address, self.user_agent.as_deref(), &self.location)
    }
}

impl Cx {
    #[must_use]
    pub fn new(services: &Arc<Services>, request: RequestFacts) -> Self {
        Self {
            services: Arc::clone(services),
            config: services.config.load_full(),
            now: services.clock.now(),
            began: Instant::now(),
            request,
        }
    }
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.services.store
    }
    #[must_use]
    pub fn dice(&self) -> &dyn Random {
        self.services.random.as_ref()
    }
    /// The identity schema of that id; `None` is the default one.
    pub async fn schema(&self, id: Option<&str>) -> Result<Arc<IdentitySchema>, Fault> {
        let id = id.unwrap_or(&self.config.identity.default_schema_id);
        let schemas = &self.services.schemas;
        Ok(schemas.get(&self.config, id, self.now).await?)
    }
    /// Who has this identifier in one of the types, spelt as typed or normalised; with credentials and addresses.
    pub async fn find(
        &self,
        types: &[CredentialsType],
        typed: &str,
    ) -> Result<Option<Identity>, Fault> {
        let normalised = identifier::normalize(typed);
        let found = self
            .store()
            .credentials()
            .by_identifier(types, &normalised, typed)
            .await?;
        Ok(found.map(|f| f.identity))
    }
    /// Where clients read the schema of an identity.
    #[must_use]
    pub fn schema_url(&self, schema_id: &str) -> String {
        self.public(
            &format!("/schemas/{}", BASE64URL_NOPAD.encode(schema_id.as_bytes())),
            &[],
        )
    }
    /// Somebody who is not stored yet.
    #[must_use]
    pub fn new_identity(&self, schema: &IdentitySchema, traits: Value) -> Identity {
        Identity::new(
            IdentityId::random(self.dice()),
            self.store().nid(),
            &schema.id,
            traits,
            self.now,
        )
    }
    /// The page for people that shows a flow.
    #[must_use]
    pub fn page(&self, kind: FlowKind, flow: FlowId) -> String {
        let page = self.config.selfservice.flows.ui_url(kind);
        url::with(page, &[("flow", &flow.to_string())])
    }
    /// An address under the public base URL.
    #[must_use]
    pub fn public(&self, path: &str, query: &[(&str, &str)]) -> String {
        url::with(&url::join(&self.config.public_url(), path), query)
    }
}
