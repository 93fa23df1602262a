//! Dates written and read by example, as Go does: `Monday, 2 January 2006 15:04:05`.
use std::fmt::Write;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    LongYear,
    Year,
    LongMonth,
    Month,
    ZeroMonth,
    NumberMonth,
    LongDay,
    WeekDay,
    Day,
    BlankDay,
    ZeroDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    UpperHalf,
    LowerHalf,
    Zone,
    /// `-0700`, or `Z` for none.
    Offset {
        colon: bool,
        z: bool,
    },
    /// That many digits; all of them, or as many as there are.
    Fraction {
        digits: usize,
        all: bool,
    },
}

/// Longer ones stand before those that they begin with.
const TOKENS: &[(&str, Token)] = &[
    ("January", Token::LongMonth),
    ("Jan", Token::Month),
    ("Monday", Token::LongDay),
    ("Mon", Token::WeekDay),
    ("MST", Token::Zone),
    ("2006", Token::LongYear),
    ("_2", Token::BlankDay),
    ("01", Token::ZeroMonth),
    ("02", Token::ZeroDay),
    ("03", Token::ZeroHour12),
    ("04", Token::ZeroMinute),
    ("05", Token::ZeroSecond),
    ("06", Token::Year),
    ("15", Token::Hour),
    ("1", Token::NumberMonth),
    ("2", Token::Day),
    ("3", Token::Hour12),
    ("4", Token::Minute),
    ("5", Token::Second),
    ("PM", Token::UpperHalf),
    ("pm", Token::LowerHalf),
    (
        "-07:00",
        Token::Offset {
            colon: true,
            z: false,
        },
    ),
    (
        "-0700",
        Token::Offset {
            colon: false,
            z: false,
        },
    ),
    (
        "Z07:00",
        Token::Offset {
            colon: true,
            z: true,
        },
    ),
    (
        "Z0700",
        Token::Offset {
            colon: false,
            z: true,
        },
    ),
];

/// The next token: what stands before it, it, and what comes after.
fn next(layout: &str) -> Option<(&str, Token, &str)> {
    for (at, c) in layout.char_indices() {
        let rest = &layout[at..];
        if matches!(c, '.' | ',') {
            let digits = rest[1..]
                .chars()
                .take_while(|d| rest[1..].starts_with(*d))
                .count();
            let sample = rest[1..].chars().next();
            let ends = !rest[1 + digits..].starts_with(|c: char| c.is_ascii_digit());
            if matches!(sample, Some('0' | '9')) && ends {
                let all = sample == Some('0');
                return Some((
                    &layout[..at],
                    Token::Fraction { digits, all },
                    &rest[1 + digits..],
                ));
            }
            continue;
        }
        let found = TOKENS.iter().find(|(text, _)| rest.starts_with(text));
        if let Some((text, token)) = found {
            // A month is no part of a longer word.
            if *token == Token::Month && rest[3..].starts_with(|c: char| c.is_ascii_lowercase()) {
                continue;
            }
            return Some((&layout[..at], *token, &rest[text.len()..]));
        }
    }
    None
}

pub(super) fn format(mut layout: &str, at: OffsetDateTime) -> String {
    let mut out = String::new();
    while let Some((before, token, rest)) = next(layout) {
        out.push_str(before);
        write_token(&mut out, token, at);
        layout = rest;
    }
    out.push_str(layout);
    out
}

fn write_token(out: &mut String, token: Token, at: OffsetDateTime) {
    let hour12 = match at.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let is_late = at.hour() >= 12;
    let month = at.month().to_string();
    let day = at.weekday().to_string();
    let _ = match token {
        Token::LongYear => write!(out, "{:04}", at.year()),
        Token::Year => write!(out, "{:02}", at.year() % 100),
        Token::LongMonth => write!(out, "{month}"),
        Token::Month => write!(out, "{month:.3}"),
        Token::ZeroMonth => write!(out, "{:02}", u8::from(at.month())),
        Token::NumberMonth => write!(out, "{}", u8::from(at.month())),
        Token::LongDay => write!(out, "{day}"),
        Token::WeekDay => write!(out, "{day:.3}"),
        Token::Day => write!(out, "{}", at.day()),
        Token::BlankDay => write!(out, "{:2}", at.day()),
        Token::ZeroDay => write!(out, "{:02}", at.day()),
        Token::Hour => write!(out, "{:02}", at.hour()),
        Token::Hour12 => write!(out, "{hour12}"),
        Token::ZeroHour12 => write!(out, "{hour12:02}"),
        Token::Minute => write!(out, "{}", at.minute()),
        Token::ZeroMinute => write!(out, "{:02}", at.minute()),
        Token::Second => write!(out, "{}", at.second()),
        Token::ZeroSecond => write!(out, "{:02}", at.second()),
        Token::UpperHalf => write!(out, "{}", if is_late { "PM" } else { "AM" }),
        Token::LowerHalf => write!(out, "{}", if is_late { "pm" } else { "am" }),
        Token::Zone if at.offset().is_utc() => write!(out, "UTC"),
        Token::Zone => write_offset(out, at.offset(), false),
        Token::Offset { z: true, .. } if at.offset().is_utc() => write!(out, "Z"),
        Token::Offset { colon, .. } => write_offset(out, at.offset(), colon),
        Token::Fraction { digits, all } => {
            let nanos = format!("{:09}", at.nanosecond());
            let shown = &nanos[..digits.min(9)];
            let shown = if all {
                shown
            } else {
                shown.trim_end_matches('0')
            };
            if shown.is_empty() {
                Ok(())
            } else {
                write!(out, ".{shown}")
            }
        }
    };
}

fn write_offset(out: &mut String, offset: UtcOffset, colon: bool) -> std::fmt::Result {
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_negative() { '-' } else { '+' };
    let colon = if colon { ":" } else { "" };
    write!(
        out,
        "{sign}{:02}{colon}{:02}",
        hours.unsigned_abs(),
        minutes.unsigned_abs()
    )
}

/// What is read so far.
struct Read {
    year: i32,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanos: u32,
    is_late: Option<bool>,
    offset: UtcOffset,
}

pub(super) fn parse(mut layout: &str, mut text: &str) -> Option<OffsetDateTime> {
    let mut read = Read {
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        is_late: None,
        offset: UtcOffset::UTC,
    };
    while let Some((before, token, rest)) = next(layout) {
        text = text.strip_prefix(before)?;
        text = read.token(token, text)?;
        layout = rest;
        // A fraction that the layout does not name may stand behind the seconds.
        let names_fraction = matches!(next(layout), Some((_, Token::Fraction { .. }, _)));
        if matches!(token, Token::Second | Token::ZeroSecond) && !names_fraction {
            text = read.fraction(text);
        }
    }
    if text != layout {
        return None;
    }
    let hour = match read.is_late {
        Some(true) if read.hour < 12 => read.hour + 12,
        Some(false) if read.hour == 12 => 0,
        _ => read.hour,
    };
    let date =
        Date::from_calendar_date(read.year, Month::try_from(read.month).ok()?, read.day).ok()?;
    let time = Time::from_hms_nano(hour, read.minute, read.second, read.nanos).ok()?;
    Some(date.with_time(time).assume_offset(read.offset))
}

impl Read {
    fn token<'a>(&mut self, token: Token, text: &'a str) -> Option<&'a str> {
        let (number, rest) = match token {
            Token::LongYear => digits(text, 4, 4)?,
            Token::Year
            | Token::ZeroMonth
            | Token::ZeroDay
            | Token::ZeroHour12
            | Token::ZeroMinute
            | Token::ZeroSecond => digits(text, 2, 2)?,
            Token::BlankDay => digits(text.trim_start_matches(' '), 1, 2)?,
            Token::NumberMonth
            | Token::Day
            | Token::Hour
            | Token::Hour12
            | Token::Minute
            | Token::Second => digits(text, 1, 2)?,
            _ => (0, text),
        };
        let small = u8::try_from(number).unwrap_or(u8::MAX);
        match token {
            Token::LongYear => self.year = i32::try_from(number).ok()?,
            Token::Year => {
                self.year = i32::try_from(number).ok()? + if number >= 69 { 1900 } else { 2000 }
            }
            Token::ZeroMonth | Token::NumberMonth => self.month = small,
            Token::Day | Token::BlankDay | Token::ZeroDay => self.day = small,
            Token::Hour | Token::Hour12 | Token::ZeroHour12 => self.hour = small,
            Token::Minute | Token::ZeroMinute => self.minute = small,
            Token::Second | Token::ZeroSecond => self.second = small,
            Token::LongMonth | Token::Month => {
                let (index, rest) = named(text, &MONTHS, token == Token::Month)?;
                self.month = u8::try_from(index + 1).ok()?;
                return Some(rest);
            }
            Token::LongDay | Token::WeekDay => {
                return named(text, &DAYS, token == Token::WeekDay).map(|(_, rest)| rest);
            }
            Token::UpperHalf | Token::LowerHalf => {
                let half = text.get(..2)?;
                let (early, late) = if token == Token::UpperHalf {
                    ("AM", "PM")
                } else {
                    ("am", "pm")
                };
                self.is_late = Some(half == late).filter(|_| half == early || half == late);
                self.is_late?;
                return text.get(2..);
            }
            Token::Zone => {
                let end = text
                    .find(|c: char| !c.is_ascii_uppercase())
                    .unwrap_or(text.len());
                return (3..=4).contains(&end).then(|| &text[end..]);
            }
            Token::Offset { z: true, .. } if text.starts_with('Z') => return text.get(1..),
            Token::Offset { colon, .. } => return self.offset(text, colon),
            Token::Fraction { .. } => return Some(self.fraction(text)),
        }
        Some(rest)
    }

    fn offset<'a>(&mut self, text: &'a str, colon: bool) -> Option<&'a str> {
        let sign = match text.get(..1)? {
            "+" => 1,
            "-" => -1,
            _ => return None,
        };
        let (hours, rest) = digits(&text[1..], 2, 2)?;
        let rest = if colon { rest.strip_prefix(':')? } else { rest };
        let (minutes, rest) = digits(rest, 2, 2)?;
        let (hours, minutes) = (i8::try_from(hours).ok()?, i8::try_from(minutes).ok()?);
        self.offset = UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?;
        Some(rest)
    }

    fn fraction<'a>(&mut self, text: &'a str) -> &'a str {
        let Some(rest) = text.strip_prefix(['.', ',']) else {
            return text;
        };
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if end == 0 {
            return text;
        }
        let nine = format!("{:0<9}", &rest[..end.min(9)]);
        self.nanos = nine.parse().unwrap_or(0);
        &rest[end..]
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let count = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if count < least {
        return None;
    }
    Some((text[..count].parse().ok()?, &text[count..]))
}

/// Which name the text begins with, in any spelling, and the rest.
fn named<'a>(text: &'a str, names: &[&str], is_short: bool) -> Option<(usize, &'a str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = if is_short { &name[..3] } else { name };
        let begins = text.get(..name.len())?.eq_ignore_ascii_case(name);
        begins.then(|| (index, &text[name.len()..]))
    })
}
