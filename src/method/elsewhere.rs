//! Methods that this version knows but cannot do yet. They are always off; yet a submission that is meant for
//! one of them has to be recognised, since "switched off" (404) is another answer than "nobody's" (400), and some
//! look at the body before they decline (flows.md §1.1.1).
use super::{Entry, LoginMethod, LoginMode, Method, RegistrationMethod, is_first_factor};
use crate::base::terms::MethodId;
use crate::config::Config;
use crate::flow::outcome::{LoginOutcome, RegistrationOutcome};
use crate::flow::{Cx, Fault, Refusal, Step, Submission};
use crate::model::flow::{Login, LoginFlow, Registration, RegistrationFlow};
use crate::schema::IdentitySchema;
use async_trait::async_trait;

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
