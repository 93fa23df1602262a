//! Versions (semver.org) and the ranges that they are compared with.
use super::super::template::value::Record;
use super::Table;
use super::args::{exactly, string};
use gotmpl::Value;
use regex::Regex;
use std::cmp::Ordering;

pub(super) const TABLE: Table = &[
    ("semver", |_, args| {
        let [text] = exactly(args)?;
        let text = string(text)?;
        let version = Version::parse(text)?;
        let mut record = Record::new(&format!("\"{}\"", version.shown())).shown(&version.shown());
        for (name, number) in [
            ("Major", version.numbers[0]),
            ("Minor", version.numbers[1]),
            ("Patch", version.numbers[2]),
        ] {
            record.put(name, Value::Uint(number));
        }
        record.put("Prerelease", version.pre.as_str().into());
        record.put("Metadata", version.build.as_str().into());
        record.put("Original", text.into());
        record.put("String", version.shown().into());
        Ok(record.done())
    }),
    ("semverCompare", |_, args| {
        let [wanted, version] = exactly(args)?;
        let ranges = ranges(string(wanted)?)?;
        let version = Version::parse(string(version)?)?;
        Ok(Value::Bool(ranges.iter().any(|all| fits(all, &version))))
    }),
];

#[derive(Clone, Debug, Default)]
struct Version {
    numbers: [u64; 3],
    pre: String,
    build: String,
}

const NO_VERSION: &str = "this is no version";

impl Version {
    /// A `v` in front is passed over, numbers may be missing.
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = text
            .split_once('+')
            .map_or((text, None), |(t, b)| (t, Some(b)));
        let (text, pre) = text
            .split_once('-')
            .map_or((text, None), |(t, p)| (t, Some(p)));
        let is_tag = |tag: Option<&str>| {
            tag.is_none_or(|tag| {
                tag.split('.').all(|part| {
                    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                })
            })
        };
        let has_zeros = |text: &str| {
            text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
        };
        let parts: Vec<&str> = text.split('.').collect();
        let bad_pre = pre.is_some_and(|pre| pre.split('.').any(has_zeros));
        if parts.len() > 3 || !is_tag(pre) || !is_tag(build) || bad_pre {
            return Err(NO_VERSION.to_owned());
        }
        let mut numbers = [0; 3];
        for (slot, part) in numbers.iter_mut().zip(&parts) {
            if has_zeros(part) || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(NO_VERSION.to_owned());
            }
            *slot = part.parse().map_err(|_| NO_VERSION.to_owned())?;
        }
        Ok(Self {
            numbers,
            pre: pre.unwrap_or("").to_owned(),
            build: build.unwrap_or("").to_owned(),
        })
    }
    fn shown(&self) -> String {
        let [major, minor, patch] = self.numbers;
        let mark = |mark: &str, text: &str| {
            if text.is_empty() {
                String::new()
            } else {
                format!("{mark}{text}")
            }
        };
        format!(
            "{major}.{minor}.{patch}{}{}",
            mark("-", &self.pre),
            mark("+", &self.build)
        )
    }
    fn order(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => order_of_pre(&self.pre, &other.pre),
            }
        })
    }
}

fn order_of_pre(a: &str, b: &str) -> Ordering {
    let mut others = b.split('.');
    for part in a.split('.') {
        let Some(other) = others.next() else {
            return Ordering::Greater;
        };
        let order = match (part.parse::<u64>(), other.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => part.cmp(other),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    if others.next().is_some() {
        Ordering::Less
    } else {
        Ordering::Equal
    }
}

/// `>= 1.2`, `~1.2.x`: how many of the numbers are given.
struct Wanted {
    how: String,
    version: Version,
    given: usize,
}

const NUMBERS: &str =
    r"v?([0-9xX*]+)(\.[0-9xX*]+)?(\.[0-9xX*]+)?(-[0-9A-Za-z.\-]+)?(\+[0-9A-Za-z.\-]+)?";

fn ranges(text: &str) -> Result<Vec<Vec<Wanted>>, String> {
    let bad = |_| "this is no range of versions".to_owned();
    let between = Regex::new(&format!(r"({NUMBERS})\s+-\s+({NUMBERS})")).map_err(bad)?;
    let one = Regex::new(&format!(
        r"^[\s,]*(!=|>=|=>|<=|=<|~>|=|>|<|~|\^)?\s*({NUMBERS})"
    ))
    .map_err(bad)?;
    let text = between.replace_all(text, ">= ${1} <= ${7}");
    text.split("||")
        .map(|group| group_of(group, &one))
        .collect()
}

fn group_of(mut text: &str, one: &Regex) -> Result<Vec<Wanted>, String> {
    let mut all = vec![];
    while !text.trim().is_empty() {
        let found = one
            .captures(text)
            .ok_or_else(|| "this is no range of versions".to_owned())?;
        let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
        let parts = [
            part(3),
            part(4).trim_start_matches('.'),
            part(5).trim_start_matches('.'),
        ];
        let given = parts
            .iter()
            .take_while(|part| !part.is_empty() && !part.contains(['x', 'X', '*']))
            .count();
        let mut numbers = ["0"; 3];
        numbers[..given].copy_from_slice(&parts[..given]);
        let version = Version::parse(&format!("{}{}", numbers.join("."), part(6)))?;
        all.push(Wanted {
            how: part(1).to_owned(),
            version,
            given,
        });
        let end = found.get(0).map_or(text.len(), |whole| whole.end());
        text = &text[end..];
        if !text.is_empty() && !text.starts_with([' ', ',', '\t']) {
            return Err("this is no range of versions".to_owned());
        }
    }
    if all.is_empty() {
        all.push(Wanted {
            how: String::new(),
            version: Version::default(),
            given: 0,
        });
    }
    Ok(all)
}

/// Versions before a release only count where one is named.
fn fits(all: &[Wanted], version: &Version) -> bool {
    let names_pre = all.iter().any(|wanted| !wanted.version.pre.is_empty());
    (names_pre || version.pre.is_empty()) && all.iter().all(|wanted| fits_one(wanted, version))
}

fn fits_one(wanted: &Wanted, version: &Version) -> bool {
    let (given, low) = (wanted.given, &wanted.version);
    let is_at_least = version.order(low) != Ordering::Less;
    let same = |count: usize| version.numbers[..count] == low.numbers[..count];
    match wanted.how.as_str() {
        "" | "=" if given == 3 => version.order(low) == Ordering::Equal,
        "" | "=" | "~" | "~>" => given == 0 || (is_at_least && same(given.min(2))),
        "!=" if given == 3 => version.order(low) != Ordering::Equal,
        "!=" => !same(given),
        ">" if given == 3 => version.order(low) == Ordering::Greater,
        ">" => version.numbers[..given] > low.numbers[..given],
        "<" => version.order(low) == Ordering::Less,
        ">=" | "=>" => is_at_least,
        "<=" | "=<" if given == 3 => version.order(low) != Ordering::Greater,
        "<=" | "=<" => version.numbers[..given] <= low.numbers[..given],
        // Up to the first number that is not zero, nothing may change.
        _ => {
            let fixed = low.numbers[..given].iter().position(|number| *number != 0);
            is_at_least && same(fixed.map_or(given, |at| at + 1))
        }
    }
}
