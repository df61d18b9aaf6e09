//! Cutout: a square of zeros at a random place.

use nn_core::rng::Stream;

/// Sets a square of `side` pixels to 0. Its centre is anywhere in the image, and what lies outside is cut off.
pub(super) fn cut<const C: usize>(
    stream: &mut Stream,
    side: usize,
    width: usize,
    x: &mut [[u8; C]],
) {
    let height = x.len() / width;
    let [row, column] = [height, width].map(|n| stream.below(n as u32) as usize);
    let half = side / 2;
    let span = |centre: usize, end: usize| {
        let start = centre.saturating_sub(half);
        start.min(end)..(centre + side - half).min(end)
    };
    for row in span(row, height) {
        x[row * width..(row + 1) * width][span(column, width)].fill([0; C]);
    }
}

#[cfg(test)]
mod tests {
    use nn_core::rng::Purpose;

    use super::*;

    /// A square, or the part of it within the image, becomes 0. Nothing else changes.
    #[test]
    fn a_square_is_cut_out() {
        const WIDTH: usize = 5;
        let image: Vec<[u8; 1]> = (1..=20).map(|v| [v]).collect();
        for sample in 0..200 {
            let mut x = image.clone();
            cut(&mut Stream::new(3, Purpose::Augment, sample), 3, WIDTH, &mut x);
            let cut: Vec<usize> = (0..x.len()).filter(|&at| x[at] != image[at]).collect();
            assert!(cut.iter().all(|&at| x[at] == [0]));
            let rows: Vec<usize> = cut.iter().map(|at| at / WIDTH).collect();
            let columns: Vec<usize> = cut.iter().map(|at| at % WIDTH).collect();
            let extent = |of: &[usize]| of.iter().max().unwrap() - of.iter().min().unwrap() + 1;
            let (height, width) = (extent(&rows), extent(&columns));
            assert!((2..=3).contains(&height) && (2..=3).contains(&width), "{height} x {width}");
            assert_eq!(cut.len(), height * width, "a rectangle");
        }
    }
}
