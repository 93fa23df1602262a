//! How many may do something at once: as few as it takes. A slow server gets more of us, up to a limit, and a fast one
//! fewer again.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Who waits so long finds those inside slow.
const SLOW: Duration = Duration::from_millis(150);
/// Who is done in less is not slow.
const FAST: Duration = Duration::from_millis(50);

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
            }),
            left: Notify::new(),
        }))
    }

    /// Waits until there is room.
    pub(super) async fn enter(&self) -> Inside {
        loop {
            let left = self.0.left.notified();
            {
                let mut state = self.lock();
                if state.inside < state.may {
                    state.inside += 1;
                    break;
                }
            }
            if tokio::time::timeout(SLOW, left).await.is_err() {
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        {
            let mut state = self.gate.lock();
            state.inside -= 1;
            if self.since.elapsed() < FAST && state.may > self.gate.0.least {
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
        let first = gate.enter().await;
        let start = Instant::now();
        let second = gate.enter().await;
        assert!(start.elapsed() >= SLOW);
        let third = tokio::time::timeout(SLOW * 3, gate.enter()).await;
        assert!(third.is_err());
        drop(second);
        drop(first);
        assert!(gate.emptied(Duration::ZERO).await);
        for _ in 0..3 {
            drop(gate.enter().await);
        }
        assert_eq!(gate.lock().may, 1);
    }
}
