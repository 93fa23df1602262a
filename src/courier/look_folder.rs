//! A look at the folder of templates that a configuration names: what lies there under a name that nobody asks for is a
//! mistake that would otherwise show in a mail with our text instead of the operator's.
use super::kinds::{Part, Place};
use crate::config::{Loaded, nearest};
use std::path::{Path, PathBuf};

/// More names are not looked at.
const MOST_NAMES: usize = 5000;

/// Warns of a folder that is not there, and of files in it that no message is made of.
pub(super) async fn look_at_folder(loaded: &Loaded) {
    const KEY: &str = "courier.template_override_path";
    let root = loaded.config.courier.template_override_path.as_deref();
    let Some(root) = root.filter(|root| !root.is_empty()).map(PathBuf::from) else {
        return;
    };
    let shown = root.display().to_string();
    let found = tokio::task::spawn_blocking(move || strangers(&root)).await;
    match found.map_err(std::io::Error::other).and_then(|found| found) {
        Ok(strangers) => {
            for (file, meant) in strangers {
                let (file, meant) = (file.display().to_string(), meant.unwrap_or_default());
                tracing::warn!(
                    key = KEY,
                    file,
                    meant,
                    "no message is made of this file: its name is not that of a template"
                );
            }
        }
        Err(error) => {
            let error = error.to_string();
            tracing::warn!(
                key = KEY,
                folder = shown,
                error,
                "there is no such folder of templates"
            );
        }
    }
}

/// Files below the folder that are no templates and that none can call, each with the name that it may have been meant to
/// have.
fn strangers(root: &Path) -> std::io::Result<Vec<(PathBuf, Option<String>)>> {
    let mut out = vec![];
    let mut left = MOST_NAMES;
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            left = left.saturating_sub(1);
            if left == 0 {
                return Ok(out);
            }
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let name = path.to_string_lossy().into_owned();
            // Hidden files are not for us.
            if name.split('/').any(|part| part.starts_with('.')) {
                continue;
            }
            if root.join(&path).is_dir() {
                folders.push(path);
            } else if !is_asked_for(root, &folder.to_string_lossy(), &name) {
                let all: Vec<String> = Place::all().map(file).collect();
                let meant = nearest(&name, all.iter().map(String::as_str)).map(str::to_owned);
                out.push((root.join(path), meant));
            }
        }
    }
    Ok(out)
}

fn file(place: Place) -> String {
    let (folder, file) = place.path();
    format!("{folder}/{file}")
}

/// A template, or a file that one beside it can call by name.
fn is_asked_for(root: &Path, folder: &str, name: &str) -> bool {
    let file_name = name.rsplit('/').next().unwrap_or_default();
    Place::all().any(|place| {
        let (its_folder, entry) = place.path();
        its_folder == folder
            && (file_name == entry
                || is_beside(place.part, file_name) && root.join(its_folder).join(entry).exists())
    })
}

fn is_beside(part: Part, file_name: &str) -> bool {
    file_name.starts_with(part.prefix()) && Part::ALL.iter().all(|p| p.file() != file_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_no_message_is_made_of_are_found_with_what_was_meant() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        for name in [
            "recovery_code/valid/email.body.gotmpl",
            "recovery_code/valid/email.body.de.gotmpl",
            "recovery_code/valid/sms.body.gotmpl",
            "recovery_code/.gitkeep",
            "authenticator_key_added/email.subject.gotmpl",
        ] {
            write(name);
        }
        assert_eq!(strangers(root.path()).unwrap(), []);
        write("verification_code/valid/email.body.plain.gotmpl");
        write("verification_cod/valid/email.subject.gotmpl");
        write("recovery/valid/sms.body.gotmpl");
        write("notes.txt");
        let mut found: Vec<(String, Option<String>)> = strangers(root.path())
            .unwrap()
            .into_iter()
            .map(|(path, meant)| {
                let path = path
                    .strip_prefix(root.path())
                    .unwrap()
                    .display()
                    .to_string();
                (path, meant)
            })
            .collect();
        found.sort();
        let is = |name: &str, meant: Option<&str>| (name.to_owned(), meant.map(str::to_owned));
        assert_eq!(
            found,
            [
                is("notes.txt", None),
                is(
                    "recovery/valid/sms.body.gotmpl",
                    Some("recovery/valid/email.body.gotmpl")
                ),
                is(
                    "verification_cod/valid/email.subject.gotmpl",
                    Some("verification_code/valid/email.subject.gotmpl")
                ),
                is(
                    "verification_code/valid/email.body.plain.gotmpl",
                    Some("verification_code/valid/email.body.plaintext.gotmpl")
                ),
            ]
        );
        assert!(strangers(&root.path().join("nowhere")).is_err());
    }
}
