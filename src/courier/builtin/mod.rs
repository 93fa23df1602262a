//! The texts that are there without anybody having to write some. The folders are those of an operator's own.

/// The template of that name in that folder.
pub(super) fn text(folder: &str, file: &str) -> Option<&'static str> {
    let found = ALL
        .iter()
        .find(|(f, name, _)| *f == folder && *name == file);
    found.map(|(_, _, text)| *text)
}

macro_rules! all {
    ($($folder:literal: $($file:literal),+;)+) => {
        const ALL: &[(&str, &str, &str)] = &[
            $($(($folder, concat!($file, ".gotmpl"), include_str!(concat!($folder, "/", $file, ".gotmpl"))),)+)+
        ];
    };
}

all! {
    "authenticator_key_added": "email.subject", "email.body.plaintext", "email.body", "sms.body";
    "login_code/valid": "email.subject", "email.body.plaintext", "email.body", "sms.body";
    "recovery/invalid": "email.subject", "email.body.plaintext", "email.body";
    "recovery/valid": "email.subject", "email.body.plaintext", "email.body";
    "recovery_code/invalid": "email.subject", "email.body.plaintext", "email.body";
    "recovery_code/valid": "email.subject", "email.body.plaintext", "email.body", "sms.body";
    "registration_code/valid": "email.subject", "email.body.plaintext", "email.body", "sms.body";
    "verifiable_address_changed": "email.subject", "email.body.plaintext", "email.body", "sms.body";
    "verification/invalid": "email.subject", "email.body.plaintext", "email.body";
    "verification/valid": "email.subject", "email.body.plaintext", "email.body";
    "verification_code/invalid": "email.subject", "email.body.plaintext", "email.body";
    "verification_code/valid": "email.subject", "email.body.plaintext", "email.body", "sms.body";
}
