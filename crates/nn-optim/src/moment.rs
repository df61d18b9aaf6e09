//! Moments: the buffers, each as long as the parameters, that carry over from step to step.

use aligned_vec::{AVec, ConstAlign};

use crate::Error;

/// A flat buffer of `f32`, aligned to 64 bytes.
pub type Buffer = AVec<f32, ConstAlign<64>>;

/// The name and the range of one of an optimizer's buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The name in model files, which never changes.
    pub name: &'static str,
    /// Whether it sums squares, and so is never negative.
    pub of_squares: bool,
}

/// The error for a moment of another length, or with a value that no training leaves there.
pub(crate) fn check_moment(moment: &Moment, values: &[f32], n_params: usize) -> Result<(), Error> {
    let &Moment { name, of_squares } = moment;
    if values.len() != n_params {
        return Err(Error::MomentLength { moment: name, expected: n_params, found: values.len() });
    }
    let (valid, expected) = match of_squares {
        true => (0.0..=f32::MAX, "a finite number, 0 or above"),
        false => (f32::MIN..=f32::MAX, "a finite number"),
    };
    // Without an early end this loop is vectorised; the search below runs only for the rare bad file.
    if values.iter().fold(true, |all, value| all & valid.contains(value)) {
        return Ok(());
    }
    let bad = values.iter().enumerate().find(|&(_, value)| !valid.contains(value));
    bad.map_or(Ok(()), |(index, &found)| {
        Err(Error::MomentValue { moment: name, index, expected, found })
    })
}

/// `moment`, or 0 where it is next to nothing.
///
/// The moments of a dead unit fall with every step. One that retains nine tenths would become a denormal number after
/// some 830 steps and stay one, and many processors take a hundred times as long over those. What is flushed stopped
/// moving its parameter by even its last bit long before.
#[inline(always)]
pub(crate) fn flushed(moment: f32) -> f32 {
    const SMALLEST: f32 = 1e-30;
    if moment.abs() < SMALLEST { 0.0 } else { moment }
}
