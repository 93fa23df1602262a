//! As much of an X.509 certificate as attestation asks for (WebAuthn Level 3 §8.2.1): version, validity, who it was made
//! out to, its key and two extensions. Nobody's trust hangs on it: chains are not followed, here or in the reference.
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const INTEGER: u8 = 0x02;
const BOOLEAN: u8 = 0x01;
const OCTETS: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

const COUNTRY: &[u8] = &[0x55, 4, 6];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
/// 1.3.6.1.4.1.45724.1.1.4
const FIDO_AAGUID: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0xe5, 0x1c, 1, 1, 4];

const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day][hour][minute][second]Z");

#[derive(Debug, Default)]
pub(super) struct Certificate<'a> {
    pub(super) version: u8,
    /// `SubjectPublicKeyInfo`, whole.
    pub(super) key: &'a [u8],
    /// Country, organisation and name of the subject are there.
    pub(super) is_made_out: bool,
    pub(super) is_ca: bool,
    pub(super) aaguid: Option<&'a [u8]>,
    /// The extension with the aaguid must not be critical.
    pub(super) aaguid_is_critical: bool,
    validity: (&'a [u8], &'a [u8]),
    validity_tags: (u8, u8),
}

impl<'a> Certificate<'a> {
    /// Nothing: it is no certificate, or one that does not keep to DER.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut outer = Reader(der);
        let mut certificate = Reader(outer.expect(SEQUENCE)?);
        outer.end()?;
        let mut tbs = Reader(certificate.expect(SEQUENCE)?);
        let version = match tbs.optional(0xa0)? {
            [] => 1,
            version => match Reader(version).expect(INTEGER)? {
                [number] => number.checked_add(1)?,
                _ => return None,
            },
        };
        tbs.expect(INTEGER)?;
        tbs.expect(SEQUENCE)?;
        tbs.expect(SEQUENCE)?;
        let mut validity = Reader(tbs.expect(SEQUENCE)?);
        let (from_tag, from, _) = validity.next()?;
        let (to_tag, to, _) = validity.next()?;
        let is_made_out = is_made_out(tbs.expect(SEQUENCE)?)?;
        let (SEQUENCE, _, key) = tbs.next()? else {
            return None;
        };
        let mut out = Self {
            version,
            key,
            is_made_out,
            validity: (from, to),
            validity_tags: (from_tag, to_tag),
            ..Self::default()
        };
        tbs.optional(0x81)?;
        tbs.optional(0x82)?;
        let extensions = tbs.optional(0xa3)?;
        if !extensions.is_empty() {
            out.extensions(Reader(extensions).expect(SEQUENCE)?)?;
        }
        tbs.end()?;
        Some(out)
    }

    fn extensions(&mut self, list: &'a [u8]) -> Option<()> {
        let mut list = Reader(list);
        while !list.0.is_empty() {
            let mut extension = Reader(list.expect(SEQUENCE)?);
            let name = extension.expect(OID)?;
            let critical = is_true(extension.optional(BOOLEAN)?);
            let value = extension.expect(OCTETS)?;
            if name == BASIC_CONSTRAINTS {
                let mut constraints = Reader(Reader(value).expect(SEQUENCE)?);
                self.is_ca = is_true(constraints.optional(BOOLEAN)?);
            } else if name == FIDO_AAGUID {
                self.aaguid = Some(Reader(value).expect(OCTETS)?);
                self.aaguid_is_critical = critical;
            }
        }
        Some(())
    }

    pub(super) fn is_valid_at(&self, now: OffsetDateTime) -> bool {
        let (from, to) = (
            instant(self.validity_tags.0, self.validity.0),
            instant(self.validity_tags.1, self.validity.1),
        );
        matches!((from, to), (Some(from), Some(to)) if from <= now && now <= to)
    }
}

fn is_true(boolean: &[u8]) -> bool {
    matches!(boolean, [byte] if *byte != 0)
}

/// RFC 5280 §4.1.2.5: years before 2050 have two digits.
fn instant(tag: u8, value: &[u8]) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(value).ok()?;
    let text = match tag {
        UTC_TIME => {
            let year: u8 = text.get(..2)?.parse().ok()?;
            format!("{}{text}", if year < 50 { "20" } else { "19" })
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let parsed = PrimitiveDateTime::parse(&text, SECONDS).ok()?;
    Some(parsed.assume_utc())
}

fn is_made_out(name: &[u8]) -> Option<bool> {
    let mut found = [false; 3];
    let mut name = Reader(name);
    while !name.0.is_empty() {
        let mut set = Reader(name.expect(SET)?);
        while !set.0.is_empty() {
            let mut attribute = Reader(set.expect(SEQUENCE)?);
            let kind = attribute.expect(OID)?;
            let (_, value, _) = attribute.next()?;
            for (seen, wanted) in found.iter_mut().zip([COUNTRY, ORGANIZATION, COMMON_NAME]) {
                *seen |= kind == wanted && !value.is_empty();
            }
        }
    }
    Some(found == [true; 3])
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Tag, value, and both with the length.
    fn next(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let all = self.0;
        let (&tag, rest) = all.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x83 => {
                let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
                rest = after;
                bytes
                    .iter()
                    .fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
            }
            _ => return None,
        };
        let (value, after) = rest.split_at_checked(length)?;
        self.0 = after;
        let whole = all.get(..all.len() - after.len())?;
        Some((tag, value, whole))
    }
    fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, value, _) = self.next()?;
        (tag == wanted).then_some(value)
    }
    /// The next value if it has that tag, else an empty one.
    fn optional(&mut self, wanted: u8) -> Option<&'a [u8]> {
        if self.0.first() == Some(&wanted) {
            self.expect(wanted)
        } else {
            Some(&[])
        }
    }
    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
