//! A budget that threads share, so that large pictures wait for each other.

use std::sync::{Condvar, Mutex, PoisonError};

/// A number of bytes that threads take shares of.
pub(crate) struct Budget {
    left: Mutex<u64>,
    given_back: Condvar,
}

/// A share of a budget. It is given back when dropped.
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { left: Mutex::new(bytes), given_back: Condvar::new() }
    }

    /// Takes a share of at most the whole budget. Waits until enough is left.
    pub(crate) fn take(&self, bytes: u64) -> Share<'_> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = self.given_back.wait_while(left, |left| *left < bytes);
        let mut left = enough.unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(bytes);
        Share { budget: self, bytes }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut left = self.budget.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_add(self.bytes);
        self.budget.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn shares_never_exceed_the_budget() {
        let (budget, taken) = (Budget::new(10), AtomicU64::new(0));
        thread::scope(|scope| {
            for bytes in [10, 1, 9, 5, 5, 0, 10, 3] {
                let (budget, taken) = (&budget, &taken);
                scope.spawn(move || {
                    let _share = budget.take(bytes);
                    assert!(taken.fetch_add(bytes, Ordering::SeqCst) + bytes <= 10);
                    thread::yield_now();
                    taken.fetch_sub(bytes, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(*budget.left.lock().unwrap(), 10);
    }
}
