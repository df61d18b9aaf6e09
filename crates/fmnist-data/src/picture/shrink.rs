//! Makes decoded pictures smaller.

use image::{DynamicImage, ImageBuffer, Pixel};

/// Shrinks a picture to at most `longest` pixels a side. Each pixel is the mean of those that it covers.
pub(super) fn to_side(picture: DynamicImage, longest: u32) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    if width.max(height) <= longest {
        return picture;
    }
    let scale = f64::from(longest) / f64::from(width.max(height));
    let side = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    let (width, height) = (side(width), side(height));
    if picture.height().div_ceil(height) > MAX_ROWS {
        return picture.thumbnail_exact(width, height);
    }
    match picture {
        DynamicImage::ImageLuma8(picture) => means::<_, 1>(&picture, width, height).into(),
        DynamicImage::ImageLumaA8(picture) => means::<_, 2>(&picture, width, height).into(),
        DynamicImage::ImageRgb8(picture) => means::<_, 3>(&picture, width, height).into(),
        DynamicImage::ImageRgba8(picture) => means::<_, 4>(&picture, width, height).into(),
        // More than 8 bits, which are rare.
        picture => picture.thumbnail_exact(width, height),
    }
}

/// The most rows whose sum fits into 16 bits. At the limits of pictures, a pixel covers no more than 17.
const MAX_ROWS: u32 = u16::MAX as u32 / 255;

/// The result of [`image::imageops::thumbnail`], but rows are summed before columns, which is several times faster.
///
/// # Shapes
///
/// `picture` has pixels of `N` bytes, no side shorter than the result's, and at most [`MAX_ROWS`] times its rows.
fn means<P: Pixel<Subpixel = u8>, const N: usize>(
    picture: &ImageBuffer<P, Vec<u8>>,
    width: u32,
    height: u32,
) -> ImageBuffer<P, Vec<u8>> {
    let columns = cuts(picture.width(), width);
    let rows = cuts(picture.height(), height);
    let (pixels, _) = picture.as_raw().as_chunks::<N>();
    let mut out = ImageBuffer::new(width, height);
    let mut out_pixels = out.as_chunks_mut::<N>().0.iter_mut();
    let row_len = picture.width() as usize;
    let mut sums = vec![[0_u16; N]; row_len];
    for row in rows.windows(2) {
        sums.fill([0; N]);
        for pixels in pixels[row[0] * row_len..row[1] * row_len].chunks_exact(row_len) {
            for (sums, bytes) in sums.as_flattened_mut().iter_mut().zip(pixels.as_flattened()) {
                *sums = sums.wrapping_add(u16::from(*bytes));
            }
        }
        for (column, out) in columns.windows(2).zip(&mut out_pixels) {
            let mut sum = [0_u32; N];
            for pixel in &sums[column[0]..column[1]] {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum = sum.wrapping_add(u32::from(*value));
                }
            }
            let area = ((row[1] - row[0]) * (column[1] - column[0])) as u32;
            *out = sum.map(|sum| ((sum + area / 2) / area) as u8);
        }
    }
    out
}

/// Where each of `to` parts of `from` pixels begins, and the end. All parts are equal, except for a pixel.
fn cuts(from: u32, to: u32) -> Vec<usize> {
    let at = |part: u32| (u64::from(part) * u64::from(from)).div_ceil(u64::from(to));
    (0..=to).map(|part| at(part) as usize).collect()
}
