//! What a run learns from: features and labels, borrowed from whoever keeps them.

use nn_core::{Model, Scaling, Workspace};

use crate::Error;

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

/// Features with a class each.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    features: Features<'a>,
    n_features: usize,
    labels: &'a [u32],
}

impl<'a> Samples<'a> {
    /// Samples of `n_features` each.
    ///
    /// # Errors
    ///
    /// If there are not `n_features` for each label, or more samples than `u32::MAX`.
    pub fn new(
        features: Features<'a>,
        n_features: usize,
        labels: &'a [u32],
    ) -> Result<Self, Error> {
        let limit = u32::MAX as usize;
        if labels.len() > limit {
            return Err(Error::Samples {
                what: "number of samples, at most",
                expected: limit,
                found: labels.len(),
            });
        }
        let expected = labels.len().saturating_mul(n_features);
        if features.len() != expected {
            let (what, found) = ("features of all samples together", features.len());
            return Err(Error::Samples { what, expected, found });
        }
        Ok(Self { features, n_features, labels })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The first `n` and the rest.
    ///
    /// # Panics
    ///
    /// If there are fewer than `n`.
    #[track_caller]
    pub fn split_at(self, n: usize) -> (Self, Self) {
        let n_features = self.n_features;
        let (labels, rest_labels) = self.labels.split_at(n);
        let (features, rest_features) = match self.features {
            Features::Bytes { data, scaling } => {
                let (data, rest) = data.split_at(n * n_features);
                (Features::Bytes { data, scaling }, Features::Bytes { data: rest, scaling })
            }
            Features::Floats(data) => {
                let (data, rest) = data.split_at(n * n_features);
                (Features::Floats(data), Features::Floats(rest))
            }
        };
        (
            Self { features, n_features, labels },
            Self { features: rest_features, n_features, labels: rest_labels },
        )
    }

    /// The class of sample `index`.
    pub(crate) fn label(&self, index: usize) -> u32 {
        self.labels[index]
    }

    /// Fills `workspace` with the features of `n` samples, `index(i)` being the `i`-th of them.
    pub(crate) fn gather(
        &self,
        n: usize,
        index: impl Fn(usize) -> usize,
        workspace: &mut Workspace,
    ) {
        let range = |i| index(i) * self.n_features..(index(i) + 1) * self.n_features;
        match self.features {
            Features::Bytes { data, scaling } => {
                workspace.set_input_bytes(n, scaling, |i| &data[range(i)]);
            }
            Features::Floats(data) => {
                for (i, mut x) in workspace.input_mut(n).column_iter_mut().enumerate() {
                    x.copy_from_slice(&data[range(i)]);
                }
            }
        }
    }

    /// Whether `model` can be trained or evaluated on these samples.
    pub(crate) fn check(&self, model: &Model) -> Result<(), Error> {
        if self.is_empty() {
            return Err(Error::NoSamples);
        }
        if self.n_features != model.inputs() {
            let (what, expected) = ("features of a sample", model.inputs());
            return Err(Error::Samples { what, expected, found: self.n_features });
        }
        let classes = model.outputs();
        match self.labels.iter().position(|&label| label as usize >= classes) {
            None => Ok(()),
            Some(sample) => Err(Error::Label { sample, label: self.labels[sample], classes }),
        }
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
    fn a_model_takes_only_its_own_kind() {
        let model = Model::new(&LayerSpec::mlp(&[2, 3]), Init::He, 0).unwrap();
        let check = |data: &[f32], n_features, labels: &[u32]| {
            Samples::new(Features::Floats(data), n_features, labels).unwrap().check(&model)
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
                assert_eq!((rest.label(1), rest.len()), (2, 2));
                let mut workspace = Workspace::inference(&model, 1);
                rest.gather(1, |i| i + 1, &mut workspace);
                model.forward(&mut workspace).into_owned()
            },
        );
        let difference = (&outputs[0] - &outputs[1]).abs().max();
        assert!(difference < 1e-6, "{outputs:?}");
        assert!(outputs[0].max() < 0.9, "probabilities that show no difference");
    }
}
