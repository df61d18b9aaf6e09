//! Decides whether an answer is sure: how probable the classes of an image are, and whether the image is like those of the
//! training.
//!
//! A softmax gives every image a class, and often with confidence: it may call a page of text a bag with 99 %. So three
//! things are measured that differ for strange images:
//!
//! - the *energy* `ln sum_j exp(z_j)` of the inputs `z` of the softmax: Liu, Wang, Owens, Li, "Energy-based
//!   Out-of-distribution Detection" (2020), with the sign that is high for known images;
//! - the *Mahalanobis distance* of the last hidden layer's outputs from the nearest class: Lee, Lee, Lee, Shin, "A Simple
//!   Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks" (2018);
//! - the same distance of the image itself, shrunk, with a length of 1.
//!
//! Each is scaled so that the median of held-out images is 0 and their lowest twentieth is below -1. The *score* is 1.5 times
//! the energy plus the other two. An answer is sure if its score is at least the *threshold*, which 5 % of the held-out
//! images miss.
//!
//! The *temperature* divides the inputs of the softmax, so that confidences are right on average: Guo, Pleiss, Sun,
//! Weinberger, "On Calibration of Modern Neural Networks" (2017).

mod distance;

use nn_core::{Architecture, Buffer, Layer, Model, Scaling, Shape, Workspace};

use crate::RunConfig;
pub use distance::{Distance, Scale, triangle};

/// An image is compared at this many pixels a side, or at its own if those are fewer.
const SIDE: usize = 12;
/// The most outputs of the last hidden layer that are compared: the first ones, since their order means nothing.
const MAX_FEATURES: usize = 256;
/// The most training images that the distances are fitted to, evenly spread.
const MAX_IMAGES: usize = 20_000;
/// How much the energy counts in a score, where the distances count 1: the energy detects pages and photographs best,
/// the distances digits and letters.
const ENERGY_WEIGHT: f64 = 1.5;
/// The number of images that go through the model together.
const BATCH: usize = 256;
/// The epoch of the draws of the augmentation: no run has as many.
const EPOCH: u64 = 1 << 40;

/// Decides whether an answer is sure.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Divides the inputs of the last softmax. Above 0.
    pub temperature: f64,
    /// The least score of a sure answer.
    pub threshold: f64,
    /// How the energy is scaled.
    pub energy: Scale,
    /// The distance of the image.
    pub image: Distance,
    /// The distance of the last hidden layer's outputs, if there is a hidden layer.
    pub features: Option<Distance>,
}

/// The lengths of what a decision compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionShape {
    /// The number of classes.
    pub classes: usize,
    /// The number of pixels.
    pub image: usize,
    /// The number of outputs of the last hidden layer, if there is one.
    pub features: Option<usize>,
}

/// Images with their classes, to fit a decision to.
#[derive(Clone, Copy, Debug)]
pub struct ClassifiedImages<'a> {
    /// The pixels of all images, one image after another.
    pub pixels: &'a [u8],
    /// The class of each image.
    pub labels: &'a [u8],
}

/// What the three measures see of an image.
#[derive(Clone, Debug)]
pub struct Evidence {
    energy: f64,
    image: Vec<f64>,
    features: Vec<f64>,
}

impl DecisionShape {
    /// The lengths for a classifier of images of this shape; `None` if the model is none.
    pub fn new(architecture: &Architecture, image: Shape) -> Option<Self> {
        let [height, width] = [image.height, image.width].map(|side| side.min(SIDE));
        let is_softmax = matches!(architecture.last().layer, Layer::Softmax(_));
        let fits = image.len() == architecture.input().len() && is_softmax;
        fits.then(|| Self {
            classes: architecture.output().len(),
            image: height * width,
            features: hidden(architecture).map(|(_, n)| n),
        })
    }
}

/// The layer that the last dense layer follows, and how many of its outputs are compared.
fn hidden(architecture: &Architecture) -> Option<(usize, usize)> {
    let layers = architecture.layers();
    let last = layers.iter().rposition(|at| matches!(at.layer, Layer::Dense(_)))?;
    let before = last.checked_sub(1)?;
    Some((before, layers[before].place.output.len().min(MAX_FEATURES)))
}

impl Evidence {
    /// The evidence of the sample at `index`, whose pixels are these, after a forward pass of the model.
    ///
    /// # Panics
    ///
    /// If the workspace has no such sample, the pixels are not those of `image`, or the model does not end in a softmax after
    /// another layer.
    pub fn of(
        model: &Model,
        workspace: &Workspace,
        index: usize,
        pixels: &[u8],
        image: Shape,
    ) -> Self {
        let features = hidden(model.architecture()).map(|(layer, n)| {
            let outputs = workspace.output(layer);
            outputs.column(index).iter().take(n).map(|&x| f64::from(x)).collect()
        });
        Self {
            energy: ln_sum_exp(&logits(model, workspace, index)),
            image: small(pixels, image),
            features: features.unwrap_or_default(),
        }
    }

    fn is_finite(&self) -> bool {
        self.energy.is_finite() && self.features.iter().all(|x| x.is_finite())
    }
}

/// The inputs of the last softmax.
pub fn logits(model: &Model, workspace: &Workspace, index: usize) -> Vec<f64> {
    let before = model.layers().len().saturating_sub(2);
    workspace.output(before).column(index).iter().map(|&z| f64::from(z)).collect()
}

/// The softmax of logits that are divided by a temperature.
pub fn softmax(logits: &[f64], temperature: f64) -> Vec<f64> {
    let scaled: Vec<f64> = logits.iter().map(|z| z / temperature).collect();
    let sum = ln_sum_exp(&scaled);
    scaled.into_iter().map(|z| libm::exp(z - sum)).collect()
}

fn ln_sum_exp(z: &[f64]) -> f64 {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + libm::log(z.iter().map(|z| libm::exp(z - largest)).sum())
}

/// An image at [`SIDE`] pixels a side, by the mean over areas, divided by its length. A pixel of several channels counts as
/// their mean.
fn small(bytes: &[u8], image: Shape) -> Vec<f64> {
    let n = image.channels as f64;
    let grey = |pixel: &[u8]| pixel.iter().copied().map(f64::from).sum::<f64>() / n;
    let pixels: Vec<f64> = bytes.chunks_exact(image.channels).map(grey).collect();
    let (rows, columns) = (overlaps(image.height), overlaps(image.width));
    let mut small = Vec::with_capacity(rows.len() * columns.len());
    for row in &rows {
        for column in &columns {
            let mut sum = 0.0;
            for &(y, of_row) in row {
                for &(x, of_column) in column {
                    sum += of_row * of_column * pixels[y * image.width + x];
                }
            }
            small.push(sum);
        }
    }
    let length = libm::sqrt(small.iter().map(|x| x * x).sum::<f64>());
    small.iter_mut().for_each(|x| *x /= length.max(1e-9));
    small
}

/// The pixels that each pixel of a smaller side covers, and how much of them.
fn overlaps(side: usize) -> Vec<Vec<(usize, f64)>> {
    let n = side.min(SIDE);
    let step = side as f64 / n as f64;
    let area = |i: usize| {
        let (from, to) = (i as f64 * step, (i + 1) as f64 * step);
        let covered = |pixel: usize| (to.min((pixel + 1) as f64) - from.max(pixel as f64)) / step;
        (0..side).map(|pixel| (pixel, covered(pixel))).filter(|(_, part)| *part > 1e-9).collect()
    };
    (0..n).map(area).collect()
}

impl Decision {
    /// Fits a decision for a classifier of images of this shape, with the scaling and the settings of its run. The distances
    /// are fitted to training images, half of them augmented as in the run; all else to held-out images. `None` if the model's
    /// outputs are not finite.
    ///
    /// # Panics
    ///
    /// If the model does not classify images of this shape, a label is not one of its classes, or there are no images.
    pub fn fit(
        model: &Model,
        image: Shape,
        scaling: Scaling,
        config: &RunConfig,
        train: ClassifiedImages<'_>,
        held_out: ClassifiedImages<'_>,
    ) -> Option<Self> {
        let shape = DecisionShape::new(model.architecture(), image);
        let shape = shape.expect("a classifier of images of this shape");
        let evidence =
            |images: ClassifiedImages<'_>, indices: &[usize], augmented: fn(usize) -> bool| {
                evidence(model, image, scaling, config, images, indices, augmented)
            };
        let step = train.labels.len().div_ceil(MAX_IMAGES).max(1);
        let chosen: Vec<usize> = (0..train.labels.len()).step_by(step).collect();
        let labels: Vec<usize> = chosen.iter().map(|&i| train.labels[i].into()).collect();
        let (known, _) = evidence(train, &chosen, |i| i % 2 == 1);

        let all: Vec<usize> = (0..held_out.labels.len()).collect();
        let (others, logits) = evidence(held_out, &all, |_| false);
        if !known.iter().chain(&others).all(Evidence::is_finite) {
            return None;
        }
        let fit = |of: fn(&Evidence) -> &[f64]| {
            let known: Vec<&[f64]> = known.iter().map(of).collect();
            let mut distance = Distance::fit(&known, &labels, shape.classes)?;
            distance.scale = Scale::fit(others.iter().map(|it| -distance.of(of(it))).collect());
            Some(distance)
        };
        let mut decision = Self {
            temperature: temperature(&logits, held_out.labels),
            threshold: 0.0,
            energy: Scale::fit(others.iter().map(|it| it.energy).collect()),
            image: fit(|it| &it.image)?,
            features: match shape.features {
                Some(_) => Some(fit(|it| &it.features)?),
                None => None,
            },
        };
        let scores = others.iter().map(|it| decision.score(it)).collect();
        decision.threshold = Scale::fit(scores).low;
        Some(decision)
    }

    /// How much an image is like those of the training; about 0 for most of these.
    pub fn score(&self, evidence: &Evidence) -> f64 {
        let features = self.features.as_ref();
        ENERGY_WEIGHT * self.energy.of(evidence.energy)
            + self.image.scale.of(-self.image.of(&evidence.image))
            + features.map_or(0.0, |it| it.scale.of(-it.of(&evidence.features)))
    }

    /// The scales of the energy, the image and the features, in this order.
    pub fn scales(&self) -> Vec<Scale> {
        [self.energy].into_iter().chain(self.distances().map(|it| it.scale)).collect()
    }

    /// The centres and the whitening of the image, and then of the features.
    pub fn buffers(&self) -> impl Iterator<Item = &Buffer> {
        self.distances().flat_map(|it| [&it.centres, &it.whitening])
    }

    fn distances(&self) -> impl Iterator<Item = &Distance> {
        [Some(&self.image), self.features.as_ref()].into_iter().flatten()
    }

    /// Assembles a decision. `None` if there are not the scales and buffers of an image and perhaps of features.
    pub fn from_parts(
        temperature: f64,
        threshold: f64,
        scales: &[Scale],
        buffers: Vec<Buffer>,
    ) -> Option<Self> {
        let (&energy, scales) = scales.split_first()?;
        let mut buffers = buffers.into_iter();
        let mut distances = scales.iter().map_while(|&scale| {
            let (centres, whitening) = (buffers.next()?, buffers.next()?);
            Some(Distance { scale, centres, whitening })
        });
        let (image, features) = (distances.next()?, distances.next());
        Some(Self { temperature, threshold, energy, image, features })
    }
}

/// The evidence of images, and their logits. Those whose number in `indices` is `augmented` are changed as in training.
fn evidence(
    model: &Model,
    image: Shape,
    scaling: Scaling,
    config: &RunConfig,
    images: ClassifiedImages<'_>,
    indices: &[usize],
    augmented: fn(usize) -> bool,
) -> (Vec<Evidence>, Vec<Vec<f64>>) {
    let mut workspace = Workspace::inference(model, BATCH);
    let (mut all, mut all_logits) = (Vec::new(), Vec::new());
    for (batch, chunk) in indices.chunks(BATCH).enumerate() {
        let changed: Vec<Vec<u8>> = (batch * BATCH..)
            .zip(chunk)
            .map(|(number, &index)| {
                let pixels = &images.pixels[index * image.len()..][..image.len()];
                let mut changed = pixels.to_vec();
                if augmented(number) {
                    let sample = index as u32;
                    config.augment.apply(config.seed, EPOCH, sample, image, pixels, &mut changed);
                }
                changed
            })
            .collect();
        workspace.set_input_bytes(chunk.len(), scaling, |i| &changed[i]);
        model.forward(&mut workspace);
        for (i, pixels) in changed.iter().enumerate() {
            all.push(Evidence::of(model, &workspace, i, pixels, image));
            all_logits.push(logits(model, &workspace, i));
        }
    }
    (all, all_logits)
}

/// The temperature with the lowest cross-entropy, from e^-2 to e^2. The cross-entropy is convex in its inverse, so a search
/// by thirds finds it.
fn temperature(logits: &[Vec<f64>], labels: &[u8]) -> f64 {
    let loss = |ln_temperature: f64| -> f64 {
        let temperature = libm::exp(ln_temperature);
        let loss = |(z, &label): (&Vec<f64>, &u8)| {
            let scaled: Vec<f64> = z.iter().map(|z| z / temperature).collect();
            ln_sum_exp(&scaled) - scaled[usize::from(label)]
        };
        logits.iter().zip(labels).map(loss).sum()
    };
    let (mut low, mut high) = (-2.0, 2.0);
    for _ in 0..30 {
        let third = (high - low) / 3.0;
        match loss(low + third) < loss(high - third) {
            true => high -= third,
            false => low += third,
        }
    }
    libm::exp((low + high) / 2.0)
}

/// The answers whose confidence is in a range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CalibrationBin {
    /// Their number.
    pub n: u64,
    /// The sum of their confidences.
    pub confidence: f64,
    /// The number of right ones.
    pub right: f64,
}

/// Sorts answers into 15 equal ranges of confidence. Each answer is its confidence and whether it is right.
pub fn calibration(answers: impl IntoIterator<Item = (f64, bool)>) -> [CalibrationBin; 15] {
    let mut bins = [CalibrationBin::default(); 15];
    for (confidence, is_right) in answers {
        let bin = &mut bins[((confidence * 15.0) as usize).min(14)];
        bin.n += 1;
        bin.confidence += confidence;
        bin.right += f64::from(u8::from(is_right));
    }
    bins
}

/// The expected calibration error: how far the confidence of answers is from the share that is right, averaged over 15
/// equal ranges of confidence (Guo et al., 2017). Each answer is its confidence and whether it is right.
pub fn calibration_error(answers: impl IntoIterator<Item = (f64, bool)>) -> f64 {
    let bins = calibration(answers);
    let n: u64 = bins.iter().map(|bin| bin.n).sum();
    bins.iter().map(|bin| (bin.confidence - bin.right).abs()).sum::<f64>() / n.max(1) as f64
}

#[cfg(test)]
mod tests {
    use nn_core::Init;
    use nn_core::rng::{Purpose, Stream};

    use super::*;

    /// A side of 24 is halved. One of 16 has pixels of 1 1/3, and those of 12 or fewer stay.
    #[test]
    fn images_are_made_small_by_areas() {
        assert_eq!(overlaps(24)[1], [(2, 0.5), (3, 0.5)]);
        let [first, second] = [&overlaps(16)[0], &overlaps(16)[1]];
        let parts: Vec<f64> = first.iter().chain(second).map(|(_, part)| *part).collect();
        for (found, expected) in parts.iter().zip([0.75, 0.25, 0.5, 0.5]) {
            assert!((found - expected).abs() < 1e-12, "{parts:?}");
        }
        assert_eq!(small(&[3, 0, 0, 4], Shape::image(2, 2)), [0.6, 0.0, 0.0, 0.8]);
        assert_eq!(small(&[0; 4], Shape::image(2, 2)), [0.0; 4]);
    }

    /// Equal channels count as a grey image, bit for bit. Others count as their mean.
    #[test]
    fn colours_count_as_their_mean() {
        let grey: Vec<u8> = (0..20 * 17).map(|i| (i * i % 256) as u8).collect();
        let coloured: Vec<u8> = grey.iter().flat_map(|&v| [v; 3]).collect();
        let shape = Shape { channels: 3, ..Shape::image(20, 17) };
        assert_eq!(small(&coloured, shape), small(&grey, Shape::image(20, 17)));
        let shape = Shape { channels: 3, ..Shape::image(1, 2) };
        assert_eq!(small(&[9, 0, 0, 1, 4, 7], shape), [0.6, 0.8]);
        let pixels = Architecture::mlp(&[20 * 17 * 3, 2]).unwrap();
        let shape = Shape { channels: 3, ..Shape::image(20, 17) };
        assert_eq!(DecisionShape::new(&pixels, shape).map(|it| it.image), Some(144));
    }

    /// Labels are drawn from a softmax, and the logits are then doubled: the temperature is 2.
    #[test]
    fn the_temperature_undoes_overconfidence() {
        let mut stream = Stream::new(0, Purpose::Augment, 0);
        let (mut logits, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..4000 {
            let z: Vec<f64> = (0..3).map(|_| 4.0 * stream.uniform()).collect();
            let mut rest = stream.uniform();
            let drawn = softmax(&z, 1.0).iter().position(|p| {
                rest -= p;
                rest < 0.0
            });
            labels.push(drawn.unwrap_or(2) as u8);
            logits.push(z.iter().map(|z| 2.0 * z).collect());
        }
        let found = temperature(&logits, &labels);
        assert!((1.85..2.15).contains(&found), "{found}");
    }

    /// Of answers with 0.9, three of four are right; of those with 0.6, all. So 4/6 of them are off by 0.15, and 2/6 by 0.4.
    #[test]
    fn the_calibration_error_by_hand() {
        let answers =
            [(0.9, true), (0.9, true), (0.9, true), (0.9, false), (0.6, true), (0.6, true)];
        let expected = (4.0 * 0.15 + 2.0 * 0.4) / 6.0;
        assert!((calibration_error(answers) - expected).abs() < 1e-12);
        assert_eq!(calibration_error([]), 0.0);
    }

    /// Which layer the features come from, and how many of them count.
    #[test]
    fn features_are_the_last_hidden_layer() {
        let shape = |layers: &[Layer]| {
            DecisionShape::new(&Architecture::new(784, layers).unwrap(), Shape::image(28, 28))
        };
        let dropped = [
            Layer::dense(300),
            Layer::RELU,
            Layer::Dropout(nn_core::Dropout { rate: 0.5 }),
            Layer::dense(4),
            Layer::SOFTMAX,
        ];
        let expected = DecisionShape { classes: 4, image: 144, features: Some(256) };
        assert_eq!(shape(&dropped), Some(expected));
        assert_eq!(shape(&[Layer::dense(4), Layer::SOFTMAX]).unwrap().features, None);
        assert_eq!(shape(&[Layer::dense(4)]), None);
        let model = Model::new(Architecture::new(784, &dropped).unwrap(), Init::He, 0);
        assert_eq!(hidden(model.architecture()), Some((2, 256)));
    }
}
