//! Training mode and inference mode, which differ in dropout and batch normalisation.

/// Training mode or inference mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Training mode: dropout is active, and batch normalisation uses the batch's own statistics. Random draws are a
    /// function of these three fields.
    Train {
        /// The run's seed.
        seed: u64,
        /// The step of the run.
        step: u64,
        /// The index of the workspace's shard within the step.
        shard: u64,
    },
    /// Inference mode: nothing is dropped, and batch normalisation uses the running statistics.
    #[default]
    Infer,
}
