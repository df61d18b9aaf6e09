//! Errors in options.

use std::{fmt, io, path::PathBuf};

/// An invalid option, or a run that cannot be made from the options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option's value is outside its range, or conflicts with another option.
    #[error("--{option}: {problem}")]
    Option {
        /// The option, without dashes.
        option: String,
        /// What was expected, and what was found.
        problem: String,
    },

    /// A file has an unknown option or an invalid value.
    #[error("{place}: {problem}")]
    File {
        /// The file, and the line if it is known.
        place: String,
        /// What was expected, and what was found.
        problem: String,
    },

    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },

    /// The dataset of a saved run is unknown.
    #[error("{0}")]
    Dataset(String),

    /// The run cannot be made, for a reason other than an option.
    #[error(transparent)]
    Run(#[from] nn_train::Error),
}

impl Error {
    pub(super) fn option(option: &str, problem: impl fmt::Display) -> Self {
        Self::Option { option: option.into(), problem: problem.to_string() }
    }

    /// The error of a setting that is outside its range.
    pub(super) fn range(
        option: &str,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Self {
        Self::option(option, format!("expected {expected}, found {found}"))
    }

    /// Converts an error of the libraries. They name a setting as model files do; some options have another name.
    fn setting(error: nn_core::SettingError) -> Self {
        let nn_core::SettingError { name, expected, found } = error;
        Self::range(option_of(name), expected, found)
    }

    /// Converts an error in a run's settings, and blames the option that causes it if there is one.
    pub fn of_run(error: nn_train::Error) -> Self {
        match error {
            nn_train::Error::Setting(error) => error.into(),
            nn_train::Error::Config(error) => Self::setting(error),
            nn_train::Error::Objective(nn_core::Error::LossSetting(error)) => Self::setting(error),
            nn_train::Error::ClassWeights { expected, found } => {
                Self::range("class-weights", expected, found)
            }
            other => Self::Run(other),
        }
    }

    /// The same error, blamed on another option.
    pub(super) fn blame(self, option: &str) -> Self {
        match self {
            Self::Option { problem, .. } => Self::option(option, problem),
            other => other,
        }
    }
}

/// The option for a setting, by its name in the libraries.
fn option_of(setting: &str) -> &str {
    match setting {
        "learning rate" => "learning-rate",
        "factor" => "decay-factor",
        "minimum" => "minimum-rate",
        "min_delta" => "min-delta",
        "weight_decay" => "weight-decay",
        "label smoothing" => "label-smoothing",
        "gamma of the focal loss" => "focal-gamma",
        "class weight" => "class-weights",
        "weights_l1" => "l1",
        "weights_l2" => "l2",
        "biases_l1" => "bias-l1",
        "biases_l2" => "bias-l2",
        "norm of the gradient" => "clip-norm",
        "limit of the gradient" => "clip-value",
        "decay of the average" => "average",
        "patience" => "early-stop",
        "minimum improvement" => "early-stop-delta",
        "lowest rate" => "from",
        "highest rate" => "to",
        other => other,
    }
}

impl From<nn_optim::Error> for Error {
    fn from(error: nn_optim::Error) -> Self {
        match error {
            nn_optim::Error::Setting { name, expected, found } => {
                Self::range(option_of(name), expected, found)
            }
            other => Self::Run(nn_train::Error::Setting(other)),
        }
    }
}
