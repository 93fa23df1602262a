//! Serving one router on one socket: accepting, limits of time and size, stopping without cutting anybody off.
//!
//! Nothing here knows what is served. `listener.rs` opens the socket, `tls.rs` reads certificates, `pulse.rs` says
//! when a connection has been quiet or slow for too long, `connection.rs` drives one, `rules.rs` refuses what breaks HTTP.
mod connection;
mod listener;
mod pulse;
mod rules;
mod tls;

pub use listener::{Address, Listener, SocketRights};
pub use tls::{Pem, TlsError, tls_config};

use axum::Router;
use std::pin::pin;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a client may take (http-api.md §1).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte of a request to the end of its headers; also for the TLS handshake and for the first byte
    /// of a connection.
    pub header: Duration,
    /// From the end of the headers to the end of the body.
    pub read: Duration,
    /// From the end of the headers to the answer, and for the client to take some of it.
    pub write: Duration,
    /// Between two requests.
    pub idle: Duration,
}

impl Limits {
    pub const PUBLIC: Self = Self::seconds(5, 15, 60, 120);
    pub const ADMIN: Self = Self::seconds(5, 30, 120, 600);

    const fn seconds(header: u64, read: u64, write: u64, idle: u64) -> Self {
        Self {
            header: Duration::from_secs(header),
            read: Duration::from_secs(read),
            write: Duration::from_secs(write),
            idle: Duration::from_secs(idle),
        }
    }
}

/// How long requests in flight may take once the server was told to stop.
pub const GRACE: Duration = Duration::from_mins(2);

/// What has reached this machine before the stop may still wait in the queues of the kernel: connections to be accepted,
/// and first requests to be read from them.
const LAST_CALL: Duration = Duration::from_millis(50);

/// Answers requests until `stop` is cancelled; returns when the last connection is done, or after `grace`.
pub async fn serve(
    listener: Listener,
    limits: Limits,
    router: Router,
    stop: CancellationToken,
    grace: Duration,
) {
    let tracker = TaskTracker::new();
    // What is still busy when the time of grace is over.
    let kill = CancellationToken::new();
    let mut over = pin!(async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_CALL).await;
    });
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut over => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(client) => {
                let work = connection::drive(client, limits, router.clone(), stop.clone());
                let kill = kill.clone();
                tracker.spawn(async move { kill.run_until_cancelled(work).await });
            }
            // The client went away while it waited: nothing of ours.
            Err(error) if is_client_side(&error) => {}
            // Out of file descriptors or memory: let some connections end first.
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted at the moment");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    drop(listener);
    tracker.close();
    if tokio::time::timeout(grace, tracker.wait()).await.is_err() {
        tracing::warn!(
            connections = tracker.len(),
            "requests took too long to end and are cut off"
        );
        kill.cancel();
        tracker.wait().await;
    }
}

fn is_client_side(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}
