//! What nobody can use any more, taken away a batch at a time (config-cli.md §4.7). Codes and tokens go with their
//! flows, devices with their sessions.
use super::Scope;
use super::db::built;
use super::error::Result;
use time::{Duration, OffsetDateTime};

/// Taking away what has expired.
pub struct Cleanup<'c>(pub(super) Scope<'c>);

/// Tables that are cleaned, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiring {
    Sessions,
    ContinuityContainers,
    LoginFlows,
    RecoveryFlows,
    RegistrationFlows,
    SettingsFlows,
    VerificationFlows,
    TokenExchanges,
}

/// Exchanges have no end of their own: an hour after they were made nobody asks for them.
const EXCHANGE_LIFESPAN: Duration = Duration::HOUR;

impl Expiring {
    pub const ALL: [Self; 8] = [
        Self::Sessions,
        Self::ContinuityContainers,
        Self::LoginFlows,
        Self::RecoveryFlows,
        Self::RegistrationFlows,
        Self::SettingsFlows,
        Self::VerificationFlows,
        Self::TokenExchanges,
    ];

    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::ContinuityContainers => "continuity_containers",
            Self::LoginFlows => "selfservice_login_flows",
            Self::RecoveryFlows => "selfservice_recovery_flows",
            Self::RegistrationFlows => "selfservice_registration_flows",
            Self::SettingsFlows => "selfservice_settings_flows",
            Self::VerificationFlows => "selfservice_verification_flows",
            Self::TokenExchanges => "session_token_exchanges",
        }
    }
}

impl Cleanup<'_> {
    /// Deletes at most `limit` rows of the table that had expired at that moment, oldest first. Says how many.
    pub async fn expired(&mut self, what: Expiring, at: OffsetDateTime, limit: u32) -> Result<u64> {
        let (column, before) = match what {
            Expiring::TokenExchanges => ("created_at", at - EXCHANGE_LIFESPAN),
            _ => ("expires_at", at),
        };
        let table = what.table();
        // MySQL wants the inner list twice wrapped.
        let delete = built(format!(
            "DELETE FROM {table} WHERE id IN (
                SELECT id FROM (
                    SELECT id FROM {table} WHERE nid = ? AND {column} <= ? ORDER BY {column} ASC LIMIT ?) old)"
        ));
        let delete = delete.bind(self.0.nid).bind(before).bind(limit);
        self.0.conn.execute(delete).await
    }
}
