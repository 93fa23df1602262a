//! Switches between old and new behaviour.
use super::duration;
use super::section::section;
use time::Duration;

section!(
    FeatureFlags {
        cacheable_sessions: bool,
        #[serde(deserialize_with = "duration::optional")]
        cacheable_sessions_max_age: Option<Duration>,
        use_continue_with_transitions: bool,
        choose_recovery_address: bool,
        legacy_continue_with_verification_ui: bool,
        legacy_require_verified_login_error: bool,
        faster_session_extend: bool,
        legacy_oidc_registration_node_group: bool,
        legacy_allow_insecure_origins: bool,
        refresh_login_choose_address: bool,
    }
);
