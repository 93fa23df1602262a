//! Spans of time as Go writes them: `1h30m`, `250ms`. The schema allows neither sign nor fraction.
use serde::{Deserialize, Deserializer, de::Error};
use time::Duration;

/// Reads one or more pairs of digits and unit (`ns us ms s m h`); `None` for anything else, and for
/// what is longer than 2⁶³ ns (some 292 years).
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after, |c| !c.is_ascii_digit());
        let scale = match unit {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(scale)?)?;
        rest = after;
    }
    (!text.is_empty()).then(|| Duration::nanoseconds(total))
}

/// The same with a sign and with fractions, as people may write it to the admin API.
#[must_use]
pub fn parse_signed(text: &str) -> Option<Duration> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after, |c| !c.is_ascii_digit() && c != '.');
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let part = parse(&format!(
            "{}{unit}",
            if whole.is_empty() { "0" } else { whole }
        ))?;
        let one = parse(&format!("1{unit}"))?;
        let share: f64 = format!("0.{fraction}0").parse().ok()?;
        total = total.checked_add(part)?.checked_add(one * share)?;
        rest = after;
    }
    (!text.is_empty()).then(|| if negative { -total } else { total })
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// For `#[serde(deserialize_with = "duration::required")]`.
pub(super) fn required<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(input)?;
    parse(&text).ok_or_else(|| D::Error::custom(TOO_LONG))
}

/// The same for a span that may be missing.
pub(super) fn optional<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    required(input).map(Some)
}

const TOO_LONG: &str = "not a duration such as 1h30m, or longer than 292 years";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        assert_eq!(parse("1h30m"), Some(Duration::minutes(90)));
        assert_eq!(parse("500ms"), Some(Duration::milliseconds(500)));
        assert_eq!(
            parse("1s2us3ns"),
            Some(Duration::nanoseconds(1_000_002_003))
        );
        assert_eq!(parse("0s"), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_no_duration_is_none() {
        for text in [
            "",
            "1",
            "h",
            "1d",
            "-1h",
            "1.5h",
            "1h ",
            "9999999999999h",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
