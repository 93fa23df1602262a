//! Schemas by id. The configuration says which there are; the documents are fetched when they are needed,
//! looked at again now and then, and compiled anew only if they changed.
use super::check;
use super::compile::IdentitySchema;
use super::error::SchemaError;
use super::load::{self, Fetch};
pub use crate::config::identity::IdentitySchema as Source;
use data_encoding::BASE64URL_NOPAD;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use time::{Duration, OffsetDateTime};

/// How long a document is believed not to have changed.
const FRESH: Duration = Duration::seconds(5);
/// The most schemas that are kept. A configuration has a handful; reloads leave old ones behind.
const KEPT: usize = 256;

struct Kept {
    schema: Arc<IdentitySchema>,
    bytes: Vec<u8>,
    only_local: bool,
    seen: OffsetDateTime,
}

pub struct SchemaRegistry {
    fetch: Arc<dyn Fetch>,
    /// By id and URL.
    kept: Mutex<HashMap<(String, String), Kept>>,
}

impl std::fmt::Debug for SchemaRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SchemaRegistry").finish_non_exhaustive()
    }
}

impl SchemaRegistry {
    #[must_use]
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self {
            fetch,
            kept: Mutex::default(),
        }
    }

    /// The schema of that id. `only_local`: `security.disallow_ref_in_identity_schemas`.
    ///
    /// # Errors
    /// There is no such id, or the document cannot be had or used.
    pub async fn get(
        &self,
        sources: &[Source],
        id: &str,
        only_local: bool,
        now: OffsetDateTime,
    ) -> Result<Arc<IdentitySchema>, SchemaError> {
        let source = find(sources, id).ok_or_else(|| SchemaError::Unknown(id.to_owned()))?;
        let key = (source.id.clone(), source.url.clone());
        let is_constant = source.url.starts_with("base64://");
        let old = self.lock().get(&key).map(|kept| {
            let is_fresh =
                kept.only_local == only_local && (is_constant || now < kept.seen + FRESH);
            (Arc::clone(&kept.schema), is_fresh)
        });
        if let Some((schema, true)) = old {
            return Ok(schema);
        }
        let bytes = match (self.fetch.fetch(&source.url).await, old) {
            (Ok(bytes), _) => bytes,
            // What worked a moment ago serves on while the other side is down.
            (Err(error), Some((schema, _))) => {
                tracing::warn!(schema = id, %error, "an identity schema cannot be read again");
                return Ok(schema);
            }
            (Err(error), None) => return Err(SchemaError::fetch(&source.url, error)),
        };
        if let Some(kept) = self.lock().get_mut(&key)
            && kept.bytes == bytes
            && kept.only_local == only_local
        {
            kept.seen = now;
            return Ok(Arc::clone(&kept.schema));
        }
        let loaded =
            load::load(&source.url, bytes.clone(), self.fetch.as_ref(), only_local).await?;
        let (id, url) = key.clone();
        let compiled =
            tokio::task::spawn_blocking(move || IdentitySchema::compile(&id, &url, loaded));
        let schema = compiled
            .await
            .map_err(|_| SchemaError::invalid(&source.url, "cannot be compiled"))??;
        let schema = Arc::new(schema);
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(
            key,
            Kept {
                schema: Arc::clone(&schema),
                bytes,
                only_local,
                seen: now,
            },
        );
        Ok(schema)
    }

    /// Looks at every schema, for start, reload and `doctor`: the ids with what is wrong.
    pub async fn check_all(
        &self,
        sources: &[Source],
        only_local: bool,
        now: OffsetDateTime,
    ) -> Vec<(String, String)> {
        let mut wrong = vec![];
        for source in sources {
            let result = self.get(sources, &source.id, only_local, now).await;
            let trouble = match result {
                Ok(schema) => check::identity_shape(&schema.document).err(),
                Err(error) => Some(error.to_string()),
            };
            wrong.extend(trouble.map(|t| (source.id.clone(), t)));
        }
        wrong
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of that id, or of the id that this is the encoding of.
#[must_use]
pub fn find<'a>(sources: &'a [Source], id: &str) -> Option<&'a Source> {
    let by = |id: &str| sources.iter().find(|s| s.id == id);
    by(id).or_else(|| {
        let decoded = BASE64URL_NOPAD.decode(id.as_bytes()).ok()?;
        by(std::str::from_utf8(&decoded).ok()?)
    })
}

/// Where a schema can be read: `<public base>/schemas/<base64url of the id>`.
#[must_use]
pub fn public_url(base: &str, id: &str) -> String {
    let encoded = BASE64URL_NOPAD.encode(id.as_bytes());
    crate::base::url::join(base, &format!("schemas/{encoded}"))
}
