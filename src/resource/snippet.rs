//! Jsonnet of the operator's that makes the body of a request: had from where the configuration says, and run.
use super::{ResourceError, Resources, Wish, is_remote, shown};
use crate::jsonnet::{Evaluation, JsonnetError, JsonnetPool};
use crate::outbound::Policy;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

/// Bytes of a Jsonnet.
const MOST_SOURCE: usize = 1 << 20;
/// How long a Jsonnet that had to be fetched is used: a pile of requests is not to be two piles.
const FRESH: Duration = Duration::seconds(10);

/// Why there is no body. Says which Jsonnet it was, and nothing of what that was given.
#[derive(Debug, thiserror::Error)]
pub enum SnippetError {
    #[error("the Jsonnet of the body cannot be had, {place}: {error}")]
    Source { place: String, error: ResourceError },
    #[error("the Jsonnet of the body fails, {place}: {error}")]
    Run { place: String, error: JsonnetError },
}

/// The JSON text that the Jsonnet at `uri` makes of its argument `ctx`.
///
/// # Errors
/// It cannot be had, or it fails.
pub async fn body(
    (resources, jsonnet): (&Resources, &JsonnetPool),
    policy: &Policy,
    uri: &str,
    context: &Value,
    now: OffsetDateTime,
) -> Result<String, SnippetError> {
    let snippet = source(resources, policy, uri, now).await;
    let snippet = snippet.map_err(|error| SnippetError::Source {
        place: shown(uri),
        error,
    })?;
    let evaluation = Evaluation {
        snippet: &snippet,
        arguments: &[("ctx", context)],
        external: &[],
    };
    let made = jsonnet.evaluate(&evaluation).await;
    made.map_err(|error| SnippetError::Run {
        place: shown(uri),
        error,
    })
}

/// The text of a Jsonnet. What is not UTF-8 becomes U+FFFD, for the interpreter to complain of.
///
/// # Errors
/// It cannot be had.
pub async fn source(
    resources: &Resources,
    policy: &Policy,
    uri: &str,
    now: OffsetDateTime,
) -> Result<String, ResourceError> {
    let wish = Wish {
        uri,
        most: MOST_SOURCE,
        fresh: if is_remote(uri) {
            FRESH
        } else {
            Duration::ZERO
        },
        now,
    };
    let content = resources.load(policy, wish).await?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}
