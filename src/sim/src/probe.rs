//! Probes: they see everything that happens and change nothing.

use crate::event::{Event, RequestRef};
use crate::model::Model;
use crate::time::Time;

/// Watches a run. With [`NoProbe`] the run pays nothing for being watchable.
pub trait Probe {
    /// Something happened.
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event);

    /// The run has come to `now`; nothing further happens up to then.
    fn advanced(&mut self, model: &Model, now: Time) {
        let _ = (model, now);
    }

    /// The model has changed at `now`: more stations, other numbers of servers.
    fn reconfigured(&mut self, model: &Model, now: Time) {
        let _ = (model, now);
    }
}

/// The place number `at` of a list by slot, which grows if it must.
pub(crate) fn place<T: Clone + Default>(list: &mut Vec<T>, at: u32) -> &mut T {
    let at = at as usize;
    if at >= list.len() {
        list.resize(at + 1, T::default());
    }
    &mut list[at]
}

/// Sees nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {
    #[inline]
    fn event(&mut self, _: &Model, _: Time, _: RequestRef, _: &Event) {}
}

/// Both see everything.
impl<A: Probe, B: Probe> Probe for (A, B) {
    #[inline]
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        self.0.event(model, now, request, event);
        self.1.event(model, now, request, event);
    }

    fn advanced(&mut self, model: &Model, now: Time) {
        self.0.advanced(model, now);
        self.1.advanced(model, now);
    }

    fn reconfigured(&mut self, model: &Model, now: Time) {
        self.0.reconfigured(model, now);
        self.1.reconfigured(model, now);
    }
}

/// The event log as text, one line an event.
#[derive(Clone, Debug)]
pub struct Log {
    text: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            text: crate::event::LOG_HEAD.to_owned(),
        }
    }
}

impl Log {
    /// What has been logged since the last call, so that a long log can be written away piece by piece.
    pub fn take(&mut self) -> String {
        core::mem::take(&mut self.text)
    }
}

impl Probe for Log {
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        crate::event::write_line(&mut self.text, model, now, request, event)
            .expect("a String takes any text");
    }
}
