//! Proving an address by a link.
use super::{Link, ME, SHAPE, address_field, ask};
use crate::base::terms::{Channel, Group, MethodId, State, TemplateType, Via};
use crate::courier::Letter;
use crate::flow::outcome::{Again, VerificationOutcome};
use crate::flow::{CookieChanges, Cx, Fault, Step, Submission, csrf};
use crate::method::letters::{self, about, compose, evenly, person, proven, verified_by};
use crate::method::{Target, VerificationMethod, decode, must_be_on, secret, text_of};
use crate::model::flow::{Verification, VerificationFlow};
use crate::model::identity::Identity;
use crate::store::{Batch, VerificationToken};
use crate::text;
use crate::ui::Node;
use async_trait::async_trait;

#[async_trait]
impl VerificationMethod for Link {
    fn populate(&self, cx: &Cx, flow: &mut VerificationFlow, cookies: &mut CookieChanges) {
        csrf::put(cx, flow, cookies);
        ask(&mut flow.form);
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Verification>,
        s: &Submission,
    ) -> Result<VerificationOutcome, Fault> {
        let body = decode(&SHAPE, s)?;
        let token = text_of(&body, "token");
        if !token.is_empty() {
            must_be_on(cx, self)?;
            return open(cx, step.flow, token).await;
        }
        if text_of(&body, "method") != ME.word() {
            return Ok(VerificationOutcome::NotMine);
        }
        step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
        let email = text_of(&body, "email");
        let answered = answer(self, cx, step, s, email).await;
        if answered.is_err() {
            csrf::put(cx, step.flow, step.cookies);
            step.flow.form.set(address_field().value(email));
        }
        answered
    }

    fn begin(
        &self,
        cx: &Cx,
        flow: &mut VerificationFlow,
        target: Target<'_>,
        cookies: &mut CookieChanges,
    ) {
        flow.state = State::SentEmail;
        // As the reference has it: one button stands there twice, the other is that of another method.
        self.populate(cx, flow, cookies);
        self.populate(cx, flow, cookies);
        let again = Node::submit(target.via.word(), target.value).group(MethodId::Code);
        flow.form.push(again.label(text::node::resend_code()));
    }

    async fn send(
        &self,
        cx: &Cx,
        flow: &VerificationFlow,
        of: (&Identity, Target<'_>),
        batch: &mut Batch<'_>,
    ) -> Result<(), Fault> {
        put(cx, flow, of, batch).await
    }
}

async fn answer(
    method: &Link,
    cx: &Cx,
    step: &mut Step<'_, Verification>,
    s: &Submission,
    email: &str,
) -> Result<VerificationOutcome, Fault> {
    must_be_on(cx, method)?;
    match step.flow.state {
        State::ChooseMethod | State::SentEmail => {}
        State::PassedChallenge => {
            let over = Again::message(text::verification::completed());
            return Ok(VerificationOutcome::StartOver(over.by_link()));
        }
        _ => {
            let over = Again::message(text::verification::failed());
            return Ok(VerificationOutcome::StartOver(over.by_link()));
        }
    }
    if email.is_empty() {
        return Err(Fault::field("email", text::validation::missing("email")));
    }
    csrf::check(cx, step.flow, s)?;
    evenly(cx, send(cx, step, email)).await?;
    Ok(VerificationOutcome::AskAgain)
}

/// Sends a link to the address, if it is known, and says so in any case.
async fn send(cx: &Cx, step: &mut Step<'_, Verification>, to: &str) -> Result<(), Fault> {
    let flow = &mut *step.flow;
    let via = Via::Email;
    let mut batch = cx.store().batch();
    match verified_by(cx, flow, via, to).await? {
        Some((identity, address)) => {
            put(cx, flow, (&identity, (&address).into()), &mut batch).await?;
        }
        None if cx
            .config
            .selfservice
            .flows
            .verification
            .notify_unknown_recipients =>
        {
            let letter = about(flow, TemplateType::VerificationInvalid, via, to);
            batch.insert_message(&compose(cx, &letter).await?);
        }
        None => {}
    }
    csrf::put(cx, flow, step.cookies);
    flow.form.set(address_field().value(to));
    flow.active = Some(Group::Of(ME));
    flow.state = State::SentEmail;
    flow.form.messages = vec![text::verification::link_sent()];
    flow.passing.transient_payload = None;
    batch.update_flow(flow);
    Ok(batch.commit().await?)
}

/// A link for the address, and the letter that brings it.
async fn put(
    cx: &Cx,
    flow: &VerificationFlow,
    (identity, target): (&Identity, Target<'_>),
    batch: &mut Batch<'_>,
) -> Result<(), Fault> {
    let lifespan = cx.config.selfservice.methods.link.config.lifespan;
    let token = secret::token(cx);
    let own = VerificationToken {
        flow: flow.id,
        address: target.stored,
    };
    batch.insert_once(&secret::row(cx, &token, lifespan, own)?);
    let flow_id = flow.id.to_string();
    let query = [("flow", flow_id.as_str()), ("token", &token)];
    let link = letters::link(cx, flow, "/self-service/verification", &query);
    let template = TemplateType::VerificationValid;
    let letter = Letter {
        identity: Some(person(cx, identity)),
        url: Some(&link),
        expires_in_minutes: lifespan.whole_minutes(),
        ..about(flow, template, target.via, target.value)
    };
    batch.insert_message(&compose(cx, &letter).await?);
    if let Some(id) = target.stored {
        batch.mark_sent(id);
    }
    Ok(())
}

async fn open(cx: &Cx, flow: &VerificationFlow, token: &str) -> Result<VerificationOutcome, Fault> {
    let again = |message| {
        let why = Again::message(message).by_link();
        Ok(VerificationOutcome::StartOver(
            why.in_channel(Channel::Browser),
        ))
    };
    let id = flow.id;
    let is_meant = |own: &VerificationToken| own.flow == id;
    let Some(token) = secret::use_token(cx, token, is_meant).await? else {
        return again(text::verification::token_invalid());
    };
    if token.is_expired(cx.now) {
        return again(text::verification::expired(token.expires_at, cx.now));
    }
    match proven(cx, flow.id, token.own.address).await? {
        Some(outcome) => Ok(outcome),
        None => again(text::verification::token_invalid()),
    }
}
