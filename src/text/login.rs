//! Signing in: 1010xxx, 4010xxx.
use super::{Message, either};
use time::OffsetDateTime;

fixed! {
    /// The password button when somebody only confirms who they are.
    submit: 1010001 info "Confirm";
    confirm: 1010003 info "Before you go on, please show once more that it is you.";
    second_factor: 1010004 info "One more step: please prove that it is you in a second way.";
    /// Never sent; UIs know the id.
    verify: 1010005 info "Prove it";
    totp_label: 1010006 info "Code from your authenticator app";
    lookup_label: 1010007 info "Backup code";
    webauthn_submit: 1010008 info "Sign in with a security key";
    totp_submit: 1010009 info "Use the authenticator app";
    lookup_submit: 1010010 info "Use a backup code";
    /// Never sent; UIs know the id.
    webauthn_continue: 1010011 info "Go on with your security key";
    webauthn_prepare: 1010012 info "Have your security key, fingerprint or face ready, then go on.";
    go_on: 1010013 info "Go on";
    code_sent: 1010014 info "A code is on its way. Nothing arrives? Check that the address is spelled right.";
    code_submit: 1010015 info "Send me a sign-in code";
    link_submit: 1010017 info "Sign in and connect";
    /// Never sent; UIs know the id.
    code_request: 1010019 info "Ask for a code to go on";
    /// Never sent; UIs know the id.
    code_hint: 1010020 info "You will get a code at an address that we know.";
    passkey_submit: 1010021 info "Sign in with a passkey";
    password_submit: 1010022 info "Sign in with your password";
    /// Never sent; UIs know the id.
    device_submit: 1010024 info "Sign in with this device";
    code_sent_to_known: 1010025 info "A code is on its way to your address.";

    nobody: 4010002 error "There was nothing in the form to sign you in with. Please fill it in and try again.";
    completed: 4010007 error "This was already used to sign in. Please start again.";
    code_invalid: 4010008 error "This code is wrong or was already used. Look for the newest message, or ask for another code.";
    link_mismatch: 4010009 error "This account is not the one to connect. Please sign in to the account that has the same address.";
    address_unknown: 4010010 error "This address does not belong to your account.";
    disabled_account: 4010011 error "This account is switched off.";
}

/// A provider's button.
#[must_use]
pub fn with_provider(label: &str, provider_id: &str) -> Message {
    Message::info(1010002, format!("Continue with {label}"))
        .with("provider", label)
        .with("provider_id", provider_id)
}

/// A provider's button where an account is being connected.
#[must_use]
pub fn confirm_with_provider(label: &str) -> Message {
    Message::info(1010018, format!("Show by {label} that it is you")).with("provider", label)
}

/// Why somebody who came from a provider has to sign in the old way first (flows.md §11.2).
/// Both lists are what the account can use; `provider` is the label of the one they came from.
#[must_use]
pub fn link_explained(
    identifier: &str,
    provider: &str,
    new_login_url: &str,
    credential_types: &[String],
    providers: &[String],
) -> Message {
    let mut text = format!(
        "You came from {provider} as \u{201c}{identifier}\u{201d}, and there is an account of that name here. \
         Sign in to it once the way you used before; after that, {provider} works too."
    );
    if !providers.is_empty() {
        text.push_str(" So far it is used with ");
        text.push_str(&either(providers));
        text.push('.');
    }
    Message::info(1010016, text)
        .with("available_credential_types", credential_types.to_vec())
        .with("available_providers", providers.to_vec())
        .with("duplicateIdentifier", identifier)
        .with("duplicate_identifier", identifier)
        .with("newLoginUrl", new_login_url)
        .with("new_login_url", new_login_url)
        .with("provider", provider)
}

/// A button that sends a code to one address. `channel` is `email` or `sms`; the address may be masked.
#[must_use]
pub fn code_to_address(address: &str, channel: &str) -> Message {
    Message::info(1010023, format!("Send a code to {address}"))
        .with("address", address)
        .with("channel", channel)
}

#[must_use]
pub fn expired(expired_at: OffsetDateTime, now: OffsetDateTime) -> Message {
    super::expired(4010001, expired_at, now)
}
