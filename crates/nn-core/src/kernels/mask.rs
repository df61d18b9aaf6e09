//! Nonzero masks: bits that say which elements of a matrix are not zero, so that products can skip the zeros.
//!
//! A mask holds its bits in two orders, since both are needed: along columns for the forward pass (the features of a
//! sample), and along rows for weight gradients (the samples of a feature). The bits along rows are computed first, for
//! 32 columns at a time, in a vectorised loop over the rows. Transposing blocks of 32 x 32 bits then gives the bits
//! along columns.

use pulp::{Simd, WithSimd};

use super::isa;

const GROUP: usize = NonzeroMask::GROUP;

/// A nonzero mask: a bit for each element of a matrix with up to a fixed number of columns.
#[derive(Clone, Debug)]
pub(crate) struct NonzeroMask {
    rows: usize,
    /// For each group of [`GROUP`] columns, one word for each row. The rows of a group are padded to a multiple of 32.
    /// One more word follows the last group; it is read but not used.
    by_row: Vec<u32>,
    /// The bits of each column, column after column. Each column is padded to an even number of words.
    by_column: Vec<u32>,
}

impl NonzeroMask {
    /// The number of columns whose bits share a word of a row.
    pub(crate) const GROUP: usize = u32::BITS as usize;

    /// Allocates a mask of `rows` x `columns` bits.
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        let (padded, groups) = (rows.next_multiple_of(GROUP), columns.div_ceil(GROUP));
        Self {
            rows,
            by_row: vec![0; padded * groups + 1],
            by_column: vec![0; column_words(rows) * GROUP * groups],
        }
    }

    /// Sets the bits for a matrix, given by its columns.
    ///
    /// # Panics
    ///
    /// If a column has another length, or there are more columns than the mask has room for.
    #[track_caller]
    pub(crate) fn update<'a, T: Copy + Default + PartialEq + 'a>(
        &mut self,
        columns: impl Iterator<Item = &'a [T]>,
    ) {
        isa::arch().dispatch(Update { mask: self, columns });
    }

    /// The bits along columns, from the first column.
    pub(crate) fn columns(&self) -> Nonzero<'_> {
        Nonzero { words: &self.by_column, stride: column_words(self.rows) }
    }

    /// The bits along rows, from row `start`, for group number `group` of the columns. These are the bits along the
    /// columns of the transpose.
    pub(crate) fn rows(&self, start: usize, group: usize) -> Nonzero<'_> {
        let padded = self.rows.next_multiple_of(GROUP);
        let words = &self.by_row[padded * group..][start..=self.rows];
        Nonzero { words, stride: 1 }
    }
}

struct Update<'m, I> {
    mask: &'m mut NonzeroMask,
    columns: I,
}

impl<'a, T, I> WithSimd for Update<'_, I>
where
    T: Copy + Default + PartialEq + 'a,
    I: Iterator<Item = &'a [T]>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { mask, columns } = self;
        let (padded, words) = (mask.rows.next_multiple_of(GROUP), column_words(mask.rows));
        let mut groups = mask.by_row.chunks_exact_mut(padded);
        let mut groups_by_column = mask.by_column.chunks_exact_mut(words * GROUP);
        let mut columns = columns.peekable();
        while columns.peek().is_some() {
            let groups = groups.next().zip(groups_by_column.next());
            let (by_row, by_column) = groups.expect("the mask has room for the columns");
            by_row.fill(0);
            let mut n = 0;
            for x in columns.by_ref().take(GROUP) {
                assert_eq!(x.len(), mask.rows, "rows of a matrix and of its mask");
                for (bits, &x) in by_row.iter_mut().zip(x) {
                    *bits |= u32::from(x != T::default()) << n;
                }
                n += 1;
            }
            for (word, block) in by_row.as_chunks::<GROUP>().0.iter().enumerate() {
                for (j, bits) in transposed(*block).into_iter().enumerate().take(n) {
                    by_column[j * words + word] = bits;
                }
            }
        }
    }
}

/// The number of words of a column: an even number, since they are read in pairs.
fn column_words(rows: usize) -> usize {
    rows.div_ceil(GROUP).next_multiple_of(2)
}

/// The bits of a nonzero mask by columns: bit `p % 32` of word `p / 32` of a column is set if element `p` of that
/// column may be nonzero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nonzero<'a> {
    words: &'a [u32],
    /// The number of words of a column: an even number, or 1.
    stride: usize,
}

impl Nonzero<'_> {
    /// Whether there are enough words for a `k` x `n` matrix, read in pairs.
    pub(super) fn covers(&self, k: usize, n: usize) -> bool {
        k <= self.stride * GROUP && n * self.stride + self.stride % 2 <= self.words.len()
    }

    /// The bits of the 64 elements of a column from element `64 * block`. Bits past the column's end are arbitrary.
    #[inline(always)]
    pub(super) fn word(&self, column: usize, block: usize) -> u64 {
        let at = column * self.stride + 2 * block;
        let words = &self.words[at..at + 2];
        u64::from(words[0]) | u64::from(words[1]) << GROUP
    }
}

/// Transposes a square of bits: bit `j` of word `i` becomes bit `i` of word `j`.
///
/// # Sources
///
/// Warren, "Hacker's Delight" (2nd edition), section 7-3: swap the off-diagonal halves of blocks of 32,
/// then of 16, 8, 4 and 2.
#[inline(always)]
fn transposed(mut bits: [u32; GROUP]) -> [u32; GROUP] {
    let mut mask = u32::MAX;
    let mut half = GROUP / 2;
    while half > 0 {
        mask ^= mask << half;
        for block in bits.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                let swap = ((*low >> half) ^ *high) & mask;
                *low ^= swap << half;
                *high ^= swap;
            }
        }
        half /= 2;
    }
    bits
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;

    #[test]
    fn a_square_of_bits_is_transposed() {
        let bits: [u32; GROUP] = std::array::from_fn(|i| (i as u32 + 1).wrapping_mul(0x9e37_79b9));
        let turned = transposed(bits);
        for (i, word) in bits.iter().enumerate() {
            for (j, turned) in turned.iter().enumerate() {
                assert_eq!(turned >> i & 1, word >> j & 1, "bit {j} of word {i}");
            }
        }
    }

    /// Every element has the right bit in both orders, whatever the mask held before.
    #[test]
    fn every_element_has_its_bit() {
        for (rows, columns) in [(1, 1), (31, 33), (64, 32), (65, 70), (784, 5)] {
            let mut mask = NonzeroMask::new(rows, columns + 3);
            mask.update(vec![1_u8; rows * (columns + 3)].chunks_exact(rows));
            let x = DMatrix::from_fn(rows, columns, |i, j| {
                if (i * 7 + j * 3) % 5 < 2 { 0.0 } else { -(i as f32) - 1.0 }
            });
            mask.update(x.as_slice().chunks_exact(rows));
            for i in 0..rows {
                for j in 0..columns {
                    let is_masked = x[(i, j)] != 0.0;
                    let along_column = mask.columns().word(j, i / 64) >> (i % 64) & 1 == 1;
                    let along_row = mask.rows(i, j / GROUP).word(0, 0) >> (j % GROUP) & 1 == 1;
                    assert_eq!((along_column, along_row), (is_masked, is_masked), "{i}, {j}");
                }
            }
        }
    }
}
