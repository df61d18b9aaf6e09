//! Errors in the description of a network.
//!
//! The shapes of the matrices passed to a layer come from the caller's code, not from data. A mismatch there is a panic
//! at the caller's line.

use std::fmt;

/// Panics at the line of the caller's caller unless `found` equals `expected`.
#[track_caller]
pub(crate) fn expect_same<T: PartialEq + fmt::Debug>(
    what: impl fmt::Display,
    expected: T,
    found: T,
) {
    assert!(found == expected, "{what}: expected {expected:?}, found {found:?}");
}

/// The error for a setting that is outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{name}: expected {expected}, found {found}")]
pub struct SettingError {
    /// The setting's name.
    pub name: &'static str,
    /// The valid range, in words.
    pub expected: &'static str,
    /// The value that was given.
    pub found: f64,
}

impl SettingError {
    /// Returns an error unless the setting is valid.
    ///
    /// # Errors
    ///
    /// If `is_valid` is false.
    pub fn check(
        name: &'static str,
        is_valid: bool,
        expected: &'static str,
        found: f64,
    ) -> Result<(), Self> {
        if is_valid { Ok(()) } else { Err(Self { name, expected, found }) }
    }

    /// Returns an error unless `found` can be added to a variance: it must be above 0 and finite, in `f32` too.
    pub(crate) fn check_epsilon(found: f64) -> Result<(), Self> {
        let valid = f64::from(f32::MIN_POSITIVE)..f64::from(f32::MAX);
        Self::check("epsilon", valid.contains(&found), "a finite number above 0", found)
    }
}

/// An error in the layers, the parameters or the loss of a network.
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
        /// The setting, with its valid range and the value given.
        setting: SettingError,
    },
    /// A loss's setting is outside its range.
    #[error(transparent)]
    LossSetting(SettingError),
    /// The last layer is not the one that the loss needs.
    #[error("the model's last layer: expected {expected} for the loss {loss}, found {found}")]
    LastLayer {
        /// The loss's name.
        loss: &'static str,
        /// The name of the layer that it needs.
        expected: &'static str,
        /// The last layer's name.
        found: &'static str,
    },
    /// The parameters do not fit into the address space.
    #[error("the network has more parameters than memory can address; make its layers smaller")]
    TooLarge,
    /// The buffer of parameters or of running statistics does not have the length that the layers need.
    #[error("expected {expected} {what} for these layers, found {found}")]
    Count {
        /// `parameters` or `running statistics`.
        what: &'static str,
        /// The length that the layers need.
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// A tensor does not match the model's tensor at the same position.
    #[error("parameters do not match the model: expected {expected}, found {found}")]
    Tensor {
        /// The model's tensor with its shape, or `no more tensors`.
        expected: String,
        /// The tensor that was given, or `no more tensors`.
        found: String,
    },
}
