//! Changing one's account: 1050xxx, 4050xxx.
use super::Message;
use serde_json::{Value, json};
use time::OffsetDateTime;

fixed! {
    saved: 1050001 success "Saved.";
    totp_unlink: 1050004 info "Remove the authenticator app";
    totp_qr: 1050005 info "Picture to scan with the authenticator app";
    lookup_reveal: 1050007 info "Show the backup codes";
    lookup_regenerate: 1050008 info "Make new backup codes";
    lookup_label: 1050010 info "Keep these backup codes in a safe place.";
    lookup_confirm: 1050011 info "I have kept the backup codes";
    webauthn_register: 1050012 info "Add a security key";
    webauthn_name: 1050013 info "Name for the security key";
    lookup_disable: 1050016 info "Switch off backup codes";
    totp_secret_label: 1050017 info "You cannot scan? Type this secret into the authenticator app.";
    passkey_register: 1050019 info "Add a passkey";
    /// Never sent; UIs know the id.
    device_remove: 1050021 info "Remove this device";
    /// Never sent; UIs know the id.
    device_nonce: 1050022 info "What the device signs";
    managed_by_organization: 1050023 info "Your organization looks after this account, so some of it cannot be changed here.";

    nobody: 4010004 error "There was no change in the form. Please fill it in and try again.";
    one_address_at_a_time: 4050002 error "Please change one address at a time.";
}

/// The button that connects a provider; the argument is its label, or its id if it has none.
#[must_use]
pub fn link_provider(provider: &str) -> Message {
    Message::info(1050002, format!("Connect {provider}")).with("provider", provider)
}

#[must_use]
pub fn unlink_provider(provider: &str) -> Message {
    Message::info(1050003, format!("Disconnect {provider}")).with("provider", provider)
}

/// The secret of an authenticator that is being set up: text and context.
#[must_use]
pub fn totp_secret(secret: &str) -> Message {
    Message::info(1050006, secret).with("secret", secret)
}

/// A backup code that can still be used.
#[must_use]
pub fn lookup_code(code: &str) -> Message {
    Message::info(1050009, code).with("secret", code)
}

/// What stands in the place of a used backup code.
#[must_use]
pub fn lookup_code_used(at: OffsetDateTime) -> Message {
    Message::info(1050014, "used").with_time("used_at", at)
}

/// All backup codes: the text has them separated by commas, the context as messages.
#[must_use]
pub fn lookup_codes(codes: &[Message]) -> Message {
    let texts: Vec<&str> = codes.iter().map(|m| m.text.as_str()).collect();
    let secrets: Vec<Value> = codes.iter().map(|m| json!(m)).collect();
    Message::info(1050015, texts.join(", ")).with("secrets", secrets)
}

#[must_use]
pub fn webauthn_remove(name: &str, added_at: OffsetDateTime) -> Message {
    removal(1050018, "security key", name, added_at)
}

#[must_use]
pub fn passkey_remove(name: &str, added_at: OffsetDateTime) -> Message {
    removal(1050020, "passkey", name, added_at)
}

fn removal(id: u32, what: &str, name: &str, added_at: OffsetDateTime) -> Message {
    Message::info(id, format!("Remove the {what} \u{201c}{name}\u{201d}"))
        .with_time("added_at", added_at)
        .with("display_name", name)
}

#[must_use]
pub fn expired(expired_at: OffsetDateTime, now: OffsetDateTime) -> Message {
    super::expired(4050001, expired_at, now)
}
