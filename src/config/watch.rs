//! Says when configuration files change (config-cli.md §1.5).
//!
//! Folders are watched, not files: editors and Kubernetes put a new file in the place of the old one. What happens
//! within a moment is told once.
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// So long it has to be quiet before a change is told.
const QUIET: Duration = Duration::from_millis(50);
/// A change is told after so long even if it is never quiet.
const LATEST: Duration = Duration::from_millis(500);

/// Watches for as long as it lives.
pub struct Watcher {
    _watcher: RecommendedWatcher,
}

/// Calls `changed`, on a thread of its own, whenever one of these files (or a configuration file in these folders) has
/// changed. What else happens beside them, a database or a log for example, is passed over.
pub fn watch(paths: &[PathBuf], changed: impl Fn() + Send + 'static) -> notify::Result<Watcher> {
    let (tell, told) = mpsc::channel();
    let names = names(paths);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is no change; a watcher that fails may have missed one.
        let counts = event.map_or(true, |event| {
            let is_ours = event.paths.is_empty() || event.paths.iter().any(|p| is_ours(p, &names));
            is_ours && !event.kind.is_access()
        });
        if counts {
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
        let began = Instant::now();
        while began.elapsed() < LATEST && told.recv_timeout(QUIET).is_ok() {}
        changed();
    }
}

/// What the files are called, and what links point to. A folder has no name of its own here.
fn names(paths: &[PathBuf]) -> Vec<OsString> {
    let places = paths
        .iter()
        .flat_map(|path| [Some(path.clone()), path.canonicalize().ok()]);
    let files = places.flatten().filter(|place| !place.is_dir());
    files
        .filter_map(|file| file.file_name().map(OsString::from))
        .collect()
}

/// A file that was named, anything that ends like a configuration, or the links that Kubernetes swaps (`..data`).
fn is_ours(path: &Path, names: &[OsString]) -> bool {
    let Some(name) = path.file_name() else {
        return true;
    };
    let ending = path.extension().and_then(|e| e.to_str());
    names.iter().any(|known| known == name)
        || name.to_string_lossy().starts_with("..")
        || matches!(ending, Some("yaml" | "yml" | "json" | "toml"))
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
