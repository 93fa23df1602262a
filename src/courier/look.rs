//! A look at the templates that a configuration names, before it counts: one that cannot be read is a mistake that would
//! otherwise show when somebody waits for a code.
use super::compose::Composer;
use super::kinds::Place;
use super::library::{LoadError, Origin, origin};
use crate::config::{Finding, Loaded};
use crate::resource;
use time::OffsetDateTime;

const FOLDER_KEY: &str = "/courier/template_override_path";

impl Composer {
    /// What is wrong with the templates of a configuration. One that is out of reach is only warned of: it may be back
    /// when it is needed.
    pub async fn look(&self, loaded: &Loaded, now: OffsetDateTime) -> Vec<Finding> {
        let mut findings = vec![];
        for place in Place::all() {
            let origin = origin(&loaded.config, place).await;
            let pointer = match &origin {
                Origin::Url(_) => place.pointer(),
                Origin::Folder(_) => FOLDER_KEY.to_owned(),
                Origin::BuiltIn => continue,
            };
            let files = self.library.load(&loaded.config, place, &origin, now);
            let tried = files.await;
            let tried = tried.and_then(|files| self.library.parse(place, &files));
            let Err(error) = tried else {
                continue;
            };
            let text = told(&origin, &error);
            match (&origin, &error) {
                (Origin::Url(url), LoadError::Fetch(_)) if url.starts_with("http") => {
                    let key = pointer.trim_start_matches('/').replace('/', ".");
                    tracing::warn!(key, error = text, "a template is out of reach");
                }
                _ => findings.push(loaded.finding(&pointer, &text)),
            }
        }
        findings
    }
}

fn told(origin: &Origin, error: &LoadError) -> String {
    match (origin, error) {
        (Origin::Url(url), LoadError::Parse(error)) => {
            let (line, what) = (error.line, &error.what);
            format!("{}, line {line}: {what}", resource::shown(url))
        }
        (Origin::Url(url), error) => format!("{}: {error}", resource::shown(url)),
        (Origin::Folder(folder), LoadError::Parse(error)) => {
            let file = folder.join(&error.name);
            format!("{}:{}: {}", file.display(), error.line, error.what)
        }
        (_, error) => error.to_string(),
    }
}
