//! Load shedding: which of those who wait are not worth serving.
//!
//! Two mechanisms, which differ in who is counted as waiting and when a caller hears. *Eager*: who has waited its time leaves
//! the line by itself at that moment, as `HAProxy`'s `timeout queue` and the wait timeout of a pool have it, and as patience
//! does in queueing theory (Palm, 1957; Baccelli and Hébuterne, 1981). *Lazy*: whoever's turn comes is looked at then, and
//! dropped if a rule says so, as servers do that only look at a request when a thread takes it.
//!
//! Models: the eager bound, fixed or drawn anew for each; and lazily a bound on the wait; the caller's deadline; and controlled delay (`CoDel`), which sheds while the *least* wait of an
//! interval stays above a target: by the control law of RFC 8289 (Nichols, Jacobson et al., 2018), one at a time and ever
//! faster, or as folly's `Codel` does in Facebook's servers (Maurer, *Fail at scale*, ACM Queue 13(8), 2015), all who waited
//! longer than twice the target. Each waiting line of an instance (by priority, by bulkhead) has a state of its own.
//! Does not model: dropping at arrival; a full line refuses by itself. Adaptive LIFO is an order of service, not a rule here.

use serde::{Deserialize, Serialize};

use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::time::{Duration, Time};

/// Whom to turn away from a waiting line. Every rule is optional.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Shedding {
    /// Eager: how long each waits at most; who gets no server by then leaves the line by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<Distribution>,
    /// Lazy: when their turn comes, those who waited longer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_timeout_ms: Option<f64>,
    /// Lazy: those whose client's `deadline_ms` has passed.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub deadline: bool,
    /// Lazy: some, as long as all wait too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codel: Option<Codel>,
}

/// Controlled delay.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Codel {
    /// The wait that is no reason to worry, in milliseconds.
    #[serde(default = "five")]
    pub target_ms: f64,
    /// How long every wait must have been above the target before anyone is dropped, in milliseconds.
    #[serde(default = "hundred")]
    pub interval_ms: f64,
    /// Whom to drop then.
    #[serde(default)]
    pub law: CodelLaw,
}

/// Whom controlled delay drops.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CodelLaw {
    /// One, then one after interval/√2, interval/√3 and so on, until a wait falls below the target (RFC 8289).
    #[default]
    InverseSquareRoot,
    /// All who waited longer than twice the target, in an interval after one whose least wait was above it (folly).
    Slough,
}

const fn five() -> f64 {
    5.0
}

const fn hundred() -> f64 {
    100.0
}

impl Shedding {
    /// Whether nobody is ever turned away.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether anyone may be dropped when its turn has come.
    pub fn is_lazy(&self) -> bool {
        self.queue_timeout_ms.is_some() || self.deadline || self.codel.is_some()
    }

    pub(crate) fn check(&self, p: &mut Problems) {
        if let Some(wait) = &self.max_wait {
            p.within("max_wait", |p| wait.check(p));
        }
        if let Some(timeout) = self.queue_timeout_ms {
            p.number("queue_timeout_ms", timeout, 0.0, limits::WORK_MS);
        }
        if let Some(codel) = &self.codel {
            p.within("codel", |p| {
                p.number("target_ms", codel.target_ms, 1e-3, limits::WORK_MS);
                let target = codel.target_ms;
                p.number("interval_ms", codel.interval_ms, target, limits::WORK_MS);
            });
        }
    }
}

/// Why someone was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Shed {
    /// The caller's deadline had passed.
    Deadline,
    /// The wait was longer than allowed.
    QueueTimeout,
    /// Everybody had waited too long for a while.
    Codel,
}

/// What the rules of one waiting line remember.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SheddingState {
    queue_timeout: Duration,
    deadline: bool,
    codel: Option<CodelState>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct CodelState {
    target: Duration,
    interval: Duration,
    law: Law,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Law {
    InverseSquareRoot {
        /// When the wait will have been above the target for an interval; none while it is below.
        above: Option<Time>,
        dropping: bool,
        drop_next: Time,
        /// Drops since dropping began, and as they were then.
        count: u32,
        last_count: u32,
    },
    Slough {
        interval_ends: Time,
        least_wait: Duration,
        /// Whether the next wait is the first of an interval.
        begins: bool,
        overloaded: bool,
    },
}

impl SheddingState {
    /// A line from which nobody was taken yet.
    pub fn new(shedding: &Shedding) -> Self {
        Self {
            queue_timeout: shedding
                .queue_timeout_ms
                .map_or(Duration::MAX, Duration::from_millis),
            deadline: shedding.deadline,
            codel: shedding.codel.as_ref().map(CodelState::new),
        }
    }

    /// Takes on changed settings. What controlled delay has learnt stays, unless its law is another.
    pub fn reconfigure(&mut self, shedding: &Shedding) {
        let before = core::mem::replace(self, Self::new(shedding));
        if let (Some(new), Some(old)) = (&mut self.codel, before.codel)
            && core::mem::discriminant(&new.law) == core::mem::discriminant(&old.law)
        {
            new.law = old.law;
        }
    }

    /// The wait that controlled delay aims at, and whether it drops; nothing without it.
    pub fn codel(&self) -> Option<(Duration, bool)> {
        let codel = self.codel?;
        let dropping = match codel.law {
            Law::InverseSquareRoot { dropping, .. } => dropping,
            Law::Slough { overloaded, .. } => overloaded,
        };
        Some((codel.target, dropping))
    }

    /// Whether to drop the one whose turn has come after `waited`, and why. `behind` is how many still wait;
    /// `deadline` is when the caller gives up, [`Time::MAX`] for never.
    pub fn on_dequeue(
        &mut self,
        now: Time,
        waited: Duration,
        behind: u32,
        deadline: Time,
    ) -> Option<Shed> {
        if self.deadline && now >= deadline {
            return Some(Shed::Deadline);
        }
        if waited > self.queue_timeout {
            return Some(Shed::QueueTimeout);
        }
        let codel = self.codel.as_mut()?;
        codel.drops(now, waited, behind).then_some(Shed::Codel)
    }
}

impl CodelState {
    fn new(codel: &Codel) -> Self {
        Self {
            target: Duration::from_millis(codel.target_ms),
            interval: Duration::from_millis(codel.interval_ms),
            law: match codel.law {
                CodelLaw::InverseSquareRoot => Law::InverseSquareRoot {
                    above: None,
                    dropping: false,
                    drop_next: Time::ZERO,
                    count: 0,
                    last_count: 0,
                },
                CodelLaw::Slough => Law::Slough {
                    interval_ends: Time::ZERO,
                    least_wait: Duration::ZERO,
                    begins: true,
                    overloaded: false,
                },
            },
        }
    }

    fn drops(&mut self, now: Time, waited: Duration, behind: u32) -> bool {
        let (target, interval) = (self.target, self.interval);
        match &mut self.law {
            Law::InverseSquareRoot {
                above,
                dropping,
                drop_next,
                count,
                last_count,
            } => {
                // The last one in line is never dropped: it would only make the server idle.
                if waited < target || behind == 0 {
                    (*above, *dropping) = (None, false);
                    return false;
                }
                let since = *above.get_or_insert(now + interval);
                if now < since {
                    *dropping = false;
                    return false;
                }
                if *dropping {
                    if now < *drop_next {
                        return false;
                    }
                    *count += 1;
                    *drop_next = *drop_next + after(interval, *count);
                    return true;
                }
                *dropping = true;
                // If dropping ended just now, go on at the rate that had been found.
                let found = *count - *last_count;
                let recent = now.since(*drop_next).nanos() < interval.nanos().saturating_mul(16);
                *count = if found > 1 && recent { found } else { 1 };
                *last_count = *count;
                *drop_next = now + after(interval, *count);
                true
            }
            Law::Slough {
                interval_ends,
                least_wait,
                begins,
                overloaded,
            } => {
                if now > *interval_ends && !*begins {
                    *interval_ends = now + interval;
                    *overloaded = *least_wait > target;
                    *begins = true;
                }
                if *begins {
                    // One wait says nothing about an interval yet.
                    (*least_wait, *begins) = (waited, false);
                    return false;
                }
                *least_wait = (*least_wait).min(waited);
                *overloaded && waited.nanos() > target.nanos().saturating_mul(2)
            }
        }
    }
}

/// The control law: the time from one drop to the next.
fn after(interval: Duration, count: u32) -> Duration {
    let nanos = interval.nanos() as f64 / libm::sqrt(f64::from(count));
    Duration::from_nanos(libm::rint(nanos) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::tests::problems;
    use super::*;

    #[test]
    fn settings_have_bounds() {
        let shedding = r#"{ "queue_timeout_ms": -1, "codel": { "target_ms": 200 } }"#;
        let shedding: Shedding = crate::read_json(shedding).expect("of the format");
        assert_eq!(
            problems(|p| shedding.check(p)),
            [
                "queue_timeout_ms: -1 is out of range: 0 to 3600000 is allowed",
                "codel.interval_ms: 100 is out of range: 200 to 3600000 is allowed",
            ]
        );
    }

    fn line(text: &str) -> SheddingState {
        let shedding: Shedding = crate::read_json(text).expect("of the format");
        SheddingState::new(&shedding)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_nanos(ms * 1_000_000)
    }

    /// The milliseconds at which someone is dropped, if one a millisecond is taken after waits that `wait` gives.
    fn drops(line: &mut SheddingState, span: core::ops::Range<u64>, wait: u64) -> Vec<u64> {
        span.filter(|at| {
            let shed = line.on_dequeue(Time::ZERO + ms(*at), ms(wait), 1, Time::MAX);
            shed == Some(Shed::Codel)
        })
        .collect()
    }

    #[test]
    fn those_who_waited_too_long_or_whose_caller_left_are_dropped() {
        let mut line = line(r#"{ "queue_timeout_ms": 50, "deadline": true }"#);
        let now = Time::from_secs(1.0);
        assert_eq!(line.on_dequeue(now, ms(50), 0, Time::MAX), None);
        assert_eq!(
            line.on_dequeue(now, ms(51), 0, Time::MAX),
            Some(Shed::QueueTimeout)
        );
        assert_eq!(line.on_dequeue(now, ms(0), 0, now), Some(Shed::Deadline));
        assert_eq!(line.on_dequeue(now, ms(0), 0, now + ms(1)), None);
    }

    #[test]
    fn drops_come_ever_faster_until_a_wait_is_short() {
        let mut line = line(r#"{ "codel": { "target_ms": 5, "interval_ms": 100 } }"#);
        // First after an interval above the target, then after 100, 100/√2, 100/√3, 100/√4, each to the next millisecond.
        assert_eq!(
            drops(&mut line, 0..480, 20),
            [100, 200, 271, 329, 379, 424, 464]
        );
        assert_eq!(drops(&mut line, 480..481, 4), [0; 0]);
        // It begins again nearly where it was: six more drops had been counted than at the start.
        assert_eq!(drops(&mut line, 481..640, 20), [581, 622]);
    }

    #[test]
    fn a_short_standing_queue_or_the_last_in_line_is_left_alone() {
        let mut line = line(r#"{ "codel": {} }"#);
        for at in 0..1_000 {
            let wait = ms(if at % 90 == 0 { 1 } else { 20 });
            let now = Time::ZERO + ms(at);
            assert_eq!(line.on_dequeue(now, wait, 3, Time::MAX), None);
        }
        for at in 1_000..2_000 {
            let now = Time::ZERO + ms(at);
            assert_eq!(line.on_dequeue(now, ms(20), 0, Time::MAX), None);
        }
    }

    #[test]
    fn sloughing_drops_all_long_waits_of_an_overloaded_interval() {
        let text = r#"{ "codel": { "target_ms": 5, "interval_ms": 100, "law": "slough" } }"#;
        let mut line = line(text);
        // The first wait begins an interval that ends at once; its one sample shows the overload.
        let dropped = drops(&mut line, 0..300, 11);
        assert_eq!(dropped.len(), 300 - 2 - 2);
        // A wait of twice the target is served, even then.
        assert_eq!(drops(&mut line, 300..303, 10), [0; 0]);
        // One short wait in an interval ends it with the next.
        drops(&mut line, 303..304, 5);
        assert_eq!(drops(&mut line, 410..500, 11), [0; 0]);
    }
}
