//! Built once, at the start: what lives as long as the process.
use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::config::Config;
use crate::crypto::hash::pool::HashPool;
use crate::outbound::Outbound;
use crate::outbound::breach::BreachList;
use crate::schema::SchemaRegistry;
use crate::store::Store;
use crate::telemetry::metrics::Metrics;
use arc_swap::ArcSwap;
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
