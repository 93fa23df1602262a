//! Signing in, once more, and with a second factor (flows.md §3).
use super::admit::{self, Visitor};
use super::{
    checked_return, concluded, count, failure, finish, load, no_login_challenge, organization,
    read, replace, reply, shown, truthy, wanted_schema,
};
use crate::base::id::{DeviceId, FlowId};
use crate::base::terms::{Aal, Channel, FlowKind, Group, MethodId};
use crate::base::url::Params;
use crate::flow::outcome::LoginOutcome;
use crate::flow::{
    Answer, CookieChanges, Cx, Fault, Refusal, Reply, Shown, SignedIn, Step, Submission, csrf,
    return_to,
};
use crate::hook::{self, Event, Verdict};
use crate::method::{self, LoginMode, Method};
use crate::model::flow::{ContinueWith, Flow, Login, LoginFlow};
use crate::model::identity::Identity;
use crate::model::session::{Authentication, Session};
use crate::session;
use crate::store::{Error, Load};
use crate::text;
use crate::ui::{Input, order};
use uuid::Uuid;

pub async fn begin(cx: &Cx, channel: Channel) -> Reply {
    let mut cookies = CookieChanges::default();
    let result = open(cx, channel, &mut cookies).await;
    concluded::<Login>(channel, result, cookies)
}

async fn open(cx: &Cx, channel: Channel, cookies: &mut CookieChanges) -> Result<Answer, Fault> {
    no_login_challenge(cx)?;
    let mut flow = blank(cx, channel, cx.request.url.clone())?;
    let then = checked_return(cx, &flow)?;
    let visitor = admit::visitor(cx, Load::Credentials).await?;
    match &visitor {
        None if flow.own.requested_aal == Aal::Two => return Err(Refusal::aal1_required().into()),
        None => flow.own.refresh = false,
        Some(v) if !flow.own.refresh && flow.own.requested_aal <= v.session.aal => {
            return Err(Refusal::already_signed_in().html_to(303, then).into());
        }
        Some(_) => {}
    }
    furnish(cx, cookies, &mut flow, visitor.as_ref()).await?;
    hook::before(cx, Event::LoginBefore { flow: &mut flow }, cookies).await?;
    cx.store().flows().insert(&flow).await?;
    let mode = mode(cx, &flow, visitor.as_ref().map(|v| &v.identity));
    let mut step = Step {
        flow: &mut flow,
        session: visitor.as_ref().map(|v| &v.session),
        cookies,
    };
    at_once(cx, &mut step, mode).await?;
    Ok(Answer::flow(&flow, Shown::Fine))
}

/// A login as the address that began it wants it.
fn blank(cx: &Cx, channel: Channel, request_url: String) -> Result<LoginFlow, Fault> {
    let query = Params::of(&request_url);
    let requested_aal = match query.text("aal").map(str::to_lowercase).as_deref() {
        None | Some("aal1") => Aal::One,
        Some("aal2") => Aal::Two,
        Some(_) => return Err(Refusal::bad("The assurance level has to be aal1 or aal2.").into()),
    };
    let first = requested_aal == Aal::One;
    let own = Login {
        refresh: truthy(&query, "refresh"),
        requested_aal,
        oauth2_login_challenge: None,
        organization_id: organization(&query).filter(|_| first),
        identity_schema: if first { wanted_schema(cx)? } else { None },
        test_flow: false,
    };
    let id = FlowId::random(cx.dice());
    let action = cx.public("/self-service/login", &[("flow", &id.to_string())]);
    let times = (cx.now, cx.now + cx.config.selfservice.flows.login.lifespan);
    Ok(Flow::new(id, channel, request_url, times, action, own))
}

fn mode<'v>(cx: &Cx, flow: &LoginFlow, visitor: Option<&'v Identity>) -> LoginMode<'v> {
    match (flow.own.requested_aal, visitor) {
        (Aal::Two, Some(identity)) if flow.own.refresh => LoginMode::SecondFactorRefresh(identity),
        (Aal::Two, Some(identity)) => LoginMode::SecondFactor(identity),
        (_, Some(identity)) if flow.own.refresh => LoginMode::Refresh(identity),
        _ if cx.config.asks_identifier_first() => LoginMode::Identify,
        _ => LoginMode::FirstFactor,
    }
}

/// Fills an empty form.
async fn furnish(
    cx: &Cx,
    cookies: &mut CookieChanges,
    flow: &mut LoginFlow,
    visitor: Option<&Visitor>,
) -> Result<(), Fault> {
    let mode = mode(cx, flow, visitor.map(|v| &v.identity));
    // No method of ours can be bound to an organization; the form then offers none.
    if flow.own.organization_id.is_none() {
        populate(cx, flow, mode).await?;
    }
    if flow.own.refresh {
        flow.form.messages = vec![text::login::confirm()];
    }
    if visitor.is_some_and(|v| v.session.aal < flow.own.requested_aal) {
        flow.form.say(text::login::second_factor());
    }
    // Apps see the field, too, unless codes are all that there is.
    let of_codes = [Group::Default, Group::Of(MethodId::Code)];
    let mut groups = flow.form.nodes.iter().map(|node| node.group);
    if flow.channel == Channel::Browser || groups.any(|group| !of_codes.contains(&group)) {
        csrf::put(cx, flow, cookies);
    }
    order::login(&mut flow.form);
    Ok(())
}

async fn populate(cx: &Cx, flow: &mut LoginFlow, mode: LoginMode<'_>) -> Result<(), Fault> {
    for login in method::enabled(&cx.config).filter_map(|m| m.login()) {
        login.populate(cx, flow, mode).await?;
    }
    Ok(())
}

/// Does what there is no choice about. True: something was done, and the form is another.
async fn at_once(cx: &Cx, step: &mut Step<'_, Login>, mode: LoginMode<'_>) -> Result<bool, Fault> {
    if step.flow.own.organization_id.is_some() {
        return Ok(false);
    }
    for login in method::enabled(&cx.config).filter_map(|m| m.login()) {
        if login.at_once(cx, step, mode).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub async fn fetch(cx: &Cx) -> Reply {
    shown::<Login>(read(cx).await)
}

pub async fn submit(cx: &Cx, s: &Submission) -> Reply {
    let mut flow = match load::<Login>(cx).await {
        Ok(flow) => flow,
        Err(fault) => {
            return concluded::<Login>(Channel::Browser, Err(fault), CookieChanges::default());
        }
    };
    let mut cookies = CookieChanges::default();
    let answer = match admit::visitor(cx, Load::Credentials).await {
        Ok(visitor) => {
            let session = visitor.as_ref().map(|v| &v.session);
            let mut step = Step {
                flow: &mut flow,
                session,
                cookies: &mut cookies,
            };
            match take(cx, &mut step, visitor.as_ref(), s).await {
                Ok(answer) => answer,
                Err(fault) => failure::show(cx, step.flow, fault, order::login).await,
            }
        }
        Err(fault) => fault.into(),
    };
    count::<Login>(cx, s, &answer);
    reply::<Login>(flow.channel, answer, cookies)
}

async fn take(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    visitor: Option<&Visitor>,
    s: &Submission,
) -> Result<Answer, Fault> {
    match step.session {
        Some(session) if !step.flow.own.refresh && step.flow.own.requested_aal <= session.aal => {
            if step.flow.channel == Channel::Browser && !cx.request.is_json {
                return Ok(Answer::SeeOther(
                    cx.config.selfservice.default_browser_return_url.clone(),
                ));
            }
            return Err(Refusal::already_signed_in().into());
        }
        None if step.flow.own.requested_aal == Aal::Two => {
            return Err(Refusal::aal1_required().into());
        }
        _ => {}
    }
    if step.flow.is_expired(cx.now) {
        let new = successor(cx, step, visitor).await?;
        let message = text::login::expired(step.flow.expires_at, cx.now);
        return replace(cx, step.flow, new, message).await;
    }
    for (method, login) in method::ALL
        .iter()
        .filter_map(|m| m.login().map(|l| (*m, l)))
    {
        match login.submit(cx, step, s).await? {
            LoginOutcome::NotMine => {}
            outcome => return settle(cx, step, method, outcome).await,
        }
    }
    Err(Fault::form(text::login::nobody()))
}

/// A new form in the place of one that is too old: same address, same schema, nothing else.
async fn successor(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    visitor: Option<&Visitor>,
) -> Result<LoginFlow, Fault> {
    let old = &*step.flow;
    let mut new = blank(cx, old.channel, old.request_url.clone())?;
    new.own.identity_schema.clone_from(&old.own.identity_schema);
    new.own.refresh &= visitor.is_some();
    furnish(cx, step.cookies, &mut new, visitor).await?;
    Ok(new)
}

async fn settle(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    method: &'static dyn Method,
    outcome: LoginOutcome,
) -> Result<Answer, Fault> {
    match outcome {
        LoginOutcome::NotMine => Err(Fault::form(text::login::nobody())),
        LoginOutcome::Authenticated { identity, by } => {
            sign_in(cx, step, method.id(), *identity, by).await
        }
        LoginOutcome::Identified {
            identifier,
            identity,
        } => offer(cx, step, &identifier, identity.as_deref()).await,
        LoginOutcome::AskAgain(shown) => Ok(Answer::flow(step.flow, shown)),
        LoginOutcome::GoTo(page) => Ok(Answer::GoTo(page)),
    }
}

/// The second screen of identifier first.
async fn offer(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    identifier: &str,
    identity: Option<&Identity>,
) -> Result<Answer, Fault> {
    let hide = cx.config.security.account_enumeration.mitigate;
    let before = step.flow.form.clone();
    step.flow.form.forget_messages();
    if identity.is_some() || hide {
        let mode = LoginMode::Chosen {
            identifier,
            identity,
        };
        populate(cx, step.flow, mode).await?;
        if at_once(cx, step, mode).await? {
            return Ok(Answer::flow(step.flow, Shown::Unfinished));
        }
    }
    let mine = Group::Of(MethodId::IdentifierFirst);
    let something = step
        .flow
        .form
        .nodes
        .iter()
        .any(|n| (n.is_input(Input::Submit) || n.is_input(Input::Button)) && n.group != mine);
    if !hide && (identity.is_none() || !something) {
        step.flow.form = before;
        return Err(Fault::field("identifier", text::validation::no_account()));
    }
    step.flow.active = Some(mine);
    cx.store().flows().update(step.flow).await?;
    Ok(Answer::flow(step.flow, Shown::Unfinished))
}

/// Somebody has proven who they are. Everything after that, for all methods (flows.md §3.5).
async fn sign_in(
    cx: &Cx,
    step: &mut Step<'_, Login>,
    method: MethodId,
    mut identity: Identity,
    by: Authentication,
) -> Result<Answer, Fault> {
    let known = step.session.filter(|s| s.identity_id == identity.id);
    let mut session = known
        .cloned()
        .unwrap_or_else(|| Session::fresh(identity.id, cx.dice(), cx.now));
    session::add_proof(&mut session, by);
    step.flow.active = Some(Group::Of(method));
    if !identity.is_active() {
        return Err(Refusal::identity_disabled(identity.id).into());
    }
    session::activate(&cx.config, cx.now, &mut session);
    // Shown in any case, kept (and named) only with a new session.
    session::add_device(&mut session, cx.request.client.facts(), cx.dice(), cx.now);
    if known.is_some()
        && let Some(device) = session.devices.last_mut()
    {
        device.id = DeviceId(Uuid::nil());
    }
    let newly_available = session::refresh_available_aal(&cx.config, &mut identity);

    let return_to = return_to::of(cx, step.flow, Some(method))?;
    let browser = step.flow.channel == Channel::Browser;
    if browser && cx.request.is_json {
        step.flow
            .passing
            .continue_with
            .push(ContinueWith::RedirectBrowserTo(return_to.clone()));
    }
    let after = Event::LoginAfter {
        flow: step.flow,
        identity: &mut identity,
        session: &session,
    };
    if let Verdict::Stop(answer) = hook::run(cx, Some(method), after, step.cookies).await? {
        return Ok(answer);
    }

    let mut batch = cx.store().batch();
    batch.update_flow(step.flow);
    if known.is_none() {
        batch.insert_session(&session);
    } else {
        batch.update_session(&session);
    }
    if let Some(aal) = identity.available_aal.filter(|_| newly_available) {
        batch.set_available_aal(identity.id, aal, cx.now);
    }
    match batch.commit().await {
        Ok(()) => {}
        // Somebody has deleted the identity since its proof was looked at.
        Err(Error::Dangling) => return Err(Fault::form(text::validation::credentials())),
        Err(error) => return Err(error.into()),
    }
    if known.is_some() && !is_alive(cx, &session).await? {
        return Err(Refusal::session_inactive().into());
    }
    if browser {
        finish::issue(cx, step.cookies, &session, known.is_none());
    }
    let required = cx.config.required_aal(FlowKind::Login);
    let step_up = (!admit::satisfies(cx, required, &session, &identity))
        .then(|| finish::step_up(cx, step.flow.return_to().as_deref()));
    Ok(Answer::SignedIn(Box::new(SignedIn {
        step_up,
        then: step.flow.passing.detour.take().unwrap_or(return_to),
        continue_with: std::mem::take(&mut step.flow.passing.continue_with),
        identity,
        session,
    })))
}

/// Whether a session that was confirmed is there still: it may have been revoked while the proof was looked at.
async fn is_alive(cx: &Cx, session: &Session) -> Result<bool, Fault> {
    let found = cx
        .store()
        .sessions()
        .find(session.id, Load::Addresses)
        .await?;
    Ok(found.is_some_and(|(stored, _)| stored.active))
}
