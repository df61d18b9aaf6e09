//! The matrix product `c = start + a b`, skipping what zeros of `b` would add.
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
//! one panel of AVX-512. Fewer vectors take 3 or 4 columns for as many sums. What a step does besides, finding the
//! index and the addresses, counts: a core takes in 6 instructions a cycle, and the tile is made of 2 or 3 for each
//! multiply-add.
//!
//! **The order.** Blocks of 64 indices `p` are the outer loop, panels of `R` vectors of rows the next:
//! what of `a` belongs to both, 12 KiB and less, stays in L1 while all columns of `b` pass by. An
//! element of `c` gets the sum of a block, a chain of multiply-adds in the order of `p` that begins at 0,
//! then that of the next: shorter chains, and so smaller errors, than one over all `p`. Neither tiles nor
//! cuts through rows and columns change its bits.
//!
//! **Several terms.** A weight gradient is the sum of a product `a bT` for each part of a batch, of few indices each.
//! They go through a tile in one chain, so that `c` is written once for all of them; panels are of 4 vectors then, 16
//! KiB for 4 parts of 32 samples, and tiles of 3 columns.
//!
//! **The claim.** The parameters that a gradient is for are about to be written by this core, and other cores have read
//! them. Before a core may write a line that others have too, it must be taken from them, which costs as much as the
//! update itself. So each tile writes back what is there in the lines that lie where its own do: they are taken while
//! there is arithmetic to do.
//!
//! A column of `a` and of `c` is contiguous, so vectors run along it; an element of `b` is broadcast, from wherever
//! it lies. Nothing is allocated.
//!
//! **The copy.** The columns of a layer's weights lie as far apart as it has outputs. From about 2 KiB on the processor
//! does not guess which of them comes next, and multiples of 1 KiB share so few of L1's sets that a panel's part of a
//! block does not stay. There it is copied to the stack first, side by side, if enough columns of `b` pass by to pay
//! for that, and while it is, memory is asked for the next.

use std::{
    cell::Cell, hint::black_box, marker::PhantomData, mem::MaybeUninit, ops::Range, ptr::null,
};

use pulp::{Arch, Simd, WithSimd};

use super::mask::Nonzero;
use crate::buffer::{LINE, MatrixView, MatrixViewMut};

/// Indices of the summed dimension in a block: those of a word of bits.
const BLOCK: usize = u64::BITS as usize;

/// Columns of `c` whose bits are looked up together.
const COLUMNS: usize = 64;

/// The most terms of a sum of products.
pub(crate) const TERMS: usize = 4;

/// Vectors of rows in a panel where several terms share L1.
const VECTORS_OF_TERMS: usize = 4;

/// Elements between columns of `a`, and their multiples, with which a panel's block finds no room in L1, as 4 columns
/// already come back to the same sets.
const SAME_SETS: usize = 256;

/// Elements between columns of `a`, and more, where the processor does not guess which it will be asked for next: 500
/// gain by a copy, 400 lose.
const FAR_APART: usize = 480;

/// Columns of `c` that pay for a copy of the panel of `a`.
const COLUMNS_OF_A_COPY: usize = 32;

/// What a product without a start is added to: the vectors of a panel.
static ZEROS: [f32; 8 * 16] = [0.0; 8 * 16];

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a> {
    /// Nothing.
    Zero,
    /// In every column, this one.
    Column(&'a [f32]),
    /// What is there already.
    Kept,
}

/// A product `a bT`. `nonzero` says where the columns of `bT` are not zero; where it is `None`, anywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term<'a> {
    pub(crate) a: MatrixView<'a>,
    pub(crate) b: MatrixView<'a>,
    pub(crate) nonzero: Option<Nonzero<'a>>,
}

/// `c = start + a b`. `nonzero` says where the columns of `b` are not zero; where it is `None`, anywhere.
#[track_caller]
pub(super) fn multiply(
    arch: Arch,
    c: MatrixViewMut<'_>,
    start: Start<'_>,
    a: MatrixView<'_>,
    b: MatrixView<'_>,
    nonzero: Option<Nonzero<'_>>,
) {
    assert_eq!((a.ncols(), b.ncols()), (b.nrows(), c.ncols()), "shapes of a product");
    let strides = (1, b.strides().1);
    let factors = Factors::new(&c, a, b.as_ptr(), strides, nonzero);
    sum::<false>(arch, c, start, &[factors], &mut []);
}

/// `c = start + a bT`, summed over up to [`TERMS`] terms.
///
/// `claimed`, as many numbers as `c` has or none, stay as they are, and come to where this core may write them.
#[track_caller]
pub(super) fn multiply_transposed<'a>(
    arch: Arch,
    c: MatrixViewMut<'_>,
    start: Start<'_>,
    terms: impl IntoIterator<Item = Term<'a>>,
    claimed: &mut [f32],
) {
    let mut factors = [Factors::NONE; TERMS];
    let mut n_terms = 0;
    for Term { a, b, nonzero } in terms {
        assert!(n_terms < TERMS, "more than {TERMS} terms of a sum of products");
        assert_eq!((a.ncols(), b.nrows()), (b.ncols(), c.ncols()), "shapes of a product");
        let strides = (b.strides().1, 1);
        factors[n_terms] = Factors::new(&c, a, b.as_ptr(), strides, nonzero);
        n_terms += 1;
    }
    sum::<true>(arch, c, start, &factors[..n_terms], claimed);
}

fn sum<const TRANSPOSED: bool>(
    arch: Arch,
    mut c: MatrixViewMut<'_>,
    start: Start<'_>,
    terms: &[Factors<'_>],
    claimed: &mut [f32],
) {
    let (m, n) = c.shape();
    assert!([0, m * n].contains(&claimed.len()), "elements of a product and of what is claimed");
    let claimed = Cell::from_mut(claimed).as_slice_of_cells();
    if let Start::Column(column) = start {
        assert_eq!(column.len(), m, "rows of a product and of what it is added to");
    }
    // A pointer to no element must not be moved.
    if c.is_empty() {
        return;
    }
    let (c_stride, c) = (c.strides().1, c.as_mut_ptr());
    arch.dispatch(Product::<TRANSPOSED> { m, n, start, terms, c, c_stride, claimed });
}

/// Two matrices to be multiplied: `a` is m x k, `b` k x n.
#[derive(Clone, Copy)]
struct Factors<'a> {
    k: usize,
    /// Columns lie `a_stride` apart, rows 1.
    a: *const f32,
    a_stride: usize,
    /// Element `(p, j)` lies at `p * b_strides.0 + j * b_strides.1`.
    b: *const f32,
    b_strides: (usize, usize),
    nonzero: Option<Nonzero<'a>>,
    live: PhantomData<&'a [f32]>,
}

impl<'a> Factors<'a> {
    /// Matrices over no index.
    const NONE: Self = Self {
        k: 0,
        a: null(),
        a_stride: 0,
        b: null(),
        b_strides: (0, 0),
        nonzero: None,
        live: PhantomData,
    };

    #[track_caller]
    fn new(
        c: &MatrixViewMut<'_>,
        a: MatrixView<'a>,
        b: *const f32,
        b_strides: (usize, usize),
        nonzero: Option<Nonzero<'a>>,
    ) -> Self {
        let ((m, k), n) = (a.shape(), c.ncols());
        assert_eq!(m, c.nrows(), "rows of a product");
        if let Some(nonzero) = nonzero {
            assert!(nonzero.covers(k, n), "bits of a {k} x {n} matrix: {nonzero:?}");
        }
        let (a, a_stride) = (a.as_ptr(), a.strides().1);
        Self { k, a, a_stride, b, b_strides, nonzero, live: PhantomData }
    }

    /// How many indices of a block there are.
    fn len_of(&self, block: usize) -> usize {
        self.k.saturating_sub(block * BLOCK).min(BLOCK)
    }

    /// Which indices of a block the product goes through, for some columns of `b`.
    #[inline(always)]
    fn words(&self, columns: Range<usize>, block: usize, words: &mut [u64; COLUMNS]) {
        let n_indices = self.len_of(block);
        // A shift by all of a word's bits is none.
        let indices = if n_indices == 0 { 0 } else { u64::MAX >> (BLOCK - n_indices) };
        let words = words.iter_mut().zip(columns);
        match self.nonzero {
            Some(nonzero) if n_indices > 0 => {
                words.for_each(|(word, column)| *word = nonzero.word(column, block) & indices);
            }
            _ => words.for_each(|(word, _)| *word = indices),
        }
    }
}

/// `c = start + a b` over terms: `c` is m x n. Of a `b` that is not `TRANSPOSED` the row stride is 1, of one that is
/// the column stride.
///
/// Made in [`sum`] alone: pointers and strides are those of live matrices of these shapes, `c` is not empty and
/// overlaps no other; a term's `nonzero` covers its `b`; a column to start from has m elements.
struct Product<'a, const TRANSPOSED: bool> {
    m: usize,
    n: usize,
    start: Start<'a>,
    terms: &'a [Factors<'a>],
    /// Columns lie `c_stride` apart, rows 1.
    c: *mut f32,
    c_stride: usize,
    /// Columns lie m apart, rows 1; or nothing.
    claimed: &'a [Cell<f32>],
}

impl<const TRANSPOSED: bool> WithSimd for Product<'_, TRANSPOSED> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let longest = match S::REGISTER_COUNT {
            _ if TRANSPOSED => VECTORS_OF_TERMS,
            32.. => 8,
            _ => 6,
        };
        let n_vectors = self.m.div_ceil(S::F32_LANES);
        let n_panels = n_vectors.div_ceil(longest);
        let k = self.terms.iter().map(|term| term.k).max().unwrap_or(0);
        let mut words = [[0; COLUMNS]; TERMS];
        // If there are no indices, one block without any: `c` must be written.
        for block in 0..k.div_ceil(BLOCK).max(1) {
            for start in (0..self.n).step_by(COLUMNS) {
                let columns = start..self.n.min(start + COLUMNS);
                for (term, words) in self.terms.iter().zip(&mut words) {
                    term.words(columns.clone(), block, words);
                }
                let part = Part { columns, block, words: &words };
                let mut vector = 0;
                for panel in 0..n_panels {
                    // Of about the same length, none of them short of sums.
                    let n = (n_vectors - vector).div_ceil(n_panels - panel).min(longest);
                    self.panel(simd, vector * S::F32_LANES, n, &part);
                    vector += n;
                }
            }
        }
    }
}

/// Some columns of `c`, and what a block of the summed indices adds to them.
struct Part<'a> {
    columns: Range<usize>,
    block: usize,
    /// By term, the indices of each column.
    words: &'a [[u64; COLUMNS]; TERMS],
}

/// What of a term's `a` belongs to a panel and a block: as many columns as the block has, `stride` apart.
#[derive(Clone, Copy)]
struct Panel {
    at: *const f32,
    stride: usize,
}

impl<const TRANSPOSED: bool> Product<'_, TRANSPOSED> {
    /// `n_vectors` vectors of rows from `row`.
    #[inline(always)]
    fn panel<S: Simd>(&self, simd: S, row: usize, n_vectors: usize, part: &Part<'_>) {
        let is_full = row + n_vectors * S::F32_LANES <= self.m;
        match (n_vectors, is_full) {
            (1, true) => self.columns::<S, 1, true>(simd, row, part),
            (2, true) => self.columns::<S, 2, true>(simd, row, part),
            (3, true) => self.columns::<S, 3, true>(simd, row, part),
            (4, true) => self.columns::<S, 4, true>(simd, row, part),
            (5, true) => self.columns::<S, 5, true>(simd, row, part),
            (6, true) => self.columns::<S, 6, true>(simd, row, part),
            (7, true) => self.columns::<S, 7, true>(simd, row, part),
            (8, true) => self.columns::<S, 8, true>(simd, row, part),
            (1, false) => self.columns::<S, 1, false>(simd, row, part),
            (2, false) => self.columns::<S, 2, false>(simd, row, part),
            (3, false) => self.columns::<S, 3, false>(simd, row, part),
            (4, false) => self.columns::<S, 4, false>(simd, row, part),
            (5, false) => self.columns::<S, 5, false>(simd, row, part),
            (6, false) => self.columns::<S, 6, false>(simd, row, part),
            (7, false) => self.columns::<S, 7, false>(simd, row, part),
            (8, false) => self.columns::<S, 8, false>(simd, row, part),
            _ => unreachable!("a panel has 1 to 8 vectors"),
        }
    }

    /// `R` vectors of rows from `row`; unless they are `FULL`, the end of the matrix can cut the last one short.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn columns<S: Simd, const R: usize, const FULL: bool>(
        &self,
        simd: S,
        row: usize,
        part: &Part<'_>,
    ) {
        let mut copy = [[MaybeUninit::uninit(); R]; BLOCK];
        let mut panels = [Panel { at: null(), stride: 0 }; TERMS];
        for (panel, term) in panels.iter_mut().zip(self.terms) {
            // Moved without being read: where the block has none of the term's indices, it is beyond `a`.
            let at = term.a.wrapping_add(part.block * BLOCK * term.a_stride + row);
            *panel = Panel { at, stride: term.a_stride };
        }
        if let ([term], false) = (self.terms, TRANSPOSED) {
            let is_slow = term.a_stride >= FAR_APART || term.a_stride.is_multiple_of(SAME_SETS);
            if FULL && is_slow && part.columns.len() >= COLUMNS_OF_A_COPY {
                panels[0] = term.copy::<S, R>(simd, row, part.block, &mut copy);
            }
        }
        let column = match (R, TRANSPOSED) {
            (1..=2, _) => self.tiles::<S, R, 4, FULL>(simd, &panels, row, 0, part),
            (3, _) | (4, true) => self.tiles::<S, R, 3, FULL>(simd, &panels, row, 0, part),
            _ => 0,
        };
        let column = self.tiles::<S, R, 2, FULL>(simd, &panels, row, column, part);
        self.tiles::<S, R, 1, FULL>(simd, &panels, row, column, part);
    }

    /// As many tiles of `C` columns as there are from the part's `column`; gives the first column that is left.
    #[inline(always)]
    fn tiles<S: Simd, const R: usize, const C: usize, const FULL: bool>(
        &self,
        simd: S,
        panels: &[Panel; TERMS],
        row: usize,
        mut column: usize,
        part: &Part<'_>,
    ) -> usize {
        while column + C <= part.columns.len() {
            self.tile::<S, R, C, FULL>(simd, panels, row, column, part);
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
        panels: &[Panel; TERMS],
        row: usize,
        column: usize,
        part: &Part<'_>,
    ) {
        let lanes = S::F32_LANES;
        let last_len = if FULL { lanes } else { self.m - row - (R - 1) * lanes };
        let len = |r: usize| if r + 1 < R { lanes } else { last_len };
        let start = part.block * BLOCK;
        let columns_before = part.columns.start + column;
        if TRANSPOSED && part.block == 0 {
            for column in columns_before..columns_before + C {
                self.claim(column * self.m + row, (R - 1) * lanes + last_len);
            }
        }

        // SAFETY: `with_simd` and `columns` step so that `R` vectors of rows from `row`, of `len` rows
        // each, are rows of `c`, of a column to start from and, in the panels, of `a`, and `C` columns from
        // `columns_before` columns of `b` and `c`; an index is that of a bit, below the term's `len_of` the block. So
        // each offset below is that of an element of its matrix or of the panel, and no more than these rows are
        // touched.
        unsafe {
            let mut sums = [[simd.splat_f32s(0.0); R]; C];
            // All but the transposed have one term, which the compiler shall know.
            let terms = if TRANSPOSED { self.terms } else { &self.terms[..1] };
            for ((term, a), words) in terms.iter().zip(panels).zip(part.words) {
                let mut bits = words[column..][..C].iter().fold(0, |bits, word| bits | word);
                let (row_stride, column_stride) = match TRANSPOSED {
                    true => (term.b_strides.0, 1),
                    false => (1, term.b_strides.1),
                };
                let b: [_; C] = std::array::from_fn(|j| {
                    term.b.wrapping_add(start * row_stride + (columns_before + j) * column_stride)
                });
                while bits != 0 {
                    let p = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    let b_p = b.map(|b| simd.splat_f32s(*b.add(p * row_stride)));
                    for r in 0..R {
                        let a_pr = load(simd, a.at.add(p * a.stride + r * lanes), len(r));
                        for (sums, &b_pj) in sums.iter_mut().zip(&b_p) {
                            sums[r] = simd.mul_add_e_f32s(a_pr, b_pj, sums[r]);
                        }
                    }
                }
            }
            let c = self.c.add(columns_before * self.c_stride + row);
            let (before, before_stride) = match self.start {
                Start::Zero if part.block == 0 => (ZEROS.as_ptr(), 0),
                Start::Column(column) if part.block == 0 => (column.as_ptr().add(row), 0),
                _ => (c.cast_const(), self.c_stride),
            };
            for (j, sums) in sums.iter().enumerate() {
                for (r, &sum) in sums.iter().enumerate() {
                    let before = before.add(j * before_stride + r * lanes);
                    let c = c.add(j * self.c_stride + r * lanes);
                    store(simd, c, len(r), simd.add_f32s(load(simd, before, len(r)), sum));
                }
            }
        }
    }

    /// Claims the cache lines of `len` numbers from `start`: one number of each is written as it is. (A prefetch for
    /// writing leaves a line that others have too as it was, on the processor of the log.)
    #[inline(always)]
    fn claim(&self, start: usize, len: usize) {
        for at in (start..start + len).step_by(LINE) {
            if let Some(number) = self.claimed.get(at) {
                number.set(black_box(number.get()));
            }
        }
    }
}

impl Factors<'_> {
    /// Copies a block of `R` full vectors of rows from `row` of `a`, and asks memory for what is to be copied next: the
    /// rows after them, or the first of the next block.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn copy<S: Simd, const R: usize>(
        &self,
        simd: S,
        row: usize,
        block: usize,
        copy: &mut [[MaybeUninit<S::f32s>; R]; BLOCK],
    ) -> Panel {
        let n_rows = R * S::F32_LANES;
        let to_next = match row + n_rows < self.a_stride {
            true => n_rows,
            false => BLOCK * self.a_stride - row,
        };
        for (p, column) in copy.iter_mut().enumerate().take(self.len_of(block)) {
            let start = (block * BLOCK + p) * self.a_stride + row;
            for (r, vector) in column.iter_mut().enumerate() {
                // SAFETY: `panel` says that `R` vectors of rows from `row` are rows of `a`, and the block's index a
                // column: below `k`.
                vector.write(unsafe {
                    load(simd, self.a.add(start + r * S::F32_LANES), S::F32_LANES)
                });
            }
            for line in (0..n_rows).step_by(LINE) {
                prefetch(self.a.wrapping_add(start + to_next + line));
            }
        }
        Panel { at: copy.as_ptr().cast(), stride: n_rows }
    }
}

/// Asks for the cache line of an address, which need not be one that can be read.
#[inline(always)]
#[allow(unsafe_code)]
fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing that the program sees and faults nowhere.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// The `len` elements at `from`, up to a vector's lanes; the lanes after them are 0.
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
