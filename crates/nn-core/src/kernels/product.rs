//! The matrix product `c = start + a b`, which skips the zeros of `b`.
//!
//! Half of a garment's pixels are black, and half of a ReLU's outputs are 0. So half of the multiply-adds of a dense
//! network add nothing. A nonzero mask says where `b` is not zero ([`Nonzero`]), and the inner loop visits only the set
//! bits instead of the whole summed dimension. Adding `x * 0` does not change a sum of finite numbers, so results are
//! bit-for-bit identical to those of a loop that skips nothing.
//!
//! **The tile.** A tile of `c`, `R` vectors of rows by `C` columns, stays in registers. For each index `p` of the
//! summed dimension at which any of the tile's columns of `b` has a bit, one step loads `R` vectors of `a`, broadcasts
//! `C` elements of `b` and does `R C` multiply-adds. Neighbouring columns (adjacent pixels, or samples of one class)
//! have most of their zeros in the same places. So a pair of columns skips nearly as much as a single one, with two
//! thirds of the loads. With 16 registers (AVX2), `R` is up to 6. With two columns that makes 12 sums, enough to hide
//! the latency of an addition. With 32 registers (AVX-512, NEON), `R` is up to 8, so that 128 outputs are one panel
//! with AVX-512. Tiles with fewer vectors have 3 or 4 columns, which gives a similar number of sums. The rest of a
//! step, finding the index and the addresses, matters too: a core takes in 6 instructions a cycle, and the tile needs 2
//! or 3 for each multiply-add.
//!
//! **The order.** The outer loop is over blocks of 64 indices `p`, and the next one over panels of `R` vectors of rows.
//! The part of `a` that belongs to both (12 KiB with AVX2) stays in L1 while all columns of `b` are processed. For each
//! block, an element of `c` gets one sum: a chain of multiply-adds in the order of `p` that starts at 0. These chains
//! are shorter than a single one over all `p`, so rounding errors are smaller. How rows and columns are divided into
//! tiles does not change any bit of the result.
//!
//! **Several terms.** A weight gradient is a sum of products `a bT`, one for each shard of a batch, each over few
//! indices. A tile adds all of them up in one chain, so that `c` is written only once. Panels then have 4 vectors of
//! rows (16 KiB for 4 shards of 32 samples with AVX2), and tiles have 3 columns.
//!
//! **The claim.** This core is about to write the parameters that the gradient belongs to, and other cores have read
//! them. Before a core can write a cache line that other cores hold too, it must take the line from them, which costs
//! as much as the update itself. So for each tile, the core writes one number back, unchanged, in each cache line of
//! the parameters at the same position. It then receives these lines while it is busy with arithmetic.
//!
//! Columns of `a` and of `c` are contiguous, so vectors run along them. An element of `b` is broadcast, so it can lie
//! anywhere. Nothing is allocated.
//!
//! **The copy.** The distance between columns of a layer's weights is its number of outputs. At about 2 KiB or more,
//! the processor does not predict which column comes next. At multiples of 1 KiB, the columns share so few sets of L1
//! that a panel's part of a block does not stay there. In both cases that part is first copied to contiguous memory on
//! the stack, if there are enough columns of `b` to make this pay off. During the copy, the next part is prefetched.

use std::{
    cell::Cell, hint::black_box, marker::PhantomData, mem::MaybeUninit, ops::Range, ptr::null,
};

use pulp::{Arch, Scalar128b, Simd, WithSimd};

use super::{isa::Arithmetic, mask::Nonzero};
use crate::buffer::{LINE, MatrixView, MatrixViewMut};

/// The number of summed indices in a block: one for each bit of a word.
const BLOCK: usize = u64::BITS as usize;

/// The number of columns of `c` whose mask words are looked up together.
const COLUMNS: usize = 64;

/// The maximum number of terms in a sum of products.
pub(crate) const TERMS: usize = 4;

/// The number of vectors of rows in a panel when several terms share L1.
const VECTORS_OF_TERMS: usize = 4;

/// If columns of `a` are a multiple of this many elements apart, every fourth column falls into the same sets of L1,
/// and a panel's part of a block does not fit.
const SAME_SETS: usize = 256;

/// If columns of `a` are at least this many elements apart, the processor does not predict which one is needed next.
/// Measured: a copy pays off at 500 elements, but not at 400.
const FAR_APART: usize = 480;

/// The minimum number of columns of `c` at which a copy of the panel of `a` pays off.
const COLUMNS_OF_A_COPY: usize = 32;

/// The start of a product that is added to nothing: zeros for a panel of any size.
static ZEROS: [f32; 8 * 16] = [0.0; 8 * 16];

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a> {
    /// Nothing.
    Zero,
    /// This column, in every column of the result.
    Column(&'a [f32]),
    /// The values that the result already has.
    Existing,
}

/// A product `a bT`. `nonzero` says where the columns of `bT` are not zero; if it is `None`, nothing is skipped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term<'a> {
    pub(crate) a: MatrixView<'a>,
    pub(crate) b: MatrixView<'a>,
    pub(crate) nonzero: Option<Nonzero<'a>>,
}

/// Computes `c = start + a b`. `nonzero` says where the columns of `b` are not zero; if it is `None`, nothing is
/// skipped.
#[track_caller]
pub(super) fn multiply(
    arch: Arch,
    arithmetic: Arithmetic,
    c: MatrixViewMut<'_>,
    start: Start<'_>,
    a: MatrixView<'_>,
    b: MatrixView<'_>,
    nonzero: Option<Nonzero<'_>>,
) {
    assert_eq!((a.ncols(), b.ncols()), (b.nrows(), c.ncols()), "shapes of a product");
    let strides = (1, b.strides().1);
    let factors = Factors::new(&c, a, b.as_ptr(), strides, nonzero);
    sum::<false>(arch, arithmetic, c, start, &[factors], &mut []);
}

/// Computes `c = start + a bT`, summed over up to [`TERMS`] terms.
///
/// `claimed` is empty or as long as `c`. Its numbers do not change, but this core acquires their cache lines for
/// writing.
#[track_caller]
pub(super) fn multiply_transposed<'a>(
    arch: Arch,
    arithmetic: Arithmetic,
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
    sum::<true>(arch, arithmetic, c, start, &factors[..n_terms], claimed);
}

fn sum<const TRANSPOSED: bool>(
    arch: Arch,
    arithmetic: Arithmetic,
    mut c: MatrixViewMut<'_>,
    start: Start<'_>,
    terms: &[Factors<'_>],
    claimed: &mut [f32],
) {
    let (m, n) = c.shape();
    let fits = [0, m * n].contains(&claimed.len());
    assert!(fits, "claimed numbers: expected none or as many as the product has");
    let claimed = Cell::from_mut(claimed).as_slice_of_cells();
    if let Start::Column(column) = start {
        assert_eq!(column.len(), m, "rows of a product and of the column that it is added to");
    }
    // A pointer to no element must not be moved.
    if c.is_empty() {
        return;
    }
    let (c_stride, c) = (c.strides().1, c.as_mut_ptr());
    macro_rules! product {
        ($fused:expr) => {
            Product::<TRANSPOSED, $fused> { m, n, start, terms, c, c_stride, claimed }
        };
    }
    match (arch, arithmetic) {
        #[cfg(target_arch = "x86_64")]
        (Arch::V4(simd), Arithmetic::Fused) => Simd::vectorize(simd, product!(true)),
        #[cfg(target_arch = "x86_64")]
        (Arch::V3(simd), Arithmetic::Fused) => Simd::vectorize(simd, product!(true)),
        #[cfg(target_arch = "aarch64")]
        (Arch::Neon(simd), Arithmetic::Fused) => Simd::vectorize(simd, product!(true)),
        // A processor with AVX-512 has AVX2, too. Plain products use that, since a third set of kernels would lengthen the
        // build.
        #[cfg(target_arch = "x86_64")]
        (Arch::V4(simd), Arithmetic::Plain) => Simd::vectorize(*simd, product!(false)),
        #[cfg(target_arch = "x86_64")]
        (Arch::V3(simd), Arithmetic::Plain) => Simd::vectorize(simd, product!(false)),
        #[cfg(target_arch = "aarch64")]
        (Arch::Neon(simd), Arithmetic::Plain) => Simd::vectorize(simd, product!(false)),
        #[cfg(target_family = "wasm")]
        (Arch::Simd128(simd), Arithmetic::Plain) => Simd::vectorize(simd, product!(false)),
        (_, Arithmetic::Plain) => Simd::vectorize(Scalar128b, product!(false)),
        (_, Arithmetic::Fused) => unreachable!("`Arithmetic::choose` refuses it"),
    }
}

/// Two matrices to multiply: `a` is m x k, and `b` is k x n.
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
    /// A product over no indices.
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
            assert!(
                nonzero.covers(k, n),
                "nonzero mask of a {k} x {n} matrix is too small: {nonzero:?}"
            );
        }
        let (a, a_stride) = (a.as_ptr(), a.strides().1);
        Self { k, a, a_stride, b, b_strides, nonzero, live: PhantomData }
    }

    /// The number of indices in a block: [`BLOCK`], or fewer at the end.
    fn len_of(&self, block: usize) -> usize {
        self.k.saturating_sub(block * BLOCK).min(BLOCK)
    }

    /// Writes to `words` which indices of a block the product visits, for some columns of `b`.
    #[inline(always)]
    fn words(&self, columns: Range<usize>, block: usize, words: &mut [u64; COLUMNS]) {
        let n_indices = self.len_of(block);
        // A shift by all of a word's bits would overflow.
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

/// The product `c = start + a b`, summed over terms; `c` is m x n. If `TRANSPOSED`, the column stride of each `b` is 1,
/// otherwise its row stride.
///
/// It is made only in [`sum`], which guarantees that pointers and strides are those of live matrices of these shapes,
/// that `c` is not empty and overlaps no other matrix, that a term's `nonzero` covers its `b`, and that a start column
/// has m elements.
struct Product<'a, const TRANSPOSED: bool, const FUSED: bool> {
    m: usize,
    n: usize,
    start: Start<'a>,
    terms: &'a [Factors<'a>],
    /// Columns lie `c_stride` apart, rows 1.
    c: *mut f32,
    c_stride: usize,
    /// Empty, or columns lie m apart and rows 1.
    claimed: &'a [Cell<f32>],
}

impl<const TRANSPOSED: bool, const FUSED: bool> WithSimd for Product<'_, TRANSPOSED, FUSED> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n_vectors = self.m.div_ceil(S::F32_LANES);
        let n_panels = n_vectors.div_ceil(Self::longest::<S>());
        let k = self.terms.iter().map(|term| term.k).max().unwrap_or(0);
        let mut words = [[0; COLUMNS]; TERMS];
        // Without indices there is still one block, since `c` must be written.
        for block in 0..k.div_ceil(BLOCK).max(1) {
            for start in (0..self.n).step_by(COLUMNS) {
                let columns = start..self.n.min(start + COLUMNS);
                for (term, words) in self.terms.iter().zip(&mut words) {
                    term.words(columns.clone(), block, words);
                }
                let part = Part { columns, block, words: &words };
                let mut vector = 0;
                for panel in 0..n_panels {
                    // All panels have about the same length, so that none has too few sums.
                    let n = (n_vectors - vector).div_ceil(n_panels - panel);
                    self.panel(simd, vector * S::F32_LANES, n, &part);
                    vector += n;
                }
            }
        }
    }
}

/// Some columns of `c`, and the summed indices of one block that contribute to them.
struct Part<'a> {
    columns: Range<usize>,
    block: usize,
    /// For each term, the indices of each column.
    words: &'a [[u64; COLUMNS]; TERMS],
}

/// The part of a term's `a` that belongs to a panel and a block: a column for each index of the block, `stride` apart.
#[derive(Clone, Copy)]
struct Panel {
    at: *const f32,
    stride: usize,
}

impl<const TRANSPOSED: bool, const FUSED: bool> Product<'_, TRANSPOSED, FUSED> {
    /// The maximum number of vectors of rows in a panel.
    const fn longest<S: Simd>() -> usize {
        match S::REGISTER_COUNT {
            _ if TRANSPOSED => VECTORS_OF_TERMS,
            32.. => 8,
            _ => 6,
        }
    }

    /// Computes `n_vectors` vectors of rows from `row`.
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

    /// Computes `R` vectors of rows from `row`. Unless they are `FULL`, the last one can end early, at the end of the
    /// matrix.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const FULL: bool>(
        &self,
        simd: S,
        row: usize,
        part: &Part<'_>,
    ) {
        // Two things that halve the time to build this crate. Panels that never occur are not compiled; under any
        // condition but a `const` one, they would be. And `vectorize` makes each panel a function of its own, since the
        // compiler takes far longer for one large function than for many small ones.
        if const { R > Self::longest::<S>() } {
            unreachable!("a panel has at most `longest` vectors");
        }
        simd.vectorize(
            #[inline(always)]
            || self.columns_inlined::<S, R, FULL>(simd, row, part),
        );
    }

    /// [`columns`](Self::columns), inlined there.
    #[inline(always)]
    fn columns_inlined<S: Simd, const R: usize, const FULL: bool>(
        &self,
        simd: S,
        row: usize,
        part: &Part<'_>,
    ) {
        let mut copy = [[MaybeUninit::uninit(); R]; BLOCK];
        let mut panels = [Panel { at: null(), stride: 0 }; TERMS];
        for (panel, term) in panels.iter_mut().zip(self.terms) {
            // The pointer may lie beyond `a`, if the block has none of the term's indices. It is then never read.
            let at = term.a.wrapping_add(part.block * BLOCK * term.a_stride + row);
            *panel = Panel { at, stride: term.a_stride };
        }
        if let ([term], false) = (self.terms, TRANSPOSED) {
            let is_slow = term.a_stride >= FAR_APART || term.a_stride.is_multiple_of(SAME_SETS);
            if FULL && is_slow && part.columns.len() >= COLUMNS_OF_A_COPY {
                panels[0] = term.copy::<S, R>(simd, row, part.block, &mut copy);
            }
        }
        let mut column = 0;
        if const { R <= 2 } {
            column = self.tiles::<S, R, 4, FULL>(simd, &panels, row, column, part);
        }
        if const { R == 3 || R == 4 && TRANSPOSED } {
            column = self.tiles::<S, R, 3, FULL>(simd, &panels, row, column, part);
        }
        column = self.tiles::<S, R, 2, FULL>(simd, &panels, row, column, part);
        self.tiles::<S, R, 1, FULL>(simd, &panels, row, column, part);
    }

    /// Computes tiles of `C` columns from the part's `column`, as many as fit. Returns the first column that is left.
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

    /// Adds a block of the summed indices to a tile: `R` vectors of rows by `C` columns.
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

        // SAFETY: `with_simd` and `columns` choose `row` and `column` such that the `R` vectors of rows from `row`,
        // with `len` rows each, are rows of `c`, of the start column and, in the panels, of `a`; and such that the `C`
        // columns from `columns_before` are columns of `b` and `c`. An index is that of a set bit, so it is below the
        // term's `len_of` the block. So each offset below is that of an element of its matrix or panel, and no other
        // rows are touched.
        unsafe {
            let mut sums = [[simd.splat_f32s(0.0); R]; C];
            // Unless `TRANSPOSED`, there is exactly one term. The slice tells the compiler so.
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
                    let mut b_p = [simd.splat_f32s(0.0); C];
                    for (b_pj, b) in b_p.iter_mut().zip(&b) {
                        *b_pj = simd.splat_f32s(*b.add(p * row_stride));
                    }
                    for r in 0..R {
                        let a_pr = load(simd, a.at.add(p * a.stride + r * lanes), len(r));
                        for (sums, &b_pj) in sums.iter_mut().zip(&b_p) {
                            sums[r] = multiply_add::<S, FUSED>(simd, a_pr, b_pj, sums[r]);
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

    /// Claims the cache lines of `len` numbers from `start`, by writing one number of each line back unchanged. (A
    /// prefetch for writing does not take a line from other cores, on the processor of the log in docs/speed.md.)
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
    /// Copies a block of `R` full vectors of rows of `a`, from `row`. Prefetches what is copied next: the rows after
    /// them, or the first rows of the next block.
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
                // SAFETY: `panel` guarantees that `R` vectors of rows from `row` are rows of `a`. The block's index is
                // below `k`, so it is a column of `a`.
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

/// Computes `a b + c`, rounded once if `FUSED`, else twice.
#[inline(always)]
fn multiply_add<S: Simd, const FUSED: bool>(
    simd: S,
    a: S::f32s,
    b: S::f32s,
    c: S::f32s,
) -> S::f32s {
    if FUSED { simd.mul_add_f32s(a, b, c) } else { simd.add_f32s(simd.mul_f32s(a, b), c) }
}

/// Prefetches the cache line of an address. The address does not have to be readable.
#[inline(always)]
#[allow(unsafe_code)]
fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint. It has no effect that the program can observe, and it never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Loads `len` elements from `from`, at most as many as a vector has lanes. The remaining lanes are 0.
///
/// # Safety
///
/// `from` points to `len` live elements.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn load<S: Simd>(simd: S, from: *const f32, len: usize) -> S::f32s {
    // SAFETY: the caller guarantees `len` elements, and no more are read.
    unsafe {
        if len == S::F32_LANES {
            from.cast::<S::f32s>().read_unaligned()
        } else {
            simd.partial_load_f32s(std::slice::from_raw_parts(from, len))
        }
    }
}

/// Writes the first `len` lanes of a vector to `to`.
///
/// # Safety
///
/// `to` points to `len` live elements that nothing else refers to.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn store<S: Simd>(simd: S, to: *mut f32, len: usize, values: S::f32s) {
    // SAFETY: the caller guarantees `len` elements, and no more are written.
    unsafe {
        if len == S::F32_LANES {
            to.cast::<S::f32s>().write_unaligned(values);
        } else {
            simd.partial_store_f32s(std::slice::from_raw_parts_mut(to, len), values);
        }
    }
}
