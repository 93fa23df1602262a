//! Calls to the admin API: where it is, attempts, and what a refusal says.
//!
//! Whoever starts the command names the server, as with curl: no address is refused here. Attempts are as those of
//! the reference's client (five, pauses of 1, 2, 4 and 8 seconds, ten seconds each), but what would make something
//! is sent again only where the server cannot have done it.
use crate::cli::print;
use crate::outbound::{Limits, Longer, Method, Outbound, OutboundError, Policy, Request, Response};
use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use url::Url;

const ATTEMPTS: u32 = 5;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Time for one attempt.
const USUAL: Duration = Duration::from_secs(10);
/// Batches and long lists are read and written for a while.
pub(in crate::cli) const LONG: Duration = Duration::from_mins(5);
/// A page of a list has a thousand accounts at most.
const MOST_BYTES: usize = 256 << 20;
/// What stands in a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

#[derive(Args, Clone, Debug, Default)]
pub(in crate::cli) struct EndpointArgs {
    /// The URL of the admin API, as <http://127.0.0.1:4434>
    #[arg(
        short,
        long,
        global = true,
        env = "KRATOS_ADMIN_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    endpoint: Option<String>,
}

/// Why nothing came of a call.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Trouble {
    #[error("{url}: {error}")]
    NoAnswer { url: String, error: OutboundError },
    #[error("{0}")]
    Refused(Refusal),
    #[error("{url}: the answer is not what this server would say: {problem}")]
    Strange { url: String, problem: String },
}

/// An answer with a status other than of success.
#[derive(Debug)]
pub(in crate::cli) struct Refusal {
    pub(in crate::cli) status: u16,
    pub(in crate::cli) body: Value,
}

impl Refusal {
    /// What and why, as the server says it.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        told(self.body.get("error").unwrap_or(&Value::Null))
    }
}

/// The texts of an error.
pub(in crate::cli) fn told(error: &Value) -> Vec<String> {
    ["message", "reason"]
        .iter()
        .filter_map(|key| error.get(key)?.as_str())
        .map(str::to_owned)
        .collect()
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.lines();
        if lines.is_empty() {
            write!(f, "the server answered with status {}", self.status)
        } else {
            f.write_str(&lines.join(": "))
        }
    }
}

/// When a call is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// It changes nothing, or nothing more the second time.
    Freely,
    /// Only where it was not carried out.
    IfUndone,
}

/// The admin API of one server.
pub(in crate::cli) struct Admin {
    base: Url,
    outbound: Outbound,
    tells: bool,
}

impl Admin {
    /// `tells`: whether new attempts are announced.
    ///
    /// # Errors
    /// Nobody said where it is, or it is no URL.
    pub(in crate::cli) fn new(args: &EndpointArgs, tells: bool) -> anyhow::Result<Self> {
        let Some(endpoint) = args.endpoint.as_deref().filter(|e| !e.is_empty()) else {
            anyhow::bail!(
                "where is the server? Name its admin API with --endpoint URL or in KRATOS_ADMIN_URL"
            );
        };
        let base = Url::parse(endpoint)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(mut base) = base else {
            anyhow::bail!("the endpoint has to be an http or https URL, as http://127.0.0.1:4434");
        };
        base.set_query(None);
        base.set_fragment(None);
        Ok(Self {
            base,
            outbound: Outbound::default(),
            tells,
        })
    }

    /// The base and a path below it.
    pub(in crate::cli) fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = self.base.clone();
        let path = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url.into()
    }

    pub(in crate::cli) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Response, Trouble> {
        self.send(Request::get(self.url(path, query)), USUAL, Again::Freely)
            .await
    }

    pub(in crate::cli) async fn delete(&self, path: &str) -> Result<Response, Trouble> {
        let request = Request::new(Method::DELETE, self.url(path, &[]));
        self.send(request, USUAL, Again::Freely).await
    }

    /// Makes something.
    pub(in crate::cli) async fn make(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        time: Duration,
    ) -> Result<Response, Trouble> {
        let request = Request::new(method, self.url(path, &[]))
            .header("content-type", "application/json")
            .body(body);
        self.send(request, time, Again::IfUndone).await
    }

    async fn send(
        &self,
        request: Request,
        timeout: Duration,
        again: Again,
    ) -> Result<Response, Trouble> {
        let request = request.header("accept", "application/json").limits(Limits {
            timeout,
            body: MOST_BYTES,
            longer: Longer::IsCut,
            ..Limits::USUAL
        });
        let mut pause = Duration::from_secs(1);
        for attempt in 1.. {
            let answer = self.outbound.send_once(&Policy::default(), &request).await;
            let (problem, wanted) = match answer {
                Ok(response) if response.status.is_success() => return Ok(response),
                Ok(response) => {
                    let status = response.status.as_u16();
                    // Too many requests and "not now" say that nothing was done.
                    let again = match again {
                        Again::Freely => status == 429 || (status >= 500 && status != 501),
                        Again::IfUndone => matches!(status, 429 | 503),
                    };
                    if !again || attempt >= ATTEMPTS {
                        let body = response.json().unwrap_or(Value::Null);
                        return Err(Trouble::Refused(Refusal { status, body }));
                    }
                    let asked = response.header("retry-after").and_then(|s| s.parse().ok());
                    (
                        format!("the server answered with status {status}"),
                        asked.map(Duration::from_secs),
                    )
                }
                Err(error) => {
                    let passing = match again {
                        Again::Freely => matches!(
                            error,
                            OutboundError::NoConnection
                                | OutboundError::TimedOut
                                | OutboundError::Interrupted
                        ),
                        Again::IfUndone => error == OutboundError::NoConnection,
                    };
                    if !passing || attempt >= ATTEMPTS {
                        let url = shown(&request.url);
                        return Err(Trouble::NoAnswer { url, error });
                    }
                    (error.to_string(), None)
                }
            };
            let now = wanted.unwrap_or(pause).min(LONGEST_PAUSE);
            if self.tells {
                print::note(format_args!(
                    "{}: {problem}; attempt {} of {ATTEMPTS} follows in {} s",
                    shown(&request.url),
                    attempt + 1,
                    now.as_secs()
                ));
            }
            tokio::time::sleep(now).await;
            pause = pause.saturating_mul(2);
        }
        Err(Trouble::NoAnswer {
            url: shown(&request.url),
            error: OutboundError::NoConnection,
        })
    }

    pub(in crate::cli) fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        response: &Response,
    ) -> Result<T, Trouble> {
        response.json().map_err(|error| Trouble::Strange {
            url: shown(&self.url(path, &[])),
            problem: error.to_string(),
        })
    }
}

/// Without what a user may have written into it to be let in.
fn shown(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else {
        return String::new();
    };
    // Both fail for URLs without a host, which have none to hide.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.set_query(None);
    url.into()
}

/// A path with somebody's words in it.
///
/// # Errors
/// These words name nothing, and the path would lead elsewhere.
pub(in crate::cli) fn path(before: &str, id: &str) -> anyhow::Result<String> {
    anyhow::ensure!(!matches!(id, "" | "." | ".."), "{id:?} is no id");
    Ok(format!("{before}{}", utf8_percent_encode(id, PLAIN)))
}

/// Shows why on the screen, as the reference does: what the server says, or all of its answer.
pub(in crate::cli) fn explain(trouble: Trouble) -> anyhow::Error {
    let Trouble::Refused(refusal) = &trouble else {
        return trouble.into();
    };
    let lines = refusal.lines();
    if lines.is_empty() && refusal.body.is_null() {
        return trouble.into();
    }
    for line in &lines {
        print::note(format_args!("{line}"));
    }
    if lines.is_empty() {
        print::note(format_args!(
            "{:#}\nThe server answered with status {}, see above.",
            refusal.body, refusal.status
        ));
    }
    crate::cli::Explained.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admin(endpoint: &str) -> anyhow::Result<Admin> {
        let endpoint = Some(endpoint.to_owned());
        Admin::new(&EndpointArgs { endpoint }, false)
    }

    #[test]
    fn endpoints_may_have_a_path_and_ids_stay_one_segment() {
        let url = |endpoint: &str| {
            let path = path("/admin/identities/", "a/b?c#d%20 é").unwrap();
            admin(endpoint).unwrap().url(&path, &[("x", "1&2")])
        };
        let tail = "/admin/identities/a%2Fb%3Fc%23d%2520%20%C3%A9?x=1%262";
        assert_eq!(url("http://h:4434"), format!("http://h:4434{tail}"));
        assert_eq!(url("https://h/k/?q#f"), format!("https://h/k{tail}"));
        for bad in ["", "localhost:4434", "ftp://h/", "/path", "unix:/x"] {
            assert!(admin(bad).is_err(), "{bad}");
        }
        for bad in ["", ".", ".."] {
            assert!(path("/", bad).is_err());
        }
    }

    #[test]
    fn who_signs_in_by_the_url_is_not_shown() {
        let admin = admin("http://user:secret@h/").unwrap();
        assert_eq!(shown(&admin.url("/a", &[("t", "x")])), "http://h/a");
    }
}
