//! Says when configuration files change (config-cli.md §1.5).
//!
//! Folders are watched, not files: editors and Kubernetes put a new file in the place of the old one. What happens
//! within a moment is told once.
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// So long it has to be quiet before a change is told.
const QUIET: Duration = Duration::from_millis(50);

/// Watches for as long as it lives.
pub struct Watcher {
    _watcher: RecommendedWatcher,
}

/// Calls `changed`, on a thread of its own, whenever something in the folders of these files (or in these folders)
/// has changed.
pub fn watch(paths: &[PathBuf], changed: impl Fn() + Send + 'static) -> notify::Result<Watcher> {
    let (tell, told) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is no change; a watcher that fails may have missed one.
        if event.map_or(true, |event| !event.kind.is_access()) {
            let _ = tell.send(());
        }
    })?;
    for folder in folders(paths) {
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    }
    std::thread::Builder::new()
        .name("configuration".into())
        .spawn(move || run(&told, changed))
        .map_err(notify::Error::io)?;
    Ok(Watcher { _watcher: watcher })
}

fn run(told: &Receiver<()>, changed: impl Fn()) {
    while told.recv().is_ok() {
        while told.recv_timeout(QUIET).is_ok() {}
        changed();
    }
}

/// Where the files are: their folders, and those of what links point to.
fn folders(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = vec![];
    for path in paths {
        for place in [Some(path.clone()), path.canonicalize().ok()]
            .into_iter()
            .flatten()
        {
            let folder = if place.is_dir() {
                place
            } else {
                place
                    .parent()
                    .map_or_else(|| PathBuf::from("."), Path::to_owned)
            };
            let folder = if folder.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                folder
            };
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders
}
