//! Standard output and standard error, which somebody may have closed: `kratos migrate sql up --yes | head -1`.
//!
//! The command then does its work all the same. Only this module may write there (`lib.rs` forbids `println!`, which panics).
use std::borrow::Cow;
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

/// Where results go.
pub(super) fn out() -> impl Write + Send {
    Patient(io::stdout())
}

/// Where hints, progress and errors go.
pub(super) fn notes() -> impl Write + Send {
    Patient(io::stderr())
}

/// A line of results.
///
/// # Errors
/// The output can no longer be written, as its disk is full.
pub(super) fn result(line: Arguments<'_>) -> io::Result<()> {
    out().write_fmt(format_args!("{line}\n"))
}

/// A line of hints. Where should the news go that it cannot be written?
pub(super) fn note(line: Arguments<'_>) {
    let line = line.to_string();
    let _ = notes().write_fmt(format_args!("{}\n", tame(&line)));
}

/// The text without characters that a terminal obeys: some of it may come from a server.
pub(super) fn tame(text: &str) -> Cow<'_, str> {
    let is_wild = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.chars().any(is_wild) {
        Cow::Owned(text.replace(is_wild, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Takes what nobody reads any more for written.
struct Patient<W>(W);

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}
