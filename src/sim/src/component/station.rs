//! The station that services and databases share: servers, and a bounded line that waits for them.

use slab::Slab;

use crate::engine::Frame;

/// "No frame": the end of a line, or a request's first frame.
pub(crate) const NONE: u32 = u32::MAX;

/// The state of one station. The line is threaded through the frames themselves, so that waiting allocates nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Station {
    /// Frames that hold a server.
    pub busy: u32,
    /// Frames that wait for one.
    pub waiting: u32,
    first: u32,
    last: u32,
}

impl Station {
    pub const fn new() -> Self {
        Self {
            busy: 0,
            waiting: 0,
            first: NONE,
            last: NONE,
        }
    }

    /// Puts `frame` at the end of the line.
    pub fn join(&mut self, frame: u32, frames: &mut Slab<Frame>) {
        if self.last == NONE {
            self.first = frame;
        } else {
            frames[self.last as usize].next = frame;
        }
        self.last = frame;
        self.waiting += 1;
    }

    /// Takes the first frame out of the line.
    pub fn take(&mut self, frames: &mut Slab<Frame>) -> Option<u32> {
        if self.first == NONE {
            return None;
        }
        let frame = self.first;
        self.first = core::mem::replace(&mut frames[frame as usize].next, NONE);
        if self.first == NONE {
            self.last = NONE;
        }
        self.waiting -= 1;
        Some(frame)
    }
}
