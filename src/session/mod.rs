//! What one does with sessions: prove, activate, extend (flows.md §12). Storing them is `store`'s.
use crate::base::id::DeviceId;
use crate::base::random::Random;
use crate::config::Config;
use crate::model::factors;
use crate::model::identity::Identity;
use crate::model::session::{Authentication, Device, Session};
use time::{Duration, OffsetDateTime};

/// What counts as a factor, by the configuration (flows.md §12.3).
#[must_use]
pub fn policy(config: &Config) -> factors::Policy {
    let methods = &config.selfservice.methods;
    factors::Policy {
        code_passwordless: methods.code.passwordless_enabled,
        code_mfa: methods.code.mfa_enabled,
        password_migration: methods.password.config.migrate_hook.enabled,
    }
}

/// Adds a proof, and with it what the session is worth.
pub fn add_proof(session: &mut Session, proof: Authentication) {
    session.methods.push(proof);
    session.aal = factors::session_aal(&session.methods);
}

/// From now on it counts, for as long as sessions live.
pub fn activate(config: &Config, now: OffsetDateTime, session: &mut Session) {
    session.active = true;
    session.issued_at = now;
    session.authenticated_at = now;
    session.expires_at = now + config.session.lifespan;
}

/// Was it proven who it is lately enough to change what proves it? A limit of 0 means always (flows.md §5.2).
#[must_use]
pub fn is_privileged(config: &Config, session: &Session, now: OffsetDateTime) -> bool {
    let age = config.selfservice.flows.settings.privileged_session_max_age;
    age <= Duration::ZERO || session.authenticated_at + age >= now
}

/// Remembers where a new session was begun: address, user agent and place, cut to what the columns hold.
pub fn add_device(
    session: &mut Session,
    (address, user_agent, location): (&str, Option<&str>, &str),
    dice: &dyn Random,
    now: OffsetDateTime,
) {
    session.devices.push(Device {
        id: DeviceId::random(dice),
        ip_address: Some(cut(address, 50)),
        user_agent: user_agent.map(|text| cut(text, 512)),
        location: Some(cut(location, 512)),
        created_at: now,
        updated_at: now,
    });
}

/// The first `length` bytes, to the end of a character.
fn cut(text: &str, length: usize) -> String {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Brings the cached level of the identity up to date; true if it changed.
pub fn refresh_available_aal(config: &Config, identity: &mut Identity) -> bool {
    let available = Some(factors::available_aal(
        &identity.credentials,
        &policy(config),
    ));
    let changed = identity.available_aal != available;
    identity.available_aal = available;
    changed
}

/// Makes the session last a whole lifespan from now, if it is late enough for that; true if it changed.
pub fn extend(config: &Config, now: OffsetDateTime, session: &mut Session) -> bool {
    if session.expires_at - now >= config.session.extendable_within() {
        return false;
    }
    session.expires_at = now + config.session.lifespan;
    true
}
