//! Reads the CBOR that authenticators write (RFC 8949 as CTAP2 narrows it down), and not one bit more: definite lengths
//! only, a few levels, a bounded number of items, keys that do not repeat, no tags. Everything is borrowed from the input.

/// Levels of arrays and maps: the attestation object needs three.
const DEPTH: u8 = 4;
/// Items in one piece of input.
const ITEMS: usize = 512;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Item<'a>>),
    Map(Map<'a>),
    /// Booleans, null and numbers with a point: nothing that is looked at here.
    Other(u64),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Map<'a>(Vec<(Item<'a>, Item<'a>)>);

impl<'a> Map<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    fn find(&self, is_it: impl Fn(&Item<'a>) -> bool) -> Option<&Item<'a>> {
        self.0
            .iter()
            .find(|(key, _)| is_it(key))
            .map(|(_, value)| value)
    }
    pub(super) fn named(&self, name: &str) -> Option<&Item<'a>> {
        self.find(|key| matches!(key, Item::Text(text) if *text == name))
    }
    pub(super) fn numbered(&self, number: i64) -> Option<&Item<'a>> {
        self.find(|key| *key == Item::Int(number))
    }
}

impl<'a> Item<'a> {
    pub(super) fn int(&self) -> Option<i64> {
        if let Self::Int(number) = self {
            Some(*number)
        } else {
            None
        }
    }
    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self {
            Some(bytes)
        } else {
            None
        }
    }
    pub(super) fn text(&self) -> Option<&'a str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }
    pub(super) fn array(&self) -> Option<&[Item<'a>]> {
        if let Self::Array(items) = self {
            Some(items)
        } else {
            None
        }
    }
    pub(super) fn map(&self) -> Option<&Map<'a>> {
        if let Self::Map(map) = self {
            Some(map)
        } else {
            None
        }
    }
}

/// One item, and what follows it. Nothing: it is not what an authenticator may write.
pub(super) fn first(input: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let mut reader = Reader {
        rest: input,
        left: ITEMS,
    };
    let item = reader.item(DEPTH)?;
    Some((item, reader.rest))
}

/// One item, and nothing behind it.
pub(super) fn whole(input: &[u8]) -> Option<Item<'_>> {
    let (item, rest) = first(input)?;
    rest.is_empty().then_some(item)
}

struct Reader<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// Major type, additional information, argument.
    fn head(&mut self) -> Option<(u8, u8, u64)> {
        let &[first] = self.take(1)? else { return None };
        let (major, info) = (first >> 5, first & 0x1f);
        let size = match info {
            0..=23 => return Some((major, info, info.into())),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        let bytes = self.take(size)?;
        let argument = bytes.iter().fold(0, |sum, b| (sum << 8) | u64::from(*b));
        Some((major, info, argument))
    }

    fn item(&mut self, depth: u8) -> Option<Item<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (major, info, argument) = self.head()?;
        match major {
            0 => i64::try_from(argument).ok().map(Item::Int),
            1 => i64::try_from(argument).ok().map(|n| Item::Int(-1 - n)),
            2 => Some(Item::Bytes(self.take(usize::try_from(argument).ok()?)?)),
            3 => {
                let bytes = self.take(usize::try_from(argument).ok()?)?;
                std::str::from_utf8(bytes).ok().map(Item::Text)
            }
            4 => {
                let depth = depth.checked_sub(1)?;
                let mut items = vec![];
                for _ in 0..argument {
                    items.push(self.item(depth)?);
                }
                Some(Item::Array(items))
            }
            5 => self.entries(depth.checked_sub(1)?, argument),
            // A simple value in two bytes is one that does not fit in one.
            7 if info != 24 || argument >= 32 => Some(Item::Other(argument)),
            _ => None,
        }
    }

    fn entries(&mut self, depth: u8, count: u64) -> Option<Item<'a>> {
        let mut entries: Vec<(Item<'a>, Item<'a>)> = vec![];
        for _ in 0..count {
            let key = self.item(0)?;
            if entries.iter().any(|(other, _)| *other == key) {
                return None;
            }
            let value = self.item(depth)?;
            entries.push((key, value));
        }
        Some(Item::Map(Map(entries)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    fn read(hex: &str) -> bool {
        whole(&HEXLOWER.decode(hex.as_bytes()).unwrap()).is_some()
    }

    #[test]
    fn what_authenticators_write_is_read() {
        let bytes = HEXLOWER.decode(b"a3010203262041ff").unwrap();
        let item = whole(&bytes).unwrap();
        let map = item.map().unwrap();
        assert_eq!(map.numbered(1).and_then(Item::int), Some(2));
        assert_eq!(map.numbered(3).and_then(Item::int), Some(-7));
        assert_eq!(map.numbered(-1).and_then(Item::bytes), Some(&[0xff][..]));
        for good in [
            "00",
            "1818",
            "190100",
            "1a00010000",
            "1b0000000100000000",
            "3903e7",
            "6161",
            "80",
            "a0",
            "f5",
            "f6",
            "fb3ff0000000000000",
            "81818180",
        ] {
            assert!(read(good), "{good}");
        }
    }

    /// RFC 8949, appendix F, and what CTAP2 forbids besides.
    #[test]
    fn what_they_must_not_write_is_refused() {
        for bad in [
            "",
            "18",
            "19",
            "1a0102",
            "41",
            "5affffffff00",
            "5bffffffffffffffff010203",
            "61ff",
            "81",
            "9affffffff",
            "a1",
            "a100",
            "bb7fffffffffffffff",
            "1c",
            "1f",
            "5f4100ff",
            "7f6100ff",
            "9fff",
            "bfff",
            "ff",
            "c000",
            "d81800",
            "f800",
            "f818",
            "0000",
            "a201020103",
            "a2616101616102",
            "8181818180",
            "a18000",
            "1bffffffffffffffff",
            "3bffffffffffffffff",
        ] {
            assert!(!read(bad), "{bad}");
        }
        let many = [&[0x99, 0x02, 0x00][..], &[0; 512]].concat();
        assert_eq!(whole(&many), None, "more items than there may be");
    }
}
