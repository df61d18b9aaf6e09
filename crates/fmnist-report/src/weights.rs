//! The weights of the first layer as pictures: red where a bright pixel excites a unit, blue where it inhibits it.

use nn_core::{Model, Shape};

use crate::{Error, picture};

/// The most units.
const MAX_SHOWN: usize = 64;

/// The units with the largest weights, and their pictures. None if the first layer is not dense.
pub(crate) fn pictures(model: &Model, image: Shape) -> Result<Vec<(usize, String)>, Error> {
    let Some(weights) = model.param("dense0.weights") else { return Ok(Vec::new()) };
    if weights.ncols() != image.len() {
        return Ok(Vec::new());
    }
    let size = |unit: usize| weights.row(unit).iter().map(|w| w * w).sum::<f32>();
    let mut units: Vec<usize> = (0..weights.nrows()).collect();
    units.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
    let picture = |&unit: &usize| {
        // The channels of a pixel count together.
        let row: Vec<f32> = weights.row(unit).iter().copied().collect();
        let values: Vec<f32> =
            row.chunks(image.channels.max(1)).map(|it| it.iter().sum()).collect();
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let pixels =
            values.iter().flat_map(|&value| colour(value / largest.max(f32::MIN_POSITIVE)));
        let source =
            picture::of_colours(image.width as u32, image.height as u32, pixels.collect())?;
        Ok((unit, source))
    };
    units.iter().take(MAX_SHOWN).map(picture).collect()
}

/// The colour of a weight of -1 to 1: blue, white or red.
fn colour(weight: f32) -> [u8; 3] {
    let rest = |full: f32| (255.0 - full * weight.abs()) as u8;
    match weight < 0.0 {
        true => [rest(222.0), rest(147.0), rest(83.0)],
        false => [rest(77.0), rest(231.0), rest(212.0)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_have_colours() {
        assert_eq!(
            [colour(0.0), colour(1.0), colour(-1.0)],
            [[255; 3], [178, 24, 43], [33, 108, 172]]
        );
    }
}
