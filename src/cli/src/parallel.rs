//! Independent pieces of work on all processors.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

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

#[cfg(test)]
mod tests {
    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        let squares = super::map(&items, |x| x * x, |done| done.to_string());
        assert_eq!(squares, items.iter().map(|x| x * x).collect::<Vec<_>>());
        assert!(super::map(&[] as &[u64], |x| *x, |done| done.to_string()).is_empty());
    }
}
