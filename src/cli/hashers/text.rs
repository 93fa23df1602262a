//! How results are shown: durations and sizes as the reference spells them, a row in the wanted format.
use crate::cli::output::{self, Format};
use serde_json::Value;
use std::time::Duration;

/// One result.
pub(super) trait Row {
    /// Headings and values for the table.
    fn cells(&self) -> Vec<(&'static str, String)>;
    fn json(&self) -> Value;
}

/// Prints a row: a heading and its value on each line, or the object, or whatever else was asked for.
pub(super) fn print(row: &dyn Row, format: &Format) -> anyhow::Result<()> {
    let (header, columns): (Vec<_>, Vec<_>) = row.cells().into_iter().unzip();
    output::row(format, &header, columns, &row.json())
}

/// As Go writes it: `1m2.5s`, `93.1ms`, `15µs`.
pub(super) fn duration(d: Duration) -> String {
    let nanos = d.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    for (unit, size) in [("ns", 1), ("µs", 1_000), ("ms", 1_000_000)] {
        if nanos < size * 1000 {
            return decimal(nanos, size) + unit;
        }
    }
    let (hours, minutes) = (d.as_secs() / 3600, d.as_secs() / 60 % 60);
    let rest = nanos % 60_000_000_000;
    let seconds = decimal(rest, 1_000_000_000) + "s";
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// `value ÷ size`, a power of ten, without trailing zeros.
fn decimal(value: u128, size: u128) -> String {
    let (whole, part) = (value / size, value % size);
    if part == 0 {
        return whole.to_string();
    }
    let places = size.ilog10() as usize;
    let digits = format!("{part:0places$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// `128.00MB`.
pub(super) fn size(bytes: u64) -> String {
    let mut unit = "B";
    let mut shift = 0;
    for larger in ["KB", "MB", "GB", "TB"] {
        if bytes >> (shift + 10) == 0 {
            break;
        }
        (unit, shift) = (larger, shift + 10);
    }
    // Hundredths, rounded to the nearest.
    let hundredths = (u128::from(bytes) * 100 + (1 << shift >> 1)) >> shift;
    format!("{}.{:02}{unit}", hundredths / 100, hundredths % 100)
}

/// For JSON.
pub(super) fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spelt_as_go_does() {
        for (nanos, text) in [
            (0, "0s"),
            (15, "15ns"),
            (15_000, "15µs"),
            (93_100_000, "93.1ms"),
            (1_234_567_000, "1.234567s"),
            (62_500_000_000, "1m2.5s"),
            (3_600_000_000_000, "1h0m0s"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn sizes_have_two_places() {
        for (bytes, text) in [
            (0, "0.00B"),
            (1023, "1023.00B"),
            (128 << 20, "128.00MB"),
            (1 << 30, "1.00GB"),
            (1_600_000, "1.53MB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
