//! Security keys (flows.md §9.8), in browsers only: a second factor, or, if so configured, a way to sign in without a
//! password. Which of the two a key is was decided when it was added.
mod login;
mod registration;
mod settings;

use super::keys::{self, Kind, Ours};
use super::{LoginMethod, Method, RegistrationMethod, SettingsMethod};
use crate::base::terms::{Aal, CredentialsType, MethodId};
use crate::crypto::webauthn::{Asked, Asker};
use crate::flow::Cx;
use crate::model::session::Authentication;
use crate::text::{self, Message};
use crate::ui::{Input, Node};

pub(super) struct WebAuthn;
const ME: MethodId = MethodId::WebAuthn;
pub(super) const KEYS: Kind = Kind {
    id: ME,
    of: CredentialsType::WebAuthn,
    kept: "webauthn_session_data",
    options: "webauthn_session_options",
};

impl Method for WebAuthn {
    fn id(&self) -> MethodId {
        ME
    }
    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }
    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }
    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

fn is_passwordless(cx: &Cx) -> bool {
    cx.config.selfservice.methods.webauthn.config.passwordless
}

fn ours(cx: &Cx) -> Ours<'_> {
    Ours::of(cx, &cx.config.selfservice.methods.webauthn.config.rp)
}

fn asker<'c>(ours: &Ours<'c>) -> Asker<'c> {
    Asker {
        id: ours.id,
        name: ours.name,
        user_verification: "discouraged",
        timeout: 120_000,
    }
}

/// What a key proves, by the configuration of now.
fn proof(cx: &Cx) -> Authentication {
    let aal = if is_passwordless(cx) {
        Aal::One
    } else {
        Aal::Two
    };
    Authentication::by(ME, aal, cx.now)
}

/// A button with the question in it, for pages that know the script and for those that run what they are told.
fn trigger(name: &str, function: &str, asked: &Asked, label: Message) -> Node {
    let options = asked.options.to_string();
    let call = format!("window.{function}({options})");
    keys::trigger(name, function, Some(call))
        .group(ME)
        .value(options)
        .label(label)
}

fn name_field() -> Node {
    Node::input("webauthn_register_displayname", Input::Text)
        .group(ME)
        .value("")
        .label(text::settings::webauthn_name())
}

/// Where the script leaves the answer for a new key.
fn register_field() -> Node {
    Node::hidden("webauthn_register", "").group(ME)
}
