//! Labels of fields and buttons that belong to no single flow: 1070xxx.
use super::Message;

fixed! {
    password: 1070001 info "Password";
    save: 1070003 info "Save";
    identifier: 1070004 info "Email or user name";
    /// Never sent; UIs know the id.
    submit: 1070005 info "Send";
    verify_totp: 1070006 info "Code that the app shows";
    email: 1070007 info "Email";
    resend_code: 1070008 info "Send another code";
    go_on: 1070009 info "Continue";
    recovery_code: 1070010 info "Code to get back in";
    verification_code: 1070011 info "Code from the message";
    registration_code: 1070012 info "Code to register";
    login_code: 1070013 info "Code to sign in";
    /// Never sent; UIs know the id.
    login_and_link: 1070014 info "Sign in and connect";
    captcha: 1070015 info "Show that you are no robot";
    recovery_address: 1070016 info "Address of your account";
    phone: 1070017 info "Phone";
    email_or_phone: 1070018 info "Email or phone";
}

/// A label that is data, such as a masked address.
#[must_use]
pub fn raw(text: &str) -> Message {
    Message::info(1070000, text)
}

/// The label of a field of the identity schema. `name` is the node's, like `traits.email`.
#[must_use]
pub fn trait_label(title: &str, name: &str) -> Message {
    Message::info(1070002, title)
        .with("name", name)
        .with("title", title)
}
