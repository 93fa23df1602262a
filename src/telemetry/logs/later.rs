//! Lines of requests wait a few milliseconds for others: a write for each would cost more than the line itself.
//!
//! All other lines go out at once, behind those that wait. A program that is killed loses what waits.
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So long a line waits at most.
const LINGER: Duration = Duration::from_millis(5);
/// Who makes it more than that has to write it out: a slow reader slows us down, and memory stays what it is.
const MOST: usize = 256 * 1024;

static WAITING: Mutex<Vec<u8>> = Mutex::new(vec![]);
static ARRIVED: Condvar = Condvar::new();

fn waiting() -> MutexGuard<'static, Vec<u8>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to write what is queued.
pub(super) fn start() {
    let run = || {
        loop {
            let mut lines = waiting();
            while lines.is_empty() {
                lines = ARRIVED.wait(lines).unwrap_or_else(PoisonError::into_inner);
            }
            drop(lines);
            std::thread::sleep(LINGER);
            write(&[]);
        }
    };
    // Without the thread, lines are written as soon as there are too many, and at the end.
    let _ = std::thread::Builder::new().name("log".into()).spawn(run);
}

/// A line that may wait.
pub(super) fn queue(line: &[u8]) {
    let mut lines = waiting();
    let is_first = lines.is_empty();
    lines.extend_from_slice(line);
    let is_full = lines.len() > MOST;
    drop(lines);
    if is_full {
        write(&[]);
    } else if is_first {
        ARRIVED.notify_one();
    }
}

/// All that waits, and then this line.
pub(super) fn write(line: &[u8]) {
    // Taken first, so that nobody else's lines get in between.
    let mut out = std::io::stderr().lock();
    let mut lines = std::mem::take(&mut *waiting());
    lines.extend_from_slice(line);
    // Where should the news of a closed standard error go?
    let _ = out.write_all(&lines);
}
