//! Rates that change with time, and when the next arrival of a Poisson process of such a rate comes.
//!
//! The n-th gap of a process of rate 1 is stretched by the inverse of the cumulative rate (Çinlar, *Introduction to Stochastic
//! Processes*, 1975, section 4.7). Inversion takes one draw an arrival where thinning (Lewis and Shedler, Naval Research
//! Logistics 26(3), 1979) takes any number, and a higher rate moves each arrival forward instead of drawing others.

use core::f64::consts::{PI, TAU};

/// A rate that is linear between points.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct PiecewiseRate {
    /// Seconds, from 0 and never back, and arrivals a second; two points at one moment are a jump.
    points: Vec<[f64; 2]>,
    /// Arrivals expected in one round if it goes round; else the last rate stays.
    round: Option<f64>,
}

impl PiecewiseRate {
    /// A rate through `points`, of which there is at least one.
    pub fn new(points: Vec<[f64; 2]>, repeat: bool) -> Self {
        let pairs = points.windows(2);
        let area =
            |pair: &[[f64; 2]]| f64::midpoint(pair[0][1], pair[1][1]) * (pair[1][0] - pair[0][0]);
        let round = repeat.then(|| pairs.map(area).sum());
        Self { points, round }
    }

    /// The moment by which the rate has added `gap` since `last`, if ever.
    pub fn after(&self, last: f64, gap: f64) -> Option<f64> {
        let [end, final_rate] = *self.points.last()?;
        let Some(round) = self.round else {
            return match self.within(last, gap) {
                Ok(time) => Some(time),
                Err(left) => (final_rate > 0.0).then(|| last.max(end) + left / final_rate),
            };
        };
        if round <= 0.0 {
            return None;
        }
        let mut base = libm::floor(last / end) * end;
        let mut start = last - base;
        let mut left = gap;
        loop {
            match self.within(start, left) {
                Ok(time) => return Some(base + time),
                Err(rest) => left = rest,
            }
            let whole = libm::floor(left / round);
            // So small a rate brings nothing in any time that can be told.
            if !whole.is_finite() {
                return None;
            }
            left -= whole * round;
            base += end * (1.0 + whole);
            start = 0.0;
        }
    }

    /// The moment up to the last point by which the rate has added `left` since `start`; else what is still to be added.
    fn within(&self, start: f64, mut left: f64) -> Result<f64, f64> {
        let next = self.points.partition_point(|[at, _]| *at <= start).max(1);
        for at in next..self.points.len() {
            let ([from, low], [to, high]) = (self.points[at - 1], self.points[at]);
            let start = start.max(from);
            if start >= to {
                continue;
            }
            let slope = (high - low) / (to - from);
            let rate = low + slope * (start - from);
            let until_end = f64::midpoint(rate, high) * (to - start);
            if left <= until_end {
                // rate·x + slope·x²/2 = left, in the form that stays exact as the slope goes to zero.
                let root = libm::sqrt((rate * rate + 2.0 * slope * left).max(0.0));
                let twice = rate + root;
                return Ok(if twice > 0.0 {
                    start + 2.0 * left / twice
                } else {
                    start
                });
            }
            left -= until_end;
        }
        Err(left)
    }
}

/// A rate that is linear between points, to be looked at; see [`PiecewiseRate`] for its arrivals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piecewise<'a> {
    /// Seconds, from 0 and never back, and arrivals a second; there is at least one.
    pub points: &'a [[f64; 2]],
    /// Whether it goes round; else the last rate stays.
    pub repeat: bool,
}

impl Piecewise<'_> {
    /// How long a round is, if it goes round.
    fn round(&self) -> Option<f64> {
        let [end, _] = *self.points.last()?;
        (self.repeat && end > 0.0).then_some(end)
    }

    /// The rate at a moment; at a jump, the one after it.
    pub fn rate_at(&self, s: f64) -> f64 {
        let s = self.round().map_or(s, |round| s % round);
        let next = self.points.partition_point(|[at, _]| *at <= s);
        match (self.points.get(next.wrapping_sub(1)), self.points.get(next)) {
            (Some([from, low]), Some([to, high])) => low + (high - low) * (s - from) / (to - from),
            (Some([_, rate]), None) | (None, Some([_, rate])) => *rate,
            (None, None) => 0.0,
        }
    }

    /// Arrivals expected from 0 to a moment.
    pub fn until(&self, s: f64) -> f64 {
        if let Some(round) = self.round() {
            let rounds = libm::floor(s / round);
            return rounds * self.once(round) + self.once(s - rounds * round);
        }
        self.once(s)
    }

    fn once(&self, s: f64) -> f64 {
        let mut sum = 0.0;
        for pair in self.points.windows(2) {
            let ([from, low], [to, _]) = (pair[0], pair[1]);
            if from >= s {
                return sum;
            }
            if to > from {
                let end = to.min(s);
                let high = low + (pair[1][1] - low) * (end - from) / (to - from);
                sum += f64::midpoint(low, high) * (end - from);
            }
        }
        let stays = self
            .points
            .last()
            .map_or(0.0, |[at, rate]| rate * (s - at).max(0.0));
        sum + stays
    }
}

/// A rate that swings as a cosine does.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct DailyRate {
    pub mean_per_s: f64,
    /// The highest rate is 1 + swing times the mean, the lowest 1 - swing times.
    pub swing: f64,
    pub period_s: f64,
    pub peak_at_s: f64,
}

impl DailyRate {
    /// The rate at a moment.
    pub fn rate_at(&self, s: f64) -> f64 {
        let angle = TAU * (s - self.peak_at_s) / self.period_s;
        self.mean_per_s * (1.0 + self.swing * libm::cos(angle))
    }

    /// Arrivals expected from 0 to a moment.
    pub fn until(&self, s: f64) -> f64 {
        let sine = |s: f64| libm::sin(TAU * (s - self.peak_at_s) / self.period_s);
        let swung = self.swing * self.period_s / TAU * (sine(s) - sine(0.0));
        self.mean_per_s * (s + swung)
    }

    /// The moment by which the rate has added `gap` since `last`, if ever.
    pub fn after(&self, last: f64, gap: f64) -> Option<f64> {
        let Self {
            mean_per_s: mean,
            swing,
            period_s: period,
            peak_at_s,
        } = *self;
        if mean <= 0.0 {
            return None;
        }
        let phase = TAU * (last - peak_at_s) / period;
        let reach = swing * period / PI;
        let rate = |x: f64| mean * (1.0 + swing * libm::cos(phase + TAU * x / period));
        // The swing's integral as a product, which loses nothing where a difference of two sines would.
        let added = |x: f64| {
            let half = PI * x / period;
            mean * (x + reach * libm::cos(phase + half) * libm::sin(half))
        };
        let even = gap / mean;
        let (mut low, mut high) = ((even - reach).max(0.0), even + reach);
        let mut x = (gap / rate(0.0)).clamp(low, high);
        // Newton's method, kept within the bracket by halving; each step at least halves what is left.
        for _ in 0..100 {
            let off = added(x) - gap;
            if off > 0.0 {
                high = x;
            } else {
                low = x;
            }
            let next = x - off / rate(x);
            let next = if (low..=high).contains(&next) {
                next
            } else {
                f64::midpoint(low, high)
            };
            let step = (next - x).abs();
            x = next;
            if step < 1e-10 {
                break;
            }
        }
        Some(last + x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_inverted_exactly() {
        // 10/s for a second, a jump to 30/s, down to 0 over two seconds: 10, then 30 in all.
        let points = vec![[0.0, 10.0], [1.0, 10.0], [1.0, 30.0], [3.0, 0.0]];
        let once = PiecewiseRate::new(points.clone(), false);
        assert_eq!(once.after(0.0, 5.0), Some(0.5));
        assert_eq!(once.after(0.0, 10.0), Some(1.0));
        assert_eq!(once.after(1.0, 22.5), Some(2.0));
        assert_eq!(once.after(0.5, 5.0 + 22.5), Some(2.0));
        assert_eq!(once.after(0.0, 40.5), None);
        let round = PiecewiseRate::new(points, true);
        assert_eq!(round.after(0.0, 400.0 + 5.0), Some(30.5));
        assert_eq!(round.after(31.0, 22.5 + 400.0), Some(62.0));
    }

    #[test]
    fn a_point_alone_is_a_constant_rate() {
        let rate = PiecewiseRate::new(vec![[0.0, 4.0]], false);
        assert_eq!(rate.after(2.0, 1.0), Some(2.25));
        assert_eq!(
            PiecewiseRate::new(vec![[0.0, 0.0], [5.0, 0.0]], true).after(2.0, 1.0),
            None
        );
    }

    #[test]
    fn a_rate_of_nothing_at_a_gap_of_nothing_stays_where_it_is() {
        let rate = PiecewiseRate::new(vec![[0.0, 0.0], [5.0, 10.0]], false);
        assert_eq!(rate.after(0.0, 0.0), Some(0.0));
    }

    #[test]
    fn a_daily_rate_is_inverted_to_the_nanosecond() {
        for swing in [0.0, 0.5, 0.99, 1.0] {
            for (mean, period) in [(0.001, 60.0), (3.0, 86_400.0), (50_000.0, 10.0)] {
                let rate = DailyRate {
                    mean_per_s: mean,
                    swing,
                    period_s: period,
                    peak_at_s: period * 0.3,
                };
                let cumulative = |t: f64| {
                    let angle = TAU * (t - rate.peak_at_s) / period;
                    mean * (t + swing * period / TAU * libm::sin(angle))
                };
                for i in 0..200 {
                    let last = period * f64::from(i) / 70.0;
                    for gap in [1e-6, 0.01, 1.0, 7.0] {
                        let time = rate.after(last, gap).expect("it never ends");
                        let found = cumulative(time) - cumulative(last);
                        // At rate 0 of a full swing the inverse is as steep as a cube root; look at what was added instead.
                        let slack = 1e-9 * mean * (1.0 + swing) + 1e-9 * cumulative(time).abs();
                        assert!(
                            (found - gap).abs() < slack + 1e-9,
                            "{rate:?} from {last}: {found} for {gap}"
                        );
                        assert!(time >= last);
                    }
                }
            }
        }
    }
}
