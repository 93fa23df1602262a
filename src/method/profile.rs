//! The traits: first screen of a registration in two steps (flows.md §4.3), and a part of the settings (§9.3).
use super::{Entry, Method, Owner, RegistrationMethod, SettingsMethod, must_be_on};
use crate::base::terms::{Group, MethodId};
use crate::flow::outcome::{RegistrationOutcome, Screen, SettingsOutcome};
use crate::flow::{Cx, Fault, Step, Submission, csrf};
use crate::identity::validate;
use crate::model::flow::{Registration, RegistrationFlow, Settings, SettingsFlow};
use crate::model::identity::Identity;
use crate::schema::{Fields, IdentitySchema};
use crate::session;
use crate::text;
use crate::ui::{Form, Input, Node};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

pub(super) struct Profile;
const ME: MethodId = MethodId::Profile;

static SHAPE: LazyLock<Value> = LazyLock::new(|| {
    json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "screen": { "type": "string", "enum": ["credential-selection", "previous"] },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } })
});

/// The same for settings.
static CHANGE: LazyLock<Value> = LazyLock::new(|| {
    json!({ "type": "object", "required": ["traits"], "properties": {
        "method": { "type": "string" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } })
});

impl Method for Profile {
    fn id(&self) -> MethodId {
        ME
    }
    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }
    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// Reads a body of that shape with the traits of the schema in it. If something is wrong, the form shows what was typed.
pub(super) fn decode(
    schema: &IdentitySchema,
    form: &mut Form,
    s: &Submission,
    shape: (&'static str, &Value),
) -> Result<Value, Fault> {
    s.readable()?;
    decode_fields(schema, form, &s.fields(), shape, fill)
}

fn decode_fields(
    schema: &IdentitySchema,
    form: &mut Form,
    fields: &Fields,
    (name, shape): (&'static str, &Value),
    shown: impl FnOnce(&mut Form, &Value),
) -> Result<Value, Fault> {
    let payload = schema.payload(name, shape)?;
    let decoded = payload
        .decode(fields)
        .map_err(|reason| Fault::bad(&reason))?;
    if decoded.violations.is_empty() {
        return Ok(decoded.value);
    }
    shown(form, &decoded.value["traits"]);
    Err(decoded.violations.into())
}

/// Writes the values into the fields that are there; what was not sent stays as it is.
pub(super) fn fill(form: &mut Form, traits: &Value) {
    fn walk(form: &mut Form, path: &str, value: &Value) {
        match value {
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| walk(form, &format!("{path}.{key}"), value)),
            Value::Array(_) => {}
            leaf => form.fill(path, leaf.clone()),
        }
    }
    walk(form, "traits", traits);
}

#[async_trait]
impl RegistrationMethod for Profile {
    async fn populate(
        &self,
        _: &Cx,
        flow: &mut RegistrationFlow,
        entry: &Entry<'_>,
    ) -> Result<(), Fault> {
        let form = &mut flow.form;
        for node in entry.schema.fields() {
            let typed = form
                .get(node.id())
                .map(|n| n.current().clone())
                .unwrap_or_default();
            form.set(node.value(typed));
        }
        match entry.screen {
            Screen::OneForAll => {}
            Screen::Profile => {
                form.remove("screen", ME);
                form.push(
                    Node::submit("method", ME.word())
                        .group(ME)
                        .label(text::registration::submit()),
                );
            }
            Screen::Credentials => {
                form.remove("method", ME);
                for input in form
                    .nodes
                    .iter_mut()
                    .filter(|n| n.group == Group::Default)
                    .filter_map(Node::as_input_mut)
                {
                    input.input = Input::Hidden;
                }
                form.push(
                    Node::submit("screen", "previous")
                        .group(ME)
                        .label(text::registration::back()),
                );
                form.say(text::registration::choose_credential());
            }
        }
        Ok(())
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Registration>,
        schema: &IdentitySchema,
        s: &Submission,
    ) -> Result<RegistrationOutcome, Fault> {
        if !cx
            .config
            .selfservice
            .flows
            .registration
            .asks_profile_first()
        {
            return Ok(RegistrationOutcome::NotMine);
        }
        let back = match (s.method()?.as_deref(), s.text("screen").as_deref()) {
            (Some("profile:back"), _) | (_, Some("previous")) => true,
            (Some("profile"), _) | (_, Some(_)) => false,
            _ => return Ok(RegistrationOutcome::NotMine),
        };
        let body = decode(schema, &mut step.flow.form, s, ("profile", &SHAPE))?;
        fill(&mut step.flow.form, &body["traits"]);
        if back {
            step.flow.own.organization_id = None;
            return Ok(RegistrationOutcome::Turn(Screen::Profile));
        }
        step.flow.passing.transient_payload = Some(body["transient_payload"].clone());
        csrf::check(cx, step.flow, s)?;
        Ok(RegistrationOutcome::Turn(Screen::Credentials))
    }
}

#[async_trait]
impl SettingsMethod for Profile {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut SettingsFlow,
        identity: &Identity,
    ) -> Result<(), Fault> {
        let schema = cx.schema(Some(&identity.schema_id)).await?;
        for node in schema.fields() {
            flow.form.set(node.group(ME));
        }
        fill(&mut flow.form, &identity.traits);
        let button = Node::submit("method", ME.word()).group(ME);
        flow.form.push(button.label(text::node::save()));
        Ok(())
    }

    async fn read(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Settings>,
        owner: Owner<'_>,
        s: &Submission,
    ) -> Result<Option<Value>, Fault> {
        if s.method()?.as_deref() != Some(ME.word()) {
            return Ok(None);
        }
        must_be_on(cx, self)?;
        let schema = cx.schema(Some(&owner.identity.schema_id)).await?;
        let form = &mut step.flow.form;
        // Traits that are no object count as not sent.
        let fields = s.fields().only_object("traits");
        let shown = |form: &mut Form, traits: &Value| {
            empty(form);
            show(form, "traits", traits);
        };
        let body = decode_fields(&schema, form, &fields, ("settings", &CHANGE), shown)?;
        shown(form, &body["traits"]);
        Ok(Some(body))
    }

    async fn change(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Settings>,
        owner: Owner<'_>,
        body: &Value,
    ) -> Result<SettingsOutcome, Fault> {
        let form = &mut step.flow.form;
        empty(form);
        show(form, "traits", &body["traits"]);
        let mut identity = owner.identity.clone();
        identity.traits = body["traits"].clone();
        let schema = cx.schema(Some(&identity.schema_id)).await?;
        let policy = session::policy(&cx.config);
        validate::validate(&mut identity, &schema, &policy, cx.dice(), cx.now)?;
        let privileged = session::is_privileged(&cx.config, owner.session, cx.now);
        if !privileged && validate::is_protected(owner.identity, &identity) {
            return Err(Fault::Reauthenticate);
        }
        Ok(SettingsOutcome::Change {
            identity: Box::new(identity),
            gains: None,
        })
    }
}

/// Writes the values into their fields; one that is not there is made, so that nothing that was sent gets lost.
fn show(form: &mut Form, name: &str, value: &Value) {
    let input = match value {
        Value::Object(map) => {
            for (key, value) in map {
                show(form, &format!("{name}.{key}"), value);
            }
            return;
        }
        Value::Null | Value::Array(_) => return,
        Value::Bool(_) => Input::Checkbox,
        Value::Number(_) => Input::Number,
        Value::String(_) => Input::Text,
    };
    if form.get(name).is_none() {
        form.push(Node::input(name, input).group(ME));
    }
    form.fill(name, value.clone());
}

/// The fields of the traits without values and complaints.
fn empty(form: &mut Form) {
    for node in &mut form.nodes {
        if node.id().starts_with("traits.") {
            node.messages.clear();
            if let Some(input) = node.as_input_mut() {
                input.value = Value::Null;
            }
        }
    }
}
