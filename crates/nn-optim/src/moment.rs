//! What optimizers keep from step to step: buffers as long as the parameters.

use aligned_vec::{AVec, ConstAlign};

use crate::Error;

/// A flat buffer of `f32`, aligned to 64 bytes.
pub type Buffer = AVec<f32, ConstAlign<64>>;

/// One of the buffers that an optimizer keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// As model files name it: these names never change.
    pub name: &'static str,
    /// Whether it adds up squares, and so is never negative.
    pub of_squares: bool,
}

impl Moment {
    pub(crate) const SGD_MOMENTUM: Self = Self { name: "sgd.momentum", of_squares: false };
    pub(crate) const ADAGRAD_CACHE: Self = Self { name: "adagrad.cache", of_squares: true };
    pub(crate) const RMSPROP_CACHE: Self = Self { name: "rmsprop.cache", of_squares: true };
    pub(crate) const ADAM_M: Self = Self { name: "adam.m", of_squares: false };
    pub(crate) const ADAM_V: Self = Self { name: "adam.v", of_squares: true };
    pub(crate) const ADAM_V_MAX: Self = Self { name: "adam.v_max", of_squares: true };
}

/// The error where a moment has another length, or a value that no training leaves there.
pub(crate) fn check_moment(moment: &Moment, values: &[f32], n_params: usize) -> Result<(), Error> {
    let &Moment { name, of_squares } = moment;
    if values.len() != n_params {
        return Err(Error::MomentLength { moment: name, expected: n_params, found: values.len() });
    }
    let (valid, expected) = match of_squares {
        true => (0.0..=f32::MAX, "a finite number, 0 or above"),
        false => (f32::MIN..=f32::MAX, "a finite number"),
    };
    // Without an early end the loop runs in vectors; the search is for the rare file that is bad.
    if values.iter().fold(true, |all, value| all & valid.contains(value)) {
        return Ok(());
    }
    match values.iter().position(|value| !valid.contains(value)) {
        None => Ok(()),
        Some(index) => {
            Err(Error::MomentValue { moment: name, index, expected, found: values[index] })
        }
    }
}

/// `moment`, or 0 where it is next to nothing.
///
/// Where a unit has died, its moments fall with every step, and after some 830 steps one that keeps nine
/// tenths would be a denormal number, for good: many processors take a hundred times as long over one.
/// What is flushed moved its parameter by less than its last bit, long before.
#[inline(always)]
pub(crate) fn flushed(moment: f32) -> f32 {
    const SMALLEST: f32 = 1e-30;
    if moment.abs() < SMALLEST { 0.0 } else { moment }
}

/// Panics where a moment is not as long as the parameters, or the gradient.
#[track_caller]
pub(crate) fn check_lengths<const N: usize>(n_params: usize, others: [usize; N]) {
    assert_eq!(others, [n_params; N], "lengths of an update");
}
