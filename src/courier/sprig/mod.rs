//! The functions that templates have beside Go's own: those of sprig v3.3.0 (courier.md §4.2).
//!
//! Two sets, as there: all of them for what is built in, the hermetic ones for what the operator brings. What is left out
//! of both is listed in docs/compatibility.md; asking for it is an error when the template is read.
mod args;
mod cases;
pub(super) mod date;
mod dice;
mod encode;
mod layout;
mod list;
mod map;
mod number;
mod pattern;
mod semver;
mod text;
mod value;

pub(super) use value::type_of;

use gotmpl::Value;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::sync::{Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;

/// Which functions a template may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Set {
    Full,
    Hermetic,
}

/// What functions know of the world.
pub(super) struct Env {
    pub(super) now: OffsetDateTime,
    dice: Mutex<StdRng>,
}

impl Env {
    pub(super) fn new(now: OffsetDateTime, seed: [u8; 32]) -> Self {
        let dice = Mutex::new(StdRng::from_seed(seed));
        Self { now, dice }
    }
    fn dice(&self) -> MutexGuard<'_, StdRng> {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Run = fn(&Env, &[Value]) -> Result<Value, String>;

#[derive(Clone, Copy)]
pub(super) struct Function {
    pub(super) name: &'static str,
    /// What a call counts for.
    pub(super) cost: u64,
    pub(super) run: Run,
}

type Table = &'static [(&'static str, Run)];

const TABLES: &[Table] = &[
    text::TABLE,
    number::TABLE,
    list::TABLE,
    map::TABLE,
    value::TABLE,
    encode::TABLE,
    pattern::TABLE,
    semver::TABLE,
    dice::TABLE,
    date::TABLE,
];

/// Not for templates of others: these look at the clock or throw dice.
const NOT_HERMETIC: &[&str] = &[
    "date",
    "date_in_zone",
    "date_modify",
    "now",
    "htmlDate",
    "htmlDateInZone",
    "dateInZone",
    "dateModify",
    "randAlphaNum",
    "randAlpha",
    "randAscii",
    "randNumeric",
    "randBytes",
    "uuidv4",
];
/// What takes long: hashes of passwords, and a pattern that is compiled each time.
fn cost(name: &str) -> u64 {
    match name {
        "bcrypt" | "htpasswd" => 20_000,
        _ if name.starts_with("regex") || name.starts_with("mustRegex") => 50,
        _ if name.starts_with("semver") => 50,
        _ => 1,
    }
}

pub(super) fn has(set: Set, name: &str) -> bool {
    TABLES
        .iter()
        .any(|table| table.iter().any(|(known, _)| *known == name))
        && is_in(set, name)
}

fn is_in(set: Set, name: &str) -> bool {
    set == Set::Full || !NOT_HERMETIC.contains(&name)
}

pub(super) fn all(set: Set) -> impl Iterator<Item = Function> {
    let all = TABLES.iter().flat_map(|table| table.iter());
    all.filter(move |(name, _)| is_in(set, name))
        .map(|&(name, run)| Function {
            name,
            cost: cost(name),
            run,
        })
}
