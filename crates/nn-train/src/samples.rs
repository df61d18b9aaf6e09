//! What a run learns from: features and labels, borrowed from whoever keeps them.

use nn_core::{Loss, Model, Scaling, Values, Workspace, metric::argmax};

use crate::{Augment, Error, augment::mirror};

/// The samples' features, sample after sample.
#[derive(Clone, Copy, Debug)]
pub enum Features<'a> {
    /// Bytes, such as pixels, scaled while a batch is gathered: a quarter of the memory.
    Bytes {
        /// One sample behind the other.
        data: &'a [u8],
        /// How a byte becomes an input.
        scaling: Scaling,
    },
    /// Numbers as the network is fed them.
    Floats(&'a [f32]),
}

impl Features<'_> {
    fn len(&self) -> usize {
        match self {
            Features::Bytes { data, .. } => data.len(),
            Features::Floats(data) => data.len(),
        }
    }
}

/// Features with what a model shall make of them.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    features: Features<'a>,
    n_features: usize,
    /// Pixels of a row, where the features are images.
    width: Option<usize>,
    labels: Labels<'a>,
    /// How much each sample counts; empty where all count 1.
    weights: &'a [f32],
}

/// What a model shall make of the samples.
#[derive(Clone, Copy, Debug)]
enum Labels<'a> {
    Classes(&'a [u32]),
    Numbers { numbers: &'a [f32], n_outputs: usize, precision: f32 },
}

/// Whether a sample or a class can count so much.
pub(crate) fn is_weight(weight: f32) -> bool {
    weight.is_finite() && weight >= 0.0
}

/// How samples are brought together.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gathering {
    AsTheyAre,
    Mirrored,
    Changed { augment: Augment, seed: u64, epoch: u64 },
}

impl<'a> Samples<'a> {
    /// Samples of `n_features` with a class each.
    ///
    /// # Errors
    ///
    /// If there are not `n_features` for each label, or more samples than `u32::MAX`.
    pub fn new(
        features: Features<'a>,
        n_features: usize,
        labels: &'a [u32],
    ) -> Result<Self, Error> {
        Self::with_labels(features, n_features, labels.len(), Labels::Classes(labels))
    }

    /// Samples of `n_features` with `n_outputs` numbers each: what each output shall be; for binary cross-entropy 0 to
    /// 1, and for cross-entropy and the focal loss a distribution, which whoever trains or evaluates on them checks. An
    /// output is right within `precision` ([`nn_core::loss::precision_of`]) of its number, or for binary cross-entropy on
    /// its side of 0.5.
    ///
    /// # Errors
    ///
    /// If there are not `n_features` for every `n_outputs`, there are more samples than `u32::MAX`, or the precision is
    /// below 0 or not finite.
    pub fn of_numbers(
        features: Features<'a>,
        n_features: usize,
        numbers: &'a [f32],
        n_outputs: usize,
        precision: f32,
    ) -> Result<Self, Error> {
        let n = numbers.len() / n_outputs.max(1);
        if n * n_outputs != numbers.len() {
            let (what, expected) = ("numbers of all samples together", n * n_outputs);
            return Err(Error::Samples { what, expected, found: numbers.len() });
        }
        if !(precision.is_finite() && precision >= 0.0) {
            let (name, expected) = ("precision", "a finite number, 0 or above");
            return Err(Error::Config { name, expected, found: f64::from(precision) });
        }
        let labels = Labels::Numbers { numbers, n_outputs, precision };
        Self::with_labels(features, n_features, n, labels)
    }

    fn with_labels(
        features: Features<'a>,
        n_features: usize,
        n: usize,
        labels: Labels<'a>,
    ) -> Result<Self, Error> {
        let limit = u32::MAX as usize;
        if n > limit {
            let what = "number of samples, at most";
            return Err(Error::Samples { what, expected: limit, found: n });
        }
        let expected = n.saturating_mul(n_features);
        if features.len() != expected {
            let (what, found) = ("features of all samples together", features.len());
            return Err(Error::Samples { what, expected, found });
        }
        Ok(Self { features, n_features, width: None, labels, weights: &[] })
    }

    /// The same, being images of rows of `width` pixels, which can be changed and mirrored.
    ///
    /// # Errors
    ///
    /// If they are no bytes, or not made of such rows.
    pub fn as_images(self, width: usize) -> Result<Self, Error> {
        let is_bytes = matches!(self.features, Features::Bytes { .. });
        if !is_bytes || width == 0 || !self.n_features.is_multiple_of(width) {
            return Err(Error::NoImages { n_features: self.n_features });
        }
        Ok(Self { width: Some(width), ..self })
    }

    /// The same, each of them counting by its weight in the loss.
    ///
    /// # Errors
    ///
    /// If there is not one for each sample, or one is below 0 or not finite.
    pub fn weighted(self, weights: &'a [f32]) -> Result<Self, Error> {
        if weights.len() != self.len() {
            let (what, expected) = ("weights of samples", self.len());
            return Err(Error::Samples { what, expected, found: weights.len() });
        }
        match weights.iter().find(|weight| !is_weight(**weight)) {
            None => Ok(Self { weights, ..self }),
            Some(&weight) => {
                let (name, expected) = ("weight of a sample", "a finite number, 0 or above");
                Err(Error::Config { name, expected, found: f64::from(weight) })
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self.labels {
            Labels::Classes(labels) => labels.len(),
            Labels::Numbers { numbers, n_outputs, .. } => numbers.len() / n_outputs.max(1),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `n` and the rest.
    ///
    /// # Panics
    ///
    /// If there are fewer than `n`.
    #[track_caller]
    pub fn split_at(self, n: usize) -> (Self, Self) {
        let (labels, rest_labels) = match self.labels {
            Labels::Classes(labels) => {
                let (labels, rest) = labels.split_at(n);
                (Labels::Classes(labels), Labels::Classes(rest))
            }
            Labels::Numbers { numbers, n_outputs, precision } => {
                let (numbers, rest) = numbers.split_at(n * n_outputs);
                let of = |numbers| Labels::Numbers { numbers, n_outputs, precision };
                (of(numbers), of(rest))
            }
        };
        let (features, rest_features) = match self.features {
            Features::Bytes { data, scaling } => {
                let (data, rest) = data.split_at(n * self.n_features);
                (Features::Bytes { data, scaling }, Features::Bytes { data: rest, scaling })
            }
            Features::Floats(data) => {
                let (data, rest) = data.split_at(n * self.n_features);
                (Features::Floats(data), Features::Floats(rest))
            }
        };
        let (weights, rest_weights) = self.weights.split_at(n.min(self.weights.len()));
        (
            Self { features, labels, weights, ..self },
            Self { features: rest_features, labels: rest_labels, weights: rest_weights, ..self },
        )
    }

    /// The class of sample `index`; of numbers, the index of the largest, which is the class where they are one-hot or
    /// another distribution.
    pub(crate) fn class(&self, index: usize) -> u32 {
        match self.labels {
            Labels::Classes(labels) => labels[index],
            Labels::Numbers { numbers, n_outputs, .. } => {
                argmax(&numbers[index * n_outputs..(index + 1) * n_outputs]) as u32
            }
        }
    }

    /// Fills `workspace` and `targets` with `n` samples, `index(i)` being the `i`-th of them.
    pub(crate) fn gather(
        &self,
        n: usize,
        index: impl Fn(usize) -> usize,
        gathering: Gathering,
        class_weights: &[f32],
        workspace: &mut Workspace,
        targets: &mut GatheredTargets,
    ) {
        targets.gather(self, n, &index, class_weights);
        let range = |i| index(i) * self.n_features..(index(i) + 1) * self.n_features;
        match (self.features, gathering, self.width) {
            (Features::Bytes { data, scaling }, Gathering::Mirrored, Some(width)) => {
                let change = |_, image: &[u8], x: &mut [u8]| mirror(width, image, x);
                workspace.set_changed_bytes(n, scaling, |i| &data[range(i)], change);
            }
            (
                Features::Bytes { data, scaling },
                Gathering::Changed { augment, seed, epoch },
                Some(width),
            ) => {
                let change = |i, image: &[u8], x: &mut [u8]| {
                    augment.apply(seed, epoch, index(i) as u32, width, image, x);
                };
                workspace.set_changed_bytes(n, scaling, |i| &data[range(i)], change);
            }
            (Features::Bytes { data, scaling }, ..) => {
                workspace.set_input_bytes(n, scaling, |i| &data[range(i)]);
            }
            (Features::Floats(data), ..) => {
                for (i, mut x) in workspace.input_mut(n).column_iter_mut().enumerate() {
                    x.copy_from_slice(&data[range(i)]);
                }
            }
        }
    }

    /// The error where they are to be changed or mirrored but are no images.
    pub(crate) fn check_images(&self) -> Result<(), Error> {
        match self.width {
            Some(_) => Ok(()),
            None => Err(Error::NoImages { n_features: self.n_features }),
        }
    }

    /// Whether `model` can be trained or evaluated on these samples by this loss.
    pub(crate) fn check(&self, model: &Model, loss: Loss) -> Result<(), Error> {
        if self.is_empty() {
            return Err(Error::NoSamples);
        }
        if self.n_features != model.inputs() {
            let (what, expected) = ("features of a sample", model.inputs());
            return Err(Error::Samples { what, expected, found: self.n_features });
        }
        let classes = model.outputs();
        match self.labels {
            Labels::Classes(_) if !loss.is_categorical() => Err(Error::Samples {
                what: "numbers of a sample, which this loss compares with outputs",
                expected: classes,
                found: 0,
            }),
            Labels::Classes(labels) => {
                match labels.iter().position(|&label| label as usize >= classes) {
                    None => Ok(()),
                    Some(sample) => Err(Error::Label { sample, label: labels[sample], classes }),
                }
            }
            Labels::Numbers { numbers, n_outputs, .. } if n_outputs == classes => {
                let mut of_samples = numbers.chunks(n_outputs).enumerate();
                of_samples.try_for_each(|(sample, targets)| check_targets(loss, sample, targets))
            }
            Labels::Numbers { n_outputs, .. } => Err(Error::Samples {
                what: "numbers of a sample",
                expected: classes,
                found: n_outputs,
            }),
        }
    }
}

/// The error where the loss has no meaning for a sample's targets.
fn check_targets(loss: Loss, sample: usize, targets: &[f32]) -> Result<(), Error> {
    let refused = |expected, found| Err(Error::Target { sample, expected, found });
    let (range, expected) = match loss {
        _ if loss.is_categorical() => (0.0..=f32::MAX, "a distribution: numbers of 0 or above"),
        Loss::BinaryCrossEntropy => (0.0..=1.0, "numbers of 0 to 1"),
        _ => (f32::MIN..=f32::MAX, "finite numbers"),
    };
    if let Some(&found) = targets.iter().find(|target| !range.contains(target)) {
        return refused(expected, found);
    }
    // What rounding leaves of 1, with any number of classes.
    const TOLERANCE: f32 = 1e-3;
    let sum: f32 = targets.iter().sum();
    if loss.is_categorical() && (sum - 1.0).abs() > TOLERANCE {
        return refused("a distribution: numbers whose sum is 1", sum);
    }
    Ok(())
}

/// What a model shall make of the samples of a part.
#[derive(Clone, Debug, Default)]
pub(crate) struct GatheredTargets {
    classes: Vec<u32>,
    numbers: Vec<f32>,
    precision: Option<f32>,
    weights: Vec<f32>,
}

impl GatheredTargets {
    /// Room for so many samples with so many outputs.
    pub(crate) fn with_capacity(n: usize, outputs: usize) -> Self {
        Self {
            classes: Vec::with_capacity(n),
            numbers: Vec::with_capacity(n * outputs),
            precision: None,
            weights: Vec::with_capacity(n),
        }
    }

    fn gather(
        &mut self,
        samples: &Samples<'_>,
        n: usize,
        index: impl Fn(usize) -> usize,
        class_weights: &[f32],
    ) {
        let Self { classes, numbers, precision, weights } = self;
        classes.clear();
        numbers.clear();
        weights.clear();
        classes.extend((0..n).map(|i| samples.class(index(i))));
        *precision = match samples.labels {
            Labels::Classes(_) => None,
            Labels::Numbers { numbers: all, n_outputs, precision } => {
                for i in (0..n).map(&index) {
                    numbers.extend_from_slice(&all[i * n_outputs..(i + 1) * n_outputs]);
                }
                Some(precision)
            }
        };
        if !samples.weights.is_empty() || !class_weights.is_empty() {
            let of_class = |i| class_weights.get(samples.class(i) as usize).copied().unwrap_or(1.0);
            let of_sample = |i| samples.weights.get(i).copied().unwrap_or(1.0);
            weights.extend((0..n).map(&index).map(|i| of_class(i) * of_sample(i)));
        }
    }

    /// For the loss.
    pub(crate) fn view(&self) -> nn_core::Targets<'_> {
        let Self { classes, numbers, precision, weights } = self;
        let values = match *precision {
            None => Values::Classes(classes),
            Some(precision) => Values::Numbers { numbers, precision },
        };
        nn_core::Targets { values, weights }
    }

    /// The classes; of numbers, the index of the largest.
    pub(crate) fn classes(&self) -> &[u32] {
        &self.classes
    }
}

#[cfg(test)]
mod tests {
    use nn_core::{Init, LayerSpec};

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
    fn weights_must_be_numbers_of_samples() {
        let samples = Samples::new(Features::Floats(&[0.0; 4]), 2, &[0, 1]).unwrap();
        assert!(samples.weighted(&[0.0, 2.5]).is_ok());
        assert!(matches!(samples.weighted(&[1.0]), Err(Error::Samples { expected: 2, .. })));
        for weight in [-1.0, f32::NAN, f32::INFINITY] {
            let error = samples.weighted(&[1.0, weight]).unwrap_err().to_string();
            assert!(error.starts_with("weight of a sample: expected a finite number"), "{error}");
        }
    }

    #[test]
    fn a_model_takes_only_its_own_kind() {
        let model = Model::new(&LayerSpec::mlp(&[2, 3]), Init::He, 0).unwrap();
        let check = |data: &[f32], n_features, labels: &[u32]| {
            let samples = Samples::new(Features::Floats(data), n_features, labels).unwrap();
            samples.check(&model, Loss::default())
        };
        assert_eq!(check(&[0.0; 4], 2, &[0, 2]), Ok(()));
        assert_eq!(check(&[], 2, &[]), Err(Error::NoSamples));
        assert!(matches!(check(&[0.0; 3], 3, &[0]), Err(Error::Samples { expected: 2, .. })));
        assert_eq!(
            check(&[0.0; 4], 2, &[0, 3]),
            Err(Error::Label { sample: 1, label: 3, classes: 3 })
        );
    }

    /// Bytes that are scaled on the way are the same samples as those numbers.
    #[test]
    fn gathers_scaled_bytes_and_splits() {
        let scaling = Scaling { mean: 10.0, std: 20.0 };
        let (data, labels) = ([10, 12, 14, 0, 18, 20], [0, 1, 2]);
        let numbers = data.map(|byte| (f32::from(byte) - 10.0) / 20.0);
        let model = Model::new(&LayerSpec::mlp(&[2, 3]), Init::He, 0).unwrap();
        let outputs = [Features::Bytes { data: &data, scaling }, Features::Floats(&numbers)].map(
            |features| {
                let (_, rest) = Samples::new(features, 2, &labels).unwrap().split_at(1);
                assert_eq!((rest.class(1), rest.len()), (2, 2));
                let mut workspace = Workspace::inference(&model, 1);
                let mut targets = GatheredTargets::default();
                let as_they_are = Gathering::AsTheyAre;
                rest.gather(1, |i| i + 1, as_they_are, &[], &mut workspace, &mut targets);
                model.forward(&mut workspace).into_owned()
            },
        );
        let difference = (&outputs[0] - &outputs[1]).abs().max();
        assert!(difference < 1e-6, "{outputs:?}");
        assert!(outputs[0].max() < 0.9, "probabilities that show no difference");
    }
}
