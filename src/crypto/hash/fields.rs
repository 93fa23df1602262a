//! Reading the parts of a stored hash: numbers between bounds and strict base64.
use super::HashError;
use data_encoding::Encoding;

/// No derived key is shorter in any export; a cut one would fit many passwords.
const LEAST_KEY: usize = 8;
/// Longer keys only cost work.
const MOST_KEY: usize = 1024;

/// `ln=1024,r=8,p=1` with exactly these names in this order. What follows the last number is ignored, as the
/// reference does.
pub(super) fn numbers<const N: usize>(text: &str, names: [&str; N]) -> Option<[u64; N]> {
    let mut values = [0; N];
    let mut parts = text.splitn(N, ',');
    for (position, (name, value)) in names.iter().zip(&mut values).enumerate() {
        let digits = parts.next()?.strip_prefix(name)?.strip_prefix('=')?;
        let end = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        if position + 1 < N && end != digits.len() {
            return None;
        }
        *value = digits.get(..end)?.parse().ok()?;
    }
    Some(values)
}

/// The number, if it lies between the bounds.
pub(super) fn within(
    what: &'static str,
    got: u64,
    least: u64,
    most: u64,
) -> Result<u32, HashError> {
    let out = HashError::OutOfBounds {
        what,
        got,
        least,
        most,
    };
    if (least..=most).contains(&got) {
        u32::try_from(got).map_err(|_| out)
    } else {
        Err(out)
    }
}

/// Bytes of a base64 text.
pub(super) fn bytes(
    encoding: &Encoding,
    text: &str,
    format: &'static str,
) -> Result<Vec<u8>, HashError> {
    encoding
        .decode(text.as_bytes())
        .map_err(|_| HashError::Malformed(format))
}

/// The derived key of a hash: base64 of 8 to 1024 bytes.
pub(super) fn key(
    encoding: &Encoding,
    text: &str,
    format: &'static str,
) -> Result<Vec<u8>, HashError> {
    let key = bytes(encoding, text, format)?;
    if (LEAST_KEY..=MOST_KEY).contains(&key.len()) {
        Ok(key)
    } else {
        Err(HashError::Malformed(format))
    }
}

/// The text in exactly `N` parts between `$`.
pub(super) fn parts<'a, const N: usize>(
    text: &'a str,
    format: &'static str,
) -> Result<[&'a str; N], HashError> {
    let all: Vec<&str> = text.split('$').take(N + 1).collect();
    all.try_into().map_err(|_| HashError::Malformed(format))
}

/// Equal, in a time that depends on the length only.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    a.ct_eq(b).into()
}
