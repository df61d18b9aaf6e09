//! Rotation and change of size about the centre of an image, together with its shift: one bilinear sampling.
//!
//! For each pixel of the result, the place in the image that it comes from is computed, in 65536ths of a pixel. The
//! pixel is the mean of the four pixels around that place, weighted by how close they are, with 256 steps in each
//! direction. A pixel outside the image counts as 0.

use nn_core::rng::Stream;

use super::symmetric;

/// A pixel's side, in the unit of all places here.
const ONE: i64 = 1 << 16;

/// A rotation and a change of size: the matrix `[[cos, sin], [-sin, cos]]` takes a step right and down in the result to
/// the step in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Affine {
    cos: i64,
    sin: i64,
}

impl Affine {
    /// Draws an angle of up to `rotate` degrees in either direction, and a scale in `1 - zoom..1 + zoom`.
    pub(super) fn draw(stream: &mut Stream, rotate: f64, zoom: f64) -> Self {
        let degrees = symmetric(stream, rotate);
        Self::new(degrees, 1.0 + symmetric(stream, zoom))
    }

    /// Rotates an image clockwise by `degrees`, and makes it `scale` times as large.
    fn new(degrees: f64, scale: f64) -> Self {
        let angle = degrees.to_radians();
        let fixed = |ratio: f64| (ratio / scale * ONE as f64).round() as i64;
        Self { cos: fixed(libm::cos(angle)), sin: fixed(libm::sin(angle)) }
    }

    /// Overwrites `x` with the changed image, moved to the right and down by so many pixels. Rows have `width` pixels.
    pub(super) fn apply<const C: usize>(
        self,
        width: usize,
        image: &[[u8; C]],
        [right, down]: [isize; 2],
        x: &mut [[u8; C]],
    ) {
        let Self { cos, sin } = self;
        let height = image.len() / width;
        let (columns, rows) = (width as i64, height as i64);
        for (row, x) in x.chunks_exact_mut(width).enumerate() {
            // Twice the distance of the row's first pixel from the centre: that can be half a pixel.
            let u = 1 - columns - 2 * right as i64;
            let v = 2 * row as i64 + 1 - rows - 2 * down as i64;
            let mut column = ((cos * u + sin * v) >> 1) + (columns - 1) * ONE / 2;
            let mut row = ((cos * v - sin * u) >> 1) + (rows - 1) * ONE / 2;
            for x in x {
                *x = between(around(width, image, row >> 16, column >> 16), row, column);
                column += cos;
                row -= sin;
            }
        }
    }
}

/// The pixel at a place, its right neighbour, and the two below them.
fn around<const C: usize>(width: usize, image: &[[u8; C]], row: i64, column: i64) -> [[u8; C]; 4] {
    let (columns, rows) = (width as i64, (image.len() / width) as i64);
    // A negative number becomes a large one.
    if (row as u64) < (rows - 1) as u64 && (column as u64) < (columns - 1) as u64 {
        let at = row as usize * width + column as usize;
        let pixels = &image[at..at + width + 2];
        return [pixels[0], pixels[1], pixels[width], pixels[width + 1]];
    }
    let pixel =
        |row: i64, column: i64| match (0..rows).contains(&row) && (0..columns).contains(&column) {
            true => image[row as usize * width + column as usize],
            false => [0; C],
        };
    [pixel(row, column), pixel(row, column + 1), pixel(row + 1, column), pixel(row + 1, column + 1)]
}

/// The pixel at a place between four pixels, of which only the fractions of `row` and `column` matter.
fn between<const C: usize>(around: [[u8; C]; 4], row: i64, column: i64) -> [u8; C] {
    let [down, right] = [row, column].map(|at| (at >> 8 & 255) as u32);
    let mut x = [0; C];
    for (channel, x) in x.iter_mut().enumerate() {
        let [a, b, c, d] = around.map(|pixel| u32::from(pixel[channel]));
        let above = a * (256 - right) + b * right;
        let below = c * (256 - right) + d * right;
        *x = ((above * (256 - down) + below * down + (1 << 15)) >> 16) as u8;
    }
    x
}

#[cfg(test)]
mod tests {
    use nn_core::rng::Purpose;

    use super::*;

    const SIDE: usize = 7;

    fn image() -> Vec<u8> {
        (0..SIDE * SIDE).map(|i| (i * i % 251) as u8 + 1).collect()
    }

    fn apply(affine: Affine, width: usize, image: &[u8], right_down: [isize; 2], x: &mut [u8]) {
        affine.apply::<1>(width, image.as_chunks().0, right_down, x.as_chunks_mut().0);
    }

    fn changed(degrees: f64, scale: f64, image: &[u8]) -> Vec<u8> {
        let mut x = vec![99; image.len()];
        apply(Affine::new(degrees, scale), SIDE, image, [0, 0], &mut x);
        x
    }

    /// The image rotated clockwise by so many right angles, by moving its pixels.
    fn turned(times: usize) -> Vec<u8> {
        let mut image = image();
        for _ in 0..times {
            let pixel = |at: usize| image[(SIDE - 1 - at % SIDE) * SIDE + at / SIDE];
            image = (0..image.len()).map(pixel).collect();
        }
        image
    }

    #[test]
    fn right_angles_move_pixels() {
        for (times, degrees) in [0.0, 90.0, 180.0].into_iter().enumerate() {
            assert_eq!(changed(degrees, 1.0, &image()), turned(times), "{degrees}");
            assert_eq!(changed(-degrees, 1.0, &image()), turned(4 - times), "-{degrees}");
        }
    }

    /// The same for a wide image, whose centre is between two rows, and with shifts.
    #[test]
    fn half_a_turn_of_any_image() {
        let image: Vec<u8> = (1..=4 * 7).collect();
        let mut x = vec![99; image.len()];
        apply(Affine::new(180.0, 1.0), 7, &image, [0, 0], &mut x);
        assert!(x.iter().eq(image.iter().rev()), "{x:?}");
        apply(Affine::new(180.0, 1.0), 7, &image, [1, 0], &mut x);
        for (x, image) in x.chunks(7).zip(image.chunks(7).rev()) {
            assert_eq!(x[0], 0);
            assert!(x[1..].iter().eq(image[1..].iter().rev()), "{x:?}");
        }
    }

    /// A plane `a + b row + c column` is sampled without an error, except for rounding.
    #[test]
    fn a_plane_is_rotated_and_scaled() {
        let plane = |row: f64, column: f64| 100.0 + 9.0 * row + 5.0 * column;
        let image: Vec<u8> = (0..SIDE * SIDE)
            .map(|at| plane((at / SIDE) as f64, (at % SIDE) as f64) as u8)
            .collect();
        let centre = (SIDE - 1) as f64 / 2.0;
        let inside = 0.0..(SIDE - 1) as f64;
        let mut n_inside = 0;
        for (degrees, scale) in [(0.0, 1.3), (0.0, 0.7), (10.0, 1.0), (-37.0, 1.1), (90.0, 0.8)] {
            let x = changed(degrees, scale, &image);
            let (sin, cos) =
                (libm::sin(f64::to_radians(degrees)), libm::cos(f64::to_radians(degrees)));
            for (at, &x) in x.iter().enumerate() {
                let (v, u) = ((at / SIDE) as f64 - centre, (at % SIDE) as f64 - centre);
                let row = centre + (cos * v - sin * u) / scale;
                let column = centre + (cos * u + sin * v) / scale;
                let is_inside = inside.contains(&row) && inside.contains(&column);
                if is_inside {
                    n_inside += 1;
                    let error = f64::from(x) - plane(row, column);
                    assert!(error.abs() < 0.6, "{error} at {at}: {degrees} degrees, {scale}");
                } else if [row, column].iter().any(|at| !(-1.0..SIDE as f64).contains(at)) {
                    assert_eq!(x, 0, "{degrees} degrees, {scale}, at {at}");
                }
            }
        }
        assert!(n_inside > 150, "{n_inside}");
    }

    /// Angles and scales are uniform between their limits.
    #[test]
    fn angles_and_scales_are_uniform() {
        let mut counts = [[0; 10]; 2];
        for sample in 0..10_000 {
            let mut stream = Stream::new(3, Purpose::Augment, sample);
            let Affine { cos, sin } = Affine::draw(&mut stream, 20.0, 0.25);
            let (cos, sin) = (cos as f64 / ONE as f64, sin as f64 / ONE as f64);
            let degrees = libm::atan2(sin, cos).to_degrees();
            let scale = 1.0 / libm::hypot(cos, sin);
            for (counts, share) in
                counts.iter_mut().zip([(degrees + 20.0) / 40.0, (scale - 0.75) / 0.5])
            {
                assert!((-1e-3..1.001).contains(&share), "{degrees} degrees, scale {scale}");
                counts[((share * 10.0) as usize).min(9)] += 1;
            }
        }
        // 1,000 expected of each, standard deviation 30.
        assert!(counts.iter().flatten().all(|count| (880..1120).contains(count)), "{counts:?}");
    }

    /// Without a rotation or without a change of size, the other is the same.
    #[test]
    fn limits_of_0() {
        for sample in 0..50 {
            let mut stream = Stream::new(3, Purpose::Augment, sample);
            let Affine { cos, sin } = Affine::draw(&mut stream, 20.0, 0.0);
            let length = libm::hypot(cos as f64, sin as f64) / ONE as f64;
            assert!((length - 1.0).abs() < 1e-4 && sin != 0, "{length}");
            assert_eq!(Affine::draw(&mut stream, 0.0, 0.5).sin, 0);
            assert_eq!(Affine::draw(&mut stream, 0.0, 0.0), Affine { cos: ONE, sin: 0 });
        }
    }
}
