//! Proving that an address is one's own: 1080xxx, 4070xxx.
use super::Message;
use time::OffsetDateTime;

fixed! {
    link_sent: 1080001 info "A link is on its way to your address. Nothing arrives? Check the spelling.";
    email_verified: 1080002 success "Thank you, the address is yours.";
    code_sent: 1080003 info "A code is on its way to your address. Nothing arrives? Check the spelling.";
    sms_code_sent: 1080004 info "A code is on its way to your phone. Nothing arrives? Check the number.";
    phone_verified: 1080005 success "Thank you, the number is yours.";

    nobody: 4010006 error "There was nothing in the form to verify. Please fill it in and try again.";
    token_invalid: 4070001 error "This link is wrong or was already used. Please ask for another one.";
    completed: 4070002 error "This was already done. Please start again if you want to verify another address.";
    failed: 4070003 error "Verifying went wrong. Please start again.";
    token_missing: 4070004 error "The link is incomplete. Please open it as it stands in the mail.";
    code_invalid: 4070006 error "This code is wrong or was already used. Look for the newest message, or ask for another code.";
}

#[must_use]
pub fn expired(expired_at: OffsetDateTime, now: OffsetDateTime) -> Message {
    super::expired(4070005, expired_at, now)
}
