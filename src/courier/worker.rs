//! Delivers what is in the queue, until it is told to stop.
//!
//! A message is claimed for the time of a lease and delivered by a task of its own. Few run at once, and only one of
//! them is between "the server has it" and "it is written down that the server has it", unless servers are slow: should
//! this process die there, that one message is sent again. Nothing that fails ends the worker.
use super::channel::smtp::Connections;
use super::channel::{Channel, Trouble, http};
use super::gate::Gate;
use crate::base::clock::Clock;
use crate::base::id::{MessageId, RowId};
use crate::base::random::Random;
use crate::base::time::micros;
use crate::config::Config;
use crate::jsonnet::JsonnetPool;
use crate::model::message::{CourierMessage, MessageStatus};
use crate::outbound::Outbound;
use crate::resource::Resources;
use crate::store::{Attempt, Error, Holding, Seen, Store};
use crate::telemetry::metrics::{Delivery, Metrics};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// Who has claimed a message and says nothing for so long has lost it.
pub const LEASE: Duration = Duration::from_secs(40);
/// The longest pause before a message is tried again.
const LONGEST_PAUSE: time::Duration = time::Duration::minutes(5);
/// Messages delivered at the same time: usually, and where it takes long.
const LANES: (usize, usize) = (4, 16);
/// Of those, how many may be about to be written down.
const DOORS: (usize, usize) = (1, 16);
/// Messages claimed at once, where there are many, as a multiple of `courier.worker.pull_count`.
const MOST_PULLS: u32 = 5;
/// Messages that are looked at then.
const SWEPT: u32 = 1000;
/// After an outage of the database others get so long to write what they could not.
const CONVALESCENCE: Duration = Duration::from_secs(10);
/// The longest pause between attempts to reach the database.
const DATABASE_PAUSE: Duration = Duration::from_secs(2);
/// What is under way when the worker stops may take so long.
const GRACE: Duration = Duration::from_secs(20);

/// What a worker needs of the process that it runs in.
#[async_trait]
pub trait Office: Send + Sync + 'static {
    fn config(&self) -> Arc<Config>;
    fn store(&self) -> &Store;
    fn clock(&self) -> &dyn Clock;
    fn dice(&self) -> &dyn Random;
    fn metrics(&self) -> &Metrics;
    fn outbound(&self) -> &Outbound;
    fn resources(&self) -> &Resources;
    fn jsonnet(&self) -> &JsonnetPool;
    /// The HTML of a mail, if there is any.
    async fn html(
        &self,
        config: &Config,
        message: &CourierMessage,
        now: OffsetDateTime,
    ) -> Option<String>;
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

struct Inner {
    office: Arc<dyn Office>,
    connections: Connections,
    lanes: Gate,
    doors: Gate,
    /// What is in our hands.
    ours: Mutex<HashSet<MessageId>>,
    /// When the database last failed.
    outage: Mutex<Option<Instant>>,
    stop: CancellationToken,
    lease: Duration,
}

/// A message in our hands, from the claim to the end.
struct Ours<'w> {
    worker: &'w Inner,
    id: MessageId,
}

impl Drop for Ours<'_> {
    fn drop(&mut self) {
        lock(&self.worker.ours).remove(&self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    #[must_use]
    pub fn new(office: Arc<dyn Office>, stop: CancellationToken) -> Self {
        Self::with_lease(office, stop, LEASE)
    }

    /// All workers on a database have to have the same lease.
    #[must_use]
    pub fn with_lease(office: Arc<dyn Office>, stop: CancellationToken, lease: Duration) -> Self {
        Self(Arc::new(Inner {
            office,
            connections: Connections::default(),
            lanes: Gate::new(LANES.0, LANES.1),
            doors: Gate::new(DOORS.0, DOORS.1),
            ours: Mutex::default(),
            outage: Mutex::default(),
            stop,
            lease,
        }))
    }

    /// Works until told to stop; what is under way then is brought to its end.
    pub async fn run(&self) {
        tracing::info!("the courier delivers messages");
        let worker = &self.0;
        let mut look = Look::default();
        let mut pause = Duration::ZERO;
        while !worker.stop.is_cancelled() {
            match self.round(&mut look).await {
                Ok(true) => pause = Duration::ZERO,
                Ok(false) => {
                    pause = Duration::ZERO;
                    worker.connections.tidy(false).await;
                    let wait = worker.office.config().courier.worker.pull_wait;
                    // Not at all would keep a processor busy.
                    let wait = wait.unsigned_abs().max(Duration::from_millis(10));
                    worker.rest(wait).await;
                }
                Err(error) => {
                    worker.failed();
                    pause = (pause * 2).clamp(Duration::from_millis(250), DATABASE_PAUSE);
                    tracing::error!(%error, "the courier cannot read its queue, and tries again");
                    worker.rest(pause).await;
                }
            }
        }
        if !worker.lanes.emptied(GRACE).await {
            tracing::warn!("messages under way did not come to an end: they are tried again later");
        }
        worker.connections.tidy(true).await;
        tracing::info!("the courier has stopped");
    }

    /// Claims messages and hands them out. False: there was nothing to do.
    async fn round(&self, look: &mut Look) -> Result<bool, Error> {
        let worker = &self.0;
        let office = &worker.office;
        if look
            .last_sweep
            .is_none_or(|last| last.elapsed() >= worker.sweep_interval())
        {
            worker.sweep(look).await?;
        }
        let count = u32::from(office.config().courier.worker.batch());
        if count == 0 {
            return Ok(false);
        }
        let limit = count * look.pulls.clamp(1, MOST_PULLS);
        let queue = office.store().queue();
        let claimed = queue.claim(office.clock().now(), limit);
        let claimed = match claimed.await {
            // Another worker was faster.
            Err(Error::Contended) => return Ok(false),
            claimed => claimed?,
        };
        let is_full = claimed.len() >= limit as usize;
        look.pulls = if is_full { look.pulls.max(1) * 2 } else { 1 }.min(MOST_PULLS);
        let since = Instant::now();
        let ids = claimed.iter().map(|holding| holding.message().id);
        lock(&worker.ours).extend(ids);
        let is_empty = claimed.is_empty();
        let mut claimed = claimed.into_iter();
        while let Some(holding) = claimed.next() {
            let lane = tokio::select! {
                biased;
                () = worker.stop.cancelled() => {
                    let rest: Vec<_> = std::iter::once(holding).chain(claimed).collect();
                    if let Err(error) = office.store().queue().put_back(&rest).await {
                        tracing::warn!(%error, "claimed messages were not given back: they wait for the end of their lease");
                    }
                    return Ok(true);
                }
                lane = worker.lanes.enter() => lane,
            };
            let worker = Arc::clone(worker);
            tokio::spawn(async move {
                let ours = Ours {
                    worker: &worker,
                    id: holding.message().id,
                };
                worker.deliver(holding, since).await;
                drop(ours);
                drop(lane);
            });
        }
        Ok(!is_empty)
    }
}

/// What one look at the queue remembers for the next.
#[derive(Default)]
struct Look {
    /// How many times `pull_count` is claimed at once.
    pulls: u32,
    last_sweep: Option<Instant>,
    /// Messages in the hands of others, and since when we have seen them there.
    seen: HashMap<Seen, Instant>,
}

impl Inner {
    /// A claim that is older is renewed before the message is tried.
    fn fresh(&self) -> Duration {
        self.lease / 5
    }

    /// An attempt takes no longer: it ends within the lease, be the claim as old as it may.
    fn longest_attempt(&self) -> Duration {
        self.lease * 3 / 4
    }

    /// How often those who have lost their messages are looked for.
    fn sweep_interval(&self) -> Duration {
        self.lease / 8
    }

    async fn rest(&self, wait: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    fn failed(&self) {
        *lock(&self.outage) = Some(Instant::now());
    }

    /// Gives back to the queue what others have claimed and lost: by their own clock, or because we have seen it
    /// unchanged for a whole lease. The reference's workers leave no time of the claim.
    async fn sweep(&self, look: &mut Look) -> Result<(), Error> {
        let store = self.office.store();
        let waiting = store.messages().waiting().await?;
        self.office.metrics().waiting(waiting);
        let held = store.queue().seen(SWEPT).await?;
        look.last_sweep = Some(Instant::now());
        let held: HashSet<Seen> = {
            let ours = lock(&self.ours);
            held.into_iter()
                .filter(|seen| !ours.contains(&seen.id))
                .collect()
        };
        look.seen.retain(|seen, _| held.contains(seen));
        let had_outage = lock(&self.outage).is_some_and(|at| at.elapsed() < CONVALESCENCE);
        let now = self.office.clock().now();
        for seen in held {
            let since = *look.seen.entry(seen).or_insert_with(Instant::now);
            let has_ticket = seen.updated_at != seen.created_at;
            let is_lost = since.elapsed() >= self.lease
                || (has_ticket && now - seen.updated_at >= self.lease);
            if is_lost && !had_outage && store.queue().release(&seen).await? {
                look.seen.remove(&seen);
                let message_id = seen.id.to_string();
                tracing::warn!(message_id, "a worker has lost a message: it is tried again");
            }
        }
        Ok(())
    }

    /// One attempt, from the look at the claim to what is left of it in the database.
    async fn deliver(&self, mut holding: Holding, since: Instant) {
        let office = &self.office;
        let config = office.config();
        let message_id = holding.message().id.to_string();
        if since.elapsed() >= self.fresh() {
            let queue = office.store().queue();
            let renewed = queue.renew(&mut holding, office.clock().now());
            match renewed.await {
                Ok(true) => {}
                Ok(false) => {
                    return tracing::info!(message_id, "another worker has the message by now");
                }
                Err(error) => {
                    self.failed();
                    return tracing::warn!(message_id, %error, "a message cannot be kept, and is left for later");
                }
            }
        }
        let tries = holding.message().send_count;
        if tries > config.courier.message_retries {
            tracing::warn!(message_id, tries, "a message is given up");
            return self
                .write_down(&holding, None, MessageStatus::Abandoned, None)
                .await;
        }
        let attempt = tokio::time::timeout(
            self.longest_attempt(),
            self.attempt(&config, holding.message()),
        );
        // Kept until it is written down.
        let (result, door) = match attempt.await {
            Ok(Ok(door)) => (Ok(()), door),
            Ok(Err(trouble)) => (Err(trouble), None),
            Err(_) => (Err(Trouble::passing("the attempt took too long")), None),
        };
        let now = office.clock().now();
        let (status, delivery, not_before) = match &result {
            Ok(()) => (MessageStatus::Sent, Delivery::Sent, None),
            Err(trouble) if trouble.is_final || tries >= config.courier.message_retries => {
                (MessageStatus::Abandoned, Delivery::Abandoned, None)
            }
            Err(_) => {
                let pause = pause(config.courier.worker.pull_wait, tries);
                (MessageStatus::Queued, Delivery::Failed, Some(now + pause))
            }
        };
        let message = holding.message();
        match &result {
            Ok(()) => tracing::debug!(message_id, "a message was delivered"),
            Err(error) => tracing::warn!(
                message_id, template = message.template_type, attempt = tries + 1, %error,
                is_given_up = status == MessageStatus::Abandoned, "a message was not delivered"
            ),
        }
        let channel = if message.channel.as_deref().unwrap_or("email") == "email" {
            "email"
        } else {
            "sms"
        };
        office.metrics().delivered(channel, delivery);
        let attempt = Attempt {
            id: RowId::random(office.dice()),
            at: micros(now),
            error: result.err().map(|trouble| trouble.json()),
        };
        self.write_down(&holding, Some(&attempt), status, not_before)
            .await;
        drop(door);
    }

    /// What goes out, and by which way.
    async fn attempt(
        &self,
        config: &Config,
        message: &CourierMessage,
    ) -> Result<Option<super::gate::Inside>, Trouble> {
        match Channel::of(config, message)? {
            Channel::Smtp(_) => {
                let (now, dice) = (self.office.clock().now(), self.office.dice());
                let html = self.office.html(config, message, now).await;
                let begun = self
                    .connections
                    .begin(config, message, html.as_deref(), (now, dice));
                let begun = begun.await?;
                let door = self.doors.enter().await;
                self.connections.finish(begun).await?;
                Ok(Some(door))
            }
            Channel::Http(request, bodies) => {
                let office = self.office.as_ref();
                let html = office.html(config, message, office.clock().now()).await;
                let gateway = (request, bodies);
                let request = http::prepare(office, config, gateway, message, html.as_deref());
                let request = request.await?;
                let door = self.doors.enter().await;
                http::send(office, config, &request, message).await?;
                Ok(Some(door))
            }
            Channel::Mailbox => Ok(None),
        }
    }

    /// Writes until it is written: what was sent and is not known to be would be sent again.
    async fn write_down(
        &self,
        holding: &Holding,
        attempt: Option<&Attempt>,
        status: MessageStatus,
        not_before: Option<OffsetDateTime>,
    ) {
        let queue = self.office.store().queue();
        let message_id = holding.message().id.to_string();
        let mut pause = Duration::from_millis(50);
        let start = Instant::now();
        loop {
            let written = match attempt {
                Some(attempt) => queue.finish(holding, attempt, status, not_before).await,
                None => queue.abandon(holding).await,
            };
            let error = match written {
                Ok(true) => return,
                // It was written by an attempt that seemed to fail, or it took longer than the lease.
                Ok(false) => {
                    return tracing::warn!(
                        message_id,
                        "the message was no longer ours when its attempt was over"
                    );
                }
                Err(error) => error,
            };
            self.failed();
            let is_hopeless = !error.is_passing() && start.elapsed() > self.lease;
            if is_hopeless || (self.stop.is_cancelled() && start.elapsed() > GRACE) {
                return tracing::error!(message_id, %error, "what became of a message could not be written down: it may be sent again");
            }
            tracing::error!(message_id, %error, "what became of a message cannot be written down, and is tried again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(DATABASE_PAUSE);
        }
    }
}

/// Before the next attempt: `pull_wait`, and twice as long each time.
fn pause(pull_wait: time::Duration, tries: i64) -> time::Duration {
    let doubled = 1_i32
        .checked_shl(u32::try_from(tries.clamp(0, 20)).unwrap_or(20))
        .unwrap_or(i32::MAX);
    pull_wait
        .saturating_mul(doubled)
        .clamp(time::Duration::ZERO, LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let second = time::Duration::SECOND;
        let pauses: Vec<_> = (0..6)
            .map(|tries| pause(second, tries).whole_seconds())
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32]);
        assert_eq!(pause(second, i64::MAX), LONGEST_PAUSE);
        assert_eq!(pause(-second, 3), time::Duration::ZERO);
    }
}
