//! Why a schema cannot be used. Who shows it decides on the status (http-api.md §12.6).
use crate::resource::ResourceError;

#[derive(Clone, Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("there is no identity schema {0:?}")]
    Unknown(String),
    /// The document, or one that it refers to, could not be had.
    #[error("{url}: {error}")]
    Fetch { url: String, error: ResourceError },
    /// It was read, and cannot be used.
    #[error("{url}: {reason}")]
    Invalid { url: String, reason: String },
}

impl SchemaError {
    pub(crate) fn invalid(url: &str, reason: impl Into<String>) -> Self {
        Self::Invalid {
            url: shortened(url),
            reason: reason.into(),
        }
    }
    pub(crate) fn fetch(url: &str, error: ResourceError) -> Self {
        Self::Fetch {
            url: shortened(url),
            error,
        }
    }
}

/// A `base64://` URL is the whole document: its beginning will do.
fn shortened(url: &str) -> String {
    if url.chars().count() <= 120 {
        return url.to_owned();
    }
    let mut short: String = url.chars().take(100).collect();
    short.push('\u{2026}');
    short
}
