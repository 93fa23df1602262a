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
    pub(super) fn keep(&self, value: &Value) -> Result<(), String> {
        spend(&self.bytes, weight(value, 0), MOST_BYTES)
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

/// A list counts with what is in it: a few levels down, it was counted when it was made.
fn weight(value: &Value, depth: usize) -> u64 {
    let of = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    match value {
        Value::String(text) => of(text.len()),
        Value::List(items) => 16 * of(items.len()),
        Value::Map(entries) if depth < 2 => entries
            .values()
            .map(|value| 64 + weight(value, depth + 1))
            .sum(),
        _ => 8,
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
