//! Where requests hash: a fixed number of threads, a bounded amount of memory, one queue in order of arrival.
//!
//! A storm of logins must not stop everything else. So hashes never run on the workers of the runtime, no more of them
//! run than there are threads here, their memory is counted before they start, and when too many wait the answer is
//! [`PoolError::Busy`] at once instead of a time-out later. Memory is kept between hashes, which halves their time, and
//! wiped and given back after some idle seconds. A hash that needs more than the whole share (an import) waits for a
//! single extra lane, so that it can neither be refused nor come twice.
mod machine;
mod queue;
#[cfg(test)]
mod tests;

pub use machine::{cores, machine_memory};

use super::{HashError, HasherParams, Stored, argon2::Arena, hash_in};
use crate::base::random::Random;
use queue::{Job, Queue, Work};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// What the pool may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Hashes at a time.
    pub threads: usize,
    /// Bytes of working memory of all hashes together.
    pub memory: u64,
    /// Bytes that a single hash may use beside `memory`, when it needs more than that.
    pub largest: u64,
    /// Hashes that may wait.
    pub queue: usize,
    /// After that time memory that nobody used is given back.
    pub idle: Duration,
}

impl PoolLimits {
    /// A thread for each core but one, half of the machine's memory (its cgroup's, if that is less).
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self::with_memory(machine_memory() / 2)
    }

    /// A thread for each core but one, and that much memory. On the core that is left other requests do not wait for
    /// hashes to use up their time: on two cores, beside 64 logins, that halves the slowest answers.
    #[must_use]
    pub fn with_memory(memory: u64) -> Self {
        let threads = cores().saturating_sub(1).max(1);
        Self {
            threads,
            memory,
            largest: memory.max((machine_memory() / 4 * 3).min(1 << 30)),
            queue: Self::queue_for(threads),
            idle: Duration::from_secs(5),
        }
    }

    /// What that many threads do in a minute, about, with bcrypt's usual cost. Who comes later would wait for
    /// nothing: no client is that patient.
    #[must_use]
    pub fn queue_for(threads: usize) -> usize {
        threads.saturating_mul(256)
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// Too many wait already: try again later (503).
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// The hash needs more memory than this machine lends.
    #[error("the password hash needs {needed} bytes of memory, allowed are {allowed}")]
    TooLarge { needed: u64, allowed: u64 },
    /// The pool has been shut down, or the computation died.
    #[error("the hash threads are gone")]
    Gone,
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// A handle to the hash threads; they end when the last handle is dropped.
#[derive(Clone)]
pub struct HashPool(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    limits: PoolLimits,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl HashPool {
    /// Starts the threads. The dice draw the salts.
    pub fn start(limits: PoolLimits, dice: &Arc<dyn Random>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::new(limits.memory, limits.idle)),
            changed: Condvar::new(),
        });
        let handle = Handle {
            shared: shared.clone(),
            limits,
        };
        for number in 0..limits.threads.max(1) {
            let (shared, dice) = (shared.clone(), dice.clone());
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || shared.work(&*dice))?;
        }
        Ok(Self(Arc::new(handle)))
    }

    /// Whether the hash is that of the password.
    pub async fn verify(&self, hash: &str, password: &[u8]) -> Result<bool, PoolError> {
        let stored = Stored::parse(hash)?;
        let (reply, answer) = oneshot::channel();
        let (memory, arena) = (stored.memory(), matches!(stored, Stored::Argon2(_)));
        let password = Zeroizing::new(password.to_vec());
        self.enter(
            memory,
            arena,
            Work::Verify {
                stored,
                password,
                reply,
            },
        )?;
        Ok(answer.await.map_err(|_| PoolError::Gone)??)
    }

    /// A new hash of the password.
    pub async fn hash(&self, params: &HasherParams, password: &[u8]) -> Result<String, PoolError> {
        let (reply, answer) = oneshot::channel();
        let arena = matches!(params, HasherParams::Argon2(_));
        let work = Work::Hash {
            params: *params,
            password: Zeroizing::new(password.to_vec()),
            reply,
        };
        self.enter(params.memory(), arena, work)?;
        Ok(answer.await.map_err(|_| PoolError::Gone)??)
    }

    /// The work of a comparison without anything to compare with, for an identifier that nobody has: waits in the
    /// same queue and costs the same as the hash of somebody who has one. The reference sleeps for a while instead
    /// (flows.md §9.1), which tells known from unknown whenever that differs from the hash's time.
    pub async fn pretend(&self, params: &HasherParams, password: &[u8]) -> Result<(), PoolError> {
        let read = match params {
            HasherParams::Bcrypt { .. } => password.len().min(super::bcrypt::MOST_BYTES),
            HasherParams::Argon2(_) => password.len(),
        };
        self.hash(params, &password[..read]).await.map(|_| ())
    }

    /// Hashes that wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.shared.lock().waiting()
    }

    /// Bytes of working memory at this moment.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.0.shared.lock().memory()
    }

    fn enter(&self, memory: u64, arena: bool, work: Work) -> Result<(), PoolError> {
        let PoolLimits { largest, queue, .. } = self.0.limits;
        if memory > largest {
            return Err(PoolError::TooLarge {
                needed: memory,
                allowed: largest,
            });
        }
        let mut waiting = self.0.shared.lock();
        if waiting.waiting() >= queue {
            return Err(PoolError::Busy);
        }
        waiting.push(memory, arena, work);
        drop(waiting);
        self.0.shared.changed.notify_one();
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.lock().stop();
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a thread.
    fn work(&self, dice: &dyn Random) {
        let mut queue = self.lock();
        while !queue.stopped() {
            let spare = queue.take_spare(Instant::now());
            if !spare.is_empty() {
                drop(queue);
                drop(spare); // wiping takes a while
                queue = self.lock();
                continue;
            }
            if let Some((job, arena)) = queue.next() {
                drop(queue);
                self.run(job, arena, dice);
                queue = self.lock();
                continue;
            }
            queue = match queue.next_expiry(Instant::now()) {
                Some(wait) => {
                    let woken = self.changed.wait_timeout(queue, wait);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .changed
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn run(&self, job: Job, mut arena: Arena, dice: &dyn Random) {
        let claim = job.claim;
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // Who asked may have left while the job waited.
            match job.work {
                Work::Verify {
                    stored,
                    password,
                    reply,
                } if !reply.is_closed() => {
                    let _ = reply.send(stored.verify(&password, &mut arena));
                }
                Work::Hash {
                    params,
                    password,
                    reply,
                } if !reply.is_closed() => {
                    let _ = reply.send(hash_in(&params, &password, dice, &mut arena));
                }
                _ => {}
            }
        }));
        if done.is_err() {
            tracing::error!("a password hash computation panicked");
        }
        let mut queue = self.lock();
        let spare = queue.done(&claim, arena, Instant::now());
        drop(queue);
        self.changed.notify_all();
        drop(spare);
    }
}
