//! Six digits that reach somebody at an address of theirs (flows.md §6, §7, §9.4).
mod addresses;
mod choose;
mod login;
mod recovery;
mod registration;
mod verification;

use super::secret::CODE_LENGTH;
use super::{LoginMethod, Method, RecoveryMethod, RegistrationMethod, VerificationMethod};
use crate::base::terms::MethodId;
use crate::text::{self, Message};
use crate::ui::{Form, Input, Node};

pub(super) struct Code;
const ME: MethodId = MethodId::Code;

impl Method for Code {
    fn id(&self) -> MethodId {
        ME
    }
    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }
    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }
    fn recovery(&self) -> Option<&dyn RecoveryMethod> {
        Some(self)
    }
    fn verification(&self) -> Option<&dyn VerificationMethod> {
        Some(self)
    }
}

/// The form of somebody whose code an administrator handed out.
pub(super) fn ask_stranger(form: &mut Form) {
    form.clear();
    form.push(digits_field(text::node::recovery_code()));
    form.push(continue_button());
}

/// The field for a code.
fn code_field(label: Message) -> Node {
    Node::input("code", Input::Text)
        .group(ME)
        .required()
        .autocomplete("one-time-code")
        .label(label)
}

/// The same where only digits may be typed.
fn digits_field(label: Message) -> Node {
    code_field(label).with(|input| {
        input.pattern = Some("[0-9]+".to_owned());
        input.maxlength = Some(CODE_LENGTH.into());
    })
}

fn continue_button() -> Node {
    Node::submit("method", ME.word())
        .group(ME)
        .label(text::node::go_on())
}

/// Says which method the form is for, whichever button was pressed.
fn hidden_method() -> Node {
    Node::hidden("method", ME.word()).group(ME)
}

/// A button that sends another code.
fn resend_button(name: &str, value: &str) -> Node {
    Node::submit(name, value)
        .group(ME)
        .label(text::node::resend_code())
}
