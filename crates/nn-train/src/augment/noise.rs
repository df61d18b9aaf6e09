//! Noise, as a camera adds it: a normal number for each pixel, except for the background.
//!
//! A photograph's background is exactly 0 after it was removed. So pixels of 0 stay 0, which also keeps products fast. A
//! pixel of several channels is 0 if all of them are.
//!
//! Most of the time goes into random bits, so they are used sparingly. A normal number is approximated by four uniform
//! integers below 16: their sum, or the sum of two of them minus that of the others. These are uncorrelated, so that one
//! random number of 16 bits makes the noise of two pixels. The distribution function differs from the normal one by less
//! than 0.008, and no noise is beyond 3.3 standard deviations.

use std::array;

use nn_core::rng::Stream;

/// Scales are in this many bits after the point. Up to 28, they fit into 16 bits.
const BITS: u32 = 10;

/// The number of random numbers that are drawn at once, for each channel.
const N: usize = 32;

/// Adds noise of this standard deviation, at most 255, to all pixels that are not 0. Each channel has its own noise.
pub(super) fn add<const C: usize>(stream: &mut Stream, deviation: f64, x: &mut [[u8; C]]) {
    // The variance of an integer below 16 is (16^2 - 1) / 12, and that of four of them 85.
    let scale = (deviation / 85f64.sqrt() * f64::from(1 << BITS)).round() as i16;
    let mut of_channels = [[0; N]; C];
    for x in x.chunks_mut(2 * N) {
        of_channels.iter_mut().for_each(|numbers| stream.fill_u16(numbers));
        let numbers = array::from_fn(|i| of_channels.map(|numbers| numbers[i]));
        let (first, second) = x.split_at_mut(N.min(x.len()));
        // The mean of an integer is 7.5.
        add_each(scale, first, &numbers, |a, b| a + b - 30);
        add_each(scale, second, &numbers, |a, b| a - b);
    }
}

/// Adds to each channel of each pixel what `noise` makes of a number: its arguments are the sums of two integers.
fn add_each<const C: usize>(
    scale: i16,
    x: &mut [[u8; C]],
    numbers: &[[u16; C]; N],
    noise: impl Fn(i16, i16) -> i16,
) {
    for (x, numbers) in x.iter_mut().zip(numbers) {
        let noisy: [u8; C] = array::from_fn(|channel| {
            let number = numbers[channel];
            let sums = (number & 0x0f0f) + (number >> 4 & 0x0f0f);
            let noise = noise((sums & 255) as i16, (sums >> 8) as i16);
            let scaled = (i32::from(noise) * i32::from(scale) + (1 << (BITS - 1))) >> BITS;
            (i32::from(x[channel]) + scaled).clamp(0, 255) as u8
        });
        *x = if *x == [0; C] { [0; C] } else { noisy };
    }
}

#[cfg(test)]
mod tests {
    use nn_core::rng::Purpose;

    use super::*;

    /// Adds noise to 100,000 pixels of 128, and returns how much was added to each.
    fn noise(deviation: f64) -> Vec<f64> {
        let mut x = vec![[128]; 100_000];
        add(&mut Stream::new(3, Purpose::Augment, 0), deviation, &mut x);
        x.into_iter().map(|[x]| f64::from(x) - 128.0).collect()
    }

    fn mean(numbers: impl IntoIterator<Item = f64>) -> f64 {
        let (sum, n) = numbers.into_iter().fold((0.0, 0.0), |(sum, n), x| (sum + x, n + 1.0));
        sum / n
    }

    /// The mean is 0. The variance is the square of the standard deviation, and about a twelfth from rounding to bytes.
    #[test]
    fn has_the_stated_deviation() {
        for deviation in [1.0, 5.0, 10.0, 30.0] {
            let noise = noise(deviation);
            let m = mean(noise.iter().copied());
            let variance = mean(noise.iter().map(|x| (x - m) * (x - m)));
            let expected = deviation * deviation + 1.0 / 12.0;
            assert!(m.abs() < 0.015 * deviation, "{deviation}: {m}");
            assert!((variance / expected - 1.0).abs() < 0.03, "{deviation}: {variance}");
        }
        assert!(noise(0.0).iter().all(|&x| x == 0.0));
    }

    /// As many values are beyond one and two standard deviations as of a normal number, within a hundredth.
    #[test]
    fn is_nearly_normal() {
        let noise = noise(30.0);
        for (deviations, share) in [(1.0, 0.3173), (2.0, 0.0455)] {
            let beyond = |x: f64| f64::from(u8::from(x.abs() > 30.0 * deviations));
            let found = mean(noise.iter().map(|&x| beyond(x)));
            assert!((found - share).abs() < 0.015, "{deviations}: {found}");
        }
    }

    /// Neighbours have different noise, and so have the two pixels of a number and the same places of two chunks.
    #[test]
    fn pixels_are_independent() {
        let noise = noise(10.0);
        for distance in [1, 2, N, 2 * N] {
            let products = noise.iter().zip(&noise[distance..]).map(|(a, b)| a * b);
            let correlation = mean(products) / 100.0;
            assert!(correlation.abs() < 0.015, "{distance}: {correlation}");
        }
    }

    #[test]
    fn is_clipped_and_leaves_0() {
        let mut x: Vec<u8> = [0, 1, 254, 255].repeat(500);
        add::<1>(&mut Stream::new(3, Purpose::Augment, 1), 255.0, x.as_chunks_mut().0);
        let (background, others): (Vec<_>, Vec<_>) =
            x.chunks(4).map(|x| (x[0], [x[1], x[2], x[3]])).unzip();
        assert!(background.iter().all(|&x| x == 0));
        let others = others.as_flattened();
        assert!(others.contains(&0) && others.contains(&255));
    }

    /// Each channel has its own noise, even where it is 0, unless the whole pixel is 0.
    #[test]
    fn channels_have_their_own_noise() {
        let mut x = [[0; 3], [0, 128, 128]].repeat(5_000);
        add(&mut Stream::new(3, Purpose::Augment, 2), 20.0, &mut x);
        let (pixels, _) = x.as_chunks::<2>();
        assert!(pixels.iter().all(|[background, _]| *background == [0; 3]));
        let of = |channel: usize, middle: f64| {
            pixels.iter().map(move |[_, x]| f64::from(x[channel]) - middle)
        };
        // Half of the noise on 0 is cut off.
        let is_changed = mean(of(0, 0.0).map(|x| f64::from(u8::from(x > 0.0))));
        assert!((is_changed - 0.5).abs() < 0.03, "{is_changed}");
        let variance = mean(of(1, 128.0).map(|x| x * x));
        assert!((variance / 400.0 - 1.0).abs() < 0.05, "{variance}");
        let correlation = mean(of(1, 128.0).zip(of(2, 128.0)).map(|(a, b)| a * b)) / variance;
        assert!(correlation.abs() < 0.03, "{correlation}");
    }
}
