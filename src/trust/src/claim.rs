//! What theory says of a system, and whether runs agree.

use scale_sim::{Estimate, Measure};

/// The confidence of every interval here: one in a hundred misses by design.
pub const LEVEL: f64 = 0.99;
/// How often a case is run, with seeds that follow each other.
pub const REPLICATIONS: u32 = 20;

/// What theory says of one kind of system.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its name in links.
    pub id: &'static str,
    /// What the system is.
    pub title: &'static str,
    /// What is claimed, in words.
    pub says: &'static str,
    /// The form, as one would write it.
    pub formula: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Systems of that kind.
    pub cases: Vec<Case>,
}

/// One system that theory knows.
#[derive(Clone, Debug)]
pub struct Case {
    /// What sets it apart.
    pub label: String,
    /// Its scenario as JSON; whoever runs it sets the seed.
    pub scenario: String,
    /// What is compared.
    pub checks: Vec<Check>,
}

/// One figure of a run beside the closed form.
#[derive(Clone, Debug)]
pub struct Check {
    /// What it is.
    pub label: &'static str,
    /// Its unit; empty for a plain number.
    pub unit: &'static str,
    /// What is measured of each run.
    pub measures: Vec<Measure>,
    /// The figure, from what was measured.
    pub read: fn(&[f64]) -> f64,
    /// What theory says.
    pub expected: f64,
    /// How far the form holds.
    pub form: Form,
}

/// How far a closed form holds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Form {
    /// For this very system.
    Exact,
    /// Up to this part of its value, because of what stands beside it.
    Within(f64, &'static str),
}

/// What came of the runs so far.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Judged {
    /// The mean of the runs, with its interval.
    pub estimate: Estimate,
    /// Whether theory agrees.
    pub verdict: Verdict,
}

/// Whether theory agrees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// There is no interval yet: one run has none.
    Open,
    /// The closed form lies in the interval.
    Inside,
    /// It does not.
    Outside,
}

impl Case {
    /// What is to be measured of each run: what every check needs, one after another.
    pub fn measures(&self) -> Vec<Measure> {
        let measures = self.checks.iter().flat_map(|check| &check.measures);
        measures.cloned().collect()
    }

    /// The figure of each check, from what [`Self::measures`] came to in a run. `None` if something could not be measured.
    pub fn figures(&self, measured: &[Option<f64>]) -> Option<Vec<f64>> {
        let mut rest = measured.iter();
        let figure = |check: &Check| {
            let values: Option<Vec<f64>> = { check.measures.iter() }
                .map(|_| rest.next().copied().flatten())
                .collect();
            values.map(|values| (check.read)(&values))
        };
        self.checks.iter().map(figure).collect()
    }
}

impl Check {
    /// How far the true mean may be from the form.
    pub fn allowed(&self) -> f64 {
        match self.form {
            Form::Exact => 0.0,
            Form::Within(part, _) => part * self.expected.abs(),
        }
    }

    /// Holds one value a run against the form. `None` without any.
    pub fn judge(&self, values: &[f64]) -> Option<Judged> {
        let estimate = Estimate::new(values, LEVEL)?;
        let verdict = match estimate.half_width {
            None => Verdict::Open,
            Some(half) if self.is_off(&estimate, half) => Verdict::Outside,
            Some(_) => Verdict::Inside,
        };
        Some(Judged { estimate, verdict })
    }

    /// Whether a mean is off by more than twice its interval: with some runs that is no longer chance, for twice Student's t at 99% is
    /// more than five standard errors.
    pub fn is_refuted(&self, estimate: &Estimate) -> bool {
        let half = estimate.half_width;
        half.is_some_and(|half| self.is_off(estimate, 2.0 * half))
    }

    /// Whether a mean is off by more than `by`.
    fn is_off(&self, estimate: &Estimate, by: f64) -> bool {
        (estimate.mean - self.expected).abs() > by + self.allowed()
    }
}

/// How likely it is that `missed` intervals or more of `of` miss although all is right: each does so once in a hundred, independently
/// of the others (the binomial distribution). Figures of the same runs are not quite independent; so this is a guide, not a test.
pub fn surprise(missed: u32, of: u32) -> f64 {
    let miss: f64 = 1.0 - LEVEL;
    // The chance of fewer, term by term.
    let (mut term, mut fewer) = (libm::pow(LEVEL, f64::from(of)), 0.0);
    for n in 0..missed.min(of + 1) {
        fewer += term;
        term *= f64::from(of - n) / f64::from(n + 1) * miss / LEVEL;
    }
    (1.0 - fewer).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_inside_or_outside_once_there_is_an_interval() {
        let check = |expected, form| Check {
            label: "wait",
            unit: "ms",
            measures: Vec::new(),
            read: |values| values[0],
            expected,
            form,
        };
        let verdict = |expected, form, values: &[f64]| {
            check(expected, form)
                .judge(values)
                .expect("there are values")
                .verdict
        };
        assert_eq!(verdict(10.0, Form::Exact, &[3.0]), Verdict::Open);
        assert_eq!(
            verdict(10.0, Form::Exact, &[9.9, 10.0, 10.2]),
            Verdict::Inside
        );
        assert_eq!(
            verdict(12.0, Form::Exact, &[9.9, 10.0, 10.2]),
            Verdict::Outside
        );
        assert_eq!(
            verdict(12.0, Form::Within(0.2, "few servers"), &[9.9, 10.0, 10.2]),
            Verdict::Inside
        );
        assert!(check(1.0, Form::Exact).judge(&[]).is_none());
    }

    #[test]
    fn a_case_measures_what_its_checks_need_and_gives_it_back_to_each() {
        for claim in crate::claims() {
            for case in &claim.cases {
                let count = case.measures().len();
                assert!(count >= case.checks.len());
                let ones = vec![Some(1.0); count];
                let figures = case.figures(&ones).expect("all was measured");
                let each = { case.checks.iter() }
                    .map(|check| (check.read)(&vec![1.0; check.measures.len()]));
                assert!(figures.into_iter().eq(each), "{}", case.label);
                let mut gap = ones;
                gap[count - 1] = None;
                assert_eq!(case.figures(&gap), None);
            }
        }
    }

    #[test]
    fn only_what_is_far_off_is_refuted() {
        let values = [9.9, 10.0, 10.2, 10.1];
        let estimate = Estimate::new(&values, LEVEL).expect("there are values");
        let half = estimate.half_width.expect("there are several");
        let mut check = crate::claims()[0].cases[0].checks[0].clone();
        for (times, refuted) in [(0.5, false), (1.5, false), (2.5, true), (-2.5, true)] {
            check.expected = estimate.mean + times * half;
            assert_eq!(check.is_refuted(&estimate), refuted, "{times}");
        }
        let one = Estimate::new(&values[..1], LEVEL).expect("there is one");
        assert!(!check.is_refuted(&one));
    }

    #[test]
    fn misses_surprise_the_more_the_more_there_are() {
        assert!((surprise(0, 25) - 1.0).abs() < 1e-12);
        assert!((surprise(1, 25) - (1.0 - 0.99_f64.powi(25))).abs() < 1e-12);
        assert!(surprise(4, 25) < 1e-3 && surprise(26, 25) < 1e-12);
    }
}
