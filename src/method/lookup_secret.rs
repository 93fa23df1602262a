//! Backup codes: each stands in once for a second factor that is not at hand (flows.md §9.7).
use super::{
    LoginMethod, LoginMode, Method, Owner, SettingsMethod, decode, is_first_factor, must_be_fresh,
    must_be_on, second_step_of, text_of, with_second_factor,
};
use crate::base::random;
use crate::base::terms::{Aal, CredentialsType, MethodId};
use crate::base::time::{parse_rfc3339, rfc3339};
use crate::flow::outcome::{LoginOutcome, SettingsOutcome};
use crate::flow::{Cx, Fault, Step, Submission, csrf};
use crate::model::credentials::Credential;
use crate::model::flow::{Login, LoginFlow, Settings, SettingsFlow};
use crate::model::identity::Identity;
use crate::model::session::Authentication;
use crate::schema::{Payload, SchemaError};
use crate::text::{self, Message};
use crate::ui::{Form, Input, Node};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;
use subtle::ConstantTimeEq;

pub(super) struct LookupSecret;
const ME: MethodId = MethodId::LookupSecret;
/// How many there are at a time, and how long each is.
const CODES: usize = 12;
const LENGTH: usize = 8;
const REVEALED: &str = "lookup_secret_revealed";
const REGENERATED: &str = "lookup_secret_regenerated";

static LOGIN: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(
        &json!({ "type": "object", "required": ["lookup_secret"], "properties": {
        "method": { "type": "string" },
        "lookup_secret": { "type": "string" },
        "csrf_token": { "type": "string" },
    } }),
    )
});
static SETTINGS: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "lookup_secret_reveal": { "type": "boolean" },
        "lookup_secret_regenerate": { "type": "boolean" },
        "lookup_secret_confirm": { "type": "boolean" },
        "lookup_secret_disable": { "type": "boolean" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }))
});

impl Method for LookupSecret {
    fn id(&self) -> MethodId {
        ME
    }
    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }
    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// The codes of a credential, used ones too.
fn codes(config: &Value) -> &[Value] {
    let list = config["recovery_codes"].as_array();
    list.map_or(&[], Vec::as_slice)
}

fn set_up(identity: &Identity) -> Option<&Credential> {
    let credential = identity.credential(CredentialsType::LookupSecret)?;
    (!codes(&credential.config).is_empty()).then_some(credential)
}

fn used_at(code: &Value) -> Option<&str> {
    code["used_at"].as_str().filter(|at| !at.is_empty())
}

fn proof(cx: &Cx) -> Authentication {
    Authentication::by(ME, Aal::Two, cx.now)
}

#[async_trait]
impl LoginMethod for LookupSecret {
    async fn populate(
        &self,
        _: &Cx,
        flow: &mut LoginFlow,
        mode: LoginMode<'_>,
    ) -> Result<(), Fault> {
        let (LoginMode::SecondFactor(identity) | LoginMode::SecondFactorRefresh(identity)) = mode
        else {
            return Ok(());
        };
        // Asked for even where none were imported, as there, though nothing fits then.
        if identity.credential(CredentialsType::LookupSecret).is_none() {
            return Ok(());
        }
        let field = Node::input("lookup_secret", Input::Text).group(ME);
        let field = field.value("").required();
        flow.form.set(field.label(text::login::lookup_label()));
        let button = Node::submit("method", ME.word()).group(ME);
        flow.form.push(button.label(text::login::lookup_submit()));
        Ok(())
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Login>,
        s: &Submission,
    ) -> Result<LoginOutcome, Fault> {
        if is_first_factor(step) || s.method()?.as_deref() != Some(ME.word()) {
            return Ok(LoginOutcome::NotMine);
        }
        must_be_on(cx, self)?;
        let used = use_code(cx, step, s).await;
        if used.is_err() {
            step.flow.form.fill("lookup_secret", Value::Null);
        }
        Ok(LoginOutcome::Authenticated {
            identity: Box::new(used?),
            by: proof(cx),
        })
    }
}

async fn use_code(cx: &Cx, step: &mut Step<'_, Login>, s: &Submission) -> Result<Identity, Fault> {
    let body = decode(&LOGIN, s)?;
    csrf::check(cx, step.flow, s)?;
    let mut identity = second_step_of(cx, step).await?;
    let credential = identity.credential(CredentialsType::LookupSecret);
    let credential = credential.ok_or_else(|| Fault::form(text::validation::no_lookup()))?;
    let typed = text_of(&body, "lookup_secret");
    let Some(place) = place_of(codes(&credential.config), typed) else {
        return Err(Fault::form(text::validation::lookup_wrong()));
    };
    // Of several with the same code at the same time, one finds it unused.
    let used = rfc3339(cx.now.replace_nanosecond(0).unwrap_or(cx.now));
    let take = |config: &mut Value| {
        let code = &mut config["recovery_codes"][place];
        let fresh = code["code"] == typed && used_at(code).is_none();
        if fresh {
            code["used_at"] = used.as_str().into();
        }
        fresh
    };
    let store = cx.store();
    let edited = store.edit_credential(credential.id, Some((identity.id, cx.now)), take);
    if !edited.await? {
        return Err(Fault::form(text::validation::lookup_used()));
    }
    if let Some(credential) = identity.credential_mut(CredentialsType::LookupSecret) {
        credential.config["recovery_codes"][place]["used_at"] = used.into();
    }
    Ok(identity)
}

/// Looks at all of them, so that the time does not tell which one it is.
fn place_of(codes: &[Value], typed: &str) -> Option<usize> {
    let mut found = None;
    for (place, code) in codes.iter().enumerate() {
        let code = code["code"].as_str().unwrap_or_default();
        let same = bool::from(code.as_bytes().ct_eq(typed.as_bytes()));
        if same && !code.is_empty() && found.is_none() {
            found = Some(place);
        }
    }
    found
}

#[async_trait]
impl SettingsMethod for LookupSecret {
    async fn populate(
        &self,
        _: &Cx,
        flow: &mut SettingsFlow,
        identity: &Identity,
    ) -> Result<(), Fault> {
        if set_up(identity).is_some() {
            flow.form.set(button(Button::Reveal));
            flow.form.set(button(Button::Disable));
        } else {
            flow.form.set(button(Button::Regenerate));
        }
        Ok(())
    }

    async fn read(
        &self,
        cx: &Cx,
        _: &mut Step<'_, Settings>,
        _: Owner<'_>,
        s: &Submission,
    ) -> Result<Option<Value>, Fault> {
        s.posted()?;
        let body = decode(&SETTINGS, s)?;
        if pressed(&body).is_none() {
            return Ok(None);
        }
        must_be_on(cx, self)?;
        Ok(Some(body))
    }

    async fn change(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Settings>,
        owner: Owner<'_>,
        body: &Value,
    ) -> Result<SettingsOutcome, Fault> {
        must_be_fresh(cx, owner.session)?;
        let flow = &mut *step.flow;
        let nobody = || Fault::form(text::settings::nobody());
        match pressed(body).ok_or_else(nobody)? {
            Button::Confirm => confirm(cx, flow, owner),
            Button::Reveal => {
                let none = "There are no backup codes to be shown.";
                let credential = set_up(owner.identity).ok_or_else(|| Fault::bad(none))?;
                show(&mut flow.form, codes(&credential.config));
                flow.form.set(button(Button::Disable));
                flow.form.set(button(Button::Regenerate));
                flow.memory.keep(REVEALED, true);
                Ok(SettingsOutcome::AskAgain)
            }
            Button::Disable => {
                let mut identity = owner.identity.clone();
                identity.remove_credential(CredentialsType::LookupSecret);
                Ok(SettingsOutcome::Change {
                    identity: Box::new(identity),
                    gains: None,
                })
            }
            Button::Regenerate => {
                let new: Vec<Value> = (0..CODES)
                    .map(|_| json!({ "code": random::lower_alphanumeric(cx.dice(), LENGTH) }))
                    .collect();
                show(&mut flow.form, &new);
                flow.form.set(button(Button::Confirm));
                flow.memory.keep(REGENERATED, new);
                Ok(SettingsOutcome::AskAgain)
            }
        }
    }
}

/// The codes that were shown become those of the account.
fn confirm(cx: &Cx, flow: &SettingsFlow, owner: Owner<'_>) -> Result<SettingsOutcome, Fault> {
    let kept = flow.memory.kept(REGENERATED).and_then(Value::as_array);
    let none = "New backup codes have to be made before they can be kept.";
    let kept = kept
        .filter(|kept| kept.len() == CODES)
        .ok_or_else(|| Fault::bad(none))?;
    let new: Vec<Value> = kept
        .iter()
        .map(|code| json!({ "code": code["code"], "used_at": null }))
        .collect();
    let (kind, config) = (
        CredentialsType::LookupSecret,
        json!({ "recovery_codes": new }),
    );
    let identity = with_second_factor(cx, owner.identity, kind, config);
    Ok(SettingsOutcome::Change {
        identity: Box::new(identity),
        gains: Some(proof(cx)),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Button {
    Confirm,
    Reveal,
    Disable,
    Regenerate,
}

impl Button {
    /// Of several that are pressed the first counts.
    const ALL: [Self; 4] = [Self::Confirm, Self::Reveal, Self::Disable, Self::Regenerate];
    fn name(self) -> &'static str {
        match self {
            Self::Confirm => "lookup_secret_confirm",
            Self::Reveal => "lookup_secret_reveal",
            Self::Disable => "lookup_secret_disable",
            Self::Regenerate => "lookup_secret_regenerate",
        }
    }
}

fn pressed(body: &Value) -> Option<Button> {
    Button::ALL
        .into_iter()
        .find(|button| body[button.name()] == true)
}

fn button(which: Button) -> Node {
    let label = match which {
        Button::Confirm => text::settings::lookup_confirm(),
        Button::Reveal => text::settings::lookup_reveal(),
        Button::Disable => text::settings::lookup_disable(),
        Button::Regenerate => text::settings::lookup_regenerate(),
    };
    Node::submit(which.name(), "true").group(ME).label(label)
}

/// The codes in the place of all buttons.
fn show(form: &mut Form, codes: &[Value]) {
    form.remove_all_of(ME);
    let texts: Vec<Message> = codes.iter().map(said).collect();
    let node = Node::text("lookup_secret_codes", text::settings::lookup_codes(&texts));
    form.set(node.group(ME).label(text::settings::lookup_label()));
}

fn said(code: &Value) -> Message {
    match used_at(code).and_then(parse_rfc3339) {
        Some(at) => text::settings::lookup_code_used(at),
        None => text::settings::lookup_code(code["code"].as_str().unwrap_or_default()),
    }
}
