//! Each channel has lanes and doors of its own: a gateway that hangs holds up nobody but its own messages.
use super::gate::{Gate, Inside};
use crate::model::message::CourierMessage;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Messages of a channel that are delivered at the same time: usually, and where it takes long.
const LANES: (usize, usize) = (4, 16);
/// Rows may name any channel: beyond so many, those without work are forgotten.
const MOST_IDLE: usize = 32;

/// The way of one channel. Cheap to clone.
#[derive(Clone)]
pub(super) struct Way {
    lanes: Gate,
    doors: Gate,
}

impl Way {
    fn new(doors: usize) -> Self {
        Self {
            lanes: Gate::new(LANES.0, LANES.1),
            // Never more: as many may come twice after a crash.
            doors: Gate::new(doors, doors),
        }
    }

    /// For a message on its way from the claim to the end; `None` once nobody gets ahead.
    pub(super) async fn lane(&self) -> Option<Inside> {
        // More who wait at the door would not get more through it.
        let enter = self.lanes.enter(|| !self.doors.is_full());
        tokio::pin!(enter);
        loop {
            match tokio::time::timeout(Duration::from_millis(100), &mut enter).await {
                Ok(lane) => return Some(lane),
                Err(_) if self.is_stuck() => return None,
                Err(_) => {}
            }
        }
    }

    /// For a message between "the server has it" and "it is written down".
    pub(super) async fn door(&self) -> Inside {
        self.doors.enter(|| false).await
    }

    /// Whoever comes now waits for long at the door.
    pub(super) fn has_slow_door(&self) -> bool {
        self.doors.is_stuck(false)
    }

    fn is_stuck(&self) -> bool {
        self.lanes.is_stuck(!self.doors.is_full())
    }
}

/// The ways of all channels.
pub(super) struct Ways {
    doors: usize,
    all: Mutex<HashMap<String, Way>>,
}

impl Ways {
    pub(super) fn new(doors: usize) -> Self {
        Self {
            doors,
            all: Mutex::default(),
        }
    }

    pub(super) fn of(&self, message: &CourierMessage) -> Way {
        let mut all = self.lock();
        if all.len() > MOST_IDLE {
            all.retain(|_, way| !way.lanes.is_empty());
        }
        let way = all.entry(channel(message).to_owned());
        way.or_insert_with(|| Way::new(self.doors)).clone()
    }

    /// Channels on which nothing moves.
    pub(super) fn stuck(&self) -> Vec<String> {
        let all = self.lock();
        let stuck = all.iter().filter(|(_, way)| way.is_stuck());
        let mut names: Vec<_> = stuck.map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// Waits until nothing is under way, for so long.
    pub(super) async fn emptied(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let ways: Vec<Way> = self.lock().values().cloned().collect();
        for way in ways {
            let left = until.saturating_duration_since(Instant::now());
            if !way.lanes.emptied(left).await {
                return false;
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Way>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The channel of a message. Rows of old versions name none.
pub(super) fn channel(message: &CourierMessage) -> &str {
    message.channel.as_deref().unwrap_or(message.via.word())
}
