//! Synthetic garments: a substitute for Fashion-MNIST that needs no files and no network.
//!
//! Each of the ten classes has a silhouette, drawn antialiased in white on black with random cut, pose, pattern
//! and light. The set is for tests and first trials. A score on it says nothing about Fashion-MNIST, but a model
//! that learns nothing here is broken.
//!
//! Image `index` of a split is a pure function of (seed, split, index): the seed is the key of ChaCha8, and split
//! and index make its stream number. So a small set is a prefix of a large one. The bytes are the same for any
//! number of threads and on any platform, since only IEEE-exact operations and `libm` are used. Classes come in
//! shuffled groups of ten, so they are balanced to within one group.

mod bag;
mod canvas;
mod dice;
mod footwear;
mod legs;
mod tops;

use canvas::{Canvas, PIXELS, Pose, SIDE, floor};
use dice::{Dice, Purpose, SplitKind};

use crate::dataset::{CLASS_NAMES, Dataset, DatasetName, Images, LabelledImages};
use crate::threads;

/// Draws a dataset of `n_train` and `n_test` images of 28 x 28, the same for the same `seed`.
///
/// An image takes 784 bytes. 70,000 images take well under 2 s of one core; all cores are used.
///
/// ```
/// let dataset = fmnist_data::garments::synthetic(0, 100, 20);
/// assert_eq!(dataset.train.class_counts(), [10; 10]);
/// assert_eq!(dataset.test.images.get(19).map(<[u8]>::len), Some(28 * 28));
/// ```
pub fn synthetic(seed: u64, n_train: usize, n_test: usize) -> Dataset {
    let train = split(seed, SplitKind::Train, n_train);
    let test = split(seed, SplitKind::Test, n_test);
    Dataset::garments(train, test, DatasetName::Synthetic)
}

fn split(seed: u64, kind: SplitKind, count: usize) -> LabelledImages {
    let mut pixels = vec![0; count * PIXELS];
    let share = count.div_ceil(threads::shares()).max(1);
    threads::map(pixels.chunks_mut(share * PIXELS).enumerate(), |(i, chunk)| {
        for (index, image) in (i * share..).zip(chunk.chunks_exact_mut(PIXELS)) {
            draw(seed, kind, index, image);
        }
    });
    let labels = (0..count).map(|index| label(seed, kind, index)).collect();
    let images = Images { pixels, count, height: SIDE, width: SIDE, channels: 1 };
    LabelledImages { images, labels }
}

/// The class of an image. Classes come in shuffled groups of ten.
fn label(seed: u64, kind: SplitKind, index: usize) -> u8 {
    let classes = CLASS_NAMES.len();
    let mut dice = Dice::new(seed, kind, Purpose::Order, index / classes);
    let mut order: [u8; CLASS_NAMES.len()] = std::array::from_fn(|class| class as u8);
    for last in (1..classes).rev() {
        order.swap(last, dice.below(last as u32 + 1) as usize);
    }
    order[index % classes]
}

/// Draws one image into `image`, which is all zero.
fn draw(seed: u64, kind: SplitKind, index: usize, image: &mut [u8]) {
    let dice = &mut Dice::new(seed, kind, Purpose::Image, index);
    let mut canvas = Canvas::new(Pose::random(dice));
    match label(seed, kind, index) {
        0 => tops::t_shirt(&mut canvas, dice),
        1 => legs::trouser(&mut canvas, dice),
        2 => tops::pullover(&mut canvas, dice),
        3 => legs::dress(&mut canvas, dice),
        4 => tops::coat(&mut canvas, dice),
        5 => footwear::sandal(&mut canvas, dice),
        6 => tops::shirt(&mut canvas, dice),
        7 => footwear::sneaker(&mut canvas, dice),
        8 => bag::bag(&mut canvas, dice),
        _ => footwear::ankle_boot(&mut canvas, dice),
    }
    photograph(&canvas, dice, image);
}

/// Turns the drawing into pixels: light from one side, grain in the fabric, and sometimes a hidden rectangle, as if
/// something were in front.
fn photograph(canvas: &Canvas, dice: &mut Dice, image: &mut [u8]) {
    let exposure = dice.between(0.65, 1.0);
    let (light_x, light_y) = (dice.between(-0.012, 0.012), dice.between(-0.012, 0.012));
    let grain = dice.between(0.01, 0.12);
    let hidden = dice.chance(0.15).then(|| {
        let (x, y) = (dice.below(22) as usize, dice.below(22) as usize);
        let (width, height) = (3 + dice.below(4) as usize, 3 + dice.below(4) as usize);
        (x..x + width, y..y + height)
    });
    let mut noise = [0; PIXELS];
    dice.fill(&mut noise);
    let centred = |v: usize| v as f32 - SIDE as f32 / 2.0;
    let pixels = canvas.pixels().iter().zip(&noise).zip(image);
    for (i, ((&value, &noise), out)) in pixels.enumerate() {
        let (x, y) = (i % SIDE, i / SIDE);
        if hidden.as_ref().is_some_and(|(across, down)| across.contains(&x) && down.contains(&y)) {
            continue;
        }
        let light = exposure + centred(x) * light_x + centred(y) * light_y;
        let grain = 1.0 + grain * (f32::from(noise) / 127.5 - 1.0);
        let grey = value * light * grain * 255.0;
        // Rounded.
        *out = (floor(grey) + f32::from(grey - floor(grey) >= 0.5)) as u8;
    }
}

#[cfg(test)]
mod tests;
