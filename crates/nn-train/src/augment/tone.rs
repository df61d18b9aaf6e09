//! Tone: the brightness and the contrast of an image.
//!
//! A brightness `v`, 0 to 1, becomes `s v (1 + c (1 - v))`: a parabola through 0. White becomes `s`. A positive `c` makes
//! the middle lighter, like a gamma below 1, with more contrast in the dark, and a negative one makes it darker. With
//! `-1 <= c <= 1`, the curve never falls. Unlike a power, it needs only two products for each of the 256 values.

use nn_core::rng::Stream;

use super::symmetric;

/// Coefficients are in this many bits after the point. With four bits before it and the eight of a pixel, numbers fit
/// into 32 bits.
const BITS: u32 = 20;

/// The curve `v (a - b v)`, for pixels `v` from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tone {
    a: i32,
    b: i32,
}

impl Tone {
    /// Draws `s` in `1 - tone..1 + tone` and `c` in `-tone..tone`.
    pub(super) fn draw(stream: &mut Stream, tone: f64) -> Self {
        let s = 1.0 + symmetric(stream, tone);
        Self::new(s, symmetric(stream, tone))
    }

    fn new(s: f64, c: f64) -> Self {
        let fixed = |number: f64| (number * f64::from(1 << BITS)).round() as i32;
        Self { a: fixed(s * (1.0 + c)), b: fixed(s * c / 255.0) }
    }

    /// Changes all pixels. 0 stays 0.
    pub(super) fn apply(self, x: &mut [u8]) {
        let table = self.table();
        x.iter_mut().for_each(|x| *x = table[usize::from(*x)]);
    }

    /// What each pixel becomes.
    fn table(self) -> [u8; 256] {
        let mut table = [0; 256];
        for (v, to) in (0..).zip(&mut table) {
            let exact = v * (self.a - self.b * v);
            *to = ((exact + (1 << (BITS - 1))) >> BITS).clamp(0, 255) as u8;
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use nn_core::rng::Purpose;

    use super::*;

    #[test]
    fn a_curve_of_0_changes_nothing() {
        let mut x: Vec<u8> = (0..=255).collect();
        Tone::new(1.0, 0.0).apply(&mut x);
        assert!(x.into_iter().eq(0..=255));
    }

    /// The curve is the formula's, rounded and clipped. It begins at 0, and never falls.
    #[test]
    fn curves_are_those_of_the_formula() {
        for s in [0.1, 0.8, 1.0, 1.3, 1.9] {
            for c in [-0.9, -0.2, 0.0, 0.3, 0.9] {
                let table = Tone::new(s, c).table();
                assert!(table[0] == 0 && table.is_sorted(), "s {s}, c {c}: {table:?}");
                for (v, found) in table.into_iter().enumerate() {
                    let v = v as f64 / 255.0;
                    let expected = (255.0 * s * v * (1.0 + c * (1.0 - v))).min(255.0);
                    assert!((f64::from(found) - expected).abs() < 0.6, "s {s}, c {c}: {v}");
                }
            }
        }
    }

    /// White is scaled by a factor that is uniform, and so is the slope at black for a given white.
    #[test]
    fn brightness_and_contrast_are_uniform() {
        let mut counts = [[0; 10]; 2];
        for sample in 0..10_000 {
            let mut stream = Stream::new(3, Purpose::Augment, sample);
            let Tone { a, b } = Tone::draw(&mut stream, 0.4);
            let [a, b] = [a, b].map(|it| f64::from(it) / f64::from(1 << BITS));
            let s = a - 255.0 * b;
            let c = a / s - 1.0;
            for (counts, share) in counts.iter_mut().zip([(s - 0.6) / 0.8, (c + 0.4) / 0.8]) {
                assert!((-2e-3..1.002).contains(&share), "s {s}, c {c}");
                counts[((share * 10.0) as usize).min(9)] += 1;
            }
        }
        // 1,000 expected of each, standard deviation 30.
        assert!(counts.iter().flatten().all(|count| (880..1120).contains(count)), "{counts:?}");
    }
}
