//! Choosing another password.
use super::{ME, Password, acceptable, ask, compare, stored_hash};
use crate::base::id::CredentialId;
use crate::base::terms::CredentialsType;
use crate::base::time::micros;
use crate::crypto::hash::HasherParams;
use crate::flow::outcome::SettingsOutcome;
use crate::flow::{Cx, Fault, Step, Submission};
use crate::identity::validate;
use crate::method::{Owner, SettingsMethod, decode, must_be_on, text_of};
use crate::model::credentials::Credential;
use crate::model::flow::{Settings, SettingsFlow};
use crate::model::identity::Identity;
use crate::schema::{Payload, SchemaError};
use crate::session;
use crate::text;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(
        &json!({ "type": "object", "required": ["password"], "properties": {
        "method": { "type": "string" },
        "password": { "type": "string" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }),
    )
});

#[async_trait]
impl SettingsMethod for Password {
    async fn populate(&self, _: &Cx, flow: &mut SettingsFlow, _: &Identity) -> Result<(), Fault> {
        ask(&mut flow.form, "new-password", text::node::save());
        Ok(())
    }

    async fn read(
        &self,
        cx: &Cx,
        _: &mut Step<'_, Settings>,
        _: Owner<'_>,
        s: &Submission,
    ) -> Result<Option<Value>, Fault> {
        if s.method()?.as_deref() != Some(ME.word()) {
            return Ok(None);
        }
        must_be_on(cx, self)?;
        decode(&SHAPE, s).map(Some)
    }

    async fn change(
        &self,
        cx: &Cx,
        _: &mut Step<'_, Settings>,
        owner: Owner<'_>,
        body: &Value,
    ) -> Result<SettingsOutcome, Fault> {
        // Stricter than the others: with a limit of 0 no sign-in is ever fresh enough (flows.md §5.2).
        let age = cx
            .config
            .selfservice
            .flows
            .settings
            .privileged_session_max_age;
        if owner.session.authenticated_at + age < cx.now {
            return Err(Fault::Reauthenticate);
        }
        let password = text_of(body, "password");
        if password.is_empty() {
            let missing = text::validation::missing("password");
            return Err(Fault::field("password", missing));
        }
        let mut identity = owner.identity.clone();
        put(cx, &mut identity, json!({}));
        let schema = cx.schema(Some(&identity.schema_id)).await?;
        let policy = session::policy(&cx.config);
        validate::validate(&mut identity, &schema, &policy, cx.dice(), cx.now)?;
        let credential = identity.credential(CredentialsType::Password);
        let identifiers = credential.map(|c| c.identifiers.clone());
        let identifiers = identifiers.unwrap_or_default();
        if identifiers.is_empty() {
            return Err(Fault::form(text::validation::no_identifier()));
        }
        acceptable(cx, password, &identifiers).await?;
        if let Some(old) = stored_hash(owner.identity)
            && compare(cx, &old, password).await? == Some(true)
        {
            let same = text::validation::password_unchanged();
            return Err(Fault::field("password", same));
        }
        let hasher = &cx.services.hasher;
        let params = HasherParams::of(&cx.config);
        let hashed = hasher.hash(&params, password.as_bytes()).await?;
        put(cx, &mut identity, json!({ "hashed_password": hashed }));
        Ok(SettingsOutcome::Change {
            identity: Box::new(identity),
            gains: None,
        })
    }
}

/// What the password is checked by from now on.
fn put(cx: &Cx, identity: &mut Identity, config: Value) {
    match identity.credential_mut(CredentialsType::Password) {
        Some(credential) => {
            credential.config = config;
            credential.updated_at = micros(cx.now);
        }
        None => identity.set_credential(Credential::new(
            CredentialId::random(cx.dice()),
            CredentialsType::Password,
            config,
            cx.now,
        )),
    }
}
