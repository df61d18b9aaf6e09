//! The two shapes that data takes: a flat aligned buffer of parameters, and nalgebra's views of
//! it as matrices.
//!
//! Samples are columns: a batch is `features x samples`, column-major, so one sample is one
//! contiguous run of memory and a slice of a batch is a contiguous run of columns.

use aligned_vec::{AVec, ConstAlign};
use nalgebra::{DMatrixView, DMatrixViewMut};

/// A flat buffer of `f32`, aligned to 64 bytes: a cache line and an AVX-512 register.
///
/// Parameters, their gradient and an optimizer's moments are buffers of the same length and order.
pub type Buffer = AVec<f32, ConstAlign<64>>;

/// A column-major matrix that is only read.
pub type MatrixView<'a> = DMatrixView<'a, f32>;

/// A column-major matrix that is written.
pub type MatrixViewMut<'a> = DMatrixViewMut<'a, f32>;

/// A [`Buffer`] of `len` zeros.
pub fn zeros(len: usize) -> Buffer {
    let mut buffer = Buffer::new(0);
    buffer.resize(len, 0.0);
    buffer
}
