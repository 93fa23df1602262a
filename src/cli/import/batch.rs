//! A batch on its way: what fits into one, what the server makes of it, and what becomes of a refused one.
//!
//! A server refuses a whole batch for one entry that it cannot read. It is then sent in halves, down to the entry that
//! is at fault.
use super::source::Place;
use crate::cli::remote::client::{Admin, LONG, Refusal, Trouble, told};
use crate::outbound::Method;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::ops::Range;

/// The most that servers take (http-api.md §11.7), and fewer where passwords have to be hashed.
pub(super) const MOST: usize = 1000;
const MOST_PLAIN: usize = 200;
/// A body has to stay below what servers take.
const MOST_BYTES: usize = 4 << 20;
const PATH: &str = "/admin/identities";

/// What came of one entry.
pub(super) enum Outcome {
    /// Its id.
    Created(String),
    Refused {
        status: Option<u16>,
        reason: String,
    },
}

/// A piece of a file: JSON, or why there is none. What is none is not sent, but its turn comes with the others.
pub(super) type Read = (Place, Result<Box<RawValue>, String>);

/// Accounts that go together.
#[derive(Default)]
pub(super) struct Batch {
    entries: Vec<Read>,
    bytes: usize,
    has_plain: bool,
}

#[derive(Deserialize)]
struct Answer {
    identities: Vec<Option<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    identity: Option<String>,
    error: Option<Value>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is room for one more. The first fits always.
    pub(super) fn takes(&self, (_, json): &Read, most: usize) -> bool {
        let (bytes, is_plain) = weight(json);
        let most = if self.has_plain || is_plain {
            most.min(MOST_PLAIN)
        } else {
            most
        };
        self.is_empty() || (self.entries.len() < most && self.bytes + bytes <= MOST_BYTES)
    }

    pub(super) fn push(&mut self, read: Read) {
        let (bytes, is_plain) = weight(&read.1);
        self.has_plain |= is_plain;
        self.bytes += bytes;
        self.entries.push(read);
    }

    /// What is sent for these entries; nothing if none of them is JSON.
    fn body(entries: &[Read]) -> Option<Vec<u8>> {
        let mut body = b"{\"identities\":[".to_vec();
        let mut count = 0;
        for json in entries.iter().filter_map(|(_, json)| json.as_ref().ok()) {
            if count > 0 {
                body.push(b',');
            }
            body.extend_from_slice(b"{\"create\":");
            body.extend_from_slice(json.get().as_bytes());
            body.push(b'}');
            count += 1;
        }
        body.extend_from_slice(b"]}");
        (count > 0).then_some(body)
    }

    /// Sends all, in order; each entry's outcome is told as soon as it is known.
    ///
    /// # Errors
    /// The server cannot go on. What was not told is not known to be done.
    pub(super) async fn send(
        &self,
        admin: &Admin,
        mut tell: impl FnMut(&Place, Outcome) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut waiting: Vec<Range<usize>> = vec![];
        waiting.push(0..self.entries.len());
        while let Some(range) = waiting.pop() {
            let Some(entries) = self.entries.get(range.clone()) else {
                continue;
            };
            let answers = match Self::body(entries) {
                None => vec![],
                Some(body) => match admin.make(Method::PATCH, PATH, body, LONG).await {
                    Ok(answer) => admin.read::<Answer>(PATH, &answer)?.identities,
                    Err(Trouble::Refused(refusal)) if blames_contents(&refusal) => {
                        if let [(place, _)] = entries {
                            let status = Some(refusal.status);
                            let reason = refusal.to_string();
                            tell(place, Outcome::Refused { status, reason })?;
                        } else {
                            let middle = range.start + range.len() / 2;
                            waiting.push(middle..range.end);
                            waiting.push(range.start..middle);
                        }
                        continue;
                    }
                    Err(trouble) => return Err(trouble.into()),
                },
            };
            let sent = entries.iter().filter(|(_, json)| json.is_ok()).count();
            if answers.len() != sent {
                anyhow::bail!(
                    "{sent} accounts were sent, and the server told what came of {}",
                    answers.len()
                );
            }
            let mut answers = answers.into_iter();
            for (place, json) in entries {
                let outcome = match json {
                    Ok(_) => outcome(answers.next().flatten()),
                    Err(problem) => Outcome::Refused {
                        status: None,
                        reason: problem.clone(),
                    },
                };
                tell(place, outcome)?;
            }
        }
        Ok(())
    }
}

/// Bytes in the body, with what stands around it, and whether the server will have to hash a password.
fn weight(json: &Result<Box<RawValue>, String>) -> (usize, bool) {
    match json {
        Ok(json) => (json.get().len() + 12, has_plain_password(json)),
        Err(_) => (0, false),
    }
}

fn outcome(entry: Option<Entry>) -> Outcome {
    let error = match entry {
        Some(Entry {
            identity: Some(id),
            error: None,
        }) => return Outcome::Created(id),
        Some(Entry { error, .. }) => error.unwrap_or_default(),
        None => Value::Null,
    };
    let lines = told(&error);
    let reason = if lines.is_empty() {
        "the server does not say why".to_owned()
    } else {
        lines.join(": ")
    };
    let status = error["code"].as_u64().and_then(|code| code.try_into().ok());
    Outcome::Refused { status, reason }
}

/// Whether it is something in the body that is not liked.
fn blames_contents(refusal: &Refusal) -> bool {
    matches!(refusal.status, 400 | 409 | 413 | 422)
}

/// Whether the server will have to hash a password for it.
fn has_plain_password(json: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Account {
        credentials: Option<Credentials>,
    }
    #[derive(Deserialize)]
    struct Credentials {
        password: Option<Password>,
    }
    #[derive(Deserialize)]
    struct Password {
        config: Option<Config>,
    }
    #[derive(Deserialize)]
    struct Config {
        password: Option<String>,
    }
    // What does not look like this the server will refuse.
    serde_json::from_str::<Account>(json.get())
        .ok()
        .and_then(|account| account.credentials?.password?.config?.password)
        .is_some_and(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Read {
        let place = Place {
            source: "file".to_owned(),
            line: 1,
            number: 0,
        };
        let json = RawValue::from_string(json.to_owned());
        (place, json.map_err(|error| error.to_string()))
    }

    #[test]
    fn batches_are_as_large_as_servers_take() {
        let plain = r#"{"credentials":{"password":{"config":{"password":"x"}}}}"#;
        let hashed = r#"{"credentials":{"password":{"config":{"hashed_password":"x"}}}}"#;
        let large = format!("{{\"traits\":\"{}\"}}", "x".repeat(1 << 20));
        for (json, most) in [
            (plain, 200),
            (hashed, 1000),
            ("7", 1000),
            ("{", 1000),
            (&large, 3),
        ] {
            let mut batch = Batch::default();
            while batch.takes(&read(json), MOST) {
                batch.push(read(json));
            }
            assert_eq!(batch.entries.len(), most, "{json:.60}");
        }
        let mut mixed = Batch::default();
        for _ in 0..200 {
            mixed.push(read(hashed));
        }
        assert!(mixed.takes(&read(hashed), MOST) && !mixed.takes(&read(plain), MOST));
    }

    #[test]
    fn a_body_holds_what_the_file_held() {
        let entries = [read("{ \"a\": 1.0 }"), read("{"), read("{}")];
        assert_eq!(
            Batch::body(&entries).unwrap(),
            br#"{"identities":[{"create":{ "a": 1.0 }},{"create":{}}]}"#
        );
        assert_eq!(Batch::body(&entries[1..2]), None);
    }
}
