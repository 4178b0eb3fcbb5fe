//! A line on the standard error that tells how far a long run has come.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Shows how far a run has come, if somebody watches and it takes long enough to wonder.
#[derive(Debug)]
pub struct Progress {
    watched: bool,
    next: Instant,
    shown: bool,
}

const PATIENCE: Duration = Duration::from_millis(700);
const PAUSE: Duration = Duration::from_millis(200);

impl Progress {
    /// Starts the clock.
    pub fn new() -> Self {
        Self {
            watched: stderr().is_terminal(),
            next: Instant::now() + PATIENCE,
            shown: false,
        }
    }

    /// Shows `line` in place of the one before, now and then.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.watched && Instant::now() >= self.next {
            self.next = Instant::now() + PAUSE;
            self.shown = true;
            // Nothing is lost if it cannot be shown.
            let _ = write!(stderr(), "\r\x1b[K{}", line());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
