//! The shapes that data takes: a flat aligned buffer, such as of parameters, nalgebra's views of it as
//! matrices, and a buffer that is one matrix.
//!
//! Samples are columns: a batch is `features x samples`, column-major, so one sample is one
//! contiguous run of memory and a slice of a batch is a contiguous run of columns.

use std::ops::Range;

use aligned_vec::{AVec, ConstAlign};
use nalgebra::{Const, DMatrixView, DMatrixViewMut, Dyn};

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

/// A column-major matrix in a buffer of its own, of which the first columns are in use.
///
/// Not nalgebra's, whose memory is aligned to no vector: a load that straddles two cache lines takes
/// twice the time.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    rows: usize,
    buffer: Buffer,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, buffer: zeros(rows * columns) }
    }

    /// How many columns there are.
    pub(crate) fn n_columns(&self) -> usize {
        self.buffer.len() / self.rows
    }

    /// `n` columns from `start`.
    #[track_caller]
    pub(crate) fn columns(&self, start: usize, n: usize) -> MatrixView<'_> {
        let range = start * self.rows..(start + n) * self.rows;
        MatrixView::from_slice(&self.buffer[range], self.rows, n)
    }

    /// The elements of the first `n` columns, one column after another.
    #[track_caller]
    pub(crate) fn first(&self, n: usize) -> &[f32] {
        &self.buffer[..n * self.rows]
    }

    /// The first `n` columns.
    #[track_caller]
    pub(crate) fn first_mut(&mut self, n: usize) -> MatrixViewMut<'_> {
        MatrixViewMut::from_slice(&mut self.buffer[..n * self.rows], self.rows, n)
    }

    /// Rows `rows` of `n` columns from `start`.
    #[track_caller]
    pub(crate) fn part(&self, rows: Range<usize>, start: usize, n: usize) -> MatrixView<'_> {
        let from = start * self.rows + rows.start;
        let (n_rows, data) = (Dyn(rows.len()), &self.buffer[from..]);
        let (row_stride, column_stride) = (Const::<1>, Dyn(self.rows));
        MatrixView::from_slice_with_strides_generic(data, n_rows, Dyn(n), row_stride, column_stride)
    }
}
