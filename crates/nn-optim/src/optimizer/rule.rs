//! What every optimizer implements, so that an optimizer is one file: its facts and its arithmetic.

use crate::{Description, Error, moment::Moment};

/// An optimizer's settings, with everything that follows from them.
pub(crate) trait UpdateRule {
    /// The optimizer in words and numbers.
    fn description(&self) -> Description;

    /// The buffers that carry over from step to step.
    fn moments(&self) -> &'static [Moment];

    /// The error for the first setting outside its range.
    fn validate(&self) -> Result<(), Error>;

    /// Updates parameters and moments, all of one length. Moments that the optimizer lacks are empty.
    ///
    /// Called for each block of parameters: it must not allocate, and each element must depend on its own gradient
    /// and moments only.
    fn update(&self, step: Step, params: &mut [f32], gradient: &[f32], moments: Moments<'_>);
}

/// The moments of a run of parameters, in the order of [`UpdateRule::moments`].
pub(crate) type Moments<'a> = [&'a mut [f32]; MAX_MOMENTS];

/// The most moments that an optimizer can have.
pub(crate) const MAX_MOMENTS: usize = 3;

/// The step that an update belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) learning_rate: f64,
    /// Counted from 1.
    pub(crate) number: u64,
}
