//! Everything that can be wrong with a description of a network.
//!
//! Shapes of the matrices handed to a layer are the caller's code, not data: a mismatch there
//! panics at the caller.

/// Why a list of layers and parameters is no network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no dense layer first, so nothing says how many inputs there are.
    #[error("layer 0: expected a dense layer, which sets the number of inputs, found {found}")]
    NoInput {
        /// The first layer's name, or `nothing`.
        found: &'static str,
    },
    /// A dense layer has no inputs or no outputs.
    #[error("layer {layer}: expected at least 1 input and 1 output, found {inputs} -> {outputs}")]
    EmptyLayer {
        /// Index of the layer.
        layer: usize,
        /// Its inputs.
        inputs: usize,
        /// Its outputs.
        outputs: usize,
    },
    /// A layer does not take what the one before it gives.
    #[error("layer {layer}: expected {expected} inputs, as many as layer {} gives, found {found}", layer - 1)]
    Chain {
        /// Index of the layer.
        layer: usize,
        /// The outputs of the layer before.
        expected: usize,
        /// The inputs of this one.
        found: usize,
    },
    /// A layer's setting is outside its range.
    #[error("layer {layer}: {name}: expected {expected}, found {found}")]
    LayerSetting {
        /// Index of the layer.
        layer: usize,
        /// The setting.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// What was given.
        found: f64,
    },
    /// A loss's setting is outside its range.
    #[error("{name}: expected {expected}, found {found}")]
    LossSetting {
        /// The setting.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// What was given.
        found: f64,
    },
    /// The last layer is not the one that the loss needs.
    #[error("the model's last layer: expected {expected}, which {loss} needs, found {found}")]
    LastLayer {
        /// The loss's name.
        loss: &'static str,
        /// The name of the layer that it needs.
        expected: &'static str,
        /// The last layer's name.
        found: &'static str,
    },
    /// The buffer of statistics has another length than the layers need.
    #[error("expected {expected} running statistics, as the layers need, found {found}")]
    StatisticsCount {
        /// What the layers need.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The parameters would not fit in memory's address range.
    #[error("the network needs more parameters than memory has addresses; make its layers smaller")]
    TooLarge,
    /// The buffer of parameters has another length than the layers need.
    #[error("expected {expected} parameters, as the layers need, found {found}")]
    ParameterCount {
        /// What the layers need.
        expected: usize,
        /// What was given.
        found: usize,
    },
}
