//! Delivers what is in the queue, until it is told to stop.
//!
//! A message is claimed for the time of a lease and delivered by a task of its own. Few run at once, and of each channel
//! only one (`extensions.courier.parallel_deliveries`) is between "the server has it" and "it is written down that the
//! server has it": should this process die there, that one message is sent again. A channel on which nothing moves is left
//! out until something does. Nothing that fails ends the worker.
use super::channel::smtp::{Begin, Connections};
use super::channel::{Channel, Trouble, http};
use super::gate::Inside;
use super::pauses::{self, Pauses};
use super::ways::{self, Way, Ways};
use crate::base::clock::Clock;
use crate::base::id::{MessageId, RowId};
use crate::base::random::Random;
use crate::base::time::micros;
use crate::config::Config;
use crate::config::request::RequestConfig;
use crate::jsonnet::JsonnetPool;
use crate::model::message::{CourierMessage, MessageStatus};
use crate::outbound::{Outbound, Request};
use crate::resource::Resources;
use crate::store::{Attempt, Error, Holding, Left, Seen, Store};
use crate::telemetry::metrics::{Delivery, Metrics};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// Who has claimed a message and says nothing for so long has lost it.
pub const LEASE: Duration = Duration::from_secs(40);
/// A worker of the reference has so many times as long.
const THEIR_LEASES: u32 = 4;
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
    ways: Ways,
    pauses: Pauses,
    /// What is in our hands.
    ours: Mutex<HashSet<MessageId>>,
    /// When the database last failed.
    outage: Mutex<Option<Instant>>,
    stop: CancellationToken,
    lease: Duration,
}

/// A message that is ready to leave.
enum Prepared {
    Mail(Box<Begin>),
    Request(Box<(Request, RequestConfig)>),
    Mailbox,
}

/// A message in our hands, from the claim to the end.
struct Ours {
    worker: Arc<Inner>,
    id: MessageId,
}

impl Drop for Ours {
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
        let doors = office.config().extensions.courier.parallel_deliveries;
        Self(Arc::new(Inner {
            office,
            connections: Connections::default(),
            ways: Ways::new(usize::from(doors.max(1))),
            pauses: Pauses::default(),
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
        let mut in_vain = 0;
        while !worker.stop.is_cancelled() {
            match self.round(&mut look).await {
                Ok(true) => (pause, in_vain) = (Duration::ZERO, 0),
                Ok(false) => {
                    pause = Duration::ZERO;
                    worker.connections.tidy(false).await;
                    let wait = worker.office.config().courier.worker.pull_wait;
                    worker.rest(wait.unsigned_abs().max(least(in_vain))).await;
                    in_vain = in_vain.saturating_add(1);
                }
                Err(error) => {
                    worker.failed();
                    pause = (pause * 2).clamp(Duration::from_millis(250), DATABASE_PAUSE);
                    tracing::error!(%error, "the courier cannot read its queue, and tries again");
                    worker.rest(pause).await;
                }
            }
        }
        if !worker.ways.emptied(GRACE).await {
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
        let now = office.clock().now();
        let left = Left {
            channels: worker.ways.stuck(),
            recipients: worker.pauses.at(now),
        };
        let claimed = queue.claim_but(now, limit, &left);
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
        let mut has_begun = false;
        let mut claimed = VecDeque::from(claimed);
        while let Some(holding) = claimed.pop_front() {
            let way = worker.ways.of(holding.message());
            let lane = tokio::select! {
                biased;
                () = worker.stop.cancelled() => {
                    claimed.push_front(holding);
                    worker.put_back(&Vec::from(claimed)).await;
                    return Ok(true);
                }
                lane = way.lane() => lane,
            };
            let Some(lane) = lane else {
                // The others of its channel would wait as long.
                let channel = ways::channel(holding.message()).to_owned();
                let is_same = |other: &Holding| ways::channel(other.message()) == channel;
                let (mut same, others): (Vec<_>, Vec<_>) = claimed.into_iter().partition(is_same);
                same.push(holding);
                worker.put_back(&same).await;
                claimed = others.into();
                continue;
            };
            has_begun = true;
            let worker = Arc::clone(worker);
            tokio::spawn(async move {
                let ours = Ours {
                    worker: Arc::clone(&worker),
                    id: holding.message().id,
                };
                worker.deliver(holding, since, &way).await;
                drop(ours);
                drop(lane);
            });
        }
        Ok(has_begun)
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
    /// unchanged for long. The reference's workers leave no time of the claim, and send what they have claimed one after
    /// the other, ten seconds each at most.
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
            let is_lost = if has_ticket {
                since.elapsed() >= self.lease || now - seen.updated_at >= self.lease
            } else {
                since.elapsed() >= self.lease * THEIR_LEASES
            };
            if is_lost && !had_outage && store.queue().release(&seen).await? {
                look.seen.remove(&seen);
                let message_id = seen.id.to_string();
                tracing::warn!(message_id, "a worker has lost a message: it is tried again");
            }
        }
        Ok(())
    }

    /// Gives back what was not tried.
    async fn put_back(&self, holdings: &[Holding]) {
        let queue = self.office.store().queue();
        if let Err(error) = queue.put_back(holdings).await {
            tracing::warn!(%error, "claimed messages were not given back: they wait for the end of their lease");
        }
        let mut ours = lock(&self.ours);
        for holding in holdings {
            ours.remove(&holding.message().id);
        }
    }

    /// Makes sure that the claim, which was made or renewed then, holds for another attempt. False: leave it alone.
    async fn holds(&self, holding: &mut Holding, since: &mut Instant) -> bool {
        if since.elapsed() < self.fresh() {
            return true;
        }
        let message_id = holding.message().id.to_string();
        let queue = self.office.store().queue();
        let asked = Instant::now();
        let renewed = queue.renew(holding, self.office.clock().now());
        match renewed.await {
            Ok(true) => {
                *since = asked;
                true
            }
            Ok(false) => {
                tracing::info!(message_id, "another worker has the message by now");
                false
            }
            Err(error) => {
                self.failed();
                tracing::warn!(message_id, %error, "a message cannot be kept, and is left for later");
                false
            }
        }
    }

    /// Waits at the door, as long as makes sense. None: others are to have the lane.
    async fn door(&self, way: &Way) -> Option<Inside> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            door = tokio::time::timeout(self.fresh(), way.door()) => door.ok(),
        }
    }

    /// One attempt, from the look at the claim to what is left of it in the database.
    async fn deliver(&self, mut holding: Holding, mut since: Instant, way: &Way) {
        let office = &self.office;
        let config = office.config();
        let message_id = holding.message().id.to_string();
        // Where this takes long it is better done before the server waits for us.
        let mut door = None;
        if way.has_slow_door() {
            door = self.door(way).await;
            if door.is_none() {
                return self.put_back(&[holding]).await;
            }
        }
        if !self.holds(&mut holding, &mut since).await {
            return;
        }
        let tries = holding.message().send_count;
        if tries > config.courier.message_retries {
            tracing::warn!(message_id, tries, "a message is given up");
            return self
                .write_down(&holding, None, MessageStatus::Abandoned, None)
                .await;
        }
        let result = match self.prepare(&config, holding.message()).await {
            Ok(Prepared::Mailbox) => Ok(()),
            Ok(prepared) => {
                // Kept until it is written down.
                if door.is_none() {
                    door = self.door(way).await;
                    if door.is_none() {
                        return self.put_back(&[holding]).await;
                    }
                }
                if !self.holds(&mut holding, &mut since).await {
                    return;
                }
                self.send(&config, prepared, holding.message()).await
            }
            Err(trouble) => Err(trouble),
        };
        let now = office.clock().now();
        let (status, delivery, not_before) = match &result {
            Ok(()) => (MessageStatus::Sent, Delivery::Sent, None),
            Err(trouble) if trouble.is_final || tries >= config.courier.message_retries => {
                (MessageStatus::Abandoned, Delivery::Abandoned, None)
            }
            Err(_) => {
                let pause = pauses::length(config.courier.worker.pull_wait, tries);
                (MessageStatus::Queued, Delivery::Failed, Some(now + pause))
            }
        };
        let message = holding.message();
        self.pauses.set(&message.recipient, not_before);
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

    /// Everything up to the point from which the server may have it.
    async fn prepare(
        &self,
        config: &Config,
        message: &CourierMessage,
    ) -> Result<Prepared, Trouble> {
        let prepare = async {
            let office = self.office.as_ref();
            let now = office.clock().now();
            match Channel::of(config, message)? {
                Channel::Smtp(_) => {
                    let html = office.html(config, message, now).await;
                    let with = (now, office.dice());
                    let begun = self
                        .connections
                        .begin(config, message, html.as_deref(), with);
                    begun.await.map(|begun| Prepared::Mail(Box::new(begun)))
                }
                Channel::Http(described, bodies) => {
                    let html = office.html(config, message, now).await;
                    let gateway = (described, bodies);
                    let request = http::prepare(office, config, gateway, message, html.as_deref());
                    let request = request.await?;
                    Ok(Prepared::Request(Box::new((request, described.clone()))))
                }
                Channel::Mailbox => Ok(Prepared::Mailbox),
            }
        };
        self.in_time(prepare).await
    }

    /// The rest of it. After `Ok` the server has it.
    async fn send(
        &self,
        config: &Config,
        prepared: Prepared,
        message: &CourierMessage,
    ) -> Result<(), Trouble> {
        let send = async {
            match prepared {
                Prepared::Mail(begun) => self.connections.finish(*begun).await,
                Prepared::Request(both) => {
                    let (request, described) = both.as_ref();
                    let office = self.office.as_ref();
                    http::send(office, config, (request, described), message).await
                }
                Prepared::Mailbox => Ok(()),
            }
        };
        self.in_time(send).await
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let done = tokio::time::timeout(self.longest_attempt(), work).await;
        done.unwrap_or_else(|_| Err(Trouble::passing("the attempt took too long")))
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

/// Before the next look after so many in vain, however short `pull_wait` is: not to wait at all would keep a processor
/// and the database busy with an empty queue.
fn least(in_vain: u32) -> Duration {
    Duration::from_millis(10 << in_vain.min(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_queue_is_looked_at_less_and_less() {
        let waits: Vec<_> = (0..5).map(|n| least(n).as_millis()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 80]);
        assert_eq!(least(u32::MAX), least(4));
    }
}
