//! Built once, at the start: what lives as long as the process.
use crate::base::build;
use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::config::{Config, Finding, Loaded};
use crate::courier::worker::Office;
use crate::courier::{self, Composer};
use crate::crypto::hash::pool::{HashPool, PoolLimits};
use crate::jsonnet::JsonnetPool;
use crate::model::message::CourierMessage;
use crate::outbound::breach::BreachList;
use crate::outbound::call::Call;
use crate::outbound::{Method, Outbound};
use crate::resource::look::look_at_request;
use crate::resource::{self, Resources};
use crate::schema::SchemaRegistry;
use crate::store::Store;
use crate::telemetry::metrics::{Build, Metrics};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use std::sync::Arc;
use time::OffsetDateTime;

/// Nothing here is optional.
pub struct Services {
    /// Swapped whole on reload.
    pub config: ArcSwap<Config>,
    pub store: Store,
    pub schemas: SchemaRegistry,
    pub composer: Composer,
    pub hasher: HashPool,
    pub outbound: Outbound,
    pub resources: Resources,
    pub jsonnet: JsonnetPool,
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
        jsonnet: JsonnetPool,
    ) -> anyhow::Result<Self> {
        let outbound = Outbound::default();
        let resources = Resources::new(outbound.clone());
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
            schemas: SchemaRegistry::new(resources.clone()),
            composer: Composer::new(resources.clone()),
            hasher,
            outbound,
            resources,
            jsonnet,
            breaches: BreachList::default(),
            metrics,
            clock,
            random,
        })
    }
    /// What is wrong with the schemas of a configuration: they are what a look at the files alone cannot judge.
    pub async fn look_at_schemas(&self, loaded: &Loaded) -> Vec<Finding> {
        let wrong = self.schemas.check_all(&loaded.config, self.clock.now());
        let wrong = wrong.await.into_iter();
        let finding = |(index, text): (usize, String)| {
            let url = &loaded.config.identity.schemas[index].url;
            let pointer = format!("/identity/schemas/{index}/url");
            loaded.finding(&pointer, &format!("{}: {text}", resource::shown(url)))
        };
        wrong.map(finding).collect()
    }
    /// The same for mails and text messages: their templates, and what delivers them by HTTP.
    pub async fn look_at_messages(&self, loaded: &Loaded) -> Vec<Finding> {
        let now = self.clock.now();
        let mut findings = self.composer.look(loaded, now).await;
        let gateways = courier::look_at_gateways(loaded, &self.resources, &self.jsonnet, now);
        findings.extend(gateways.await);
        findings
    }
    /// The same for the hook that passwords are migrated by.
    pub async fn look_at_hooks(&self, loaded: &Loaded) -> Vec<Finding> {
        let hook = &loaded
            .config
            .selfservice
            .methods
            .password
            .config
            .migrate_hook;
        if !hook.enabled {
            return vec![];
        }
        let at = "/selfservice/methods/password/config/migrate_hook/config";
        let request = &hook.config.request;
        let make = Call::of_hook;
        let parts = (&self.resources, &self.jsonnet);
        let now = self.clock.now();
        look_at_request(loaded, parts, (at, request), make, Method::POST, now).await
    }
}

#[async_trait]
impl Office for Services {
    fn config(&self) -> Arc<Config> {
        self.config.load_full()
    }
    fn store(&self) -> &Store {
        &self.store
    }
    fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }
    fn dice(&self) -> &dyn Random {
        self.random.as_ref()
    }
    fn metrics(&self) -> &Metrics {
        &self.metrics
    }
    fn outbound(&self) -> &Outbound {
        &self.outbound
    }
    fn resources(&self) -> &Resources {
        &self.resources
    }
    fn jsonnet(&self) -> &JsonnetPool {
        &self.jsonnet
    }
    async fn html(
        &self,
        config: &Config,
        message: &CourierMessage,
        now: OffsetDateTime,
    ) -> Option<String> {
        self.composer.html(config, message, now).await
    }
}
