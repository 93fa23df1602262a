//! Amounts of memory: digits and a unit of `B KB MB GB TB PB EB`, powers of 1024.
use serde::{Deserialize, Deserializer, de::Error};

/// Reads a size in bytes. What follows the unit is not looked at, as in the reference's pattern.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let power = match unit.as_bytes() {
        [b'B', ..] => 0,
        [b'K', b'B', ..] => 1,
        [b'M', b'B', ..] => 2,
        [b'G', b'B', ..] => 3,
        [b'T', b'B', ..] => 4,
        [b'P', b'B', ..] => 5,
        [b'E', b'B', ..] => 6,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1024_u64.pow(power))
}

/// For `#[serde(deserialize_with = "size::required")]`.
pub(super) fn required<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    let text = String::deserialize(input)?;
    parse(&text).ok_or_else(|| D::Error::custom("not a size such as 128MB, or above 16EB"))
}

/// The same for a size that may be missing.
pub(super) fn optional<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    required(input).map(Some)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(parse("128MB"), Some(1 << 27));
        assert_eq!(parse("1GB"), Some(1 << 30));
        assert_eq!(parse("7B"), Some(7));
        for text in ["", "MB", "1", "1M", "-1MB", "1 MB", "99EB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
