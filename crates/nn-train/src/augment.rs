//! Augmentation: random changes of training images, while their batch is gathered.
//!
//! The changes depend only on the run's seed, the epoch and the image. So no state is saved, and none can be restored
//! wrongly.

use nn_core::rng::{Purpose, Stream};

/// How training images are augmented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augment {
    /// Whether to flip half of the images, at random, left to right.
    pub flip: bool,
    /// The largest shift of an image in each direction, in pixels. Pixels that become free are 0.
    pub shift: usize,
    /// The side, in pixels, of a square of zeros at a random place in each image, cut off at the edges; 0 for none.
    ///
    /// DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout" (2017).
    pub cutout: usize,
}

impl Augment {
    /// Whether any augmentation is enabled.
    pub fn is_any(self) -> bool {
        self != Self::default()
    }

    /// Augments `image`, which has rows of `width` pixels, and overwrites `x` with the result. The random changes are
    /// those of `sample` in `epoch`.
    pub(crate) fn apply(
        self,
        seed: u64,
        epoch: u64,
        sample: u32,
        width: usize,
        image: &[u8],
        x: &mut [u8],
    ) {
        let height = image.len() / width;
        let mut stream = Stream::new(seed, Purpose::Augment, Stream::index_of(epoch, sample));
        let mut draw = |n: usize| stream.below(n as u32) as usize;
        let flip = self.flip && draw(2) == 1;
        // Pixels to the right and down; negative ones are to the left and up.
        let [right, down] =
            [(); 2].map(|()| draw(2 * self.shift + 1) as isize - self.shift as isize);
        for (row, x) in x.chunks_exact_mut(width).enumerate() {
            let from = row.checked_add_signed(-down).filter(|&from| from < height);
            match from {
                Some(from) => shift(&image[from * width..(from + 1) * width], right, x),
                None => x.fill(0),
            }
            if flip {
                x.reverse();
            }
        }
        if self.cutout > 0 {
            let half = self.cutout / 2;
            let [row, column] = [draw(height), draw(width)];
            let span = |centre: usize, end: usize| {
                let start = centre.saturating_sub(half);
                start.min(end)..(centre + self.cutout - half).min(end)
            };
            for row in span(row, height) {
                x[row * width..(row + 1) * width][span(column, width)].fill(0);
            }
        }
    }
}

/// Overwrites `x` with a row of pixels moved to the right, or to the left if `right` is negative.
fn shift(row: &[u8], right: isize, x: &mut [u8]) {
    let n = right.unsigned_abs().min(row.len());
    let rest = row.len() - n;
    if right >= 0 {
        x[..n].fill(0);
        x[n..].copy_from_slice(&row[..rest]);
    } else {
        x[..rest].copy_from_slice(&row[n..]);
        x[rest..].fill(0);
    }
}

/// Overwrites `x` with the mirror image of `image`, which has rows of `width` pixels.
pub(crate) fn flip(width: usize, image: &[u8], x: &mut [u8]) {
    for (x, row) in x.chunks_exact_mut(width).zip(image.chunks_exact(width)) {
        x.copy_from_slice(row);
        x.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 5;
    const HEIGHT: usize = 4;

    /// An image whose pixels are all different, and not 0.
    fn image() -> Vec<u8> {
        (1..=(WIDTH * HEIGHT) as u8).collect()
    }

    fn changed(augment: Augment, epoch: u64, sample: u32) -> Vec<u8> {
        let mut x = vec![99; WIDTH * HEIGHT];
        augment.apply(3, epoch, sample, WIDTH, &image(), &mut x);
        x
    }

    /// The image, flipped if `flip`, then moved to the right and down.
    fn moved(flip: bool, right: isize, down: isize) -> Vec<u8> {
        let image = image();
        let pixel = |row: isize, column: isize| {
            let column = if flip { WIDTH as isize - 1 - column } else { column };
            let (row, column) = (row - down, column - right);
            let inside =
                (0..HEIGHT as isize).contains(&row) && (0..WIDTH as isize).contains(&column);
            if inside { image[row as usize * WIDTH + column as usize] } else { 0 }
        };
        let rows = 0..HEIGHT as isize;
        rows.flat_map(|row| (0..WIDTH as isize).map(move |column| pixel(row, column))).collect()
    }

    #[test]
    fn flips_and_shifts_are_equally_likely() {
        let augment = Augment { flip: true, shift: 2, cutout: 0 };
        let shifts = || (-2..=2).flat_map(|right| (-2..=2).map(move |down| (right, down)));
        let all: Vec<_> = [false, true]
            .into_iter()
            .flat_map(|flip| shifts().map(move |(right, down)| moved(flip, right, down)))
            .collect();
        let mut counts = vec![0; all.len()];
        for sample in 0..5000 {
            let x = changed(augment, 0, sample);
            let at = all.iter().position(|other| *other == x).expect("a shift of up to 2 pixels");
            counts[at] += 1;
        }
        // 100 expected of each, standard deviation 10.
        assert!(counts.iter().all(|count| (60..140).contains(count)), "{counts:?}");
    }

    #[test]
    fn no_augmentation_changes_nothing() {
        assert_eq!(changed(Augment::default(), 0, 0), image());
        assert!(!Augment::default().is_any());
    }

    #[test]
    fn changes_depend_on_epoch_and_sample() {
        let augment = Augment { flip: true, shift: 2, cutout: 2 };
        let of_epoch =
            |epoch| (0..50).map(|sample| changed(augment, epoch, sample)).collect::<Vec<_>>();
        assert_eq!(of_epoch(1), of_epoch(1));
        assert_ne!(of_epoch(1), of_epoch(2));
    }

    /// A square, or the part of it within the image, becomes 0. Nothing else changes.
    #[test]
    fn a_square_is_cut_out() {
        let image = image();
        for sample in 0..200 {
            let x = changed(Augment { cutout: 3, ..Augment::default() }, 0, sample);
            let cut: Vec<usize> = (0..x.len()).filter(|&at| x[at] != image[at]).collect();
            assert!(cut.iter().all(|&at| x[at] == 0));
            let rows: Vec<usize> = cut.iter().map(|at| at / WIDTH).collect();
            let columns: Vec<usize> = cut.iter().map(|at| at % WIDTH).collect();
            let extent = |of: &[usize]| of.iter().max().unwrap() - of.iter().min().unwrap() + 1;
            let (height, width) = (extent(&rows), extent(&columns));
            assert!((2..=3).contains(&height) && (2..=3).contains(&width), "{height} x {width}");
            assert_eq!(cut.len(), height * width, "a rectangle");
        }
    }

    #[test]
    fn flips_images() {
        let mut x = vec![0; WIDTH * HEIGHT];
        flip(WIDTH, &image(), &mut x);
        assert_eq!(x, moved(true, 0, 0));
    }
}
