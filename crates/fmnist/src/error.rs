//! The errors of this crate.

/// Why a model cannot be trained, saved, loaded or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model's file cannot be read, or is damaged or of another kind.
    #[error(transparent)]
    Model(#[from] nn_io::Error),

    /// The picture cannot be read, or is damaged or of another kind.
    #[error(transparent)]
    Data(#[from] fmnist_data::Error),

    /// The run cannot start or continue.
    #[error(transparent)]
    Training(#[from] nn_train::Error),

    /// The layers do not fit together.
    #[error(transparent)]
    Network(#[from] nn_core::Error),

    /// The model's file has no training state.
    #[error(
        "the model is for inference only and has no training state to resume from; use the file that training saved"
    )]
    ForInference,

    /// The dataset is not the one that the run began with.
    #[error(
        "the dataset is not the one of the saved run: expected SHA-256 {expected}, found {found}; restore the \
         original data"
    )]
    OtherData {
        /// The fingerprint of the saved run's dataset.
        expected: String,
        /// That of the dataset given.
        found: String,
    },

    /// The run held out another number of training images.
    #[error(
        "the saved run holds out {expected} of the training images, not {found}; hold out {expected} again"
    )]
    HeldOut {
        /// The saved run's number.
        expected: usize,
        /// The number now.
        found: usize,
    },

    /// The run would hold out all training images.
    #[error("cannot hold out {n} of {images} training images; hold out fewer, or give more images")]
    TooManyHeldOut {
        /// The images to hold out.
        n: usize,
        /// The images of the training set.
        images: usize,
    },

    /// Too few training images are held out to measure when an answer is sure.
    #[error(
        "expected {expected} or more held-out images, found {found}; train with --validation {expected} or more"
    )]
    TooFewHeldOut {
        /// The least number.
        expected: usize,
        /// The number of the run.
        found: usize,
    },

    /// The dataset has more or fewer classes than the model has outputs.
    #[error("the model has {expected} outputs, the dataset has {found} classes")]
    Classes {
        /// The model's outputs.
        expected: usize,
        /// The dataset's classes.
        found: usize,
    },

    /// The model gives no probabilities of classes.
    #[error("the model is not a classifier: expected softmax as the last layer")]
    NotAClassifier,

    /// The model takes the features of a table.
    #[error("the model takes no images: its file has no image size")]
    NoImages,

    /// The model takes floats.
    #[error("the model takes no bytes, such as pixels: its file has no scaling")]
    NoScaling,

    /// An image has another number of pixels than the model has inputs.
    #[error("the model takes {expected} pixels, the image has {found}")]
    Pixels {
        /// The model's inputs.
        expected: usize,
        /// The image's pixels.
        found: usize,
    },

    /// A probability is infinite or not a number.
    #[error("the model's probabilities are not finite; its weights are too large")]
    NotFinite,
}
