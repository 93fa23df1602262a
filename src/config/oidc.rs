//! Sign-in with others: the providers.
use super::section::{choice, section};
use crate::base::secret::Secret;
use serde_json::{Map, Value};

section!(Oidc {
    enabled: bool,
    config: OidcConfig
});
section!(
    OidcConfig {
        /// Base of the callback addresses; [`super::Config::oidc_redirect_base`] knows the fallback.
        base_redirect_uri: Option<String>,
        providers: Vec<OidcProvider>,
    }
);
section!(
    /// One provider (flows.md §9.10.4).
    OidcProvider {
        /// Part of the callback path and of stored identifiers.
        id: String,
        provider: ProviderKind,
        /// On the button.
        label: String,
        client_id: String,
        client_secret: Secret<String>,
        issuer_url: String,
        auth_url: String,
        token_url: String,
        /// Resource address of the Jsonnet that makes traits of claims.
        mapper_url: String,
        scope: Vec<String>,
        microsoft_tenant: String,
        subject_source: OidcSubjectSource,
        apple_team_id: String,
        apple_private_key_id: String,
        apple_private_key: Secret<String>,
        /// The `claims` parameter of OpenID Connect Core 5.5.
        requested_claims: Option<Map<String, Value>>,
        organization_id: String,
        additional_id_token_audiences: Vec<String>,
        aal2_acr_values: Vec<String>,
        aal2_amr_values: Vec<String>,
        claims_source: ClaimsSource,
        pkce: Pkce,
        fedcm_config_url: String,
        net_id_token_origin_header: String,
        account_linking_mode: AccountLinkingMode,
        update_identity_on_login: UpdateIdentity,
    }
);
choice!(
    ProviderKind {
        Generic = "generic", GitHub = "github", GitHubApp = "github-app", GitLab = "gitlab",
        Google = "google", Microsoft = "microsoft", Discord = "discord", Salesforce = "salesforce",
        Slack = "slack", Facebook = "facebook", Auth0 = "auth0", Vk = "vk", Yandex = "yandex",
        Apple = "apple", Spotify = "spotify", NetId = "netid", DingTalk = "dingtalk",
        Patreon = "patreon", Line = "line", LinkedIn = "linkedin", LinkedInV2 = "linkedin_v2",
        Lark = "lark", X = "x", FedcmTest = "fedcm-test", Amazon = "amazon", UaePass = "uaepass",
    }
);
choice!(
    OidcSubjectSource { Userinfo = "userinfo", Me = "me", Oid = "oid" }
);
choice!(
    ClaimsSource { IdToken = "id_token", Userinfo = "userinfo" }
);
choice!(
    Pkce { Auto = "auto", Never = "never", Force = "force" }
);
choice!(
    AccountLinkingMode {
        ConfirmWithExistingCredential = "confirm_with_existing_credential",
        Automatic = "automatic",
    }
);
choice!(
    /// Whether the mapper runs again at each login.
    UpdateIdentity { Never = "never", Automatic = "automatic" }
);
