//! A design under a multiple of its load.

use scale_sim::{Arrivals, BatchSize, Component, Scenario};

/// The design with `factor` times its load: open loops send so many times the requests, closed loops have so many times the
/// users (rounded, at least one). The size of batches stays, more of them come. For each request that was recorded so many
/// come, evenly in the time up to the next.
///
/// The result may be outside of what a scenario allows, and has to be checked as any other.
#[must_use]
pub fn at_load(mut design: Scenario, factor: f64) -> Scenario {
    for component in design.components.values_mut() {
        if let Component::Client(client) = component {
            multiply(&mut client.arrivals, factor);
        }
    }
    design
}

fn multiply(arrivals: &mut Arrivals, factor: f64) {
    match arrivals {
        Arrivals::Poisson { rate_per_s }
        | Arrivals::Constant { rate_per_s }
        | Arrivals::Batch {
            rate_per_s,
            size: BatchSize::Constant { .. } | BatchSize::Geometric { .. },
        } => *rate_per_s *= factor,
        Arrivals::Ramp {
            from_per_s,
            to_per_s,
            ..
        } => {
            *from_per_s *= factor;
            *to_per_s *= factor;
        }
        Arrivals::Spike {
            base_per_s,
            peak_per_s,
            ..
        } => {
            *base_per_s *= factor;
            *peak_per_s *= factor;
        }
        Arrivals::Daily { mean_per_s, .. } => *mean_per_s *= factor,
        Arrivals::Profile { points, .. } => {
            for [_, rate_per_s] in points {
                *rate_per_s *= factor;
            }
        }
        Arrivals::OnOff {
            rate_on_per_s,
            rate_off_per_s,
            ..
        } => {
            *rate_on_per_s *= factor;
            *rate_off_per_s *= factor;
        }
        Arrivals::Closed { users, .. } => {
            let more = libm::round(f64::from(*users) * factor);
            *users = (more as u32).max(1);
        }
        Arrivals::Replay { multiplier, .. } | Arrivals::Recording { multiplier, .. } => {
            *multiplier *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_arrive_is_multiplied() {
        let cases = [
            (
                r#"{"poisson":{"rate_per_s":3}}"#,
                r#"{"poisson":{"rate_per_s":7.5}}"#,
            ),
            (
                r#"{"constant":{"rate_per_s":4}}"#,
                r#"{"constant":{"rate_per_s":10.0}}"#,
            ),
            (
                r#"{"ramp":{"from_per_s":2,"to_per_s":6,"over_s":9}}"#,
                r#"{"ramp":{"from_per_s":5.0,"to_per_s":15.0,"over_s":9.0}}"#,
            ),
            (
                r#"{"spike":{"base_per_s":2,"peak_per_s":6,"at_s":1,"for_s":2}}"#,
                r#"{"spike":{"base_per_s":5.0,"peak_per_s":15.0,"at_s":1.0,"for_s":2.0}}"#,
            ),
            (
                r#"{"profile":{"points":[[0,2],[5,4]]}}"#,
                r#"{"profile":{"points":[[0.0,5.0],[5.0,10.0]]}}"#,
            ),
            (
                r#"{"closed":{"users":3,"think_time":{"constant":{"mean_ms":5}}}}"#,
                r#"{"closed":{"users":8,"think_time":{"constant":{"mean_ms":5.0}}}}"#,
            ),
            (
                r#"{"recording":{"times_s":"1\n2"}}"#,
                r#"{"recording":{"times_s":"1\n2","multiplier":2.5}}"#,
            ),
            (
                r#"{"replay":{"file":"a.csv","format":"csv","multiplier":2}}"#,
                r#"{"replay":{"file":"a.csv","format":"csv","multiplier":5}}"#,
            ),
        ];
        for (before, after) in cases {
            let mut arrivals: Arrivals = serde_json::from_str(before).expect("of the format");
            multiply(&mut arrivals, 2.5);
            let expected: Arrivals = serde_json::from_str(after).expect("of the format");
            assert_eq!(arrivals, expected, "{before}");
        }
    }
}
