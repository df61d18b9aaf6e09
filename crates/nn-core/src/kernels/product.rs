//! Matrix products: `c (+)= a b` with any strides of `b`, and `c = aT b`.
//!
//! Nothing is packed and nothing allocated: a column of `a` and of `c` is contiguous, so vectors
//! run along it; an element of `b` is broadcast, from wherever it lies.
//!
//! **The tile.** `R` vectors of rows by `C` columns of `c` stay in registers while `p` runs over
//! the summed dimension; a step loads `R` vectors of `a`, broadcasts `C` elements of `b` and does
//! `R * C` multiply-adds. With 32 registers (AVX-512, NEON) a tile is 2 x 8: 16 sums, enough to
//! hide the latency of an addition, and 10 loads for 16 multiply-adds. With 16 registers (AVX2)
//! it is 2 x 4.
//!
//! **The order.** Rows' panels are the outer loop: a panel of `a` then stays in L1 or L2 while all
//! columns of `b` pass by. Every element of `c` is one chain of multiply-adds in the order of `p`,
//! so neither the tiles nor a cut through the matrices, nor adding a product in parts, changes its
//! bits.

use pulp::{Arch, Simd, WithSimd};

use super::Accum;
use crate::buffer::{MatrixView, MatrixViewMut};

/// The right side of a product.
#[derive(Clone, Copy, Debug)]
pub(super) enum Right<'a> {
    Plain(MatrixView<'a>),
    Transposed(MatrixView<'a>),
}

/// `c = a b` or `c += a b`, where `b` may stand transposed.
#[track_caller]
pub(super) fn multiply(
    arch: Arch,
    mut c: MatrixViewMut<'_>,
    accum: Accum,
    a: MatrixView<'_>,
    b: Right<'_>,
) {
    let ((m, n), k) = (c.shape(), a.ncols());
    let (b, b_shape, b_row_stride, b_column_stride) = match b {
        Right::Plain(b) => (b.as_ptr(), b.shape(), 1, b.strides().1),
        Right::Transposed(b) => (b.as_ptr(), (b.ncols(), b.nrows()), b.strides().1, 1),
    };
    assert_eq!((a.shape(), b_shape), ((m, k), (k, n)), "shapes of a product");
    if is_empty(&mut c, k, accum) {
        return;
    }
    let (a, a_stride) = (a.as_ptr(), a.strides().1);
    let (c_stride, c) = (c.strides().1, c.as_mut_ptr());
    arch.dispatch(Product {
        m,
        n,
        k,
        a,
        a_stride,
        b,
        b_row_stride,
        b_column_stride,
        c,
        c_stride,
        accum,
    });
}

/// `c = aT b`.
#[track_caller]
pub(super) fn multiply_transposed(
    arch: Arch,
    mut c: MatrixViewMut<'_>,
    a: MatrixView<'_>,
    b: MatrixView<'_>,
) {
    let ((m, n), k) = (c.shape(), a.nrows());
    assert_eq!((a.shape(), b.shape()), ((k, m), (k, n)), "shapes of a product");
    if is_empty(&mut c, k, Accum::Replace) {
        return;
    }
    let (a, a_stride) = (a.as_ptr(), a.strides().1);
    let (b, b_stride) = (b.as_ptr(), b.strides().1);
    let (c_stride, c) = (c.strides().1, c.as_mut_ptr());
    arch.dispatch(TransposedProduct { m, n, k, a, a_stride, b, b_stride, c, c_stride });
}

/// Whether there is nothing to multiply, as a pointer to no element must not be moved; the sum of no
/// products, 0, is then in `c`.
fn is_empty(c: &mut MatrixViewMut<'_>, k: usize, accum: Accum) -> bool {
    if k == 0 && accum == Accum::Replace {
        c.fill(0.0);
    }
    k == 0 || c.is_empty()
}

/// `c (+)= a b`: `a` is m x k, `b` k x n, `c` m x n.
///
/// Made in [`multiply`] alone: pointers and strides are those of live matrices of these shapes, none
/// of them empty, `c` overlapping neither other.
struct Product {
    m: usize,
    n: usize,
    k: usize,
    /// Columns lie `a_stride` apart, rows 1.
    a: *const f32,
    a_stride: usize,
    /// Element `(p, j)` lies at `p * b_row_stride + j * b_column_stride`.
    b: *const f32,
    b_row_stride: usize,
    b_column_stride: usize,
    /// Columns lie `c_stride` apart, rows 1.
    c: *mut f32,
    c_stride: usize,
    accum: Accum,
}

impl WithSimd for Product {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let mut row = 0;
        while row + 2 * lanes <= self.m {
            self.panel::<S, 2, true>(simd, row);
            row += 2 * lanes;
        }
        if row + lanes <= self.m {
            self.panel::<S, 1, true>(simd, row);
            row += lanes;
        }
        if row < self.m {
            self.panel::<S, 1, false>(simd, row);
        }
    }
}

impl Product {
    /// All columns of `R` vectors of rows from `row`, or where not `FULL`, of the last rows, fewer
    /// than a vector has lanes.
    #[inline(always)]
    fn panel<S: Simd, const R: usize, const FULL: bool>(&self, simd: S, row: usize) {
        let mut column = 0;
        if S::REGISTER_COUNT >= 32 {
            while column + 8 <= self.n {
                self.tile::<S, R, 8, FULL>(simd, row, column);
                column += 8;
            }
        }
        while column + 4 <= self.n {
            self.tile::<S, R, 4, FULL>(simd, row, column);
            column += 4;
        }
        match self.n - column {
            3 => self.tile::<S, R, 3, FULL>(simd, row, column),
            2 => self.tile::<S, R, 2, FULL>(simd, row, column),
            1 => self.tile::<S, R, 1, FULL>(simd, row, column),
            _ => {}
        }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn tile<S: Simd, const R: usize, const C: usize, const FULL: bool>(
        &self,
        simd: S,
        row: usize,
        column: usize,
    ) {
        let lanes = S::F32_LANES;
        let len = if FULL { lanes } else { self.m - row };
        // SAFETY: `with_simd` and `panel` step so that `R` vectors of `len` rows from `row` are
        // rows of `a` and `c`, and `C` columns from `column` columns of `b` and `c`: each offset
        // below is that of an element of its matrix, and no more than these rows are touched.
        unsafe {
            let a = self.a.add(row);
            let b = self.b.add(column * self.b_column_stride);
            let c = self.c.add(column * self.c_stride + row);

            let mut sums = [[simd.splat_f32s(0.0); R]; C];
            if self.accum == Accum::Add {
                for (j, sums) in sums.iter_mut().enumerate() {
                    for (r, sum) in sums.iter_mut().enumerate() {
                        *sum = load(simd, c.add(j * self.c_stride + r * lanes), len);
                    }
                }
            }
            for p in 0..self.k {
                let mut a_p = [simd.splat_f32s(0.0); R];
                for (r, a_pr) in a_p.iter_mut().enumerate() {
                    *a_pr = load(simd, a.add(p * self.a_stride + r * lanes), len);
                }
                for (j, sums) in sums.iter_mut().enumerate() {
                    let b_pj = *b.add(p * self.b_row_stride + j * self.b_column_stride);
                    let b_pj = simd.splat_f32s(b_pj);
                    for (sum, &a_pr) in sums.iter_mut().zip(&a_p) {
                        *sum = simd.mul_add_e_f32s(a_pr, b_pj, *sum);
                    }
                }
            }
            for (j, sums) in sums.iter().enumerate() {
                for (r, &sum) in sums.iter().enumerate() {
                    store(simd, c.add(j * self.c_stride + r * lanes), len, sum);
                }
            }
        }
    }
}

/// `c = aT b`: `a` is k x m, `b` k x n, `c` m x n; columns lie the strides apart, rows 1.
///
/// Both sides run along `k`, so vectors do too, and each element of `c` ends as the sum of a
/// vector's lanes. Made in [`multiply_transposed`] alone, as [`Product`] is in [`multiply`].
struct TransposedProduct {
    m: usize,
    n: usize,
    k: usize,
    a: *const f32,
    a_stride: usize,
    b: *const f32,
    b_stride: usize,
    c: *mut f32,
    c_stride: usize,
}

impl WithSimd for TransposedProduct {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut column = 0;
        while column + 4 <= self.n {
            self.panel::<S, 4>(simd, column);
            column += 4;
        }
        while column < self.n {
            self.panel::<S, 1>(simd, column);
            column += 1;
        }
    }
}

impl TransposedProduct {
    /// All rows of `C` columns.
    #[inline(always)]
    fn panel<S: Simd, const C: usize>(&self, simd: S, column: usize) {
        let mut row = 0;
        while row + 4 <= self.m {
            self.tile::<S, 4, C>(simd, row, column);
            row += 4;
        }
        while row < self.m {
            self.tile::<S, 1, C>(simd, row, column);
            row += 1;
        }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn tile<S: Simd, const R: usize, const C: usize>(&self, simd: S, row: usize, column: usize) {
        let lanes = S::F32_LANES;
        // SAFETY: `row + R <= m` and `column + C <= n`, as `with_simd` and `panel` step; so each
        // offset below is that of an element of its matrix, and a vector reads the `len` elements
        // that are left of a column where it is the column's last.
        unsafe {
            let a = self.a.add(row * self.a_stride);
            let b = self.b.add(column * self.b_stride);
            let c = self.c.add(column * self.c_stride + row);
            let mut sums = [[simd.splat_f32s(0.0); R]; C];
            let mut p = 0;
            while p < self.k {
                let len = lanes.min(self.k - p);
                let mut a_p = [simd.splat_f32s(0.0); R];
                for (i, a_pi) in a_p.iter_mut().enumerate() {
                    *a_pi = load(simd, a.add(i * self.a_stride + p), len);
                }
                for (j, sums) in sums.iter_mut().enumerate() {
                    let b_pj = load(simd, b.add(j * self.b_stride + p), len);
                    for (sum, &a_pi) in sums.iter_mut().zip(&a_p) {
                        *sum = simd.mul_add_e_f32s(a_pi, b_pj, *sum);
                    }
                }
                p += lanes;
            }
            for (j, sums) in sums.iter().enumerate() {
                for (i, &sum) in sums.iter().enumerate() {
                    *c.add(j * self.c_stride + i) = simd.reduce_sum_f32s(sum);
                }
            }
        }
    }
}

/// The `len` elements at `from`, up to a vector's lanes; the lanes behind them are 0.
///
/// # Safety
///
/// `from` points to `len` live elements.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn load<S: Simd>(simd: S, from: *const f32, len: usize) -> S::f32s {
    // SAFETY: the caller vouches for `len` elements, and no more are read.
    unsafe {
        if len == S::F32_LANES {
            from.cast::<S::f32s>().read_unaligned()
        } else {
            simd.partial_load_f32s(std::slice::from_raw_parts(from, len))
        }
    }
}

/// Writes the first `len` lanes, up to all, to `to`.
///
/// # Safety
///
/// `to` points to `len` live elements that nothing else refers to.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn store<S: Simd>(simd: S, to: *mut f32, len: usize, values: S::f32s) {
    // SAFETY: the caller vouches for `len` elements, and no more are written.
    unsafe {
        if len == S::F32_LANES {
            to.cast::<S::f32s>().write_unaligned(values);
        } else {
            simd.partial_store_f32s(std::slice::from_raw_parts_mut(to, len), values);
        }
    }
}
