//! Puts a letter into words: subject and text when it is queued, HTML when it is sent (courier.md §1.1).
//!
//! Templates run on threads of their own kind, within bounds; what goes wrong is told without the code or the link that
//! the message carries.
use super::kinds::{Part, Place, has_headers, has_sms};
use super::letter::Letter;
use super::library::{Library, LoadError};
use super::model::Model;
use super::sprig::Env;
use crate::base::id::MessageId;
use crate::base::random::{self, Random};
use crate::base::terms::{TemplateType, Via};
use crate::base::time::micros;
use crate::config::Config;
use crate::model::email;
use crate::model::message::{CourierMessage, MessageStatus};
use crate::resource::Resources;
use gotmpl::Value as Data;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// Why a letter could not be put into words. Never holds a code or a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    #[error("the recipient is no email address")]
    Recipient,
    #[error("there is no text message of the kind {0}")]
    NoSuchText(TemplateType),
    /// The file of the template, and what is wrong with it.
    #[error("the template {template}: {reason}")]
    Template { template: String, reason: String },
}

/// Knows all templates. One per process.
pub struct Composer {
    pub(super) library: Library,
}

impl std::fmt::Debug for Composer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composer").finish_non_exhaustive()
    }
}

impl Composer {
    #[must_use]
    pub fn new(resources: Resources) -> Self {
        Self {
            library: Library::new(resources),
        }
    }

    /// The message as it is to be queued: subject and text are fixed, the data for the HTML goes with it.
    ///
    /// # Errors
    /// Nobody can be written to at that address, or a template cannot be had or run.
    pub async fn compose(
        &self,
        config: &Config,
        letter: &Letter<'_>,
        dice: &dyn Random,
        now: OffsetDateTime,
    ) -> Result<CourierMessage, ComposeError> {
        let model = Model::of(letter);
        let json = model.json();
        let data = model.data(&json);
        let run = async |part: Part| {
            let env = Env::new(now, random::bytes(dice));
            let text = self.run(config, letter.template, part, data.clone(), env);
            text.await.map_err(|error| error.without(letter))
        };
        let (subject, body) = match letter.via {
            Via::Email if email::address(letter.to).is_none() && !email::is_loose(letter.to) => {
                return Err(ComposeError::Recipient);
            }
            Via::Email => {
                let subject = run(Part::Subject).await?;
                (subject.trim().to_owned(), run(Part::Plaintext).await?)
            }
            Via::Sms if !has_sms(letter.template) => {
                return Err(ComposeError::NoSuchText(letter.template));
            }
            Via::Sms => (String::new(), run(Part::Sms).await?),
        };
        let now = micros(now);
        Ok(CourierMessage {
            id: MessageId::random(dice),
            via: letter.via,
            status: MessageStatus::Queued,
            channel: Some(letter.via.word().to_owned()),
            recipient: letter.to.to_owned(),
            subject,
            body,
            template_type: letter.template.word().to_owned(),
            template_data: Some(json.into_bytes()),
            request_headers: Some(headers(letter)),
            send_count: 0,
            created_at: now,
            updated_at: now,
        })
    }

    /// The HTML of a mail, from the data that was kept with it. Nothing, with a warning, if that cannot be made: the
    /// mail goes out as plain text then.
    pub async fn html(
        &self,
        config: &Config,
        message: &CourierMessage,
        now: OffsetDateTime,
    ) -> Option<String> {
        let template = TemplateType::from_word(&message.template_type)?;
        if message.via != Via::Email {
            return None;
        }
        let data = message.template_data.as_deref().unwrap_or(b"null");
        let Some(model) = Model::parse(template, message.via, data) else {
            tracing::warn!(
                message_id = message.id.to_string(),
                "the data of a mail cannot be read: it goes out as plain text"
            );
            return None;
        };
        // The same message says the same each time that it is tried.
        let seed = Sha256::digest(message.id.to_string().as_bytes()).into();
        let env = Env::new(now, seed);
        let json = model.json();
        let html = self.run(config, template, Part::Html, model.data(&json), env);
        match html.await {
            Ok(html) => Some(html),
            Err(error) => {
                let error = error.without_secrets_of(&json);
                tracing::warn!(
                    message_id = message.id.to_string(),
                    error = error.to_string(),
                    "the HTML of a mail cannot be made: it goes out as plain text"
                );
                None
            }
        }
    }

    async fn run(
        &self,
        config: &Config,
        template: TemplateType,
        part: Part,
        data: Data,
        env: Env,
    ) -> Result<String, ComposeError> {
        let place = Place { template, part };
        let failed = |reason: String| {
            let (folder, file) = place.path();
            let template = format!("{folder}/{file}");
            ComposeError::Template { template, reason }
        };
        let parsed = self.library.get(config, place, env.now).await;
        let parsed = parsed.map_err(|error: LoadError| failed(error.to_string()))?;
        // Our own are known to be done in no time.
        if parsed.is_built_in() {
            return parsed.run(&data, env).map_err(failed);
        }
        let run = tokio::task::spawn_blocking(move || parsed.run(&data, env));
        run.await
            .map_err(|_| failed("it cannot be run".to_owned()))?
            .map_err(failed)
    }
}

impl ComposeError {
    /// Blanks out what a template may have put into its complaint.
    fn without(self, letter: &Letter<'_>) -> Self {
        [letter.code, letter.url]
            .into_iter()
            .flatten()
            .filter(|secret| !secret.is_empty())
            .fold(self, Self::blank)
    }

    /// The same for what was read from a row.
    fn without_secrets_of(self, json: &str) -> Self {
        let data: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
        data.iter()
            .filter(|(key, _)| key.ends_with("_code") || key.ends_with("_url"))
            .filter_map(|(_, value)| value.as_str())
            .filter(|secret| !secret.is_empty())
            .fold(self, ComposeError::blank)
    }

    fn blank(self, secret: &str) -> Self {
        match self {
            Self::Template { template, reason } => Self::Template {
                template,
                reason: reason.replace(secret, "…"),
            },
            other => other,
        }
    }
}

/// What the row keeps of the visitor's headers: `{}` where templates see none, `null` where they do and there are none.
fn headers(letter: &Letter<'_>) -> Value {
    if !has_headers(letter.template, letter.via) {
        return Value::Object(Map::new());
    }
    letter.request_headers.clone().unwrap_or(Value::Null)
}
