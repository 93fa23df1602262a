//! Ways out: which one a message takes (courier.md §2), and why one did not get through.
pub(super) mod http;
pub mod smtp;

use crate::base::terms::Via;
use crate::config::Config;
use crate::config::courier::{ChannelType, DeliveryStrategy, Smtp};
use crate::config::request::RequestConfig;
use crate::model::message::CourierMessage;
use data_encoding::BASE64;
use serde_json::{Value, json};

/// A way out, as configured.
#[derive(Clone, Copy, Debug)]
pub enum Channel<'c> {
    Smtp(&'c Smtp),
    Http(&'c RequestConfig, Bodies),
    /// In development, where nothing else is configured: the message stays where it is, to be read there.
    Mailbox,
}

/// What holds where a request has neither method nor body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// `courier.http`: POST, and a body of ours.
    BuiltIn,
    /// `courier.channels`: GET, and no message gets through (config-cli.md §1.6).
    Own,
}

impl<'c> Channel<'c> {
    /// The first entry of `courier.channels` of that name; for mail, `courier.delivery_strategy` behind them.
    pub fn of(config: &'c Config, message: &CourierMessage) -> Result<Self, Trouble> {
        let courier = &config.courier;
        // Rows of old versions name none.
        let name = message.channel.as_deref().unwrap_or(message.via.word());
        if let Some(channel) = courier.channels.iter().find(|channel| channel.id == name) {
            return Ok(match channel.r#type {
                ChannelType::Http => Self::Http(&channel.request_config, Bodies::Own),
            });
        }
        if name == Via::Email.word() {
            return Ok(match courier.delivery_strategy {
                DeliveryStrategy::Http => Self::Http(&courier.http.request_config, Bodies::BuiltIn),
                DeliveryStrategy::Smtp if is_mailbox(config) => Self::Mailbox,
                DeliveryStrategy::Smtp => Self::Smtp(&courier.smtp),
            });
        }
        if config.dev {
            return Ok(Self::Mailbox);
        }
        let text = format!("no entry of courier.channels has the id {name}");
        Err(Trouble::passing(text))
    }
}

/// Mail goes nowhere and is shown to the developer instead.
#[must_use]
pub fn is_mailbox(config: &Config) -> bool {
    let courier = &config.courier;
    config.dev
        && courier.delivery_strategy == DeliveryStrategy::Smtp
        && courier
            .smtp
            .connection_uri
            .as_ref()
            .is_none_or(|uri| uri.expose().is_empty())
}

/// A text of somebody else's, to be logged and kept, without secrets that it repeats; their beginnings, too.
fn hushed(text: &str, secrets: &[String]) -> String {
    /// A beginning that is shorter may be there by chance.
    const SHORTEST: usize = 8;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let common = |secret: &String| {
            let same = rest.bytes().zip(secret.bytes());
            let length = same.take_while(|(a, b)| a == b).count();
            let is_told = length == secret.len() || length >= SHORTEST;
            if is_told { length } else { 0 }
        };
        let told = secrets.iter().map(common).max().unwrap_or(0);
        if told == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.push_str("[…]");
            rest = &rest[rest.ceil_char_boundary(told)..];
        }
    }
    out
}

/// The forms in which a password travels (RFC 4616, RFC 7617), for [`hushed`].
fn forms(user: &str, password: &str) -> Vec<String> {
    let base64 = |text: &str| {
        let text = BASE64.encode(text.as_bytes());
        text.trim_end_matches('=').to_owned()
    };
    if password.is_empty() {
        return vec![];
    }
    vec![
        password.to_owned(),
        base64(password),
        base64(&format!("\0{user}\0{password}")),
        base64(&format!("{user}:{password}")),
    ]
}

/// Why a message was not delivered: kept with it for administrators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    pub message: String,
    pub reason: Option<&'static str>,
    /// Trying again cannot help.
    pub is_final: bool,
}

impl Trouble {
    #[must_use]
    pub fn passing(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            reason: None,
            is_final: false,
        }
    }

    /// The error object of a `courier_message_dispatches`.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut error = json!({
            "code": 500, "message": self.message, "status": "Internal Server Error",
        });
        if let (Some(reason), Value::Object(error)) = (self.reason, &mut error) {
            error.insert("reason".into(), reason.into());
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_a_password_is_hushed() {
        let forms = forms("user", "Sécret word 1");
        let hushed = |text: &str| hushed(text, &forms);
        assert_eq!(hushed("535 no Sécret word 1, no"), "535 no […], no");
        assert_eq!(hushed("500 what: Sécret wo"), "500 what: […]");
        assert_eq!(hushed("a Sécr b"), "a Sécr b");
        for form in &forms {
            let answer = format!("502 unknown command AUTH PLAIN {form}== é");
            let told = hushed(&answer);
            assert_eq!(told, "502 unknown command AUTH PLAIN […]== é");
        }
        assert_eq!(super::hushed("250 ok", &super::forms("user", "")), "250 ok");
        assert_eq!(super::hushed("b a", &super::forms("u", "a")), "b […]");
    }
}
