//! Time as text: RFC 3339 the way the reference writes it.
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// RFC 3339 in UTC, the fraction without trailing zeros and absent when zero: `2026-07-01T12:34:56.1234Z`.
#[must_use]
pub fn rfc3339(at: OffsetDateTime) -> String {
    let mut text = date_and_time(at, 'T');
    text.push('Z');
    text
}

/// Date, separator and time of day in UTC with as much of a fraction as there is: `2026-07-01T12:34:56.1234`.
#[must_use]
pub fn date_and_time(at: OffsetDateTime, separator: char) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    // Room for an offset behind it.
    let mut text = String::with_capacity(36);
    push_number(&mut text, at.year().unsigned_abs(), 4);
    for (mark, number) in [
        ('-', u8::from(at.month())),
        ('-', at.day()),
        (separator, at.hour()),
        (':', at.minute()),
        (':', at.second()),
    ] {
        text.push(mark);
        push_number(&mut text, number.into(), 2);
    }
    if at.nanosecond() != 0 {
        text.push('.');
        push_number(&mut text, at.nanosecond(), 9);
        text.truncate(text.trim_end_matches('0').len());
    }
    text
}

fn push_number(text: &mut String, mut number: u32, width: usize) {
    let mut digits = [b'0'; 9];
    let digits = &mut digits[..width];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

/// Reads RFC 3339.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Cuts to microseconds, which is what PostgreSQL keeps.
#[must_use]
pub fn micros(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(at.nanosecond() / 1000 * 1000)
        .unwrap_or(at)
}

/// Cuts to whole seconds.
#[must_use]
pub fn seconds(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

/// For `#[serde(with = "crate::base::time::wire")]`.
pub mod wire {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use time::OffsetDateTime;

    pub fn serialize<S: Serializer>(at: &OffsetDateTime, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&super::rfc3339(*at))
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(d)?;
        super::parse_rfc3339(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }

    /// The same for a value that may be missing.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer, de::Error};
        use time::OffsetDateTime;

        pub fn serialize<S: Serializer>(
            at: &Option<OffsetDateTime>,
            s: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, s),
                None => s.serialize_none(),
            }
        }
        pub fn deserialize<'de, D: Deserializer<'de>>(
            d: D,
        ) -> Result<Option<OffsetDateTime>, D::Error> {
            match Option::<String>::deserialize(d)? {
                None => Ok(None),
                Some(text) => super::super::parse_rfc3339(&text)
                    .map(Some)
                    .ok_or_else(|| D::Error::custom("not an RFC 3339 time")),
            }
        }
    }
}
