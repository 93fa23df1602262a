//! Connections to a database server, kept and handed out.
//!
//! Not sqlx's own pool: that one asks the server after each use whether the connection still lives, a whole round trip,
//! and a task to make it. Here a connection is asked only after it has been idle for a while, and one that
//! failed, or was dropped in the middle of an answer, is never given to anybody else.
use crate::config::dsn;
use crate::store::error::{Error, Result};
use sqlx::{ConnectOptions, Connection};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a request waits for a connection before it is told that the database is not available.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that was idle for longer is asked whether it lives.
const SUSPECT_AFTER: Duration = Duration::from_secs(5);
/// Connections beyond `max_idle_conns` are kept so long for the next wave.
const LINGER: Duration = Duration::from_secs(30);

pub(super) struct Pool<C: Connection> {
    options: C::Options,
    limits: dsn::Pool,
    permits: Arc<Semaphore>,
    /// The last to come is the first to go, so that the others may grow old and be closed.
    idle: Mutex<VecDeque<Idle<C>>>,
    asked: AtomicU64,
}

struct Idle<C> {
    connection: C,
    born: Instant,
    since: Instant,
}

/// A connection in use. It goes back by itself, unless something is under way on it.
pub(super) struct Lease<C: Connection> {
    connection: Option<C>,
    born: Instant,
    /// True while a statement runs: dropped then, the rest of its answer would meet the next user.
    busy: bool,
    pool: Arc<Pool<C>>,
    _permit: OwnedSemaphorePermit,
}

impl<C: Connection> Pool<C>
where
    C::Options: ConnectOptions<Connection = C>,
{
    pub(super) fn new(options: C::Options, limits: dsn::Pool) -> Self {
        Self {
            options,
            limits,
            permits: Arc::new(Semaphore::new(limits.max)),
            idle: Mutex::default(),
            asked: AtomicU64::new(0),
        }
    }

    /// How many statements were sent so far.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// A connection that is open as far as one knows.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease<C>> {
        let permit = timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| Error::unavailable("all connections are in use"))?
            .map_err(|_| Error::unavailable("the pool is closed"))?;
        self.retire();
        loop {
            let Some(mut idle) = self.idle().pop_back() else {
                break;
            };
            if self.is_too_old(&idle) {
                continue;
            }
            if idle.since.elapsed() > SUSPECT_AFTER
                && !matches!(
                    timeout(SUSPECT_AFTER, idle.connection.ping()).await,
                    Ok(Ok(()))
                )
            {
                continue;
            }
            return Ok(self.lent(idle.connection, idle.born, permit));
        }
        let connection = timeout(PATIENCE, Box::pin(self.options.connect()))
            .await
            .map_err(|_| Error::unavailable("the database does not answer"))?
            .map_err(super::server::translate)?;
        Ok(self.lent(connection, Instant::now(), permit))
    }

    fn lent(
        self: &Arc<Self>,
        connection: C,
        born: Instant,
        permit: OwnedSemaphorePermit,
    ) -> Lease<C> {
        Lease {
            connection: Some(connection),
            born,
            busy: false,
            pool: Arc::clone(self),
            _permit: permit,
        }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget_idle(&self) {
        self.idle().clear();
    }

    fn is_too_old(&self, idle: &Idle<C>) -> bool {
        self.limits
            .max_lifetime
            .is_some_and(|max| idle.born.elapsed() > max)
            || self
                .limits
                .max_idle_time
                .is_some_and(|max| idle.since.elapsed() > max)
    }

    /// Closes what nobody needed for long.
    fn retire(&self) {
        let mut idle = self.idle();
        while idle.len() > self.limits.max_idle
            && idle.front().is_some_and(|i| i.since.elapsed() > LINGER)
        {
            idle.pop_front();
        }
        while idle.front().is_some_and(|i| self.is_too_old(i)) {
            idle.pop_front();
        }
    }
}

impl<C: Connection> Lease<C> {
    /// The connection, taken for one statement: [`Lease::done`] must follow.
    pub(super) fn start(&mut self) -> Result<&mut C> {
        self.busy = true;
        self.pool.asked.fetch_add(1, Ordering::Relaxed);
        self.connection
            .as_mut()
            .ok_or_else(|| Error::unavailable("the connection is closed"))
    }

    /// The answer was read to its end. `sound` is false if the connection cannot go on.
    pub(super) fn done(&mut self, sound: bool) {
        self.busy = !sound;
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Nobody shall use it again.
    pub(super) fn spoil(&mut self) {
        self.busy = true;
    }
}

impl<C: Connection> Drop for Lease<C> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !self.busy {
            let mut idle = self
                .pool
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            idle.push_back(Idle {
                connection,
                born: self.born,
                since: Instant::now(),
            });
        }
    }
}
