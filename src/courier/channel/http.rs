//! Delivery by HTTP: a Jsonnet of the operator's makes a body of the message, and a server of theirs takes it on
//! (courier.md §2.2).
use super::{Bodies, Trouble, forms, hushed};
use crate::base::terms::Via;
use crate::config::Config;
use crate::config::request::{Auth, RequestConfig};
use crate::courier::worker::Office;
use crate::model::message::CourierMessage;
use crate::outbound::call::{BRIEF, Call, CallError};
use crate::outbound::{Method, Policy, Request};
use crate::resource::snippet;
use serde_json::{Map, Value, json};

/// The request for one message, ready to be sent.
///
/// # Errors
/// All of it may be better next time: the Jsonnet, too, may be another one by then.
pub(in crate::courier) async fn prepare(
    office: &dyn Office,
    config: &Config,
    (request, bodies): (&RequestConfig, Bodies),
    message: &CourierMessage,
    html: Option<&str>,
) -> Result<Request, Trouble> {
    let bad = |error: CallError| Trouble::passing(format!("the request cannot be made: {error}"));
    let call = Call::new(request, bodies.usual_method()).map_err(bad)?;
    let policy = Policy::from(&config.clients.http);
    let body = if call.has_body() {
        Some(body(office, &policy, (request, bodies), message, html).await?)
    } else {
        None
    };
    call.request(body, BRIEF).map_err(bad)
}

/// Hands it to the gateway.
///
/// # Errors
/// The gateway did not say that it has it, or could not be asked.
pub(in crate::courier) async fn send(
    office: &dyn Office,
    config: &Config,
    (request, described): (&Request, &RequestConfig),
    message: &CourierMessage,
) -> Result<(), Trouble> {
    let policy = Policy::from(&config.clients.http);
    let answer = office.outbound().send_once(&policy, request).await;
    let answer = answer
        .map_err(|error| Trouble::passing(format!("the gateway cannot be asked: {error}")))?;
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return Ok(());
    }
    let message_id = message.id.to_string();
    tracing::warn!(
        message_id,
        status,
        http_response_body = hushed(&answer.text(), &secrets(described)),
        "the gateway did not take a message"
    );
    let text = format!("the gateway answered with status {status}");
    Err(Trouble::passing(text))
}

/// What a gateway is not to repeat in our log.
fn secrets(request: &RequestConfig) -> Vec<String> {
    match &request.auth {
        Some(Auth::BasicAuth(basic)) => forms(&basic.user, basic.password.expose()),
        Some(Auth::ApiKey(key)) => forms("", key.value.expose()),
        None => vec![],
    }
}

async fn body(
    office: &dyn Office,
    policy: &Policy,
    (request, bodies): (&RequestConfig, Bodies),
    message: &CourierMessage,
    html: Option<&str>,
) -> Result<String, Trouble> {
    let uri = request.body.as_deref().filter(|uri| !uri.is_empty());
    let Some(uri) = uri else {
        return match bodies {
            Bodies::BuiltIn => Ok(built_in(message).to_string()),
            Bodies::Own => Err(Trouble::passing("the channel has no request_config.body")),
        };
    };
    let parts = (office.resources(), office.jsonnet());
    let context = context(message, html);
    let made = snippet::body(parts, policy, uri, &context, office.clock().now()).await;
    made.map_err(|error| Trouble::passing(error.to_string()))
}

fn data(message: &CourierMessage) -> Value {
    let data = message.template_data.as_deref().unwrap_or(b"null");
    serde_json::from_slice(data).unwrap_or_default()
}

/// What the Jsonnet is given as `ctx`.
fn context(message: &CourierMessage, html: Option<&str>) -> Value {
    let mut context = Map::new();
    let mut put = |name: &str, value: Value| context.insert(name.to_owned(), value);
    put("recipient", message.recipient.as_str().into());
    put("subject", message.subject.as_str().into());
    put("body", message.body.as_str().into());
    if let Some(html) = html.filter(|html| !html.is_empty() && message.via == Via::Email) {
        put("html_body", html.into());
    }
    put("template_type", message.template_type.as_str().into());
    put("template_data", data(message));
    put("message_type", message.via.word().into());
    let headers = message.request_headers.clone();
    put("request_headers", headers.unwrap_or_default());
    Value::Object(context)
}

/// What a gateway for mails gets where nobody has said what it should.
fn built_in(message: &CourierMessage) -> Value {
    let data = data(message);
    let field = |name: &str| data.get(name).cloned().unwrap_or_default();
    json!({
        "recipient": message.recipient,
        "template_type": message.template_type,
        "to": field("to"),
        "recovery_code": field("recovery_code"),
        "recovery_url": field("recovery_url"),
        "verification_url": field("verification_url"),
        "verification_code": field("verification_code"),
        "subject": message.subject,
        "body": message.body,
    })
}

impl Bodies {
    /// What is sent where no method is configured.
    pub(in crate::courier) fn usual_method(self) -> Method {
        match self {
            Self::BuiltIn => Method::POST,
            Self::Own => Method::GET,
        }
    }
}
