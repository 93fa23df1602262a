//! What methods and engines must not forget between two requests: the column `internal_context`,
//! with the reference's own keys (flows.md §1.8), so that a flow begun there goes on here and back.
use super::continue_with::VerificationRef;
use crate::base::id::ContainerId;
use crate::base::terms::CredentialsType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_base_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub courier_base_url: Option<String>,
    /// Apps have no cookies: what waits while their browser is at a provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuity_container_id: Option<ContainerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converted_for_account_linking: Option<bool>,
    #[serde(
        default,
        rename = "registration_duplicate_credentials",
        skip_serializing_if = "Option::is_none"
    )]
    pub linking: Option<Linking>,
    #[serde(
        default,
        rename = "registration_verification_flow_continue_with",
        skip_serializing_if = "Option::is_none"
    )]
    pub verification: Option<VerificationRef>,
    /// Keys of methods, and those that we do not know: kept as they are.
    #[serde(flatten)]
    rest: Map<String, Value>,
    /// A method has put something in, or taken something out, since this was read.
    #[serde(skip)]
    is_changed: bool,
}

impl Memory {
    /// What a method has kept under this key.
    #[must_use]
    pub fn kept(&self, key: &str) -> Option<&Value> {
        self.rest.get(key)
    }

    /// In the place of what was kept before.
    pub fn keep(&mut self, key: &str, value: impl Into<Value>) {
        self.rest.insert(key.to_owned(), value.into());
        self.is_changed = true;
    }

    pub fn forget(&mut self, key: &str) {
        self.is_changed |= self.rest.remove(key).is_some();
    }

    /// Whether a method has kept or forgotten something since this was read.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }
}

/// A credential that could not be stored because somebody has its identifier already (flows.md §11.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Linking {
    pub credentials_type: CredentialsType,
    pub credentials_config: Value,
    pub duplicate_identifier: String,
}
