//! Getting back into an account: 1060xxx, 4060xxx.
use super::{Message, span};
use crate::base::time::rfc3339;
use time::OffsetDateTime;

fixed! {
    link_sent: 1060002 info "If there is an account with this address, a link is on its way to it. Nothing arrives? Check the spelling, or try the address you registered with.";
    code_sent: 1060003 info "If there is an account with this address, a code is on its way to it. Nothing arrives? Check the spelling, or try the address you registered with.";
    ask_full_address: 1060005 info "To be sure that it is you, please type the whole address.";
    choose_address: 1060006 info "Where shall the code go?";
    back: 1060007 info "Back";

    nobody: 4010005 error "There was nothing in the form to get you back in with. Please fill it in and try again.";
    completed: 4060001 error "This was already used to get back in. Please start again.";
    failed: 4060002 error "Getting you back in went wrong. Please start again.";
    token_missing: 4060003 error "The link is incomplete. Please open it as it stands in the mail.";
    token_invalid: 4060004 error "This link is wrong or was already used. Please ask for another one.";
    code_invalid: 4060006 error "This code is wrong or was already used. Look for the newest message, or ask for another code.";
}

/// On the settings that follow: until when credentials may be changed without signing in again.
#[must_use]
pub fn recovered(privileged_until: OffsetDateTime, now: OffsetDateTime) -> Message {
    let left = span((privileged_until - now).whole_seconds().max(0));
    Message::success(
        1060001,
        format!("Welcome back. Please set a new password, or connect another way to sign in, within {left}."),
    )
    .with("privilegedSessionExpiresAt", rfc3339(privileged_until))
    .with_time("privileged_session_expires_at", privileged_until)
}

/// `masked`: the address with its middle hidden, or as it was typed.
#[must_use]
pub fn code_sent_to(masked: &str) -> Message {
    Message::info(
        1060004,
        format!("If {masked} belongs to an account, a code is on its way to it. Nothing arrives? Go back and choose another address."),
    )
    .with("masked_address", masked)
}

#[must_use]
pub fn expired(expired_at: OffsetDateTime, now: OffsetDateTime) -> Message {
    super::expired(4060005, expired_at, now)
}
