//! What a URI in the configuration points to: load it, keep it for a while, never more than fits.
//!
//! Identity schemas, Jsonnet, templates and keys are named by `file://`, `base64://`, `http://` or `https://`
//! (config-cli.md §1.7). Files are relative to the working directory. A text without a scheme is an older way to
//! name a file. Errors never repeat the URI: an inline one is the content itself.
pub mod look;
mod shelf;
pub mod snippet;
#[cfg(test)]
mod tests;

use crate::outbound::{Limits, Outbound, OutboundError, Policy, Request};
use data_encoding::BASE64;
use shelf::Shelf;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use time::{Duration, OffsetDateTime};
use tokio::io::AsyncReadExt;

/// Why there is no content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// No such file, or a 404.
    #[error("there is no such file or page")]
    Missing,
    #[error("the file cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    /// A pipe, a device, a socket.
    #[error("this is no regular file")]
    NotAFile,
    #[error("this is no padded standard base64")]
    Base64,
    #[error("the content is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the server answered with status {0}")]
    Status(u16),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

/// What one asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub uri: &'a str,
    /// Larger content is refused.
    pub most: usize,
    /// How long a copy may have been kept to still be good; zero always asks anew. What is inline is never kept.
    pub fresh: Duration,
    pub now: OffsetDateTime,
}

/// All that was loaded lately. Clones share it.
#[derive(Clone)]
pub struct Resources {
    outbound: Outbound,
    shelf: Arc<Mutex<Shelf>>,
}

impl Resources {
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self {
            outbound,
            shelf: Arc::default(),
        }
    }

    /// The content, from the shelf if it is fresh there.
    pub async fn load(&self, policy: &Policy, wish: Wish<'_>) -> Result<Arc<[u8]>, ResourceError> {
        if let Some(text) = wish.uri.strip_prefix("base64://") {
            return Ok(decode(text, wish.most)?.into());
        }
        if wish.fresh.is_positive()
            && let Some(kept) = self.with_shelf(|shelf| shelf.get(wish.uri, wish.now - wish.fresh))
        {
            return if kept.len() > wish.most {
                Err(ResourceError::TooLarge(wish.most))
            } else {
                Ok(kept)
            };
        }
        let content: Arc<[u8]> = if is_remote(wish.uri) {
            self.fetch(policy, wish.uri, wish.most).await?.into()
        } else {
            let path = wish.uri.strip_prefix("file://").unwrap_or(wish.uri);
            read(path, wish.most).await?.into()
        };
        if wish.fresh.is_positive() {
            self.with_shelf(|shelf| shelf.put(wish.uri, Arc::clone(&content), wish.now));
        }
        Ok(content)
    }

    async fn fetch(
        &self,
        policy: &Policy,
        url: &str,
        most: usize,
    ) -> Result<Vec<u8>, ResourceError> {
        let limits = Limits {
            body: most,
            ..Limits::USUAL
        };
        let answer = self
            .outbound
            .send(policy, &Request::get(url).limits(limits))
            .await;
        match answer {
            Ok(answer) if answer.status == 200 => Ok(answer.body),
            Ok(answer) if answer.status == 404 => Err(ResourceError::Missing),
            Ok(answer) => Err(ResourceError::Status(answer.status.as_u16())),
            Err(OutboundError::TooLarge) => Err(ResourceError::TooLarge(most)),
            Err(error) => Err(error.into()),
        }
    }

    fn with_shelf<T>(&self, use_it: impl FnOnce(&mut Shelf) -> T) -> T {
        use_it(&mut self.shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An address for a person to read: files with the place that they are looked for at, nothing of what is inline.
#[must_use]
pub fn shown(uri: &str) -> String {
    if uri.starts_with("base64://") {
        return "the document in the configuration itself".to_owned();
    }
    let file = uri.strip_prefix("file://").unwrap_or(uri);
    match std::path::absolute(file) {
        Ok(path) if !is_remote(uri) && path.as_os_str() != file => format!(
            "`{uri}`, which is {} as relative paths count from the working directory",
            path.display()
        ),
        _ => format!("`{uri}`"),
    }
}

fn is_remote(uri: &str) -> bool {
    uri.starts_with("http://") || uri.starts_with("https://")
}

/// Line breaks inside are passed over, as Go does.
fn decode(text: &str, most: usize) -> Result<Vec<u8>, ResourceError> {
    if text.len() / 2 > most + 4 {
        return Err(ResourceError::TooLarge(most));
    }
    let text: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b'\r' | b'\n'))
        .collect();
    let content = BASE64.decode(&text).map_err(|_| ResourceError::Base64)?;
    if content.len() > most {
        Err(ResourceError::TooLarge(most))
    } else {
        Ok(content)
    }
}

async fn read(path: &str, most: usize) -> Result<Vec<u8>, ResourceError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ResourceError::Missing,
        kind => ResourceError::Unreadable(kind),
    };
    // A pipe would keep who opens it waiting; what else is no file has no end.
    let kind = tokio::fs::metadata(path).await.map_err(failed)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(ResourceError::NotAFile);
    }
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut content = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut content)
        .await
        .map_err(failed)?;
    if content.len() > most {
        Err(ResourceError::TooLarge(most))
    } else {
        Ok(content)
    }
}
