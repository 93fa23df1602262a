//! What a client should do next (flows.md §1.13).
use crate::base::id::FlowId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq)]
pub enum ContinueWith {
    SetSessionToken(String),
    ShowVerificationUi(VerificationRef),
    ShowSettingsUi { flow: FlowId, url: Option<String> },
    ShowRecoveryUi { flow: FlowId, url: Option<String> },
    RedirectBrowserTo(String),
}

/// A verification that goes on elsewhere. `url` is there for browser flows only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerificationRef {
    pub id: FlowId,
    pub verifiable_address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl ContinueWith {
    #[must_use]
    pub fn json(&self) -> Value {
        fn flow(id: FlowId, url: Option<&String>) -> Value {
            let mut flow = json!({ "id": id });
            if let Some(url) = url {
                flow["url"] = url.as_str().into();
            }
            flow
        }
        match self {
            Self::SetSessionToken(token) => {
                json!({ "action": "set_ory_session_token", "ory_session_token": token })
            }
            Self::ShowVerificationUi(flow) => {
                json!({ "action": "show_verification_ui", "flow": flow })
            }
            Self::ShowSettingsUi { flow: id, url } => {
                json!({ "action": "show_settings_ui", "flow": flow(*id, url.as_ref()) })
            }
            Self::ShowRecoveryUi { flow: id, url } => {
                json!({ "action": "show_recovery_ui", "flow": flow(*id, url.as_ref()) })
            }
            Self::RedirectBrowserTo(url) => {
                json!({ "action": "redirect_browser_to", "redirect_browser_to": url })
            }
        }
    }
}
