//! First asks who it is (flows.md §9.2). It takes every first-factor submission that nobody else wants.
use super::{LoginMethod, LoginMode, Method, is_first_factor};
use crate::base::terms::{CredentialsType, MethodId};
use crate::flow::outcome::LoginOutcome;
use crate::flow::{Cx, Fault, Step, Submission, csrf};
use crate::model::flow::{Login, LoginFlow};
use crate::text;
use crate::ui::{Input, Node};
use async_trait::async_trait;

pub(super) struct IdentifierFirst;
const ME: MethodId = MethodId::IdentifierFirst;

impl Method for IdentifierFirst {
    fn id(&self) -> MethodId {
        ME
    }
    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }
}

#[async_trait]
impl LoginMethod for IdentifierFirst {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut LoginFlow,
        mode: LoginMode<'_>,
    ) -> Result<(), Fault> {
        match mode {
            LoginMode::Identify => {
                let schema = cx.schema(flow.own.identity_schema.as_deref()).await?;
                let label = schema.identifier_label();
                flow.form.set(
                    Node::input("identifier", Input::Text)
                        .group(ME)
                        .value("")
                        .required()
                        .autocomplete("username webauthn")
                        .label(label),
                );
                flow.form.push(
                    Node::submit("method", ME.word())
                        .group(ME)
                        .label(text::node::go_on()),
                );
            }
            LoginMode::Chosen { identifier, .. } => {
                flow.form.remove("method", ME);
                if let Some(input) = flow.form.get_mut("identifier").and_then(Node::as_input_mut) {
                    input.input = Input::Hidden;
                    input.value = identifier.into();
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn submit(
        &self,
        cx: &Cx,
        step: &mut Step<'_, Login>,
        s: &Submission,
    ) -> Result<LoginOutcome, Fault> {
        if !self.enabled(&cx.config) || !is_first_factor(step) {
            return Ok(LoginOutcome::NotMine);
        }
        s.posted()?;
        step.flow.passing.transient_payload = Some(s.transient_payload()?);
        let identifier = s.text("identifier").unwrap_or_default();
        step.flow.form.fill("identifier", identifier.as_str());
        csrf::check(cx, step.flow, s)?;
        let hide = cx.config.security.account_enumeration.mitigate;
        if identifier.is_empty() && !hide {
            return Err(Fault::field("identifier", text::validation::no_account()));
        }
        // Where accounts must not be told apart, every method is offered to everybody.
        let identity = if hide {
            None
        } else {
            cx.find(CredentialsType::ALL, &identifier)
                .await?
                .map(Box::new)
        };
        Ok(LoginOutcome::Identified {
            identifier,
            identity,
        })
    }
}
