//! The client: attempts around redirects around single requests.
use super::guard::{NoPublicAddress, Policy, PublicOnly, names_private};
use super::{Limits, Longer, OutboundError, Request, Response, tls};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{Certificate, Client, Method, StatusCode, redirect};
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use url::Url;

/// What never goes to another host by a redirect.
const PERSONAL: [HeaderName; 3] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::WWW_AUTHENTICATE,
];

/// How long a body is waited for that may be left.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way out. Cheap to clone; connections are shared.
#[derive(Clone, Default)]
pub struct Outbound(Arc<OnceLock<Option<Clients>>>);

struct Clients {
    /// Reaches public addresses only, and directly: a proxy would resolve names by itself.
    guarded: Client,
    open: Client,
}

impl Clients {
    /// The environment's `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` hold where private addresses are not refused.
    fn build() -> Result<Self, reqwest::Error> {
        tls::install_provider();
        let roots: Vec<Certificate> = tls::roots()
            .iter()
            .filter_map(|root| Certificate::from_der(root).ok())
            .collect();
        let builder = || {
            Client::builder()
                .user_agent(concat!("kratos/", env!("CARGO_PKG_VERSION")))
                .tls_certs_only(roots.clone())
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(Duration::from_secs(10))
                .pool_idle_timeout(Duration::from_mins(1))
        };
        Ok(Self {
            guarded: builder()
                .no_proxy()
                .dns_resolver(Arc::new(PublicOnly))
                .build()?,
            open: builder().build()?,
        })
    }
}

impl Outbound {
    /// Made when somebody is called for the first time: reading the system's certificates takes a third of a start, and
    /// many servers never call anybody.
    fn clients(&self) -> Result<&Clients, OutboundError> {
        let built = self.0.get_or_init(|| {
            Clients::build()
                .inspect_err(|error| tracing::error!(%error, "the HTTP client cannot be set up"))
                .ok()
        });
        built.as_ref().ok_or(OutboundError::NoConnection)
    }

    /// Sends the request and reads the answer. Statuses are the caller's business, but for 429 and 5xx other than
    /// 501: after the last attempt they are [`OutboundError::Unavailable`].
    pub async fn send(
        &self,
        policy: &Policy,
        request: &Request,
    ) -> Result<Response, OutboundError> {
        let url = Url::parse(&request.url).map_err(|_| OutboundError::Url)?;
        let Limits {
            timeout,
            attempts,
            least_wait,
            most_wait,
            ..
        } = request.limits;
        let mut wait = least_wait;
        for attempt in 1.. {
            let mut headers = request.headers.clone();
            if let Some(change) = &request.per_attempt {
                change(attempt, &mut headers);
            }
            let follow = self.follow(policy, request, url.clone(), headers);
            let answer = tokio::time::timeout(timeout, follow)
                .await
                .unwrap_or(Err(OutboundError::TimedOut));
            let mut pause = wait;
            let error = match answer {
                Ok(response) if is_unavailable(response.status) => {
                    pause = asked_pause(&response).unwrap_or(wait);
                    OutboundError::Unavailable(response.status.as_u16())
                }
                Ok(response) => return Ok(response),
                Err(error) if error.is_passing() => error,
                Err(error) => return Err(error),
            };
            if attempt >= attempts {
                return Err(error);
            }
            tokio::time::sleep(pause.min(most_wait)).await;
            wait = wait.saturating_mul(2);
        }
        Err(OutboundError::NoConnection)
    }

    /// One attempt, whose answer counts whatever its status is.
    pub async fn send_once(
        &self,
        policy: &Policy,
        request: &Request,
    ) -> Result<Response, OutboundError> {
        let url = Url::parse(&request.url).map_err(|_| OutboundError::Url)?;
        let headers = request.headers.clone();
        let follow = self.follow(policy, request, url, headers);
        let answer = tokio::time::timeout(request.limits.timeout, follow);
        answer.await.unwrap_or(Err(OutboundError::TimedOut))
    }

    /// One attempt, redirects followed.
    async fn follow(
        &self,
        policy: &Policy,
        request: &Request,
        mut url: Url,
        mut headers: HeaderMap,
    ) -> Result<Response, OutboundError> {
        let mut method = request.method.clone();
        let mut body = request.body.clone();
        for _ in 0..=request.limits.redirects {
            let response = self
                .once(policy, request.limits, &method, &url, &headers, &body)
                .await?;
            let Some(location) = redirect_target(&response) else {
                return Ok(response);
            };
            let target = url.join(location).map_err(|_| OutboundError::Redirects)?;
            if !matches!(response.status.as_u16(), 307 | 308) {
                if method != Method::HEAD {
                    method = Method::GET;
                }
                body.clear();
                headers.remove(header::CONTENT_TYPE);
            }
            if (
                target.host(),
                target.port_or_known_default(),
                target.scheme(),
            ) != (url.host(), url.port_or_known_default(), url.scheme())
            {
                for name in &PERSONAL {
                    headers.remove(name);
                }
            }
            url = target;
        }
        Err(OutboundError::Redirects)
    }

    async fn once(
        &self,
        policy: &Policy,
        Limits {
            body: most, longer, ..
        }: Limits,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Response, OutboundError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutboundError::Url);
        }
        let guarded = policy.guards(url);
        if guarded && names_private(url) {
            return Err(OutboundError::Refused);
        }
        let clients = self.clients()?;
        let client = if guarded {
            &clients.guarded
        } else {
            &clients.open
        };
        let mut builder = client
            .request(method.clone(), url.clone())
            .headers(headers.clone());
        if !body.is_empty() {
            builder = builder.body(body.to_vec());
        }
        let mut answer = builder.send().await.map_err(|error| kind_of(&error))?;
        let mut body = Vec::new();
        let read = async {
            let broken = |_| OutboundError::Interrupted;
            while let Some(chunk) = answer.chunk().await.map_err(broken)? {
                if body.len() + chunk.len() > most {
                    if longer == Longer::IsRefused {
                        return Err(OutboundError::TooLarge);
                    }
                    body.extend(chunk.iter().take(most - body.len()));
                    break;
                }
                body.extend_from_slice(&chunk);
            }
            Ok(())
        };
        if longer == Longer::IsLeft {
            let _ = tokio::time::timeout(PATIENCE, read).await;
        } else {
            read.await?;
        }
        Ok(Response {
            status: answer.status(),
            headers: std::mem::take(answer.headers_mut()),
            body,
        })
    }
}

fn is_unavailable(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

/// `Retry-After` in seconds, which counts for 429 and 503.
fn asked_pause(response: &Response) -> Option<Duration> {
    if !matches!(response.status.as_u16(), 429 | 503) {
        return None;
    }
    let seconds = response.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn redirect_target(response: &Response) -> Option<&str> {
    matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308)
        .then(|| response.header("location"))
        .flatten()
}

fn kind_of(error: &reqwest::Error) -> OutboundError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<NoPublicAddress>() {
            return OutboundError::Refused;
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        OutboundError::TimedOut
    } else if error.is_builder() {
        OutboundError::Url
    } else if error.is_connect() {
        OutboundError::NoConnection
    } else {
        OutboundError::Interrupted
    }
}
