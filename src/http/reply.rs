//! The one place where results of flows become HTTP: status, headers, JSON. What differs by client stands here
//! side by side (http-api.md §8, flows.md §1.9).
use super::{cookies, error, respond};
use crate::base::id::ErrorId;
use crate::base::terms::{Channel, FlowKind};
use crate::base::time::micros;
use crate::base::url::with;
use crate::flow::fault::Html;
use crate::flow::{Answer, Cx, Refusal, Registered, Reply, Shown, SignedIn, Why};
use crate::model::flow::{AnyFlow, ContinueWith};
use crate::model::identity::Identity;
use crate::model::session::Session;
use crate::store::StoredError;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Map, Value, json};

/// Three kinds of client: what the flow was begun for counts first, then what the request wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Html,
    Spa,
    Native,
}

/// `by_accept`: endpoints that begin a flow look at `Accept` alone, others at the type of the body, too.
pub async fn render(cx: &Cx, method: &Method, by_accept: bool, reply: Reply) -> Response {
    let (kind, channel) = reply.of;
    let json = if by_accept {
        cx.request.accepts_json
    } else {
        cx.request.is_json
    };
    let client = match channel {
        // The next screen of a form is shown by what was asked for, also to apps.
        Channel::Api if !json && matches!(reply.answer, Answer::Flow(_, Shown::Unfinished)) => {
            Client::Html
        }
        Channel::Api => Client::Native,
        Channel::Browser if json => Client::Spa,
        Channel::Browser => Client::Html,
    };
    let mut response = answer(cx, method, reply.answer, client, kind).await;
    cookies::write(cx, &reply.cookies, response.headers_mut());
    response
}

async fn answer(
    cx: &Cx,
    method: &Method,
    answer: Answer,
    client: Client,
    kind: FlowKind,
) -> Response {
    let html = client == Client::Html;
    // Whoever sends JSON reads errors as JSON, also where forms are shown by `Accept` alone.
    let error_page = html && !cx.request.is_json;
    match answer {
        Answer::Flow(flow, Shown::ByAccept) if !cx.request.is_browser => respond::json(200, &*flow),
        Answer::Flow(flow, Shown::ByAccept) => respond::redirect(303, method, &ui(cx, &flow)),
        Answer::Flow(flow, _) if html => respond::redirect(303, method, &ui(cx, &flow)),
        Answer::Invalid(flow) if html => {
            // Registration was always answered otherwise.
            let status = if kind == FlowKind::Registration {
                302
            } else {
                303
            };
            respond::redirect(status, method, &ui(cx, &flow))
        }
        Answer::Flow(flow, Shown::Unfinished) | Answer::Invalid(flow) => respond::json(400, &*flow),
        Answer::Replaced { by, why } => replaced(cx, method, &by, why, html),
        Answer::Done { then, .. } if html => respond::redirect(303, method, &then),
        Answer::Flow(flow, Shown::Fine) | Answer::Done { flow, .. } => respond::json(200, &*flow),
        Answer::GoTo(url) if cx.request.is_json => {
            error::envelope(&Refusal::location_change(&url), &cx.request.request_id)
        }
        Answer::SignedIn(done) => signed_in(cx, method, *done, client),
        Answer::Registered(done) => registered(cx, method, *done, client),
        Answer::GoTo(url) | Answer::SeeOther(url) => respond::redirect(303, method, &url),
        Answer::Refused(refusal) => refused(cx, method, *refusal, error_page).await,
        Answer::Broken(broken) => {
            let refusal = error::internal(&broken);
            if error_page {
                return refused(cx, method, refusal, true).await;
            }
            let mut response = error::envelope(&refusal, &cx.request.request_id);
            let by_request = matches!(
                kind,
                FlowKind::Recovery | FlowKind::Verification | FlowKind::Settings
            );
            if client == Client::Native || by_request {
                *response.status_mut() = axum::http::StatusCode::BAD_REQUEST;
            }
            response
        }
    }
}

/// Another flow takes the place of one that is over. Recovery and verification look at the request and hardly at the
/// kind of flow, and send scripts to where the new one is read.
fn replaced(cx: &Cx, method: &Method, by: &AnyFlow, why: Why, html: bool) -> Response {
    let kind = by.kind();
    let is_json = cx.request.is_json;
    let id = by.id().to_string();
    let transitions = cx.config.feature_flags.use_continue_with_transitions;
    let envelope = |refusal: &Refusal| error::envelope(refusal, &cx.request.request_id);
    let next = || ContinueWith::ShowRecoveryUi {
        flow: by.id(),
        url: None,
    };
    let page = || respond::redirect(303, method, &ui(cx, by));
    let read = || {
        let path = format!("/self-service/{kind}/flows");
        respond::redirect(303, method, &cx.public(&path, &[("id", &id)]))
    };
    match (kind, why) {
        (FlowKind::Recovery, Why::Expired(at)) if transitions && by.channel() == Channel::Api => {
            let refusal = Refusal::flow_expired(at, cx.now, &id);
            envelope(&refusal.detail("continue_with", json!([next().json()])))
        }
        (FlowKind::Recovery, Why::Expired(_)) if by.channel() == Channel::Api => read(),
        (FlowKind::Recovery, Why::Over(refusal)) if is_json && transitions => {
            let refusal = refusal.map_or_else(
                || Refusal::bad("This form was used already. Please go on with the new one."),
                |refusal| *refusal,
            );
            envelope(&refusal.detail("continue_with", json!([next().json()])))
        }
        (FlowKind::Verification, Why::Expired(_)) | (FlowKind::Recovery, _) if is_json => read(),
        (FlowKind::Verification, Why::Over(_)) if is_json => envelope(&Refusal::flow_replaced(&id)),
        (FlowKind::Recovery | FlowKind::Verification, _) => page(),
        _ if html => page(),
        (_, Why::Expired(at)) => envelope(&Refusal::flow_expired(at, cx.now, &id)),
        (_, Why::Over(_)) => envelope(&Refusal::flow_replaced(&id)),
    }
}

/// A refusal outside a flow's own answers: JSON clients get the envelope, browsers the error page or a better place.
pub async fn refused(cx: &Cx, method: &Method, refusal: Refusal, html: bool) -> Response {
    if html && let Html::To(status, url) = &refusal.html {
        return respond::redirect(*status, method, url);
    }
    if html && !cx.request.accepts_json {
        let id = ErrorId::random(cx.dice());
        let mut body = refusal.json(&cx.request.request_id);
        let stored = StoredError {
            id,
            error: body["error"].take(),
            created_at: micros(cx.now),
            updated_at: micros(cx.now),
        };
        match cx.store().errors().insert(&stored, "").await {
            Ok(()) => {
                let page = with(
                    &cx.config.selfservice.flows.error.ui_url,
                    &[("id", &id.to_string())],
                );
                return respond::redirect(303, method, &page);
            }
            Err(error) => {
                tracing::error!(%error, "an error could not be stored for the error page");
            }
        }
    }
    error::envelope(&refusal, &cx.request.request_id)
}

fn signed_in(cx: &Cx, method: &Method, done: SignedIn, client: Client) -> Response {
    match (client, done.step_up) {
        (Client::Html, step_up) => respond::redirect(303, method, &step_up.unwrap_or(done.then)),
        (Client::Spa, Some(step_up)) => {
            error::envelope(&Refusal::location_change(&step_up), &cx.request.request_id)
        }
        (client, step_up) => {
            let identity = step_up.is_none().then_some(&done.identity);
            let mut body = Map::new();
            if client == Client::Native {
                body.insert("session_token".into(), done.session.token.as_str().into());
            }
            body.insert(
                "session".into(),
                session(cx, &done.session, identity).into(),
            );
            body.insert("continue_with".into(), continue_with(&done.continue_with));
            respond::json(200, &body)
        }
    }
}

fn registered(cx: &Cx, method: &Method, done: Registered, client: Client) -> Response {
    if client == Client::Html {
        return respond::redirect(303, method, &done.then);
    }
    let mut body = Map::new();
    if let Some(made) = &done.session {
        if client == Client::Native {
            body.insert("session_token".into(), made.token.as_str().into());
        }
        body.insert(
            "session".into(),
            session(cx, made, Some(&done.identity)).into(),
        );
    }
    body.insert("identity".into(), identity(cx, &done.identity).into());
    body.insert("continue_with".into(), continue_with(&done.continue_with));
    respond::json(200, &body)
}

/// A session as its owner reads it.
#[must_use]
pub fn session(cx: &Cx, session: &Session, owner: Option<&Identity>) -> Map<String, Value> {
    let url = owner
        .map(|o| cx.schema_url(&o.schema_id))
        .unwrap_or_default();
    session.json(cx.now, owner.map(|o| (o, url.as_str())))
}

/// An identity as its owner reads it.
#[must_use]
pub fn identity(cx: &Cx, identity: &Identity) -> Map<String, Value> {
    identity.json(&cx.schema_url(&identity.schema_id))
}

fn ui(cx: &Cx, flow: &AnyFlow) -> String {
    cx.page(flow.kind(), flow.id())
}

fn continue_with(items: &[ContinueWith]) -> Value {
    if items.is_empty() {
        Value::Null
    } else {
        json!(items.iter().map(ContinueWith::json).collect::<Vec<_>>())
    }
}
