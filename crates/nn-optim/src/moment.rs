//! Moments: the buffers that an optimizer keeps from step to step, each as long as the parameters.

use aligned_vec::{AVec, ConstAlign};

use crate::Error;

/// A flat buffer of `f32`, aligned to 64 bytes.
pub type Buffer = AVec<f32, ConstAlign<64>>;

/// One of an optimizer's moments: its name and the range of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The name in model files, which never changes.
    pub name: &'static str,
    /// Whether it is a sum or mean of squares, and so is never negative.
    pub of_squares: bool,
}

/// Returns an error if a moment has the wrong length, or a value that training cannot produce.
pub(crate) fn check_moment(moment: &Moment, values: &[f32], n_params: usize) -> Result<(), Error> {
    let &Moment { name, of_squares } = moment;
    if values.len() != n_params {
        return Err(Error::MomentLength { moment: name, expected: n_params, found: values.len() });
    }
    let (valid, expected) = match of_squares {
        true => (0.0..=f32::MAX, "a finite number, 0 or above"),
        false => (f32::MIN..=f32::MAX, "a finite number"),
    };
    // This loop is vectorised because it has no early exit. The search below runs only for the rare bad file.
    if values.iter().fold(true, |all, value| all & valid.contains(value)) {
        return Ok(());
    }
    let bad = values.iter().enumerate().find(|&(_, value)| !valid.contains(value));
    bad.map_or(Ok(()), |(index, &found)| {
        Err(Error::MomentValue { moment: name, index, expected, found })
    })
}

/// Returns `moment`, or 0 if it is below 1e-30.
///
/// The moments of a dead unit fall with every step. One that keeps nine tenths in each step would become a denormal
/// number after about 830 steps and stay one, and many processors take a hundred times as long for those. Long before a
/// moment is this small, it no longer changes even the last bit of its parameter.
#[inline(always)]
pub(crate) fn flushed(moment: f32) -> f32 {
    const SMALLEST: f32 = 1e-30;
    if moment.abs() < SMALLEST { 0.0 } else { moment }
}
