//! Retries against the recorded behaviour of libraries; properties of breakers and limits, whose records are in `scale-trust`.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use scale_sim::{
    Admit, Backoff, Breaker, BreakerState, Duration, Key, Phase, RateLimit, RateLimitState,
    RetryBudget, RetryBudgetState, Time, read_json,
};

fn breaker(settings: &str) -> BreakerState {
    let breaker: Breaker = read_json(settings).expect("of the format");
    BreakerState::new(&breaker)
}

fn limiter(settings: &str) -> RateLimitState {
    let limit: RateLimit = read_json(settings).expect("of the format");
    RateLimitState::new(&limit)
}

#[test]
fn waits_are_those_of_tenacity_and_urllib3() {
    let oracle = include_str!("../oracle/resilience/backoff_sequences.csv");
    let plain = r#"{ "exponential": { "base_ms": 100, "cap_ms": 5000 } }"#;
    let first_at_once =
        r#"{ "exponential": { "base_ms": 100, "cap_ms": 5000, "immediate_first": true } }"#;
    let full = r#"{ "exponential": { "base_ms": 100, "cap_ms": 5000, "jitter": "full" } }"#;
    let mut lines = 0;
    for line in oracle.lines().skip(1) {
        // The first field is quoted, with commas in it.
        let (library, rest) = line[1..].split_once("\",").expect("a quoted name");
        let fields: Vec<&str> = rest.split(',').collect();
        let [retry, seconds, most] = fields[..] else {
            panic!("{line}");
        };
        let retry: u32 = retry.parse().expect("a number");
        let seconds: f64 = seconds.parse().expect("a number");
        let wait = |backoff: &Backoff, draw: u64| {
            backoff.wait(retry, Duration::ZERO, &mut Key::root(draw).draws())
        };
        if library.contains("full jitter") {
            let backoff: Backoff = read_json(full).expect("of the format");
            let waits: Vec<f64> = (0..200_000).map(|i| wait(&backoff, i).secs()).collect();
            let mean = waits.iter().sum::<f64>() / waits.len() as f64;
            assert!((mean / seconds - 1.0).abs() < 0.01, "{line}: {mean}");
            let most: f64 = most.parse().expect("a number");
            let greatest = waits.iter().copied().fold(0.0, f64::max);
            assert!(greatest <= most && greatest > 0.99 * most, "{greatest}");
        } else {
            let text = if library.starts_with("tenacity") {
                plain
            } else {
                first_at_once
            };
            assert_eq!(
                wait(&read_json(text).expect("of the format"), 0),
                Duration::from_secs(seconds),
                "{line}"
            );
        }
        lines += 1;
    }
    assert_eq!(lines, 24);
}

/// Moments in order, from gaps in microseconds.
fn moments(gaps: &[u64]) -> Vec<Time> {
    let mut now = 0;
    gaps.iter()
        .map(|gap| {
            now += gap * 1_000;
            Time::from_nanos(now)
        })
        .collect()
}

proptest! {
    #[test]
    fn no_window_sees_more_than_a_burst_and_the_rate(rate in 0.5..5_000.0_f64, burst in 1..20_u32, gaps in prop::collection::vec(0..5_000_u64, 1..300)) {
        let settings = format!(r#"{{ "token_bucket": {{ "rate_per_s": {rate}, "burst": {burst} }} }}"#);
        let mut state = limiter(&settings);
        let mut passed = moments(&gaps);
        passed.retain(|now| state.admit(*now, 0) == Admit::Pass);
        for (i, from) in passed.iter().enumerate() {
            for (j, to) in passed.iter().enumerate().skip(i) {
                let most = f64::from(burst) + rate * to.since(*from).secs();
                prop_assert!((j - i + 1) as f64 <= most + 1e-6);
            }
        }
        // Nor is it stingy: an even caller at the rate, but for the clock's nanoseconds, is never refused.
        let mut state = limiter(&settings);
        let gap = (1e9 / rate) as u64 + 2;
        for i in 0..100 {
            prop_assert_eq!(state.admit(Time::from_nanos(i * gap), 0), Admit::Pass);
        }
    }

    #[test]
    fn the_leaky_bucket_spaces_requests_out(rate in 0.5..5_000.0_f64, burst in 0..20_u32, gaps in prop::collection::vec(0..5_000_u64, 1..300)) {
        let settings = format!(r#"{{ "leaky_bucket": {{ "rate_per_s": {rate}, "burst": {burst} }} }}"#);
        let mut state = limiter(&settings);
        let mut before: Option<Time> = None;
        for now in moments(&gaps) {
            let leaves = match state.admit(now, 0) {
                Admit::Reject => continue,
                Admit::Pass => now,
                Admit::Delay(delay) => {
                    prop_assert!(delay.secs() <= f64::from(burst) / rate + 1e-9);
                    now + delay
                }
            };
            if let Some(before) = before {
                prop_assert!(leaves.since(before).secs() >= 1.0 / rate - 5e-9);
            }
            before = Some(leaves);
        }
    }

    #[test]
    fn a_budget_keeps_retries_to_its_ratio(ratio in 0.0..2.0_f64, min_per_s in 0.0..5.0_f64, window_s in 1.0..10.0_f64, steps in prop::collection::vec((0..400_000_u64, 0..4_u32, 0..6_u32), 50..400)) {
        let mut state = RetryBudgetState::new(&RetryBudget { ratio, min_per_s, window_s });
        let (mut calls, mut retries, mut now) = (0.0, 0.0, 0);
        for (gap, sent, wanted) in steps {
            now += gap * 1_000;
            let now = Time::from_nanos(now);
            for _ in 0..sent {
                state.sent(now);
                calls += 1.0;
            }
            for _ in 0..wanted {
                retries += f64::from(u8::from(state.may_retry(now)));
            }
            // The reserve comes once a window, and a window's slices begin together.
            let windows = now.secs() / (0.9 * window_s) + 1.0;
            prop_assert!(retries <= ratio * calls + min_per_s * window_s * windows + 1e-3);
        }
    }

    #[test]
    fn a_breaker_lets_nobody_through_while_open(consecutive in any::<bool>(), strictly_after in any::<bool>(), trials in 1..4_u32, one_by_one in any::<bool>(),
        calls in prop::collection::vec((0..4_000_u64, 0..3_000_u64, any::<bool>(), 0..10_u8), 1..300)) {
        let trial = if one_by_one { "one_by_one" } else { "together" };
        let settings = if consecutive {
            format!(r#"{{ "consecutive": {{ "failures": 2, "open_ms": 5, "half_open_calls": {trials}, "strictly_after": {strictly_after} }} }}"#)
        } else {
            format!(r#"{{ "window": {{ "size": 4, "min_calls": 2, "failure_rate": 0.5, "open_ms": 5, "half_open_calls": {trials}, "trial": "{trial}", "strictly_after": {strictly_after} }} }}"#)
        };
        let mut state = breaker(&settings);
        // Calls under way by their end; the phases that are told, against the phase that is.
        let mut under_way: Vec<(u64, u32, bool, bool)> = Vec::new();
        let (mut told, mut opened, mut now) = (Phase::Closed, Time::ZERO, 0);
        let (mut on_trial, mut trial_period) = (0, 0);
        for (gap, took, ok, released) in calls {
            now += gap;
            under_way.sort_unstable();
            while under_way.first().is_some_and(|(end, ..)| *end <= now) {
                let (end, period, ok, released) = under_way.remove(0);
                let end = Time::from_nanos(end * 1_000);
                if released {
                    state.release(period);
                    on_trial -= u32::from(told == Phase::HalfOpen && period == trial_period);
                } else if let Some(turned) = state.record(end, period, ok, Duration::ZERO) {
                    prop_assert_ne!(turned, told);
                    told = turned;
                    if turned == Phase::Open {
                        opened = end;
                    }
                }
            }
            let at = Time::from_nanos(now * 1_000);
            let permit = state.permit(at);
            if let Some(turned) = permit.turned {
                prop_assert_eq!((told, turned), (Phase::Open, Phase::HalfOpen));
                told = turned;
                on_trial = 0;
            }
            prop_assert_eq!(told, state.phase());
            let waited = at.since(opened).nanos();
            match told {
                Phase::Closed => prop_assert!(permit.period.is_some()),
                Phase::Open => {
                    prop_assert!(permit.period.is_none());
                    prop_assert!(waited < 5_000_000 || strictly_after && waited == 5_000_000);
                }
                Phase::HalfOpen => {
                    if let Some(period) = permit.period {
                        trial_period = period;
                        on_trial += 1;
                    }
                    prop_assert!(on_trial <= trials);
                    prop_assert!(waited >= 5_000_000);
                }
            }
            if let Some(period) = permit.period {
                under_way.push((now + took, period, ok, released == 0));
            }
        }
    }
}
