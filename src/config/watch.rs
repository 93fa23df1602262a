//! Says when configuration files change (config-cli.md §1.5).
//!
//! The files are looked at, not listened to: that works on every file system and with every way to replace a file
//! (editors and Kubernetes put a new one in the place of the old one), and costs nothing while other files beside them, a
//! database or a log, are written all the time.
use super::load::inside;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, SystemTime};

/// So often they are looked at. A change is told when it looks the same twice, so that nobody reads a file half written.
const EVERY: Duration = Duration::from_millis(200);

/// Watches for as long as it lives.
pub struct Watcher {
    _alive: Sender<()>,
}

/// Files as they were at a moment.
pub struct Seen {
    paths: Vec<PathBuf>,
    looks: Vec<Look>,
}

/// What tells one state of a file from another.
#[derive(PartialEq)]
struct Look {
    path: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
    /// A file that was put in the place of another may be older.
    #[cfg(unix)]
    inode: u64,
}

impl Seen {
    /// These files, and the configuration files in these folders. Look before you read: what changes meanwhile is
    /// told as soon as somebody watches.
    #[must_use]
    pub fn now(paths: &[PathBuf]) -> Self {
        Self {
            paths: paths.to_vec(),
            looks: look(paths),
        }
    }

    /// Calls `changed`, on a thread of its own, whenever one of them has changed.
    pub fn watch(self, changed: impl Fn() + Send + 'static) -> std::io::Result<Watcher> {
        let (alive, ended) = mpsc::channel::<()>();
        let Self { paths, mut looks } = self;
        let run = move || {
            let mut last: Option<Vec<Look>> = None;
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let now = look(&paths);
                if now == looks {
                    last = None;
                } else if last.as_ref() == Some(&now) {
                    looks = now;
                    last = None;
                    changed();
                } else {
                    last = Some(now);
                }
            }
        };
        std::thread::Builder::new()
            .name("configuration".into())
            .spawn(run)?;
        Ok(Watcher { _alive: alive })
    }
}

/// A folder is what is in it. What cannot be read is not there.
fn look(paths: &[PathBuf]) -> Vec<Look> {
    let files = paths
        .iter()
        .flat_map(|path| inside(path).unwrap_or_else(|_| vec![path.clone()]));
    files.filter_map(|file| of_file(&file)).collect()
}

/// Links are followed.
fn of_file(path: &Path) -> Option<Look> {
    let data = std::fs::metadata(path).ok()?;
    Some(Look {
        path: path.to_owned(),
        size: data.len(),
        modified: data.modified().ok(),
        #[cfg(unix)]
        inode: std::os::unix::fs::MetadataExt::ino(&data),
    })
}
