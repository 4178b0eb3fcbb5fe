//! Independent pieces of work on all processors.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::progress::Progress;

/// `work` done on each item; the results stand in the order of the items. `told` says how far it has come.
pub fn map<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    told: impl Fn(usize) -> String,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let (finished, results) = mpsc::channel();
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let mut done = Vec::with_capacity(items.len());
    thread::scope(|scope| {
        for _ in 0..processors.min(items.len()) {
            let (next, work, finished) = (&next, &work, finished.clone());
            scope.spawn(move || {
                while let at = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(item) = items.get(at)
                {
                    finished
                        .send((at, work(item)))
                        .expect("the results are received until the last sender is gone");
                }
            });
        }
        drop(finished);
        let mut progress = Progress::new();
        for result in results {
            done.push(result);
            progress.tell(|| told(done.len()));
        }
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// What a search has come to.
#[derive(Debug)]
pub struct Search<R> {
    /// What was found.
    pub found: Option<R>,
    /// How many places were looked at.
    pub tried: usize,
}

/// Looks at the places from 0 to `count` on all processors until `work` finds something, or until `deadline`. What is found
/// is at the first place where there is anything, however many processors there are. `told` says how far it has come.
pub fn first<R: Send>(
    count: usize,
    deadline: Instant,
    work: impl Fn(usize) -> Option<R> + Sync,
    told: impl Fn(usize) -> String,
) -> Search<R> {
    /// How often the progress is looked at.
    const PAUSE: Duration = Duration::from_millis(100);
    let (next, tried, best) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicUsize::new(usize::MAX),
    );
    let (finished, results) = mpsc::channel();
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let mut found: Option<(usize, R)> = None;
    thread::scope(|scope| {
        for _ in 0..processors.min(count) {
            let (next, tried, best) = (&next, &tried, &best);
            let (work, finished) = (&work, finished.clone());
            scope.spawn(move || {
                while let at = next.fetch_add(1, Ordering::Relaxed)
                    && at < count
                    && at < best.load(Ordering::Relaxed)
                    && Instant::now() < deadline
                {
                    tried.fetch_add(1, Ordering::Relaxed);
                    if let Some(result) = work(at) {
                        best.fetch_min(at, Ordering::Relaxed);
                        finished
                            .send((at, result))
                            .expect("the results are received until the last sender is gone");
                    }
                }
            });
        }
        drop(finished);
        let mut progress = Progress::new();
        loop {
            match results.recv_timeout(PAUSE) {
                Ok((at, result)) => {
                    if found.as_ref().is_none_or(|(first, _)| at < *first) {
                        found = Some((at, result));
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    progress.tell(|| told(tried.load(Ordering::Relaxed)));
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    Search {
        found: found.map(|(_, result)| result),
        tried: tried.into_inner(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    #[test]
    fn what_is_found_is_the_first_however_many_look() {
        let later = Instant::now() + Duration::from_mins(1);
        let odd = |at: usize| (at % 1_000 >= 321).then_some(at);
        for _ in 0..20 {
            let search = super::first(100_000, later, odd, |done| done.to_string());
            assert_eq!(search.found, Some(321));
            assert!((322..2_000).contains(&search.tried), "{}", search.tried);
        }
        let nothing = super::first(100, later, |_| None::<u8>, |done| done.to_string());
        assert_eq!((nothing.found, nothing.tried), (None, 100));
        let late = super::first(100, Instant::now(), Some, |done| done.to_string());
        assert_eq!((late.found, late.tried), (None, 0));
    }

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        let squares = super::map(&items, |x| x * x, |done| done.to_string());
        assert_eq!(squares, items.iter().map(|x| x * x).collect::<Vec<_>>());
        assert!(super::map(&[] as &[u64], |x| *x, |done| done.to_string()).is_empty());
    }
}
