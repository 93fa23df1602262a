//! Keys and hooks that this version reads and does not act on yet. Who asks for them by name is told: a hook that is
//! passed over may have been somebody's lock on a door.
//!
//! What gets built leaves these lists, and docs/compatibility.md.
use super::hook::HookSpec;
use super::traps::Collector;
use serde_json::Value;

const REMEDY: &str = "docs/compatibility.md lists what is missing";

/// What asks for something: `true`, or anything that is not empty.
const KEYS: &[&str] = &[
    "/selfservice/methods/oidc/enabled",
    "/session/whoami/tokenizer/templates",
    "/oauth2_provider/url",
    "/tracing/provider",
];

pub(super) fn keys(out: &mut Collector<'_>) {
    for pointer in KEYS {
        let asks = match out.given(pointer) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(entries)) => !entries.is_empty(),
            Some(Value::Number(_)) => true,
        };
        if asks {
            let text = "is not built into this version yet and does nothing";
            out.warn(pointer, text, REMEDY);
        }
    }
}

/// One entry of a list of hooks, at that pointer.
pub(super) fn hook(hook: &HookSpec, at: &str, out: &mut Collector<'_>) {
    match hook {
        HookSpec::Session
        | HookSpec::RevokeActiveSessions
        | HookSpec::RequireVerifiedAddress
        | HookSpec::Verification
        | HookSpec::ShowVerificationUi
        | HookSpec::VerifyNewAddress
        | HookSpec::NotifyPreviousAddresses(_)
        | HookSpec::Organization => {}
        HookSpec::WebHook(_) => {
            let text = "this hook is not built into this version yet and does not run";
            out.warn(at, text, REMEDY);
        }
    }
}
