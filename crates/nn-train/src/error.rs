//! The crate's errors.

use nn_core::{Arithmetic, InstructionSet};

/// Why a run could not start or continue.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting of the optimizer or the schedule is outside its range.
    #[error(transparent)]
    Setting(#[from] nn_optim::Error),
    /// A setting of the run, or a sample's weight, is outside its range.
    #[error(transparent)]
    Config(#[from] nn_core::SettingError),
    /// The loss or the copies of the model in the state do not suit the model.
    #[error(transparent)]
    Objective(nn_core::Error),
    /// The run needs an arithmetic that the processor lacks, or another one is already in use.
    #[error(
        "the run needs {} arithmetic, but this process uses {} ({}){}",
        expected.name(),
        found.name(),
        InstructionSet::current().name(),
        hint(*expected)
    )]
    Arithmetic {
        /// The arithmetic of the run's settings.
        expected: Arithmetic,
        /// The arithmetic of this process.
        found: Arithmetic,
    },
    /// Samples are to be augmented or flipped, but were not marked as images, or are no images of the shape given.
    #[error(
        "augmenting or flipping needs images: expected bytes of images with one or three channels, found samples of \
         {n_features} features without such a shape"
    )]
    NoImages {
        /// The number of features of a sample.
        n_features: usize,
    },
    /// The optimizer's moments do not fit the model.
    #[error("the optimizer's moments: expected one per parameter, {expected}, found {found}")]
    Moments {
        /// The number of the model's parameters.
        expected: usize,
        /// The length of a moment.
        found: usize,
    },
    /// A run on these samples cannot have made this progress.
    #[error(
        "the run is at batch {batch} of an epoch, but these {n_samples} samples make {batches} batches"
    )]
    Progress {
        /// The number of steps taken in the current epoch.
        batch: u64,
        /// The number of samples.
        n_samples: usize,
        /// The number of steps in an epoch on these samples.
        batches: u64,
    },
    /// The optimizer and the run disagree about the number of steps.
    #[error(
        "the run is at epoch {epoch}, batch {batch}, which does not agree with the optimizer's {found} steps"
    )]
    Steps {
        /// The number of completed epochs.
        epoch: u64,
        /// The number of steps taken in the current epoch.
        batch: u64,
        /// The optimizer's number of steps.
        found: u64,
    },
    /// Features, labels and the model do not fit together.
    #[error("{what}: expected {expected}, found {found}")]
    Samples {
        /// What does not fit.
        what: &'static str,
        /// The number that would fit.
        expected: usize,
        /// The number found.
        found: usize,
    },
    /// There is not one weight for each class.
    #[error("class weights, one per class: expected {expected}, found {found}")]
    ClassWeights {
        /// The number of the model's classes.
        expected: usize,
        /// The number of weights.
        found: usize,
    },
    /// There are no samples to train or evaluate on.
    #[error("expected at least one sample, found none")]
    NoSamples,
    /// A feature is infinite or NaN.
    #[error("feature {feature} of sample {sample}: expected a finite number, found {found}")]
    Feature {
        /// Index of the sample.
        sample: usize,
        /// Index of the feature within the sample.
        feature: usize,
        /// The feature.
        found: f32,
    },
    /// A label is not a class of the model.
    #[error("label of sample {sample}: expected a class below {classes}, found {label}")]
    Label {
        /// Index of the sample.
        sample: usize,
        /// Its label.
        label: u32,
        /// The model's outputs.
        classes: usize,
    },
    /// The loss is undefined for a sample's targets.
    #[error("targets of sample {sample}: expected {expected}, found {found}")]
    Target {
        /// Index of the sample.
        sample: usize,
        /// The valid range, in words.
        expected: &'static str,
        /// A target outside the range, or their sum.
        found: f32,
    },
    /// The loss of an evaluation is not finite.
    #[error("the loss over these samples is {loss}: features or weights are far too large")]
    NotFinite {
        /// The loss.
        loss: f64,
    },
    /// The run diverged: a number is no longer finite, or a gradient exceeds [`nn_optim::LARGEST_GRADIENT`]. Usually
    /// the learning rate is too high.
    #[error(
        "training diverged at epoch {epoch}, step {step}: {what} became {value:.1e}; lower the learning rate, which was \
         {learning_rate}"
    )]
    Diverged {
        /// The current epoch, counted from 1.
        epoch: u64,
        /// The run's step, counted from 1.
        step: u64,
        /// The origin of the number, such as `the output of layer 2 (dense)`.
        what: String,
        /// The number.
        value: f64,
        /// The learning rate of the run's schedule, which the step's rate follows from.
        learning_rate: f64,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {reason}")]
    Threads {
        /// The number of threads asked for.
        threads: usize,
        /// The system's message.
        reason: String,
    },
}

/// Checks that both lengths are equal. The error names them with `what`.
pub(crate) fn check_len(what: &'static str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Samples { what, expected, found }) }
}

/// What to do about an arithmetic that is not in use, if the instruction set has it.
fn hint(expected: Arithmetic) -> &'static str {
    match InstructionSet::current().has(expected) {
        true => {
            "; call RunConfig::choose_arithmetic before anything else computes, or use a separate process"
        }
        false => "",
    }
}
