//! Setting up an authenticator app, and doing without it.
use super::key::Key;
use super::{ME, Totp, picture, proof};
use crate::base::terms::CredentialsType;
use crate::flow::outcome::SettingsOutcome;
use crate::flow::{Cx, Fault, Step, Submission};
use crate::method::{
    Owner, SettingsMethod, decode, must_be_fresh, must_be_on, text_of, with_second_factor,
};
use crate::model::flow::{Settings, SettingsFlow};
use crate::model::identity::Identity;
use crate::schema::{Payload, SchemaError};
use crate::text;
use crate::ui::node::ImageAttributes;
use crate::ui::{Input, Node};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Where the flow keeps the key until a code shows that the app has it.
const KEPT: &str = "totp_url";

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "totp_code": { "type": "string" },
        "totp_unlink": { "type": "boolean" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }))
});

fn is_set_up(identity: &Identity) -> bool {
    let credential = identity.credential(CredentialsType::Totp);
    let url = credential.and_then(|c| c.config["totp_url"].as_str());
    url.is_some_and(|url| !url.is_empty())
}

#[async_trait]
impl SettingsMethod for Totp {
    async fn populate(
        &self,
        cx: &Cx,
        flow: &mut SettingsFlow,
        identity: &Identity,
    ) -> Result<(), Fault> {
        if is_set_up(identity) {
            let button = Node::submit("totp_unlink", "true").group(ME).required();
            flow.form.set(button.label(text::settings::totp_unlink()));
            return Ok(());
        }
        let schema = cx.schema(Some(&identity.schema_id)).await?;
        let name = schema.extract(&identity.traits).totp_name;
        let name = name.unwrap_or_else(|| identity.id.to_string());
        let key = Key::random(cx.dice());
        let address = key.address(&cx.config.totp_issuer(), &name);
        let secret = Node::text("totp_secret_key", text::settings::totp_secret(&key.text()));
        let label = text::settings::totp_secret_label();
        flow.form.set(secret.group(ME).label(label));
        if let Some(src) = picture::of(&address) {
            let side = u32::try_from(picture::SIDE).unwrap_or_default();
            let image = Node::image(ImageAttributes {
                src,
                id: "totp_qr".to_owned(),
                width: side,
                height: side,
            });
            flow.form
                .set(image.group(ME).label(text::settings::totp_qr()));
        }
        let field = Node::input("totp_code", Input::Text).group(ME).required();
        flow.form.set(field.label(text::node::verify_totp()));
        let button = Node::submit("method", ME.word()).group(ME);
        flow.form.push(button.label(text::node::save()));
        flow.memory.keep(KEPT, address);
        Ok(())
    }

    async fn read(
        &self,
        cx: &Cx,
        _: &mut Step<'_, Settings>,
        _: Owner<'_>,
        s: &Submission,
    ) -> Result<Option<Value>, Fault> {
        let body = decode(&SHAPE, s)?;
        if body["totp_unlink"] != true && text_of(&body, "method") != ME.word() {
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
        if is_set_up(owner.identity) {
            let mut identity = owner.identity.clone();
            if body["totp_unlink"] == true {
                identity.remove_credential(CredentialsType::Totp);
            }
            return Ok(SettingsOutcome::Change {
                identity: Box::new(identity),
                gains: None,
            });
        }
        let code = text_of(body, "totp_code");
        if code.is_empty() {
            let missing = text::validation::missing("totp_code");
            return Err(Fault::field("totp_code", missing));
        }
        let wrong = || Fault::field("totp_code", text::validation::totp_wrong());
        let address = step.flow.memory.kept(KEPT).and_then(Value::as_str);
        let address = address.ok_or_else(wrong)?.to_owned();
        let key = Key::read(&address).ok_or_else(wrong)?;
        let matched = key.check(code, cx.now).ok_or_else(wrong)?;
        let mut config = json!({ "totp_url": address });
        if cx.config.extensions.totp.refuse_replay {
            config["last_used_step"] = matched.into();
        }
        let kind = CredentialsType::Totp;
        let identity = with_second_factor(cx, owner.identity, kind, config);
        Ok(SettingsOutcome::Change {
            identity: Box::new(identity),
            gains: Some(proof(cx)),
        })
    }
}
