//! The list of all kinds of layers. Each kind is implemented in its own file.
//!
//! A layer holds no weights, activations or gradients. So it is `Copy`, and a pass over it is a pure function of the
//! buffers passed in. To add a kind, write a file with an `impl LayerOp`, and add the kind to [`Layer`] and
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

/// A layer of a network: its kind and its settings.
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
    /// Layer normalisation: normalises over the features of each sample.
    LayerNorm(LayerNorm),
    /// Batch normalisation: normalises each feature over the batch.
    BatchNorm(BatchNorm),
}

impl Layer {
    /// The implementation of the layer's kind.
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

    /// The ReLU activation: [`Activation::Relu`].
    pub const RELU: Self = Self::Activation(Activation::Relu);

    /// A softmax layer: [`Softmax`].
    pub const SOFTMAX: Self = Self::Softmax(Softmax);

    /// Layer normalisation with PyTorch's default epsilon, 1e-5.
    pub const LAYER_NORM: Self = Self::LayerNorm(LayerNorm { epsilon: 1e-5 });

    /// Batch normalisation with PyTorch's defaults: momentum 0.1 and epsilon 1e-5.
    pub const BATCH_NORM: Self = Self::BatchNorm(BatchNorm { momentum: 0.1, epsilon: 1e-5 });

    /// A dense (fully connected) layer with the given number of outputs.
    pub const fn dense(outputs: usize) -> Self {
        Self::Dense(Dense { outputs })
    }

    /// A dropout layer that drops each element with probability `rate`.
    pub const fn dropout(rate: f64) -> Self {
        Self::Dropout(Dropout { rate })
    }

    /// The layers of a dense classifier with the given sizes: ReLU follows each hidden layer, and softmax the last one.
    pub fn mlp(sizes: &[usize]) -> Vec<Layer> {
        let mut layers: Vec<Layer> =
            sizes.iter().flat_map(|&size| [Self::dense(size), Self::RELU]).collect();
        if let Some(last) = layers.last_mut() {
            *last = Self::SOFTMAX;
        }
        layers
    }

    /// The name of the layer's kind in model files and summaries, in lower case. It never changes.
    pub fn name(&self) -> &'static str {
        self.op().name()
    }

    /// The layer's settings with their names, as in model files. The size of a dense layer is not among them.
    pub fn settings(&self) -> Vec<(&'static str, f64)> {
        self.op().settings()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Model files and summaries use these names.
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
