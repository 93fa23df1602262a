//! `kratos serve` (config-cli.md §4.3): from the configuration to two listeners, until somebody says stop.
use super::ConfigArgs;
use super::source::{install_logs, refused, source};
use super::zero_config::{self, ZeroConfig};
use crate::base::clock::{Clock, SystemClock};
use crate::base::random::{Random, SystemRandom};
use crate::config::dsn::Dsn;
use crate::config::watch::{Seen, Watcher};
use crate::config::{Config, Loaded, Source};
use crate::http::serve::{GRACE, Listener};
use crate::http::welcome::{self, Places};
use crate::http::{Side, admin_router, listeners, public_router};
use crate::services::Services;
use crate::store::{Db, Store, migrate};
use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use clap::Args;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// So long a database may take to come up.
const PATIENCE: Duration = Duration::from_mins(5);
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
    /// Accepted for compatibility: this version stores messages but sends none
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
        runtime.block_on(async {
            if source.is_configured() {
                configured(source).await
            } else {
                unconfigured(source).await
            }
        })
    }
}

async fn configured(source: Source) -> anyhow::Result<()> {
    let seen = Seen::now(source.paths());
    let loaded = load(&source)?;
    let config = loaded.config.clone();
    let stop = stop_on_signal()?;
    let (public, admin) = open(&config).await?;
    let (clock, random) = machine();
    let dsn = Dsn::parse(config.dsn.expose())?;
    let store = Store::connect(&dsn, PATIENCE, clock.now(), random.as_ref()).await?;
    let services = Arc::new(Services::start(config, store, clock, random)?);
    let findings = services.look_at_schemas(&loaded).await;
    if !findings.is_empty() {
        return refused(findings);
    }
    let _watcher = reload_on_change(source, seen, &services)?;
    let routers = (public_router(Arc::clone(&services)), admin_router(services));
    listen(public, admin, routers, stop).await;
    Ok(())
}

/// Loads the configuration again whenever its files change. A bad one is told of, and the last good one stays.
fn reload_on_change(
    source: Source,
    seen: Seen,
    services: &Arc<Services>,
) -> std::io::Result<Watcher> {
    let services = Arc::downgrade(services);
    let runtime = Handle::current();
    seen.watch(move || {
        let Some(services) = services.upgrade() else {
            return;
        };
        let loaded = source.load().and_then(|loaded| {
            let findings = runtime.block_on(services.look_at_schemas(&loaded));
            if findings.is_empty() {
                Ok(loaded)
            } else {
                Err(findings)
            }
        });
        match loaded {
            // Touched, but the same.
            Ok(loaded) if loaded.config.fingerprint == services.config.load().fingerprint => {}
            Ok(loaded) => {
                let waiting = loaded.config.needs_restart(&services.config.load());
                for key in &waiting {
                    tracing::warn!(key, "this key has changed; it counts after a restart");
                }
                for warning in &loaded.warnings {
                    tracing::warn!("{warning}");
                }
                services.config.store(Arc::new(loaded.config));
                let rest = if waiting.is_empty() {
                    ""
                } else {
                    ", but for the keys named above"
                };
                tracing::info!("the configuration has changed and is in force{rest}");
            }
            Err(findings) => {
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
async fn unconfigured(source: Source) -> anyhow::Result<()> {
    let (clock, random) = machine();
    let folder = std::env::current_dir().context("the working directory is gone")?;
    let ZeroConfig {
        configs,
        database,
        secrets,
    } = zero_config::prepare(&folder, PRESET, random.as_ref())?;
    let [config, alias] = configs.map(|values| load(&source.clone().own_values(values)));
    let (config, alias) = (config?.config, alias?.config);
    let stop = stop_on_signal()?;
    let (public, admin) = open(&config).await?;
    let db = Db::connect(&Dsn::parse(config.dsn.expose())?, PATIENCE).await?;
    migrate::up(&db).await?;
    let store = Store::open(db, clock.now(), random.as_ref()).await?;
    let places = Places {
        public: config.public_url(),
        admin: config.admin_url(),
        database: database.display().to_string(),
        secrets: secrets.display().to_string(),
    };
    greet(&places);
    let services = Arc::new(Services::start(config, store, clock, random)?);
    let page = get(async move || welcome::page(&places));
    let public_routes = Router::new()
        .route("/", page)
        .fallback_service(public_router(Arc::clone(&services)));
    let aliases = Arc::new(alias);
    let routers = (
        zero_config::also_as_localhost(public_routes, &aliases),
        zero_config::also_as_localhost(admin_router(services), &aliases),
    );
    listen(public, admin, routers, stop).await;
    Ok(())
}

/// What a person reads who has just started the server for the first time.
fn greet(places: &Places) {
    println!("Running without a configuration, for this machine only.\n");
    println!("  public API  {}", places.public);
    println!("  admin API   {}", places.admin);
    println!("  database    {}", places.database);
    println!("  secrets     {}\n", places.secrets);
    for (title, line) in welcome::commands(&places.public) {
        println!("# {title}\n{line}\n");
    }
}

/// Reads and judges; findings end the program, warnings are logged.
fn load(source: &Source) -> anyhow::Result<Loaded> {
    let loaded = source.load().or_else(refused)?;
    install_logs(&loaded.config);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(loaded)
}

fn machine() -> (Arc<dyn Clock>, Arc<dyn Random>) {
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
async fn listen(
    public: Listener,
    admin: Listener,
    (public_routes, admin_routes): (Router, Router),
    stop: CancellationToken,
) {
    tracing::info!(public = public.name(), admin = admin.name(), "listening");
    let side = |listener, side: Side, routes| {
        crate::http::serve::serve(listener, side.limits(), routes, stop.clone(), GRACE)
    };
    tokio::join!(
        side(public, Side::Public, public_routes),
        side(admin, Side::Admin, admin_routes)
    );
    tracing::info!("stopped");
}

/// SIGINT and SIGTERM stop gently; a second one ends the program where it stands.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
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
