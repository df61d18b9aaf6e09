//! Divides work among threads: as many as the machine can run at once, or fewer if the system starts no more.

use std::{
    num::NonZero,
    sync::{Mutex, PoisonError},
    thread,
};

/// Calls `work` on each of `items`, and returns the results in their order. If the system starts no more threads, those that
/// run do all the work.
pub(crate) fn map<T: Send, R: Send>(
    items: impl ExactSizeIterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let others = shares().min(items.len()).saturating_sub(1);
    let items = Mutex::new(items.enumerate());
    let results = Mutex::new(Vec::new());
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_on = || {
        while let Some((index, item)) = next() {
            let result = work(item);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    thread::scope(|scope| {
        let mut threads = (0..others).map(|_| thread::Builder::new().spawn_scoped(scope, work_on));
        // `all` starts them, up to the first that cannot be started.
        let _ = threads.all(|started| started.is_ok());
        work_on();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|&(index, _)| index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The number of items to cut work into, so that each thread has one.
pub(crate) fn shares() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
