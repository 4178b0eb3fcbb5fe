//! A histogram of latencies, compact enough to be kept of every window of a run.

use serde::{Deserialize, Serialize};

/// How many latencies were in one bin. Bins get wider with the latency: ten of them for each power of ten, with round edges (the
/// preferred numbers R10 of ISO 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LatencyBin {
    /// Which bin.
    pub bin: u8,
    /// How many latencies were at least its lower edge, and less than the next one's.
    pub count: u32,
}

/// The edges between 1 and 10, in hundredths.
const R10: [u64; 10] = [100, 125, 160, 200, 250, 315, 400, 500, 630, 800];

impl LatencyBin {
    /// How many bins there are: from a microsecond to more than a day.
    pub const COUNT: usize = 111;

    /// The lower edge of a bin, in hundredths of a microsecond.
    const fn edge(bin: usize) -> u64 {
        R10[bin % R10.len()] * 10_u64.pow((bin / R10.len()) as u32)
    }

    /// The lower edge of a bin, in milliseconds.
    pub fn edge_ms(bin: u8) -> f64 {
        Self::edge(usize::from(bin).min(Self::COUNT)) as f64 / 1e5
    }

    /// The bin that a latency is in; what is below the first counts there, what is above the last there.
    pub(crate) fn of(us: u64) -> u8 {
        // The first edge above it ends its bin.
        let (mut low, mut high) = (1, Self::COUNT);
        while low < high {
            let middle = usize::midpoint(low, high);
            if Self::edge(middle) > us.saturating_mul(100) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        (low - 1) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_between_the_edges_of_its_bin() {
        for us in [
            1,
            2,
            9,
            10,
            12,
            13,
            999,
            1000,
            19_999,
            20_000,
            86_400_000_000,
        ] {
            let bin = LatencyBin::of(us);
            let (low, high) = (LatencyBin::edge_ms(bin), LatencyBin::edge_ms(bin + 1));
            let ms = us as f64 / 1000.0;
            assert!(low <= ms && ms < high, "{us}: {low} to {high}");
        }
        assert!((LatencyBin::edge_ms(LatencyBin::of(20_000)) - 20.0).abs() < 1e-12);
        assert_eq!(LatencyBin::of(0), 0);
        assert_eq!(usize::from(LatencyBin::of(u64::MAX)), LatencyBin::COUNT - 1);
    }

    #[test]
    fn edges_go_up() {
        let edges: Vec<u64> = (0..=LatencyBin::COUNT).map(LatencyBin::edge).collect();
        assert!(edges.is_sorted_by(|a, b| a < b));
    }
}
