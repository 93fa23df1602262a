//! The typed configuration: read, merged, checked whole, swapped whole on reload.
//!
//! The structs mirror the file (config-cli.md §2), so who knows `kratos.yml` knows them. Defaults are
//! filled in; an `Option` means that absence itself says something. Where the reference derives a value
//! from several keys there is a function on [`Config`].
mod section;

mod check;
pub mod cookies;
pub mod courier;
pub mod database;
pub mod dsn;
pub mod duration;
pub mod env;
pub mod extensions;
pub mod feature_flags;
pub mod finding;
mod explain;
mod format;
mod hint;
pub mod hook;
pub mod identity;
pub mod load;
pub mod log;
pub mod method;
mod node;
pub mod oauth2;
pub mod oidc;
mod parse;
pub mod request;
pub mod relay;
mod restart;
pub mod rules;
mod schema;
pub mod secrets;
pub mod security;
pub mod selfservice;
pub mod serve;
pub mod session;
pub mod size;
#[cfg(test)]
mod tests;
mod traps;
mod unbuilt;
pub mod watch;

pub use cookies::{CookieSettings, Cookies, SameSite};
pub use courier::{Courier, Template};
pub use extensions::Extensions;
pub use feature_flags::FeatureFlags;
pub use finding::{Finding, Warning};
pub(crate) use hint::nearest;
pub use hook::{HookSpec, WebHookConfig};
pub use identity::{Identity, IdentitySchema};
pub use load::{Loaded, Source};
pub use oidc::OidcProvider;
pub use selfservice::{Flows, SelfService};
pub use serve::Serve;
pub use session::{RequiredAal, Session};

use crate::base::secret::Secret;
use section::section;

section!(
    /// Everything that an operator decides. A request sees one snapshot of it.
    Config {
        dsn: Secret<String>,
        /// The version that the file was written for.
        version: Option<String>,
        /// Said by `/admin/health/config`; [`Config::fingerprint`] is the fallback.
        revision: Option<String>,
        /// Not for production: see config-cli.md §1.8. Set by flag or environment only.
        dev: bool,
        #[serde(rename = "watch-courier")]
        watch_courier: bool,
        #[serde(rename = "sqa-opt-out")]
        sqa_opt_out: bool,
        #[serde(rename = "expose-metrics-port")]
        expose_metrics_port: u16,
        serve: Serve,
        identity: Identity,
        session: Session,
        cookies: Cookies,
        selfservice: SelfService,
        courier: Courier,
        secrets: secrets::Secrets,
        ciphers: secrets::Ciphers,
        hashers: secrets::Hashers,
        security: security::Security,
        clients: security::Clients,
        oauth2_provider: oauth2::Oauth2Provider,
        feature_flags: FeatureFlags,
        database: database::Database,
        log: log::Log,
        tracing: log::Tracing,
        extensions: Extensions,
        /// Hex SHA-256 of the merged values; made by the loader.
        #[serde(skip)]
        fingerprint: String,
        /// Browser flows may be answered by apps and the reverse: in development, if
        /// `DEV_DISABLE_API_FLOW_ENFORCEMENT` says so.
        #[serde(skip)]
        mixes_channels: bool,
        /// What the machine calls itself; made by the loader, for guessed base addresses.
        #[serde(skip)]
        hostname: Option<String>,
    }
);
