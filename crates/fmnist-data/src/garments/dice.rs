//! The random choices of an image.
//!
//! Each image has its own ChaCha8 stream, so no image depends on how many draws another one took.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Which of the two splits an image belongs to. Part of every stream number.
#[derive(Debug, Clone, Copy)]
pub(super) enum SplitKind {
    Train,
    Test,
}

/// What a stream is for; images and their order have separate streams.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Image,
    Order,
}

/// One stream of random choices.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of (seed, kind, purpose, index). The key is the seed in 8 little-endian bytes
    /// and a fixed text; the stream number is kind, purpose and index in 1, 1 and 62 bits.
    pub(super) fn new(seed: u64, kind: SplitKind, purpose: Purpose, index: usize) -> Self {
        let mut key = *b"........fmnist-data/garments/v1\0";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream((kind as u64) << 63 | (purpose as u64) << 62 | index as u64);
        Self(rng)
    }

    /// Uniform from `low` (included) to `high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32;
        low + (high - low) * unit
    }

    /// True with the given probability.
    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// Uniform over 0 to `n` - 1, to within `n` in 2^32 (widening multiplication).
    pub(super) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// Uniform bytes.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}
