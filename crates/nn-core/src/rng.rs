//! Random numbers as pure functions: every draw is determined by `(seed, purpose, index)`.
//!
//! There is no generator state to save, so none to restore wrongly: the order of the samples in epoch 7 is a function
//! of the seed and of 7. The generator is ChaCha8, whose output is specified. The mappings from its words to numbers
//! are our own and pinned by golden tests: if a library changed its method, every saved run would break.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The purpose of a stream. Streams of different purposes never overlap.
///
/// The discriminants must never be changed or reused, since runs would no longer be reproducible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Purpose {
    /// Initial weights; the index is the layer's.
    Init = 1,
    /// The order of the samples; the index is the epoch's.
    Shuffle = 2,
    /// Dropout; the index is the step's.
    Dropout = 3,
    /// Augmentation of a training sample; [`Stream::index_of`] computes the index from epoch and sample.
    Augment = 4,
    /// Which samples are held out, if that is drawn; the index is 0.
    HeldOut = 5,
    /// Custom draws, such as the split of a custom dataset; the caller chooses the index. No draw of these crates
    /// overlaps with them.
    Custom = 255,
}

/// A stream of random numbers.
///
/// ```
/// use nn_core::rng::{Purpose, Stream};
///
/// let draw = |epoch| Stream::new(42, Purpose::Shuffle, epoch).below(1000);
/// assert_eq!(draw(3), draw(3));
/// assert_ne!(draw(3), draw(4));
///
/// // A custom draw, independent of all draws of a run with the same seed.
/// let noise = Stream::new(42, Purpose::Custom, 0).normal();
/// ```
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Creates the stream of `(seed, purpose, index)`: ChaCha8 with `index` as its stream number. Its key is the seed
    /// (8 bytes, little-endian), the purpose (1 byte), and then zeros.
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = purpose as u8;
        let mut chacha = ChaCha8Rng::from_seed(key);
        chacha.set_stream(index);
        Self(chacha)
    }

    /// Combines an epoch, below 2^32, and one of its samples into one index.
    pub fn index_of(epoch: u64, sample: u32) -> u64 {
        epoch << 32 | u64::from(sample)
    }

    /// Continues with the numbers of this layer and shard. Shards do not overlap: each has 2^32 words of the stream,
    /// and a layer has 2^16 shards.
    pub(crate) fn skip_to(&mut self, layer: u64, shard: u64) {
        self.0.set_word_pos(u128::from(layer) << 48 | u128::from(shard) << 32);
    }

    /// Overwrites `numbers` with uniform integers: pairs of the stream's bytes, the lower byte first. The bytes left over
    /// from the last word, if `N` is odd, are dropped.
    pub fn fill_u16<const N: usize>(&mut self, numbers: &mut [u16; N]) {
        let mut bytes = [[0; 2]; N];
        self.0.fill_bytes(bytes.as_flattened_mut());
        for (number, bytes) in numbers.iter_mut().zip(bytes) {
            *number = u16::from_le_bytes(bytes);
        }
    }

    /// Draws a uniform integer in `0..n`.
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    ///
    /// # Sources
    ///
    /// Lemire, "Fast Random Integer Generation in an Interval" (2019), algorithm 5.
    #[track_caller]
    pub fn below(&mut self, n: u32) -> u32 {
        assert!(n > 0, "bound of a draw: expected 1 or more, found 0");
        let mut product = u64::from(self.0.next_u32()) * u64::from(n);
        if (product as u32) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u32) < threshold {
                product = u64::from(self.0.next_u32()) * u64::from(n);
            }
        }
        (product >> 32) as u32
    }

    /// Draws a uniform number in `[0, 1)`: 53 random bits, divided by 2^53.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Draws a number from the standard normal distribution.
    ///
    /// The logarithm is libm's, so results are bit-for-bit identical on every platform.
    ///
    /// # Sources
    ///
    /// Marsaglia and Bray, "A Convenient Method for Generating Normal Variables" (1964): the polar
    /// method. The second number of each pair is dropped, to keep a draw stateless.
    pub fn normal(&mut self) -> f64 {
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let s = x * x + y * y;
            if s > 0.0 && s < 1.0 {
                return x * (-2.0 * libm::log(s) / s).sqrt();
            }
        }
    }

    /// Shuffles the items in place. Every order is equally likely.
    ///
    /// # Panics
    ///
    /// If there are more than `u32::MAX` items.
    ///
    /// # Sources
    ///
    /// Durstenfeld, "Algorithm 235: Random permutation" (1964), from the last item down.
    #[track_caller]
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        let (n, most) = (items.len(), u32::MAX);
        assert!(n <= most as usize, "items to shuffle: expected {most} or fewer, found {n}");
        for i in (1..n as u32).rev() {
            items.swap(i as usize, self.below(i + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use tally::{Failure, Tally, ensure};

    use super::*;

    /// Numbers from `tests/reference/rng.py`. If an upgrade of a dependency changes any of them, every saved run
    /// breaks: do not merge it.
    #[test]
    fn golden_vectors() {
        let order = |epoch| {
            let mut order: Vec<u32> = (0..16).collect();
            Stream::new(0, Purpose::Shuffle, epoch).shuffle(&mut order);
            order
        };
        let mut tally = Tally::new("C8", "golden vectors of the random draws");
        for (epoch, golden) in (0..).zip(GOLDEN_ORDERS) {
            let order = order(epoch);
            for (at, (found, expected)) in order.iter().zip(golden).enumerate() {
                let other = || Failure::torn(format!("epoch {epoch}, {at}: {found}"));
                tally.case(|| ensure(*found == expected, other));
            }
        }
        tally.finish();

        let mut stream = Stream::new(1, Purpose::Init, 2);
        let normals: Vec<f64> = (0..3).map(|_| stream.normal()).collect();
        assert_eq!(normals, GOLDEN_NORMALS);
    }

    /// Custom draws are pinned too. They do not overlap with any other purpose, since the purpose is part of ChaCha8's
    /// key.
    #[test]
    fn custom_draws_have_their_own_key() {
        use Purpose::*;
        let first = |purpose| Stream::new(0, purpose, 0).below(u32::MAX);
        let draws = [Init, Shuffle, Dropout, Augment, HeldOut, Custom].map(first);
        for (i, draw) in draws.iter().enumerate() {
            assert!(!draws[..i].contains(draw), "{draws:?}");
        }
        assert_eq!((HeldOut as u8, Custom as u8), (5, 255));
    }

    /// Among the integers below `3 * 2^30`, each remainder modulo 3 is equally likely. If no draw were rejected, half
    /// of the draws would be divisible by 3.
    #[test]
    fn no_integer_is_more_probable() {
        let mut stream = Stream::new(0, Purpose::Shuffle, 0);
        let mut counts = [0; 3];
        for _ in 0..30_000 {
            counts[stream.below(3 << 30) as usize % 3] += 1;
        }
        assert!(counts.iter().all(|n| (9_700..10_300).contains(n)), "{counts:?}");
    }

    const GOLDEN_ORDERS: [[u32; 16]; 3] = [
        [11, 2, 0, 9, 12, 8, 1, 7, 13, 6, 4, 14, 5, 15, 10, 3],
        [5, 15, 6, 0, 7, 1, 2, 11, 3, 9, 8, 10, 14, 12, 4, 13],
        [0, 2, 4, 15, 10, 7, 11, 13, 6, 12, 14, 8, 5, 3, 9, 1],
    ];
    const GOLDEN_NORMALS: [f64; 3] = [-0.4658113434897822, 1.3454802515635722, -1.4181776921265128];

    #[test]
    fn below_is_uniform() {
        let mut stream = Stream::new(7, Purpose::Shuffle, 0);
        let mut counts = [0; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        // 10,000 expected, standard deviation 91.
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }

    #[test]
    fn normal_has_mean_0_and_variance_1() {
        let mut stream = Stream::new(7, Purpose::Init, 0);
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.015, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
        let beyond_2 = draws.iter().filter(|x| x.abs() > 2.0).count() as f64 / 1e5;
        assert!((beyond_2 - 0.0455).abs() < 0.003, "{beyond_2}");
    }
}
