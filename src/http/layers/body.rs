//! Bodies are bounded in size and time (http-api.md §1). Whoever reads one sees an error of [`Refused`] when it ends.
use crate::flow::Refusal;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use http_body_util::{BodyExt, Limited};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// The largest body, in bytes.
pub const MAX: usize = 5 * 1024 * 1024;

/// How much of the rest of a body that is too large is read and forgotten, and for how long.
const LINGER_BYTES: usize = 4 * MAX;
const LINGER: Duration = Duration::from_secs(2);

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the body has more than {MAX} bytes")]
    TooLarge,
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the body broke off")]
    BrokenOff,
}

impl Refused {
    /// Out of what a reader of the body was told.
    #[must_use]
    pub fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref::<Self>() {
                return *refused;
            }
            if error.is::<http_body_util::LengthLimitError>() {
                return Self::TooLarge;
            }
            cause = error.source();
        }
        Self::BrokenOff
    }

    /// What the client is told.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        let status = match self {
            Self::TooLarge => 413,
            Self::TooSlow => 408,
            Self::BrokenOff => 400,
        };
        Refusal::new(status, None, format!("The request cannot be read: {self}."))
    }
}

/// The request, its body bounded: `time` counts from now.
#[must_use]
pub fn bound(request: Request<Body>, time: Duration) -> Request<Body> {
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| {
        let timer = Box::pin(tokio::time::sleep(time));
        Body::new(Bounded {
            body,
            timer,
            left: MAX,
            over: false,
        })
    })
}

struct Bounded {
    body: Body,
    timer: Pin<Box<Sleep>>,
    left: usize,
    over: bool,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::BoxError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if self.body.size_hint().lower() > self.left as u64 {
            return self.too_large();
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            ready!(self.timer.as_mut().poll(cx));
            self.over = true;
            return Poll::Ready(Some(Err(Refused::TooSlow.into())));
        };
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            let Some(left) = self.left.checked_sub(data.len()) else {
                return self.too_large();
            };
            self.left = left;
        }
        Poll::Ready(frame.map(|f| f.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

impl Bounded {
    fn too_large<T>(&mut self) -> Poll<Option<Result<T, axum::BoxError>>> {
        self.over = true;
        tokio::spawn(linger(std::mem::replace(&mut self.body, Body::empty())));
        Poll::Ready(Some(Err(Refused::TooLarge.into())))
    }
}

/// Reads on for a moment: a connection that is closed while its client is still sending is reset, and the answer is
/// lost with it.
async fn linger(body: Body) {
    let mut rest = Limited::new(body, LINGER_BYTES);
    let read = async { while let Some(Ok(_)) = rest.frame().await {} };
    // Whatever comes of it, the request was refused.
    let _ = tokio::time::timeout(LINGER, read).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: Body, time: Duration) -> Result<usize, Refused> {
        let body = bound(Request::new(body), time).into_body();
        match axum::body::to_bytes(body, usize::MAX).await {
            Ok(bytes) => Ok(bytes.len()),
            Err(error) => Err(Refused::of(&error)),
        }
    }

    /// A body of unknown length: so many pieces, then the end, or silence.
    struct Pieces {
        size: usize,
        left: usize,
        silent: bool,
    }

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            match self.left.checked_sub(1) {
                None if self.silent => Poll::Pending,
                None => Poll::Ready(None),
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(hyper::body::Frame::data(
                        vec![b'x'; self.size].into(),
                    ))))
                }
            }
        }
    }

    fn pieces(left: usize, size: usize) -> Body {
        Body::new(Pieces {
            size,
            left,
            silent: false,
        })
    }

    #[tokio::test]
    async fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
        let time = Duration::from_secs(5);
        assert_eq!(read(Body::from(vec![0; MAX]), time).await, Ok(MAX));
        assert_eq!(
            read(Body::from(vec![0; MAX + 1]), time).await,
            Err(Refused::TooLarge)
        );
        assert_eq!(read(pieces(5, 1024 * 1024), time).await, Ok(MAX));
        assert_eq!(
            read(pieces(6, 1024 * 1024), time).await,
            Err(Refused::TooLarge)
        );
    }

    #[test]
    fn each_refusal_has_its_status_in_words() {
        for (refused, phrase) in [
            (Refused::TooLarge, "Request Entity Too Large"),
            (Refused::TooSlow, "Request Timeout"),
            (Refused::BrokenOff, "Bad Request"),
        ] {
            let error = &refused.refusal().json("")["error"];
            assert_eq!(error["status"], phrase);
            assert_ne!(
                error["message"],
                Refusal::new(500, None, "").json("")["error"]["message"]
            );
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let silent = Body::new(Pieces {
            size: 10,
            left: 3,
            silent: true,
        });
        let began = std::time::Instant::now();
        assert_eq!(
            read(silent, Duration::from_millis(50)).await,
            Err(Refused::TooSlow)
        );
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
