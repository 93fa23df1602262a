//! One connection from handshake to end.
use super::listener::Client;
use super::pulse::{Felt, Pulse};
use super::rules;
use super::{LAST_CALL, Limits};
use crate::http::peer::Peer;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::Service;

/// More headers than this are refused with 431. Room for more would be made for each request.
const MAX_HEADERS: usize = 100;
/// All headers of a request together may have this many bytes, as in Go.
const MAX_HEAD: usize = 1024 * 1024 + 4096;
/// Requests that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 128;

/// Serves one client until it leaves, is too slow, or the server stops and its request is answered.
pub(super) async fn drive(client: Client, limits: Limits, router: Router, stop: CancellationToken) {
    let peer = Peer {
        address: client.address,
        tls: client.tls.is_some(),
    };
    match client.tls {
        None => speak(client.stream, peer, limits, router, stop).await,
        Some(acceptor) => {
            let handshake = acceptor.accept(client.stream);
            match tokio::time::timeout(limits.header, handshake).await {
                Ok(Ok(stream)) => speak(stream, peer, limits, router, stop).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        }
    }
}

async fn speak<S>(stream: S, peer: Peer, limits: Limits, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pulse = Pulse::new(limits);
    let service = service_fn({
        let pulse = std::sync::Arc::clone(&pulse);
        move |request: Request<Incoming>| {
            let in_flight = pulse.begin(request.version() == Version::HTTP_2);
            let refusal = rules::broken(&request);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            let mut router = router.clone();
            async move {
                let answer = match refusal {
                    Some(refusal) => Ok(refusal),
                    None => router.call(request).await,
                };
                drop(in_flight);
                answer
            }
        }
    });
    let io = TokioIo::new(Felt {
        stream,
        pulse: std::sync::Arc::clone(&pulse),
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut stopping = pin!(async {
        stop.cancelled().await;
        if pulse.is_fresh() {
            tokio::time::sleep(LAST_CALL).await;
        }
    });
    let mut timer = pin!(tokio::time::sleep_until(pulse.deadline()));
    let mut told = false;
    poll_fn(|cx| {
        if !told && stopping.as_mut().poll(cx).is_ready() {
            told = true;
            pulse.hurry();
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke off");
            }
            return Poll::Ready(());
        }
        // The connection was polled by this very task, so that its deadline is up to date.
        loop {
            let deadline = pulse.deadline();
            if deadline <= tokio::time::Instant::now() {
                tracing::debug!("a connection was quiet or slow for too long");
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(1024)
        .keep_alive_interval(Duration::from_mins(1))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
