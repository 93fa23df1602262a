//! `/admin/recovery/…`: codes and links that an administrator hands out (http-api.md §12.1, §12.2).
use crate::base::id::IdentityId;
use crate::base::terms::{Channel, MethodId};
use crate::base::time::rfc3339;
use crate::config::duration;
use crate::engine::recovery::{self, HandedOut};
use crate::flow::{Cx, Fault, Refusal};
use crate::http::body::{self, Object};
use crate::http::context::Call;
use crate::http::{error, respond};
use crate::model::identity::Identity;
use crate::store::Load;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use time::Duration;
use uuid::Uuid;

#[derive(Deserialize)]
struct Wanted {
    /// Who is not named is nobody.
    #[serde(default)]
    identity_id: Uuid,
    #[serde(default)]
    expires_in: Option<String>,
    #[serde(default)]
    flow_type: Option<String>,
}

impl Wanted {
    fn read(call: &Call) -> Result<Self, Fault> {
        let Object(wanted) = body::announced_json(&call.head, &call.body)?;
        Ok(wanted)
    }

    /// How long it is good for, if that is said.
    fn lifespan(&self) -> Result<Option<Duration>, Fault> {
        let Some(text) = self.expires_in.as_deref().filter(|t| !t.is_empty()) else {
            return Ok(None);
        };
        let bad = |what: &str| Refusal::bad(format!("expires_in {what}: {text:?}."));
        let lifespan = duration::parse_signed(text)
            .ok_or_else(|| bad("has to be a span of time such as 1h30m"))?;
        if !lifespan.is_positive() {
            return Err(bad("has to lie in the future").into());
        }
        Ok(Some(lifespan))
    }

    fn channel(&self) -> Result<Channel, Fault> {
        let Some(word) = self.flow_type.as_deref() else {
            return Ok(Channel::Browser);
        };
        let channel = Channel::from_word(word);
        channel.ok_or_else(|| {
            Refusal::bad(format!("flow_type has to be browser or api, not {word:?}.")).into()
        })
    }

    async fn identity(&self, cx: &Cx) -> Result<Option<Identity>, Fault> {
        let id = IdentityId(self.identity_id);
        Ok(cx.store().identities().find(id, Load::Addresses).await?)
    }
}

/// `POST /admin/recovery/code`
pub async fn code(call: Call) -> Response {
    match code_for(&call).await {
        Ok(made) => {
            let body = json!({
                "recovery_link": made.link,
                "recovery_code": made.code,
                "expires_at": rfc3339(made.expires_at),
            });
            respond::json_as_written(201, &body)
        }
        Err(fault) => error::of_fault(fault, &call.cx.request.request_id),
    }
}

async fn code_for(call: &Call) -> Result<HandedOut, Fault> {
    let (cx, by) = (&call.cx, MethodId::Code);
    must_be_on(cx, by)?;
    let wanted = Wanted::read(call)?;
    let lifespan = wanted.lifespan()?;
    let channel = wanted.channel()?;
    let nobody = || Refusal::not_found("There is no identity of that id.");
    let identity = wanted.identity(cx).await?.ok_or_else(nobody)?;
    recovery::hand_out(cx, by, &identity, lifespan, channel).await
}

/// `POST /admin/recovery/link`
pub async fn link(call: Call) -> Response {
    match link_for(&call).await {
        Ok(made) => {
            let body = json!({
                "recovery_link": made.link,
                "expires_at": rfc3339(made.expires_at),
            });
            respond::json_as_written(200, &body)
        }
        Err(fault) => error::of_fault(fault, &call.cx.request.request_id),
    }
}

async fn link_for(call: &Call) -> Result<HandedOut, Fault> {
    let (cx, by) = (&call.cx, MethodId::Link);
    must_be_on(cx, by)?;
    let wanted = Wanted::read(call)?;
    let lifespan = wanted.lifespan()?;
    let nobody = || Refusal::bad("There is no identity of that id.");
    let identity = wanted.identity(cx).await?.ok_or_else(nobody)?;
    recovery::hand_out(cx, by, &identity, lifespan, Channel::Browser).await
}

/// A method that is off is told before the body is read.
fn must_be_on(cx: &Cx, method: MethodId) -> Result<(), Fault> {
    if cx.config.method_enabled(method) {
        Ok(())
    } else {
        Err(Refusal::method_off().into())
    }
}
