//! Codes and links for getting back into an account that an administrator hands out (flows.md §9.4.7, §9.5). Nothing is
//! sent, and no address is proven by them.
use super::{code, secret};
use crate::base::terms::{Group, MethodId, State};
use crate::flow::{Cx, Fault};
use crate::model::flow::RecoveryFlow;
use crate::model::identity::Identity;
use crate::store::{RecoveryCode, RecoveryToken};
use time::Duration;

/// A code for the flow, which is stored and asks for it. Whoever has both needs no cookie of a browser.
pub async fn code(
    cx: &Cx,
    flow: &mut RecoveryFlow,
    identity: &Identity,
    lifespan: Duration,
) -> Result<String, Fault> {
    flow.own.skip_csrf_check = true;
    flow.active = Some(Group::Of(MethodId::Code));
    flow.state = State::SentEmail;
    code::ask_stranger(&mut flow.form);
    let text = secret::code(cx);
    let own = RecoveryCode {
        flow: flow.id,
        address: None,
        identity: identity.id,
        by_admin: true,
    };
    let mut batch = cx.store().batch();
    batch.insert_flow(flow);
    batch.insert_once(&secret::row(cx, &text, lifespan, own)?);
    batch.commit().await?;
    Ok(text)
}

/// The token of a link for the flow, which is stored.
pub async fn link(
    cx: &Cx,
    flow: &RecoveryFlow,
    identity: &Identity,
    lifespan: Duration,
) -> Result<String, Fault> {
    let text = secret::token(cx);
    let own = RecoveryToken {
        flow: Some(flow.id),
        address: None,
        identity: Some(identity.id),
        by_admin: true,
    };
    let mut batch = cx.store().batch();
    batch.insert_flow(flow);
    batch.insert_once(&secret::row(cx, &text, lifespan, own)?);
    batch.commit().await?;
    Ok(text)
}
