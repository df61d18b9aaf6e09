//! Which elements of a matrix are not zero, as bits: what products skip by.
//!
//! Both ways round are kept, since both are asked for: bits along a column (forward: the features of
//! a sample) and bits along a row (weight gradients: the samples of a feature). Rows are masked
//! first, 32 columns at a time, in a loop over rows that runs in vectors; turning blocks of 32 x 32
//! bits gives the columns.

use pulp::{Simd, WithSimd};

use super::isa;

const GROUP: usize = NonzeroMask::GROUP;

/// Where the elements of a matrix of up to a fixed number of columns are not zero.
#[derive(Clone, Debug)]
pub(crate) struct NonzeroMask {
    rows: usize,
    /// Bits of [`GROUP`] columns, row after row; then those of the next columns. The rows of a group
    /// are padded to whole blocks of 32, and after the last there is one more word, which is read but not used.
    by_row: Vec<u32>,
    /// Bits of a column, column after column, each padded to an even number of words.
    by_column: Vec<u32>,
}

impl NonzeroMask {
    /// Columns whose bits share a word of a row.
    pub(crate) const GROUP: usize = u32::BITS as usize;

    /// Room for `rows` x `columns` bits.
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        let (padded, groups) = (rows.next_multiple_of(GROUP), columns.div_ceil(GROUP));
        Self {
            rows,
            by_row: vec![0; padded * groups + 1],
            by_column: vec![0; column_words(rows) * GROUP * groups],
        }
    }

    /// NonzeroMask the elements of a matrix, given by its columns.
    ///
    /// # Panics
    ///
    /// If one has another length, or there is not the room.
    #[track_caller]
    pub(crate) fn update<'a, T: Copy + Default + PartialEq + 'a>(
        &mut self,
        columns: impl Iterator<Item = &'a [T]>,
    ) {
        isa::arch().dispatch(Update { mask: self, columns });
    }

    /// The bits of the columns from the first.
    pub(crate) fn columns(&self) -> Nonzero<'_> {
        Nonzero { words: &self.by_column, stride: column_words(self.rows) }
    }

    /// The bits along rows from `start`, of columns [`NonzeroMask::GROUP`] `* group` and as many after it:
    /// those of the columns of that part's transpose.
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
            let (by_row, by_column) = groups.expect("room for the mask of a matrix");
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

/// Words of a column: an even number, as they are read in pairs.
fn column_words(rows: usize) -> usize {
    rows.div_ceil(GROUP).next_multiple_of(2)
}

/// Where the columns of a matrix are not zero: bit `p % 32` of word `p / 32` of a column is set where
/// its element `p` may be another number than 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nonzero<'a> {
    words: &'a [u32],
    /// Words of a column: an even number, or 1.
    stride: usize,
}

impl Nonzero<'_> {
    /// Whether there are words for a `k` x `n` matrix, and for reading them in pairs.
    pub(super) fn covers(&self, k: usize, n: usize) -> bool {
        k <= self.stride * GROUP && n * self.stride + self.stride % 2 <= self.words.len()
    }

    /// The bits of the 64 elements of a column from `64 * block`, and those past its end at random.
    #[inline(always)]
    pub(super) fn word(&self, column: usize, block: usize) -> u64 {
        let at = column * self.stride + 2 * block;
        let words = &self.words[at..at + 2];
        u64::from(words[0]) | u64::from(words[1]) << GROUP
    }
}

/// Turns a square of bits over its diagonal: bit `j` of word `i` becomes bit `i` of word `j`.
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
    fn bits_are_turned_over_the_diagonal() {
        let bits: [u32; GROUP] = std::array::from_fn(|i| (i as u32 + 1).wrapping_mul(0x9e37_79b9));
        let turned = transposed(bits);
        for (i, word) in bits.iter().enumerate() {
            for (j, turned) in turned.iter().enumerate() {
                assert_eq!(turned >> i & 1, word >> j & 1, "bit {j} of word {i}");
            }
        }
    }

    /// Every element has its bit both ways, whatever was masked before.
    #[test]
    fn every_element_is_marked() {
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
