//! Settings, as far as they are begun by others: the form at the end of a recovery.
use crate::base::id::FlowId;
use crate::base::terms::{Channel, FlowKind};
use crate::base::url::{Params, with};
use crate::flow::{CookieChanges, Cx, csrf};
use crate::model::flow::{Flow, RecoveryFlow, Settings, SettingsFlow};
use crate::model::identity::Identity;
use crate::text;

/// Where somebody who got their account back sets a new password. To be stored.
pub(super) fn after_recovery(
    cx: &Cx,
    from: &RecoveryFlow,
    channel: Channel,
    identity: &Identity,
    cookies: &mut CookieChanges,
) -> SettingsFlow {
    let id = FlowId::random(cx.dice());
    let action = cx.public("/self-service/settings", &[("flow", &id.to_string())]);
    let settings = &cx.config.selfservice.flows.settings;
    let times = (cx.now, cx.now + settings.lifespan);
    let own = Settings {
        identity: identity.id,
        organization_id: None,
    };
    let url = led_back(cx, from);
    let mut flow = Flow::new(id, channel, url, times, action, own);
    csrf::put(cx, &mut flow, cookies);
    let until = cx.now + settings.privileged_session_max_age;
    flow.form.say(text::recovery::recovered(until, cx.now));
    flow
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
