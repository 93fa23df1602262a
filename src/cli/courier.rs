//! `kratos courier watch` (config-cli.md §4.4): delivers messages in a process of its own, until somebody says stop.
use super::ConfigArgs;
use super::serve::{load, reload_on_change, started, stop_on_signal};
use super::source::{refused, source};
use crate::config::Source;
use crate::config::watch::{Seen, Watcher};
use crate::courier::Worker;
use crate::http::serve::{Address, GRACE, Listener, serve};
use crate::http::{Side, worker_router};
use crate::services::Services;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Deliver mails and text messages
#[derive(Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct CourierArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Deliver what is in the queue, and go on until stopped
    ///
    /// As many of these as one likes may run beside each other and beside `serve --watch-courier`.
    Watch(Watch),
}

#[derive(Args, Clone, Debug)]
struct Watch {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where metrics are to be had, on the host of the admin API; 0 for nowhere
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    expose_metrics_port: u16,
}

impl CourierArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let Command::Watch(watch) = &self.command;
        let port = watch.expose_metrics_port;
        let source = source(&watch.config).flag("expose-metrics-port", port, port != 0);
        // One thread is enough for what mostly waits, and costs a third less than waking up several for each step. Of this
        // kind, so that a wait for the disk (SQLite) does not hold up conversations.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let done = runtime.block_on(async {
            let stop = stop_on_signal()?;
            tokio::select! {
                biased;
                () = stop.cancelled() => tracing::info!("stopped before it was up"),
                ready = ready(source) => deliver(ready?, stop).await,
            }
            Ok(())
        });
        runtime.shutdown_background();
        done
    }
}

struct Ready {
    services: Arc<Services>,
    metrics: Option<Listener>,
    _watcher: Watcher,
}

async fn ready(source: Source) -> anyhow::Result<Ready> {
    let seen = Seen::now(source.paths());
    let loaded = load(&source)?;
    let config = loaded.config.clone();
    let metrics = match config.expose_metrics_port {
        0 => None,
        port => {
            // The admin API may be at a socket file, which has no ports.
            let host = match config.serve.admin.host.as_str() {
                host if host.starts_with("unix:") => "127.0.0.1",
                host => host,
            };
            let host = host.to_owned();
            let address = Address::Tcp { host, port };
            let listener = Listener::bind(&address, None).await;
            Some(listener.context("the listener for metrics cannot be opened")?)
        }
    };
    let services = Box::pin(started(&source, config)).await?;
    let findings = services.look_at_messages(&loaded).await;
    if !findings.is_empty() {
        return refused(findings);
    }
    let watcher = reload_on_change(source, seen, &services)?;
    Ok(Ready {
        services,
        metrics,
        _watcher: watcher,
    })
}

async fn deliver(ready: Ready, stop: CancellationToken) {
    let Ready {
        services,
        metrics,
        _watcher,
    } = ready;
    let routes = worker_router(Arc::clone(&services));
    let metrics = async {
        if let Some(listener) = metrics {
            tracing::info!(metrics = listener.name(), "listening");
            serve(listener, Side::Admin.limits(), routes, stop.clone(), GRACE).await;
        }
    };
    let worker = Worker::new(services, stop.clone());
    // Beside its deliveries, not on the thread that waits for all to end.
    let run = tokio::spawn(async move { worker.run().await });
    let (ran, ()) = tokio::join!(run, metrics);
    if let Err(error) = ran {
        tracing::error!(%error, "the courier ended unexpectedly");
    }
}
