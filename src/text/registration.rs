//! Signing up: 1040xxx, 4040xxx.
use super::Message;
use time::OffsetDateTime;

fixed! {
    submit: 1040001 info "Create account";
    go_on: 1040003 info "Go on";
    webauthn_submit: 1040004 info "Register with a security key";
    code_sent: 1040005 info "A code is on its way to what you entered.";
    code_submit: 1040006 info "Send me a code to register";
    passkey_submit: 1040007 info "Register with a passkey";
    back: 1040008 info "Back";
    choose_credential: 1040009 info "How would you like to sign in from now on?";

    nobody: 4010003 error "There was nothing in the form to create an account with. Please fill it in and try again.";
    completed: 4040002 error "This was already used to create an account. Please start again.";
    code_invalid: 4040003 error "This code is wrong or was already used. Look for the newest message, or ask for another code.";
}

/// A provider's button.
#[must_use]
pub fn with_provider(label: &str, provider_id: &str) -> Message {
    Message::info(1040002, format!("Register with {label}"))
        .with("provider", label)
        .with("provider_id", provider_id)
}

#[must_use]
pub fn expired(expired_at: OffsetDateTime, now: OffsetDateTime) -> Message {
    super::expired(4040001, expired_at, now)
}
