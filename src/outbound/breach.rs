//! The list of leaked passwords: haveibeenpwned's range protocol, or somebody's own copy of it (flows.md §9.1).
//!
//! Only the first five digits of the password's SHA-1 leave the house; the server answers with all hashes that begin so,
//! one a line as `SUFFIX[:COUNT]`. Whole answers are kept for an hour, the last 256 of them.
use super::{Limits, Outbound, OutboundError, Policy, Request};
use crate::config::method::PasswordConfig;
use data_encoding::HEXUPPER;
use sha1::{Digest, Sha1};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use time::{Duration, OffsetDateTime};
use url::Url;

const KEPT: usize = 256;
const KEPT_FOR: Duration = Duration::HOUR;

/// One second for an attempt, three of them; a real answer has some 40 KB.
const LIMITS: Limits = Limits {
    timeout: std::time::Duration::from_secs(1),
    body: 2 << 20,
    ..Limits::USUAL
};

/// `methods.password.config.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreachPolicy {
    /// Host, perhaps with a port.
    pub host: String,
    /// A password may be listed so many times.
    pub max_breaches: i64,
    /// Whether a list that gives no answer accepts everything.
    pub ignore_network_errors: bool,
}

impl From<&PasswordConfig> for BreachPolicy {
    fn from(config: &PasswordConfig) -> Self {
        Self {
            host: config.haveibeenpwned_host.clone(),
            max_breaches: i64::try_from(config.max_breaches).unwrap_or(i64::MAX),
            ignore_network_errors: config.ignore_network_errors,
        }
    }
}

/// What the list says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// Leaked so many times, more than is tolerated.
    Breached(i64),
}

/// Why the list says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BreachError {
    /// The configured host makes no URL: a message on the form (4000005).
    #[error("the configured host of the list of leaked passwords makes no URL")]
    Host,
    /// No answer in time (502).
    #[error("the list of leaked passwords cannot be asked: {0}")]
    Network(OutboundError),
    /// Another status than 200 (502).
    #[error("the list of leaked passwords answered with status {0}")]
    Status(u16),
    /// Not ignored, whatever is configured (502).
    #[error("the list of leaked passwords holds a count that is no number")]
    Count,
}

type Answer = HashMap<[u8; 20], i64>;
type Key = (String, String);

/// The list, with what is known of it.
#[derive(Default)]
pub struct BreachList(Mutex<HashMap<Key, (OffsetDateTime, Arc<Answer>)>>);

impl BreachList {
    /// Whether the password is listed more often than is tolerated.
    pub async fn check(
        &self,
        outbound: &Outbound,
        policy: &Policy,
        list: &BreachPolicy,
        password: &str,
        now: OffsetDateTime,
    ) -> Result<Verdict, BreachError> {
        let hash: [u8; 20] = Sha1::digest(password).into();
        let mut prefix = HEXUPPER.encode(&hash);
        prefix.truncate(5);
        let key = (list.host.clone(), prefix);
        let answer = match self.known(&key, now) {
            Some(answer) => answer,
            None => match ask(outbound, policy, &key).await {
                Ok(answer) => {
                    let answer = Arc::new(answer);
                    self.keep(key, now, answer.clone());
                    answer
                }
                Err(error @ (BreachError::Network(_) | BreachError::Status(_)))
                    if list.ignore_network_errors =>
                {
                    tracing::warn!(
                        %error, host = list.host,
                        "a password was taken without a look at the list of leaked ones"
                    );
                    return Ok(Verdict::Fine);
                }
                Err(error) => return Err(error),
            },
        };
        let count = answer.get(&hash).copied().unwrap_or(0);
        Ok(if count > list.max_breaches {
            Verdict::Breached(count)
        } else {
            Verdict::Fine
        })
    }

    fn known(&self, key: &Key, now: OffsetDateTime) -> Option<Arc<Answer>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, answer) = kept.get(key)?;
        (now - *since < KEPT_FOR).then(|| answer.clone())
    }

    fn keep(&self, key: Key, now: OffsetDateTime, answer: Arc<Answer>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, (since, _)| now - *since < KEPT_FOR);
        }
        if kept.len() >= KEPT {
            let oldest = kept.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                kept.remove(&oldest);
            }
        }
        kept.insert(key, (now, answer));
    }
}

async fn ask(
    outbound: &Outbound,
    policy: &Policy,
    (host, prefix): &Key,
) -> Result<Answer, BreachError> {
    let url = format!("https://{host}/range/{prefix}");
    if Url::parse(&url).is_err() {
        return Err(BreachError::Host);
    }
    let request = Request::get(url).limits(LIMITS);
    let response = outbound
        .send(policy, &request)
        .await
        .map_err(BreachError::Network)?;
    if response.status != 200 {
        return Err(BreachError::Status(response.status.as_u16()));
    }
    read(prefix, &response.text())
}

fn read(prefix: &str, text: &str) -> Result<Answer, BreachError> {
    let mut answer = Answer::new();
    for line in text.lines() {
        let mut parts = line.trim().split(':');
        let suffix = parts.next().unwrap_or_default();
        let count = match (parts.next(), parts.next()) {
            (Some(count), None) => {
                let digits = count.replace(',', "");
                digits.parse().map_err(|_| BreachError::Count)?
            }
            _ => 1,
        };
        let hash = HEXUPPER.decode(format!("{prefix}{suffix}").as_bytes());
        if let Some(hash) = hash.ok().and_then(|hash| hash.try_into().ok()) {
            answer.insert(hash, count);
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_reference_does() {
        let text = "1E4C9B93F3F0682250B6CF8331B7EE68FD8:3,303,003\r\n\
                    0018A45C4D1DEF81644B54AB7F969B88D65\r\nnonsense:5\r\n\r\n";
        let answer = read("5BAA6", text).unwrap_or_default();
        let hash: [u8; 20] = Sha1::digest("password").into();
        assert_eq!(answer.get(&hash), Some(&3_303_003));
        assert_eq!(answer.len(), 2);
        assert_eq!(read("5BAA6", "ABC:many"), Err(BreachError::Count));
    }

    #[test]
    fn answers_are_kept_for_an_hour_and_not_too_many() {
        let list = BreachList::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        let key = |n: usize| ("host".to_owned(), format!("{n:05X}"));
        for n in 0..=KEPT {
            let age = Duration::seconds(i64::try_from(n).unwrap_or(0));
            list.keep(key(n), now + age, Arc::default());
        }
        assert!(list.known(&key(0), now).is_none(), "the oldest went");
        assert!(list.known(&key(1), now + KEPT_FOR).is_some());
        assert!(
            list.known(&key(1), now + KEPT_FOR + Duration::seconds(2))
                .is_none()
        );
    }
}
