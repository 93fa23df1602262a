//! Why a step did not succeed. A wrong password is data; only the unforeseen is `Broken`.
use crate::base::id::IdentityId;
use crate::base::time::rfc3339;
use crate::courier::ComposeError;
use crate::crypto::hash::HashError;
use crate::crypto::hash::pool::PoolError;
use crate::schema::{SchemaError, Violation};
use crate::store;
use crate::text::{self, Message};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use time::OffsetDateTime;

#[derive(Debug)]
pub enum Fault {
    /// Show it on the form. Without a field: on the form as a whole.
    Form(Vec<(Option<String>, Message)>),
    /// An error of the catalogue. Status 400 becomes a message on the flow, if there is one.
    Refused(Box<Refusal>),
    /// Settings: a fresh proof of who it is comes first. The engine puts the submission aside.
    Reauthenticate,
    /// The unforeseen: logged in full, shown as an internal error.
    Broken(anyhow::Error),
}

/// An error that a client is told (http-api.md §3).
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    /// The status of the answer, where it is another than that of the error.
    pub answered_with: Option<u16>,
    pub id: Option<&'static str>,
    /// The fixed sentence of its class; `None`: by status.
    pub message: Option<Cow<'static, str>>,
    /// What is the matter this time.
    pub reason: String,
    pub details: Map<String, Value>,
    /// Keys beside `error` (http-api.md §3.2).
    pub beside: Map<String, Value>,
    pub html: Html,
    /// Seconds after which it may be worth trying again: the header `Retry-After`.
    pub retry_after: Option<u32>,
}

/// Where a refused browser goes: the error page, unless there is a better place.
#[derive(Debug, PartialEq, Eq)]
pub enum Html {
    ErrorPage,
    To(u16, String),
}

impl Fault {
    #[must_use]
    pub fn form(message: Message) -> Self {
        Self::Form(vec![(None, message)])
    }
    #[must_use]
    pub fn field(name: &str, message: Message) -> Self {
        Self::Form(vec![(Some(name.to_owned()), message)])
    }
    /// A 400 that becomes message 4000001 on the form.
    #[must_use]
    pub fn bad(reason: &str) -> Self {
        Self::form(text::validation::generic(reason))
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Conflict(_) => Refusal::conflict().into(),
            // Somebody has deleted what this was about.
            store::Error::Missing(_) | store::Error::Dangling => Refusal::no_row().into(),
            store::Error::Stale => Self::bad(
                "This account was changed by somebody else at the same moment. Please try again.",
            ),
            store::Error::Refused(reason) => {
                Refusal::bad(format!("This cannot be stored: {reason}.")).into()
            }
            store::Error::Unavailable(_) | store::Error::Contended => {
                tracing::error!(
                    error = format!("{:#}", anyhow::Error::from(error)),
                    "the database cannot be asked"
                );
                Refusal::busy("The database cannot be reached right now.").into()
            }
            other => Self::Broken(other.into()),
        }
    }
}

impl From<Vec<Violation>> for Fault {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Form(
            violations
                .into_iter()
                .map(|v| (Some(v.field), v.message))
                .collect(),
        )
    }
}

impl From<SchemaError> for Fault {
    fn from(error: SchemaError) -> Self {
        Refusal::misconfigured(error.to_string()).into()
    }
}

impl From<ComposeError> for Fault {
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::Recipient => Self::bad("Nothing can be sent to this address."),
            other => Self::Broken(other.into()),
        }
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Busy => {
                Refusal::busy("Too many passwords are being checked right now.").into()
            }
            PoolError::Hash(error @ HashError::PasswordTooLong { .. }) => {
                Refusal::bad(format!("The password cannot be used: {error}.")).into()
            }
            other => Self::Broken(other.into()),
        }
    }
}

impl Refusal {
    #[must_use]
    pub fn new(status: u16, id: Option<&'static str>, reason: impl Into<String>) -> Self {
        Self {
            status,
            answered_with: None,
            id,
            message: None,
            reason: reason.into(),
            details: Map::new(),
            beside: Map::new(),
            html: Html::ErrorPage,
            retry_after: None,
        }
    }
    #[must_use]
    pub fn html_to(self, status: u16, url: String) -> Self {
        Self {
            html: Html::To(status, url),
            ..self
        }
    }
    #[must_use]
    pub fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }
    #[must_use]
    pub fn beside(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.beside.insert(key.to_owned(), value.into());
        self
    }
    fn saying(self, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: Some(message.into()),
            ..self
        }
    }
    /// A request that was not understood at all: the sentence stands in `message`, and there is no `reason`.
    #[must_use]
    pub fn unreadable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, None, "").saying(message)
    }

    #[must_use]
    pub fn bad(reason: impl Into<String>) -> Self {
        Self::new(400, None, reason)
    }
    #[must_use]
    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Self::new(401, None, reason)
    }
    #[must_use]
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::new(403, None, reason)
    }
    #[must_use]
    pub fn not_found(reason: impl Into<String>) -> Self {
        Self::new(404, None, reason)
    }
    /// A row that is not there.
    #[must_use]
    pub fn no_row() -> Self {
        Self::new(404, None, "").saying("There is nothing by that id")
    }
    #[must_use]
    pub fn conflict() -> Self {
        Self::new(409, None, "").saying("Something with this value exists already")
    }
    /// The work queue is full, or the database is away: worth trying again.
    #[must_use]
    pub fn busy(reason: impl Into<String>) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(503, None, reason)
        }
    }
    #[must_use]
    pub fn upstream(reason: impl Into<String>) -> Self {
        Self::new(502, Some("upstream_error"), reason)
    }
    #[must_use]
    pub fn misconfigured(reason: impl Into<String>) -> Self {
        Self::new(500, Some("invalid_configuration"), reason)
    }
    #[must_use]
    pub fn method_off() -> Self {
        Self::not_found("This way of proving who you are is switched off here.")
    }
    #[must_use]
    pub fn flow_off() -> Self {
        Self::new(
            400,
            Some("self_service_flow_disabled"),
            "Signing up is switched off here.",
        )
    }
    #[must_use]
    pub fn return_to_forbidden(url: &str) -> Self {
        Self::new(
            400,
            Some("self_service_flow_return_to_forbidden"),
            format!("The return address {url:?} is not among those that are allowed."),
        )
    }
    /// `docs`, `hint` and `reject_reason` as http-api.md §4.4 lists them.
    #[must_use]
    pub fn csrf(reject_reason: Option<&str>, hint: &str) -> Self {
        let refusal = Self::new(
            403,
            Some("security_csrf_violation"),
            "The request carries no anti-forgery token that fits.",
        )
        .saying("The request was refused because another website may have forged it")
        .detail("docs", "https://www.ory.sh/kratos/docs/debug/csrf")
        .detail("hint", hint);
        match reject_reason {
            Some(reason) => refusal.detail("reject_reason", reason),
            None => refusal,
        }
    }
    #[must_use]
    pub fn session_inactive() -> Self {
        Self::new(401, Some("session_inactive"), "Nobody is signed in.")
            .saying("The request has no valid session")
    }
    #[must_use]
    pub fn aal1_required() -> Self {
        Self::new(
            401,
            Some("session_aal1_required"),
            "A second factor can be asked for only after the first.",
        )
    }
    #[must_use]
    pub fn aal2_required(step_up: String) -> Self {
        Self::new(
            403,
            Some("session_aal2_required"),
            "This session has to be confirmed by a second factor.",
        )
        .detail("redirect_browser_to", step_up.as_str())
        .beside("redirect_browser_to", step_up.as_str())
        .html_to(303, step_up)
    }
    /// Settings: who it is has to be proven once more, there.
    #[must_use]
    pub fn refresh_required(login: &str) -> Self {
        Self::new(
            403,
            Some("session_refresh_required"),
            "For this change you have to sign in again.",
        )
        .beside("redirect_browser_to", login)
        .html_to(303, login.to_owned())
    }
    #[must_use]
    pub fn of_somebody_else() -> Self {
        Self::new(
            403,
            Some("security_identity_mismatch"),
            "This form was begun by somebody else.",
        )
    }
    #[must_use]
    pub fn already_signed_in() -> Self {
        Self::new(
            400,
            Some("session_already_available"),
            "Somebody is signed in already.",
        )
    }
    #[must_use]
    pub fn address_not_verified() -> Self {
        Self {
            answered_with: Some(403),
            ..Self::new(
                400,
                Some("session_verified_address_required"),
                "An address of this account has to be verified first.",
            )
        }
    }
    #[must_use]
    pub fn identity_disabled(identity: IdentityId) -> Self {
        Self::new(
            400,
            Some("identity_disabled"),
            "This account is switched off.",
        )
        .detail("identity_id", identity.to_string())
    }
    #[must_use]
    pub fn location_change(url: &str) -> Self {
        Self::new(
            422,
            Some("browser_location_change_required"),
            "The browser has to go on elsewhere.",
        )
        .saying("The browser has to go to another address")
        .beside("redirect_browser_to", url)
    }
    /// On submit: another flow takes its place.
    #[must_use]
    pub fn flow_expired(expired_at: OffsetDateTime, now: OffsetDateTime, use_flow: &str) -> Self {
        let since = i64::try_from((now - expired_at).whole_nanoseconds()).unwrap_or(i64::MAX);
        Self::new(
            410,
            Some("self_service_flow_expired"),
            "The time to fill in this form is over.",
        )
        .saying("This form is too old")
        .beside("expired_at", rfc3339(expired_at))
        .beside("since", since)
        .beside("use_flow_id", use_flow)
    }
    /// On submit: the flow was used up, and another takes its place.
    #[must_use]
    pub fn flow_replaced(use_flow: &str) -> Self {
        Self::new(
            410,
            Some("self_service_flow_replaced"),
            "This form cannot be used any more. Please go on with the new one.",
        )
        .beside("use_flow_id", use_flow)
    }
    /// On reading the flow: where a new one is to be had.
    #[must_use]
    pub fn flow_gone(id: Option<&'static str>, details: Value) -> Self {
        let details = if let Value::Object(details) = details {
            details
        } else {
            Map::new()
        };
        Self {
            details,
            ..Self::new(410, id, "The time to fill in this form is over.")
        }
    }

    /// The same as a message on a form.
    #[must_use]
    pub fn said(&self) -> Message {
        if self.id == Some("identity_disabled") {
            text::login::disabled_account()
        } else {
            text::validation::generic(&self.reason)
        }
    }

    /// The envelope of http-api.md §3.1, with the keys beside it.
    #[must_use]
    pub fn json(&self, request_id: &str) -> Value {
        let mut error = Map::new();
        if let Some(id) = self.id {
            error.insert("id".into(), id.into());
        }
        error.insert("code".into(), self.status.into());
        error.insert("status".into(), phrase(self.status).into());
        if !request_id.is_empty() {
            error.insert("request".into(), request_id.into());
        }
        if !self.reason.is_empty() {
            error.insert("reason".into(), self.reason.as_str().into());
        }
        if !self.details.is_empty() {
            error.insert("details".into(), self.details.clone().into());
        }
        error.insert(
            "message".into(),
            self.message
                .as_deref()
                .unwrap_or_else(|| class(self.status))
                .into(),
        );
        let mut body = json!({ "error": error });
        if let Value::Object(body) = &mut body {
            body.extend(self.beside.clone());
        }
        body
    }
}

fn class(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be understood or holds something that is not allowed",
        401 => "The request does not say who it comes from",
        403 => "This is not allowed",
        404 => "There is nothing here",
        408 => "The request took too long to arrive",
        409 => "Something of the kind exists already",
        410 => "This is no longer available",
        413 => "The request is too large",
        422 => "The request cannot be answered as it is",
        502 => "Another server did not answer as it should",
        503 => "The server is busy",
        _ => "Something went wrong inside the server",
    }
}

/// The standard reason phrase.
fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Request Entity Too Large",
        422 => "Unprocessable Entity",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}
