//! The ways to sign in and to prove an address, each with its settings.
use super::duration;
use super::oidc::Oidc;
use super::request::RequestConfig;
use super::section::{choice, section};
use serde::{Deserialize, Deserializer};
use time::Duration;
use uuid::Uuid;

section!(
    /// [`super::Config::method_enabled`] knows which are on.
    Methods {
        profile: ProfileMethod,
        link: LinkMethod,
        code: CodeMethod,
        password: PasswordMethod,
        totp: TotpMethod,
        lookup_secret: LookupSecretMethod,
        webauthn: WebAuthnMethod,
        passkey: PasskeyMethod,
        oidc: Oidc,
        b2b: B2b,
    }
);
section!(ProfileMethod {
    enabled: bool = true
});
section!(LinkMethod {
    enabled: bool,
    config: LinkConfig
});
section!(LinkConfig {
    /// Of a link's token.
    #[serde(deserialize_with = "duration::required")]
    lifespan: Duration = Duration::hours(1),
});
section!(CodeMethod {
    enabled: bool = true,
    /// First factor; puts the method on, whatever `enabled` says.
    passwordless_enabled: bool,
    /// Second factor.
    mfa_enabled: bool,
    config: CodeConfig,
});
section!(CodeConfig {
    #[serde(deserialize_with = "duration::required")]
    lifespan: Duration = Duration::hours(1),
    /// Tries for each flow, 1 to 255.
    max_submissions: u8 = 5,
    /// A verified address will do where there is no code credential.
    missing_credential_fallback_enabled: bool,
});
section!(PasswordMethod {
    enabled: bool = true,
    config: PasswordConfig
});
section!(PasswordConfig {
    haveibeenpwned_enabled: bool = true,
    /// Host only.
    haveibeenpwned_host: String = "api.pwnedpasswords.com".into(),
    /// How many known leaks are still fine.
    max_breaches: u64,
    /// Take the password when nobody answers.
    ignore_network_errors: bool = true,
    min_password_length: usize = 8,
    identifier_similarity_check_enabled: bool = true,
    migrate_hook: MigrateHook,
});
section!(
    /// Asks another system about a password on the first login of an imported identity.
    MigrateHook { enabled: bool, config: MigrateHookConfig }
);
section!(
    /// Always a POST; the identifier and the password are its body, unless a Jsonnet makes one.
    MigrateHookConfig {
        #[serde(flatten)]
        request: RequestConfig = RequestConfig {
            method: Some("POST".into()),
            ..RequestConfig::default()
        },
        /// Names each request in a header.
        emit_analytics_event: bool = true,
    }
);
section!(TotpMethod {
    enabled: bool,
    config: TotpConfig
});
section!(
    TotpConfig {
        /// Shown by the authenticator app; [`super::Config::totp_issuer`] knows the fallback.
        issuer: Option<String>,
    }
);
section!(LookupSecretMethod { enabled: bool });
section!(WebAuthnMethod {
    enabled: bool,
    config: WebAuthnConfig
});
section!(WebAuthnConfig {
    /// First factor instead of second.
    passwordless: bool,
    rp: RelyingParty,
});
section!(
    /// Who the keys are for; [`super::Config::origins`] knows the fallback.
    RelyingParty {
        display_name: String,
        /// A host name.
        id: String,
        origin: Option<String>,
        origins: Vec<String>,
    }
);
section!(PasskeyMethod {
    enabled: bool,
    config: PasskeyConfig
});
section!(PasskeyConfig {
    rp: RelyingParty,
    authenticator_selection: AuthenticatorSelection,
    attestation: Attestation,
    timeouts: PasskeyTimeouts,
});
section!(
    AuthenticatorSelection {
        /// No preference without.
        attachment: Option<Attachment>,
        resident_key: ResidentKey,
        user_verification: UserVerification,
    }
);
choice!(
    Attachment { Platform = "platform", CrossPlatform = "cross-platform" }
);
choice!(
    ResidentKey { Required = "required", Preferred = "preferred", Discouraged = "discouraged" }
);
choice!(
    UserVerification { Preferred = "preferred", Required = "required", Discouraged = "discouraged" }
);
section!(Attestation {
    preference: AttestationPreference
});
choice!(
    AttestationPreference {
        None = "none", Indirect = "indirect", Direct = "direct", Enterprise = "enterprise",
    }
);
section!(
    /// Five minutes with user verification and two without, unless set.
    PasskeyTimeouts {
        #[serde(deserialize_with = "duration::optional")]
        registration: Option<Duration>,
        #[serde(deserialize_with = "duration::optional")]
        login: Option<Duration>,
    }
);
section!(B2b { config: B2bConfig });
section!(
    B2bConfig { organizations: Vec<Organization> }
);
section!(
    Organization {
        /// What is no UUID belongs to nobody; the reference does not refuse it.
        #[serde(deserialize_with = "uuid")]
        id: Option<Uuid>,
        label: String,
        domains: Vec<String>,
        /// Of the sessions that belong to it.
        #[serde(deserialize_with = "duration::optional")]
        session_lifespan: Option<Duration>,
    }
);

fn uuid<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Uuid>, D::Error> {
    Ok(Uuid::parse_str(&String::deserialize(input)?).ok())
}
