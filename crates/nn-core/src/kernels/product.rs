//! The matrix product `c += a b`, skipping what zeros of `b` would add.
//!
//! Half of the pixels of a garment are black and half of what a ReLU lets through is 0, so half of
//! the multiply-adds of a dense network add nothing. Bits say where `b` is not zero ([`Nonzero`]), and
//! the inner loop walks over set bits instead of over all of the summed dimension. Adding `x * 0`
//! changes no sum of finite numbers, so results have the bits of a loop that skips nothing.
//!
//! **The tile.** `R` vectors of rows by `C` columns of `c` stay in registers. For each index `p` of the
//! summed dimension where any of the columns of `b` has a bit, a step loads `R` vectors of `a`,
//! broadcasts `C` elements of `b` and does `R C` multiply-adds. Neighbouring columns (pixels side by
//! side, samples of one class) have their zeros in the same places, so a pair skips nearly what one
//! would, at two thirds of the loads. With 16 registers (AVX2) `R` is up to 6: with `C` 2 that makes 12
//! sums, enough to hide an addition's latency; with 32 (AVX-512, NEON) up to 8, which makes 128 outputs
//! one panel of AVX-512. The last rows, fewer vectors, take 3 or 4 columns for as many sums.
//!
//! **The order.** Blocks of 64 indices `p` are the outer loop, panels of `R` vectors of rows the next:
//! what of `a` belongs to both, 12 KiB and less, stays in L1 while all columns of `b` pass by. An
//! element of `c` gets the sum of a block, a chain of multiply-adds in the order of `p` that begins at 0,
//! then that of the next: shorter chains, and so smaller errors, than one over all `p`. Neither tiles nor
//! cuts through rows and columns change its bits.
//!
//! A column of `a` and of `c` is contiguous, so vectors run along it; an element of `b` is broadcast, from wherever
//! it lies. Nothing is allocated.
//!
//! **The copy.** Where the columns of `a` lie a multiple of 4 KiB apart, as in layers of 1,024 outputs, the panel's
//! part of a block falls into four of L1's sets, and does not stay. There it is copied to the stack first, side by
//! side, if enough columns of `b` pass by to pay for that.

use std::mem::MaybeUninit;

use pulp::{Arch, Simd, WithSimd};

use super::marks::Nonzero;
use crate::buffer::{MatrixView, MatrixViewMut};

/// Indices of the summed dimension in a block: those of a word of bits.
const BLOCK: usize = u64::BITS as usize;

/// Elements between columns of `a`, and their multiples, that have all of them share sets of L1: 64 sets of 64 bytes.
const SAME_SETS: usize = 1024;

/// Columns of `c` that pay for a copy of the panel of `a`.
const COLUMNS_OF_A_COPY: usize = 32;

/// The right side of a product.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right<'a> {
    Plain(MatrixView<'a>),
    Transposed(MatrixView<'a>),
}

/// `c += a b`. `nonzero` says where the columns of `b` are not zero; where it is `None`, anywhere.
#[track_caller]
pub(super) fn multiply_add(
    arch: Arch,
    mut c: MatrixViewMut<'_>,
    a: MatrixView<'_>,
    b: Right<'_>,
    nonzero: Option<Nonzero<'_>>,
) {
    let ((m, n), k) = (c.shape(), a.ncols());
    let (b, b_shape, b_row_stride, b_column_stride) = match b {
        Right::Plain(b) => (b.as_ptr(), b.shape(), 1, b.strides().1),
        Right::Transposed(b) => (b.as_ptr(), (b.ncols(), b.nrows()), b.strides().1, 1),
    };
    assert_eq!((a.shape(), b_shape), ((m, k), (k, n)), "shapes of a product");
    if let Some(nonzero) = nonzero {
        assert!(nonzero.covers(k, n), "bits of a {k} x {n} matrix: {nonzero:?}");
    }
    // A pointer to no element must not be moved.
    if c.is_empty() || k == 0 {
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
        nonzero,
        c,
        c_stride,
    });
}

/// `c += a b`: `a` is m x k, `b` k x n, `c` m x n.
///
/// Made in [`multiply_add`] alone: pointers and strides are those of live matrices of these shapes,
/// none of them empty, `c` overlapping neither other; `nonzero` covers `b`.
struct Product<'a> {
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
    nonzero: Option<Nonzero<'a>>,
    /// Columns lie `c_stride` apart, rows 1.
    c: *mut f32,
    c_stride: usize,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let longest = if S::REGISTER_COUNT >= 32 { 8 } else { 6 };
        let n_vectors = self.m.div_ceil(S::F32_LANES);
        for block in 0..self.k.div_ceil(BLOCK) {
            for vector in (0..n_vectors).step_by(longest) {
                let n = longest.min(n_vectors - vector);
                self.panel(simd, vector * S::F32_LANES, n, block);
            }
        }
    }
}

/// What of `a` belongs to a panel and a block: as many columns as the block has, `stride` apart.
#[derive(Clone, Copy)]
struct Panel {
    at: *const f32,
    stride: usize,
}

impl Product<'_> {
    /// All columns of `n_vectors` vectors of rows from `row`.
    #[inline(always)]
    fn panel<S: Simd>(&self, simd: S, row: usize, n_vectors: usize, block: usize) {
        let is_full = row + n_vectors * S::F32_LANES <= self.m;
        match (n_vectors, is_full) {
            (1, true) => self.columns::<S, 1, true>(simd, row, block),
            (2, true) => self.columns::<S, 2, true>(simd, row, block),
            (3, true) => self.columns::<S, 3, true>(simd, row, block),
            (4, true) => self.columns::<S, 4, true>(simd, row, block),
            (5, true) => self.columns::<S, 5, true>(simd, row, block),
            (6, true) => self.columns::<S, 6, true>(simd, row, block),
            (7, true) => self.columns::<S, 7, true>(simd, row, block),
            (8, true) => self.columns::<S, 8, true>(simd, row, block),
            (1, false) => self.columns::<S, 1, false>(simd, row, block),
            (2, false) => self.columns::<S, 2, false>(simd, row, block),
            (3, false) => self.columns::<S, 3, false>(simd, row, block),
            (4, false) => self.columns::<S, 4, false>(simd, row, block),
            (5, false) => self.columns::<S, 5, false>(simd, row, block),
            (6, false) => self.columns::<S, 6, false>(simd, row, block),
            (7, false) => self.columns::<S, 7, false>(simd, row, block),
            (8, false) => self.columns::<S, 8, false>(simd, row, block),
            _ => unreachable!("a panel has 1 to 8 vectors"),
        }
    }

    /// All columns of `R` vectors of rows from `row`, of which the last may be cut short by the
    /// matrix' end where they are not `FULL`.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn columns<S: Simd, const R: usize, const FULL: bool>(
        &self,
        simd: S,
        row: usize,
        block: usize,
    ) {
        let mut copy = [[MaybeUninit::uninit(); R]; BLOCK];
        let in_same_sets = self.a_stride.is_multiple_of(SAME_SETS);
        let a = if FULL && in_same_sets && self.n >= COLUMNS_OF_A_COPY {
            self.copy::<S, R>(simd, row, block, &mut copy)
        } else {
            // SAFETY: `row` is a row of `a`, and the block's first index a column.
            let at = unsafe { self.a.add(block * BLOCK * self.a_stride + row) };
            Panel { at, stride: self.a_stride }
        };
        let column = match R {
            1..=2 => self.tiles::<S, R, 4, FULL>(simd, a, row, 0, block),
            3..=4 => self.tiles::<S, R, 3, FULL>(simd, a, row, 0, block),
            _ => 0,
        };
        let column = self.tiles::<S, R, 2, FULL>(simd, a, row, column, block);
        self.tiles::<S, R, 1, FULL>(simd, a, row, column, block);
    }

    /// Copies a block of `R` full vectors of rows from `row` of `a`.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn copy<S: Simd, const R: usize>(
        &self,
        simd: S,
        row: usize,
        block: usize,
        copy: &mut [[MaybeUninit<S::f32s>; R]; BLOCK],
    ) -> Panel {
        let start = block * BLOCK;
        for (p, column) in copy.iter_mut().enumerate().take(self.k - start) {
            for (r, vector) in column.iter_mut().enumerate() {
                let at = (start + p) * self.a_stride + row + r * S::F32_LANES;
                // SAFETY: `panel` says that `R` vectors of rows from `row` are rows of `a`, and `start + p` is a
                // column: below `k`.
                vector.write(unsafe { load(simd, self.a.add(at), S::F32_LANES) });
            }
        }
        Panel { at: copy.as_ptr().cast(), stride: R * S::F32_LANES }
    }

    /// As many tiles of `C` columns as there are from `column`; gives the first column that is left.
    #[inline(always)]
    fn tiles<S: Simd, const R: usize, const C: usize, const FULL: bool>(
        &self,
        simd: S,
        a: Panel,
        row: usize,
        mut column: usize,
        block: usize,
    ) -> usize {
        while column + C <= self.n {
            self.tile::<S, R, C, FULL>(simd, a, row, column, block);
            column += C;
        }
        column
    }

    /// Adds to `R` vectors of rows by `C` columns what a block of the summed indices gives.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn tile<S: Simd, const R: usize, const C: usize, const FULL: bool>(
        &self,
        simd: S,
        a: Panel,
        row: usize,
        column: usize,
        block: usize,
    ) {
        let lanes = S::F32_LANES;
        let last_len = if FULL { lanes } else { self.m - row - (R - 1) * lanes };
        let len = |r: usize| if r + 1 < R { lanes } else { last_len };
        let start = block * BLOCK;

        let mut bits = match self.nonzero {
            None => u64::MAX,
            Some(nonzero) => (0..C).fold(0, |bits, j| bits | nonzero.word(column + j, block)),
        };
        if self.k - start < BLOCK {
            bits &= (1 << (self.k - start)) - 1;
        }
        // SAFETY: `with_simd` and `columns` step so that `R` vectors of rows from `row`, of `len` rows
        // each, are rows of `c` and, in the panel, of `a`, and `C` columns from `column` columns of `b` and `c`; an
        // index is that of a bit below `k - start`. So each offset below is that of an element of its matrix or of
        // the panel, and no more than these rows are touched.
        unsafe {
            let b = self.b.add(start * self.b_row_stride + column * self.b_column_stride);
            let c = self.c.add(column * self.c_stride + row);
            let mut sums = [[simd.splat_f32s(0.0); R]; C];
            while bits != 0 {
                let p = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let mut b_p = [simd.splat_f32s(0.0); C];
                for (j, b_pj) in b_p.iter_mut().enumerate() {
                    let b_pj_at = b.add(p * self.b_row_stride + j * self.b_column_stride);
                    *b_pj = simd.splat_f32s(*b_pj_at);
                }
                for r in 0..R {
                    let a_pr = load(simd, a.at.add(p * a.stride + r * lanes), len(r));
                    for (sums, &b_pj) in sums.iter_mut().zip(&b_p) {
                        sums[r] = simd.mul_add_e_f32s(a_pr, b_pj, sums[r]);
                    }
                }
            }
            for (j, sums) in sums.iter().enumerate() {
                for (r, &sum) in sums.iter().enumerate() {
                    let c = c.add(j * self.c_stride + r * lanes);
                    store(simd, c, len(r), simd.add_f32s(load(simd, c, len(r)), sum));
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
