//! The architecture of a network: its layers, their places in the buffers, and its named tensors. It is checked once,
//! when it is built.
//!
//! Parameter counts, initial values, regularisation, freezing, the tensors of a model file and the summary are all
//! derived from the list of tensors. So none of that code names a kind of layer.

use std::{collections::HashMap, fmt, ops::Range};

use crate::{Error, Layer, Place, Role, Shape};

/// Maximum length of a buffer of `f32`: no allocation may exceed `isize::MAX` bytes.
const MAX_LEN: usize = isize::MAX as usize / size_of::<f32>();

/// The name, role, shape and location of a tensor: a parameter or a running statistic of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name, such as `dense0.weights`, `dense0.biases` or `batch_norm0.scales`.
    pub name: String,
    /// Index of its layer.
    pub layer: usize,
    /// Whether it holds weights, biases, scales, shifts or running statistics.
    pub role: Role,
    /// Its dimensions in C order, as in model files: `[inputs, outputs]` for weights.
    pub shape: Vec<usize>,
    /// Its range in the parameter buffer, or in the statistics buffer if it is a running statistic.
    pub range: Range<usize>,
}

impl TensorSpec {
    /// The rows and columns of the tensor as a column-major matrix in memory: outputs x inputs for weights, and one
    /// column for all others.
    pub fn matrix_shape(&self) -> (usize, usize) {
        let (rows, columns) =
            self.shape.split_last().map_or((0, &[][..]), |(last, rest)| (*last, rest));
        (rows, columns.iter().product())
    }
}

/// A layer of a network, with its name and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedLayer {
    /// The layer's kind and settings.
    pub layer: Layer,
    /// Its name: the kind and its number among the layers of that kind, as in `dense0`, `relu0`, `dense1`.
    pub name: String,
    /// Its index, its input and output shapes, and its ranges in the buffers.
    pub place: Place,
}

/// A point at which a training pass waits for the whole batch. In the forward pass that is before a layer that
/// normalises over the batch; in the backward pass, before the gradient with respect to that layer's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyncPoint {
    /// Index of the layer.
    pub(crate) layer: usize,
    /// Index of the layer among those that normalise over the batch.
    pub(crate) slot: usize,
    pub(crate) is_backward: bool,
}

/// The architecture of a network: a chain of layers, checked for samples of one shape.
///
/// ```
/// use nn_core::{Architecture, Layer};
///
/// let layers = [Layer::dense(128), Layer::RELU, Layer::dense(10), Layer::SOFTMAX];
/// let architecture = Architecture::new(784, &layers)?;
/// assert_eq!(architecture.n_params(), 101_770);
/// assert_eq!(architecture.tensors()[0].name, "dense0.weights");
/// # Ok::<(), nn_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    layers: Vec<PlacedLayer>,
    tensors: Vec<TensorSpec>,
    sync_points: Vec<SyncPoint>,
    n_params: usize,
    n_statistics: usize,
}

impl Architecture {
    /// Builds the architecture of a chain of layers, for samples of the shape `input`.
    ///
    /// # Errors
    ///
    /// If samples have no features, no layer has parameters, a layer's setting is outside its range, or there are more
    /// parameters than memory can address.
    pub fn new(input: impl Into<Shape>, layers: &[Layer]) -> Result<Self, Error> {
        let mut input = input.into();
        if input.is_empty() {
            return Err(Error::NoFeatures);
        }
        let mut architecture = Self {
            layers: Vec::with_capacity(layers.len()),
            tensors: Vec::new(),
            sync_points: Vec::new(),
            n_params: 0,
            n_statistics: 0,
        };
        let mut n_of_kind: HashMap<&str, usize> = HashMap::new();
        for (index, &layer) in layers.iter().enumerate() {
            let op = layer.op();
            op.check().map_err(|setting| Error::LayerSetting { layer: index, setting })?;
            let number = n_of_kind.entry(layer.name()).or_default();
            let name = format!("{}{number}", layer.name());
            *number += 1;
            let (params, statistics) =
                architecture.place_tensors(index, &name, op.tensors(input))?;
            let output = op.output(input);
            let place = Place { index, input, output, params, statistics };
            architecture.layers.push(PlacedLayer { layer, name, place });
            input = output;
        }
        if architecture.n_params == 0 {
            return Err(Error::NoParameters);
        }
        architecture.place_sync_points();
        // Parameters come before statistics. The sort is stable, so each group stays in the order of the layers.
        architecture.tensors.sort_by_key(|tensor| tensor.role.is_statistic());
        Ok(architecture)
    }

    /// Builds a dense classifier (multi-layer perceptron) with the given sizes, from features to classes. ReLU follows
    /// each hidden layer, and softmax the last one. `Architecture::mlp(&[784, 128, 128, 10])` is the book's network for
    /// Fashion-MNIST.
    ///
    /// # Errors
    ///
    /// As for [`Architecture::new`], and if there are fewer than two sizes.
    pub fn mlp(sizes: &[usize]) -> Result<Self, Error> {
        let Some((&inputs, sizes)) = sizes.split_first() else { return Err(Error::NoFeatures) };
        Self::new(inputs, &Layer::mlp(sizes))
    }

    /// Assigns ranges to a layer's tensors, after those of the layers before it. Returns the range of all its
    /// parameters and the range of all its statistics.
    fn place_tensors(
        &mut self,
        layer: usize,
        name: &str,
        tensors: Vec<(&str, Role, Vec<usize>)>,
    ) -> Result<(Range<usize>, Range<usize>), Error> {
        let (first_param, first_statistic) = (self.n_params, self.n_statistics);
        for (part, role, shape) in tensors {
            let end = if role.is_statistic() { &mut self.n_statistics } else { &mut self.n_params };
            let start = *end;
            let len = shape.iter().try_fold(1, |len: usize, &n| len.checked_mul(n));
            let len = len.and_then(|len| len.checked_add(start)).filter(|&end| end <= MAX_LEN);
            *end = len.ok_or(Error::TooLarge)?;
            let name = format!("{name}.{part}");
            self.tensors.push(TensorSpec { name, layer, role, shape, range: start..*end });
        }
        Ok((first_param..self.n_params, first_statistic..self.n_statistics))
    }

    fn place_sync_points(&mut self) {
        let waits = |at: &&PlacedLayer| at.layer.op().batch_sync().is_some();
        let points = self.layers.iter().filter(waits).enumerate();
        let forward: Vec<SyncPoint> = points
            .map(|(slot, at)| SyncPoint { layer: at.place.index, slot, is_backward: false })
            .collect();
        let back = forward.iter().rev().map(|&point| SyncPoint { is_backward: true, ..point });
        self.sync_points = forward.iter().copied().chain(back).collect();
    }

    /// The shape of a sample.
    pub fn input(&self) -> Shape {
        self.layers[0].place.input
    }

    /// The shape of the output for one sample.
    pub fn output(&self) -> Shape {
        self.last().place.output
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[PlacedLayer] {
        &self.layers
    }

    /// The layers without their places, as [`Architecture::new`] takes them.
    pub fn specs(&self) -> Vec<Layer> {
        self.layers.iter().map(|at| at.layer).collect()
    }

    /// The last layer.
    pub fn last(&self) -> &PlacedLayer {
        &self.layers[self.layers.len() - 1]
    }

    /// All named tensors: first the parameters, in the order of the parameter buffer, then the running statistics, in
    /// the order of the statistics buffer.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// The number of parameters.
    pub fn n_params(&self) -> usize {
        self.n_params
    }

    /// The number of running statistics.
    pub fn n_statistics(&self) -> usize {
        self.n_statistics
    }

    /// The indices of the layers that have weights, first to last. Lists of penalties, and of layers to freeze, are in
    /// this order.
    pub fn weighted_layers(&self) -> impl Iterator<Item = usize> {
        self.tensors.iter().filter(|tensor| tensor.role == Role::Weight).map(|tensor| tensor.layer)
    }

    pub(crate) fn sync_points(&self) -> &[SyncPoint] {
        &self.sync_points
    }
}

impl fmt::Display for Architecture {
    /// Formats it as `784 -> dense 128 -> relu 128 -> dense 10 -> softmax 10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.input())?;
        self.layers
            .iter()
            .try_for_each(|at| write!(f, " -> {} {}", at.layer.name(), at.place.output))
    }
}
