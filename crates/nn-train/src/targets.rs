//! The targets of samples, which are classes or numbers, and the weights of samples.

use nn_core::{Loss, Model, SettingError, Targets, Values, metric::argmax};

use crate::{Error, error::check_len};

/// The class labels of samples, borrowed. Slices and vectors of `u8` and `u32` convert into this type.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ClassLabels<'a> {
    /// One byte per sample, as in IDX files.
    U8(&'a [u8]),
    /// One number per sample.
    U32(&'a [u32]),
}

impl<'a> From<&'a [u8]> for ClassLabels<'a> {
    fn from(labels: &'a [u8]) -> Self {
        Self::U8(labels)
    }
}

impl<'a> From<&'a [u32]> for ClassLabels<'a> {
    fn from(labels: &'a [u32]) -> Self {
        Self::U32(labels)
    }
}

impl<'a> From<&'a Vec<u8>> for ClassLabels<'a> {
    fn from(labels: &'a Vec<u8>) -> Self {
        Self::U8(labels)
    }
}

impl<'a> From<&'a Vec<u32>> for ClassLabels<'a> {
    fn from(labels: &'a Vec<u32>) -> Self {
        Self::U32(labels)
    }
}

/// For literals such as `&[0, 1, 1, 0]`. Arrays of bytes have no such conversion, since it would make the type of a
/// literal ambiguous.
impl<'a, const N: usize> From<&'a [u32; N]> for ClassLabels<'a> {
    fn from(labels: &'a [u32; N]) -> Self {
        Self::U32(labels)
    }
}

impl ClassLabels<'_> {
    fn len(self) -> usize {
        match self {
            Self::U8(labels) => labels.len(),
            Self::U32(labels) => labels.len(),
        }
    }

    fn get(self, index: usize) -> u32 {
        match self {
            Self::U8(labels) => labels[index].into(),
            Self::U32(labels) => labels[index],
        }
    }

    #[track_caller]
    fn split_at(self, n: usize) -> (Self, Self) {
        match self {
            Self::U8(labels) => {
                let (labels, rest) = labels.split_at(n);
                (Self::U8(labels), Self::U8(rest))
            }
            Self::U32(labels) => {
                let (labels, rest) = labels.split_at(n);
                (Self::U32(labels), Self::U32(rest))
            }
        }
    }
}

/// The targets of some samples, and their weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels<'a> {
    kind: LabelKind<'a>,
    /// The weight of each sample; empty if all are 1.
    weights: &'a [f32],
}

#[derive(Clone, Copy, Debug)]
enum LabelKind<'a> {
    Classes(ClassLabels<'a>),
    /// `n_outputs` numbers per sample. An output is correct if it is within `precision` of its number.
    Numbers {
        numbers: &'a [f32],
        n_outputs: usize,
        precision: f32,
    },
}

/// Checks the weight of a sample or a class.
pub(crate) fn check_weight(name: &'static str, weight: f32) -> Result<(), Error> {
    let is_valid = weight.is_finite() && weight >= 0.0;
    Ok(SettingError::check(name, is_valid, "a finite number, 0 or above", f64::from(weight))?)
}

impl<'a> Labels<'a> {
    pub(crate) fn classes(classes: ClassLabels<'a>) -> Self {
        Self { kind: LabelKind::Classes(classes), weights: &[] }
    }

    /// `n_outputs` numbers per sample. An output is correct if it is within `precision` of its number.
    pub(crate) fn numbers(
        numbers: &'a [f32],
        n_outputs: usize,
        precision: f32,
    ) -> Result<Self, Error> {
        let expected = numbers.len() / n_outputs.max(1) * n_outputs;
        check_len("numbers of all samples together", numbers.len(), expected)?;
        check_weight("precision", precision)?;
        Ok(Self { kind: LabelKind::Numbers { numbers, n_outputs, precision }, weights: &[] })
    }

    pub(crate) fn weighted(self, weights: &'a [f32]) -> Result<Self, Error> {
        check_len("weights of samples", weights.len(), self.len())?;
        weights.iter().try_for_each(|&weight| check_weight("weight of a sample", weight))?;
        Ok(Self { weights, ..self })
    }

    /// The number of samples.
    pub(crate) fn len(&self) -> usize {
        match self.kind {
            LabelKind::Classes(classes) => classes.len(),
            LabelKind::Numbers { numbers, n_outputs, .. } => numbers.len() / n_outputs.max(1),
        }
    }

    /// Splits the labels into those of the first `n` samples and the rest. There must be at least `n`.
    pub(crate) fn split_at(self, n: usize) -> (Self, Self) {
        let (kind, rest) = match self.kind {
            LabelKind::Classes(classes) => {
                let (classes, rest) = classes.split_at(n);
                (LabelKind::Classes(classes), LabelKind::Classes(rest))
            }
            LabelKind::Numbers { numbers, n_outputs, precision } => {
                let (numbers, rest) = numbers.split_at(n * n_outputs);
                let of = |numbers| LabelKind::Numbers { numbers, n_outputs, precision };
                (of(numbers), of(rest))
            }
        };
        let (weights, rest_weights) = self.weights.split_at(n.min(self.weights.len()));
        (Self { kind, weights }, Self { kind: rest, weights: rest_weights })
    }

    /// The class of sample `index`. If its targets are numbers, the index of the largest one.
    pub(crate) fn class(&self, index: usize) -> u32 {
        match self.kind {
            LabelKind::Classes(classes) => classes.get(index),
            LabelKind::Numbers { numbers, n_outputs, .. } => {
                argmax(&numbers[index * n_outputs..][..n_outputs]) as u32
            }
        }
    }

    /// Checks that this loss can compare the model's outputs with these targets.
    pub(crate) fn check(&self, model: &Model, loss: Loss) -> Result<(), Error> {
        let classes = model.outputs();
        match self.kind {
            LabelKind::Classes(_) if !loss.is_categorical() => {
                check_len("target numbers of a sample, which this loss needs", 0, classes)
            }
            LabelKind::Classes(labels) => {
                match (0..labels.len()).find(|&sample| labels.get(sample) as usize >= classes) {
                    None => Ok(()),
                    Some(sample) => {
                        Err(Error::Label { sample, label: labels.get(sample), classes })
                    }
                }
            }
            LabelKind::Numbers { numbers, n_outputs, .. } => {
                check_len("target numbers of a sample", n_outputs, classes)?;
                let mut of_samples = numbers.chunks(n_outputs).enumerate();
                of_samples.try_for_each(|(sample, targets)| check_targets(loss, sample, targets))
            }
        }
    }
}

/// Checks that the loss is defined for a sample's targets.
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
    // More than the rounding error of a sum over any number of classes.
    const TOLERANCE: f32 = 1e-3;
    let sum: f32 = targets.iter().sum();
    if loss.is_categorical() && (sum - 1.0).abs() > TOLERANCE {
        return refused("a distribution: numbers whose sum is 1", sum);
    }
    Ok(())
}

/// The targets of a shard's samples, gathered for the loss.
#[derive(Clone, Debug, Default)]
pub(crate) struct GatheredTargets {
    classes: Vec<u32>,
    numbers: Vec<f32>,
    precision: Option<f32>,
    weights: Vec<f32>,
}

impl GatheredTargets {
    /// Allocates room for `n` samples with `outputs` outputs each.
    pub(crate) fn with_capacity(n: usize, outputs: usize) -> Self {
        Self {
            classes: Vec::with_capacity(n),
            numbers: Vec::with_capacity(n * outputs),
            precision: None,
            weights: Vec::with_capacity(n),
        }
    }

    /// Overwrites these targets with those of `n` samples; `index(i)` is the index of the `i`-th.
    pub(crate) fn gather(
        &mut self,
        labels: &Labels<'_>,
        n: usize,
        index: impl Fn(usize) -> usize,
        class_weights: &[f32],
    ) {
        let Self { classes, numbers, precision, weights } = self;
        classes.clear();
        numbers.clear();
        weights.clear();
        classes.extend((0..n).map(|i| labels.class(index(i))));
        let of_samples = labels.weights;
        *precision = match labels.kind {
            LabelKind::Classes(_) => None,
            LabelKind::Numbers { numbers: all, n_outputs, precision } => {
                for i in (0..n).map(&index) {
                    numbers.extend_from_slice(&all[i * n_outputs..][..n_outputs]);
                }
                Some(precision)
            }
        };
        if !of_samples.is_empty() || !class_weights.is_empty() {
            let of_class = |i| class_weights.get(labels.class(i) as usize).copied().unwrap_or(1.0);
            let of_sample = |i| of_samples.get(i).copied().unwrap_or(1.0);
            weights.extend((0..n).map(&index).map(|i| of_class(i) * of_sample(i)));
        }
    }

    /// The view that the loss takes.
    pub(crate) fn view(&self) -> Targets<'_> {
        let Self { classes, numbers, precision, weights } = self;
        let values = match *precision {
            None => Values::Classes(classes),
            Some(precision) => Values::Numbers { numbers, precision },
        };
        Targets { values, weights }
    }

    /// The class of each sample. If targets are numbers, the index of the largest one.
    pub(crate) fn classes(&self) -> &[u32] {
        &self.classes
    }
}
