//! The threads of a run: a pool of rayon's, or the calling thread alone. The only module that knows which.
//!
//! Without the feature `threads` there is no pool, and every run takes place on the calling thread. The results are
//! bit-for-bit identical either way.

use crate::Error;

/// The threads that share the work of a run. A clone is of the same threads.
#[derive(Clone, Default)]
pub(crate) struct Threads {
    /// `None` for the calling thread alone, which needs no pool.
    #[cfg(feature = "threads")]
    pool: Option<std::sync::Arc<rayon::ThreadPool>>,
}

impl Threads {
    /// So many threads, at least 1.
    pub(crate) fn new(count: usize) -> Result<Self, Error> {
        #[cfg(feature = "threads")]
        if count > 1 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
            let refused = |reason| Error::Threads { threads: count, reason };
            let pool = pool.map_err(|error| refused(error.to_string()))?;
            return Ok(Self { pool: Some(pool.into()) });
        }
        let _ = count;
        Ok(Self::default())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        #[cfg(feature = "threads")]
        if let Some(pool) = &self.pool {
            return pool.current_num_threads();
        }
        1
    }

    /// Runs `f` on one of the threads. The methods below are for calls from within it.
    pub(crate) fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        #[cfg(feature = "threads")]
        if let Some(pool) = &self.pool {
            return pool.install(f);
        }
        f()
    }

    /// The index of the current thread, below [`Self::count`].
    pub(crate) fn current(&self) -> usize {
        #[cfg(feature = "threads")]
        if let Some(pool) = &self.pool {
            return pool.current_thread_index().unwrap_or(0);
        }
        0
    }

    /// Runs both functions, at the same time if a thread is free.
    pub(crate) fn join(&self, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
        #[cfg(feature = "threads")]
        if self.pool.is_some() {
            rayon::join(a, b);
            return;
        }
        a();
        b();
    }

    /// Calls `f` with the index `first + i` and the elements of both slices at `i`, for every `i`, in any order.
    pub(crate) fn for_each<A: Send, B: Send>(
        &self,
        first: usize,
        a: &mut [A],
        b: &mut [B],
        f: &(impl Fn(usize, &mut A, &mut B) + Sync),
    ) {
        match (a, b) {
            ([a], [b]) => f(first, a, b),
            (a, b) => {
                let mid = a.len() / 2;
                let ((a, rest_a), (b, rest_b)) = (a.split_at_mut(mid), b.split_at_mut(mid));
                if !rest_a.is_empty() {
                    self.join(
                        || self.for_each(first, a, b, f),
                        || self.for_each(first + mid, rest_a, rest_b, f),
                    );
                }
            }
        }
    }
}
