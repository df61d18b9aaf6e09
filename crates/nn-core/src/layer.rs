//! Layers: small descriptors that name a range of the model's parameters.
//!
//! A layer holds no weights, no activations and no gradients, so it is `Copy`, and a pass over it
//! is a pure function of the buffers handed in. [`LayerSpec`] is how a network is described;
//! [`Layer`] is the same once its place in the parameter buffer is known. Both enums are closed, and
//! what each layer does is told apart here.

pub(crate) mod dense;
pub(crate) mod relu;
pub(crate) mod softmax;

use crate::{
    Error,
    buffer::MatrixViewMut,
    kernels::Marks,
    mirror::Mirror,
    workspace::{Backward, Input},
};
use dense::Dense;
use relu::Relu;
use softmax::Softmax;

/// What a layer is, before it has a place in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerSpec {
    /// Fully connected: `y = W x + b`.
    Dense {
        /// Length of an input column.
        inputs: usize,
        /// Length of an output column.
        outputs: usize,
    },
    /// Rectified linear unit: `y = max(x, 0)`.
    Relu,
    /// Softmax over each column: `y_i = exp(x_i) / sum_j exp(x_j)`.
    Softmax,
}

impl LayerSpec {
    /// The dense classifier of the given sizes, ReLU between its layers and softmax at its end.
    ///
    /// `mlp(&[784, 128, 128, 10])` is the book's network for Fashion-MNIST.
    pub fn mlp(sizes: &[usize]) -> Vec<LayerSpec> {
        let mut specs = Vec::with_capacity(2 * sizes.len());
        for pair in sizes.windows(2) {
            specs.extend([LayerSpec::Dense { inputs: pair[0], outputs: pair[1] }, LayerSpec::Relu]);
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
            LayerSpec::Relu => "relu",
            LayerSpec::Softmax => "softmax",
        }
    }
}

/// A layer with its place in a model's parameter buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// See [`LayerSpec::Dense`].
    Dense(Dense),
    /// See [`LayerSpec::Relu`].
    Relu(Relu),
    /// See [`LayerSpec::Softmax`].
    Softmax(Softmax),
}

impl Layer {
    /// Places `specs` one after another in a parameter buffer, checking that each takes what the
    /// one before it gives.
    pub(crate) fn chain(specs: &[LayerSpec]) -> Result<Vec<Layer>, Error> {
        let mut layers = Vec::with_capacity(specs.len());
        let mut width = None;
        let mut offset = 0usize;
        for (index, &spec) in specs.iter().enumerate() {
            let layer = match (spec, width) {
                (LayerSpec::Dense { inputs, outputs }, _) => {
                    if inputs == 0 || outputs == 0 {
                        return Err(Error::EmptyLayer { layer: index, inputs, outputs });
                    }
                    if let Some(expected) = width.filter(|&width| width != inputs) {
                        return Err(Error::Chain { layer: index, expected, found: inputs });
                    }
                    let dense = Dense { inputs, outputs, offset };
                    offset = dense.end().ok_or(Error::TooLarge)?;
                    Layer::Dense(dense)
                }
                (LayerSpec::Relu, Some(size)) => Layer::Relu(Relu { size }),
                (LayerSpec::Softmax, Some(size)) => Layer::Softmax(Softmax { size }),
                (LayerSpec::Relu | LayerSpec::Softmax, None) => {
                    return Err(Error::NoInput { found: spec.name() });
                }
            };
            width = Some(layer.outputs());
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
            Layer::Dense(dense) => {
                LayerSpec::Dense { inputs: dense.inputs, outputs: dense.outputs }
            }
            Layer::Relu(_) => LayerSpec::Relu,
            Layer::Softmax(_) => LayerSpec::Softmax,
        }
    }

    /// How many parameters it has.
    pub fn n_params(self) -> usize {
        match self {
            Layer::Dense(dense) => dense.columns() * dense.outputs,
            Layer::Relu(_) | Layer::Softmax(_) => 0,
        }
    }

    /// Length of an input column.
    pub fn inputs(self) -> usize {
        match self {
            Layer::Dense(dense) => dense.inputs,
            Layer::Relu(relu) => relu.size,
            Layer::Softmax(softmax) => softmax.size,
        }
    }

    /// Length of an output column.
    pub fn outputs(self) -> usize {
        match self {
            Layer::Dense(dense) => dense.outputs,
            Layer::Relu(relu) => relu.size,
            Layer::Softmax(softmax) => softmax.size,
        }
    }

    /// Overwrites `y` with the layer's output for the samples in the columns of `x`.
    ///
    /// # Shapes
    ///
    /// `params`: the model's whole buffer; `mirrors`: those of the layer's blocks. `x`: inputs x n.
    /// `y`: outputs x n.
    pub(crate) fn forward(
        self,
        params: &[f32],
        mirrors: &[Mirror],
        x: Input<'_>,
        y: MatrixViewMut<'_>,
    ) {
        match self {
            Layer::Dense(dense) => dense.forward(params, mirrors, x, y),
            Layer::Relu(relu) => relu.forward(x.values, y),
            Layer::Softmax(softmax) => softmax.forward(x.values, y),
        }
    }

    /// Overwrites the loss's gradient by the layer's input.
    ///
    /// `next` is the layer after this one, and `mirrors` those of this layer's blocks.
    pub(crate) fn backward_input(
        self,
        mirrors: &[Mirror],
        next: Option<Layer>,
        views: Backward<'_>,
    ) {
        let Backward { y, dy, next_marks, dx } = views;
        match self {
            Layer::Dense(dense) => {
                // A ReLU lets no gradient through where its output is 0.
                let is_before_relu = matches!(next, Some(Layer::Relu(_)));
                let marks = next_marks.filter(|_| is_before_relu);
                dense.backward_input(mirrors, dy, marks.map(Marks::columns), dx);
            }
            Layer::Relu(relu) => relu.backward_input(y, dy, dx),
            Layer::Softmax(softmax) => softmax.backward_input(y, dy, dx),
        }
    }
}
