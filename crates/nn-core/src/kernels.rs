//! The performance-critical arithmetic, and all `unsafe` code of the project.
//!
//! It consists of one matrix product, for forward and backward passes; the nonzero masks with which the product skips
//! zeros; and element-wise loops. Tests compare the product with a plain triple loop (`reference`). Each element of a
//! result is summed in an order that depends only on the shapes, never on the threads.

pub(crate) mod isa;
mod mask;
mod product;
#[cfg(test)]
mod reference;

use std::ops::{AddAssign, Range};

use crate::buffer::{LINE, MatrixView, MatrixViewMut};
pub(crate) use mask::{Nonzero, NonzeroMask};
pub(crate) use product::{Start, TERMS, Term};

/// Computes `c = start + a b`. `nonzero` says where the columns of `b` are not zero; if it is `None`, nothing is
/// skipped.
#[track_caller]
pub(crate) fn multiply(
    c: MatrixViewMut<'_>,
    start: Start<'_>,
    a: MatrixView<'_>,
    b: MatrixView<'_>,
    nonzero: Option<Nonzero<'_>>,
) {
    product::multiply(isa::arch(), isa::arithmetic(), c, start, a, b, nonzero);
}

/// Computes `c = start + a bT`, summed over up to [`TERMS`] terms. `claimed` is empty or as long as `c`. Its numbers do
/// not change, but this core acquires their cache lines for writing.
#[track_caller]
pub(crate) fn multiply_transposed<'a>(
    c: MatrixViewMut<'_>,
    start: Start<'_>,
    terms: impl IntoIterator<Item = Term<'a>>,
    claimed: &mut [f32],
) {
    product::multiply_transposed(isa::arch(), isa::arithmetic(), c, start, terms, claimed);
}

/// Runs loops with the vector instructions of the processor. The closure must be `#[inline(always)]`, and so must the
/// functions that it calls; otherwise, they are compiled for the oldest processor.
///
/// The compiler neither fuses operations nor changes their order, so the bits do not depend on the instructions.
#[inline(always)]
pub(crate) fn vectorized<T>(loops: impl FnOnce() -> T) -> T {
    isa::arch().dispatch(loops)
}

/// The number of partial sums of a sum, for any instruction set.
pub(crate) const LANES: usize = 16;

/// The sums over all elements of each result of a function. Element `i` is added to partial sum `i % 16`, in order, and
/// then the partial sums are added in pairs. To be called within [`vectorized`].
#[inline(always)]
pub(crate) fn sums<T: Copy + Default + AddAssign, const N: usize, const K: usize>(
    x: [&[f32]; N],
    f: impl Fn([f32; N]) -> [T; K],
) -> [T; K] {
    let mut sums = [[T::default(); LANES]; K];
    let mut add = |lane: usize, x: [f32; N]| {
        for (sums, y) in sums.iter_mut().zip(f(x)) {
            sums[lane] += y;
        }
    };
    let chunks = x.map(|x| x.as_chunks::<LANES>());
    for i in 0..chunks[0].0.len() {
        let chunks = chunks.map(|(whole, _)| &whole[i]);
        (0..LANES).for_each(|lane| add(lane, chunks.map(|chunk| chunk[lane])));
    }
    for i in 0..chunks[0].1.len() {
        add(i, chunks.map(|(_, rest)| rest[i]));
    }
    sums.map(sum_of_lanes)
}

/// The sum of partial sums, added in pairs.
#[inline(always)]
pub(crate) fn sum_of_lanes<T: Copy + AddAssign>(mut sums: [T; LANES]) -> T {
    let mut n = LANES;
    while n > 1 {
        n /= 2;
        let (low, high) = sums.split_at_mut(n);
        low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
    }
    sums[0]
}

/// Computes `y = f(x)` for each element. A closure that captures numbers should be `move`; otherwise, each is read again
/// for each element.
#[track_caller]
pub(crate) fn map(x: MatrixView<'_>, mut y: MatrixViewMut<'_>, f: impl Fn(f32) -> f32) {
    assert_eq!(x.shape(), y.shape(), "shapes of an activation's input and output");
    vectorized(
        #[inline(always)]
        move || {
            for (x, mut y) in x.column_iter().zip(y.column_iter_mut()) {
                for (y, &x) in y.as_mut_slice().iter_mut().zip(x.as_slice()) {
                    *y = f(x);
                }
            }
        },
    );
}

/// Computes `c = f(a, b)` for each element.
#[track_caller]
pub(crate) fn zip_map(
    a: MatrixView<'_>,
    b: MatrixView<'_>,
    mut c: MatrixViewMut<'_>,
    f: impl Fn(f32, f32) -> f32,
) {
    assert_eq!((a.shape(), b.shape()), (c.shape(), c.shape()), "shapes of a layer's gradient");
    vectorized(
        #[inline(always)]
        move || {
            for ((a, b), mut c) in a.column_iter().zip(b.column_iter()).zip(c.column_iter_mut()) {
                let sources = a.as_slice().iter().zip(b.as_slice());
                for (c, (&a, &b)) in c.as_mut_slice().iter_mut().zip(sources) {
                    *c = f(a, b);
                }
            }
        },
    );
}

/// Overwrites `x` (rows x n) with the given `rows` of a matrix of bytes, multiplied by `factor`. A column of `bytes`
/// has `stride` elements.
#[track_caller]
pub(crate) fn scale(
    bytes: &[u8],
    stride: usize,
    rows: Range<usize>,
    factor: f32,
    mut x: MatrixViewMut<'_>,
) {
    assert_eq!((rows.len(), bytes.len() / stride), x.shape(), "shapes of bytes and of numbers");
    vectorized(
        #[inline(always)]
        || {
            for (mut x, bytes) in x.column_iter_mut().zip(bytes.chunks_exact(stride)) {
                for (x, &byte) in x.as_mut_slice().iter_mut().zip(&bytes[rows.clone()]) {
                    *x = f32::from(byte) * factor;
                }
            }
        },
    );
}

/// Computes `sum += factor * x`.
pub(crate) fn add_scaled(sum: &mut [f32], factor: f32, x: &[f32]) {
    for (sum, &x) in sum.iter_mut().zip(x) {
        *sum += factor * x;
    }
}

/// Overwrites `sum` with the sum of the columns of `x`, added in order.
#[track_caller]
pub(crate) fn sum_columns(x: MatrixView<'_>, sum: &mut [f32]) {
    /// The number of rows that are summed at once: their sums stay in registers.
    const ROWS: usize = 64;
    assert_eq!(x.nrows(), sum.len(), "rows of a matrix and of the sum of its columns");
    vectorized(
        #[inline(always)]
        || {
            let (whole, rest) = sum.as_chunks_mut::<ROWS>();
            let start_of_rest = ROWS * whole.len();
            for (i, whole) in whole.iter_mut().enumerate() {
                let mut sums = [0.0; ROWS];
                for x in x.column_iter() {
                    let x = &x.as_slice().as_chunks::<ROWS>().0[i];
                    sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum += x);
                }
                *whole = sums;
            }
            rest.fill(0.0);
            for x in x.column_iter() {
                let x = &x.as_slice()[start_of_rest..];
                rest.iter_mut().zip(x).for_each(|(sum, &x)| *sum += x);
            }
        },
    );
}

/// The largest absolute value in `x`; infinite or NaN if any element is.
pub(crate) fn max_abs(x: MatrixView<'_>) -> f32 {
    // Without the sign, floats have the same order as their bits, and NaN's bits are above all others.
    let bits = vectorized(
        #[inline(always)]
        || {
            let largest = |largest: u32, &x: &f32| largest.max(x.abs().to_bits());
            x.column_iter().fold(0, |before, x| x.as_slice().iter().fold(before, largest))
        },
    );
    f32::from_bits(bits)
}

/// [`max_abs`] of a slice.
pub(crate) fn max_abs_of(x: &[f32]) -> f32 {
    max_abs(MatrixView::from_slice(x, x.len(), 1))
}

/// Overwrites `y` (n x m, column-major) with the transpose of `x` (m x n).
#[track_caller]
pub(crate) fn transpose(x: MatrixView<'_>, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "elements of a matrix and of its transpose");
    let (m, n) = x.shape();
    // Each row of this many columns fills a cache line of `y`.
    for start in (0..n).step_by(LINE) {
        let columns = start..n.min(start + LINE);
        for row in 0..m {
            let y = &mut y[row * n..][columns.clone()];
            for (y, column) in y.iter_mut().zip(columns.clone()) {
                *y = x[(row, column)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use pulp::Arch;

    use super::{
        isa::{Arithmetic, InstructionSet},
        *,
    };

    /// A matrix of varied numbers, so that a wrong index, stride or sign changes the result. They are small integers,
    /// so that sums of products are exact in `f32`, and the reference must agree bit for bit.
    fn matrix(rows: usize, columns: usize, salt: usize) -> DMatrix<f32> {
        DMatrix::from_fn(rows, columns, |i, j| ((i * 31 + j * 17 + salt * 7) % 23) as f32 - 11.0)
    }

    #[test]
    fn the_largest_absolute_value() {
        let max_abs_of = |x: DMatrix<f32>| max_abs(x.as_view());
        assert_eq!(max_abs_of(DMatrix::zeros(3, 2)), 0.0);
        assert_eq!(max_abs_of(DMatrix::from_fn(19, 5, |i, j| -((i * j) as f32))), 72.0);
        for odd in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = DMatrix::repeat(19, 5, f32::MAX);
            x[(17, 3)] = odd;
            assert_eq!(max_abs_of(x).is_nan(), odd.is_nan());
        }
    }

    /// What this machine can compute with: an instruction set, its handle, and an arithmetic.
    fn archs() -> impl Iterator<Item = ((InstructionSet, Arithmetic), Arch)> {
        let sets = InstructionSet::ALL.into_iter().filter_map(|set| Some((set, set.arch()?)));
        sets.flat_map(|(set, arch)| {
            let has = move |arithmetic: &_| set.has(*arithmetic);
            Arithmetic::ALL.into_iter().filter(has).map(move |it| ((set, it), arch))
        })
    }

    fn columns_of(x: &DMatrix<f32>) -> impl Iterator<Item = &[f32]> {
        x.as_slice().chunks_exact(x.nrows())
    }

    /// Checks `c = start + a b` by both products, with and without a nonzero mask.
    #[track_caller]
    fn check(m: usize, n: usize, k: usize, b_of: impl Fn(usize, usize, usize) -> DMatrix<f32>) {
        let (a, b, before) = (matrix(m, k, 1), b_of(k, n, 2), matrix(m, n, 3));
        let (product, bt) = (reference::product(&a, &b), b.transpose());
        let (mut mask, mut mask_t) = (NonzeroMask::new(k, n), NonzeroMask::new(n, k));
        mask.update(columns_of(&b));
        mask_t.update(columns_of(&bt));
        let column: Vec<f32> = before.column(0).iter().copied().collect();
        let starts = [
            (Start::Existing, &before + &product),
            (Start::Zero, product.clone()),
            (Start::Column(&column), DMatrix::from_fn(m, n, |i, _| column[i]) + &product),
        ];
        for (set, arch) in archs() {
            for (start, expected) in &starts {
                for nonzero in [None, Some(mask.columns())] {
                    let mut c = before.clone();
                    let (a, b) = (a.as_view(), b.as_view());
                    product::multiply(arch, set.1, c.as_view_mut(), *start, a, b, nonzero);
                    let is_masked = nonzero.is_some();
                    assert_eq!(c, *expected, "{m} x {n} x {k}, {set:?}, {start:?}, {is_masked}");
                }
                let mask = (k <= NonzeroMask::GROUP).then(|| mask_t.rows(0, 0));
                for nonzero in [None, mask] {
                    let mut c = before.clone();
                    let term = Term { a: a.as_view(), b: bt.as_view(), nonzero };
                    // The claimed numbers are not part of the result and must not change.
                    let mut claimed = vec![1.5; if nonzero.is_some() { m * n } else { 0 }];
                    let (view, terms) = (c.as_view_mut(), [term]);
                    product::multiply_transposed(arch, set.1, view, *start, terms, &mut claimed);
                    assert!(claimed.iter().all(|&x| x == 1.5));
                    let is_masked = nonzero.is_some();
                    assert_eq!(c, *expected, "{m} x {n} x {k}T, {set:?}, {start:?}, {is_masked}");
                }
            }
        }
    }

    /// Like `matrix`, but half of the elements are 0.
    fn half_zeros(rows: usize, columns: usize, salt: usize) -> DMatrix<f32> {
        let mut x = matrix(rows, columns, salt);
        x.iter_mut().filter(|x| **x < 0.0).for_each(|x| *x = 0.0);
        x
    }

    #[test]
    fn products_agree_with_the_triple_loop() {
        const SIZES: [usize; 8] = [1, 2, 5, 7, 16, 63, 65, 130];
        for b_of in [matrix, half_zeros, |m, n, _| DMatrix::zeros(m, n)] {
            for m in SIZES {
                for n in SIZES {
                    for k in SIZES {
                        check(m, n, k, b_of);
                    }
                }
            }
            check(128, 32, 784, b_of);
            check(10, 128, 128, b_of);
        }
    }

    /// Columns that share sets of L1 or lie far apart, and too few columns for a copy.
    #[test]
    fn products_of_panels_that_are_copied() {
        for m in [256, 500, 1024] {
            for n in [31, 32, 33] {
                for k in [1, 63, 64, 65, 130] {
                    check(m, n, k, half_zeros);
                }
            }
        }
        // A view of some rows, the last of which do not fill a vector.
        let (a, b) = (matrix(1024, 70, 1), matrix(70, 40, 2));
        let rows = a.rows(3, 250);
        let expected = reference::product(&rows.into_owned(), &b);
        for (set, arch) in archs() {
            let mut c = DMatrix::zeros(250, 40);
            let (a, b) = (rows.as_view(), b.as_view());
            product::multiply(arch, set.1, c.as_view_mut(), Start::Zero, a, b, None);
            assert_eq!(c, expected, "{set:?}");
        }
    }

    /// Products that are rounded have the same bits with every instruction set of an arithmetic, also where panels are
    /// copied, and other bits in the other arithmetic.
    #[test]
    fn rounded_products_differ_only_between_arithmetics() {
        let thirds = |rows, columns, salt| matrix(rows, columns, salt) / 3.0;
        for m in [256, 500, 1024] {
            for n in [33, 65] {
                let (a, b) = (thirds(m, 130, 1), thirds(130, n, 2));
                let [fused, plain] = Arithmetic::ALL.map(|arithmetic| {
                    let mut expected: Option<Vec<u32>> = None;
                    for (set, arch) in archs().filter(|(set, _)| set.1 == arithmetic) {
                        let mut c = DMatrix::zeros(m, n);
                        let (a, b) = (a.as_view(), b.as_view());
                        product::multiply(
                            arch,
                            arithmetic,
                            c.as_view_mut(),
                            Start::Zero,
                            a,
                            b,
                            None,
                        );
                        let bits: Vec<u32> = c.iter().map(|x| x.to_bits()).collect();
                        let expected = expected.get_or_insert_with(|| bits.clone());
                        assert!(bits == *expected, "{m} x {n}, {set:?}");
                    }
                    expected
                });
                assert!(plain.is_some() && fused != plain, "{m} x {n}");
            }
        }
    }

    /// Sums over terms of different lengths, one of them longer than a block.
    #[test]
    fn sums_of_products_agree_with_the_triple_loop() {
        for (m, n) in [(1, 1), (10, 3), (33, 16), (128, 6)] {
            for lengths in [&[32, 32, 32, 32][..], &[32, 5, 1], &[3, 70, 64, 0]] {
                let terms = lengths.iter().enumerate();
                let factors = terms.map(|(i, &k)| (matrix(m, k, i), half_zeros(n, k, i + 4)));
                let factors: Vec<_> = factors.collect();
                let mut expected = matrix(m, n, 3);
                let mut masks = Vec::new();
                for (a, b) in &factors {
                    expected += reference::product(a, &b.transpose());
                    masks.push(NonzeroMask::new(n, b.ncols().max(1)));
                    masks.last_mut().unwrap().update(columns_of(b));
                }
                for (set, arch) in archs() {
                    let terms = factors.iter().zip(&masks).map(|((a, b), mask)| {
                        let nonzero = (b.ncols() <= NonzeroMask::GROUP).then(|| mask.rows(0, 0));
                        Term { a: a.as_view(), b: b.as_view(), nonzero }
                    });
                    let mut c = matrix(m, n, 3);
                    product::multiply_transposed(
                        arch,
                        set.1,
                        c.as_view_mut(),
                        Start::Existing,
                        terms,
                        &mut [],
                    );
                    assert_eq!(c, expected, "{m} x {n} over {lengths:?}, {set:?}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "more than 4 terms")]
    fn too_many_terms_panic() {
        let (x, mut c) = (matrix(3, 3, 1), matrix(3, 3, 2));
        let term = Term { a: x.as_view(), b: x.as_view(), nonzero: None };
        multiply_transposed(c.as_view_mut(), Start::Zero, [term; TERMS + 1], &mut []);
    }

    #[test]
    #[should_panic(expected = "claimed numbers: expected none or as many as the product has")]
    fn too_few_claimed_panic() {
        let (x, mut c) = (matrix(3, 3, 1), matrix(3, 3, 2));
        let term = Term { a: x.as_view(), b: x.as_view(), nonzero: None };
        multiply_transposed(c.as_view_mut(), Start::Zero, [term], &mut [0.0; 8]);
    }

    #[test]
    fn products_of_nothing_add_nothing() {
        for (m, n, k) in [(5, 3, 0), (0, 3, 5), (5, 0, 3), (0, 0, 0)] {
            let (a, b, mut c) = (matrix(m, k, 1), matrix(k, n, 2), matrix(m, n, 3));
            multiply(c.as_view_mut(), Start::Existing, a.as_view(), b.as_view(), None);
            assert_eq!(c, matrix(m, n, 3));
            multiply_transposed(c.as_view_mut(), Start::Existing, [], &mut []);
            assert_eq!(c, matrix(m, n, 3));
            multiply_transposed(c.as_view_mut(), Start::Zero, [], &mut []);
            assert_eq!(c, DMatrix::zeros(m, n));
        }
    }

    /// The processor's best set is found, and it cannot be changed once it is in use.
    #[test]
    fn the_best_instruction_set_is_used_unless_another_was_chosen() {
        let ((best, _), _) = archs().next().unwrap();
        assert_eq!(InstructionSet::current(), best);
        for set in InstructionSet::ALL {
            assert_eq!(set.choose(), set == best, "{set:?}");
        }
    }

    #[test]
    fn products_of_views_leave_the_rest_alone() {
        let (a, b) = (matrix(9, 8, 1), matrix(6, 20, 2));
        let mut c = matrix(9, 20, 3);
        let expected = {
            let mut expected = c.clone();
            let (a, b) = (a.columns(1, 6).into_owned(), b.columns(4, 11).into_owned());
            let mut inner = expected.view_mut((0, 5), (9, 11));
            inner += reference::product(&a, &b);
            expected
        };
        let (a, b) = (a.columns(1, 6), b.columns(4, 11));
        multiply(c.columns_mut(5, 11), Start::Existing, a, b, None);
        assert_eq!(c, expected);
    }

    #[track_caller]
    fn multiply_ones(a: (usize, usize), b: (usize, usize), masked: Option<(usize, usize)>) {
        let ones = |(rows, columns)| DMatrix::from_element(rows, columns, 1.0);
        let (a, b, mut c) = (ones(a), ones(b), ones((3, 3)));
        let mask = masked.map(|(rows, columns)| NonzeroMask::new(rows, columns));
        let nonzero = mask.as_ref().map(NonzeroMask::columns);
        multiply(c.as_view_mut(), Start::Existing, a.as_view(), b.as_view(), nonzero);
    }

    #[test]
    #[should_panic(expected = "shapes of a product")]
    fn mismatched_shapes_panic() {
        multiply_ones((3, 4), (5, 3), None);
    }

    #[test]
    #[should_panic(expected = "nonzero mask of a 70 x 3 matrix is too small")]
    fn too_small_a_mask_panics() {
        multiply_ones((3, 70), (70, 3), Some((64, 3)));
    }

    #[test]
    fn bytes_are_scaled() {
        let bytes: Vec<u8> = (0..=255).chain(0..=255).collect();
        let mut x = DMatrix::repeat(100, 2, 9.0);
        scale(&bytes, 256, 7..107, 0.5, x.as_view_mut());
        for (i, &x) in x.iter().enumerate() {
            assert_eq!(x, 0.5 * (7 + i % 100) as f32);
        }
    }

    #[test]
    fn sums_of_columns_and_transposes() {
        for (rows, columns) in [(1, 1), (7, 3), (8, 16), (65, 9), (128, 64)] {
            let x = matrix(rows, columns, 4);
            let mut sum = vec![9.0; rows];
            sum_columns(x.as_view(), &mut sum);
            assert_eq!(sum, x.column_sum().as_slice());
            let mut y = vec![9.0; rows * columns];
            transpose(x.as_view(), &mut y);
            assert_eq!(y, x.transpose().as_slice());
        }
    }

    #[test]
    fn functions_of_each_element() {
        for (rows, columns) in [(1, 1), (5, 3), (7, 1), (63, 2), (65, 5), (128, 4)] {
            let (x, dy) = (matrix(rows, columns, 4), matrix(rows, columns, 5));
            let mut y = matrix(rows, columns, 6);
            map(x.as_view(), y.as_view_mut(), |x| x * x - 1.0);
            assert_eq!(y, x.map(|x| x * x - 1.0));
            let mut dx = matrix(rows, columns, 6);
            zip_map(y.as_view(), dy.as_view(), dx.as_view_mut(), |y, dy| y - 2.0 * dy);
            assert_eq!(dx, y.zip_map(&dy, |y, dy| y - 2.0 * dy));
        }
    }
}
