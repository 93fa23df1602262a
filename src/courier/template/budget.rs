//! How much a template may do. Templates are the operator's, but a mistake in one must not hang who waits for a mail.
use gotmpl::Value;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most characters of one template.
pub(in super::super) const MOST_SOURCE: usize = 512 << 10;
/// The most bytes it may give.
const MOST_OUTPUT: usize = 1 << 20;
/// Calls of functions, looks at fields, things printed.
const MOST_STEPS: u64 = 200_000;
/// Bytes of all texts and lists on the way.
const MOST_BYTES: u64 = 64 << 20;
/// Lists within lists: what looks at them does so by calling itself.
const MOST_LEVELS: usize = 100;
/// Members that are looked at for what one step costs.
const MEMBERS_PER_STEP: u64 = 64;
/// Rounds of all loops.
pub(super) const MOST_ROUNDS: u64 = 100_000;
/// Members of one list, characters that one call adds.
pub(in super::super) const MOST_MEMBERS: usize = 100_000;

const TOO_MUCH: &str = "the template does more than a mail can need";

#[derive(Debug, Default)]
pub(super) struct Budget {
    steps: AtomicU64,
    bytes: AtomicU64,
}

impl Budget {
    pub(super) fn step(&self, cost: u64) -> Result<(), String> {
        spend(&self.steps, cost, MOST_STEPS)
    }
    /// Counts what was made. Values share their parts, so what is small to keep may be large to print or to compare: a
    /// list counts with all that is in it.
    pub(super) fn keep(&self, value: &Value) -> Result<(), String> {
        let mut size = Size::default();
        size.add(value, 0)?;
        spend(&self.steps, size.members / MEMBERS_PER_STEP, MOST_STEPS)?;
        spend(&self.bytes, size.bytes, MOST_BYTES)
    }
    /// What a call costs that looks at all members of its arguments.
    pub(super) fn look(&self, args: &[Value]) -> Result<(), String> {
        let members = args.iter().filter_map(|arg| match arg {
            Value::String(_) => None,
            other => other.len(),
        });
        let members = u64::try_from(members.sum::<usize>()).unwrap_or(u64::MAX);
        spend(&self.steps, members / MEMBERS_PER_STEP, MOST_STEPS)
    }
}

fn spend(counter: &AtomicU64, cost: u64, most: u64) -> Result<(), String> {
    let before = counter.fetch_add(cost, Ordering::Relaxed);
    if before.saturating_add(cost) > most {
        Err(TOO_MUCH.to_owned())
    } else {
        Ok(())
    }
}

#[derive(Default)]
struct Size {
    members: u64,
    bytes: u64,
}

impl Size {
    fn add(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        let of = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.members += 1;
        if self.members > of(MOST_MEMBERS) || depth > MOST_LEVELS {
            return Err(TOO_MUCH.to_owned());
        }
        match value {
            Value::String(text) | Value::Safe { s: text, .. } => self.bytes += of(text.len()),
            Value::List(items) => {
                self.bytes += 16;
                items
                    .iter()
                    .try_for_each(|item| self.add(item, depth + 1))?;
            }
            Value::Map(entries) => {
                for (key, value) in entries.iter() {
                    self.bytes += 32 + of(key.len());
                    self.add(value, depth + 1)?;
                }
            }
            _ => self.bytes += 8,
        }
        Ok(())
    }
}

/// Text that stops to grow at its limit.
#[derive(Default)]
pub(super) struct Output {
    pub(super) text: String,
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text.len() + text.len() > MOST_OUTPUT {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}
