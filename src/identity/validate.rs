//! The check that every identity goes through before it is stored.
use super::derive;
use crate::base::random::Random;
use crate::model::factors::{self, Policy};
use crate::model::identity::{Identity, VerifiableAddress};
use crate::schema::{Derived, IdentitySchema, Violation};
use crate::text::validation as text;
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// Checks the traits against the schema and brings everything that follows from them up to date:
/// identifiers, addresses, the level of assurance.
///
/// # Errors
/// What is wrong with the traits; then only telephone numbers in them were changed.
pub fn validate(
    identity: &mut Identity,
    schema: &IdentitySchema,
    policy: &Policy,
    dice: &dyn Random,
    now: OffsetDateTime,
) -> Result<Derived, Vec<Violation>> {
    let derived = schema.check(&mut identity.traits)?;
    derive::apply(identity, &derived, dice, now);
    identity.available_aal = Some(factors::available_aal(&identity.credentials, policy));
    Ok(derived)
}

/// The violations as one sentence for an error envelope, each once.
#[must_use]
pub fn describe(violations: &[Violation]) -> String {
    let mut out = String::from("The traits do not fit the identity schema.");
    let mut told: Vec<&Violation> = Vec::new();
    for violation in violations {
        // Several parts of a schema may ask for the same form; only the first one has found words for it.
        let is_told = |other: &&Violation| {
            other.field == violation.field
                && (other.message.text == violation.message.text
                    || (is_about_form(other) && is_generic(violation)))
        };
        if !told.iter().any(is_told) {
            told.push(violation);
        }
    }
    for violation in told.iter().take(10) {
        out.push_str(" At ");
        out.push_str(if violation.field.is_empty() {
            "the top"
        } else {
            &violation.field
        });
        out.push_str(": ");
        out.push_str(&violation.message.text);
    }
    out
}

/// Whether it says that this is no e-mail address or no telephone number.
fn is_about_form(violation: &Violation) -> bool {
    let of = [text::email("").id, text::phone("").id];
    of.contains(&violation.message.id)
}

fn is_generic(violation: &Violation) -> bool {
    violation.message.id == text::generic("").id
}

/// Does the change touch what somebody signs in with or is recovered by? That needs a privileged session.
#[must_use]
pub fn is_protected(old: &Identity, new: &Identity) -> bool {
    let same_credentials = old.credentials.len() == new.credentials.len()
        && old.credentials.iter().all(|a| {
            new.credential(a.kind).is_some_and(|b| {
                let set = |c: &'_ [String]| c.iter().cloned().collect::<BTreeSet<String>>();
                a.config == b.config && set(&a.identifiers) == set(&b.identifiers)
            })
        });
    let same_verifiable = old.verifiable_addresses.len() == new.verifiable_addresses.len()
        && old
            .verifiable_addresses
            .iter()
            .zip(&new.verifiable_addresses)
            .all(|(a, b)| signature(a) == signature(b));
    let recovery = |identity: &Identity| {
        let mut all: Vec<_> = identity
            .recovery_addresses
            .iter()
            .map(|a| (a.value.clone(), a.via, a.break_glass_for_organization))
            .collect();
        all.sort();
        all
    };
    !same_credentials || !same_verifiable || recovery(old) != recovery(new)
}

fn signature(
    a: &VerifiableAddress,
) -> (
    &str,
    bool,
    crate::base::terms::Via,
    &'static str,
    Option<OffsetDateTime>,
) {
    (&a.value, a.verified, a.via, a.status.word(), a.verified_at)
}
