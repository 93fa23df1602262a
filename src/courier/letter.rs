//! What a flow wants to tell somebody, before it is put into words.
use crate::base::terms::{TemplateType, Via};
use serde_json::Value;
use time::OffsetDateTime;

/// The data of a template (courier.md §5). Each type takes the fields it knows; which those are, in which order and under
/// which names, is the business of the composer.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    pub template: TemplateType,
    pub via: Via,
    pub to: &'a str,
    /// The address that began the flow.
    pub request_url: &'a str,
    /// The object from the form, `{}` if there was none; `null` for notices.
    pub transient_payload: Value,
    /// Headers of the visitor that are on the list of `clients.web_hook.header_allowlist`: an object of lists.
    pub request_headers: Option<Value>,
    /// As in the public API.
    pub identity: Option<Value>,
    /// Of somebody who has no account yet.
    pub traits: Option<Value>,
    pub code: Option<&'a str>,
    pub url: Option<&'a str>,
    /// How long code and link are good for, by configuration.
    pub expires_in_minutes: i64,
    /// When a notice's event took place.
    pub at: Option<OffsetDateTime>,
    /// `{challenge, client}`.
    pub oauth2_login_request: Option<Value>,
}

impl<'a> Letter<'a> {
    /// With nothing but where it goes.
    #[must_use]
    pub fn new(template: TemplateType, via: Via, to: &'a str, request_url: &'a str) -> Self {
        Self {
            template,
            via,
            to,
            request_url,
            transient_payload: Value::Null,
            request_headers: None,
            identity: None,
            traits: None,
            code: None,
            url: None,
            expires_in_minutes: 0,
            at: None,
            oauth2_login_request: None,
        }
    }
}
