//! A peak-sensitive moving average of latency, Finagle's `PeakEwma` (Twitter, 2015; Linkerd's and Tower's are ports of it).
//!
//! It jumps to a latency above it at once, and otherwise forgets by e^(-t/decay). A look at it counts as a latency of
//! nothing, as there: so one that is not asked any more becomes cheap, and is tried again.
//! Does not model: a penalty for failures; a quick failure counts as a quick answer, as in Finagle.

use crate::time::{Duration, Time};

/// Finagle's penalty for one of whom nothing is known yet while a first request is under way there.
const PENALTY: f64 = f64::MAX / 2.0;

/// The average of one member.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct PeakEwma {
    /// Nanoseconds, as the bits of a float, so that states can be compared.
    average: u64,
    /// When it was last changed or looked at.
    seen: Time,
}

impl PeakEwma {
    /// The average as it was last seen, in nanoseconds.
    pub const fn nanos(&self) -> f64 {
        f64::from_bits(self.average)
    }

    /// An answer came back after `latency`.
    pub fn observe(&mut self, latency: Duration, now: Time, decay: Duration) {
        let (old, latency) = (self.nanos(), latency.nanos() as f64);
        let new = if latency > old {
            latency
        } else {
            let kept = libm::exp(-(now.since(self.seen).nanos() as f64) / decay.nanos() as f64);
            old * kept + latency * (1.0 - kept)
        };
        self.average = new.to_bits();
        self.seen = now;
    }

    /// What one more request there would cost: the average times all that would then be open.
    pub fn cost(&mut self, open: u32, now: Time, decay: Duration) -> f64 {
        self.observe(Duration::ZERO, now, decay);
        if self.average == 0 && open > 0 {
            PENALTY + f64::from(open)
        } else {
            self.nanos() * (f64::from(open) + 1.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECAY: Duration = Duration::from_nanos(10_000_000_000);

    fn ms(millis: f64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn peaks_count_at_once_and_are_forgotten_with_time() {
        let mut average = PeakEwma::default();
        average.observe(ms(10.0), Time::from_secs(1.0), DECAY);
        average.observe(ms(200.0), Time::from_secs(2.0), DECAY);
        assert!((average.nanos() - 200e6).abs() < 1.0);
        // One decay later: 200/e + 20 (1 - 1/e).
        average.observe(ms(20.0), Time::from_secs(12.0), DECAY);
        let expected = 200e6 / core::f64::consts::E + 20e6 * (1.0 - 1.0 / core::f64::consts::E);
        assert!((average.nanos() - expected).abs() < 1.0);
        // A look after another decay, with three open.
        let cost = average.cost(3, Time::from_secs(22.0), DECAY);
        assert!((cost - 4.0 * expected / core::f64::consts::E).abs() < 4.0);
    }

    #[test]
    fn one_request_at_a_time_goes_to_a_stranger() {
        let mut stranger = PeakEwma::default();
        assert!(stranger.cost(0, Time::ZERO, DECAY) < 1.0);
        let mut known = PeakEwma::default();
        known.observe(ms(3_600_000.0), Time::ZERO, DECAY);
        assert!(stranger.cost(1, Time::ZERO, DECAY) > known.cost(1_000_000, Time::ZERO, DECAY));
    }
}
