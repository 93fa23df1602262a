//! Built once, at the start: what lives as long as the process.
use crate::base::build;
use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::config::Config;
use crate::crypto::hash::pool::{HashPool, PoolLimits};
use crate::outbound::breach::BreachList;
use crate::outbound::{Outbound, Policy, Request};
use crate::schema::{Fetch, FetchError, SchemaRegistry};
use crate::store::Store;
use crate::telemetry::metrics::{Build, Metrics};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use data_encoding::BASE64;
use std::sync::Arc;

/// Nothing here is lazy or optional.
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
        let outbound = Outbound::new()?;
        let policy = Policy::from(&config.clients.http);
        let documents = Documents {
            outbound: outbound.clone(),
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

/// Gets what the configuration names by URL.
struct Documents {
    outbound: Outbound,
    policy: Policy,
}

#[async_trait]
impl Fetch for Documents {
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        if let Some(text) = url.strip_prefix("base64://") {
            return BASE64
                .decode(text.as_bytes())
                .map_err(|error| FetchError::Unreadable(error.to_string()));
        }
        if let Some(path) = url.strip_prefix("file://") {
            let bytes = tokio::fs::read(path).await;
            return bytes.map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => FetchError::Missing,
                _ => FetchError::Unreadable(error.to_string()),
            });
        }
        let answer = self
            .outbound
            .send(&self.policy, &Request::get(url))
            .await
            .map_err(|error| FetchError::Upstream(error.to_string()))?;
        match answer.status.as_u16() {
            200 => Ok(answer.body),
            404 => Err(FetchError::Missing),
            other => Err(FetchError::Upstream(format!(
                "it answered with status {other}"
            ))),
        }
    }
}
