//! How numbers are stored: flat aligned buffers, such as that of the parameters; nalgebra's matrix views into them; and
//! matrices that have their own buffer.
//!
//! Samples are columns: a batch is a column-major matrix, `features x samples`. So a sample is contiguous in memory,
//! and a slice of a batch is a range of columns.

use std::{cell::RefCell, ops::Range};

use aligned_vec::{AVec, ConstAlign};
use nalgebra::{Const, DMatrixView, DMatrixViewMut, Dyn};

/// A flat buffer of `f32`, aligned to 64 bytes: a cache line and an AVX-512 register.
///
/// Parameters, their gradient and an optimizer's moments are buffers of the same length and order.
pub type Buffer = AVec<f32, ConstAlign<64>>;

/// An immutable view of a column-major matrix.
pub type MatrixView<'a> = DMatrixView<'a, f32>;

/// A mutable view of a column-major matrix.
pub type MatrixViewMut<'a> = DMatrixViewMut<'a, f32>;

/// Allocates a [`Buffer`] of `len` zeros.
pub fn zeros(len: usize) -> Buffer {
    let mut buffer = Buffer::new(0);
    buffer.resize(len, 0.0);
    buffer
}

/// The size of a cache line in bytes.
pub(crate) const CACHE_LINE: usize = 64;

/// The length of a cache line in numbers.
pub(crate) const LINE: usize = CACHE_LINE / size_of::<f32>();

/// The distance, in elements, between columns of `rows` elements: an odd number of cache lines. Columns an even number
/// of lines apart, such as those of 128 elements, would share few sets of the cache and evict each other while other
/// sets stay empty.
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

/// The mutable version of [`apart`].
#[track_caller]
pub(crate) fn apart_mut(buffer: &mut [f32], rows: usize, n: usize) -> MatrixViewMut<'_> {
    let strides = (Const::<1>, Dyn(column_stride(rows)));
    MatrixViewMut::from_slice_with_strides_generic(buffer, Dyn(rows), Dyn(n), strides.0, strides.1)
}

/// A column-major matrix with its own buffer. A pass over fewer samples uses only the first columns.
///
/// nalgebra's own matrices are not aligned to vectors, and a load that straddles two cache lines takes twice as long.
/// The columns are [`column_stride`] apart.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    rows: usize,
    buffer: Buffer,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, buffer: zeros(column_stride(rows) * columns) }
    }

    /// The number of columns.
    pub(crate) fn n_columns(&self) -> usize {
        self.buffer.len() / column_stride(self.rows)
    }

    /// A view of `n` columns, from column `start`.
    #[track_caller]
    pub(crate) fn columns(&self, start: usize, n: usize) -> MatrixView<'_> {
        apart(&self.buffer[start * column_stride(self.rows)..], self.rows, n)
    }

    /// A view of the rows `rows` of `n` columns, from column `start`.
    #[track_caller]
    pub(crate) fn part(&self, rows: Range<usize>, start: usize, n: usize) -> MatrixView<'_> {
        let stride = column_stride(self.rows);
        apart_by(stride, &self.buffer[start * stride + rows.start..], rows.len(), n)
    }

    /// Iterates over the first `n` columns.
    pub(crate) fn first(&self, n: usize) -> impl Iterator<Item = &[f32]> {
        self.buffer.chunks_exact(column_stride(self.rows)).take(n).map(|x| &x[..self.rows])
    }

    /// A mutable view of the first `n` columns.
    #[track_caller]
    pub(crate) fn first_mut(&mut self, n: usize) -> MatrixViewMut<'_> {
        apart_mut(&mut self.buffer, self.rows, n)
    }
}

/// Calls `use_them` with a scratch buffer of `len` numbers. Each thread reuses its own buffer, which therefore stays in
/// the core's cache. It is reallocated only when `len` exceeds all earlier calls. Calls must not be nested.
pub(crate) fn with_scratch<T>(len: usize, use_them: impl FnOnce(&mut [f32]) -> T) -> T {
    thread_local!(static SCRATCH: RefCell<Buffer> = RefCell::new(zeros(0)));
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len {
            scratch.resize(len, 0.0);
        }
        use_them(&mut scratch[..len])
    })
}
