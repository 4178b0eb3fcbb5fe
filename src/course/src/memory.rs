//! When a question is asked again: spaced repetition by FSRS, the Free Spaced Repetition Scheduler.
//!
//! Nothing here knows what day it is: whoever asks says so.

use fsrs::{FSRS, MemoryState};
use serde::{Deserialize, Serialize};

use crate::quiz::Grade;

/// How likely a question is to be answered rightly on the day that it is asked again.
const RETENTION: f32 = 0.9;
/// The longest time until it is, in days.
const LONGEST: i32 = 365;
/// Days before 1970 and after some 2,900 years are no days of a learner's.
const DAYS: core::ops::RangeInclusive<i32> = 0..=350_000;
/// The bounds of FSRS's own state.
const STABILITY: core::ops::RangeInclusive<f64> = 0.0001..=36_500.0;
const DIFFICULTY: core::ops::RangeInclusive<f64> = 1.0..=10.0;

/// A day of the learner's calendar: days since the first of January 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

/// What is known of how well a question is remembered, to four decimals.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Days until it is recalled with a chance of 90%.
    pub stability: f64,
    /// How hard it is to keep, 1 to 10.
    pub difficulty: f64,
    /// When it was answered last.
    pub answered: Day,
    /// When it is to be asked again.
    pub due: Day,
}

impl Day {
    /// It, or the nearest day from which on whatever is kept can be read again: clocks may be wrong, and one that has lost its
    /// battery begins in the evening of the last day of 1969 where that is still so.
    fn kept(self) -> Self {
        Self(self.0.clamp(*DAYS.start(), *DAYS.end() - LONGEST))
    }

    /// How far off it is, in words.
    pub fn words(self, today: Self) -> String {
        match self.0 - today.0 {
            ..=0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            days @ 2..14 => format!("in {days} days"),
            days @ 14..60 => format!("in {} weeks", (f64::from(days) / 7.0).round()),
            days => format!("in {} months", (f64::from(days) / 30.4).round()),
        }
    }
}

impl Memory {
    /// What is known after an answer, from what was known before it.
    ///
    /// # Panics
    ///
    /// Never: a state within its bounds leads to another.
    pub fn after(before: Option<Self>, grade: Grade, today: Day) -> Self {
        let state = before.map(|memory| MemoryState {
            stability: memory.stability as f32,
            difficulty: memory.difficulty as f32,
        });
        let today = today.kept();
        // A clock that was set back makes no time pass.
        let passed = before.map_or(0, |memory| (today.0 - memory.answered.0).max(0));
        let next = FSRS::default().next_states(state, RETENTION, passed.unsigned_abs());
        let next = next.expect("a state within its bounds leads to another");
        let next = match grade {
            Grade::Again => next.again,
            Grade::Hard => next.hard,
            Grade::Good => next.good,
        };
        let days = (next.interval.round() as i32).clamp(1, LONGEST);
        Self {
            stability: short(next.memory.stability),
            difficulty: short(next.memory.difficulty),
            answered: today,
            due: Day(today.0 + days),
        }
    }

    /// Not to be asked for as long as anything may rest.
    #[must_use]
    pub fn resting(self, today: Day) -> Self {
        Self {
            due: Day(today.kept().0 + LONGEST),
            ..self
        }
    }

    /// Whether all of it is within its bounds.
    pub(crate) fn is_sound(&self) -> bool {
        STABILITY.contains(&self.stability)
            && DIFFICULTY.contains(&self.difficulty)
            && DAYS.contains(&self.answered.0)
            && DAYS.contains(&self.due.0)
    }
}

/// To four decimals, which are read from JSON as they were written.
fn short(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Day = Day(20_000);

    /// Answers, each on the day when the question is due.
    fn intervals(grades: &[Grade]) -> Vec<i32> {
        let (mut memory, mut today) = (None, START);
        let answer = |grade: &Grade| {
            let next = Memory::after(memory, *grade, today);
            let days = next.due.0 - today.0;
            (memory, today) = (Some(next), next.due);
            days
        };
        grades.iter().map(answer).collect()
    }

    #[test]
    fn what_is_known_rests_longer_and_longer_and_what_is_not_comes_tomorrow() {
        let good = intervals(&[Grade::Good; 5]);
        // As the tests of py-fsrs 6 have it with the usual parameters, but for the last, which is cut off.
        assert_eq!(good, [2, 11, 46, 163, LONGEST]);
        let failed = intervals(&[Grade::Good, Grade::Good, Grade::Again, Grade::Good]);
        assert!(failed[2] <= 3 && failed[3] < good[2], "{failed:?}");
        assert_eq!(intervals(&[Grade::Again])[0], 1);
        let hard = intervals(&[Grade::Good, Grade::Hard]);
        assert!(hard[1] < good[1], "{hard:?}");
    }

    #[test]
    fn the_same_question_twice_a_day_is_no_harm() {
        let once = Memory::after(None, Grade::Again, START);
        let twice = Memory::after(Some(once), Grade::Good, START);
        assert!(twice.stability >= once.stability && twice.due > START);
        // Nor is a clock that was set back.
        let back = Memory::after(Some(twice), Grade::Good, Day(START.0 - 400));
        assert!(back.is_sound());
    }

    #[test]
    fn a_clock_that_is_wrong_leaves_what_can_be_read_again() {
        // A clock without a battery, west of Greenwich; the last day that a browser can show, and the first.
        for today in [Day(-1), Day(100_000_000), Day(-100_000_000)] {
            let memory = Memory::after(None, Grade::Good, today);
            assert!(memory.is_sound(), "{memory:?}");
            assert!(memory.resting(today).is_sound());
            let later = Memory::after(Some(memory), Grade::Good, START);
            assert!(later.is_sound(), "{later:?}");
        }
    }

    proptest! {
        #[test]
        fn every_history_stays_within_its_bounds(
            answers in proptest::collection::vec((0_u8..3, 0_i32..4_000), 1..40)
        ) {
            let (mut memory, mut today) = (None, START);
            for (grade, passed) in answers {
                today = Day(today.0 + passed);
                let grade = [Grade::Again, Grade::Hard, Grade::Good][usize::from(grade)];
                let next = Memory::after(memory, grade, today);
                prop_assert!(next.is_sound(), "{next:?}");
                prop_assert!(next.due > today && next.due.0 <= today.0 + LONGEST);
                memory = Some(next);
            }
        }
    }

    #[test]
    fn days_are_told_in_words() {
        for (days, words) in [
            (-3, "today"),
            (1, "tomorrow"),
            (5, "in 5 days"),
            (21, "in 3 weeks"),
            (92, "in 3 months"),
        ] {
            assert_eq!(Day(START.0 + days).words(START), words);
        }
    }
}
