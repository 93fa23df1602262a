//! The double-submit cookie of browser flows, and the ban on cookies for API flows (flows.md §1.6).
use super::cx::CsrfFacts;
use super::{CookieChanges, Cx, Fault, Refusal, Submission};
use crate::base::terms::Channel;
use crate::model::flow::{Flow, Kind};
use crate::ui::{Form, Node};

/// May this submission be believed to come from where the flow was begun?
pub fn check<K: Kind>(cx: &Cx, flow: &Flow<K>, s: &Submission) -> Result<(), Fault> {
    check_token(cx, flow, s.text("csrf_token").as_deref())
}

/// The same for the token of a submission.
pub fn check_token<K: Kind>(cx: &Cx, flow: &Flow<K>, sent: Option<&str>) -> Result<(), Fault> {
    match flow.channel {
        Channel::Api => refuse_browsers(cx),
        Channel::Browser => match (&cx.request.csrf, sent) {
            (Some(cookie), Some(sent)) if cookie.matches(sent) => Ok(()),
            (_, sent) => Err(violation(&cx.request.csrf_facts, sent.is_some()).into()),
        },
    }
}

/// An app sends no cookies and no origin; what does is a browser that was lured into an app's flow.
fn refuse_browsers(cx: &Cx) -> Result<(), Fault> {
    let facts = &cx.request.csrf_facts;
    if facts.has_origin {
        return Err(Refusal::bad(
            "A flow for apps was called by a browser: there is an Origin header.",
        )
        .into());
    }
    if facts.foreign_cookies.is_empty() {
        return Ok(());
    }
    let found = facts.foreign_cookies.clone();
    Err(Refusal::bad(format!(
        "A flow for apps was called with cookies: {}.",
        found.join(", ")
    ))
    .detail("found cookies", found)
    .into())
}

/// The refusal of http-api.md §4.4, with what may help.
#[must_use]
pub fn violation(facts: &CsrfFacts, token_sent: bool) -> Refusal {
    let reason = if !facts.any_cookie {
        Some("The request has no cookies.")
    } else if !facts.cookie_sent {
        Some("The anti-forgery cookie is missing.")
    } else if token_sent || facts.json_body {
        Some("The anti-forgery token and cookie do not belong together.")
    } else {
        None
    };
    let hint = match (reason, facts.is_ajax) {
        (None, _) => "The anti-forgery token was not sent along.",
        (_, true) => "A script has to send its requests with credentials, to the same host name.",
        (_, false) => {
            "Cookies have to be allowed, and every address of the flow has to use the same host name."
        }
    };
    Refusal::csrf(reason, hint)
}

/// Puts the token into the form: the one just renewed, else the cookie's, else a first one.
/// An app's form has the field, too, but empty: it has no cookie that a token could belong to.
pub fn put<K: Kind>(cx: &Cx, flow: &mut Flow<K>, cookies: &mut CookieChanges) {
    let has_cookie = cookies.new_csrf().is_some() || cx.request.csrf.is_some();
    flow.csrf_token = if flow.channel == Channel::Browser || has_cookie {
        masked(cx, cookies)
    } else {
        String::new()
    };
    set_node(&mut flow.form, &flow.csrf_token);
}

/// A token for the form that belongs to the cookie the client has, or will have after this answer.
pub fn masked(cx: &Cx, cookies: &mut CookieChanges) -> String {
    match (cookies.new_csrf(), &cx.request.csrf) {
        (None, Some(token)) => token.mask(cx.dice()),
        _ => cookies.renew_csrf(cx.dice()).mask(cx.dice()),
    }
}

/// Replaces the field in place, or appends it.
pub fn set_node(form: &mut Form, token: &str) {
    form.set(Node::hidden("csrf_token", token).required());
}
