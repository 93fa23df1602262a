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
        super::look_folder::look_at_folder(loaded).await;
        let mut findings = vec![];
        for place in Place::all() {
            let origin = origin(&loaded.config, place).await;
            let pointer = match &origin {
                Origin::Url(_) => place.pointer(),
                Origin::Folder(_) => FOLDER_KEY.to_owned(),
                Origin::BuiltIn => continue,
            };
            let key = pointer.trim_start_matches('/').replace('/', ".");
            let files = self.library.load(&loaded.config, place, &origin, now);
            let tried = files.await;
            let tried = tried.and_then(|files| self.library.parse(place, &files));
            let error = match tried {
                Ok(parsed) => {
                    for (line, name) in parsed.missing() {
                        let place = at(&origin, place.path().1, *line);
                        tracing::warn!(
                            key,
                            place,
                            name,
                            "a template calls another that is not there: it will fail"
                        );
                    }
                    for (line, field) in parsed.fields() {
                        if !place.has_field(field) {
                            let place = at(&origin, place.path().1, line);
                            tracing::warn!(
                                key,
                                place,
                                field,
                                "a template asks for a field that messages of its kind do not have: it will fail"
                            );
                        }
                    }
                    continue;
                }
                Err(error) => error,
            };
            let text = told(&origin, &error);
            match (&origin, &error) {
                (Origin::Url(url), LoadError::Fetch(_)) if url.starts_with("http") => {
                    tracing::warn!(key, error = text, "a template is out of reach");
                }
                _ => {
                    // Files of one folder are read for several templates.
                    let finding = loaded.finding(&pointer, &text);
                    if !findings.contains(&finding) {
                        findings.push(finding);
                    }
                }
            }
        }
        findings
    }
}

/// A line of a template, for people.
fn at(origin: &Origin, file: &str, line: usize) -> String {
    match origin {
        Origin::Url(url) => format!("{}, line {line}", resource::shown(url)),
        Origin::Folder(folder) => format!("{}:{line}", folder.join(file).display()),
        Origin::BuiltIn => format!("{file}:{line}"),
    }
}

fn told(origin: &Origin, error: &LoadError) -> String {
    match (origin, error) {
        (Origin::Url(url), LoadError::Parse(error)) => {
            let line = error.place(", line ");
            format!("{}{line}: {}", resource::shown(url), error.what)
        }
        (Origin::Url(url), error) => format!("{}: {error}", resource::shown(url)),
        (Origin::Folder(folder), LoadError::Parse(error)) => {
            let (file, line) = (folder.join(&error.name), error.place(":"));
            format!("{}{line}: {}", file.display(), error.what)
        }
        (_, error) => error.to_string(),
    }
}
