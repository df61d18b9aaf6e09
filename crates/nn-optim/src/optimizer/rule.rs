//! The trait that every optimizer implements, so that each optimizer is one file.

use crate::{Description, Error, moment::Moment};

/// A kind of optimizer with its settings: description, moments, checks and update.
pub(crate) trait UpdateRule {
    /// Describes the optimizer: its name, a phrase and its settings.
    fn description(&self) -> Description;

    /// A learning rate to start with: see [`super::OptimizerConfig::default_learning_rate`].
    fn default_learning_rate(&self) -> f64;

    /// The buffers that the optimizer keeps from step to step.
    fn moments(&self) -> &'static [Moment];

    /// Checks the settings. The error is that of the first setting outside its range.
    fn validate(&self) -> Result<(), Error>;

    /// Updates parameters and moments, all of the same length. Moments that the optimizer does not have are empty.
    ///
    /// Called for each block of parameters: it must not allocate, and each element must depend on its own gradient
    /// and moments only.
    fn update(&self, step: Step, params: &mut [f32], gradient: &[f32], moments: Moments<'_>);
}

/// The moments for a run of parameters, in the order of [`UpdateRule::moments`].
pub(crate) type Moments<'a> = [&'a mut [f32]; MAX_MOMENTS];

/// The maximum number of moments of an optimizer.
pub(crate) const MAX_MOMENTS: usize = 3;

/// The step that an update belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) learning_rate: f64,
    /// Counted from 1.
    pub(crate) number: u64,
}
