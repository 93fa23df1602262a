//! Ways out: which one a message takes (courier.md §2), and why one did not get through.
pub(super) mod http;
pub mod smtp;

use crate::base::terms::Via;
use crate::config::Config;
use crate::config::courier::{ChannelType, DeliveryStrategy, Smtp};
use crate::config::request::RequestConfig;
use crate::model::message::CourierMessage;
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
