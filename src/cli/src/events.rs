//! The event log, written away while the run goes on.

use std::io::{self, Write};

use scale_sim::{Event, LOG_HEAD, Model, Probe, RequestRef, Time, write_line};

/// Writes every event as a line of CSV. Its memory does not grow with the run.
#[derive(Debug)]
pub struct EventLog<W: Write> {
    out: W,
    lines: String,
    failed: Option<io::Error>,
}

/// Lines are written in pieces of about this many bytes.
const PIECE: usize = 64 << 10;

impl<W: Write> EventLog<W> {
    /// A log that goes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            lines: LOG_HEAD.to_owned(),
            failed: None,
        }
    }

    /// Whether writing failed, so that there is no use in going on.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// The first error of all the writing.
    pub fn finish(mut self) -> io::Result<()> {
        self.write();
        match self.failed {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn write(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(self.lines.as_bytes()).err();
        }
        self.lines.clear();
    }
}

impl<W: Write> Probe for EventLog<W> {
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        write_line(&mut self.lines, model, now, request, event).expect("a String takes any text");
        if self.lines.len() >= PIECE {
            self.write();
        }
    }
}
