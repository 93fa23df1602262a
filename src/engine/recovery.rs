//! Getting back into an account (flows.md §6).
use super::admit::{self, Visitor};
use super::{
    concluded, count, failure, finish, load_for_typed, new_session, read, replace, reply, settings,
    shown, start_over, truthy,
};
use crate::base::id::FlowId;
use crate::base::terms::{Channel, FlowKind, Group, MethodId, State};
use crate::base::url::Params;
use crate::config::feature_flags::FeatureFlags;
use crate::flow::outcome::{Again, Recovered, RecoveryOutcome};
use crate::flow::{
    Answer, CookieChanges, Cx, Fault, Refusal, Reply, Shown, Step, Submission, csrf, return_to,
};
use crate::hook::{self, Event, Verdict};
use crate::method::{self, Owner, RecoveryMethod, hand_out};
use crate::model::flow::{ContinueWith, Flow, Recovery, RecoveryFlow};
use crate::model::identity::Identity;
use crate::session;
use crate::store::Load;
use crate::text;
use time::{Duration, OffsetDateTime};

pub async fn begin(cx: &Cx, channel: Channel) -> Reply {
    let mut cookies = CookieChanges::default();
    let result = open(cx, channel, &mut cookies).await;
    concluded::<Recovery>(channel, result, cookies)
}

async fn open(cx: &Cx, channel: Channel, cookies: &mut CookieChanges) -> Result<Answer, Fault> {
    if admit::visitor(cx, Load::Addresses).await?.is_some() {
        return Err(admit::already_signed_in(cx).into());
    }
    must_be_on(cx)?;
    let lifespan = cx.config.selfservice.flows.recovery.lifespan;
    let url = cx.request.url.clone();
    let mut flow = blank(cx, configured(cx)?, channel, url, lifespan, cookies);
    return_to::of(cx, &flow, None)?;
    hook::before(cx, Event::RecoveryBefore { flow: &mut flow }, cookies).await?;
    cx.store().flows().insert(&flow).await?;
    Ok(Answer::flow(&flow, Shown::Fine))
}

fn must_be_on(cx: &Cx) -> Result<(), Fault> {
    if cx.config.selfservice.flows.recovery.enabled {
        return Ok(());
    }
    Err(Refusal::bad("Getting back into an account is switched off here.").into())
}

type Chosen = (MethodId, &'static dyn RecoveryMethod);

/// The method that `selfservice.flows.recovery.use` names. It has to be on.
fn configured(cx: &Cx) -> Result<Chosen, Fault> {
    let id = cx.config.selfservice.flows.recovery.r#use.method();
    let method = method::primary(&cx.config, id).and_then(|m| m.recovery());
    let off = || Refusal::bad("The method by which accounts are got back is switched off.");
    Ok((id, method.ok_or_else(off)?))
}

/// The method that began a flow, or the one of today if that is off.
fn of(cx: &Cx, flow: &RecoveryFlow) -> Result<Chosen, Fault> {
    let id = flow.active.and_then(Group::method);
    let method = id.and_then(|id| {
        let method = method::primary(&cx.config, id)?;
        Some((id, method.recovery()?))
    });
    method.map_or_else(|| configured(cx), Ok)
}

/// What an administrator hands out.
pub struct HandedOut {
    /// Where it is to be used.
    pub link: String,
    /// There if it is not part of the link.
    pub code: Option<String>,
    pub expires_at: OffsetDateTime,
}

/// A code or a link for somebody who cannot get at their mail (http-api.md §12.1, §12.2). Whether recovery is on for
/// everybody does not matter. `lifespan`: as configured if it is not given.
pub async fn hand_out(
    cx: &Cx,
    by: MethodId,
    identity: &Identity,
    lifespan: Option<Duration>,
    channel: Channel,
) -> Result<HandedOut, Fault> {
    let method = method::primary(&cx.config, by).and_then(|m| m.recovery());
    let method = method.ok_or_else(Refusal::method_off)?;
    let methods = &cx.config.selfservice.methods;
    let default = match by {
        MethodId::Link => methods.link.config.lifespan,
        _ => methods.code.config.lifespan,
    };
    let lifespan = lifespan.unwrap_or(default);
    let url = cx.request.url.clone();
    let mut cookies = CookieChanges::default();
    let mut flow = blank(cx, (by, method), channel, url, lifespan, &mut cookies);
    return_to::of(cx, &flow, None)?;
    let expires_at = flow.expires_at;
    if by == MethodId::Link {
        let token = hand_out::link(cx, &flow, identity, lifespan).await?;
        let id = flow.id.to_string();
        let query = [("flow", id.as_str()), ("token", &token)];
        return Ok(HandedOut {
            link: cx.public("/self-service/recovery", &query),
            code: None,
            expires_at,
        });
    }
    let code = hand_out::code(cx, &mut flow, identity, lifespan).await?;
    Ok(HandedOut {
        link: cx.page(FlowKind::Recovery, flow.id),
        code: Some(code),
        expires_at,
    })
}

/// A first form.
fn blank(
    cx: &Cx,
    (id, method): Chosen,
    channel: Channel,
    request_url: String,
    lifespan: Duration,
    cookies: &mut CookieChanges,
) -> RecoveryFlow {
    let flow_id = FlowId::random(cx.dice());
    let action = cx.public("/self-service/recovery", &[("flow", &flow_id.to_string())]);
    let times = (cx.now, cx.now + lifespan);
    let own = Recovery::default();
    let mut flow = Flow::new(flow_id, channel, request_url, times, action, own);
    flow.active = Some(Group::Of(id));
    if cx.config.feature_flags.choose_recovery_address {
        flow.state = State::RecoveryAwaitingAddress;
    }
    method.populate(cx, &mut flow, cookies);
    flow
}

pub async fn fetch(cx: &Cx) -> Reply {
    shown::<Recovery>(match must_be_on(cx) {
        Ok(()) => read(cx).await,
        Err(fault) => Err(fault),
    })
}

pub async fn submit(cx: &Cx, s: &Submission) -> Reply {
    let mut flow = match load_for_typed::<Recovery>(cx, s).await {
        Ok(flow) => flow,
        Err(fault) => {
            let cookies = CookieChanges::default();
            return concluded::<Recovery>(Channel::Browser, Err(fault), cookies);
        }
    };
    let mut cookies = CookieChanges::default();
    let answer = match admit::visitor(cx, Load::Addresses).await {
        Ok(visitor) => {
            let mut step = Step {
                flow: &mut flow,
                session: visitor.as_ref().map(|v| &v.session),
                cookies: &mut cookies,
            };
            match take(cx, &mut step, visitor.as_ref(), s).await {
                Ok(answer) => answer,
                Err(fault) => failure::show(cx, step.flow, fault, |_| {}).await,
            }
        }
        Err(fault) => fault.into(),
    };
    count::<Recovery>(cx, s, &answer);
    reply::<Recovery>(flow.channel, answer, cookies)
}

async fn take(
    cx: &Cx,
    step: &mut Step<'_, Recovery>,
    visitor: Option<&Visitor>,
    s: &Submission,
) -> Result<Answer, Fault> {
    if step.flow.is_expired(cx.now) {
        return expired(cx, step).await;
    }
    for method in method::ALL {
        let Some(recovery) = method.recovery() else {
            continue;
        };
        let outcome = match recovery.submit(cx, step, s).await {
            Ok(outcome) => outcome,
            Err(fault) => {
                step.flow.active = Some(Group::Of(method.id()));
                return Err(fault);
            }
        };
        if !matches!(outcome, RecoveryOutcome::NotMine) {
            let chosen = (method.id(), recovery);
            return settle(cx, step, visitor, chosen, outcome).await;
        }
    }
    Err(Fault::form(text::recovery::nobody()))
}

async fn settle(
    cx: &Cx,
    step: &mut Step<'_, Recovery>,
    visitor: Option<&Visitor>,
    method: Chosen,
    outcome: RecoveryOutcome,
) -> Result<Answer, Fault> {
    match outcome {
        RecoveryOutcome::NotMine => Err(Fault::form(text::recovery::nobody())),
        RecoveryOutcome::AskAgain => Ok(Answer::flow(step.flow, Shown::Fine)),
        RecoveryOutcome::AlreadySignedIn => {
            let refusal = admit::already_signed_in(cx);
            Ok(Answer::Refused(Box::new(refusal)))
        }
        RecoveryOutcome::Recovered(recovered) => {
            recover(cx, step, visitor, method, *recovered).await
        }
        RecoveryOutcome::StartOver(again) => over(cx, step, method, again).await,
    }
}

/// A code or link was right: a session, and a form to set new credentials with (flows.md §6.4).
async fn recover(
    cx: &Cx,
    step: &mut Step<'_, Recovery>,
    visitor: Option<&Visitor>,
    method: Chosen,
    recovered: Recovered,
) -> Result<Answer, Fault> {
    let Recovered {
        mut identity,
        by,
        proves,
        by_link,
    } = recovered;
    let channel = if by_link {
        Channel::Browser
    } else {
        step.flow.channel
    };
    let flow = &mut *step.flow;
    flow.form.messages.clear();
    flow.state = State::PassedChallenge;
    flow.own.recovered = Some(identity.id);
    if channel == Channel::Browser {
        step.cookies.renew_csrf(cx.dice());
        csrf::put(cx, flow, step.cookies);
    }
    let mut proven = vec![];
    for address in &mut identity.verifiable_addresses {
        if proves.as_deref() == Some(&address.value) {
            address.prove(cx.now);
            proven.push(address.id);
        }
    }
    let session = new_session(cx, identity.id, by);
    let newly_available = session::refresh_available_aal(&cx.config, &mut identity);
    let after = Event::RecoveryAfter {
        flow,
        identity: &identity,
        session: &session,
    };
    let hooks = if identity.is_active() {
        hook::run(cx, None, after, step.cookies).await
    } else {
        Err(Refusal::identity_disabled(identity.id).into())
    };
    let mut batch = cx.store().batch();
    for id in proven {
        batch.mark_verified(id, cx.now);
    }
    batch.update_flow(step.flow);
    let hooks = match hooks {
        // The code is used up; the next form tells what went wrong.
        Err(Fault::Refused(refusal)) if refusal.status == 400 => {
            batch.commit().await?;
            let mut again = Again::refused(*refusal);
            again.by_link = by_link;
            again.channel = by_link.then_some(Channel::Browser);
            return over(cx, step, method, again).await;
        }
        hooks => hooks,
    };
    match hooks {
        Ok(Verdict::Next) => {}
        Ok(Verdict::Stop(answer)) => {
            batch.commit().await?;
            return Ok(answer);
        }
        Err(fault) => {
            batch.commit().await?;
            return Err(fault);
        }
    }
    batch.insert_session(&session);
    if let Some(aal) = identity.available_aal.filter(|_| newly_available) {
        batch.set_available_aal(identity.id, aal, cx.now);
    }
    let flow = &mut *step.flow;
    let query = Params::of(&flow.request_url);
    let skips_settings = truthy(&query, "skip_settings") && !by_link;
    let owner = Owner {
        identity: &identity,
        session: &session,
    };
    let form = if skips_settings {
        None
    } else {
        Some(settings::after_recovery(cx, flow, channel, owner, step.cookies).await?)
    };
    if let Some(form) = &form {
        batch.insert_flow(form);
    }
    let then = return_to::of(cx, flow, None);
    batch.commit().await?;
    if channel == Channel::Browser {
        let another = visitor.is_none_or(|v| v.identity.id != identity.id);
        finish::issue(cx, step.cookies, &session, another);
    } else {
        let token = ContinueWith::SetSessionToken(session.token.clone());
        flow.passing.continue_with.push(token);
    }
    let Some(form) = form else {
        return Ok(if cx.request.accepts_json {
            Answer::flow(flow, Shown::Fine)
        } else {
            Answer::SeeOther(then?)
        });
    };
    let page = cx.page(FlowKind::Settings, form.id);
    if by_link {
        return Ok(Answer::SeeOther(page));
    }
    if !flags(cx).use_continue_with_transitions {
        return Ok(Answer::GoTo(page));
    }
    let next = ContinueWith::ShowSettingsUi {
        flow: form.id,
        url: Some(page.clone()),
    };
    flow.passing.continue_with.push(next);
    Ok(Answer::Done {
        flow: Box::new(flow.any()),
        then: page,
    })
}

fn flags(cx: &Cx) -> &FeatureFlags {
    &cx.config.feature_flags
}

/// A new form takes the place of one that cannot go on.
async fn over(
    cx: &Cx,
    step: &mut Step<'_, Recovery>,
    method: Chosen,
    again: Again,
) -> Result<Answer, Fault> {
    let channel = again.channel.unwrap_or(step.flow.channel);
    step.cookies.renew_csrf(cx.dice());
    let lifespan = cx.config.selfservice.flows.recovery.lifespan;
    let url = cx.request.url.clone();
    let new = blank(cx, method, channel, url, lifespan, step.cookies);
    start_over(cx, new, again).await
}

/// The form was too old.
async fn expired(cx: &Cx, step: &mut Step<'_, Recovery>) -> Result<Answer, Fault> {
    let old = &*step.flow;
    let method = of(cx, old)?;
    let channel = match method.0 {
        // Links are opened in browsers.
        MethodId::Link => Channel::Browser,
        _ => old.channel,
    };
    let lifespan = cx.config.selfservice.flows.recovery.lifespan;
    let url = old.request_url.clone();
    let new = blank(cx, method, channel, url, lifespan, step.cookies);
    let message = text::recovery::expired(old.expires_at, cx.now);
    replace(cx, old, new, message).await
}
