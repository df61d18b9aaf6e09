//! Layers: small descriptors that name a range of the model's parameters.
//!
//! A layer holds no weights, no activations and no gradients, so it is `Copy`, and a pass over it
//! is a pure function of the buffers handed in. [`LayerSpec`] is how a network is described;
//! [`Layer`] is the same once its place in the parameter buffer is known. Both enums are closed, and
//! what each layer does is told apart here.

pub(crate) mod activation;
pub(crate) mod batch_norm;
pub(crate) mod dense;
pub(crate) mod dropout;
mod layer_norm;
pub(crate) mod norm;
pub(crate) mod softmax;

use std::ops::Range;

use crate::{
    Error,
    buffer::MatrixViewMut,
    kernels::Marks,
    mirror::Mirror,
    workspace::{Backward, Input},
};
use activation::Activation;
use batch_norm::{BatchNorm, KEPT_PER_FEATURE};
use dense::Dense;
use dropout::{Draws, Dropout};
use layer_norm::KEPT_PER_SAMPLE;
use norm::Norm;
use softmax::Softmax;

/// What a layer is, before it has a place in a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LayerSpec {
    /// Fully connected: `y = W x + b`.
    Dense {
        /// Length of an input column.
        inputs: usize,
        /// Length of an output column.
        outputs: usize,
    },
    /// A function of each element.
    Activation(Activation),
    /// Softmax over each column: `y_i = exp(x_i) / sum_j exp(x_j)`.
    Softmax,
    /// In training, each element is 0 with probability `rate` and else divided by `1 - rate`; in inference, `y = x`.
    /// Srivastava et al., "Dropout" (2014), in the inverted form, as in the book.
    Dropout {
        /// The share of elements that become 0, in `[0, 1)`; used to 1/65,536.
        rate: f64,
    },
    /// Each sample's features normalised: Ba, Kiros and Hinton, "Layer Normalization" (2016).
    LayerNorm {
        /// Added to the variance, above 0.
        epsilon: f64,
    },
    /// Each feature normalised over the batch: Ioffe and Szegedy, "Batch Normalization" (2015).
    BatchNorm {
        /// By how much of the difference the running statistics move at a batch, in `(0, 1]`.
        momentum: f64,
        /// Added to the variance, above 0.
        epsilon: f64,
    },
}

impl LayerSpec {
    /// [`Activation::Relu`].
    pub const RELU: Self = Self::Activation(Activation::Relu);

    /// Batch normalisation with PyTorch's settings: a momentum of 0.1, an epsilon of 1e-5.
    pub const BATCH_NORM: Self = Self::BatchNorm { momentum: 0.1, epsilon: 1e-5 };

    /// Layer normalisation with PyTorch's epsilon, 1e-5.
    pub const LAYER_NORM: Self = Self::LayerNorm { epsilon: 1e-5 };

    /// The dense classifier of the given sizes, ReLU between its layers and softmax at its end.
    ///
    /// `mlp(&[784, 128, 128, 10])` is the book's network for Fashion-MNIST.
    pub fn mlp(sizes: &[usize]) -> Vec<LayerSpec> {
        let mut specs = Vec::with_capacity(2 * sizes.len());
        for pair in sizes.windows(2) {
            specs.extend([LayerSpec::Dense { inputs: pair[0], outputs: pair[1] }, LayerSpec::RELU]);
        }
        if let Some(last) = specs.last_mut() {
            *last = LayerSpec::Softmax;
        }
        specs
    }

    /// The layer's name as files and summaries write it: lower case, never changed.
    pub fn name(self) -> &'static str {
        match self {
            LayerSpec::Dense { .. } => "dense",
            LayerSpec::Activation(activation) => activation.name(),
            LayerSpec::Softmax => "softmax",
            LayerSpec::Dropout { .. } => "dropout",
            LayerSpec::LayerNorm { .. } => "layer_norm",
            LayerSpec::BatchNorm { .. } => "batch_norm",
        }
    }

    /// Inputs and outputs of a dense layer.
    pub fn dense(self) -> Option<(usize, usize)> {
        match self {
            LayerSpec::Dense { inputs, outputs } => Some((inputs, outputs)),
            _ => None,
        }
    }

    /// The error where a setting is outside its range.
    fn check(self, layer: usize) -> Result<(), Error> {
        let setting = |name, found: f64, valid: Range<f64>, expected| match valid.contains(&found) {
            true => Ok(()),
            false => Err(Error::LayerSetting { layer, name, expected, found }),
        };
        // What divides must be more than 0 in `f32` too, and be no number without end.
        let epsilon = |found| {
            let valid = f64::from(f32::MIN_POSITIVE)..f64::from(f32::MAX);
            setting("epsilon", found, valid, "a finite number above 0")
        };
        match self {
            LayerSpec::Dropout { rate } => {
                setting("rate", rate, 0.0..MOST_DROPPED, "at least 0 and below 1")
            }
            LayerSpec::LayerNorm { epsilon: found } => epsilon(found),
            LayerSpec::BatchNorm { momentum, epsilon: found } => {
                let valid = f64::from(f32::MIN_POSITIVE)..1.0f64.next_up();
                setting("momentum", momentum, valid, "above 0 and at most 1")?;
                epsilon(found)
            }
            LayerSpec::Activation(Activation::LeakyRelu { slope: found }) => {
                setting("slope", found, -1e6..1e6, "a number between -1e6 and 1e6")
            }
            LayerSpec::Activation(Activation::Elu { alpha: found }) => {
                setting("alpha", found, -1e6..1e6, "a number between -1e6 and 1e6")
            }
            LayerSpec::Dense { .. } | LayerSpec::Activation(_) | LayerSpec::Softmax => Ok(()),
        }
    }
}

/// Beyond it, all of 65,536 draws would be dropped.
const MOST_DROPPED: f64 = 1.0 - 0.6 / 65_536.0;

/// A layer with its place in a model's parameter buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// See [`LayerSpec::Dense`].
    Dense(Dense),
    /// See [`LayerSpec::Activation`].
    Activation {
        /// Length of a column.
        size: usize,
        /// Which.
        activation: Activation,
    },
    /// See [`LayerSpec::Softmax`].
    Softmax(Softmax),
    /// See [`LayerSpec::Dropout`].
    Dropout(Dropout),
    /// See [`LayerSpec::LayerNorm`].
    LayerNorm(Norm),
    /// See [`LayerSpec::BatchNorm`].
    BatchNorm(BatchNorm),
}

/// What a layer reads and writes on the way forward.
pub(crate) struct Forward<'a> {
    /// The model's whole buffers.
    pub(crate) params: &'a [f32],
    pub(crate) statistics: &'a [f32],
    /// Those of the layer's blocks.
    pub(crate) mirrors: &'a [Mirror],
    /// Inputs x n.
    pub(crate) x: Input<'a>,
    /// Outputs x n, to be overwritten.
    pub(crate) y: MatrixViewMut<'a>,
    /// As long as [`Layer::kept`] says: what the layer keeps of this pass for the way back.
    pub(crate) kept: &'a mut [f32],
    /// In training.
    pub(crate) draws: Option<Draws>,
}

impl Layer {
    /// Places `specs` one after another in a parameter buffer, checking that each takes what the
    /// one before it gives.
    pub(crate) fn chain(specs: &[LayerSpec]) -> Result<Vec<Layer>, Error> {
        const LONGEST: usize = isize::MAX as usize / size_of::<f32>();
        let mut layers = Vec::with_capacity(specs.len());
        let mut width = None;
        let (mut offset, mut n_statistics) = (0usize, 0usize);
        for (index, &spec) in specs.iter().enumerate() {
            spec.check(index)?;
            if let LayerSpec::Dense { inputs, outputs } = spec {
                if inputs == 0 || outputs == 0 {
                    return Err(Error::EmptyLayer { layer: index, inputs, outputs });
                }
                if let Some(expected) = width.filter(|&width| width != inputs) {
                    return Err(Error::Chain { layer: index, expected, found: inputs });
                }
                let dense = Dense { inputs, outputs, offset };
                offset = dense.end().ok_or(Error::TooLarge)?;
                width = Some(outputs);
                layers.push(Layer::Dense(dense));
                continue;
            }
            let size = width.ok_or(Error::NoInput { found: spec.name() })?;
            let layer = match spec {
                LayerSpec::Dense { .. } => continue,
                LayerSpec::Activation(activation) => Layer::Activation { size, activation },
                LayerSpec::Softmax => Layer::Softmax(Softmax { size }),
                LayerSpec::Dropout { rate } => Layer::Dropout(Dropout { size, rate, layer: index }),
                LayerSpec::LayerNorm { epsilon } => {
                    Layer::LayerNorm(Norm { size, epsilon, offset })
                }
                LayerSpec::BatchNorm { momentum, epsilon } => Layer::BatchNorm(BatchNorm {
                    norm: Norm { size, epsilon, offset },
                    momentum,
                    offset: n_statistics,
                }),
            };
            // What fits twice fits once: neither sum nor product can overflow here.
            let end = layer.n_params().checked_add(offset).filter(|&end| end <= LONGEST);
            offset = end.ok_or(Error::TooLarge)?;
            n_statistics += layer.n_statistics();
            layers.push(layer);
        }
        if layers.is_empty() {
            return Err(Error::NoInput { found: "nothing" });
        }
        Ok(layers)
    }

    /// What this layer is, without its place.
    pub fn spec(self) -> LayerSpec {
        match self {
            Layer::Dense(Dense { inputs, outputs, .. }) => LayerSpec::Dense { inputs, outputs },
            Layer::Activation { activation, .. } => LayerSpec::Activation(activation),
            Layer::Softmax(_) => LayerSpec::Softmax,
            Layer::Dropout(dropout) => LayerSpec::Dropout { rate: dropout.rate },
            Layer::LayerNorm(norm) => LayerSpec::LayerNorm { epsilon: norm.epsilon },
            Layer::BatchNorm(BatchNorm { norm, momentum, .. }) => {
                LayerSpec::BatchNorm { momentum, epsilon: norm.epsilon }
            }
        }
    }

    /// How many parameters it has.
    pub fn n_params(self) -> usize {
        match self {
            Layer::Dense(dense) => dense.columns() * dense.outputs,
            Layer::LayerNorm(norm) | Layer::BatchNorm(BatchNorm { norm, .. }) => 2 * norm.size,
            Layer::Activation { .. } | Layer::Softmax(_) | Layer::Dropout(_) => 0,
        }
    }

    /// How many numbers it has that are no parameters but statistics of the data.
    pub fn n_statistics(self) -> usize {
        if let Layer::BatchNorm(batch_norm) = self { 2 * batch_norm.norm.size } else { 0 }
    }

    /// Length of an input column.
    pub fn inputs(self) -> usize {
        if let Layer::Dense(dense) = self { dense.inputs } else { self.outputs() }
    }

    /// Length of an output column.
    pub fn outputs(self) -> usize {
        match self {
            Layer::Dense(dense) => dense.outputs,
            Layer::Activation { size, .. } => size,
            Layer::Softmax(softmax) => softmax.size,
            Layer::Dropout(dropout) => dropout.size,
            Layer::LayerNorm(norm) | Layer::BatchNorm(BatchNorm { norm, .. }) => norm.size,
        }
    }

    /// How many numbers it keeps of a pass over up to `capacity` samples.
    pub(crate) fn kept(self, capacity: usize) -> usize {
        match self {
            Layer::Dropout(dropout) => dropout.size * capacity,
            Layer::LayerNorm(_) => KEPT_PER_SAMPLE * capacity,
            Layer::BatchNorm(batch_norm) => KEPT_PER_FEATURE * batch_norm.norm.size,
            Layer::Dense(_) | Layer::Activation { .. } | Layer::Softmax(_) => 0,
        }
    }

    /// How many sums over the samples of a part its gradient is made of: a dense layer's of the gradient by its
    /// output, a normalisation's of that by its scales and shifts.
    pub(crate) fn n_gradient_sums(self) -> usize {
        match self {
            Layer::Dense(dense) => dense.outputs,
            Layer::LayerNorm(_) | Layer::BatchNorm(_) => self.n_params(),
            Layer::Activation { .. } | Layer::Softmax(_) | Layer::Dropout(_) => 0,
        }
    }

    /// Overwrites `y` with the layer's output for the samples in the columns of `x`.
    pub(crate) fn forward(self, pass: Forward<'_>) {
        let Forward { params, statistics, mirrors, x, y, kept, draws } = pass;
        match self {
            Layer::Dense(dense) => dense.forward(params, mirrors, x, y),
            Layer::Activation { activation, .. } => activation.forward(x.values, y),
            Layer::Softmax(softmax) => softmax.forward(x.values, y),
            Layer::Dropout(dropout) => {
                let factors = &mut kept[..x.values.len()];
                match draws {
                    Some(draws) => dropout.draw(draws, factors),
                    // The way back reads them after such a pass too.
                    None => factors.fill(1.0),
                }
                Dropout::apply(factors, x.values, y);
            }
            Layer::LayerNorm(norm) => layer_norm::forward(norm, params, x.values, y, kept),
            Layer::BatchNorm(batch_norm) => {
                if draws.is_none() {
                    batch_norm.running(statistics, kept);
                }
                batch_norm.forward(params, x.values, y, kept);
            }
        }
    }

    /// Overwrites `d_sums` with the sums over the samples that its gradient is made of.
    pub(crate) fn sum_gradient(self, views: &Backward<'_>, d_sums: &mut [f32]) {
        let &Backward { x, kept, dy, .. } = views;
        match self {
            Layer::Dense(_) => crate::kernels::sum_columns(dy, d_sums),
            Layer::LayerNorm(norm) => layer_norm::sum_gradient(norm, x, kept, dy, d_sums),
            Layer::BatchNorm(batch_norm) => batch_norm.sum_gradient(x, kept, dy, d_sums),
            Layer::Activation { .. } | Layer::Softmax(_) | Layer::Dropout(_) => {}
        }
    }

    /// Overwrites the loss's gradient by the layer's input.
    ///
    /// `next` is the layer after this one, and `mirrors` those of this layer's blocks.
    pub(crate) fn backward_input(
        self,
        params: &[f32],
        mirrors: &[Mirror],
        next: Option<Layer>,
        views: Backward<'_>,
        dx: MatrixViewMut<'_>,
    ) {
        let Backward { x, y, kept, dy, next_marks } = views;
        match self {
            Layer::Dense(dense) => {
                // A ReLU lets no gradient through where its output is 0.
                let marks = next_marks.filter(|_| next.is_some_and(Layer::is_relu));
                dense.backward_input(mirrors, dy, marks.map(Marks::columns), dx);
            }
            Layer::Activation { activation, .. } => activation.backward_input(x, y, dy, dx),
            Layer::Softmax(softmax) => softmax.backward_input(y, dy, dx),
            Layer::Dropout(_) => Dropout::apply(kept, dy, dx),
            Layer::LayerNorm(norm) => layer_norm::backward_input(norm, params, x, kept, dy, dx),
            Layer::BatchNorm(batch_norm) => batch_norm.backward_input(params, x, kept, dy, dx),
        }
    }

    fn is_relu(self) -> bool {
        matches!(self, Layer::Activation { activation: Activation::Relu, .. })
    }
}
