//! Layers: what each kind is and does is in a file of its own; here is the list of the kinds.
//!
//! A layer holds no weights, no activations and no gradients, so it is `Copy`, and a pass over it is a pure function
//! of the buffers handed in. To add a kind, write its file with an `impl LayerOp`, and name it in [`Layer`] and in
//! [`Layer::op`].

pub(crate) mod activation;
mod batch_norm;
mod dense;
mod dropout;
mod layer_norm;
mod op;
pub(crate) mod softmax;

pub use activation::Activation;
pub use batch_norm::BatchNorm;
pub use dense::Dense;
pub use dropout::Dropout;
pub use layer_norm::LayerNorm;
pub(crate) use op::{
    Backward, BatchSync, Forward, InputView, LayerOp, ShardView, Shards, ZeroRule,
};
pub use softmax::Softmax;

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Layer {
    /// Fully connected: `y = W x + b`.
    Dense(Dense),
    /// An activation function, element by element.
    Activation(Activation),
    /// Softmax over each sample: `y_i = exp(x_i) / sum_j exp(x_j)`.
    Softmax(Softmax),
    /// Dropout: in training, a random share of the elements becomes 0.
    Dropout(Dropout),
    /// Layer normalisation: over the features of each sample.
    LayerNorm(LayerNorm),
    /// Batch normalisation: of each feature over the batch.
    BatchNorm(BatchNorm),
}

impl Layer {
    /// What the layer does.
    pub(crate) fn op(&self) -> &dyn LayerOp {
        match self {
            Self::Dense(dense) => dense,
            Self::Activation(activation) => activation,
            Self::Softmax(softmax) => softmax,
            Self::Dropout(dropout) => dropout,
            Self::LayerNorm(layer_norm) => layer_norm,
            Self::BatchNorm(batch_norm) => batch_norm,
        }
    }

    /// [`Activation::Relu`].
    pub const RELU: Self = Self::Activation(Activation::Relu);

    /// [`Softmax`].
    pub const SOFTMAX: Self = Self::Softmax(Softmax);

    /// Layer normalisation with PyTorch's epsilon, 1e-5.
    pub const LAYER_NORM: Self = Self::LayerNorm(LayerNorm { epsilon: 1e-5 });

    /// Batch normalisation with PyTorch's settings: a momentum of 0.1, an epsilon of 1e-5.
    pub const BATCH_NORM: Self = Self::BatchNorm(BatchNorm { momentum: 0.1, epsilon: 1e-5 });

    /// A dense layer.
    pub const fn dense(outputs: usize) -> Self {
        Self::Dense(Dense { outputs })
    }

    /// Dropout of the given share of the elements.
    pub const fn dropout(rate: f64) -> Self {
        Self::Dropout(Dropout { rate })
    }

    /// Dense layers of the given sizes with ReLU between them and a softmax at their end.
    pub fn mlp(sizes: &[usize]) -> Vec<Layer> {
        let mut layers: Vec<Layer> =
            sizes.iter().flat_map(|&size| [Self::dense(size), Self::RELU]).collect();
        if let Some(last) = layers.last_mut() {
            *last = Self::SOFTMAX;
        }
        layers
    }

    /// The kind's name as files and summaries write it: lower case, never changed.
    pub fn name(&self) -> &'static str {
        self.op().name()
    }

    /// The settings by name, as files have them. The size of a dense layer is not one of them.
    pub fn settings(&self) -> Vec<(&'static str, f64)> {
        self.op().settings()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files and summaries have them under these names.
    #[test]
    fn settings_have_names() {
        let of = |layer: Layer| layer.settings();
        assert_eq!(of(Layer::dropout(0.25)), [("rate", 0.25)]);
        assert_eq!(of(Layer::LAYER_NORM), [("epsilon", 1e-5)]);
        assert_eq!(of(Layer::BATCH_NORM), [("momentum", 0.1), ("epsilon", 1e-5)]);
        assert_eq!(of(Layer::Activation(Activation::Elu { alpha: 1.5 })), [("alpha", 1.5)]);
        assert_eq!(of(Layer::dense(3)), []);
    }
}
