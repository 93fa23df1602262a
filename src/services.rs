//! Built once, at the start: what lives as long as the process.
use crate::base::build;
use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::config::Config;
use crate::crypto::hash::pool::{HashPool, PoolLimits};
use crate::outbound::breach::BreachList;
use crate::outbound::{Outbound, Policy};
use crate::resource::{ResourceError, Resources, Wish};
use crate::schema::{Fetch, FetchError, MAX_BYTES, SchemaRegistry};
use crate::store::Store;
use crate::telemetry::metrics::{Build, Metrics};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// Nothing here is optional.
pub struct Services {
    /// Swapped whole on reload.
    pub config: ArcSwap<Config>,
    pub store: Store,
    pub schemas: SchemaRegistry,
    pub hasher: HashPool,
    pub outbound: Outbound,
    pub breaches: BreachList,
    pub metrics: Metrics,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

impl Services {
    /// Everything from a checked configuration and an open store. Threads for password hashes start here.
    pub fn start(
        config: Config,
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> anyhow::Result<Self> {
        let outbound = Outbound::default();
        let policy = Policy::from(&config.clients.http);
        let documents = Documents {
            resources: Resources::new(outbound.clone()),
            policy,
        };
        let hasher = HashPool::start(PoolLimits::from(&config.extensions.hashing), &random)?;
        let metrics = Metrics::new(Build {
            version: build::VERSION,
            hash: build::COMMIT,
            time: build::TIME,
        })?;
        let queue = hasher.clone();
        metrics.gauge(
            "kratos_password_hashes_waiting",
            "Passwords that wait to be hashed or compared.",
            move || u32::try_from(queue.waiting()).map_or(f64::from(u32::MAX), f64::from),
        )?;
        Ok(Self {
            config: ArcSwap::from_pointee(config),
            store,
            schemas: SchemaRegistry::new(Arc::new(documents)),
            hasher,
            outbound,
            breaches: BreachList::default(),
            metrics,
            clock,
            random,
        })
    }
}

/// Gets identity schemas. The registry keeps them itself.
struct Documents {
    resources: Resources,
    policy: Policy,
}

#[async_trait]
impl Fetch for Documents {
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let wish = Wish {
            uri: url,
            most: MAX_BYTES,
            fresh: Duration::ZERO,
            now: OffsetDateTime::UNIX_EPOCH,
        };
        match self.resources.load(&self.policy, wish).await {
            Ok(content) => Ok(content.to_vec()),
            Err(ResourceError::Missing) => Err(FetchError::Missing),
            Err(error @ (ResourceError::Status(_) | ResourceError::Outbound(_))) => {
                Err(FetchError::Upstream(error.to_string()))
            }
            Err(error) => Err(FetchError::Unreadable(error.to_string())),
        }
    }
}
