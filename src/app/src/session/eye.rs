//! Who watches a run beside the recorder: one kind of probe for all that is asked of it.

use scale_sim::{Event, Model, Probe, Recorder, RequestRef, Time, Trace, Why};

use super::look::Decisions;
use crate::tape::Tape;

/// The one kind of probe for all runs of the stage: each further kind would be another engine in the Wasm.
pub type Watched = (Recorder, Eye);

/// Who watches beside the recorder.
#[derive(Clone, Debug)]
pub enum Eye {
    /// Sees nothing.
    Shut,
    Tape(Tape),
    /// Latency and number of each request that was answered.
    Latencies(Vec<(u64, u64)>),
    Why(Box<Why>),
    Trace(Box<Trace>),
    Decisions(Box<Decisions>),
}

impl Eye {
    /// Whether nothing that comes can be of interest.
    pub fn has_seen_all(&self) -> bool {
        match self {
            Self::Why(why) => why.is_over(),
            Self::Trace(trace) => trace.is_full(),
            Self::Shut | Self::Tape(_) | Self::Latencies(_) | Self::Decisions(_) => false,
        }
    }
}

impl Probe for Eye {
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        match self {
            Self::Shut => {}
            Self::Tape(tape) => tape.event(model, now, request, event),
            Self::Why(why) => why.event(model, now, request, event),
            Self::Trace(trace) => trace.event(model, now, request, event),
            Self::Decisions(decisions) => decisions.event(model, now, request, event),
            Self::Latencies(ended) => {
                if let Event::Completed { latency, .. } = event {
                    ended.push((latency.nanos(), request.id));
                }
            }
        }
    }
}

/// The number of a request that took as long as the median.
pub fn median(mut ended: Vec<(u64, u64)>) -> Option<u64> {
    let middle = ended.len().checked_sub(1)? / 2;
    Some(ended.select_nth_unstable(middle).1.1)
}
