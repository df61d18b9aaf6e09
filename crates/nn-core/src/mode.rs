//! Training or inference: what dropout and batch normalisation do differently.

/// Training mode or inference mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Dropout drops, and batches are normalised by their own statistics. Random draws are a function of these three.
    Train {
        /// The run's seed.
        seed: u64,
        /// The step of the run.
        step: u64,
        /// Which shard of the step's samples the workspace holds.
        shard: u64,
    },
    /// Nothing is dropped, and batches are normalised by the running statistics.
    #[default]
    Infer,
}
