//! What waits and what memory is lent: the state behind the pool's lock. Nothing here blocks or computes.
use super::super::{HashError, HasherParams, Stored, argon2::Arena};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

pub(super) enum Work {
    Verify {
        stored: Stored,
        password: Zeroizing<Vec<u8>>,
        reply: oneshot::Sender<Result<bool, HashError>>,
    },
    Hash {
        params: HasherParams,
        password: Zeroizing<Vec<u8>>,
        reply: oneshot::Sender<Result<String, HashError>>,
    },
}

/// What a job needs of the memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    bytes: u64,
    /// It comes as an [`Arena`]; other algorithms allocate by themselves, and that is only counted.
    arena: bool,
    /// More than the share of all: it runs in the lane of which there is one.
    large: bool,
}

pub(super) struct Job {
    number: u64,
    pub(super) claim: Claim,
    pub(super) work: Work,
}

pub(super) struct Queue {
    limit: u64,
    idle_time: Duration,
    next_number: u64,
    normal: VecDeque<Job>,
    large: VecDeque<Job>,
    large_lane_taken: bool,
    /// Bytes in `idle` and in running jobs of the normal lane.
    lent: u64,
    /// Arenas that nobody uses; the last one returned is at the end and goes out first.
    idle: Vec<(Instant, Arena)>,
    stopped: bool,
}

impl Queue {
    pub(super) fn new(limit: u64, idle_time: Duration) -> Self {
        Self {
            limit,
            idle_time,
            next_number: 0,
            normal: VecDeque::new(),
            large: VecDeque::new(),
            large_lane_taken: false,
            lent: 0,
            idle: Vec::new(),
            stopped: false,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.normal.len() + self.large.len()
    }

    pub(super) fn memory(&self) -> u64 {
        self.lent
    }

    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// No job is begun any more; those who wait are told by the closed channel.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.normal.clear();
        self.large.clear();
    }

    pub(super) fn push(&mut self, bytes: u64, arena: bool, work: Work) {
        let large = bytes > self.limit;
        let job = Job {
            number: self.next_number,
            claim: Claim {
                bytes,
                arena,
                large,
            },
            work,
        };
        self.next_number += 1;
        if large {
            self.large.push_back(job);
        } else {
            self.normal.push_back(job);
        }
    }

    /// The job that waits longest among those that can run, with the memory for it.
    pub(super) fn next(&mut self) -> Option<(Job, Arena)> {
        let normal = self.normal.front().map(|job| (job.number, job.claim));
        let large = self.large.front().filter(|_| !self.large_lane_taken);
        let large = large.map(|job| job.number);
        if let Some((number, claim)) = normal
            && large.is_none_or(|large| number < large)
            && let Some(arena) = self.lend(claim)
        {
            return Some((self.normal.pop_front()?, arena));
        }
        if large.is_some() {
            self.large_lane_taken = true;
            return Some((self.large.pop_front()?, Arena::default()));
        }
        None
    }

    fn lend(&mut self, claim: Claim) -> Option<Arena> {
        if claim.arena
            && let Some(at) = self.fitting(claim.bytes)
        {
            return Some(self.idle.remove(at).1);
        }
        while self.lent + claim.bytes > self.limit && !self.idle.is_empty() {
            let (_, arena) = self.idle.remove(0);
            self.lent -= arena.size();
        }
        if self.lent + claim.bytes > self.limit {
            return None;
        }
        self.lent += claim.bytes;
        Some(Arena::default())
    }

    /// The idle arena that is large enough and least too large, of several the one used last.
    fn fitting(&self, bytes: u64) -> Option<usize> {
        let fitting = self.idle.iter().enumerate().rev();
        fitting
            .filter(|(_, (_, arena))| bytes > 0 && arena.size() >= bytes)
            .min_by_key(|(_, (_, arena))| arena.size())
            .map(|(at, _)| at)
    }

    /// Takes back what a job was lent. The answer is to be dropped outside the lock.
    pub(super) fn done(&mut self, claim: &Claim, arena: Arena, now: Instant) -> Option<Arena> {
        if claim.large {
            self.large_lane_taken = false;
            return Some(arena);
        }
        if arena.size() == 0 || self.stopped {
            self.lent -= claim.bytes.max(arena.size());
            return Some(arena);
        }
        self.idle.push((now, arena));
        None
    }

    /// Memory that nobody used for long enough. To be dropped outside the lock.
    pub(super) fn take_spare(&mut self, now: Instant) -> Vec<Arena> {
        let old = self
            .idle
            .iter()
            .take_while(|(since, _)| now.duration_since(*since) >= self.idle_time)
            .count();
        let spare: Vec<Arena> = self.idle.drain(..old).map(|(_, arena)| arena).collect();
        self.lent -= spare.iter().map(Arena::size).sum::<u64>();
        spare
    }

    /// How long until [`Queue::take_spare`] has something to take.
    pub(super) fn next_expiry(&self, now: Instant) -> Option<Duration> {
        let (since, _) = self.idle.first()?;
        Some((*since + self.idle_time).saturating_duration_since(now))
    }
}
