//! Signing up (flows.md §4).
use super::{
    admit, checked_return, concluded, count, failure, finish, load, new_session,
    no_login_challenge, organization, read, refuse, replace, reply, shown, wanted_schema,
};
use crate::base::id::FlowId;
use crate::base::terms::{Channel, Group, MethodId, State};
use crate::base::url::Params;
use crate::flow::outcome::{RegistrationOutcome, Screen};
use crate::flow::{
    Answer, CookieChanges, Cx, Fault, Refusal, Registered, Reply, Shown, Step, Submission, csrf,
    return_to,
};
use crate::hook::{self, Event, Verdict};
use crate::identity::{hints, validate};
use crate::method::{self, Entry, Method};
use crate::model::flow::{ContinueWith, Flow, Registration, RegistrationFlow};
use crate::model::identity::Identity;
use crate::model::session::Authentication;
use crate::schema::IdentitySchema;
use crate::session;
use crate::store::{Error, Load};
use crate::text;
use crate::ui::{Form, order};
use std::sync::Arc;

pub async fn begin(cx: &Cx, channel: Channel) -> Reply {
    let mut cookies = CookieChanges::default();
    let result = open(cx, channel, &mut cookies).await;
    concluded::<Registration>(channel, result, cookies)
}

async fn open(cx: &Cx, channel: Channel, cookies: &mut CookieChanges) -> Result<Answer, Fault> {
    if !cx.config.selfservice.flows.registration.enabled {
        return Err(Refusal::flow_off().into());
    }
    no_login_challenge(cx)?;
    let mut flow = blank(cx, channel, cx.request.url.clone(), wanted_schema(cx)?);
    let then = checked_return(cx, &flow)?;
    if admit::visitor(cx, Load::Credentials).await?.is_some() {
        return Err(Refusal::already_signed_in().html_to(303, then).into());
    }
    furnish(cx, cookies, &mut flow).await?;
    hook::before(cx, Event::RegistrationBefore { flow: &mut flow }, cookies).await?;
    cx.store().flows().insert(&flow).await?;
    Ok(Answer::flow(&flow, Shown::Fine))
}

fn blank(
    cx: &Cx,
    channel: Channel,
    request_url: String,
    identity_schema: Option<String>,
) -> RegistrationFlow {
    let own = Registration {
        oauth2_login_challenge: None,
        organization_id: organization(&Params::of(&request_url)),
        identity_schema,
    };
    let id = FlowId::random(cx.dice());
    let action = cx.public("/self-service/registration", &[("flow", &id.to_string())]);
    let times = (
        cx.now,
        cx.now + cx.config.selfservice.flows.registration.lifespan,
    );
    Flow::new(id, channel, request_url, times, action, own)
}

async fn schema_of(cx: &Cx, flow: &RegistrationFlow) -> Result<Arc<IdentitySchema>, Fault> {
    cx.schema(flow.own.identity_schema.as_deref()).await
}

async fn furnish(
    cx: &Cx,
    cookies: &mut CookieChanges,
    flow: &mut RegistrationFlow,
) -> Result<(), Fault> {
    let schema = schema_of(cx, flow).await?;
    let first = cx
        .config
        .selfservice
        .flows
        .registration
        .asks_profile_first();
    let screen = if first {
        Screen::Profile
    } else {
        Screen::OneForAll
    };
    // No method of ours can be bound to an organization: the form is then empty.
    if flow.own.organization_id.is_none() {
        populate(cx, flow, &schema, screen).await?;
        csrf::put(cx, flow, cookies);
    }
    order::registration(&mut flow.form, schema.leaf_keys());
    Ok(())
}

async fn populate(
    cx: &Cx,
    flow: &mut RegistrationFlow,
    schema: &IdentitySchema,
    screen: Screen,
) -> Result<(), Fault> {
    let entry = Entry { screen, schema };
    for method in method::ALL {
        // The traits are always part of it.
        let asked = method.id() == MethodId::Profile || method.enabled(&cx.config);
        if let Some(registration) = method.registration().filter(|_| asked) {
            registration.populate(cx, flow, &entry).await?;
        }
    }
    Ok(())
}

pub async fn fetch(cx: &Cx) -> Reply {
    let result = read::<Registration>(cx).await;
    let off = !cx.config.selfservice.flows.registration.enabled;
    let missing = matches!(&result, Err(Fault::Refused(r)) if r.status == 404);
    let linking =
        matches!(&result, Ok(flow) if flow.memory.converted_for_account_linking == Some(true));
    match result {
        result if off && !linking && (missing || result.is_ok()) => {
            refuse::<Registration>(Refusal::flow_off())
        }
        result => shown(result),
    }
}

pub async fn submit(cx: &Cx, s: &Submission) -> Reply {
    match admit::visitor(cx, Load::Credentials).await {
        Ok(None) => {}
        Ok(Some(_)) => {
            return refuse::<Registration>(admit::already_signed_in(cx));
        }
        Err(fault) => {
            return concluded::<Registration>(
                Channel::Browser,
                Err(fault),
                CookieChanges::default(),
            );
        }
    }
    let mut flow = match load::<Registration>(cx).await {
        Ok(flow) => flow,
        Err(fault) => {
            return concluded::<Registration>(
                Channel::Browser,
                Err(fault),
                CookieChanges::default(),
            );
        }
    };
    let mut cookies = CookieChanges::default();
    let mut step = Step {
        flow: &mut flow,
        session: None,
        cookies: &mut cookies,
    };
    let result = match schema_of(cx, step.flow).await {
        Ok(schema) => match take(cx, &mut step, &schema, s).await {
            Ok(answer) => Ok(answer),
            Err(fault) => {
                let sort = |form: &mut Form| order::registration(form, schema.leaf_keys());
                Ok(failure::show(cx, step.flow, fault, sort).await)
            }
        },
        Err(fault) => Err(fault),
    };
    let answer = result.unwrap_or_else(Answer::from);
    count::<Registration>(cx, s, &answer);
    reply::<Registration>(flow.channel, answer, cookies)
}

async fn take(
    cx: &Cx,
    step: &mut Step<'_, Registration>,
    schema: &IdentitySchema,
    s: &Submission,
) -> Result<Answer, Fault> {
    if step.flow.is_expired(cx.now) {
        let old = &*step.flow;
        let mut new = blank(
            cx,
            old.channel,
            old.request_url.clone(),
            old.own.identity_schema.clone(),
        );
        furnish(cx, step.cookies, &mut new).await?;
        let message = text::registration::expired(step.flow.expires_at, cx.now);
        return replace(cx, step.flow, new, message).await;
    }
    for (method, registration) in method::ALL
        .iter()
        .filter_map(|m| m.registration().map(|r| (*m, r)))
    {
        match registration.submit(cx, step, schema, s).await? {
            RegistrationOutcome::NotMine => {}
            outcome => return settle(cx, step, schema, method, outcome).await,
        }
    }
    Err(Fault::form(text::registration::nobody()))
}

async fn settle(
    cx: &Cx,
    step: &mut Step<'_, Registration>,
    schema: &IdentitySchema,
    method: &'static dyn Method,
    outcome: RegistrationOutcome,
) -> Result<Answer, Fault> {
    match outcome {
        RegistrationOutcome::NotMine => Err(Fault::form(text::registration::nobody())),
        RegistrationOutcome::Create { identity, by } => {
            create(cx, step, schema, method.id(), *identity, by).await
        }
        RegistrationOutcome::AskAgain(shown) => Ok(Answer::flow(step.flow, shown)),
        RegistrationOutcome::Turn(screen) => {
            step.flow.form.forget_messages();
            step.flow.active = None;
            step.flow.state = State::ChooseMethod;
            populate(cx, step.flow, schema, screen).await?;
            order::registration(&mut step.flow.form, schema.leaf_keys());
            cx.store().flows().update(step.flow).await?;
            Ok(Answer::flow(step.flow, Shown::Unfinished))
        }
    }
}

/// Everything from "this is who wants an account" to "here it is", for all methods (flows.md §4.4).
async fn create(
    cx: &Cx,
    step: &mut Step<'_, Registration>,
    schema: &IdentitySchema,
    method: MethodId,
    mut identity: Identity,
    by: Authentication,
) -> Result<Answer, Fault> {
    let pre = Event::RegistrationPrePersist {
        flow: step.flow,
        identity: &mut identity,
    };
    if let Verdict::Stop(answer) = hook::run(cx, Some(method), pre, step.cookies).await? {
        return Ok(answer);
    }
    // The hooks may have changed the traits.
    validate::validate(
        &mut identity,
        schema,
        &session::policy(&cx.config),
        cx.dice(),
        cx.now,
    )?;

    let return_to = return_to::of(cx, step.flow, Some(method))?;
    let session = new_session(cx, identity.id, by);
    // Also without the `session` hook there is a session, which then nobody gets to know.
    let mut batch = cx.store().batch();
    batch.insert_identity(&identity, cx.dice());
    batch.insert_session(&session);
    if step.flow.state == State::PassedChallenge {
        // What it was passed by is used up.
        batch.update_flow(step.flow);
    }
    match batch.commit().await {
        Ok(()) => {}
        Err(Error::Conflict(_)) => return Err(Fault::form(duplicate(cx, &identity).await?)),
        Err(error) => return Err(error.into()),
    }

    let browser = step.flow.channel == Channel::Browser;
    if browser && cx.request.is_json {
        step.flow
            .passing
            .continue_with
            .push(ContinueWith::RedirectBrowserTo(return_to.clone()));
    }
    step.flow.active = Some(Group::Of(method));
    let mut sign_in = false;
    let post = Event::RegistrationPostPersist {
        flow: step.flow,
        identity: &mut identity,
        session: &session,
        sign_in: &mut sign_in,
    };
    if let Verdict::Stop(answer) = hook::run(cx, Some(method), post, step.cookies).await? {
        return Ok(answer);
    }
    if sign_in && browser {
        finish::issue(cx, step.cookies, &session, true);
    }
    if sign_in && !browser {
        step.flow
            .passing
            .continue_with
            .push(ContinueWith::SetSessionToken(session.token.clone()));
    }
    Ok(Answer::Registered(Box::new(Registered {
        then: step.flow.passing.detour.take().unwrap_or(return_to),
        continue_with: std::mem::take(&mut step.flow.passing.continue_with),
        session: sign_in.then_some(session),
        identity,
    })))
}

/// Somebody has the identifier already; with hints, how that person signs in (flows.md §11.1).
async fn duplicate(cx: &Cx, newcomer: &Identity) -> Result<text::Message, Fault> {
    if !cx.config.selfservice.flows.registration.login_hints {
        return Ok(text::validation::duplicate());
    }
    let Some((owner, taken)) = owner(cx, newcomer).await? else {
        return Ok(text::validation::duplicate());
    };
    let hints = hints::of(&owner);
    Ok(text::validation::duplicate_with_hints(
        &hints.types,
        &hints.providers,
        &taken,
    ))
}

/// Who has one of the newcomer's identifiers or addresses, and which.
async fn owner(cx: &Cx, newcomer: &Identity) -> Result<Option<(Identity, String)>, Fault> {
    let mut credentials: Vec<_> = newcomer.credentials.iter().collect();
    credentials.sort_by_key(|c| c.kind.word());
    for credential in credentials {
        for identifier in &credential.identifiers {
            let found = cx
                .store()
                .credentials()
                .by_identifier(&[credential.kind], identifier, identifier)
                .await?;
            if let Some(found) = found {
                return Ok(Some((found.identity, identifier.clone())));
            }
        }
    }
    let mut holder = None;
    for address in &newcomer.verifiable_addresses {
        let found = cx
            .store()
            .addresses()
            .verifiable(address.via, &address.value)
            .await?;
        holder = holder.or(found.map(|(id, _)| (id, address.value.clone())));
    }
    for address in &newcomer.recovery_addresses {
        let found = cx
            .store()
            .addresses()
            .recovery(address.via, &address.value)
            .await?;
        holder = holder.or(found.map(|(id, _)| (id, address.value.clone())));
    }
    let Some((id, taken)) = holder else {
        return Ok(None);
    };
    let owner = cx.store().identities().find(id, Load::Credentials).await?;
    Ok(owner.map(|owner| (owner, taken)))
}
