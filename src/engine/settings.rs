//! Changing one's account (flows.md §5).
use super::admit::{self, Visitor};
use super::{checked_return, concluded, count, failure, finish, load, read_by, replace, reply};
use crate::base::id::FlowId;
use crate::base::terms::{Channel, FlowKind, MethodId, State};
use crate::base::time::micros;
use crate::base::url::{Params, with};
use crate::flow::outcome::SettingsOutcome;
use crate::flow::{
    Answer, Body, CookieChanges, Cx, Fault, Refusal, Reply, Shown, Step, Submission, Verb, csrf,
    pause, return_to,
};
use crate::hook::{self, Event, Verdict};
use crate::identity::validate;
use crate::method::{self, Method, Owner, SettingsMethod};
use crate::model::flow::{ContinueWith, Flow, RecoveryFlow, Settings, SettingsFlow};
use crate::model::identity::Identity;
use crate::model::session::{Authentication, Session};
use crate::session;
use crate::store::{Error, Load};
use crate::text;
use crate::ui::order;
use serde_json::{Map, Value, json};

pub async fn begin(cx: &Cx, channel: Channel) -> Reply {
    let mut cookies = CookieChanges::default();
    let result = open(cx, channel, &mut cookies).await;
    concluded::<Settings>(channel, result, cookies)
}

async fn open(cx: &Cx, channel: Channel, cookies: &mut CookieChanges) -> Result<Answer, Fault> {
    let Some(visitor) = admit::visitor(cx, Load::Credentials).await? else {
        return Err(signed_out(cx, channel).into());
    };
    let own = cx.request.query.text("return_to");
    let own = own.filter(|_| channel == Channel::Browser);
    must_satisfy(cx, &visitor, own.map(|_| cx.request.url.as_str()))?;
    let owner = Owner::of(&visitor);
    let url = cx.request.url.clone();
    let mut flow = fresh(cx, channel, url, owner, cookies).await?;
    checked_return(cx, &flow)?;
    cx.store().flows().insert(&flow).await?;
    show_owner(cx, &mut flow, &visitor.identity);
    Ok(Answer::flow(&flow, Shown::Fine))
}

/// Nobody is signed in: browsers go where one does that.
fn signed_out(cx: &Cx, channel: Channel) -> Refusal {
    let refusal = Refusal::session_inactive();
    if channel == Channel::Api {
        return refusal;
    }
    let query: Vec<_> = cx
        .request
        .query
        .text("return_to")
        .map(|then| ("return_to", then))
        .into_iter()
        .collect();
    let login = cx.public("/self-service/login/browser", &query);
    refusal
        .beside("CredentialsMissing", false)
        .html_to(303, login)
}

/// Is the session good enough? `then`: where to come back to with a second factor.
fn must_satisfy(cx: &Cx, visitor: &Visitor, then: Option<&str>) -> Result<(), Fault> {
    let required = cx.config.required_aal(FlowKind::Settings);
    if admit::satisfies(cx, required, &visitor.session, &visitor.identity) {
        return Ok(());
    }
    Err(Refusal::aal2_required(finish::step_up(cx, then)).into())
}

/// A form with what this person can change. Not stored.
async fn fresh(
    cx: &Cx,
    channel: Channel,
    request_url: String,
    owner: Owner<'_>,
    cookies: &mut CookieChanges,
) -> Result<SettingsFlow, Fault> {
    let id = FlowId::random(cx.dice());
    let action = cx.public("/self-service/settings", &[("flow", &id.to_string())]);
    let lifespan = cx.config.selfservice.flows.settings.lifespan;
    let times = (cx.now, cx.now + lifespan);
    let own = Settings {
        identity: owner.identity.id,
        organization_id: None,
    };
    let mut flow = Flow::new(id, channel, request_url, times, action, own);
    let before = Event::SettingsBefore {
        flow: &mut flow,
        session: owner.session,
    };
    hook::before(cx, before, cookies).await?;
    for method in method::enabled(&cx.config) {
        if let Some(settings) = method.settings() {
            pause::forget(cx, cookies, &waits_as(method.id())).await?;
            csrf::put(cx, &mut flow, cookies);
            settings.populate(cx, &mut flow, owner.identity).await?;
        }
    }
    sort(cx, &mut flow, owner.identity).await?;
    Ok(flow)
}

async fn sort(cx: &Cx, flow: &mut SettingsFlow, owner: &Identity) -> Result<(), Fault> {
    let schema = cx.schema(Some(&owner.schema_id)).await?;
    order::settings(&mut flow.form, schema.leaf_keys());
    Ok(())
}

/// The name under which a change by this method waits for a fresh sign-in (database.md §8.3).
fn waits_as(method: MethodId) -> String {
    format!("ory_kratos_settings_{method}")
}

fn show_owner(cx: &Cx, flow: &mut SettingsFlow, owner: &Identity) {
    flow.passing.identity = Some(owner.json(&cx.schema_url(&owner.schema_id)));
}

/// Where somebody who got their account back sets a new password. To be stored.
pub(super) async fn after_recovery(
    cx: &Cx,
    from: &RecoveryFlow,
    channel: Channel,
    owner: Owner<'_>,
    cookies: &mut CookieChanges,
) -> Result<SettingsFlow, Fault> {
    let url = led_back(cx, from);
    let mut flow = fresh(cx, channel, url, owner, cookies).await?;
    let settings = &cx.config.selfservice.flows.settings;
    let until = cx.now + settings.privileged_session_max_age;
    flow.form.say(text::recovery::recovered(until, cx.now));
    Ok(flow)
}

/// The address of this request, with the return address of the recovery, or of all recoveries.
fn led_back(cx: &Cx, from: &RecoveryFlow) -> String {
    let own = Params::of(&from.request_url);
    let default = cx.config.own_return_url(FlowKind::Recovery, None);
    match own.text("return_to").or(default) {
        Some(then) => with(&cx.request.url, &[("return_to", then)]),
        None => cx.request.url.clone(),
    }
}

pub async fn fetch(cx: &Cx) -> Reply {
    let mut channel = Channel::Browser;
    let result = async {
        let Some(visitor) = admit::visitor(cx, Load::Credentials).await? else {
            return Err(nobody(cx).into());
        };
        let mut flow = read_by::<Settings>(cx, |flow| {
            must_be_owner(flow, &visitor)?;
            let page = cx.page(FlowKind::Settings, flow.id);
            must_satisfy(cx, &visitor, Some(&page))
        })
        .await?;
        channel = flow.channel;
        show_owner(cx, &mut flow, &visitor.identity);
        Ok(Answer::flow(&flow, Shown::Fine))
    };
    let result = result.await;
    concluded::<Settings>(channel, result, CookieChanges::default())
}

fn must_be_owner(flow: &SettingsFlow, visitor: &Visitor) -> Result<(), Fault> {
    if flow.own.identity == visitor.identity.id {
        Ok(())
    } else {
        Err(Refusal::of_somebody_else().into())
    }
}

pub async fn submit(cx: &Cx, s: &Submission) -> Reply {
    let (visitor, mut flow) = match admitted(cx).await {
        Ok(both) => both,
        Err(fault) => {
            let cookies = CookieChanges::default();
            return concluded::<Settings>(Channel::Browser, Err(fault), cookies);
        }
    };
    let mut cookies = CookieChanges::default();
    show_owner(cx, &mut flow, &visitor.identity);
    let mut step = Step {
        flow: &mut flow,
        session: Some(&visitor.session),
        cookies: &mut cookies,
    };
    let answer = match take(cx, &mut step, &visitor, s).await {
        Ok(answer) => answer,
        Err(Fault::Reauthenticate) => Answer::Refused(Box::new(sign_in_again(cx))),
        Err(fault) => show(cx, &mut flow, &visitor.identity, fault).await,
    };
    count::<Settings>(cx, s, &answer);
    reply::<Settings>(flow.channel, answer, cookies)
}

async fn show(cx: &Cx, flow: &mut SettingsFlow, owner: &Identity, fault: Fault) -> Answer {
    match cx.schema(Some(&owner.schema_id)).await {
        Ok(schema) => {
            let sort = |form: &mut _| order::settings(form, schema.leaf_keys());
            failure::show(cx, flow, fault, sort).await
        }
        Err(fault) => fault.into(),
    }
}

fn nobody(cx: &Cx) -> Refusal {
    let page = cx.config.selfservice.flows.ui_url(FlowKind::Login);
    let refusal = Refusal::unauthorized("Nobody is signed in.");
    refusal.html_to(302, page.to_owned())
}

async fn admitted(cx: &Cx) -> Result<(Visitor, SettingsFlow), Fault> {
    let Some(visitor) = admit::visitor(cx, Load::Credentials).await? else {
        return Err(nobody(cx).into());
    };
    let flow = load::<Settings>(cx).await?;
    must_satisfy(cx, &visitor, Some(&submitted_to(cx)))?;
    Ok((visitor, flow))
}

/// The address of this submission, as our own.
fn submitted_to(cx: &Cx) -> String {
    let query: Vec<_> = cx.request.query.iter().collect();
    cx.public("/self-service/settings", &query)
}

/// Once more, and then back here.
fn sign_in_again(cx: &Cx) -> Refusal {
    let then = submitted_to(cx);
    let query = [("refresh", "true"), ("return_to", then.as_str())];
    Refusal::refresh_required(&cx.public("/self-service/login/browser", &query))
}

type Responsible = (&'static dyn Method, &'static dyn SettingsMethod);

fn all() -> impl Iterator<Item = Responsible> {
    method::ALL
        .iter()
        .filter_map(|m| m.settings().map(|settings| (*m, settings)))
}

async fn take(
    cx: &Cx,
    step: &mut Step<'_, Settings>,
    visitor: &Visitor,
    s: &Submission,
) -> Result<Answer, Fault> {
    let owner = Owner::of(visitor);
    if step.flow.is_expired(cx.now) {
        return expired(cx, step, owner).await;
    }
    must_be_owner(step.flow, visitor)?;
    let s = &as_read(s);
    for by in all() {
        if let Some(body) = taken_up(cx, step, visitor, by.0, s).await? {
            let token = body["csrf_token"].as_str().map(str::to_owned);
            let wish = (body, token, Since::Before);
            return change(cx, step, visitor, by, wish).await;
        }
        match by.1.read(cx, step, owner, s).await {
            Ok(None) => {}
            Ok(Some(body)) => {
                let wish = (body, s.text("csrf_token"), Since::Now);
                return change(cx, step, visitor, by, wish).await;
            }
            Err(fault) => return Err(excused(cx, step, by.0, fault)),
        }
    }
    step.flow.form.forget_messages();
    Err(Fault::form(text::settings::nobody()))
}

/// A form is read from the body, or, where there is none, from the query; never from both.
fn as_read(s: &Submission) -> Submission {
    let body = match (&s.verb, &s.body) {
        (Verb::Get, _) => Body::Form(s.query.clone()),
        (_, body) => body.clone(),
    };
    Submission {
        verb: s.verb,
        query: Params::default(),
        body,
    }
}

/// Since when a change is wished for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    Now,
    /// It has waited for a fresh sign-in.
    Before,
}

/// What a browser wanted of the method before it was sent to sign in again, and comes back for. What it sends now goes
/// before what waits.
async fn taken_up(
    cx: &Cx,
    step: &mut Step<'_, Settings>,
    visitor: &Visitor,
    method: &dyn Method,
    s: &Submission,
) -> Result<Option<Value>, Fault> {
    let comes_back = s.verb == Verb::Get && !cx.request.is_json;
    if step.flow.channel != Channel::Browser || !comes_back {
        return Ok(None);
    }
    let name = waits_as(method.id());
    let waited = pause::take_up(cx, step.cookies, &name, visitor.identity.id).await?;
    Ok(waited.filter(|body| body["flow"] == json!(step.flow.id)))
}

/// The words of before are gone; the profile sees to its own.
fn excused(
    cx: &Cx,
    step: &mut Step<'_, Settings>,
    method: &'static dyn Method,
    fault: Fault,
) -> Fault {
    if method.id() != MethodId::Profile {
        step.flow.form.forget_messages();
    }
    csrf::put(cx, step.flow, step.cookies);
    fault
}

async fn change(
    cx: &Cx,
    step: &mut Step<'_, Settings>,
    visitor: &Visitor,
    by: Responsible,
    (body, token, since): (Value, Option<String>, Since),
) -> Result<Answer, Fault> {
    let (method, settings) = by;
    let outcome = async {
        method::must_be_on(cx, method)?;
        if let Value::Object(payload) = &body["transient_payload"] {
            step.flow.passing.transient_payload = Some(json!(payload));
        }
        let token = token.filter(|t| !t.is_empty());
        csrf::check_token(cx, step.flow, token.as_deref())?;
        let owner = Owner::of(visitor);
        settings.change(cx, step, owner, &body).await
    };
    match outcome.await {
        Ok(SettingsOutcome::AskAgain) => {
            step.flow.form.forget_messages();
            cx.store().flows().update(step.flow).await?;
            Ok(Answer::flow(step.flow, Shown::Fine))
        }
        Ok(SettingsOutcome::Change { identity, gains }) => {
            save(cx, step, visitor, method.id(), *identity, gains).await
        }
        Err(Fault::Reauthenticate) => {
            let is_profile = method.id() == MethodId::Profile;
            let waits = step.flow.channel == Channel::Browser || is_profile;
            // What has waited once does not wait again: it would for ever, if no sign-in is fresh enough.
            if waits && since == Since::Now {
                let payload = to_resume(step.flow, body);
                let name = waits_as(method.id());
                let owner = visitor.identity.id;
                pause::put_aside(cx, step.cookies, &name, owner, payload).await?;
            }
            Err(Fault::Reauthenticate)
        }
        Err(fault) => Err(excused(cx, step, method, fault)),
    }
}

/// The payload with the flow that it is for.
fn to_resume(flow: &SettingsFlow, body: Value) -> Value {
    let mut payload = match body {
        Value::Object(payload) => payload,
        _ => Map::new(),
    };
    payload.retain(|_, value| !value.is_null());
    payload.insert("flow".into(), json!(flow.id));
    Value::Object(payload)
}

/// Writes the change. Everything after the method's own work, for all methods (flows.md §5.3).
async fn save(
    cx: &Cx,
    step: &mut Step<'_, Settings>,
    visitor: &Visitor,
    method: MethodId,
    mut identity: Identity,
    gains: Option<Authentication>,
) -> Result<Answer, Fault> {
    let stored = &visitor.identity;
    let then = leads_to(cx, step.flow, method)?;
    let before = Event::SettingsPrePersist {
        flow: step.flow,
        stored,
        identity: &mut identity,
        session: &visitor.session,
    };
    if let Verdict::Stop(answer) = hook::run(cx, Some(method), before, step.cookies).await? {
        return Ok(answer);
    }
    let schema = cx.schema(Some(&identity.schema_id)).await?;
    let policy = session::policy(&cx.config);
    validate::validate(&mut identity, &schema, &policy, cx.dice(), cx.now)?;
    identity.updated_at = micros(cx.now);
    let privileged = session::is_privileged(&cx.config, &visitor.session, cx.now);
    if !privileged && validate::is_protected(stored, &identity) {
        return Err(Fault::Reauthenticate);
    }
    let session = proven(cx, &visitor.session, gains.clone());
    let owner = Owner {
        identity: &identity,
        session: &session,
    };
    let channel = step.flow.channel;
    let url = cx.request.url.clone();
    let next = fresh(cx, channel, url, owner, step.cookies).await?;
    let mut saved = step.flow.clone();
    saved.state = State::Success;
    saved.form = next.form.clone();
    saved.form.messages = vec![text::settings::saved()];
    saved.memory = next.memory.clone();

    let mut batch = cx.store().batch();
    batch.change_identity(stored, &identity, cx.dice());
    if gains.is_some() {
        batch.update_session(&session);
    }
    batch.insert_flow(&next);
    batch.update_flow(&saved);
    match batch.commit().await {
        Ok(()) => {}
        Err(Error::Conflict(_)) => return Err(Fault::form(text::validation::duplicate())),
        Err(error) => return Err(error.into()),
    }
    *step.flow = saved;

    let after = Event::SettingsPostPersist {
        flow: step.flow,
        previous: stored,
        identity: &mut identity,
        session: &session,
    };
    if let Verdict::Stop(answer) = hook::run(cx, Some(method), after, step.cookies).await? {
        return Ok(answer);
    }
    if channel == Channel::Browser {
        finish::issue(cx, step.cookies, &session, false);
        if cx.request.is_json {
            let next = ContinueWith::RedirectBrowserTo(then.clone());
            step.flow.passing.continue_with.push(next);
        }
    }
    step.flow.passing.transient_payload = None;
    show_owner(cx, step.flow, &identity);
    Ok(Answer::Done {
        flow: Box::new(step.flow.any()),
        then,
    })
}

/// The session after the change: whoever adds a factor has shown it.
fn proven(cx: &Cx, session: &Session, gains: Option<Authentication>) -> Session {
    let mut session = session.clone();
    if let Some(proof) = gains {
        session::add_proof(&mut session, proof);
        session.authenticated_at = cx.now;
    }
    session
}

/// Where html goes in the end: by default to the page of this form.
fn leads_to(cx: &Cx, flow: &SettingsFlow, method: MethodId) -> Result<String, Fault> {
    let page = cx.page(FlowKind::Settings, flow.id);
    let own = cx.config.own_return_url(FlowKind::Settings, Some(method));
    let default = own.unwrap_or(&page);
    match flow.return_to() {
        None => Ok(default.to_owned()),
        Some(wanted) => return_to::checked(cx, &wanted, default),
    }
}

/// The form was too old.
async fn expired(
    cx: &Cx,
    step: &mut Step<'_, Settings>,
    owner: Owner<'_>,
) -> Result<Answer, Fault> {
    let old = &*step.flow;
    let url = old.request_url.clone();
    let new = fresh(cx, old.channel, url, owner, step.cookies).await?;
    let message = text::settings::expired(old.expires_at, cx.now);
    replace(cx, old, new, message).await
}
