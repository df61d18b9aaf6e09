//! The target of each sample, a class or numbers, and the sample's weight.

use nn_core::{Loss, Model, SettingError, Targets, Values};

use crate::{Error, error::check_len};

/// The targets of some samples, and their weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels<'a> {
    targets: Targets<'a>,
    /// How many numbers a sample has, if the targets are numbers.
    n_outputs: usize,
}

/// The error if a sample or a class cannot count so much.
pub(crate) fn check_weight(name: &'static str, weight: f32) -> Result<(), Error> {
    let is_valid = weight.is_finite() && weight >= 0.0;
    Ok(SettingError::check(name, is_valid, "a finite number, 0 or above", f64::from(weight))?)
}

impl<'a> Labels<'a> {
    pub(crate) fn classes(classes: &'a [u32]) -> Self {
        Self { targets: classes.into(), n_outputs: 0 }
    }

    /// `n_outputs` numbers a sample; an output is right within `precision` of its number.
    pub(crate) fn numbers(
        numbers: &'a [f32],
        n_outputs: usize,
        precision: f32,
    ) -> Result<Self, Error> {
        let expected = numbers.len() / n_outputs.max(1) * n_outputs;
        check_len("numbers of all samples together", numbers.len(), expected)?;
        check_weight("precision", precision)?;
        let values = Values::Numbers { numbers, precision };
        Ok(Self { targets: Targets { values, weights: &[] }, n_outputs })
    }

    pub(crate) fn weighted(self, weights: &'a [f32]) -> Result<Self, Error> {
        check_len("weights of samples", weights.len(), self.len())?;
        weights.iter().try_for_each(|&weight| check_weight("weight of a sample", weight))?;
        Ok(Self { targets: Targets { weights, ..self.targets }, ..self })
    }

    /// How many samples there are.
    pub(crate) fn len(&self) -> usize {
        match self.targets.values {
            Values::Classes(classes) => classes.len(),
            Values::Numbers { numbers, .. } => numbers.len() / self.n_outputs.max(1),
        }
    }

    /// Those of the first `n` samples and of the rest.
    #[track_caller]
    pub(crate) fn split_at(self, n: usize) -> (Self, Self) {
        let Self { targets: Targets { values, weights }, n_outputs } = self;
        let (values, rest) = match values {
            Values::Classes(classes) => {
                let (classes, rest) = classes.split_at(n);
                (Values::Classes(classes), Values::Classes(rest))
            }
            Values::Numbers { numbers, precision } => {
                let (numbers, rest) = numbers.split_at(n * n_outputs);
                let of = |numbers| Values::Numbers { numbers, precision };
                (of(numbers), of(rest))
            }
        };
        let (weights, rest_weights) = weights.split_at(n.min(weights.len()));
        let of = |values, weights| Self { targets: Targets { values, weights }, n_outputs };
        (of(values, weights), of(rest, rest_weights))
    }

    /// The class of sample `index`. Of numbers, the index of the largest.
    pub(crate) fn class(&self, index: usize) -> u32 {
        self.targets.values.class(index, self.n_outputs) as u32
    }

    /// The error if the model's outputs cannot be compared with these targets by this loss.
    pub(crate) fn check(&self, model: &Model, loss: Loss) -> Result<(), Error> {
        let classes = model.outputs();
        match self.targets.values {
            Values::Classes(_) if !loss.is_categorical() => {
                check_len("numbers of a sample, which this loss compares with outputs", 0, classes)
            }
            Values::Classes(labels) => {
                match labels.iter().position(|&label| label as usize >= classes) {
                    None => Ok(()),
                    Some(sample) => Err(Error::Label { sample, label: labels[sample], classes }),
                }
            }
            Values::Numbers { numbers, .. } => {
                check_len("numbers of a sample", self.n_outputs, classes)?;
                let mut of_samples = numbers.chunks(self.n_outputs).enumerate();
                of_samples.try_for_each(|(sample, targets)| check_targets(loss, sample, targets))
            }
        }
    }
}

/// The error if the loss is undefined for a sample's targets.
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
    // The rounding error of a sum over any number of classes.
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
    /// Room for `n` samples with so many outputs.
    pub(crate) fn with_capacity(n: usize, outputs: usize) -> Self {
        Self {
            classes: Vec::with_capacity(n),
            numbers: Vec::with_capacity(n * outputs),
            precision: None,
            weights: Vec::with_capacity(n),
        }
    }

    /// Overwrites them with those of `n` samples; `index(i)` is the index of the `i`-th.
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
        let Targets { values, weights: of_samples } = labels.targets;
        *precision = match values {
            Values::Classes(_) => None,
            Values::Numbers { numbers: all, precision } => {
                for i in (0..n).map(&index) {
                    numbers.extend_from_slice(&all[i * labels.n_outputs..][..labels.n_outputs]);
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

    /// The classes; of numbers, the index of the largest.
    pub(crate) fn classes(&self) -> &[u32] {
        &self.classes
    }
}
