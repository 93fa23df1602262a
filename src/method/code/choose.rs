//! Recovery by choosing among the addresses of an account, which are shown masked (flows.md §6.3).
//!
//! Nobody learns from it whether an account exists: who is unknown gets the screens of somebody with one address.
use super::{ME, continue_button, digits_field, hidden_method, recovery, resend_button};
use crate::base::terms::{State, Via};
use crate::flow::outcome::RecoveryOutcome;
use crate::flow::{Cx, Fault, Step, csrf};
use crate::method::letters::{evenly, recovered_by};
use crate::method::text_of;
use crate::model::flow::{Recovery, RecoveryFlow};
use crate::model::identifier::via_of;
use crate::text;
use crate::ui::{Input, Node};
use data_encoding::BASE64;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(super) fn is_state(state: State) -> bool {
    matches!(
        state,
        State::RecoveryAwaitingAddress
            | State::RecoveryAwaitingAddressChoice
            | State::RecoveryConfirmingAddress
            | State::RecoveryAwaitingCode
    )
}

pub(super) fn first_field() -> Node {
    Node::input("recovery_address", Input::Text)
        .group(ME)
        .required()
        .label(text::node::recovery_address())
}

/// One submission, but for codes.
pub(super) async fn advance(
    cx: &Cx,
    step: &mut Step<'_, Recovery>,
    body: &Value,
) -> Result<RecoveryOutcome, Fault> {
    let flow = &mut *step.flow;
    let typed = text_of(body, "recovery_address");
    let going_back = text_of(body, "screen") == "previous";
    let work = async {
        match flow.state {
            _ if going_back => back(cx, flow, typed).await,
            State::RecoveryAwaitingAddress => who(cx, flow, typed).await,
            State::RecoveryAwaitingAddressChoice => {
                let chosen = text_of(body, "recovery_select_address");
                choice(cx, flow, typed, chosen).await
            }
            _ => {
                let confirmed = text_of(body, "recovery_confirm_address");
                confirm(cx, flow, typed, confirmed).await
            }
        }
    };
    evenly(cx, work).await?;
    Ok(RecoveryOutcome::AskAgain)
}

/// All addresses of the account that this one belongs to; it alone, if there is no such account.
async fn known(cx: &Cx, flow: &RecoveryFlow, typed: &str) -> Result<Vec<String>, Fault> {
    let found = recovered_by(cx, flow, None, typed).await?;
    let mut all: Vec<String> = found.map_or_else(Vec::new, |(identity, _)| {
        let addresses = identity.recovery_addresses.into_iter();
        addresses.map(|address| address.value).collect()
    });
    if all.is_empty() {
        all.push(typed.to_owned());
    }
    all.sort();
    Ok(all)
}

async fn who(cx: &Cx, flow: &mut RecoveryFlow, typed: &str) -> Result<(), Fault> {
    required("recovery_address", typed)?;
    let all = known(cx, flow, typed).await?;
    if all.as_slice() == [typed] {
        return confirm(cx, flow, typed, typed).await;
    }
    restart(flow, State::RecoveryAwaitingAddressChoice);
    flow.form.say(text::recovery::choose_address());
    for address in all {
        let label = text::node::raw(&masked(&address));
        let node = Node::submit("recovery_select_address", &digest(&address));
        flow.form.push(node.group(ME).label(label));
    }
    flow.form.push(hidden_method());
    flow.form.push(hidden_address(typed));
    Ok(cx.store().flows().update(flow).await?)
}

async fn choice(cx: &Cx, flow: &mut RecoveryFlow, typed: &str, chosen: &str) -> Result<(), Fault> {
    required("recovery_select_address", chosen)?;
    required("recovery_address", typed)?;
    let is_chosen = |address: &str| bool::from(digest(address).as_bytes().ct_eq(chosen.as_bytes()));
    if is_chosen(typed) {
        return confirm(cx, flow, typed, typed).await;
    }
    let all = known(cx, flow, typed).await?;
    let Some(address) = all.iter().find(|address| is_chosen(address)) else {
        return Err(Fault::bad("This is none of the addresses to choose from."));
    };
    let (input, label) = match via_of(address) {
        Via::Email => (Input::Email, text::node::email()),
        Via::Sms => (Input::Tel, text::node::phone()),
    };
    restart(flow, State::RecoveryConfirmingAddress);
    flow.form.say(text::recovery::ask_full_address());
    let field = Node::input("recovery_confirm_address", input).group(ME);
    flow.form.push(field.value("").required().label(label));
    flow.form.push(hidden_address(typed));
    flow.form.push(continue_button());
    flow.form.push(hidden_method());
    flow.form.push(back_button());
    Ok(cx.store().flows().update(flow).await?)
}

/// Sends a code to what was typed, if that is an address for recovery, and asks for it in any case.
async fn confirm(
    cx: &Cx,
    flow: &mut RecoveryFlow,
    typed: &str,
    confirmed: &str,
) -> Result<(), Fault> {
    required("recovery_confirm_address", confirmed)?;
    let mut batch = cx.store().batch();
    recovery::send(cx, flow, (via_of(confirmed), confirmed), &mut batch).await?;
    restart(flow, State::RecoveryAwaitingCode);
    flow.form
        .say(text::recovery::code_sent_to(&masked(confirmed)));
    flow.form.push(digits_field(text::node::recovery_code()));
    flow.form.push(continue_button());
    flow.form.push(hidden_method());
    flow.form
        .push(resend_button("recovery_confirm_address", confirmed));
    flow.form.push(hidden_address(typed));
    flow.form.push(back_button());
    batch.update_flow(flow);
    Ok(batch.commit().await?)
}

/// To the choice, if there is one, else to the beginning.
async fn back(cx: &Cx, flow: &mut RecoveryFlow, typed: &str) -> Result<(), Fault> {
    let late = matches!(
        flow.state,
        State::RecoveryAwaitingCode | State::RecoveryConfirmingAddress
    );
    if late && known(cx, flow, typed).await?.len() > 1 {
        return who(cx, flow, typed).await;
    }
    restart(flow, State::RecoveryAwaitingAddress);
    flow.form.push(first_field());
    flow.form.push(continue_button());
    Ok(cx.store().flows().update(flow).await?)
}

fn required(field: &str, value: &str) -> Result<(), Fault> {
    if value.is_empty() {
        return Err(Fault::field(field, text::validation::missing(field)));
    }
    Ok(())
}

/// An empty form in another state.
fn restart(flow: &mut RecoveryFlow, state: State) {
    flow.state = state;
    flow.form.clear();
    let token = flow.csrf_token.clone();
    csrf::set_node(&mut flow.form, &token);
}

fn hidden_address(typed: &str) -> Node {
    Node::hidden("recovery_address", typed).group(ME)
}

fn back_button() -> Node {
    Node::submit("screen", "previous")
        .group(ME)
        .label(text::recovery::back())
}

fn digest(address: &str) -> String {
    BASE64.encode(&Sha256::digest(address))
}

/// Enough of it to be known by its owner. What is too short to hide anything is shown.
fn masked(address: &str) -> String {
    let characters: Vec<char> = address.chars().collect();
    let text = |range: &[char]| range.iter().collect::<String>();
    match characters.iter().position(|c| *c == '@') {
        Some(at) if at < 2 => address.to_owned(),
        Some(at) => format!("{}****{}", text(&characters[..2]), text(&characters[at..])),
        None if characters.len() < 6 => address.to_owned(),
        None => {
            let end = text(&characters[characters.len() - 2..]);
            format!("{}****{end}", text(&characters[..3]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn the_middle_of_an_address_is_hidden() {
        assert_eq!(masked("x@example.org"), "x@example.org");
        assert_eq!(masked("xy@example.org"), "xy****@example.org");
        assert_eq!(masked("somebody@example.org"), "so****@example.org");
        assert_eq!(masked("+4917612345"), "+49****45");
        assert_eq!(masked("+4917"), "+4917");
        assert_eq!(masked("äöü@example.org"), "äö****@example.org");
    }
}
