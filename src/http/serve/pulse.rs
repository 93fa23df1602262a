//! What a connection is doing at the moment, and when its time is over.
//!
//! hyper's own header timeout also runs between two requests and would end idle connections far too early, and before
//! the first byte it does not run at all. So the stream and the requests write down here what happens, and whoever
//! drives the connection asks for the deadline.
use super::Limits;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Pulse {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    in_flight: u32,
    /// No request has arrived yet.
    fresh: bool,
    /// Requests are multiplexed: bytes do not have to be the begin of one.
    multiplexed: bool,
    /// Since when there is no request.
    idle_since: Instant,
    /// When the first byte of a request came whose headers are not complete.
    head_since: Option<Instant>,
    /// Since when the client takes nothing of what is sent.
    blocked_since: Option<Instant>,
    /// Since when the server wants to end.
    hurried_since: Option<Instant>,
}

impl Pulse {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let state = State {
            in_flight: 0,
            fresh: true,
            multiplexed: false,
            idle_since: Instant::now(),
            head_since: None,
            blocked_since: None,
            hurried_since: None,
        };
        Arc::new(Self {
            limits,
            state: Mutex::new(state),
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The headers of a request are complete; the guard is dropped with its answer.
    pub(super) fn begin(self: &Arc<Self>, multiplexed: bool) -> InFlight {
        self.with(|s| {
            s.in_flight += 1;
            s.fresh = false;
            s.multiplexed = multiplexed;
            s.head_since = None;
        });
        InFlight(Arc::clone(self))
    }

    /// No request has arrived yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.with(|s| s.fresh)
    }

    /// The server wants to end: a client that takes no more of its answer is not waited for much longer.
    pub(super) fn hurry(&self) {
        self.with(|s| s.hurried_since = Some(Instant::now()));
    }

    /// When the connection has to end if nothing happens until then.
    pub(super) fn deadline(&self) -> Instant {
        let Limits {
            header,
            write,
            idle,
            ..
        } = self.limits;
        self.with(|s| {
            let quiet = if s.in_flight > 0 {
                // Its handler has a deadline of its own; look again later.
                Instant::now() + write.max(Duration::from_secs(1))
            } else if let Some(since) = s.head_since {
                since + header
            } else if s.fresh {
                s.idle_since + header
            } else if let Some(since) = s.hurried_since {
                since.max(s.idle_since) + header
            } else {
                s.idle_since + idle
            };
            s.blocked_since
                .map_or(quiet, |since| quiet.min(since + write))
        })
    }

    fn has_read(&self) {
        self.with(|s| {
            if s.in_flight == 0 && !s.multiplexed && s.head_since.is_none() {
                s.head_since = Some(Instant::now());
            }
        });
    }

    fn has_written(&self, blocked: bool) {
        self.with(|s| {
            s.blocked_since = blocked.then(|| s.blocked_since.unwrap_or_else(Instant::now));
        });
    }
}

/// A request that is being answered.
pub(super) struct InFlight(Arc<Pulse>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.with(|s| {
            s.in_flight = s.in_flight.saturating_sub(1);
            s.idle_since = Instant::now();
        });
    }
}

/// A stream whose reads and writes are felt.
pub(super) struct Felt<S> {
    pub(super) stream: S,
    pub(super) pulse: Arc<Pulse>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Felt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.has_read();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> Felt<S> {
    fn wrote<T>(&self, polled: Poll<T>) -> Poll<T> {
        self.pulse.has_written(polled.is_pending());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Felt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.wrote(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.wrote(polled)
    }
}
