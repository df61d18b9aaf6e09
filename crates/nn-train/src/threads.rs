//! The threads of a run or an evaluation: a rayon pool, or only the calling thread. No other module knows which.
//!
//! Without the feature `threads` there is no pool, and the calling thread does all work. The results are bit-for-bit
//! identical either way.

use crate::Error;

/// The threads that share the work of a run or an evaluation: the calling thread, a new pool, or the caller's.
///
/// Results are bit-for-bit identical for any number of threads. A clone shares the threads of the original.
/// `Threads::default()` is only the calling thread, and needs neither a pool nor a feature.
///
/// ```
/// use nn_train::Threads;
///
/// let threads = Threads::new(2)?;
/// # #[cfg(feature = "threads")]
/// assert_eq!(threads.count(), 2);
/// assert_eq!(Threads::default().count(), 1);
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// With the feature `threads`, a pool can also come from rayon:
///
#[cfg_attr(feature = "threads", doc = "```")]
#[cfg_attr(not(feature = "threads"), doc = "```ignore")]
/// use nn_train::{Threads, rayon::ThreadPoolBuilder};
///
/// let pool = ThreadPoolBuilder::new().num_threads(3).build()?;
/// let threads = Threads::from(std::sync::Arc::new(pool));
/// assert_eq!(threads.count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Threads(Pool);

#[derive(Clone, Debug, Default)]
enum Pool {
    #[default]
    CallingThread,
    #[cfg(feature = "threads")]
    Own(std::sync::Arc<rayon::ThreadPool>),
    #[cfg(feature = "threads")]
    Current,
}

#[cfg(feature = "threads")]
impl From<std::sync::Arc<rayon::ThreadPool>> for Threads {
    fn from(pool: std::sync::Arc<rayon::ThreadPool>) -> Self {
        Self(Pool::Own(pool))
    }
}

impl Threads {
    /// Starts a pool of `count` threads. If `count` is 0 or 1, or without the feature `threads`, there is no pool, and the
    /// calling thread does all work.
    ///
    /// # Errors
    ///
    /// If the system cannot start the threads.
    pub fn new(count: usize) -> Result<Self, Error> {
        #[cfg(feature = "threads")]
        if count > 1 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
            let refused = |reason| Error::Threads { threads: count, reason };
            let pool = pool.map_err(|error| refused(error.to_string()))?;
            return Ok(Self(Pool::Own(pool.into())));
        }
        let _ = count;
        Ok(Self::default())
    }

    /// Starts as many threads as the machine can run at once.
    ///
    /// # Errors
    ///
    /// As [`Threads::new`].
    pub fn all() -> Result<Self, Error> {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Uses the rayon pool that the caller is in. The pool is looked up at each call that uses these threads: inside
    /// `pool.install(..)` it is that pool, elsewhere rayon's global pool. The first use of the global pool panics if the
    /// system cannot start its threads; [`Threads::new`] returns an error instead.
    #[cfg(feature = "threads")]
    pub fn current() -> Self {
        Self(Pool::Current)
    }

    /// The number of threads.
    pub fn count(&self) -> usize {
        match &self.0 {
            Pool::CallingThread => 1,
            #[cfg(feature = "threads")]
            Pool::Own(pool) => pool.current_num_threads(),
            #[cfg(feature = "threads")]
            Pool::Current => rayon::current_num_threads(),
        }
    }

    /// Runs `f` on one of the threads. Only `f` may call the methods below.
    pub(crate) fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            Pool::CallingThread => f(),
            #[cfg(feature = "threads")]
            Pool::Own(pool) => pool.install(f),
            #[cfg(feature = "threads")]
            Pool::Current => rayon::scope(|_| f()),
        }
    }

    /// The index of the current thread, below [`Self::count`].
    pub(crate) fn index(&self) -> usize {
        match &self.0 {
            Pool::CallingThread => 0,
            #[cfg(feature = "threads")]
            Pool::Own(_) | Pool::Current => rayon::current_thread_index().unwrap_or(0),
        }
    }

    /// Runs both functions, at the same time if a thread is free.
    pub(crate) fn join(&self, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
        match &self.0 {
            Pool::CallingThread => {
                a();
                b();
            }
            #[cfg(feature = "threads")]
            Pool::Own(_) | Pool::Current => {
                rayon::join(a, b);
            }
        }
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
