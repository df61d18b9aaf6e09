//! The samples of a run: features and targets, borrowed from the caller.

use nn_core::{Loss, MatrixView, Model, Scaling, SettingError, Shape, Workspace};

use crate::{
    Augment, ClassLabels, Error,
    augment::mirror_image,
    error::check_len,
    targets::{GatheredTargets, Labels},
};

/// The features of samples, one sample after another.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Features<'a> {
    /// Bytes, such as pixels, that are scaled while a batch is gathered. They take a quarter of the memory of floats.
    Bytes {
        /// The bytes of all samples.
        data: &'a [u8],
        /// How a byte becomes an input.
        scaling: Scaling,
    },
    /// Floats, which the network takes as they are.
    Floats(&'a [f32]),
    /// A matrix of floats, features x samples: a sample is a column. It can be a part of a larger matrix.
    Matrix(MatrixView<'a>),
}

impl Features<'_> {
    fn len(&self) -> usize {
        match self {
            Features::Bytes { data, .. } => data.len(),
            Features::Floats(data) => data.len(),
            Features::Matrix(data) => data.len(),
        }
    }

    /// Checks that all inputs are finite. Samples have `n_features` features.
    fn check_finite(&self, n_features: usize) -> Result<(), Error> {
        match *self {
            Features::Bytes { scaling, .. } => Ok(scaling.check()?),
            Features::Floats(data) => check_floats(data, n_features, 0),
            Features::Matrix(data) => {
                check_len("rows of the features", data.nrows(), n_features)?;
                let mut samples = data.column_iter().enumerate();
                samples.try_for_each(|(i, x)| check_floats(x.as_slice(), n_features, i))
            }
        }
    }
}

/// Checks that all elements are finite. They belong to samples of `n_features` features, from sample `first` on.
fn check_floats(data: &[f32], n_features: usize, first: usize) -> Result<(), Error> {
    // Without an early exit this loop is vectorised; the search below runs only for bad data.
    if data.iter().fold(true, |all, x| all & x.is_finite()) {
        return Ok(());
    }
    let bad = data.iter().enumerate().find(|&(_, x)| !x.is_finite());
    bad.map_or(Ok(()), |(at, &found)| {
        let (sample, feature) = (first + at / n_features, at % n_features);
        Err(Error::Feature { sample, feature, found })
    })
}

/// The samples to train or evaluate on: features with their targets.
///
/// ```
/// use nn_train::nn_core::{Scaling, Shape};
/// use nn_train::{Features, Samples};
///
/// // Three images of 2 x 2 pixels, each with a label.
/// let (pixels, labels) = (vec![0; 12], vec![2_u8, 0, 1]);
/// let features = Features::Bytes { data: &pixels, scaling: Scaling::default() };
/// let samples = Samples::new(features, 4, &labels)?.as_images(Shape::image(2, 2))?;
/// let (train, held_out) = samples.split_at(2);
/// assert_eq!((train.len(), held_out.len()), (2, 1));
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    features: Features<'a>,
    /// The index in `features` of the first sample. `features` may have more samples than there are labels.
    first: usize,
    n_features: usize,
    /// The shape of a sample, if the features are images.
    image: Option<Shape>,
    pub(crate) labels: Labels<'a>,
}

/// What happens to images while they are gathered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gathering {
    Unchanged,
    Flipped,
    Augmented { augment: Augment, seed: u64, epoch: u64 },
}

impl<'a> Samples<'a> {
    /// Samples with class labels of type `u8` or `u32`. Each sample has `n_features` features.
    ///
    /// # Errors
    ///
    /// If there are not `n_features` features for each label, or `n_features` is 0; if a feature is not finite, or the
    /// scaling is not valid ([`Scaling::check`]); or if there are more than `u32::MAX` samples.
    pub fn new(
        features: Features<'a>,
        n_features: usize,
        labels: impl Into<ClassLabels<'a>>,
    ) -> Result<Self, Error> {
        Self::with_labels(features, n_features, Labels::classes(labels.into()))
    }

    /// Samples with numbers as targets, as in regression. Each sample has `n_features` features and `n_outputs`
    /// targets, one per output.
    ///
    /// For binary cross-entropy, targets must be 0 to 1. For cross-entropy and the focal loss, the targets of a sample
    /// must be a probability distribution. Training and evaluation check this. An output counts as correct if it is
    /// within `precision` ([`nn_core::loss::precision_of`]) of its target or, for binary cross-entropy, on the same
    /// side of 0.5.
    ///
    /// # Errors
    ///
    /// As [`Self::new`], or if there are not `n_outputs` targets for each sample, or the precision is below 0 or not
    /// finite.
    pub fn of_numbers(
        features: Features<'a>,
        n_features: usize,
        numbers: &'a [f32],
        n_outputs: usize,
        precision: f32,
    ) -> Result<Self, Error> {
        let labels = Labels::numbers(numbers, n_outputs, precision)?;
        Self::with_labels(features, n_features, labels)
    }

    fn with_labels(
        features: Features<'a>,
        n_features: usize,
        labels: Labels<'a>,
    ) -> Result<Self, Error> {
        let n = labels.len();
        let has_features = n_features > 0;
        let (expected, found) = ("1 or more", n_features as f64);
        SettingError::check("features of a sample", has_features, expected, found)?;
        check_len("number of samples, at most", n, n.min(u32::MAX as usize))?;
        let expected = n.saturating_mul(n_features);
        check_len("features of all samples together", features.len(), expected)?;
        features.check_finite(n_features)?;
        Ok(Self { features, first: 0, n_features, image: None, labels })
    }

    /// Marks the samples as images of this shape, so that they can be augmented and flipped. A pixel has one channel, or
    /// three for red, green and blue, which are next to each other.
    ///
    /// # Errors
    ///
    /// If the features are not bytes, a sample has more or fewer features than an image has, or a pixel has another number
    /// of channels.
    pub fn as_images(self, shape: Shape) -> Result<Self, Error> {
        let is_bytes = matches!(self.features, Features::Bytes { .. });
        if !is_bytes || shape.len() != self.n_features || ![1, 3].contains(&shape.channels) {
            return Err(Error::NoImages { n_features: self.n_features });
        }
        Ok(Self { image: Some(shape), ..self })
    }

    /// Sets the weight of each sample in the loss.
    ///
    /// # Errors
    ///
    /// If there is not one weight for each sample, or one is below 0 or not finite.
    pub fn weighted(self, weights: &'a [f32]) -> Result<Self, Error> {
        Ok(Self { labels: self.labels.weighted(weights)?, ..self })
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Splits the samples into the first `n` and the rest.
    ///
    /// # Panics
    ///
    /// If there are fewer than `n` samples.
    #[track_caller]
    pub fn split_at(self, n: usize) -> (Self, Self) {
        let len = self.len();
        assert!(n <= len, "samples: expected a split at {len} or before, found {n}");
        let (labels, rest) = self.labels.split_at(n);
        (Self { labels, ..self }, Self { labels: rest, first: self.first + n, ..self })
    }

    /// Overwrites `workspace` and `targets` with `n` samples; `index(i)` is the index of the `i`-th.
    pub(crate) fn gather(
        &self,
        n: usize,
        index: impl Fn(usize) -> usize,
        gathering: Gathering,
        class_weights: &[f32],
        workspace: &mut Workspace,
        targets: &mut GatheredTargets,
    ) {
        targets.gather(&self.labels, n, &index, class_weights);
        let at = |i| self.first + index(i);
        let range = |i| at(i) * self.n_features..(at(i) + 1) * self.n_features;
        match self.features {
            Features::Bytes { data, scaling } => {
                // Only images are changed: `check` has refused to change other samples.
                let shape = self.image.unwrap_or(Shape::image(1, self.n_features));
                let change = |i: usize, image: &[u8], x: &mut [u8]| match gathering {
                    Gathering::Unchanged => x.copy_from_slice(image),
                    Gathering::Flipped => mirror_image(shape, image, x),
                    Gathering::Augmented { augment, seed, epoch } => {
                        augment.apply(seed, epoch, index(i) as u32, shape, image, x);
                    }
                };
                workspace.set_changed_bytes(n, scaling, |i| &data[range(i)], change);
            }
            Features::Floats(data) => {
                for (i, mut x) in workspace.input_mut(n).column_iter_mut().enumerate() {
                    x.copy_from_slice(&data[range(i)]);
                }
            }
            Features::Matrix(data) => {
                for (i, mut x) in workspace.input_mut(n).column_iter_mut().enumerate() {
                    x.copy_from(&data.column(at(i)));
                }
            }
        }
    }

    /// Checks that `model` can be trained and evaluated on these samples with this loss, and that they are images if
    /// they are to be augmented or flipped.
    pub(crate) fn check(&self, model: &Model, loss: Loss, as_images: bool) -> Result<(), Error> {
        if self.is_empty() {
            return Err(Error::NoSamples);
        }
        check_len("features of a sample", self.n_features, model.inputs())?;
        self.labels.check(model, loss)?;
        match self.image {
            None if as_images => Err(Error::NoImages { n_features: self.n_features }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use nn_core::{Architecture, Init};

    use super::*;

    #[test]
    fn lengths_must_agree() {
        let scaling = Scaling::default();
        let bytes = Features::Bytes { data: &[0; 5], scaling };
        assert!(matches!(
            Samples::new(bytes, 2, &[0, 1]),
            Err(Error::Samples { expected: 4, found: 5, .. })
        ));
        assert!(Samples::new(bytes, usize::MAX, &[0, 1]).is_err());
        assert!(Samples::new(Features::Floats(&[0.0; 4]), 2, &[0, 1]).is_ok());
    }

    #[test]
    fn images_have_a_shape() {
        let features = Features::Bytes { data: &[0; 24], scaling: Scaling::default() };
        let samples = Samples::new(features, 12, &[0, 1]).unwrap();
        let shape = |height, width, channels| Shape { height, width, channels };
        for fits in [shape(3, 4, 1), shape(12, 1, 1), shape(2, 2, 3)] {
            assert!(samples.as_images(fits).is_ok(), "{fits}");
        }
        let others =
            [shape(3, 5, 1), shape(2, 2, 1), shape(2, 3, 2), shape(3, 1, 4), shape(0, 4, 3)];
        for other in others {
            let error = samples.as_images(other).unwrap_err().to_string();
            assert!(error.contains("found samples of 12 features"), "{other}: {error}");
        }
        let floats = Samples::new(Features::Floats(&[0.0; 12]), 12, &[0]).unwrap();
        assert!(floats.as_images(shape(3, 4, 1)).is_err());
    }

    /// A mirror image that is gathered has its pixels reversed in each row, and the channels of each in their order.
    #[test]
    fn flips_colour_images() {
        let data: Vec<u8> = (0..24).collect();
        let scaling = Scaling { mean: 0.0, std: 1.0 };
        let samples = Samples::new(Features::Bytes { data: &data, scaling }, 12, &[0, 1]).unwrap();
        let samples = samples.as_images(Shape { height: 2, width: 2, channels: 3 }).unwrap();
        let model = Model::classifier(&[12, 2]).unwrap();
        let mut workspace = Workspace::inference(&model, 1);
        let targets = &mut GatheredTargets::default();
        samples.gather(1, |_| 1, Gathering::Flipped, &[], &mut workspace, targets);
        let mirrored = [15_u8, 16, 17, 12, 13, 14, 21, 22, 23, 18, 19, 20].map(f32::from);
        let found: Vec<f32> = model.forward(&mut workspace).iter().copied().collect();
        assert_eq!(found, model.predict_one(&mirrored));
    }

    #[test]
    fn samples_have_features() {
        for data in [&[][..], &[0.0]] {
            let error = Samples::new(Features::Floats(data), 0, &[0]).unwrap_err().to_string();
            assert_eq!(error, "features of a sample: expected 1 or more, found 0");
        }
        assert!(Samples::of_numbers(Features::Floats(&[]), 0, &[], 1, 0.0).is_err());
    }

    /// The error names the sample and the feature, at every position and for both kinds of targets.
    #[test]
    fn features_are_finite() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in 0..12 {
                let mut data = [f32::MAX; 12];
                data[at] = bad;
                let features = Features::Floats(&data);
                let expected = format!(
                    "feature {} of sample {}: expected a finite number, found {bad}",
                    at % 4,
                    at / 4
                );
                let classes = Samples::new(features, 4, &[0, 1, 0]);
                let numbers = Samples::of_numbers(features, 4, &[0.5; 3], 1, 0.0);
                for samples in [classes, numbers] {
                    assert_eq!(samples.unwrap_err().to_string(), expected);
                }
            }
        }
    }

    #[test]
    fn scalings_are_finite() {
        let check = |mean, std, expected: &str| {
            let bytes = Features::Bytes { data: &[0; 4], scaling: Scaling { mean, std } };
            let classes = Samples::new(bytes, 2, &[0, 1]);
            let numbers = Samples::of_numbers(bytes, 2, &[0.5; 2], 1, 0.0);
            for samples in [classes, numbers] {
                let error = samples.unwrap_err().to_string();
                assert!(error.starts_with(expected), "{error}");
            }
        };
        // The reciprocal of the last is infinite in 32 bits.
        for std in [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY, 1e-39] {
            check(127.5, std, "standard deviation of the scaling: expected a number above 0");
        }
        for mean in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            check(mean, 127.5, "mean of the scaling: expected a finite number, found");
        }
    }

    #[test]
    fn each_sample_needs_a_valid_weight() {
        let samples = Samples::new(Features::Floats(&[0.0; 4]), 2, &[0, 1]).unwrap();
        assert!(samples.weighted(&[0.0, 2.5]).is_ok());
        assert!(matches!(samples.weighted(&[1.0]), Err(Error::Samples { expected: 2, .. })));
        for weight in [-1.0, f32::NAN, f32::INFINITY] {
            let error = samples.weighted(&[1.0, weight]).unwrap_err().to_string();
            assert!(error.starts_with("weight of a sample: expected a finite number"), "{error}");
        }
    }

    #[test]
    fn a_model_takes_samples_of_its_shape() {
        let model = Model::new(Architecture::mlp(&[2, 3]).unwrap(), Init::He, 0);
        let check = |data: &[f32], n_features, labels: &[u32]| {
            let samples = Samples::new(Features::Floats(data), n_features, labels).unwrap();
            samples.check(&model, Loss::default(), false)
        };
        assert_eq!(check(&[0.0; 4], 2, &[0, 2]), Ok(()));
        assert_eq!(check(&[], 2, &[]), Err(Error::NoSamples));
        assert!(matches!(check(&[0.0; 3], 3, &[0]), Err(Error::Samples { expected: 2, .. })));
        assert_eq!(
            check(&[0.0; 4], 2, &[0, 3]),
            Err(Error::Label { sample: 1, label: 3, classes: 3 })
        );
    }

    /// The panic names both counts, for all kinds of features and targets. No product of counts overflows before it.
    #[test]
    fn splits_are_within_the_samples() {
        let bytes = Features::Bytes { data: &[0; 8], scaling: Scaling::default() };
        let floats = Features::Floats(&[0.0; 8]);
        for features in [bytes, floats] {
            let classes = Samples::new(features, 2, &[0; 4]).unwrap();
            let numbers = Samples::of_numbers(features, 2, &[0.5; 12], 3, 0.0).unwrap();
            for samples in [classes, numbers] {
                assert_eq!(samples.split_at(4).1.len(), 0);
                for n in [5, usize::MAX] {
                    let result = std::panic::catch_unwind(|| samples.split_at(n));
                    let message = *result.unwrap_err().downcast::<String>().unwrap();
                    let expected = "samples: expected a split at 4 or before, found";
                    assert_eq!(message, format!("{expected} {n}"));
                }
            }
        }
    }

    /// Labels of type `u8` and `u32` give the same classes, also in slices.
    #[test]
    fn labels_of_bytes_and_numbers() {
        let features = Features::Floats(&[0.0; 6]);
        let (bytes, numbers) = (vec![2_u8, 0, 1], vec![2_u32, 0, 1]);
        let all: [ClassLabels<'_>; 5] = [
            (&bytes).into(),
            bytes[..].into(),
            (&numbers).into(),
            numbers[..].into(),
            (&[2, 0, 1]).into(),
        ];
        for labels in all {
            let samples = Samples::new(features, 2, labels).unwrap();
            let (first, rest) = samples.split_at(1);
            let classes = [first.labels.class(0), rest.labels.class(0), rest.labels.class(1)];
            assert_eq!((classes, first.len(), rest.len()), ([2, 0, 1], 1, 2));
            let model = Model::classifier(&[2, 2]).unwrap();
            let refused = Err(Error::Label { sample: 0, label: 2, classes: 2 });
            assert_eq!(samples.check(&model, Loss::default(), false), refused);
            assert_eq!(rest.check(&model, Loss::default(), false), Ok(()));
        }
    }

    /// The columns of a matrix that is part of a larger one are not contiguous.
    #[test]
    fn features_of_a_matrix() {
        let numbers: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let whole = MatrixView::from_slice(&numbers, 4, 3);
        let part = Features::Matrix(whole.rows(1, 2));
        let samples = Samples::new(part, 2, &[0, 1, 0]).unwrap();
        let (_, rest) = samples.split_at(1);
        let model = Model::classifier(&[2, 2]).unwrap();
        let gathered = |samples: Samples<'_>, index: usize| {
            let mut workspace = Workspace::inference(&model, 1);
            let (targets, unchanged) = (&mut GatheredTargets::default(), Gathering::Unchanged);
            samples.gather(1, |_| index, unchanged, &[], &mut workspace, targets);
            model.forward(&mut workspace).iter().copied().collect::<Vec<f32>>()
        };
        assert_eq!(gathered(samples, 0), model.predict_one(&[1.0, 2.0]));
        assert_eq!(gathered(rest, 1), model.predict_one(&[9.0, 10.0]));

        let error = Samples::new(part, 3, &[0, 1]).unwrap_err().to_string();
        assert_eq!(error, "rows of the features: expected 3, found 2");
        let mut bad = numbers.clone();
        bad[6] = f32::NAN;
        let whole_with_bad = MatrixView::from_slice(&bad, 4, 3);
        let part = Features::Matrix(whole_with_bad.rows(1, 2));
        let error = Samples::new(part, 2, &[0, 1, 0]).unwrap_err().to_string();
        assert_eq!(error, "feature 1 of sample 1: expected a finite number, found NaN");
        // Rows outside the part are not checked.
        assert!(Samples::new(Features::Matrix(whole.rows(0, 2)), 2, &[0, 1, 0]).is_ok());
    }

    /// Bytes that are scaled while they are gathered give the same samples as scaled numbers.
    #[test]
    fn gathers_scaled_bytes_and_splits() {
        let scaling = Scaling { mean: 10.0, std: 20.0 };
        let (data, labels) = ([10, 12, 14, 0, 18, 20], [0, 1, 2]);
        let numbers = data.map(|byte| (f32::from(byte) - 10.0) / 20.0);
        let model = Model::new(Architecture::mlp(&[2, 3]).unwrap(), Init::He, 0);
        let outputs = [Features::Bytes { data: &data, scaling }, Features::Floats(&numbers)].map(
            |features| {
                let (_, rest) = Samples::new(features, 2, &labels).unwrap().split_at(1);
                assert_eq!((rest.labels.class(1), rest.len()), (2, 2));
                let mut workspace = Workspace::inference(&model, 1);
                let mut targets = GatheredTargets::default();
                let unchanged = Gathering::Unchanged;
                rest.gather(1, |i| i + 1, unchanged, &[], &mut workspace, &mut targets);
                model.forward(&mut workspace).into_owned()
            },
        );
        let mut workspace = Workspace::inference(&model, 1);
        workspace.input_mut(1).copy_from_slice(&numbers[4..]);
        let expected = model.forward(&mut workspace);
        for output in &outputs {
            assert!((output - expected).abs().max() < 1e-6, "{outputs:?}, expected {expected}");
        }
        assert!(
            outputs[0].max() < 0.9,
            "the probabilities are too close to 1 to show a difference"
        );
    }
}
