//! What is wrong with what was sent: 4000xxx and 5000xxx.
use super::{Message, either};
use serde_json::Value;

fixed! {
    credentials: 4000006 error "These do not belong together. Check both for typing mistakes, and whether it is the right email, phone or user name.";
    duplicate: 4000007 error "There is an account with this email, phone or user name already.";
    totp_wrong: 4000008 error "This is not the code that the app shows now. Please try again.";
    no_identifier: 4000009 error "There is nothing in the form by which you could be recognized, such as an email address.";
    address_unverified: 4000010 error "Please verify your address first.";
    no_totp: 4000011 error "There is no authenticator app for this account.";
    lookup_used: 4000012 error "This backup code was used before. Each works once.";
    no_webauthn_key: 4000013 error "There is no security key for this account.";
    no_lookup: 4000014 error "There are no backup codes for this account.";
    no_webauthn_account: 4000015 error "There is no such account, or it has neither passkey nor security key.";
    lookup_wrong: 4000016 error "This is none of your backup codes.";
    duplicate_on_link: 4000027 error "There is an account with this email, phone or user name already. Please sign in to it to connect the two.";
    /// The value that is asked for cannot be shown.
    constant_hidden: 4000030 error "This has to be the one value that is allowed.";
    password_like_identifier: 4000031 error "Please choose a password that is less like your name or address.";
    no_code_account: 4000035 error "There is no such account, or it does not use codes to sign in.";
    traits_changed: 4000036 error "Some of your details are not the ones that the code was sent for.";
    no_account: 4000037 error "There is no account like this that one could sign in to.";
    captcha: 4000038 error "We could not tell you from a robot. Please try again.";
    password_unchanged: 4000039 error "This is the password you have. Please choose a new one.";
    /// Never sent; UIs know the id.
    no_device: 4000042 error "There is no such device for this account.";
    webauthn_wrong: 4000043 error "The answer of your passkey or security key was not right. Please try again.";
    /// Never sent; UIs know the id.
    device_wrong: 4000044 error "The device's signature is wrong.";
    /// Never sent; UIs know the id.
    device_attestation_over: 4000045 error "This device can no longer be used as it was registered.";
    /// Never sent; UIs know the id.
    device_again: 4000046 error "Please register this device again.";
    /// Never sent; UIs know the id.
    no_method: 5000002 error "There is no way to sign in here. Please tell the people who run this site.";
    /// Never sent; UIs know the id.
    no_provider_of_organization: 5000003 error "Your organization has no way to sign in here. Please tell the people who run this site.";
}

/// An error of status 400 that has no message of its own: `reason` is the sentence.
#[must_use]
pub fn generic(reason: &str) -> Message {
    Message::error(4000001, reason).with("reason", reason)
}

/// `property`: the last part of the missing field's name.
#[must_use]
pub fn missing(property: &str) -> Message {
    Message::error(4000002, format!("Please fill in: {property}.")).with("property", property)
}

#[must_use]
pub fn min_length(least: u64, actual: u64) -> Message {
    Message::error(
        4000003,
        format!("This needs at least {least} characters; it has {actual} ({actual} < {least})."),
    )
    .with("actual_length", actual)
    .with("min_length", least)
}

#[must_use]
pub fn max_length(most: u64, actual: u64) -> Message {
    Message::error(
        4000017,
        format!("This may have at most {most} characters; it has {actual} ({actual} > {most})."),
    )
    .with("actual_length", actual)
    .with("max_length", most)
}

#[must_use]
pub fn pattern(pattern: &str) -> Message {
    Message::error(
        4000004,
        format!("This does not have the form that is asked for: \u{201c}{pattern}\u{201d}."),
    )
    .with("pattern", pattern)
}

#[must_use]
pub fn password_policy(reason: &str) -> Message {
    Message::error(4000005, format!("This password cannot be used: {reason}."))
        .with("reason", reason)
}

/// The limits and values of numbers are JSON numbers, as they were written.
#[must_use]
pub fn minimum(least: Value, actual: Value) -> Message {
    Message::error(
        4000018,
        format!("This must be {least} or more ({actual} < {least})."),
    )
    .with("actual", actual)
    .with("minimum", least)
}

#[must_use]
pub fn exclusive_minimum(limit: Value, actual: Value) -> Message {
    Message::error(
        4000019,
        format!("This must be more than {limit} (> {limit}); it is {actual}."),
    )
    .with("actual", actual)
    .with("minimum", limit)
}

#[must_use]
pub fn maximum(most: Value, actual: Value) -> Message {
    Message::error(
        4000020,
        format!("This must be {most} or less ({actual} > {most})."),
    )
    .with("actual", actual)
    .with("maximum", most)
}

#[must_use]
pub fn exclusive_maximum(limit: Value, actual: Value) -> Message {
    Message::error(
        4000021,
        format!("This must be less than {limit} (< {limit}); it is {actual}."),
    )
    .with("actual", actual)
    .with("maximum", limit)
}

#[must_use]
pub fn multiple_of(base: Value, actual: Value) -> Message {
    Message::error(
        4000022,
        format!("This must be a multiple of {base}; it is {actual}."),
    )
    .with("actual", actual)
    .with("base", base)
}

#[must_use]
pub fn max_items(most: u64, actual: u64) -> Message {
    Message::error(
        4000023,
        format!("There may be at most {most} of these; there are {actual}."),
    )
    .with("actual_items", actual)
    .with("max_items", most)
}

#[must_use]
pub fn min_items(least: u64, actual: u64) -> Message {
    Message::error(
        4000024,
        format!("There must be at least {least} of these; there are {actual}."),
    )
    .with("actual_items", actual)
    .with("min_items", least)
}

/// Positions count from 0.
#[must_use]
pub fn unique_items(a: u64, b: u64) -> Message {
    Message::error(
        4000025,
        format!("The entries {a} and {b} are the same; each may stand here once."),
    )
    .with("index_a", a)
    .with("index_b", b)
}

/// Names of JSON types.
#[must_use]
pub fn wrong_type(allowed: &[String], actual: &str) -> Message {
    Message::error(
        4000026,
        format!("This should be: {}. It is: {actual}.", either(allowed)),
    )
    .with("actual_type", actual)
    .with("allowed_types", allowed.to_vec())
}

/// What would help somebody whose account exists (flows.md §11.1). An empty hint: the identifier is kept back.
#[must_use]
pub fn duplicate_with_hints(
    credential_types: &[String],
    providers: &[String],
    hint: &str,
) -> Message {
    let mut text = if hint.is_empty() {
        "There is an account with this email, phone or user name already.".to_owned()
    } else {
        format!("There is an account for {hint} already.")
    };
    let mut ways: Vec<&str> = vec![];
    for kind in credential_types {
        let way = match kind.as_str() {
            "password" => "your password",
            "oidc" | "saml" => "an account elsewhere",
            "webauthn" => "your security key",
            "passkey" => "your passkey",
            "code" => "a code",
            _ => continue,
        };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    if !ways.is_empty() {
        text = format!("{text} You can sign in to it with {}.", either(&ways));
    }
    if !providers.is_empty() {
        text = format!("{text} It is connected with {}.", either(providers));
    }
    Message::error(4000028, text)
        .with("available_credential_types", credential_types.to_vec())
        .with("available_oidc_providers", providers.to_vec())
        .with("credential_identifier_hint", hint)
}

/// `expected` is the constant as JSON text.
#[must_use]
pub fn constant(expected: &str) -> Message {
    Message::error(4000029, format!("This has to be {expected}.")).with("expected", expected)
}

#[must_use]
pub fn password_short(least: usize, actual: usize) -> Message {
    Message::error(
        4000032,
        format!("A password needs {least} characters or more; this one has {actual}."),
    )
    .with("actual_length", actual)
    .with("min_length", least)
}

/// In bytes: the limit is that of bcrypt.
#[must_use]
pub fn password_long(most: usize, actual: usize) -> Message {
    Message::error(
        4000033,
        format!("A password may have {most} bytes at most; this one has {actual}."),
    )
    .with("actual_length", actual)
    .with("max_length", most)
}

#[must_use]
pub fn password_breached(breaches: i64) -> Message {
    let times = if breaches == 1 {
        "once".to_owned()
    } else {
        format!("{breaches} times")
    };
    Message::error(
        4000034,
        format!("This password was found in leaked data {times}. Please choose another one."),
    )
    .with("breaches", breaches)
}

#[must_use]
pub fn email(value: &str) -> Message {
    Message::error(
        4000040,
        "Please enter a whole email address, like ada@example.org.",
    )
    .with("value", value)
}

#[must_use]
pub fn phone(value: &str) -> Message {
    Message::error(
        4000041,
        "Please enter a whole phone number, like +441632960000.",
    )
    .with("value", value)
}

/// Something broke on our side: `reason` is the sentence.
#[must_use]
pub fn system(reason: &str) -> Message {
    Message::error(5000001, reason).with("reason", reason)
}
