//! Pauses after attempts that failed. All that is for the same recipient waits: whoever turns one message away is not
//! asked again with each new one.
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use time::{Duration, OffsetDateTime};

/// The longest one.
const LONGEST: Duration = Duration::minutes(5);
/// So many recipients are remembered. Where more fail it is not for their sake.
const MOST: usize = 100;

/// Before the attempt after so many: `pull_wait`, and twice as long each time.
pub(super) fn length(pull_wait: Duration, tries: i64) -> Duration {
    let doubled = 1_i32
        .checked_shl(u32::try_from(tries.clamp(0, 20)).unwrap_or(20))
        .unwrap_or(i32::MAX);
    pull_wait
        .saturating_mul(doubled)
        .clamp(Duration::ZERO, LONGEST)
}

/// Until when recipients are left alone.
#[derive(Default)]
pub(super) struct Pauses(Mutex<HashMap<String, OffsetDateTime>>);

impl Pauses {
    /// Who is left alone at that moment.
    pub(super) fn at(&self, now: OffsetDateTime) -> Vec<String> {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.retain(|_, until| *until > now);
        pauses.keys().cloned().collect()
    }

    /// What came of an attempt: the pause lasts until then, or it is over.
    pub(super) fn set(&self, recipient: &str, until: Option<OffsetDateTime>) {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match until {
            Some(until) if pauses.len() < MOST || pauses.contains_key(recipient) => {
                let known = pauses.entry(recipient.to_owned()).or_insert(until);
                *known = until.max(*known);
            }
            Some(_) => {}
            None => drop(pauses.remove(recipient)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn they_grow_and_end() {
        let pauses: Vec<_> = (0..6)
            .map(|tries| length(Duration::SECOND, tries).whole_seconds())
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32]);
        assert_eq!(length(Duration::SECOND, i64::MAX), LONGEST);
        assert_eq!(length(-Duration::SECOND, 3), Duration::ZERO);
    }

    #[test]
    fn the_longer_one_counts_until_it_is_over() {
        let pauses = Pauses::default();
        pauses.set("a", Some(START + Duration::SECOND * 8));
        pauses.set("a", Some(START + Duration::SECOND));
        assert_eq!(pauses.at(START + Duration::SECOND * 7), ["a"]);
        assert!(pauses.at(START + Duration::SECOND * 8).is_empty());
        pauses.set("a", Some(START + Duration::SECOND));
        pauses.set("a", None);
        assert!(pauses.at(START).is_empty());
    }

    #[test]
    fn they_are_bounded() {
        let pauses = Pauses::default();
        for n in 0..2 * MOST {
            pauses.set(&n.to_string(), Some(START + Duration::SECOND));
        }
        assert_eq!(pauses.at(START).len(), MOST);
    }
}
