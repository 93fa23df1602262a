//! A link that reaches somebody at an address of theirs (flows.md §9.5).
mod recovery;
mod verification;

use super::{Method, RecoveryMethod, VerificationMethod};
use crate::base::terms::MethodId;
use crate::schema::{Payload, SchemaError};
use crate::text;
use crate::ui::{Form, Input, Node};
use serde_json::json;
use std::sync::LazyLock;

pub(super) struct Link;
const ME: MethodId = MethodId::Link;

impl Method for Link {
    fn id(&self) -> MethodId {
        ME
    }
    fn recovery(&self) -> Option<&dyn RecoveryMethod> {
        Some(self)
    }
    fn verification(&self) -> Option<&dyn VerificationMethod> {
        Some(self)
    }
}

static SHAPE: LazyLock<Result<Payload, SchemaError>> = LazyLock::new(|| {
    Payload::new(&json!({ "type": "object", "properties": {
        "method": { "type": "string" },
        "token": { "type": "string" },
        "email": { "type": "string", "format": "email_loose", "maxLength": 320 },
        "flow": { "type": "string", "format": "uuid" },
        "csrf_token": { "type": "string" },
        "transient_payload": { "type": "object", "additionalProperties": true },
    } }))
});

fn address_field() -> Node {
    Node::input("email", Input::Email)
        .group(ME)
        .required()
        .label(text::node::email())
}

/// Address and button.
fn ask(form: &mut Form) {
    form.set(address_field());
    form.push(
        Node::submit("method", ME.word())
            .group(ME)
            .label(text::node::go_on()),
    );
}
