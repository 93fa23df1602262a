//! The kinds of messages: where their templates lie in a folder and in the configuration (courier.md §3, §4.1).
use crate::base::terms::{TemplateType, Via};
use crate::config::{Config, Template};

/// What of a message a template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Subject,
    Plaintext,
    Html,
    Sms,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Subject, Self::Plaintext, Self::Html, Self::Sms];

    /// The name of the file.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Subject => "email.subject.gotmpl",
            Self::Plaintext => "email.body.plaintext.gotmpl",
            Self::Html => "email.body.gotmpl",
            Self::Sms => "sms.body.gotmpl",
        }
    }
    /// Files of the same folder that begin so are there to be called by name.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Subject => "email.subject",
            Self::Plaintext | Self::Html => "email.body",
            Self::Sms => "sms.body",
        }
    }
    fn key(self) -> &'static str {
        match self {
            Self::Subject => "email/subject",
            Self::Plaintext => "email/body/plaintext",
            Self::Html => "email/body/html",
            Self::Sms => "sms/body/plaintext",
        }
    }
    fn of(self, template: &Template) -> Option<&str> {
        let set = match self {
            Self::Subject => &template.email.subject,
            Self::Plaintext => &template.email.body.plaintext,
            Self::Html => &template.email.body.html,
            Self::Sms => &template.sms.body.plaintext,
        };
        set.as_deref().filter(|url| !url.is_empty())
    }
}

/// One template of one kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) template: TemplateType,
    pub(super) part: Part,
}

impl Place {
    /// Every one there is.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        TemplateType::ALL.iter().flat_map(|&template| {
            Part::ALL
                .into_iter()
                .map(move |part| Self { template, part })
                .filter(move |place| place.part != Part::Sms || has_sms(template))
        })
    }

    /// The folder and the file below the folder of all templates.
    pub(super) fn path(self) -> (&'static str, &'static str) {
        (folder(self.template), self.part.file())
    }

    /// The address in the configuration that takes the template's place.
    pub(super) fn url(self, config: &Config) -> Option<&str> {
        self.part.of(section(self.template, config)?)
    }

    /// Whether what the template is given has such a field.
    pub(super) fn has_field(self, name: &str) -> bool {
        let via = match self.part {
            Part::Sms => Via::Sms,
            _ => Via::Email,
        };
        super::model::has_field(self.template, via, name)
    }

    /// Where that address stands, as a JSON pointer.
    pub(super) fn pointer(self) -> String {
        format!(
            "/courier/templates/{}/{}",
            folder(self.template),
            self.part.key()
        )
    }
}

/// Whether there is a text message of that kind (courier.md §5).
pub(super) fn has_sms(template: TemplateType) -> bool {
    matches!(
        template,
        TemplateType::RecoveryCodeValid
            | TemplateType::VerificationCodeValid
            | TemplateType::LoginCodeValid
            | TemplateType::RegistrationCodeValid
            | TemplateType::VerifiableAddressChanged
            | TemplateType::AuthenticatorKeyAdded
    )
}

/// Whether templates of that kind see the visitor's headers, and so whether the row keeps `null` for none.
pub(super) fn has_headers(template: TemplateType, via: Via) -> bool {
    match template {
        TemplateType::RecoveryCodeValid
        | TemplateType::LoginCodeValid
        | TemplateType::RegistrationCodeValid => true,
        TemplateType::VerifiableAddressChanged | TemplateType::AuthenticatorKeyAdded => {
            via == Via::Sms
        }
        _ => false,
    }
}

fn folder(template: TemplateType) -> &'static str {
    match template {
        TemplateType::RecoveryInvalid => "recovery/invalid",
        TemplateType::RecoveryValid => "recovery/valid",
        TemplateType::RecoveryCodeInvalid => "recovery_code/invalid",
        TemplateType::RecoveryCodeValid => "recovery_code/valid",
        TemplateType::VerificationInvalid => "verification/invalid",
        TemplateType::VerificationValid => "verification/valid",
        TemplateType::VerificationCodeInvalid => "verification_code/invalid",
        TemplateType::VerificationCodeValid => "verification_code/valid",
        TemplateType::LoginCodeValid => "login_code/valid",
        TemplateType::RegistrationCodeValid => "registration_code/valid",
        TemplateType::VerifiableAddressChanged => "verifiable_address_changed",
        TemplateType::AuthenticatorKeyAdded => "authenticator_key_added",
    }
}

fn section(template: TemplateType, config: &Config) -> Option<&Template> {
    let all = &config.courier.templates;
    Some(match template {
        TemplateType::RecoveryInvalid => &all.recovery.invalid,
        TemplateType::RecoveryValid => &all.recovery.valid,
        TemplateType::RecoveryCodeInvalid => &all.recovery_code.invalid,
        TemplateType::RecoveryCodeValid => &all.recovery_code.valid,
        TemplateType::VerificationInvalid => &all.verification.invalid,
        TemplateType::VerificationValid => &all.verification.valid,
        TemplateType::VerificationCodeInvalid => &all.verification_code.invalid,
        TemplateType::VerificationCodeValid => &all.verification_code.valid,
        TemplateType::LoginCodeValid => &all.login_code.valid,
        TemplateType::RegistrationCodeValid => &all.registration_code.valid,
        TemplateType::VerifiableAddressChanged => &all.verifiable_address_changed,
        // The schema has no key for it.
        TemplateType::AuthenticatorKeyAdded => return None,
    })
}
