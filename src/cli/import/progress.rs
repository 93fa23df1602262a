//! A bar for people who look on: drawn on stderr if that is a terminal, once there is more than a screen to come.
use crate::cli::print;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// So many at least are more than a screen.
const SCREEN: u64 = 50;
const PERIOD: Duration = Duration::from_millis(100);
const WIDTH: u64 = 24;

pub(super) struct Progress {
    draws: bool,
    drawn: bool,
    began: Instant,
    last: Option<Instant>,
}

impl Progress {
    pub(super) fn new(wanted: bool) -> Self {
        Self {
            draws: wanted && std::io::stderr().is_terminal(),
            drawn: false,
            began: Instant::now(),
            last: None,
        }
    }

    /// So many are through, so many of them refused; so many bytes were read of how many.
    pub(super) fn at(&mut self, through: u64, refused: u64, (read, total): (u64, Option<u64>)) {
        let recent = self.last.is_some_and(|last| last.elapsed() < PERIOD);
        if !self.draws || recent || through < SCREEN {
            return;
        }
        self.last = Some(Instant::now());
        self.drawn = true;
        let text = line(through, refused, read, total, self.began.elapsed());
        let _ = write!(print::notes(), "\r{text}\x1b[K");
    }

    /// Gives the line back to others.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(print::notes(), "\r\x1b[K");
        }
    }
}

fn line(through: u64, refused: u64, read: u64, total: Option<u64>, time: Duration) -> String {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    let pace = through.saturating_mul(1000) / milliseconds;
    let mut text = match total.filter(|total| *total > 0) {
        None => String::new(),
        Some(total) => {
            let read = read.min(total);
            let full = read * WIDTH / total;
            let bar: String = (0..WIDTH)
                .map(|at| if at < full { '#' } else { '.' })
                .collect();
            let left = milliseconds.saturating_mul(total - read) / read.max(1) / 1000;
            let percent = read * 100 / total;
            format!(
                "[{bar}] {percent:3} %, {}:{:02} left, ",
                left / 60,
                left % 60
            )
        }
    };
    text += &format!("{through} accounts, {pace} a second");
    if refused > 0 {
        text += &format!(", {refused} refused");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_needs_an_end() {
        let second = Duration::from_secs(1);
        assert_eq!(
            line(2000, 3, 9, None, second),
            "2000 accounts, 2000 a second, 3 refused"
        );
        assert_eq!(
            line(500, 0, 25, Some(100), second),
            "[######..................]  25 %, 0:03 left, 500 accounts, 500 a second"
        );
        assert!(line(1, 0, 200, Some(100), second).contains("] 100 %, 0:00 left"));
    }
}
