//! The annotation `ory.sh/kratos`: what a trait is good for.
use crate::base::terms::Via;
use serde_json::{Map, Value};

/// The keyword.
pub const EXTENSION: &str = "ory.sh/kratos";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a mark of its own in the schema"
)]
pub struct Extension {
    pub password_identifier: bool,
    pub webauthn_identifier: bool,
    pub passkey_display_name: bool,
    pub totp_account_name: bool,
    pub code_identifier: bool,
    /// Where codes go. Needed with `code_identifier`, which is checked when a value is there.
    pub code_via: Option<Via>,
    pub verification: Option<Via>,
    pub recovery: Option<Via>,
    /// What `format` says beside the annotation.
    pub format: String,
}

impl Extension {
    /// Reads the annotation; unknown words in it are errors, so that a typing mistake does not pass.
    pub(crate) fn read(value: &Value) -> Result<Self, String> {
        let map = object(value, "")?;
        let mut out = Self::default();
        for (key, value) in map {
            match key.as_str() {
                "credentials" => out.read_credentials(value)?,
                "verification" => out.verification = via_only(value, key)?,
                "recovery" => out.recovery = via_only(value, key)?,
                "organizations" => {
                    for (word, value) in object(value, key)? {
                        if word != "matcher" || value != "email_domain" {
                            return Err(format!("organizations/{word} is not known"));
                        }
                    }
                }
                other => return Err(format!("{other} is not known")),
            }
        }
        Ok(out)
    }

    fn read_credentials(&mut self, value: &Value) -> Result<(), String> {
        for (method, value) in object(value, "credentials")? {
            for (word, value) in object(value, method)? {
                let (mark, known) = match (method.as_str(), word.as_str()) {
                    ("password", "identifier") => (Some(&mut self.password_identifier), true),
                    ("webauthn", "identifier") => (Some(&mut self.webauthn_identifier), true),
                    ("passkey", "display_name") => (Some(&mut self.passkey_display_name), true),
                    ("totp", "account_name") => (Some(&mut self.totp_account_name), true),
                    ("code", "identifier") => (Some(&mut self.code_identifier), true),
                    ("code", "via") => (None, true),
                    _ => (None, false),
                };
                match (mark, value) {
                    (Some(mark), Value::Bool(set)) => *mark = *set,
                    (None, value) if known => self.code_via = Some(via(value, "code/via")?),
                    (Some(_), _) => {
                        return Err(format!("credentials/{method}/{word} is not true or false"));
                    }
                    (None, _) => return Err(format!("credentials/{method}/{word} is not known")),
                }
            }
            if !["password", "webauthn", "passkey", "totp", "code"].contains(&method.as_str()) {
                return Err(format!("credentials/{method} is not known"));
            }
        }
        Ok(())
    }

    /// Is the trait a name that somebody signs in with, or is known by at a second factor?
    #[must_use]
    pub fn names_somebody(&self) -> bool {
        self.password_identifier
            || self.webauthn_identifier
            || self.passkey_display_name
            || self.totp_account_name
            || self.code_identifier
    }
    /// Is the trait a telephone number that messages are sent to?
    #[must_use]
    pub fn is_phone(&self) -> bool {
        (self.code_identifier && self.code_via == Some(Via::Sms))
            || self.recovery == Some(Via::Sms)
            || self.verification == Some(Via::Sms)
    }
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, String> {
    value
        .as_object()
        .ok_or_else(|| format!("{place} is no object"))
}

fn via(value: &Value, place: &str) -> Result<Via, String> {
    value
        .as_str()
        .and_then(Via::from_word)
        .ok_or_else(|| format!("{place} is neither email nor sms"))
}

fn via_only(value: &Value, place: &str) -> Result<Option<Via>, String> {
    let mut out = None;
    for (word, value) in object(value, place)? {
        if word != "via" {
            return Err(format!("{place}/{word} is not known"));
        }
        out = Some(via(value, place)?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_a_trait_is_good_for() {
        let extension = Extension::read(&json!({
            "credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "sms"}},
            "verification": {"via": "sms"},
            "recovery": {"via": "email"},
        }))
        .unwrap();
        assert!(extension.password_identifier && extension.code_identifier && extension.is_phone());
        assert_eq!(extension.recovery, Some(Via::Email));
    }

    #[test]
    fn typing_mistakes_do_not_pass() {
        for wrong in [
            json!({"credential": {}}),
            json!({"credentials": {"password": {"identifer": true}}}),
            json!({"credentials": {"pasword": {}}}),
            json!({"credentials": {"password": {"identifier": "true"}}}),
            json!({"verification": {"via": "pigeon"}}),
            json!({"verification": "email"}),
        ] {
            assert!(Extension::read(&wrong).is_err(), "{wrong}");
        }
    }
}
