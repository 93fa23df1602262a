//! What is stored of somebody, as far as the rules of the walk look at it.
use crate::second_factor::code_of;
use crate::support::TestApp;
use crate::support::client::{OTHER_PASSWORD, PASSWORD};
use kratos::base::id::SessionId;
use kratos::base::terms::{Aal, CredentialsType};
use kratos::store::Load;
use serde_json::Value;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub account: Account,
    /// Of each session the level and the proofs, in order.
    sessions: BTreeMap<SessionId, (Aal, Vec<(String, Aal)>)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub address: String,
    pub verified: bool,
    pub hash: String,
    /// Of the authenticator app.
    pub secret: Option<String>,
    /// All backup codes, and those that are good for a sign-in.
    codes: Vec<String>,
    pub unused: Vec<String>,
    identifiers: Vec<String>,
    recovery: Vec<String>,
}

pub(super) async fn look(app: &TestApp, id: &str) -> Seen {
    let id = serde_json::from_value(Value::from(id)).expect("an id");
    let store = &app.services.store;
    let identity = store.identities().get(id, Load::Credentials).await;
    let identity = identity.expect("somebody");
    let config = |kind| {
        let credential = identity.credential(kind);
        credential.map_or(Value::Null, |c| c.config.clone())
    };
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let url = text(&config(CredentialsType::Totp)["totp_url"]);
    let list = config(CredentialsType::LookupSecret)["recovery_codes"].clone();
    let list = list.as_array().cloned().unwrap_or_default();
    let unused = list.iter().filter(|c| c["used_at"].is_null());
    let password = identity.credential(CredentialsType::Password);
    let address = text(&identity.traits["email"]);
    let account = Account {
        verified: identity
            .verifiable_addresses
            .iter()
            .any(|a| a.value == address && a.verified),
        address,
        hash: text(&config(CredentialsType::Password)["hashed_password"]),
        secret: crate::support::client::query_of(&url, "secret"),
        codes: list.iter().map(|c| text(&c["code"])).collect(),
        unused: unused.map(|c| text(&c["code"])).collect(),
        identifiers: password.map_or(vec![], |c| c.identifiers.clone()),
        recovery: identity
            .recovery_addresses
            .into_iter()
            .map(|a| a.value)
            .collect(),
    };
    let sessions = store.sessions().of(id, None, None, (0, 1000)).await;
    let (sessions, _) = sessions.expect("sessions");
    let sessions = sessions.into_iter().map(|session| {
        let proofs = session.methods.into_iter().map(|p| (p.method, p.aal));
        (session.id, (session.aal, proofs.collect()))
    });
    Seen {
        account,
        sessions: sessions.collect(),
    }
}

impl Account {
    /// Backup codes count, used ones too.
    pub fn has_codes(&self) -> bool {
        !self.codes.is_empty()
    }
    pub fn has_second(&self) -> bool {
        self.secret.is_some() || self.has_codes()
    }

    /// Are few backup codes left, and nothing beside them?
    pub fn is_running_out(&self) -> bool {
        self.secret.is_none() && !self.codes.is_empty() && self.unused.len() < 3
    }

    /// Whether something is different that only its owner may change.
    pub fn is_other_than(&self, before: &Self) -> bool {
        let own = |a: &Self| {
            (
                a.address.clone(),
                a.hash.clone(),
                a.secret.clone(),
                a.codes.clone(),
            )
        };
        own(self) != own(before)
    }

    /// Is this what the authenticator app shows, give or take half a minute?
    pub fn takes(&self, code: &str, now: OffsetDateTime) -> bool {
        let Some(secret) = &self.secret else {
            return false;
        };
        let steps = [-30, 0, 30].map(|s| code_of(secret, now + Duration::seconds(s)));
        steps.contains(&code.to_owned())
    }

    /// Which of the two it is.
    pub fn password(&self) -> &'static str {
        let fits =
            |p: &&str| kratos::crypto::hash::verify(&self.hash, p.as_bytes()).unwrap_or(false);
        [PASSWORD, OTHER_PASSWORD]
            .into_iter()
            .find(fits)
            .expect("one of the two")
    }
}

impl Seen {
    /// The proofs that were not there before.
    pub fn proofs_since(&self, before: &Self) -> Vec<String> {
        let mut new = vec![];
        for (id, (_, proofs)) in &self.sessions {
            let known = before
                .sessions
                .get(id)
                .map_or(0, |(_, proofs)| proofs.len());
            assert!(proofs.len() >= known, "a proof is gone");
            new.extend(proofs[known..].iter().map(|(method, _)| method.clone()));
        }
        new
    }

    /// Names and addresses are those of the traits, and no session is better than its proofs.
    pub fn assert_sound(&self, about: &str) {
        let Account {
            address,
            identifiers,
            recovery,
            ..
        } = &self.account;
        assert_eq!(identifiers, std::slice::from_ref(address), "{about}");
        assert_eq!(recovery, std::slice::from_ref(address), "{about}");
        for (level, proofs) in self.sessions.values() {
            let has = |aal| proofs.iter().any(|(_, of)| *of == aal);
            let is_both = has(Aal::One) && has(Aal::Two);
            assert_eq!(*level == Aal::Two, is_both, "{proofs:?}: {about}");
        }
    }
}
