//! `kratos serve` (config-cli.md §4.3): from the configuration to two listeners, until somebody says stop.
use super::ConfigArgs;
use super::print::{self, note};
use super::source::{self, install_logs, refused, source, unchecked};
use super::zero_config::{self, ZeroConfig};
use crate::base::clock::{Clock, SystemClock};
use crate::base::random::{Random, SystemRandom};
use crate::base::url;
use crate::config::dsn::Dsn;
use crate::config::watch::{Seen, Watcher};
use crate::config::{Config, Loaded, Source};
use crate::courier::Worker;
use crate::courier::channel::is_mailbox;
use crate::http::serve::{GRACE, Listener};
use crate::http::welcome::{self, Places};
use crate::http::{Side, admin_router, listeners, public_router};
use crate::jsonnet::JsonnetPool;
use crate::services::Services;
use crate::store::{Db, Store, migrate};
use anyhow::Context as _;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use clap::Args;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// So long a database may take to come up.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);
/// What people sign up by where nobody has configured anything.
const PRESET: &str = include_str!("../../schemas/presets/email.schema.json");

/// Run the public and the admin API
///
/// Without a configuration file and without a variable that is a key, the server makes what it needs in the working
/// directory and is reachable from this machine only.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// For development: cookies travel without TLS, links begin with http
    #[arg(long)]
    dev: bool,
    /// Deliver mails and text messages, too
    #[arg(long)]
    watch_courier: bool,
    /// Accepted for compatibility: nothing is ever reported to anybody
    #[arg(long)]
    sqa_opt_out: bool,
}

impl ServeArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let source = source(&self.config)
            .flag("dev", self.dev, self.dev)
            .flag("watch-courier", self.watch_courier, self.watch_courier)
            .flag("sqa-opt-out", self.sqa_opt_out, self.sqa_opt_out);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let done = runtime.block_on(async {
            let stop = stop_on_signal()?;
            let start = async {
                if source.is_configured() {
                    configured(source).await
                } else {
                    unconfigured(source).await
                }
            };
            tokio::select! {
                biased;
                // A database may let one wait for minutes.
                () = stop.cancelled() => tracing::info!("stopped before it was up"),
                ready = start => listen(ready?, stop).await,
            }
            Ok(())
        });
        // Nor is there anything to wait for now, such as a name that is being resolved.
        runtime.shutdown_background();
        done
    }
}

/// Everything that a server needs to answer.
struct Ready {
    public: Listener,
    admin: Listener,
    /// In the same order.
    routers: (Router, Router),
    /// For whom messages are delivered here, if they are.
    courier: Option<Arc<Services>>,
    _watcher: Option<Watcher>,
}

async fn configured(source: Source) -> anyhow::Result<Ready> {
    let seen = Seen::now(source.paths());
    let loaded = load(&source)?;
    let config = loaded.config.clone();
    let (public, admin) = open(&config).await?;
    let services = Box::pin(started(&source, config)).await?;
    let mut findings = services.look_at_schemas(&loaded).await;
    findings.extend(services.look_at_messages(&loaded).await);
    findings.extend(services.look_at_hooks(&loaded).await);
    if !findings.is_empty() {
        return refused(findings);
    }
    let watcher = reload_on_change(source, seen, &services)?;
    let delivers = services.config.load().watch_courier;
    if is_mailbox(&services.config.load()) {
        let mailbox = url::join(&services.config.load().admin_url(), "/admin/mailbox");
        tracing::info!(
            mailbox,
            "no mail server is configured: mails can be read there, and go nowhere else"
        );
    }
    let courier = delivers.then(|| Arc::clone(&services));
    let routers = (public_router(Arc::clone(&services)), admin_router(services));
    Ok(Ready {
        public,
        admin,
        routers,
        courier,
        _watcher: Some(watcher),
    })
}

/// Everything that works on the database of a configuration.
pub(super) async fn started(source: &Source, config: Config) -> anyhow::Result<Arc<Services>> {
    let (clock, random) = machine();
    let dsn = Dsn::parse(config.dsn.expose())?;
    let how = source::migration(source.paths());
    if let Some(path) = source::absent(&dsn) {
        return Err(source::no_file(path, &how));
    }
    let store = Store::connect(&dsn, PATIENCE, clock.now(), random.as_ref()).await;
    let store = store.map_err(|error| source::advised(error, &how))?;
    let jsonnet = JsonnetPool::of_this_program();
    let services = Services::start(config, store, clock, random, jsonnet)?;
    Ok(Arc::new(services))
}

/// Loads the configuration again whenever its files change. A bad one is told of, and the last good one stays.
pub(super) fn reload_on_change(
    source: Source,
    seen: Seen,
    services: &Arc<Services>,
) -> std::io::Result<Watcher> {
    let services = Arc::downgrade(services);
    let runtime = Handle::current();
    let was_refused = AtomicBool::new(false);
    seen.watch(move || {
        let Some(services) = services.upgrade() else {
            return;
        };
        let loaded = source.load().and_then(|loaded| {
            let mut findings = runtime.block_on(services.look_at_schemas(&loaded));
            findings.extend(runtime.block_on(services.look_at_messages(&loaded)));
            findings.extend(runtime.block_on(services.look_at_hooks(&loaded)));
            if findings.is_empty() {
                Ok(loaded)
            } else {
                Err(findings)
            }
        });
        match loaded {
            Ok(loaded) if loaded.config.fingerprint == services.config.load().fingerprint => {
                if was_refused.swap(false, Ordering::Relaxed) {
                    tracing::info!("the configuration is again the one that is in force");
                }
            }
            Ok(loaded) => {
                let waiting = loaded.config.needs_restart(&services.config.load());
                for key in &waiting {
                    tracing::warn!(key, "this key has changed; it counts after a restart");
                }
                for warning in &loaded.warnings {
                    tracing::warn!("{warning}");
                }
                was_refused.store(false, Ordering::Relaxed);
                services.config.store(Arc::new(loaded.config));
                let rest = if waiting.is_empty() {
                    ""
                } else {
                    ", but for the keys named above"
                };
                tracing::info!("the configuration has changed and is in force{rest}");
            }
            Err(findings) => {
                was_refused.store(true, Ordering::Relaxed);
                for finding in findings {
                    tracing::error!("{finding}");
                }
                tracing::error!(
                    "the changed configuration cannot be used: the last good one stays in force"
                );
            }
        }
    })
}

/// Nobody has configured anything: the database is made and migrated here, and the first page says what there is.
async fn unconfigured(source: Source) -> anyhow::Result<Ready> {
    let (clock, random) = machine();
    let folder = std::env::current_dir().context("the working directory is gone")?;
    let ZeroConfig {
        configs,
        database,
        secrets,
    } = zero_config::prepare(&folder, PRESET, random.as_ref())?;
    let [values, alias] = configs;
    // This is for trying things out, on this machine: mails are kept for the mailbox.
    let source = source.clone().flag("dev", true, true);
    let config = load(&source.clone().own_values(values))?.config;
    // The same but for one name: to judge it, too, would take as long again as the rest of the start.
    let alias = unchecked(&source.own_values(alias))?;
    let (public, admin) = open(&config).await?;
    let db = Db::connect(&Dsn::parse(config.dsn.expose())?, PATIENCE).await?;
    migrate::up(&db).await?;
    let store = Store::open(db, clock.now(), random.as_ref()).await?;
    let places = Places {
        public: config.public_url(),
        admin: config.admin_url(),
        ui: zero_config::ui(zero_config::HOSTS[0]),
        database: database.display().to_string(),
        secrets: secrets.display().to_string(),
    };
    print::out().write_all(places.text().as_bytes())?;
    let services = Arc::new(Services::start(
        config,
        store,
        clock,
        random,
        JsonnetPool::of_this_program(),
    )?);
    let page = get(async move |asked: HeaderMap| welcome::page(&places, &asked));
    let public_routes = Router::new()
        .route("/", page)
        .fallback_service(public_router(Arc::clone(&services)));
    let aliases = Arc::new(alias);
    let courier = Some(Arc::clone(&services));
    let routers = (
        zero_config::also_as_localhost(public_routes, &aliases),
        zero_config::also_as_localhost(admin_router(services), &aliases),
    );
    Ok(Ready {
        public,
        admin,
        routers,
        courier,
        _watcher: None,
    })
}

/// Reads and judges; findings end the program, warnings are logged.
pub(super) fn load(source: &Source) -> anyhow::Result<Loaded> {
    let loaded = source.load().or_else(|findings| {
        let refusal = refused(findings);
        if source.paths().is_empty() {
            note(format_args!(
                "No file is named by -c, but these variables of the environment are configuration: {}. Without them \
                 the server would start by itself, to be tried out.",
                source.variables().join(", ")
            ));
        }
        refusal
    })?;
    install_logs(&loaded.config);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(loaded)
}

pub(super) fn machine() -> (Arc<dyn Clock>, Arc<dyn Random>) {
    (Arc::new(SystemClock), Arc::new(SystemRandom))
}

async fn open(config: &Config) -> anyhow::Result<(Listener, Listener)> {
    let public = listeners::public(&config.serve.public).await;
    let public = public.context("the public listener cannot be opened")?;
    let admin = listeners::admin(&config.serve.admin).await;
    Ok((
        public,
        admin.context("the admin listener cannot be opened")?,
    ))
}

/// Serves both until told to stop, and lets requests end.
async fn listen(ready: Ready, stop: CancellationToken) {
    let Ready {
        public,
        admin,
        routers: (public_routes, admin_routes),
        courier,
        _watcher,
    } = ready;
    tracing::info!(public = public.name(), admin = admin.name(), "listening");
    let side = |listener, side: Side, routes| {
        crate::http::serve::serve(listener, side.limits(), routes, stop.clone(), GRACE)
    };
    let courier = async {
        if let Some(services) = courier {
            Worker::new(services, stop.clone()).run().await;
        }
    };
    tokio::join!(
        side(public, Side::Public, public_routes),
        side(admin, Side::Admin, admin_routes),
        courier
    );
    tracing::info!("stopped");
}

/// SIGINT and SIGTERM stop gently; a second one ends the program where it stands.
pub(super) fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let token = stop.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if token.is_cancelled() {
                crate::telemetry::logs::flush();
                std::process::exit(1);
            }
            tracing::info!("stopping: requests that are being answered may end");
            token.cancel();
        }
    });
    Ok(stop)
}
