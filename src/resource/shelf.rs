//! Copies of what was loaded. Small: an installation names a few dozen things.
use std::collections::HashMap;
use std::sync::Arc;
use time::OffsetDateTime;

/// So many things at most.
const MOST_THINGS: usize = 256;
/// So many bytes of them at most.
const MOST_BYTES: usize = 32 << 20;

#[derive(Default)]
pub(super) struct Shelf {
    things: HashMap<String, Thing>,
    bytes: usize,
}

struct Thing {
    content: Arc<[u8]>,
    since: OffsetDateTime,
}

impl Shelf {
    /// A copy that was put here after that moment.
    pub(super) fn get(&self, uri: &str, after: OffsetDateTime) -> Option<Arc<[u8]>> {
        let thing = self.things.get(uri)?;
        (thing.since > after).then(|| Arc::clone(&thing.content))
    }

    /// Keeps a copy; the oldest ones make room.
    pub(super) fn put(&mut self, uri: &str, content: Arc<[u8]>, now: OffsetDateTime) {
        self.remove(uri);
        if content.len() > MOST_BYTES / 4 {
            return;
        }
        while self.things.len() >= MOST_THINGS || self.bytes + content.len() > MOST_BYTES {
            let oldest = self.things.iter().min_by_key(|(_, thing)| thing.since);
            let Some(oldest) = oldest.map(|(uri, _)| uri.clone()) else {
                break;
            };
            self.remove(&oldest);
        }
        self.bytes += content.len();
        self.things.insert(
            uri.to_owned(),
            Thing {
                content,
                since: now,
            },
        );
    }

    fn remove(&mut self, uri: &str) {
        if let Some(thing) = self.things.remove(uri) {
            self.bytes -= thing.content.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);

    #[test]
    fn copies_grow_old() {
        let mut shelf = Shelf::default();
        shelf.put("a", b"x".as_slice().into(), NOW);
        assert!(shelf.get("a", NOW - Duration::hours(1)).is_some());
        assert!(shelf.get("a", NOW).is_none());
        assert!(shelf.get("b", NOW - Duration::hours(1)).is_none());
    }

    #[test]
    fn the_oldest_make_room() {
        let mut shelf = Shelf::default();
        let long_ago = NOW - Duration::days(1);
        for n in 0..=MOST_THINGS {
            let at = NOW + Duration::seconds(i64::try_from(n).unwrap());
            shelf.put(&n.to_string(), vec![0; 10].into(), at);
        }
        assert_eq!(shelf.things.len(), MOST_THINGS);
        assert!(shelf.get("0", long_ago).is_none());
        assert!(shelf.get("1", long_ago).is_some());
        for n in 0..8 {
            shelf.put(
                &format!("big {n}"),
                vec![0; MOST_BYTES / 4].into(),
                NOW + Duration::hours(n),
            );
        }
        assert!(shelf.bytes <= MOST_BYTES);
        assert_eq!(
            shelf.bytes,
            shelf
                .things
                .values()
                .map(|t| t.content.len())
                .sum::<usize>()
        );
        shelf.put(
            "too big",
            vec![0; MOST_BYTES / 4 + 1].into(),
            NOW + Duration::days(9),
        );
        assert!(shelf.get("too big", long_ago).is_none());
    }
}
