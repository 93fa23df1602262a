//! Where templates come from (courier.md §3, §4): an address in the configuration, else a file in the folder of the
//! operator's own, else what is built in; each template by itself. They are looked at again for each message, and read
//! anew only when they have changed. One that worked serves on when what took its place cannot be used.
use super::builtin;
use super::kinds::{Part, Place};
use super::sprig::Set;
use super::template::budget::MOST_SOURCE;
use super::template::{Mode, ParseError, Parsed, Source};
use crate::config::Config;
use crate::outbound::Policy;
use crate::resource::{ResourceError, Resources, Wish};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};

/// How long a template from elsewhere is believed not to have changed.
const FRESH: Duration = Duration::seconds(60);
/// The folder that is looked into when none is configured.
const FOLDER: &str = "courier/builtin/templates";
/// The most files that belong to one set.
const MOST_FILES: usize = 200;
/// The most sets that are kept.
const MOST_KEPT: usize = 256;

/// Why there is no template.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("{0}")]
    Fetch(#[from] ResourceError),
    #[error("the file {0} cannot be read: {1}")]
    Read(String, io::ErrorKind),
    #[error("{0} is no regular file")]
    NotAFile(String),
    #[error("the folder holds more than {MOST_FILES} files of that name")]
    TooMany,
    #[error("{0}")]
    Parse(#[from] ParseError),
}

/// What a set is made of.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// Where it comes from, for people and as the key of what is kept.
    pub(super) origin: Origin,
    entry: String,
    sources: Vec<Source>,
    functions: Set,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    Url(String),
    Folder(PathBuf),
    BuiltIn,
}

struct Kept {
    content: [u8; 32],
    parsed: Arc<Parsed>,
}

pub(super) struct Library {
    resources: Resources,
    kept: Mutex<HashMap<(Place, Origin), Kept>>,
}

impl Library {
    pub(super) fn new(resources: Resources) -> Self {
        Self {
            resources,
            kept: Mutex::default(),
        }
    }

    /// The template, ready to run.
    pub(super) async fn get(
        &self,
        config: &Config,
        place: Place,
        now: OffsetDateTime,
    ) -> Result<Arc<Parsed>, LoadError> {
        let origin = origin(config, place).await;
        if origin == Origin::BuiltIn
            && let Some(kept) = self.lock().get(&(place, Origin::BuiltIn))
        {
            return Ok(Arc::clone(&kept.parsed));
        }
        let tried = match self.load(config, place, &origin, now).await {
            Ok(files) => self.parse(place, &files),
            Err(error) => Err(error),
        };
        let error = match tried {
            Ok(parsed) => return Ok(parsed),
            Err(error) => error,
        };
        let old = self
            .lock()
            .get(&(place, origin))
            .map(|kept| Arc::clone(&kept.parsed));
        let old = old.ok_or_else(|| error.clone())?;
        let (folder, file) = place.path();
        tracing::warn!(
            template = format!("{folder}/{file}"),
            error = error.to_string(),
            "a template cannot be used as it is now: the last good one serves on"
        );
        Ok(old)
    }

    /// The files of a template.
    pub(super) async fn load(
        &self,
        config: &Config,
        place: Place,
        origin: &Origin,
        now: OffsetDateTime,
    ) -> Result<Files, LoadError> {
        let (folder, file) = place.path();
        let (sources, functions) = match origin {
            Origin::Url(url) => {
                let wish = Wish {
                    uri: url,
                    most: MOST_SOURCE,
                    fresh: FRESH,
                    now,
                };
                let policy = Policy::from(&config.clients.http);
                let content = self.resources.load(&policy, wish).await?;
                let text = String::from_utf8_lossy(&content).as_ref().into();
                let name = file.to_owned();
                (vec![Source { name, text }], Set::Hermetic)
            }
            Origin::Folder(path) => {
                let path = path.clone();
                let read = move || read_folder(&path, place.part);
                let read = tokio::task::spawn_blocking(read).await;
                let broken = |_| LoadError::Read(file.to_owned(), io::ErrorKind::Other);
                (read.map_err(broken)??, Set::Hermetic)
            }
            Origin::BuiltIn => {
                let text = builtin::text(folder, file).unwrap_or_default().into();
                let name = file.to_owned();
                (vec![Source { name, text }], Set::Full)
            }
        };
        Ok(Files {
            origin: origin.clone(),
            entry: file.to_owned(),
            sources,
            functions,
        })
    }

    /// Reads what has changed.
    pub(super) fn parse(&self, place: Place, files: &Files) -> Result<Arc<Parsed>, LoadError> {
        let key = (place, files.origin.clone());
        let content = files.fingerprint();
        if let Some(kept) = self.lock().get(&key)
            && kept.content == content
        {
            return Ok(Arc::clone(&kept.parsed));
        }
        let mode = if place.part == Part::Html {
            Mode::Html
        } else {
            Mode::Text
        };
        let parsed = Parsed::parse(&files.entry, &files.sources, mode, files.functions)?;
        let parsed = Arc::new(parsed);
        let mut kept = self.lock();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        let new = Kept {
            content,
            parsed: Arc::clone(&parsed),
        };
        kept.insert(key, new);
        Ok(parsed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Place, Origin), Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for source in &self.sources {
            for part in [source.name.as_bytes(), source.text.as_bytes()] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        hash.finalize().into()
    }
}

/// Which of the three it is.
pub(super) async fn origin(config: &Config, place: Place) -> Origin {
    if let Some(url) = place.url(config) {
        return Origin::Url(url.to_owned());
    }
    let (folder, file) = place.path();
    let root = config.courier.template_override_path.as_deref();
    let root = root.filter(|root| !root.is_empty());
    let folder = Path::new(root.unwrap_or(FOLDER)).join(folder);
    let path = folder.join(file);
    // Where we are started is looked at in no time; other folders may be far away.
    let is_there = match root {
        Some(_) => tokio::fs::try_exists(path).await.unwrap_or(false),
        None => path.exists(),
    };
    if is_there {
        Origin::Folder(folder)
    } else {
        Origin::BuiltIn
    }
}

/// Every file whose name begins like the part's, in the order of their names.
fn read_folder(folder: &Path, part: Part) -> Result<Vec<Source>, LoadError> {
    let failed = |name: &str| {
        let shown = folder.join(name).display().to_string();
        move |error: io::Error| LoadError::Read(shown.clone(), error.kind())
    };
    let entry = folder.join(part.file());
    if std::fs::metadata(&entry).is_ok_and(|data| !data.is_file()) {
        return Err(LoadError::NotAFile(entry.display().to_string()));
    }
    let mut names = vec![];
    for entry in std::fs::read_dir(folder).map_err(failed(""))? {
        let name = entry.map_err(failed(""))?.file_name();
        // What is no text is no name that a template could call.
        if let Ok(name) = name.into_string()
            && name.starts_with(part.prefix())
            && folder.join(&name).is_file()
        {
            names.push(name);
        }
        if names.len() > MOST_FILES {
            return Err(LoadError::TooMany);
        }
    }
    names.sort_unstable();
    let read = |name: String| {
        let content = std::fs::read(folder.join(&name)).map_err(failed(&name))?;
        let text = String::from_utf8_lossy(&content).as_ref().into();
        Ok(Source { name, text })
    };
    names.into_iter().map(read).collect()
}
