//! Times as the engines spell them (database.md §3). SQLite compares them as text, so ours must be the same layout
//! as the reference's: `2026-07-01 12:34:56.1234+00:00`, UTC, fraction without trailing zeros.
use crate::base::time::date_and_time;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// The text of a SQLite column.
pub(in crate::store) fn sqlite_text(at: OffsetDateTime) -> String {
    let mut text = date_and_time(at, ' ');
    text.push_str("+00:00");
    text
}

/// Reads what any engine, driver or JSON function writes: space or `T`, any fraction, any or no offset (then UTC).
pub(in crate::store) fn parse(text: &str) -> Option<OffsetDateTime> {
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let part = text.get(range)?;
        part.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| part.parse().ok())?
    };
    let mark = |at: usize| text.as_bytes().get(at).copied();
    if mark(4)? != b'-'
        || mark(7)? != b'-'
        || !matches!(mark(10)?, b' ' | b'T')
        || mark(13)? != b':'
    {
        return None;
    }
    let month = Month::try_from(u8::try_from(number(5..7)?).ok()?).ok()?;
    let date = Date::from_calendar_date(
        i32::try_from(number(0..4)?).ok()?,
        month,
        u8::try_from(number(8..10)?).ok()?,
    )
    .ok()?;
    let mut rest = text.get(19..)?;
    let mut nanoseconds = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let digits = after.get(..end.min(9))?;
        nanoseconds =
            digits.parse::<u32>().ok()? * 10_u32.pow(9 - u32::try_from(digits.len()).ok()?);
        rest = after.get(end..)?;
    }
    let time = Time::from_hms_nano(
        u8::try_from(number(11..13)?).ok()?,
        u8::try_from(number(14..16)?).ok()?,
        u8::try_from(number(17..19)?).ok()?,
        nanoseconds,
    )
    .ok()?;
    let local = PrimitiveDateTime::new(date, time);
    Some(
        local
            .assume_offset(offset(rest.trim())?)
            .to_offset(UtcOffset::UTC),
    )
}

/// Nothing, `Z`, `+02:00`, `+0200`, `+0000 UTC`, `+02`.
fn offset(text: &str) -> Option<UtcOffset> {
    if text.is_empty() || text == "Z" || text == "UTC" {
        return Some(UtcOffset::UTC);
    }
    let text = text.split_once(' ').map_or(text, |(offset, _)| offset);
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let hours: i8 = digits.get(..2)?.parse().ok()?;
    let minutes: i8 = match digits.get(2..)?.trim_start_matches(':') {
        "" => 0,
        minutes => minutes.get(..2)?.parse().ok()?,
    };
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

/// UTC wall clock in microseconds: a PostgreSQL `timestamp`.
pub(super) fn postgres(at: OffsetDateTime) -> PrimitiveDateTime {
    let at = crate::base::time::micros(at.to_offset(UtcOffset::UTC));
    PrimitiveDateTime::new(at.date(), at.time())
}

/// UTC wall clock in whole seconds: a `datetime` without fraction. Cut by us, as MariaDB would and MySQL would not: a
/// session that ended later than its cookie says would look as if it had been extended.
pub(super) fn mysql(at: OffsetDateTime) -> PrimitiveDateTime {
    let at = crate::base::time::seconds(at.to_offset(UtcOffset::UTC));
    PrimitiveDateTime::new(at.date(), at.time())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn sqlite_times_are_spelt_like_the_references() {
        let at = datetime!(2026-07-01 12:34:56.123456789 UTC);
        assert_eq!(sqlite_text(at), "2026-07-01 12:34:56.123456789+00:00");
        assert_eq!(
            sqlite_text(datetime!(2026-07-01 12:34:56.12 UTC)),
            "2026-07-01 12:34:56.12+00:00"
        );
        assert_eq!(
            sqlite_text(datetime!(2026-07-01 14:34:56 +2)),
            "2026-07-01 12:34:56+00:00"
        );
        assert_eq!(parse(&sqlite_text(at)), Some(at));
    }

    #[test]
    fn times_of_all_engines_and_drivers_are_read() {
        let noon = datetime!(2026-07-01 12:00 UTC);
        for text in [
            "2026-07-01 12:00:00",
            "2026-07-01 12:00:00+00:00",
            "2026-07-01T12:00:00Z",
            "2026-07-01T12:00:00",
            "2026-07-01 12:00:00.000000",
            "2026-07-01 14:00:00+02:00",
            "2026-07-01 14:00:00+02",
            "2026-07-01 06:30:00-05:30",
            "2026-07-01 12:00:00 +0000 UTC",
        ] {
            assert_eq!(parse(text), Some(noon), "{text}");
        }
        for text in [
            "",
            "now",
            "2026-07-01",
            "2026-13-01 00:00:00",
            "2026-07-01 12:00:00 x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn mysql_times_are_cut_to_whole_seconds() {
        let at = datetime!(2026-12-31 23:59:59.5 UTC);
        assert_eq!(mysql(at), datetime!(2026-12-31 23:59:59));
        assert_eq!(
            mysql(datetime!(2027-01-01 1:00:00.4 +1)),
            datetime!(2027-01-01 0:00:00)
        );
    }
}
