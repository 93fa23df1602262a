//! Schemas by id. The configuration says which there are; the documents are fetched when they are needed,
//! looked at again now and then, and compiled anew only if they changed.
use super::check;
use super::compile::IdentitySchema;
use super::error::SchemaError;
use super::load::{self, Reach};
use crate::config::{Config, IdentitySchema as Source};
use crate::resource::Resources;
use data_encoding::BASE64URL_NOPAD;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use time::{Duration, OffsetDateTime};

/// How long a document is believed not to have changed.
const FRESH: Duration = Duration::seconds(5);
/// The most schemas that are kept. A configuration has a handful; reloads leave old ones behind.
const KEPT: usize = 256;

#[derive(Clone)]
struct Kept {
    schema: Arc<IdentitySchema>,
    only_local: bool,
    seen: OffsetDateTime,
}

pub struct SchemaRegistry {
    resources: Resources,
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
    pub fn new(resources: Resources) -> Self {
        Self {
            resources,
            kept: Mutex::default(),
        }
    }

    /// The schema of that id. One that has worked serves on, with a warning, when its document cannot be had any more
    /// or has become useless.
    ///
    /// # Errors
    /// There is no such id, or the document cannot be had or used.
    pub async fn get(
        &self,
        config: &Config,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<Arc<IdentitySchema>, SchemaError> {
        let source = find(&config.identity.schemas, id);
        let source = source.ok_or_else(|| SchemaError::Unknown(id.to_owned()))?;
        let key = (source.id.clone(), source.url.clone());
        let only_local = config.security.disallow_ref_in_identity_schemas;
        let old = self.look(&key, only_local, now);
        if let Some((old, true)) = old {
            return Ok(old.schema);
        }
        let old = old.map(|(old, _)| old);
        let reach = Reach::new(&self.resources, config);
        let error = match self.renew(source, &reach, old.as_ref(), now).await {
            Ok(new) => {
                let schema = Arc::clone(&new.schema);
                let mut kept = self.lock();
                if kept.len() >= KEPT {
                    kept.clear();
                }
                kept.insert(key, new);
                return Ok(schema);
            }
            Err(error) => error,
        };
        let old = old.ok_or(error.clone())?;
        tracing::warn!(schema = id, %error, "an identity schema cannot be used as it is now: the last good one serves on");
        Ok(old.schema)
    }

    /// What is kept, and whether it is still believed. Who finds it stale has a moment to renew it: others need not.
    fn look(
        &self,
        key: &(String, String),
        only_local: bool,
        now: OffsetDateTime,
    ) -> Option<(Kept, bool)> {
        let mut kept = self.lock();
        let kept = kept.get_mut(key)?;
        if kept.only_local != only_local {
            return None;
        }
        let is_fresh = kept.schema.is_constant() || now < kept.seen + FRESH;
        kept.seen = if is_fresh { kept.seen } else { now };
        Some((kept.clone(), is_fresh))
    }

    /// Compiles the document as it is now; only if it has changed.
    async fn renew(
        &self,
        source: &Source,
        reach: &Reach<'_>,
        old: Option<&Kept>,
        now: OffsetDateTime,
    ) -> Result<Kept, SchemaError> {
        let bytes = reach.fetch(&source.url).await?;
        let loaded = load::load(&source.url, &bytes, reach).await?;
        if let Some(old) = old {
            if old.schema.is_made_of(&loaded) {
                return Ok(old.clone());
            }
            tracing::info!(schema = source.id, "an identity schema has changed");
        }
        let (id, url) = (source.id.clone(), source.url.clone());
        let compiled =
            tokio::task::spawn_blocking(move || IdentitySchema::compile(&id, &url, loaded));
        let schema = compiled
            .await
            .map_err(|_| SchemaError::invalid(&source.url, "cannot be compiled"))??;
        check::identity_shape(&schema.document)
            .map_err(|reason| SchemaError::invalid(&source.url, reason))?;
        Ok(Kept {
            schema: Arc::new(schema),
            only_local: reach.only_local,
            seen: now,
        })
    }

    /// Looks at every schema, for start and reload: the places of those in the configuration that cannot be used, with
    /// what is wrong.
    pub async fn check_all(&self, config: &Config, now: OffsetDateTime) -> Vec<(usize, String)> {
        let mut wrong = vec![];
        for (index, source) in config.identity.schemas.iter().enumerate() {
            let trouble = match self.get(config, &source.id, now).await {
                Ok(_) => None,
                Err(SchemaError::Fetch { error, .. }) => Some(error.to_string()),
                Err(SchemaError::Invalid { reason, .. }) => Some(reason),
                Err(error) => Some(error.to_string()),
            };
            wrong.extend(trouble.map(|trouble| (index, trouble)));
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
