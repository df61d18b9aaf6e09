//! Augmentation: random changes of training images, while their batch is gathered.
//!
//! The changes depend only on the run's seed, the epoch and the image. So no state is saved, and none can be restored
//! wrongly. Each kind of change has its own file. All of them give the same bytes on every processor: they compute with
//! integers, or with operations on `f64` that IEEE 754 rounds exactly, and with `libm`.
//!
//! A pixel of 0 is background. Changes of tone and noise leave it at 0, as in photographs whose background was removed.
//!
//! A pixel has `C` channels: one, or three for red, green and blue. The channels of a pixel always move together, and have
//! the same change of tone; only noise is drawn for each of them.

mod affine;
mod cutout;
mod noise;
mod shift;
mod tone;

use nn_core::rng::{Purpose, Stream};
use nn_core::{SettingError, Shape};

use affine::Affine;
use tone::Tone;

pub use shift::mirror_image;

/// How training images are augmented. An image is first rotated and scaled, then shifted, then flipped. Then come tone,
/// noise, and the square.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augment {
    /// Whether to flip half of the images, at random, left to right.
    pub flip: bool,
    /// The largest shift of an image in each direction, in pixels. Pixels that become free are 0.
    pub shift: usize,
    /// The largest rotation about the centre of the image, in degrees, 0 to 180. Each image is rotated by an angle that
    /// is uniform between this one to the left and to the right. Pixels from outside the image are 0.
    pub rotate: f64,
    /// The largest change of size, 0 to 0.9. Each image is scaled about its centre by a factor that is uniform in
    /// `1 - zoom..1 + zoom`. Pixels from outside the image are 0.
    pub zoom: f64,
    /// The largest change of brightness and of contrast, 0 to 0.9. A pixel of brightness `v`, 0 to 1, becomes
    /// `s v (1 + c (1 - v))`, where the image's `s` is uniform in `1 - tone..1 + tone` and its `c` in `-tone..tone`.
    pub tone: f64,
    /// The largest standard deviation of noise, 0 to 255, where white is 255. Each image has normal noise of its own
    /// standard deviation, which is uniform in `0..noise`. Each channel of a pixel has its own noise. Pixels whose channels
    /// are all 0 stay 0.
    pub noise: f64,
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

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn validate(self) -> Result<(), SettingError> {
        for (name, found, most, expected) in [
            ("rotate", self.rotate, 180.0, "at least 0 and at most 180 degrees"),
            ("zoom", self.zoom, 0.9, "at least 0 and at most 0.9"),
            ("tone", self.tone, 0.9, "at least 0 and at most 0.9"),
            ("noise", self.noise, 255.0, "at least 0 and at most 255"),
        ] {
            SettingError::check(name, (0.0..=most).contains(&found), expected, found)?;
        }
        Ok(())
    }

    /// Augments `image`, which has this shape, and overwrites `x` with the result. The random changes are those of `sample`
    /// in `epoch`. An image has one or three channels: [`crate::Samples::as_images`] has checked this.
    pub(crate) fn apply(
        self,
        seed: u64,
        epoch: u64,
        sample: u32,
        shape: Shape,
        image: &[u8],
        x: &mut [u8],
    ) {
        let stream = Stream::new(seed, Purpose::Augment, Stream::index_of(epoch, sample));
        match shape.channels {
            3 => self.change::<3>(stream, shape.width, image.as_chunks().0, x.as_chunks_mut().0),
            _ => self.change::<1>(stream, shape.width, image.as_chunks().0, x.as_chunks_mut().0),
        }
    }

    /// Augments an image with rows of `width` pixels.
    ///
    /// A change that is not enabled draws nothing, except for shifts. So the draws of runs without it stay the same.
    fn change<const C: usize>(
        self,
        mut stream: Stream,
        width: usize,
        image: &[[u8; C]],
        x: &mut [[u8; C]],
    ) {
        let flip = self.flip && stream.below(2) == 1;
        // Pixels to the right and down; negative ones are to the left and up.
        let right_down = [(); 2]
            .map(|()| stream.below((2 * self.shift + 1) as u32) as isize - self.shift as isize);
        if self.rotate > 0.0 || self.zoom > 0.0 {
            let affine = Affine::draw(&mut stream, self.rotate, self.zoom);
            affine.apply(width, image, right_down, x);
        } else {
            shift::shift(width, image, right_down, x);
        }
        if flip {
            x.chunks_exact_mut(width).for_each(<[[u8; C]]>::reverse);
        }
        if self.tone > 0.0 {
            Tone::draw(&mut stream, self.tone).apply(x.as_flattened_mut());
        }
        if self.noise > 0.0 {
            let deviation = self.noise * stream.uniform();
            noise::add(&mut stream, deviation, x);
        }
        if self.cutout > 0 {
            cutout::cut(&mut stream, self.cutout, width, x);
        }
    }
}

/// Draws a uniform number in `-most..most`.
fn symmetric(stream: &mut Stream, most: f64) -> f64 {
    most * (2.0 * stream.uniform() - 1.0)
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
        changed_image(augment, epoch, sample, &image())
    }

    fn changed_image(augment: Augment, epoch: u64, sample: u32, image: &[u8]) -> Vec<u8> {
        let mut x = vec![99; WIDTH * HEIGHT];
        augment.apply(3, epoch, sample, Shape::image(HEIGHT, WIDTH), image, &mut x);
        x
    }

    /// Each kind of change on its own, and all of them.
    fn kinds() -> [Augment; 8] {
        let none = Augment::default();
        [
            Augment { flip: true, ..none },
            Augment { shift: 1, ..none },
            Augment { rotate: 30.0, ..none },
            Augment { zoom: 0.3, ..none },
            Augment { tone: 0.5, ..none },
            Augment { noise: 20.0, ..none },
            Augment { cutout: 2, ..none },
            Augment {
                flip: true,
                shift: 1,
                rotate: 30.0,
                zoom: 0.3,
                tone: 0.5,
                noise: 20.0,
                cutout: 2,
            },
        ]
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
        let augment = Augment { flip: true, shift: 2, ..Augment::default() };
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
        assert!(kinds().into_iter().all(Augment::is_any));
    }

    #[test]
    fn changes_depend_on_epoch_and_sample() {
        for augment in kinds() {
            let of_epoch =
                |epoch| (0..50).map(|sample| changed(augment, epoch, sample)).collect::<Vec<_>>();
            let (first, second) = (of_epoch(1), of_epoch(2));
            assert_eq!(first, of_epoch(1));
            assert_ne!(first, second, "{augment:?}");
            assert!(first.iter().any(|x| *x != first[0]), "{augment:?}");
        }
    }

    /// A black image stays black, and only moving an image changes which of its pixels are background.
    #[test]
    fn the_background_stays_0() {
        let background = [0; WIDTH * HEIGHT];
        let spots: Vec<u8> = image().iter().map(|&v| if v % 3 == 0 { 0 } else { 200 }).collect();
        for (augment, sample) in kinds().into_iter().flat_map(|it| (0..50).map(move |i| (it, i))) {
            assert_eq!(changed_image(augment, 0, sample, &background), background, "{augment:?}");
            let is_still = Augment { tone: 0.0, noise: 0.0, ..augment } == Augment::default();
            if is_still {
                let x = changed_image(augment, 0, sample, &spots);
                assert!(x.iter().zip(&spots).all(|(x, spot)| (*x == 0) == (*spot == 0)), "{x:?}");
            }
        }
    }

    /// A colour image whose channels are equal changes as the grey image does, in each channel. Only noise differs.
    #[test]
    fn equal_channels_change_as_grey() {
        let shape = Shape { channels: 3, ..Shape::image(HEIGHT, WIDTH) };
        let coloured: Vec<u8> = image().iter().flat_map(|&v| [v; 3]).collect();
        for augment in kinds().map(|it| Augment { noise: 0.0, ..it }) {
            for sample in 0..100 {
                let mut x = vec![99; coloured.len()];
                augment.apply(3, 0, sample, shape, &coloured, &mut x);
                let grey = changed(augment, 0, sample);
                let expected: Vec<u8> = grey.iter().flat_map(|&v| [v; 3]).collect();
                assert_eq!(x, expected, "{augment:?}, {sample}");
            }
        }
    }

    /// Each channel of a colour image changes as a grey image of it does, except for noise.
    #[test]
    fn channels_change_on_their_own() {
        let shape = Shape { channels: 3, ..Shape::image(HEIGHT, WIDTH) };
        let planes = [3, 7, 11].map(|step| {
            (0..WIDTH * HEIGHT).map(|i| (i * step % 250 + 1) as u8).collect::<Vec<u8>>()
        });
        let coloured: Vec<u8> =
            (0..WIDTH * HEIGHT).flat_map(|i| planes.each_ref().map(|plane| plane[i])).collect();
        for augment in kinds().map(|it| Augment { noise: 0.0, ..it }) {
            for sample in 0..50 {
                let mut x = vec![99; coloured.len()];
                augment.apply(3, 0, sample, shape, &coloured, &mut x);
                for (channel, plane) in planes.iter().enumerate() {
                    let found: Vec<u8> = x.iter().skip(channel).step_by(3).copied().collect();
                    let expected = changed_image(augment, 0, sample, plane);
                    assert_eq!(found, expected, "{augment:?}, {sample}, {channel}");
                }
            }
        }
    }

    /// A shift has the same meaning together with a rotation, here by nearly 0 degrees.
    #[test]
    fn rotated_images_are_shifted_and_flipped_as_others() {
        let plain = Augment { flip: true, shift: 2, ..Augment::default() };
        let augment = Augment { rotate: 1e-9, ..plain };
        for sample in 0..100 {
            assert_eq!(changed(augment, 0, sample), changed(plain, 0, sample), "{sample}");
        }
    }

    /// The message has the name that the setting has in files.
    #[test]
    fn settings_out_of_range() {
        let none = Augment::default();
        for (augment, expected) in [
            (Augment { rotate: 180.5, ..none }, "rotate: expected at least 0 and at most 180"),
            (Augment { zoom: 1.0, ..none }, "zoom: expected at least 0 and at most 0.9, found 1"),
            (Augment { tone: -0.1, ..none }, "tone: expected at least 0 and at most 0.9"),
            (Augment { noise: f64::NAN, ..none }, "noise: expected at least 0 and at most 255"),
        ] {
            let error = augment.validate().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let largest = Augment { rotate: 180.0, zoom: 0.9, tone: 0.9, noise: 255.0, ..none };
        assert_eq!(largest.validate(), Ok(()));
        let mut x = vec![0; WIDTH * HEIGHT];
        let shape = Shape::image(HEIGHT, WIDTH);
        Augment { shift: 1 << 24, ..largest }.apply(0, 0, 0, shape, &image(), &mut x);
    }
}
