//! Passkeys (flows.md §9.9): keys that know whose they are, so that nobody has to type a name. For apps, too.
mod login;
mod names;
mod registration;
mod settings;

use super::keys::{Kind, Ours};
use super::{LoginMethod, Method, RegistrationMethod, SettingsMethod};
use crate::base::random;
use crate::base::terms::{Aal, Channel, CredentialsType, MethodId};
use crate::config::method::{Attachment, PasskeyConfig, UserVerification};
use crate::crypto::webauthn::{Asker, Wishes};
use crate::flow::Cx;
use crate::model::session::Authentication;
use crate::ui::Node;
use time::Duration;

pub(super) struct Passkey;
const ME: MethodId = MethodId::Passkey;
const KEYS: Kind = Kind {
    id: ME,
    of: CredentialsType::Passkey,
    kept: "passkey_session_data",
    options: "passkey_session_options",
};

impl Method for Passkey {
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

fn config(cx: &Cx) -> &PasskeyConfig {
    &cx.config.selfservice.methods.passkey.config
}

fn ours(cx: &Cx) -> Ours<'_> {
    Ours::of(cx, &config(cx).rp)
}

/// `timeout`: as configured for this kind of question.
fn asker<'c>(cx: &'c Cx, ours: &Ours<'c>, timeout: Option<Duration>) -> Asker<'c> {
    let verification = config(cx).authenticator_selection.user_verification;
    let usual = match verification {
        UserVerification::Discouraged => 120_000,
        UserVerification::Preferred | UserVerification::Required => 300_000,
    };
    let timeout = timeout.and_then(|t| u64::try_from(t.whole_milliseconds()).ok());
    Asker {
        id: ours.id,
        name: ours.name,
        user_verification: verification.word(),
        timeout: timeout.filter(|t| *t > 0).unwrap_or(usual),
    }
}

fn wishes(cx: &Cx) -> Wishes {
    let config = config(cx);
    let selection = &config.authenticator_selection;
    Wishes {
        attachment: selection.attachment.map(Attachment::word),
        resident_key: Some(selection.resident_key.word()),
        attestation: Some(config.attestation.preference.word()),
    }
}

/// What authenticators are to call somebody: 64 letters and digits, by which the account is found again.
fn new_handle(cx: &Cx) -> String {
    random::alphanumeric(cx.dice(), 64)
}

fn proof(cx: &Cx) -> Authentication {
    Authentication::by(ME, Aal::One, cx.now)
}

/// A field that only the script reads or writes.
fn field(name: &str) -> Node {
    Node::hidden(name, serde_json::Value::Null).group(ME)
}

/// What a page has to do to run this function of the script; apps find their own way.
fn call(channel: Channel, function: &str) -> Option<String> {
    (channel == Channel::Browser).then(|| format!("window.{function}()"))
}
