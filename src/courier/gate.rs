//! How many may do something at once: as few as it takes. A slow server gets more of us, up to a limit, and a fast one
//! fewer again.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Who waits so long finds those inside slow.
const SLOW: Duration = Duration::from_millis(150);
/// Who is done in less is not slow.
const FAST: Duration = Duration::from_millis(50);
/// A gate that is full, and that nobody leaves for so long, is stuck.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    least: usize,
    most: usize,
    state: Mutex<State>,
    left: Notify,
}

struct State {
    inside: usize,
    may: usize,
    /// When somebody last left, or the first one entered.
    moved: Instant,
}

/// Inside; leaves when dropped.
pub(super) struct Inside {
    gate: Gate,
    since: Instant,
}

impl Gate {
    pub(super) fn new(least: usize, most: usize) -> Self {
        Self(Arc::new(Inner {
            least,
            most,
            state: Mutex::new(State {
                inside: 0,
                may: least,
                moved: Instant::now(),
            }),
            left: Notify::new(),
        }))
    }

    /// Waits until there is room. More are let in only while `may_grow`.
    pub(super) async fn enter(&self, may_grow: impl Fn() -> bool) -> Inside {
        loop {
            let left = self.0.left.notified();
            {
                let mut state = self.lock();
                if state.inside < state.may {
                    if state.inside == 0 {
                        state.moved = Instant::now();
                    }
                    state.inside += 1;
                    break;
                }
            }
            if tokio::time::timeout(SLOW, left).await.is_err() && may_grow() {
                let mut state = self.lock();
                state.may = (state.may + 1).min(self.0.most);
            }
        }
        Inside {
            gate: self.clone(),
            since: Instant::now(),
        }
    }

    /// Waits until nobody is inside, for so long.
    pub(super) async fn emptied(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.lock().inside > 0 {
            if Instant::now() > until {
                return false;
            }
            let _ = tokio::time::timeout(SLOW, self.0.left.notified()).await;
        }
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().inside == 0
    }

    /// Nobody gets in as things are.
    pub(super) fn is_full(&self) -> bool {
        let state = self.lock();
        state.inside >= state.may
    }

    /// Nobody gets in, and nobody has left for a while. A gate that `may_grow` is full when it is as wide as it gets.
    pub(super) fn is_stuck(&self, may_grow: bool) -> bool {
        let state = self.lock();
        let room = if may_grow { self.0.most } else { state.may };
        state.inside >= room && state.moved.elapsed() > QUIET
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        {
            let mut state = self.gate.lock();
            state.inside -= 1;
            state.moved = Instant::now();
            // Those who stay may be slow all the same.
            let least = self.gate.0.least;
            if self.since.elapsed() < FAST && state.may > least && state.inside < least {
                state.may -= 1;
            }
        }
        self.gate.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slow_ones_are_joined_and_fast_ones_are_not() {
        let gate = Gate::new(1, 2);
        let first = gate.enter(|| true).await;
        let start = Instant::now();
        let second = gate.enter(|| true).await;
        assert!(start.elapsed() >= SLOW);
        let third = tokio::time::timeout(SLOW * 3, gate.enter(|| true)).await;
        assert!(third.is_err());
        drop(second);
        drop(first);
        assert!(gate.emptied(Duration::ZERO).await);
        for _ in 0..3 {
            drop(gate.enter(|| true).await);
        }
        assert_eq!(gate.lock().may, 1);
    }

    #[tokio::test]
    async fn a_full_gate_that_nobody_leaves_is_stuck() {
        let gate = Gate::new(1, 2);
        assert!(!gate.is_full() && !gate.is_stuck(false));
        let first = gate.enter(|| false).await;
        let second = tokio::time::timeout(SLOW * 3, gate.enter(|| false)).await;
        assert!(second.is_err(), "it may not grow");
        assert!(gate.is_full() && !gate.is_stuck(false));
        tokio::time::sleep(QUIET).await;
        assert!(gate.is_stuck(false) && !gate.is_stuck(true));
        let second = gate.enter(|| true).await;
        assert!(gate.is_stuck(true), "nobody has left yet");
        drop(first);
        assert!(!gate.is_stuck(true) && !gate.is_stuck(false));
        drop(second);
        assert!(gate.is_empty());
    }
}
