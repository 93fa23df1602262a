//! Proving that an address is one's own (flows.md §7).
use super::{concluded, count, failure, load_for_typed, read, replace, reply, shown, start_over};
use crate::base::terms::{Channel, FlowKind, Group, MethodId, State, Via};
use crate::base::time::micros;
use crate::flow::outcome::{Again, VerificationOutcome, Verified};
use crate::flow::{
    Answer, CookieChanges, Cx, Fault, Refusal, Reply, Shown, Step, Submission, csrf, return_to,
};
use crate::hook::{self, Event, Verdict};
use crate::identity::validate;
use crate::method::{self, Method, begin_verification};
use crate::model::flow::{Settings, Verification, VerificationFlow};
use crate::model::identity::Identity;
use crate::model::pending::{PendingChange, traits_hash};
use crate::model::session::Session;
use crate::session;
use crate::store::{Batch, Load};
use crate::text::{self, Message};
use crate::ui::{Form, Node};

pub async fn begin(cx: &Cx, channel: Channel) -> Reply {
    let mut cookies = CookieChanges::default();
    let result = open(cx, channel, &mut cookies).await;
    concluded::<Verification>(channel, result, cookies)
}

async fn open(cx: &Cx, channel: Channel, cookies: &mut CookieChanges) -> Result<Answer, Fault> {
    must_be_on(cx)?;
    let url = cx.request.url.clone();
    let mut flow = blank(cx, channel, url, cookies)?;
    return_to::of(cx, &flow, None)?;
    hook::before(cx, Event::VerificationBefore { flow: &mut flow }, cookies).await?;
    cx.store().flows().insert(&flow).await?;
    Ok(Answer::flow(&flow, Shown::Fine))
}

fn must_be_on(cx: &Cx) -> Result<(), Fault> {
    if cx.config.selfservice.flows.verification.enabled {
        return Ok(());
    }
    Err(Refusal::bad("Verifying addresses is switched off here.").into())
}

/// A first form by the method that is configured.
fn blank(
    cx: &Cx,
    channel: Channel,
    request_url: String,
    cookies: &mut CookieChanges,
) -> Result<VerificationFlow, Fault> {
    let (id, method) = begin_verification::method(cx)?;
    let own = Verification::default();
    let mut flow = begin_verification::blank(cx, channel, request_url, own);
    flow.active = Some(Group::Of(id));
    method.populate(cx, &mut flow, cookies);
    Ok(flow)
}

pub async fn fetch(cx: &Cx) -> Reply {
    shown::<Verification>(match must_be_on(cx) {
        Ok(()) => read(cx).await,
        Err(fault) => Err(fault),
    })
}

pub async fn submit(cx: &Cx, s: &Submission) -> Reply {
    let mut flow = match load_for_typed::<Verification>(cx, s).await {
        Ok(flow) => flow,
        Err(fault) => {
            let cookies = CookieChanges::default();
            return concluded::<Verification>(Channel::Browser, Err(fault), cookies);
        }
    };
    let mut cookies = CookieChanges::default();
    let mut step = Step {
        flow: &mut flow,
        session: None,
        cookies: &mut cookies,
    };
    let answer = match take(cx, &mut step, s).await {
        Ok(answer) => answer,
        Err(fault) => failure::show(cx, step.flow, fault, |_| {}).await,
    };
    count::<Verification>(cx, s, &answer);
    reply::<Verification>(flow.channel, answer, cookies)
}

async fn take(cx: &Cx, step: &mut Step<'_, Verification>, s: &Submission) -> Result<Answer, Fault> {
    if step.flow.is_expired(cx.now) {
        return expired(cx, step).await;
    }
    // Only the method that began it, if that is on; what nobody took before changes nothing.
    let began = step.flow.active.and_then(Group::method);
    let meant = |m: &&dyn Method| began.is_none_or(|id| id == m.id());
    let methods = method::ALL.iter().copied().filter(meant);
    for (id, verification) in methods.filter_map(|m| m.verification().map(|v| (m.id(), v))) {
        let outcome = match verification.submit(cx, step, s).await {
            Ok(outcome) => outcome,
            Err(fault) => {
                step.flow.active = Some(Group::Of(id));
                return Err(fault);
            }
        };
        if !matches!(outcome, VerificationOutcome::NotMine) {
            return settle(cx, step, id, outcome).await;
        }
    }
    if let Some(typed) = s.text("email") {
        step.flow.form.fill("email", typed);
    }
    Err(Fault::form(text::verification::nobody()))
}

async fn settle(
    cx: &Cx,
    step: &mut Step<'_, Verification>,
    method: MethodId,
    outcome: VerificationOutcome,
) -> Result<Answer, Fault> {
    match outcome {
        VerificationOutcome::NotMine => Err(Fault::form(text::verification::nobody())),
        VerificationOutcome::AskAgain => Ok(Answer::flow(step.flow, Shown::ByAccept)),
        VerificationOutcome::Prefilled => prefilled(cx, step).await,
        VerificationOutcome::Verified(verified) => {
            let Verified {
                mut identity,
                address,
            } = *verified;
            for known in &mut identity.verifiable_addresses {
                if known.id == address.id {
                    known.prove(cx.now);
                }
            }
            let mut batch = cx.store().batch();
            batch.mark_verified(address.id, cx.now);
            finish(cx, step, method, (&identity, address.via), batch).await
        }
        VerificationOutcome::Approved(change) => approve(cx, step, method, &change).await,
        VerificationOutcome::Taken => taken(cx, step).await,
        VerificationOutcome::StartOver(again) => over(cx, step, again).await,
    }
}

/// Somebody followed the link of a code: the page shows it. What follows is bound to their browser.
async fn prefilled(cx: &Cx, step: &mut Step<'_, Verification>) -> Result<Answer, Fault> {
    let flow = &mut *step.flow;
    step.cookies.renew_csrf(cx.dice());
    csrf::put(cx, flow, step.cookies);
    cx.store().flows().update(flow).await?;
    Ok(Answer::SeeOther(cx.page(FlowKind::Verification, flow.id)))
}

/// The change that waited for the proof is made, if everything is as it was when it was wished (flows.md §7.2).
async fn approve(
    cx: &Cx,
    step: &mut Step<'_, Verification>,
    method: MethodId,
    change: &PendingChange,
) -> Result<Answer, Fault> {
    let invalid = text::verification::code_invalid();
    let Some((session, stored)) = wisher(cx, change).await? else {
        return say(cx, step, invalid, Shown::ByAccept).await;
    };
    let mut identity = stored.clone();
    identity.traits = change.proposed.clone();
    let schema = cx.schema(Some(&identity.schema_id)).await?;
    let policy = session::policy(&cx.config);
    validate::validate(&mut identity, &schema, &policy, cx.dice(), cx.now)?;
    identity.updated_at = micros(cx.now);
    for address in &mut identity.verifiable_addresses {
        if address.via == change.via && address.value == change.value {
            address.prove(cx.now);
        }
    }
    let mut batch = cx.store().batch();
    batch.change_identity(&stored, &identity, cx.dice());
    batch.complete_pending(change, cx.now);
    let before = step.flow.clone();
    match finish(cx, step, method, (&identity, change.via), batch).await {
        Err(Fault::Refused(refusal)) if refusal.status == 409 => {
            *step.flow = before;
            taken(cx, step).await
        }
        done => {
            let answer = done?;
            told(cx, step, change, (&stored, identity), &session).await?;
            Ok(answer)
        }
    }
}

/// The session that wished for the change, and its owner; nobody, if it is over or the traits are others by now.
async fn wisher(cx: &Cx, change: &PendingChange) -> Result<Option<(Session, Identity)>, Fault> {
    let (Some(session), Some(_)) = (change.session, change.origin) else {
        return Ok(None);
    };
    let mut sessions = cx.store().sessions();
    let found = sessions.find(session, Load::Credentials).await?;
    let found = found.filter(|(session, identity)| {
        session.is_live(cx.now)
            && identity.is_active()
            && identity.id == change.identity
            && traits_hash(identity) == change.original_hash
    });
    Ok(found)
}

/// The hooks that follow a change of the profile, with the form that it was made in.
async fn told(
    cx: &Cx,
    step: &mut Step<'_, Verification>,
    change: &PendingChange,
    (previous, mut identity): (&Identity, Identity),
    session: &Session,
) -> Result<(), Fault> {
    let origin = match change.origin {
        Some(id) => cx.store().flows().find::<Settings>(id).await?,
        None => None,
    };
    if let Some(mut flow) = origin {
        let after = Event::SettingsPostPersist {
            flow: &mut flow,
            previous,
            identity: &mut identity,
            session,
        };
        hook::run(cx, Some(MethodId::Profile), after, step.cookies).await?;
    }
    Ok(())
}

async fn taken(cx: &Cx, step: &mut Step<'_, Verification>) -> Result<Answer, Fault> {
    say(cx, step, text::validation::duplicate(), Shown::Unfinished).await
}

/// The form stays as it is, but for what it says.
async fn say(
    cx: &Cx,
    step: &mut Step<'_, Verification>,
    message: Message,
    shown: Shown,
) -> Result<Answer, Fault> {
    step.flow.form.messages = vec![message];
    cx.store().flows().update(step.flow).await?;
    Ok(Answer::flow(step.flow, shown))
}

/// The address is theirs. `batch` makes it so.
async fn finish(
    cx: &Cx,
    step: &mut Step<'_, Verification>,
    method: MethodId,
    (identity, via): (&Identity, Via),
    mut batch: Batch<'_>,
) -> Result<Answer, Fault> {
    let flow = &mut *step.flow;
    let then = return_to::of(cx, flow, None).unwrap_or_else(|_| {
        cx.config
            .return_url(FlowKind::Verification, None)
            .to_owned()
    });
    flow.state = State::PassedChallenge;
    flow.form = Form {
        method: "GET".to_owned(),
        ..Form::posted_to(then.clone())
    };
    csrf::put(cx, flow, step.cookies);
    let label = text::node::go_on();
    let link = Node::anchor("continue", &then, label.clone());
    flow.form.push(link.group(method).label(label));
    flow.form.say(match via {
        Via::Email => text::verification::email_verified(),
        Via::Sms => text::verification::phone_verified(),
    });
    batch.update_flow(flow);
    batch.commit().await?;
    let after = Event::VerificationAfter { flow, identity };
    match hook::run(cx, None, after, step.cookies).await {
        Ok(Verdict::Stop(answer)) => return Ok(answer),
        Ok(Verdict::Next) => {}
        // The address stays verified; the next form tells what went wrong.
        Err(fault) => return again(cx, step, fault).await,
    }
    step.flow.passing.transient_payload = None;
    Ok(Answer::flow(step.flow, Shown::ByAccept))
}

async fn again(cx: &Cx, step: &mut Step<'_, Verification>, fault: Fault) -> Result<Answer, Fault> {
    match fault {
        Fault::Refused(refusal) if refusal.status == 400 => {
            over(cx, step, Again::refused(*refusal)).await
        }
        fault => Err(fault),
    }
}

/// A new form takes the place of one that cannot go on.
async fn over(cx: &Cx, step: &mut Step<'_, Verification>, again: Again) -> Result<Answer, Fault> {
    let channel = again.channel.unwrap_or(step.flow.channel);
    step.cookies.renew_csrf(cx.dice());
    let url = cx.request.url.clone();
    let new = blank(cx, channel, url, step.cookies)?;
    start_over(cx, new, again).await
}

/// The form was too old.
async fn expired(cx: &Cx, step: &mut Step<'_, Verification>) -> Result<Answer, Fault> {
    let old = &*step.flow;
    step.cookies.renew_csrf(cx.dice());
    let url = old.request_url.clone();
    let new = blank(cx, Channel::Browser, url, step.cookies)?;
    let message = text::verification::expired(old.expires_at, cx.now);
    replace(cx, old, new, message).await
}
