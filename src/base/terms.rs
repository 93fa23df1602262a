//! Words that configuration, storage, methods and engines share, with their spelling on the wire.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),* }
        impl $name {
            /// Every value, in the order of the reference's own list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The spelling on the wire and in the database.
            #[must_use]
            pub fn word(self) -> &'static str { match self { $(Self::$variant => $word),* } }
            /// The value of that spelling, if there is one.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.word()) }
        }
    };
}

words!(
    /// Ways to prove who one is, and the parts of a form that belong to them.
    MethodId {
        Profile = "profile", Password = "password", Oidc = "oidc", Code = "code", Link = "link",
        Totp = "totp", Passkey = "passkey", WebAuthn = "webauthn", LookupSecret = "lookup_secret",
        IdentifierFirst = "identifier_first", Saml = "saml", DeviceAuthn = "deviceauthn",
    }
);
words!(
    /// Rows of `identity_credential_types` (database.md §6.1).
    CredentialsType {
        Password = "password", Oidc = "oidc", Totp = "totp", LookupSecret = "lookup_secret",
        WebAuthn = "webauthn", Code = "code", Passkey = "passkey", Saml = "saml",
        DeviceAuthn = "deviceauthn",
    }
);
words!(
    /// The five kinds of flow that have a row of their own.
    FlowKind {
        Login = "login", Registration = "registration", Settings = "settings",
        Recovery = "recovery", Verification = "verification",
    }
);
words!(
    /// Who a flow was begun for. A browser has cookies, an app has tokens.
    Channel { Browser = "browser", Api = "api" }
);
words!(
    /// What a request wants to read.
    Wants { Html = "html", Json = "json" }
);
words!(
    /// Where a flow stands (flows.md §1.3).
    State {
        ChooseMethod = "choose_method", SentEmail = "sent_email", PassedChallenge = "passed_challenge",
        ShowForm = "show_form", Success = "success",
        RecoveryAwaitingAddress = "recovery_awaiting_address",
        RecoveryAwaitingAddressChoice = "recovery_awaiting_address_choice",
        RecoveryConfirmingAddress = "recovery_confirming_address",
        RecoveryAwaitingCode = "recovery_awaiting_code",
    }
);
words!(
    /// Authenticator assurance level: how many factors a session has proven.
    Aal { Zero = "aal0", One = "aal1", Two = "aal2" }
);
words!(
    /// How one writes to somebody.
    Via { Email = "email", Sms = "sms" }
);
words!(
    /// Mails and text messages by what they are about (courier.md §5).
    TemplateType {
        RecoveryInvalid = "recovery_invalid", RecoveryValid = "recovery_valid",
        RecoveryCodeInvalid = "recovery_code_invalid", RecoveryCodeValid = "recovery_code_valid",
        VerificationInvalid = "verification_invalid", VerificationValid = "verification_valid",
        VerificationCodeInvalid = "verification_code_invalid",
        VerificationCodeValid = "verification_code_valid",
        LoginCodeValid = "login_code_valid", RegistrationCodeValid = "registration_code_valid",
        VerifiableAddressChanged = "verifiable_address_changed",
        AuthenticatorKeyAdded = "authenticator_key_added",
    }
);
words!(
    /// The twelve moments at which hooks run (flows.md §10.1).
    HookPoint {
        LoginBefore = "login.before", LoginAfter = "login.after",
        RegistrationBefore = "registration.before",
        RegistrationPrePersist = "registration.after.pre",
        RegistrationPostPersist = "registration.after.post",
        SettingsBefore = "settings.before", SettingsPrePersist = "settings.after.pre",
        SettingsPostPersist = "settings.after.post",
        RecoveryBefore = "recovery.before", RecoveryAfter = "recovery.after",
        VerificationBefore = "verification.before", VerificationAfter = "verification.after",
    }
);

/// Which part of a form a node belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    Default,
    Captcha,
    Of(MethodId),
}

impl Group {
    /// The method that owns the group.
    #[must_use]
    pub fn method(self) -> Option<MethodId> {
        if let Self::Of(method) = self {
            Some(method)
        } else {
            None
        }
    }
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Captcha => "captcha",
            Self::Of(method) => method.word(),
        }
    }
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "default" => Some(Self::Default),
            "captcha" => Some(Self::Captcha),
            other => MethodId::from_word(other).map(Self::Of),
        }
    }
}
