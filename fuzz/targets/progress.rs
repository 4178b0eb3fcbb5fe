//! Any bytes at all as kept progress: one message, or progress that can be asked for what is due, goes on, is merged, and is read
//! again as it was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_course::{Day, Grade, Progress};

mod alike;
mod parts;
use alike::alike;

/// No browser's clock shows a later one (ECMA-262, section 21.4.1.1).
const LAST: Day = Day(100_000_000);

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let (first, others) = parts::parts(text);
    let mut progress = match Progress::read(first) {
        Ok(progress) => progress,
        Err(why) => return assert!(!why.to_string().is_empty()),
    };
    let same = |progress: &Progress| {
        let again = Progress::read(&progress.write());
        assert!(again.is_ok_and(|again| alike(&again, progress)), "{progress:?}");
    };
    same(&progress);
    drop(progress.skills());
    for today in [Day(0), Day(20_000), LAST] {
        let due = progress.review(today, 1);
        assert!(progress.next_due(today).is_none_or(|(day, many)| day > today && many > 0 && !day.words(today).is_empty()));
        let mut later = progress.clone();
        for (at, due) in due.iter().take(4).enumerate() {
            let grade = [Grade::Again, Grade::Hard, Grade::Good][at % 3];
            later.answered(&due.lesson, &due.question, None, grade, today);
            later.rest(&due.lesson, &due.question, today);
        }
        same(&later);
    }
    if let Some(Ok(other)) = others.first().map(|(_, text)| Progress::read(text)) {
        progress.merge(&other);
        drop(progress.review(Day(20_000), 2));
        let once = progress.clone();
        progress.merge(&other);
        assert_eq!(progress, once, "what is merged twice is merged once");
    }
});
