//! Getting back into an account by a link.
use super::{Link, ME, SHAPE, address_field, ask};
use crate::base::terms::{Aal, Channel, Group, State, TemplateType, Via};
use crate::courier::Letter;
use crate::flow::outcome::{Again, Recovered, RecoveryOutcome};
use crate::flow::{CookieChanges, Cx, Fault, Refusal, Step, Submission, csrf};
use crate::method::letters::{self, about, compose, evenly, person, recovered_by};
use crate::method::{RecoveryMethod, decode, must_be_on, secret, text_of};
use crate::model::flow::{Recovery, RecoveryFlow};
use crate::model::session::Authentication;
use crate::store::{Batch, Load, RecoveryToken};
use crate::text;
use async_trait::async_trait;

#[async_trait]
impl RecoveryMethod for Link {
    fn populate(&self, cx: &Cx, flow: &mut RecoveryFlow, cookies: &mut CookieChanges) {
        csrf::put(cx, flow, cookies);
        ask(&mut flow.form);
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Recovery>,
        s: &Submission,
    ) -> Result<RecoveryOutcome, Fault> {
        let body = decode(&SHAPE, s)?;
        let token = text_of(&body, "token");
        if !token.is_empty() {
            must_be_on(cx, self)?;
            return open(cx, step.flow, token).await;
        }
        if text_of(&body, "method") != ME.word() {
            return Ok(RecoveryOutcome::NotMine);
        }
        if step.session.is_some() {
            return Ok(RecoveryOutcome::AlreadySignedIn);
        }
        must_be_on(cx, self)?;
        step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
        match step.flow.state {
            State::ChooseMethod | State::SentEmail => {}
            State::PassedChallenge => {
                return Ok(start_over(Again::message(text::recovery::completed())));
            }
            _ => return Ok(start_over(Again::message(text::recovery::failed()))),
        }
        let email = text_of(&body, "email");
        if email.is_empty() {
            return Err(Fault::field("email", text::validation::missing("email")));
        }
        csrf::check(cx, step.flow, s)?;
        evenly(cx, send(cx, step, email)).await?;
        Ok(RecoveryOutcome::AskAgain)
    }
}

fn start_over(why: Again) -> RecoveryOutcome {
    RecoveryOutcome::StartOver(why.by_link())
}

/// A link that is wrong ends in a page, whatever opened it.
fn in_browser(why: Again) -> RecoveryOutcome {
    RecoveryOutcome::StartOver(why.by_link().in_channel(Channel::Browser))
}

/// Sends a link to the address, if it is known, and says so in any case.
async fn send(cx: &Cx, step: &mut Step<'_, Recovery>, to: &str) -> Result<(), Fault> {
    let mut batch = cx.store().batch();
    put(cx, step.flow, to, &mut batch).await?;
    let flow = &mut *step.flow;
    csrf::put(cx, flow, step.cookies);
    flow.form.set(address_field().value(to));
    flow.active = Some(Group::Of(ME));
    flow.state = State::SentEmail;
    flow.form.messages = vec![text::recovery::link_sent()];
    batch.update_flow(flow);
    Ok(batch.commit().await?)
}

async fn put(cx: &Cx, flow: &RecoveryFlow, to: &str, batch: &mut Batch<'_>) -> Result<(), Fault> {
    let via = Via::Email;
    let Some((identity, address)) = recovered_by(cx, flow, Some(via), to).await? else {
        if cx
            .config
            .selfservice
            .flows
            .recovery
            .notify_unknown_recipients
        {
            let letter = about(flow, TemplateType::RecoveryInvalid, via, to);
            batch.insert_message(&compose(cx, &letter).await?);
        }
        return Ok(());
    };
    let lifespan = cx.config.selfservice.methods.link.config.lifespan;
    let token = secret::token(cx);
    let own = RecoveryToken {
        flow: Some(flow.id),
        address: Some(address.id),
        identity: Some(identity.id),
        by_admin: false,
    };
    batch.insert_once(&secret::row(cx, &token, lifespan, own)?);
    let flow_id = flow.id.to_string();
    let query = [("flow", flow_id.as_str()), ("token", &token)];
    let link = letters::link(cx, flow, "/self-service/recovery", &query);
    let letter = Letter {
        identity: Some(person(cx, &identity)),
        url: Some(&link),
        expires_in_minutes: lifespan.whole_minutes(),
        ..about(flow, TemplateType::RecoveryValid, via, &address.value)
    };
    batch.insert_message(&compose(cx, &letter).await?);
    Ok(())
}

async fn open(cx: &Cx, flow: &mut RecoveryFlow, token: &str) -> Result<RecoveryOutcome, Fault> {
    let id = flow.id;
    let is_meant = |own: &RecoveryToken| own.flow.is_none_or(|flow| flow == id);
    let Some(token) = secret::use_token(cx, token, is_meant).await? else {
        return Ok(in_browser(Again::message(text::recovery::token_invalid())));
    };
    if token.is_expired(cx.now) {
        let message = text::recovery::expired(token.expires_at, cx.now);
        return Ok(in_browser(Again::message(message)));
    }
    let identity = match token.own.identity {
        Some(id) => cx.store().identities().find(id, Load::Credentials).await?,
        None => None,
    };
    let identity = identity.ok_or_else(|| Fault::from(Refusal::no_row()))?;
    let address = token.own.address.filter(|_| !token.own.by_admin);
    let address = address.and_then(|id| identity.recovery_addresses.iter().find(|a| a.id == id));
    Ok(RecoveryOutcome::Recovered(Box::new(Recovered {
        proves: address.map(|a| a.value.clone()),
        by: Authentication::named("link_recovery", Aal::One, cx.now),
        by_link: true,
        identity,
    })))
}
