//! Values that follow from several keys. Only here is known which list counts and what falls back to what.
use super::cookies::CookieSettings;
use super::format::{self, is_request_uri};
use super::hook::HookSpec;
use super::method::RelyingParty;
use super::selfservice::LoginStyle;
use super::session::RequiredAal;
use super::{Config, serve};
use crate::base::secret::Secret;
use crate::base::terms::{FlowKind, HookPoint, MethodId};
use time::Duration;
use uuid::Uuid;

/// Put in front of what follows registration and settings while verification is on.
static VERIFICATION: HookSpec = HookSpec::Verification;

impl Config {
    /// Whether the method takes part (flows.md §1.1). The profile's form is in every registration, whatever
    /// this says of [`MethodId::Profile`]; that rule is the engine's.
    #[must_use]
    pub fn method_enabled(&self, method: MethodId) -> bool {
        let methods = &self.selfservice.methods;
        match method {
            MethodId::Profile => methods.profile.enabled,
            MethodId::Password => methods.password.enabled,
            MethodId::Oidc => methods.oidc.enabled,
            MethodId::Code => methods.code.enabled || methods.code.passwordless_enabled,
            MethodId::Link => methods.link.enabled,
            MethodId::Totp => methods.totp.enabled,
            MethodId::Passkey => methods.passkey.enabled,
            MethodId::WebAuthn => methods.webauthn.enabled,
            MethodId::LookupSecret => methods.lookup_secret.enabled,
            MethodId::IdentifierFirst => self.asks_identifier_first(),
            MethodId::Saml | MethodId::DeviceAuthn => false,
        }
    }

    /// Login asks who one is before it asks for a proof.
    #[must_use]
    pub fn asks_identifier_first(&self) -> bool {
        self.selfservice.flows.login.style == LoginStyle::IdentifierFirst
    }

    /// What runs at that moment, in order (flows.md §10.1). A method's own list hides the list for all.
    #[must_use]
    pub fn hooks_at(&self, point: HookPoint, method: Option<MethodId>) -> Vec<&HookSpec> {
        use HookPoint as P;
        let flows = &self.selfservice.flows;
        let (kind, before) = match point {
            P::LoginBefore => (FlowKind::Login, true),
            P::LoginAfter => (FlowKind::Login, false),
            P::RegistrationBefore => (FlowKind::Registration, true),
            P::RegistrationPrePersist | P::RegistrationPostPersist => {
                (FlowKind::Registration, false)
            }
            P::SettingsBefore => (FlowKind::Settings, true),
            P::SettingsPrePersist | P::SettingsPostPersist => (FlowKind::Settings, false),
            P::RecoveryBefore => (FlowKind::Recovery, true),
            P::RecoveryAfter => (FlowKind::Recovery, false),
            P::VerificationBefore => (FlowKind::Verification, true),
            P::VerificationAfter => (FlowKind::Verification, false),
        };
        if before {
            return act(&flows.before(kind).hooks, point);
        }
        let after = flows.after(kind);
        let own = method.and_then(|method| after.methods.get(&method));
        let mut hooks = own.map_or_else(Vec::new, |own| act(&own.hooks, point));
        let own_list_only = matches!(point, P::RegistrationPrePersist | P::SettingsPrePersist);
        if hooks.is_empty() && !own_list_only {
            hooks = act(&after.hooks, point);
        }
        hooks.sort_by_key(|hook| matches!(hook, HookSpec::Session)); // stable: the session goes last
        let verifies = matches!(point, P::RegistrationPostPersist | P::SettingsPostPersist);
        if verifies && flows.verification.enabled {
            hooks.insert(0, &VERIFICATION);
        }
        hooks
    }

    /// How much a session must have proven to be shown, or to change settings.
    #[must_use]
    pub fn required_aal(&self, kind: FlowKind) -> RequiredAal {
        if kind == FlowKind::Settings {
            self.selfservice.flows.settings.required_aal
        } else {
            self.session.whoami.required_aal
        }
    }

    /// Where a browser goes after success, if the flow or its method says so (flows.md §1.7). Settings,
    /// recovery and verification have a fallback of their own; recovery and verification know no methods.
    #[must_use]
    pub fn own_return_url(&self, kind: FlowKind, method: Option<MethodId>) -> Option<&str> {
        let after = self.selfservice.flows.after(kind);
        method
            .and_then(|method| after.methods.get(&method))
            .and_then(|own| redirect(own.default_browser_return_url.as_ref()))
            .or_else(|| redirect(after.default_browser_return_url.as_ref()))
    }

    /// The same with the last resort.
    #[must_use]
    pub fn return_url(&self, kind: FlowKind, method: Option<MethodId>) -> &str {
        self.own_return_url(kind, method)
            .unwrap_or(&self.selfservice.default_browser_return_url)
    }

    /// Where a browser goes after logout.
    #[must_use]
    pub fn logout_return_url(&self) -> &str {
        redirect(
            self.selfservice
                .flows
                .logout
                .after
                .default_browser_return_url
                .as_ref(),
        )
        .unwrap_or(&self.selfservice.default_browser_return_url)
    }

    /// The public API as browsers see it, as configured or guessed (config-cli.md §2.2). A slash at the
    /// end is kept: join with [`crate::base::url::join`].
    #[must_use]
    pub fn public_url(&self) -> String {
        let public = &self.serve.public;
        self.base_url(
            public.base_url.as_deref(),
            &public.host,
            public.port,
            &public.tls,
        )
    }

    /// The admin API as our own services see it.
    #[must_use]
    pub fn admin_url(&self) -> String {
        let admin = &self.serve.admin;
        self.base_url(
            admin.base_url.as_deref(),
            &admin.host,
            admin.port,
            &admin.tls,
        )
    }

    fn base_url(&self, given: Option<&str>, host: &str, port: u16, tls: &serve::Tls) -> String {
        if let Some(url) = given.filter(|url| !url.is_empty()) {
            return url.to_owned();
        }
        let scheme = if self.dev && !tls.is_on() {
            "http"
        } else {
            "https"
        };
        let host = match host {
            "" | "0.0.0.0" => self.hostname.as_deref().unwrap_or("127.0.0.1"),
            host => host,
        };
        format!("{scheme}://{host}:{port}/")
    }

    /// What the session cookie is set with: its own keys before those of all cookies. `secure` has no such
    /// fallback.
    #[must_use]
    pub fn session_cookie(&self) -> CookieSettings<'_> {
        let (own, all) = (&self.session.cookie, &self.cookies);
        CookieSettings {
            domain: own.domain.as_deref().unwrap_or(&all.domain),
            path: own.path.as_deref().unwrap_or(&all.path),
            same_site: own.same_site.unwrap_or(all.same_site),
            secure: own.secure.unwrap_or(!self.dev),
        }
    }

    /// What the CSRF and continuity cookies are set with.
    #[must_use]
    pub fn plain_cookie(&self) -> CookieSettings<'_> {
        CookieSettings {
            domain: &self.cookies.domain,
            path: &self.cookies.path,
            same_site: self.cookies.same_site,
            secure: self.cookies.secure.unwrap_or(!self.dev),
        }
    }

    /// Life of a new session, which an organization may set for its own.
    #[must_use]
    pub fn session_lifespan(&self, organization: Option<Uuid>) -> Duration {
        let organizations = &self.selfservice.methods.b2b.config.organizations;
        organization
            .and_then(|id| organizations.iter().find(|o| o.id == Some(id)))
            .and_then(|organization| organization.session_lifespan)
            .filter(|life| life.is_positive())
            .unwrap_or(self.session.lifespan)
    }

    /// The loader puts a secret of its own here when the operator gave none.
    #[must_use]
    pub fn secrets_default(&self) -> &[Secret<String>] {
        &self.secrets.default
    }

    /// Cookies, codes and link tokens: the first makes, all check.
    #[must_use]
    pub fn secrets_cookie(&self) -> &[Secret<String>] {
        first_of(&[&self.secrets.cookie, &self.secrets.default])
    }

    /// Encryption at rest, 32 bytes each; nothing stands in for a missing list.
    #[must_use]
    pub fn secrets_cipher(&self) -> Vec<&[u8; 32]> {
        let bytes = self
            .secrets
            .cipher
            .iter()
            .map(|secret| secret.expose().as_bytes());
        bytes.filter_map(|bytes| bytes.try_into().ok()).collect()
    }

    /// Page tokens. The reference falls back to a key that everybody knows; here another secret stands in.
    #[must_use]
    pub fn secrets_pagination(&self) -> &[Secret<String>] {
        first_of(&[
            &self.secrets.pagination,
            &self.secrets.default,
            &self.secrets.cookie,
        ])
    }

    /// The cost of new bcrypt hashes: at least 12 outside of development.
    #[must_use]
    pub fn bcrypt_cost(&self) -> u32 {
        let cost = self.hashers.bcrypt.cost;
        if self.dev { cost } else { cost.max(12) }
    }

    /// What authenticator apps show: as configured, else the host of the public API.
    #[must_use]
    pub fn totp_issuer(&self) -> String {
        self.selfservice
            .methods
            .totp
            .config
            .issuer
            .clone()
            .unwrap_or_else(|| format::host(&self.public_url()).unwrap_or_default())
    }

    /// Base of the callback addresses that providers know.
    #[must_use]
    pub fn oidc_redirect_base(&self) -> String {
        let base = self
            .selfservice
            .methods
            .oidc
            .config
            .base_redirect_uri
            .clone();
        base.unwrap_or_else(|| self.public_url())
    }

    /// Where keys of that party may be used: as configured, else its id under the public API's scheme.
    #[must_use]
    pub fn origins(&self, party: &RelyingParty) -> Vec<String> {
        if !party.origins.is_empty() {
            return party.origins.clone();
        }
        if let Some(origin) = party.origin.as_ref().filter(|origin| !origin.is_empty()) {
            return vec![origin.clone()];
        }
        let public = self.public_url();
        let scheme = public.split_once("://").map_or("", |(scheme, _)| scheme);
        vec![format!("{scheme}://{}", party.id)]
    }

    /// What `/admin/health/config` says.
    #[must_use]
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or(&self.fingerprint)
    }
}

fn act(list: &[HookSpec], point: HookPoint) -> Vec<&HookSpec> {
    list.iter().filter(|hook| hook.acts_at(point)).collect()
}

fn first_of<'a>(lists: &[&'a Vec<Secret<String>>]) -> &'a [Secret<String>] {
    lists
        .iter()
        .find(|list| !list.is_empty())
        .map_or(&[], |list| list.as_slice())
}

/// A return address counts when it is absolute or begins with a slash; others are passed over.
fn redirect(url: Option<&String>) -> Option<&str> {
    url.map(String::as_str).filter(|url| is_request_uri(url))
}
