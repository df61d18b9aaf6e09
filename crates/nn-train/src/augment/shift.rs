//! Shifts by whole pixels, and mirror images.

/// Overwrites `x` with `image`, which has rows of `width` pixels, moved to the right and down by so many pixels; negative
/// numbers move it to the left and up. Pixels that become free are 0.
pub(super) fn shift(width: usize, image: &[u8], [right, down]: [isize; 2], x: &mut [u8]) {
    let height = image.len() / width;
    for (row, x) in x.chunks_exact_mut(width).enumerate() {
        match row.checked_add_signed(-down).filter(|&from| from < height) {
            Some(from) => shift_row(&image[from * width..(from + 1) * width], right, x),
            None => x.fill(0),
        }
    }
}

/// Overwrites `x` with a row of pixels moved to the right, or to the left if `right` is negative.
fn shift_row(row: &[u8], right: isize, x: &mut [u8]) {
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

    const IMAGE: [u8; 6] = [1, 2, 3, 4, 5, 6];

    #[test]
    fn shifts_and_flips() {
        let shifted = |right_down| {
            let mut x = [99; 6];
            shift(3, &IMAGE, right_down, &mut x);
            x
        };
        assert_eq!(shifted([0, 0]), IMAGE);
        assert_eq!(shifted([1, 0]), [0, 1, 2, 0, 4, 5]);
        assert_eq!(shifted([-2, -1]), [6, 0, 0, 0, 0, 0]);
        assert_eq!(shifted([0, 1]), [0, 0, 0, 1, 2, 3]);
        assert_eq!(shifted([9, 9]), [0; 6]);
        let mut x = [99; 6];
        flip(3, &IMAGE, &mut x);
        assert_eq!(x, [3, 2, 1, 6, 5, 4]);
    }
}
