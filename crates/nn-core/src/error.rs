//! Everything that can be wrong with a description of a network.
//!
//! Shapes of the matrices handed to a layer are the caller's code, not data: a mismatch there
//! panics at the caller.

use std::fmt;

/// Panics at the line of the caller's caller unless `found` is `expected`.
#[track_caller]
pub(crate) fn expect_same<T: PartialEq + fmt::Debug>(
    what: impl fmt::Display,
    expected: T,
    found: T,
) {
    assert!(found == expected, "{what}: expected {expected:?}, found {found:?}");
}

/// A setting that is outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{name}: expected {expected}, found {found}")]
pub struct SettingError {
    /// Its name.
    pub name: &'static str,
    /// Its range, in words.
    pub expected: &'static str,
    /// What was given.
    pub found: f64,
}

impl SettingError {
    /// The error, unless the setting is valid.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub fn check(
        name: &'static str,
        is_valid: bool,
        expected: &'static str,
        found: f64,
    ) -> Result<(), Self> {
        if is_valid { Ok(()) } else { Err(Self { name, expected, found }) }
    }

    /// The error, unless `found` can be added to a variance: in `f32` too it must be above 0 and finite.
    pub(crate) fn check_epsilon(found: f64) -> Result<(), Self> {
        let valid = f64::from(f32::MIN_POSITIVE)..f64::from(f32::MAX);
        Self::check("epsilon", valid.contains(&found), "a finite number above 0", found)
    }
}

/// Why layers, parameters and a loss do not make a network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A sample has no features.
    #[error("expected samples of 1 feature or more, found none")]
    NoFeatures,
    /// No layer has parameters, so there is nothing to train.
    #[error("expected a layer with parameters, such as a dense one, found none")]
    NoParameters,
    /// A layer's setting is outside its range.
    #[error("layer {layer}: {setting}")]
    LayerSetting {
        /// Index of the layer.
        layer: usize,
        /// What is wrong with it.
        setting: SettingError,
    },
    /// A loss's setting is outside its range.
    #[error(transparent)]
    LossSetting(SettingError),
    /// The last layer is not the one that the loss needs.
    #[error("the model's last layer: expected {expected}, which {loss} needs, found {found}")]
    LastLayer {
        /// The loss's name.
        loss: &'static str,
        /// The name of the layer that it needs.
        expected: &'static str,
        /// The last layer's name.
        found: &'static str,
    },
    /// The parameters would not fit in memory's address range.
    #[error("the network needs more parameters than memory has addresses; make its layers smaller")]
    TooLarge,
    /// The buffer of parameters or of statistics has another length than the layers need.
    #[error("expected {expected} {what}, as the layers need, found {found}")]
    Count {
        /// `parameters` or `running statistics`.
        what: &'static str,
        /// What the layers need.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A tensor is not the one that the model has in this place.
    #[error("parameters: expected {expected}, as the model has, found {found}")]
    Tensor {
        /// The model's tensor with its shape, or `no more`.
        expected: String,
        /// The one that was given, or `no more`.
        found: String,
    },
}
