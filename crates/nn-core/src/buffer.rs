//! The shapes that data takes: a flat aligned buffer, such as of parameters, nalgebra's views of it as
//! matrices, and a buffer that is one matrix.
//!
//! Samples are columns: a batch is `features x samples`, column-major, so one sample is one
//! contiguous run of memory and a slice of a batch is a contiguous run of columns.

use std::{cell::RefCell, ops::Range};

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

/// Bytes that caches hold together.
pub(crate) const CACHE_LINE: usize = 64;

/// Numbers that caches hold together.
pub(crate) const LINE: usize = CACHE_LINE / size_of::<f32>();

/// Elements between columns of `rows` that are walked over again and again: an odd number of cache lines. Columns an
/// even number of lines apart, such as those of 128 elements, share sets of a cache, and push each other out of it
/// where others stand empty.
pub(crate) fn column_stride(rows: usize) -> usize {
    (rows.div_ceil(LINE) | 1) * LINE
}

/// A view of `n` columns of `rows` elements, [`column_stride`] apart, in `buffer`.
#[track_caller]
pub(crate) fn apart(buffer: &[f32], rows: usize, n: usize) -> MatrixView<'_> {
    apart_by(column_stride(rows), buffer, rows, n)
}

#[track_caller]
fn apart_by(stride: usize, buffer: &[f32], rows: usize, n: usize) -> MatrixView<'_> {
    let strides = (Const::<1>, Dyn(stride));
    MatrixView::from_slice_with_strides_generic(buffer, Dyn(rows), Dyn(n), strides.0, strides.1)
}

/// [`apart`], to be written.
#[track_caller]
pub(crate) fn apart_mut(buffer: &mut [f32], rows: usize, n: usize) -> MatrixViewMut<'_> {
    let strides = (Const::<1>, Dyn(column_stride(rows)));
    MatrixViewMut::from_slice_with_strides_generic(buffer, Dyn(rows), Dyn(n), strides.0, strides.1)
}

/// A column-major matrix in its own buffer; its first columns are in use.
///
/// Not nalgebra's, whose memory is aligned to no vector: a load that straddles two cache lines takes
/// twice the time. Its columns are [`column_stride`] apart.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    rows: usize,
    buffer: Buffer,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, buffer: zeros(column_stride(rows) * columns) }
    }

    /// How many columns there are.
    pub(crate) fn n_columns(&self) -> usize {
        self.buffer.len() / column_stride(self.rows)
    }

    /// `n` columns from `start`.
    #[track_caller]
    pub(crate) fn columns(&self, start: usize, n: usize) -> MatrixView<'_> {
        apart(&self.buffer[start * column_stride(self.rows)..], self.rows, n)
    }

    /// Rows `rows` of `n` columns from `start`.
    #[track_caller]
    pub(crate) fn part(&self, rows: Range<usize>, start: usize, n: usize) -> MatrixView<'_> {
        let stride = column_stride(self.rows);
        apart_by(stride, &self.buffer[start * stride + rows.start..], rows.len(), n)
    }

    /// The first `n` columns, one after another.
    pub(crate) fn first(&self, n: usize) -> impl Iterator<Item = &[f32]> {
        self.buffer.chunks_exact(column_stride(self.rows)).take(n).map(|x| &x[..self.rows])
    }

    /// The first `n` columns.
    #[track_caller]
    pub(crate) fn first_mut(&mut self, n: usize) -> MatrixViewMut<'_> {
        apart_mut(&mut self.buffer, self.rows, n)
    }
}

/// Lends `len` numbers of the thread's own to `use_them`, for what a thread needs for a moment and then again: it
/// stays in its cache. Allocates only where it has not lent so many yet. One loan at a time.
pub(crate) fn with_scratch<T>(len: usize, use_them: impl FnOnce(&mut [f32]) -> T) -> T {
    thread_local!(static SCRATCH: RefCell<Buffer> = RefCell::new(zeros(0)));
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len {
            scratch.resize(len, 0.0);
        }
        use_them(&mut scratch[..len])
    })
}
