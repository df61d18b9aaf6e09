//! Shifts by whole pixels, and mirror images.

use nn_core::Shape;

/// Overwrites `x` with `image`, which has rows of `width` pixels, moved to the right and down by so many pixels; negative
/// numbers move it to the left and up. Pixels that become free are 0.
pub(super) fn shift<const C: usize>(
    width: usize,
    image: &[[u8; C]],
    [right, down]: [isize; 2],
    x: &mut [[u8; C]],
) {
    let height = image.len() / width;
    for (row, x) in x.chunks_exact_mut(width).enumerate() {
        match row.checked_add_signed(-down).filter(|&from| from < height) {
            Some(from) => shift_row(&image[from * width..(from + 1) * width], right, x),
            None => x.fill([0; C]),
        }
    }
}

/// Overwrites `x` with a row of pixels moved to the right, or to the left if `right` is negative.
fn shift_row<const C: usize>(row: &[[u8; C]], right: isize, x: &mut [[u8; C]]) {
    let n = right.unsigned_abs().min(row.len());
    let rest = row.len() - n;
    if right >= 0 {
        x[..n].fill([0; C]);
        x[n..].copy_from_slice(&row[..rest]);
    } else {
        x[..rest].copy_from_slice(&row[n..]);
        x[rest..].fill([0; C]);
    }
}

/// Overwrites `mirrored` with the mirror image of `image`, left to right. Pixels move as a whole: the order of their
/// channels stays.
///
/// # Panics
///
/// If one of the two does not have the length of the shape.
pub fn mirror_image(shape: Shape, image: &[u8], mirrored: &mut [u8]) {
    assert_eq!([image.len(), mirrored.len()], [shape.len(); 2], "bytes of an image");
    let row = shape.width.saturating_mul(shape.channels).max(1);
    let rows = mirrored.chunks_exact_mut(row).zip(image.chunks_exact(row));
    match shape.channels {
        1 => rows.for_each(|(mirrored, image)| {
            mirrored.copy_from_slice(image);
            mirrored.reverse();
        }),
        n => rows.for_each(|(mirrored, image)| {
            let places = mirrored.chunks_exact_mut(n).rev();
            let pixels = image.chunks_exact(n);
            places.zip(pixels).for_each(|(place, pixel)| place.copy_from_slice(pixel));
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: [[u8; 1]; 6] = [[1], [2], [3], [4], [5], [6]];

    #[test]
    fn shifts_and_flips() {
        let shifted = |right_down| {
            let mut x = [[99]; 6];
            shift(3, &IMAGE, right_down, &mut x);
            x.as_flattened().to_vec()
        };
        assert_eq!(shifted([0, 0]), IMAGE.as_flattened());
        assert_eq!(shifted([1, 0]), [0, 1, 2, 0, 4, 5]);
        assert_eq!(shifted([-2, -1]), [6, 0, 0, 0, 0, 0]);
        assert_eq!(shifted([0, 1]), [0, 0, 0, 1, 2, 3]);
        assert_eq!(shifted([9, 9]), [0; 6]);
        let mut x = [99; 6];
        mirror_image(Shape::image(2, 3), IMAGE.as_flattened(), &mut x);
        assert_eq!(x, [3, 2, 1, 6, 5, 4]);
    }

    /// The channels of a pixel stay together, in their order.
    #[test]
    fn pixels_move_as_a_whole() {
        let image = [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]];
        let mut x = [[99; 3]; 4];
        shift(2, &image, [1, 1], &mut x);
        assert_eq!(x, [[0; 3], [0; 3], [0; 3], image[0]]);
        shift(2, &image, [-1, 0], &mut x);
        assert_eq!(x, [image[1], [0; 3], image[3], [0; 3]]);
        let shape = Shape { height: 2, width: 2, channels: 3 };
        mirror_image(shape, image.as_flattened(), x.as_flattened_mut());
        assert_eq!(x, [image[1], image[0], image[3], image[2]]);
    }

    #[test]
    #[should_panic = "bytes of an image"]
    fn images_have_the_length_of_their_shape() {
        mirror_image(Shape::image(2, 2), &[0; 6], &mut [0; 6]);
    }
}
