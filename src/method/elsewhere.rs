//! Methods that this version knows but cannot do yet. They are always off; yet a submission that is meant for
//! one of them has to be recognised, since "switched off" (404) is another answer than "nobody's" (400), and some
//! look at the body before they decline (flows.md §1.1.1).
use super::{Entry, LoginMethod, LoginMode, Method, RegistrationMethod, is_first_factor};
use crate::base::terms::{Channel, MethodId};
use crate::config::Config;
use crate::flow::outcome::{LoginOutcome, RegistrationOutcome};
use crate::flow::{Cx, Fault, Refusal, Step, Submission, csrf};
use crate::model::flow::{Login, LoginFlow, Registration, RegistrationFlow};
use crate::schema::IdentitySchema;
use crate::text;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

macro_rules! elsewhere {
    ($($name:ident: $($kind:ident)*;)*) => { $(
        pub(super) struct $name;
        impl Method for $name {
            fn id(&self) -> MethodId { MethodId::$name }
            fn enabled(&self, _: &Config) -> bool { false }
            $(elsewhere!(@ $kind);)*
        }
    )* };
    (@ login) => { fn login(&self) -> Option<&dyn LoginMethod> { Some(self) } };
    (@ registration) => { fn registration(&self) -> Option<&dyn RegistrationMethod> { Some(self) } };
}

elsewhere! {
    Oidc: login registration;
    Passkey: login registration;
    WebAuthn: login registration;
}

/// Mine, but off.
fn off<T>() -> Result<T, Fault> {
    Err(Refusal::method_off().into())
}

/// A provider is named, and no other method.
fn is_for_a_provider(s: &Submission) -> Result<bool, Fault> {
    let method = s.method()?;
    Ok(
        (s.text("provider").is_some() || s.query.text("provider").is_some())
            && method.is_none_or(|m| m.eq_ignore_ascii_case("oidc")),
    )
}

macro_rules! login {
    ($name:ident, |$cx:ident, $step:ident, $s:ident| $mine:expr) => {
        #[async_trait]
        impl LoginMethod for $name {
            async fn populate(
                &self,
                _: &Cx,
                _: &mut LoginFlow,
                _: LoginMode<'_>,
            ) -> Result<(), Fault> {
                Ok(())
            }
            async fn submit(
                &self,
                $cx: &Cx,
                $step: &mut Step<'_, Login>,
                $s: &Submission,
            ) -> Result<LoginOutcome, Fault> {
                if $mine {
                    off()
                } else {
                    Ok(LoginOutcome::NotMine)
                }
            }
        }
    };
}

login!(Oidc, |_cx, step, s| is_first_factor(step)
    && is_for_a_provider(s)?);
login!(Passkey, |_cx, _step, s| {
    s.posted()?;
    s.text("passkey_login").is_some() || s.method()?.as_deref() == Some("passkey")
});
login!(WebAuthn, |_cx, step, s| {
    step.flow.channel == Channel::Browser && {
        s.readable()?;
        let mine = s.text("webauthn_login").is_some() || s.method()?.as_deref() == Some("webauthn");
        if mine && s.text("identifier").is_none() {
            return Err(Fault::field(
                "identifier",
                text::validation::missing("identifier"),
            ));
        }
        mine
    }
});

macro_rules! registration {
    ($name:ident, |$cx:ident, $step:ident, $schema:ident, $s:ident| $mine:expr) => {
        #[async_trait]
        impl RegistrationMethod for $name {
            async fn populate(
                &self,
                _: &Cx,
                _: &mut RegistrationFlow,
                _: &Entry<'_>,
            ) -> Result<(), Fault> {
                Ok(())
            }
            async fn submit(
                &self,
                $cx: &Cx,
                $step: &mut Step<'_, Registration>,
                $schema: &IdentitySchema,
                $s: &Submission,
            ) -> Result<RegistrationOutcome, Fault> {
                if $mine {
                    off()
                } else {
                    Ok(RegistrationOutcome::NotMine)
                }
            }
        }
    };
}

registration!(Oidc, |_cx, _step, _schema, s| is_for_a_provider(s)?);
static PASSKEY: LazyLock<Value> = LazyLock::new(|| {
    json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "passkey_register": { "type": "string" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } })
});
registration!(Passkey, |cx, step, schema, s| {
    s.posted()?;
    super::profile::decode(schema, &mut step.flow.form, s, ("passkey", &PASSKEY))?;
    let mine = s.text("passkey_register").is_some_and(|v| v != "true");
    if mine {
        csrf::check(cx, step.flow, s)?;
    }
    mine
});
registration!(WebAuthn, |cx, step, _schema, s| {
    let passwordless = cx.config.selfservice.methods.webauthn.config.passwordless;
    step.flow.channel == Channel::Browser && passwordless && {
        s.readable()?;
        if s.text("webauthn_register").is_none() {
            return Err(Fault::field(
                "webauthn_register",
                text::validation::missing("webauthn_register"),
            ));
        }
        csrf::check(cx, step.flow, s)?;
        true
    }
});
