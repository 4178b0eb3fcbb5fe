//! Scales: round numbers for what is drawn, and the words at its edges.

use super::super::words::number;

/// The largest of 1, 2 and 5 times a power of ten that is not over `value`; 1 for what is none.
pub fn round_below(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let lead = value / power;
    // A little slack: a logarithm of a power of ten may be off by its last digit.
    let lead = match lead {
        lead if lead >= 5.0 - 1e-9 => 5.0,
        lead if lead >= 2.0 - 1e-9 => 2.0,
        _ => 1.0,
    };
    tidy(lead * power)
}

/// `value` without what rounding has left behind its twelfth digit.
pub fn tidy(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// The multiple of `step` that is nearest to `value`.
pub fn snapped(value: f64, step: f64) -> f64 {
    tidy((value / step).round() * step)
}

/// Where an axis from 0 ends that shows up to `most`, with some room above it.
pub fn top(most: f64) -> f64 {
    let most = if most > 0.0 { most * 1.15 } else { 10.0 };
    let step = round_below(most / 4.0);
    tidy((most / step).ceil() * step)
}

/// Marks of an axis from 0 to `top`, four to ten of them.
pub fn ticks(top: f64) -> Vec<f64> {
    let step = round_below(top / 4.0);
    let many = (top / step + 1e-9).floor() as u32;
    (0..=many).map(|i| tidy(f64::from(i) * step)).collect()
}

/// Marks of an axis of time from 0 to `end_s`: whole minutes, hours and days where there are some.
pub fn times(end_s: f64) -> Vec<f64> {
    const STEPS: [f64; 15] = [
        60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0, 21_600.0, 43_200.0,
        86_400.0, 172_800.0, 345_600.0, 604_800.0,
    ];
    let least = end_s / 7.0;
    let step = if least <= 30.0 {
        let below = round_below(least);
        if below < least { next(below) } else { below }
    } else {
        let fits = STEPS.iter().find(|step| **step >= least);
        *fits.unwrap_or(&STEPS[14])
    };
    let many = (end_s / step + 1e-9).floor() as u32;
    (0..=many).map(|i| tidy(f64::from(i) * step)).collect()
}

/// The next round number.
fn next(round: f64) -> f64 {
    let twice = round_below(round * 2.0);
    tidy(if twice > round { twice } else { round * 2.5 })
}

/// A moment in words: "12.5 s", "5 min", "2 h 30 min".
pub fn moment(s: f64) -> String {
    let whole = |unit: f64| (s / unit).fract().abs() < 1e-9;
    match s {
        s if s >= 3_600.0 && whole(60.0) => {
            let (hours, minutes) = ((s / 3_600.0).floor(), (s % 3_600.0) / 60.0);
            if minutes < 0.5 {
                format!("{} h", number(hours))
            } else {
                format!("{} h {} min", number(hours), number(minutes))
            }
        }
        s if s >= 60.0 && whole(60.0) => format!("{} min", number(s / 60.0)),
        s => format!("{} s", number(s)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers_are_found() {
        for (value, round) in [
            (1.0, 1.0_f64),
            (1.9, 1.0),
            (2.0, 2.0),
            (49.0, 20.0),
            (1000.0, 1000.0),
            (0.003, 0.002),
            (0.001, 0.001),
            (0.0, 1.0),
            (f64::NAN, 1.0),
        ] {
            assert_eq!(round_below(value).to_bits(), round.to_bits(), "{value}");
        }
        assert_eq!(snapped(0.1 + 0.2, 0.1).to_bits(), 0.3_f64.to_bits());
    }

    #[test]
    fn axes_have_a_few_round_marks() {
        let mut most = 1e-3;
        while most < 2e6 {
            let top = top(most);
            let marks = ticks(top);
            assert!(top > most && top < most * 1.8, "{most}: {top}");
            assert!((5..=11).contains(&marks.len()), "{most}: {marks:?}");
            let times = times(most);
            assert!((2..=9).contains(&times.len()), "{most}: {times:?}");
            assert!(times.iter().all(|at| *at <= most * (1.0 + 1e-9)));
            most *= 1.37;
        }
        assert_eq!(times(60.0), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert_eq!(times(86_400.0)[1].to_bits(), 21_600.0_f64.to_bits());
    }

    #[test]
    fn moments_read_well() {
        for (s, words) in [
            (0.0, "0 s"),
            (12.5, "12.5 s"),
            (90.0, "90 s"),
            (120.0, "2 min"),
            (7_200.0, "2 h"),
            (9_000.0, "2 h 30 min"),
        ] {
            assert_eq!(moment(s), words);
        }
    }
}
