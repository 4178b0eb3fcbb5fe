//! Simulated time: whole nanoseconds, so that native and Wasm runs agree to the bit.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};

/// A moment of the run: nanoseconds since its start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(u64);

/// A length of simulated time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Duration(u64);

const NANOS_PER_SECOND: f64 = 1e9;

impl Time {
    /// The start of every run.
    pub const ZERO: Self = Self(0);
    /// After everything.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The moment `seconds` after the start, rounded once to the nanosecond; negative or not a number gives the start.
    pub fn from_secs(seconds: f64) -> Self {
        Self(Duration::from_secs(seconds).0)
    }

    /// Nanoseconds since the start.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start.
    pub fn secs(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND
    }

    /// How long after `earlier` this is; zero if it is not after.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than any run.
    pub const MAX: Self = Self(u64::MAX);

    /// `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// `seconds`, rounded once to the nanosecond; negative or not a number gives zero, too long gives the longest.
    pub fn from_secs(seconds: f64) -> Self {
        // `as` saturates, so no input can wrap round.
        Self(libm::rint(seconds * NANOS_PER_SECOND) as u64)
    }

    /// `millis` milliseconds, rounded once to the nanosecond.
    pub fn from_millis(millis: f64) -> Self {
        Self(libm::rint(millis * 1e6) as u64)
    }

    /// Nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds.
    pub fn secs(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND
    }

    /// Milliseconds.
    pub fn millis(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(rhs.0))
    }
}

impl Add for Duration {
    type Output = Self;

    fn add(self, rhs: Self) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.secs())
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ms", self.millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_once_to_the_nanosecond() {
        assert_eq!(Duration::from_secs(0.001_5).nanos(), 1_500_000);
        assert_eq!(Duration::from_millis(0.000_000_6).nanos(), 1);
    }

    #[test]
    fn nonsense_saturates_instead_of_wrapping() {
        assert_eq!(Duration::from_secs(-1.0), Duration::ZERO);
        assert_eq!(Duration::from_secs(f64::NAN), Duration::ZERO);
        assert_eq!(Duration::from_secs(1e300).nanos(), u64::MAX);
        assert_eq!(Time::ZERO.since(Time::from_secs(1.0)), Duration::ZERO);
        assert_eq!(Time::MAX + Duration::from_secs(1.0), Time::MAX);
    }
}
