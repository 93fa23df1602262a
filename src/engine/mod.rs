//! Decides: starts flows, asks the methods, runs the hooks, writes. One file per kind of flow, all of the same
//! shape: `begin` (open, furnish), `fetch`, `submit`, `take`, `settle`, and one long function for the success.
pub mod admit;
mod failure;
mod finish;
pub mod login;
pub mod logout;
pub mod recovery;
pub mod registration;
pub mod settings;
pub mod verification;

use crate::base::id::{FlowId, IdentityId};
use crate::base::terms::{Channel, FlowKind, MethodId};
use crate::base::url::Params;
use crate::flow::outcome::Again;
use crate::flow::{
    Answer, CookieChanges, Cx, Fault, Refusal, Reply, Shown, Submission, Why, csrf, return_to,
};
use crate::model::flow::{Flow, Kind, Owners};
use crate::model::identifier;
use crate::model::session::{Authentication, Session};
use crate::session;
use crate::store::{Asking, Stored};
use crate::telemetry::metrics::Ending;
use crate::text::Message;
use std::sync::Arc;

/// The flow is over: keep the new one, which says why.
async fn replace<K: Stored>(
    cx: &Cx,
    old: &Flow<K>,
    mut new: Flow<K>,
    message: Message,
) -> Result<Answer, Fault> {
    new.form.say(message);
    cx.store().flows().insert(&new).await?;
    Ok(Answer::Replaced {
        by: Box::new(new.any()),
        why: Why::Expired(old.expires_at),
    })
}

/// The same for a flow that cannot go on for another reason.
async fn start_over<K: Stored>(cx: &Cx, mut new: Flow<K>, again: Again) -> Result<Answer, Fault> {
    new.form.say(again.said());
    cx.store().flows().insert(&new).await?;
    if again.by_link {
        return Ok(Answer::SeeOther(match new.channel {
            Channel::Browser => cx.page(K::KIND, new.id),
            Channel::Api => {
                let path = format!("/self-service/{}/flows", K::KIND);
                cx.public(&path, &[("id", &new.id.to_string())])
            }
        }));
    }
    Ok(Answer::Replaced {
        by: Box::new(new.any()),
        why: Why::Over(again.refusal()),
    })
}

/// Somebody reads a form.
fn shown<K: Kind>(result: Result<Flow<K>, Fault>) -> Reply {
    let channel = result
        .as_ref()
        .map_or(Channel::Browser, |flow| flow.channel);
    let result = result.map(|flow| Answer::flow(&flow, Shown::Fine));
    concluded::<K>(channel, result, CookieChanges::default())
}

/// A session that somebody has just earned. It is not stored.
fn new_session(cx: &Cx, identity: IdentityId, by: Authentication) -> Session {
    let mut session = Session::fresh(identity, cx.dice(), cx.now);
    session::add_proof(&mut session, by);
    session::activate(&cx.config, cx.now, &mut session);
    session::add_device(&mut session, cx.request.client.facts(), cx.dice(), cx.now);
    session
}

/// Nothing to answer: there is no such flow, or nobody who may.
fn refuse<K: Kind>(refusal: Refusal) -> Reply {
    reply::<K>(
        Channel::Browser,
        Answer::Refused(Box::new(refusal)),
        CookieChanges::default(),
    )
}

fn reply<K: Kind>(channel: Channel, answer: Answer, cookies: CookieChanges) -> Reply {
    Reply {
        answer,
        cookies,
        of: (K::KIND, channel),
    }
}

/// Ends with the flow's own kind of answer, whatever went wrong before there was one.
fn concluded<K: Kind>(
    channel: Channel,
    result: Result<Answer, Fault>,
    cookies: CookieChanges,
) -> Reply {
    reply::<K>(channel, result.unwrap_or_else(Answer::from), cookies)
}

/// Counts how a submission ended, for the metrics.
fn count<K: Kind>(cx: &Cx, s: &Submission, answer: &Answer) {
    let ending = match answer {
        // The sign-in only goes on.
        Answer::GoTo(_) if K::KIND == FlowKind::Login => return,
        Answer::SignedIn(_) | Answer::Registered(_) | Answer::Done { .. } | Answer::GoTo(_) => {
            Ending::Succeeded
        }
        Answer::Invalid(_) | Answer::Replaced { .. } => Ending::Rejected,
        Answer::Refused(refusal) if refusal.status < 500 => Ending::Rejected,
        Answer::Refused(_) | Answer::Broken(_) => Ending::Failed,
        Answer::Flow(..) | Answer::SeeOther(_) => return,
    };
    let method = s
        .text("method")
        .and_then(|word| MethodId::from_word(&word))
        .map_or("", MethodId::word);
    cx.services.metrics.ended(K::KIND, method, ending);
}

/// The flow that `?flow=` names.
async fn load<K: Stored>(cx: &Cx) -> Result<Flow<K>, Fault> {
    let id = named(cx)?;
    let found = cx.store().flows().find::<K>(id).await?;
    found.ok_or_else(|| unknown::<K>().into())
}

/// The same, with everybody who has the address that was typed into the form.
async fn load_for_typed<K: Asking>(cx: &Cx, s: &Submission) -> Result<Flow<K>, Fault> {
    // What is no address by its looks is looked at by the method.
    let is_plausible = |typed: &String| typed.len() <= 320 && !typed.contains(char::is_control);
    let Some(typed) = s.text("email").filter(is_plausible) else {
        return load(cx).await;
    };
    let id = named(cx)?;
    let spellings = [&*typed, &identifier::normalize(&typed)];
    let found = cx.store().flows().find_with_owners(id, spellings).await?;
    let (mut flow, identities) = found.ok_or_else(|| Fault::from(unknown::<K>()))?;
    flow.passing.owners = Some(Arc::new(Owners { typed, identities }));
    Ok(flow)
}

/// The id in `?flow=`.
fn named(cx: &Cx) -> Result<FlowId, Fault> {
    let given = cx.request.query.get("flow").filter(|id| !id.is_empty());
    let id = given.and_then(FlowId::parse).filter(|id| !id.0.is_nil());
    id.ok_or_else(|| {
        let reason = if given.is_some() {
            "What the query has as flow=… is not the id of a form."
        } else {
            "The query needs the id of the form: ?flow=…"
        };
        Refusal::bad(reason).into()
    })
}

/// There is no such flow. Some kinds give a reason.
fn unknown<K: Kind>() -> Refusal {
    match K::KIND {
        FlowKind::Settings | FlowKind::Recovery | FlowKind::Verification => {
            Refusal::not_found("There is no form of that id. Please start again.")
        }
        FlowKind::Login | FlowKind::Registration => Refusal::no_row(),
    }
}

/// `GET …/flows?id=`: the stored form with a fresh mask on its token, for the browser that began it.
async fn read<K: Stored>(cx: &Cx) -> Result<Flow<K>, Fault> {
    read_by(cx, |flow| must_be_bound(cx, flow)).await
}

/// The same for whoever is let in.
async fn read_by<K: Stored>(
    cx: &Cx,
    admit: impl FnOnce(&mut Flow<K>) -> Result<(), Fault>,
) -> Result<Flow<K>, Fault> {
    let id = cx.request.query.get("id").and_then(FlowId::parse);
    let found = match id {
        Some(id) => cx.store().flows().find::<K>(id).await?,
        None => None,
    };
    let Some(mut flow) = found else {
        return Err(Refusal::no_row().into());
    };
    admit(&mut flow)?;
    if flow.is_expired(cx.now) {
        return Err(gone(cx, &flow).into());
    }
    Ok(flow)
}

/// Only the browser that began a flow may read it. It gets another mask on its token each time.
fn must_be_bound<K: Kind>(cx: &Cx, flow: &mut Flow<K>) -> Result<(), Fault> {
    if flow.channel == Channel::Browser && K::is_bound_to_browser(flow) {
        let token = cx.request.csrf.as_ref();
        let Some(token) = token.filter(|t| t.matches(&flow.csrf_token)) else {
            return Err(csrf::violation(&cx.request.csrf_facts, false).into());
        };
        csrf::set_node(&mut flow.form, &token.mask(cx.dice()));
    }
    Ok(())
}

/// Where a new flow is to be had (http-api.md §8.1).
fn gone<K: Kind>(cx: &Cx, flow: &Flow<K>) -> Refusal {
    let init = |channel: &str, query: &[(&str, &str)]| {
        cx.public(&format!("/self-service/{}/{channel}", K::KIND), query)
    };
    let return_to = flow.return_to();
    let details = match flow.channel {
        Channel::Api => serde_json::json!({ "api": init("api", &[]) }),
        Channel::Browser => {
            let query: Vec<_> = return_to
                .iter()
                .map(|r| ("return_to", r.as_str()))
                .collect();
            let mut details = serde_json::json!({ "redirect_to": init("browser", &query) });
            details["return_to"] = return_to.clone().unwrap_or_default().into();
            details
        }
    };
    let named = match K::KIND {
        FlowKind::Login | FlowKind::Registration => true,
        FlowKind::Recovery => flow.channel == Channel::Api,
        FlowKind::Settings | FlowKind::Verification => false,
    };
    Refusal::flow_gone(named.then_some("self_service_flow_expired"), details)
}

/// The schema that the address asks for: empty or absent is the default; others must be open to self-service.
fn wanted_schema(cx: &Cx) -> Result<Option<String>, Fault> {
    match cx.request.query.text("identity_schema") {
        None => Ok(None),
        Some(id) if is_selectable(cx, id) => Ok(Some(id.to_owned())),
        Some(id) => Err(Refusal::bad(format!(
            "There is no identity schema {id:?} to sign in or up with."
        ))
        .into()),
    }
}

fn is_selectable(cx: &Cx, id: &str) -> bool {
    let identity = &cx.config.identity;
    id == identity.default_schema_id
        || identity
            .schema(id)
            .is_some_and(|s| s.selfservice_selectable)
}

/// An OAuth2 server's request needs an OAuth2 server.
fn no_login_challenge(cx: &Cx) -> Result<(), Fault> {
    if cx.request.query.has("login_challenge") {
        return Err(Refusal::bad(
            "There is a login_challenge, but no OAuth2 server is configured.",
        )
        .into());
    }
    Ok(())
}

/// Go's idea of a boolean in a query.
fn truthy(query: &Params, name: &str) -> bool {
    matches!(
        query.get(name),
        Some("1" | "t" | "T" | "TRUE" | "true" | "True")
    )
}

/// The organization that the address names; what is no UUID is not looked at.
fn organization(query: &Params) -> Option<uuid::Uuid> {
    query
        .text("organization")
        .and_then(|o| uuid::Uuid::parse_str(o).ok())
}

/// Where the flow will lead, checked before anything else is done.
fn checked_return<K: Kind>(cx: &Cx, flow: &Flow<K>) -> Result<String, Fault> {
    return_to::of(cx, flow, None)
}
