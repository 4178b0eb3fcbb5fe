//! A figure of a claim, drawn: a dot for each run, the interval of their mean, and the closed form as a line through both.

use scale_trust::{Check, Form, Judged, Verdict};
use yew::prelude::*;

/// Runs that lie closer than this part of the width stand upon each other.
const BIN: f64 = 2.2;
/// How high one dot stands above the one below it, in pixels.
const STEP: f64 = 7.0;
/// So many stand upon each other at most; what is more hides behind them.
const HIGHEST: usize = 4;
/// Where dots stand, and where the interval lies.
const GROUND: f64 = 36.0;

/// How far from the closed form the picture goes, to either side of it.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Scale {
    middle: f64,
    reach: f64,
}

impl Scale {
    /// Wide enough for all of these, in steps, so that it does not move with each of them.
    fn new(middle: f64, values: &[f64], allowed: f64) -> Self {
        let least = (middle.abs() * 0.005)
            .max(f64::MIN_POSITIVE)
            .max(allowed * 1.2);
        let farthest = { values.iter() }
            .map(|value| (value - middle).abs())
            .fold(0.0, f64::max);
        let mut reach = least;
        // A run that is off beyond all measure does not take all day.
        for _ in 0..64 {
            if farthest <= 0.94 * reach {
                break;
            }
            reach *= core::f64::consts::SQRT_2;
        }
        Self { middle, reach }
    }

    /// Where a value is, in hundredths of the width.
    fn at(self, value: f64) -> f64 {
        (50.0 + (value - self.middle) / self.reach * 50.0).clamp(0.0, 100.0)
    }
}

/// How high each dot stands: upon those before it that lie where it does.
fn heights(places: &[f64]) -> Vec<usize> {
    let height = |(at, place): (usize, &f64)| {
        let below = places[..at].iter();
        below
            .filter(|other| (*other - place).abs() < BIN)
            .count()
            .min(HIGHEST)
    };
    places.iter().enumerate().map(height).collect()
}

/// Digits after the point with which a half width shows two digits of its own.
pub fn digits(half: f64) -> usize {
    if half > 0.0 && half.is_finite() {
        (1.0 - half.log10().floor()).clamp(0.0, 6.0) as usize
    } else {
        2
    }
}

/// The picture. It says nothing by itself: the numbers beside it do.
pub fn whisker(check: &Check, values: &[f64], judged: Option<&Judged>) -> Html {
    let scale = Scale::new(check.expected, values, check.allowed());
    let places: Vec<f64> = values.iter().map(|value| scale.at(*value)).collect();
    let percent = |place: f64| format!("{place:.2}%");
    let dots = places.iter().zip(heights(&places)).enumerate();
    let dots = dots.map(|(at, (place, height))| {
        let y = GROUND - 6.0 - STEP * height as f64;
        html! { <circle key={at} class="whisker-dot" cx={percent(*place)} cy={y.to_string()} r="3.2" /> }
    });
    let interval = judged.and_then(|judged| {
        let half = judged.estimate.half_width?;
        let [low, high] = [-half, half].map(|by| scale.at(judged.estimate.mean + by));
        Some((judged.estimate.mean, low, high))
    });
    let outside = judged.is_some_and(|judged| judged.verdict == Verdict::Outside);
    let digits = digits(scale.reach / 4.0);
    let allowed = match check.form {
        Form::Within(..) => {
            Some([-1.0, 1.0].map(|by| scale.at(check.expected + by * check.allowed())))
        }
        Form::Exact => None,
    };
    html! {
        <svg class={classes!("whisker", outside.then_some("outside"))} height="66" aria-hidden="true">
            if let Some([low, high]) = allowed {
                <rect class="whisker-allowed" x={percent(low)} width={percent(high - low)} y="0" height="52" />
            }
            <line class="whisker-ground" x1="0" x2="100%" y1={GROUND.to_string()} y2={GROUND.to_string()} />
            { for dots }
            if let Some((mean, low, high)) = interval {
                <rect class="whisker-interval" x={percent(low)} width={percent((high - low).max(0.4))} y="40" height="9" rx="4.5" />
                <circle class="whisker-mean" cx={percent(scale.at(mean))} cy="44.5" r="3" />
            }
            <line class="whisker-theory" x1="50%" x2="50%" y1="1" y2="52" />
            <text class="whisker-end" x="0" y="63">{ format!("{:.digits$}", scale.middle - scale.reach) }</text>
            <text class="whisker-end middle" x="50%" y="63">{ format!("{:.digits$}", scale.middle) }</text>
            <text class="whisker-end last" x="100%" y="63">{ format!("{:.digits$}", scale.middle + scale.reach) }</text>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_runs_are_in_the_picture_and_theory_in_its_middle() {
        let values = [38.0, 40.5, 43.9];
        let scale = Scale::new(40.0, &values, 0.0);
        assert!((scale.at(40.0) - 50.0).abs() < 1e-12);
        for value in values {
            assert!((1.0..99.0).contains(&scale.at(value)), "{value}");
        }
        assert!(scale.at(38.0) < scale.at(40.5));
        // One more in between moves nothing.
        assert_eq!(Scale::new(40.0, &[38.0, 40.5, 43.9, 41.0], 0.0), scale);
        // However far off, whatever the form.
        for (middle, value) in [(0.0, 5.0), (1.0, 1e12), (1.0, f64::INFINITY), (-3.0, -3.0)] {
            let at = Scale::new(middle, &[value], 0.0).at(value);
            assert!((0.0..=100.0).contains(&at), "{middle} {value} {at}");
        }
    }

    #[test]
    fn dots_that_would_hide_each_other_stand_upon_each_other() {
        assert_eq!(heights(&[10.0, 50.0, 10.5, 11.0, 90.0]), [0, 0, 1, 2, 0]);
        assert_eq!(heights(&[50.0; 9])[8], HIGHEST);
    }

    #[test]
    fn a_half_width_shows_two_digits() {
        for (half, expected) in [
            (0.85, 2),
            (0.012, 3),
            (12.0, 0),
            (1.2, 1),
            (0.0, 2),
            (f64::NAN, 2),
        ] {
            assert_eq!(digits(half), expected, "{half}");
        }
    }
}
