//! Why a run could not begin, or could not go on.

/// Why a run could not begin, or could not go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting of the optimizer or the schedule is outside its range.
    #[error(transparent)]
    Setting(#[from] nn_optim::Error),
    /// The batch size is 0.
    #[error("batch size: expected 1 or more, found 0")]
    EmptyBatch,
    /// A setting of the run, or a sample's weight, is outside its range.
    #[error("{name}: expected {expected}, found {found}")]
    Config {
        /// The setting.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// What was given.
        found: f64,
    },
    /// The model cannot be trained by the loss, or by what the state has of it.
    #[error(transparent)]
    Objective(nn_core::Error),
    /// Images are to be changed or mirrored, but nothing says how wide they are.
    #[error(
        "samples that are changed as images: expected bytes and a width that divides {n_features}, found none"
    )]
    NoImages {
        /// Features of a sample.
        n_features: usize,
    },
    /// The optimizer's moments do not fit the model.
    #[error(
        "the optimizer: expected moments of {expected} parameters, as the model has, found {found}"
    )]
    Moments {
        /// The model's parameters.
        expected: usize,
        /// The optimizer's.
        found: usize,
    },
    /// The progress cannot be that of a run over these samples.
    #[error(
        "the run stands at batch {batch} of an epoch, but these {n_samples} samples make {batches} batches"
    )]
    Progress {
        /// Batches done of the epoch under way.
        batch: u64,
        /// Samples of the data.
        n_samples: usize,
        /// Batches of an epoch over them.
        batches: u64,
    },
    /// The optimizer has taken another number of steps than the run.
    #[error(
        "the run stands at epoch {epoch}, batch {batch}, which the optimizer's {found} steps do not make"
    )]
    Steps {
        /// Epochs completed.
        epoch: u64,
        /// Batches done of the epoch under way.
        batch: u64,
        /// The optimizer's count of steps.
        found: u64,
    },
    /// Features, labels and the model do not fit together.
    #[error("{what}: expected {expected}, found {found}")]
    Samples {
        /// What does not fit.
        what: &'static str,
        /// What fits.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// There is nothing to train on or to evaluate.
    #[error("expected at least one sample, found none")]
    NoSamples,
    /// A label is no class of the model.
    #[error("label of sample {sample}: expected a class below {classes}, found {label}")]
    Label {
        /// Index of the sample.
        sample: usize,
        /// Its label.
        label: u32,
        /// The model's outputs.
        classes: usize,
    },
    /// A sample's targets are none that the loss has a meaning for.
    #[error("targets of sample {sample}: expected {expected}, found {found}")]
    Target {
        /// Index of the sample.
        sample: usize,
        /// What they can be, in words.
        expected: &'static str,
        /// A target that is something else, or their sum.
        found: f32,
    },
    /// The loss over samples that were evaluated is not finite.
    #[error(
        "the loss over these samples is {loss}: a feature is not finite, or weights are far too large"
    )]
    NotFinite {
        /// What the loss is.
        loss: f64,
    },
    /// A number is not finite any more, or a gradient is beyond [`nn_optim::LARGEST_GRADIENT`], as happens
    /// where the learning rate is too high.
    #[error("epoch {epoch}, step {step}: {what} became {value}; try a lower learning rate")]
    Diverged {
        /// The epoch under way, counted from 1.
        epoch: u64,
        /// The run's step, counted from 1.
        step: u64,
        /// Of which layer or parameter the number is, as `the output of layer 2 (dense)`.
        what: String,
        /// Its value.
        value: f64,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {reason}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}
