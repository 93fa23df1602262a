//! Dates and spans of time. The place of the world is UTC: a server's own time is nothing that a reader knows.
use super::super::template::value::Record;
use super::args::{Answer, exactly, int, string};
use super::layout::{format, parse};
use super::{Env, Table};
use crate::base::time::rfc3339;
use gotmpl::Value;
use time::{Date, Duration, Month, OffsetDateTime, UtcOffset};

pub(super) const TABLE: Table = &[
    ("now", |env, args| {
        exactly::<0>(args).map(|_| moment(env.now))
    }),
    ("date", |env, args| {
        let [layout, at] = exactly(args)?;
        Ok(format(string(layout)?, read(env, at)).into())
    }),
    ("dateInZone", |env, args| in_zone(env, args)),
    ("date_in_zone", |env, args| in_zone(env, args)),
    ("htmlDate", |env, args| {
        let [at] = exactly(args)?;
        Ok(format("2006-01-02", read(env, at)).into())
    }),
    ("htmlDateInZone", |env, args| {
        let [at, zone] = exactly(args)?;
        string(zone)?;
        Ok(format("2006-01-02", read(env, at)).into())
    }),
    ("dateModify", |_, args| modified(args, false)),
    ("date_modify", |_, args| modified(args, false)),
    ("mustDateModify", |_, args| modified(args, true)),
    ("must_date_modify", |_, args| modified(args, true)),
    ("toDate", |_, args| {
        let [layout, text] = exactly(args)?;
        let at = parse(string(layout)?, string(text)?);
        Ok(moment(at.unwrap_or(ZERO)))
    }),
    ("mustToDate", |_, args| {
        let [layout, text] = exactly(args)?;
        let at = parse(string(layout)?, string(text)?);
        at.map(moment)
            .ok_or_else(|| "this is no date of that form".to_owned())
    }),
    ("unixEpoch", |_, args| {
        let [at] = exactly(args)?;
        let at = of(at).ok_or("wants a date")?;
        Ok(at.unix_timestamp().to_string().into())
    }),
    ("ago", |env, args| {
        let [at] = exactly(args)?;
        let span = env.now - read(env, at);
        Ok(span_text(Duration::seconds_f64(span.as_seconds_f64().round())).into())
    }),
    ("duration", |_, args| {
        let [seconds] = exactly(args)?;
        let seconds = match seconds {
            Value::Int(number) => *number,
            Value::String(text) => text.parse().unwrap_or(0),
            _ => 0,
        };
        Ok(span_text(Duration::seconds(seconds)).into())
    }),
    ("durationRound", |env, args| {
        let [span] = exactly(args)?;
        let span = match (span, of(span)) {
            (_, Some(at)) => env.now - at,
            (Value::Int(number), _) => Duration::nanoseconds(*number),
            (Value::String(text), _) => span_of(text).unwrap_or(Duration::ZERO),
            _ => Duration::ZERO,
        };
        Ok(rounded(span).into())
    }),
];

/// Go's moment that is none.
const ZERO: OffsetDateTime = time::macros::datetime!(0001-01-01 00:00 UTC);
const MARK: &str = "\0at";

fn moment(at: OffsetDateTime) -> Value {
    let offset = if at.offset().is_utc() {
        "-0700 MST"
    } else {
        "-0700 -0700"
    };
    let shown = format(&format!("2006-01-02 15:04:05.999999999 {offset}"), at);
    let mut record = Record::new(&format!(
        "\"{}\"",
        format("2006-01-02T15:04:05.999999999Z07:00", at)
    ))
    .shown(&shown);
    record.put(MARK, rfc3339_with_offset(at).into());
    let number = |number: i64| Value::Int(number);
    record.put("Year", number(at.year().into()));
    record.put("Month", format("January", at).into());
    record.put("Weekday", format("Monday", at).into());
    for (name, value) in [
        ("Day", i64::from(at.day())),
        ("Hour", at.hour().into()),
        ("Minute", at.minute().into()),
        ("Second", at.second().into()),
        ("YearDay", at.ordinal().into()),
        ("Unix", at.unix_timestamp()),
    ] {
        record.put(name, number(value));
    }
    record.put("String", shown.into());
    record.done()
}

fn rfc3339_with_offset(at: OffsetDateTime) -> String {
    if at.offset().is_utc() {
        rfc3339(at)
    } else {
        format("2006-01-02T15:04:05.999999999Z07:00", at)
    }
}

/// The moment that a value is.
fn of(value: &Value) -> Option<OffsetDateTime> {
    parse("2006-01-02T15:04:05Z07:00", value.field(MARK)?.as_str()?)
}

/// A moment, seconds since 1970, or now.
fn read(env: &Env, value: &Value) -> OffsetDateTime {
    let at = match value {
        Value::Int(seconds) => OffsetDateTime::from_unix_timestamp(*seconds).ok(),
        other => of(other),
    };
    at.unwrap_or(env.now).to_offset(UtcOffset::UTC)
}

fn in_zone(env: &Env, args: &[Value]) -> Answer {
    let [layout, at, zone] = exactly(args)?;
    string(zone)?;
    Ok(format(string(layout)?, read(env, at)).into())
}

fn modified(args: &[Value], must: bool) -> Answer {
    let [span, at] = exactly(args)?;
    let at = of(at).ok_or("wants a date")?;
    match span_of(string(span)?) {
        Some(span) => Ok(moment(at.checked_add(span).unwrap_or(at))),
        None if must => Err("this is no span of time".to_owned()),
        None => Ok(moment(at)),
    }
}

/// A method of a moment; `None` if that is none.
pub(in super::super) fn method(value: &Value, name: &str, args: &[Value]) -> Option<Answer> {
    let at = of(value)?;
    match (name, args) {
        ("Format", [Value::String(layout)]) => Some(Ok(format(layout, at).into())),
        ("AddDate", [years, months, days]) => Some(added(at, years, months, days)),
        _ => None,
    }
}

fn added(at: OffsetDateTime, years: &Value, months: &Value, days: &Value) -> Answer {
    let too_far = || "a date too far away".to_owned();
    let months = int(years)?
        .checked_mul(12)
        .and_then(|years| years.checked_add(months.as_int()?))
        .and_then(|months| {
            months.checked_add(i64::from(at.year()) * 12 + i64::from(u8::from(at.month())) - 1)
        })
        .ok_or_else(too_far)?;
    let year = i32::try_from(months.div_euclid(12)).map_err(|_| too_far())?;
    let month = u8::try_from(months.rem_euclid(12) + 1)
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    let first = month
        .and_then(|month| Date::from_calendar_date(year, month, 1).ok())
        .ok_or_else(too_far)?;
    let days = int(days)?
        .checked_add(i64::from(at.day()) - 1)
        .ok_or_else(too_far)?;
    let days = Duration::days(days.clamp(-4_000_000, 4_000_000));
    let date = first.checked_add(days).ok_or_else(too_far)?;
    Ok(moment(date.with_time(at.time()).assume_offset(at.offset())))
}

/// `1h30m`, `-5s`, `1.5ms`.
fn span_of(text: &str) -> Option<Duration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        sum += number
            * match &rest[..end] {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    // Longer than Go's spans of time can be.
    (sum < 9.2e9).then(|| Duration::seconds_f64(sign * sum))
}

/// As Go prints whole seconds: `1h0m5s`.
fn span_text(span: Duration) -> String {
    let sign = if span.is_negative() { "-" } else { "" };
    let seconds = span.whole_seconds().unsigned_abs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// The largest unit of which there is more than one.
fn rounded(span: Duration) -> String {
    let nanos = span.whole_nanoseconds().unsigned_abs();
    let second = 1_000_000_000;
    let units = [
        (second * 3600 * 24 * 365, "y"),
        (second * 3600 * 24 * 30, "mo"),
        (second * 3600 * 24, "d"),
        (second * 3600, "h"),
        (second * 60, "m"),
        (second, "s"),
    ];
    let found = units.into_iter().find(|(unit, _)| nanos > *unit);
    found.map_or_else(
        || "0s".to_owned(),
        |(unit, name)| format!("{}{name}", nanos / unit),
    )
}
