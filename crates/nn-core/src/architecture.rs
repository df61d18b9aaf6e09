//! The architecture of a network: its layers, each with its place, and its tensors, checked once.
//!
//! Counts, initial values, regularisation, freezing, the tensors of a file and the summary all follow from the list
//! of tensors, so none of them names a kind of layer.

use std::{collections::HashMap, fmt, ops::Range};

use crate::{Error, Layer, Place, Role, Shape};

/// The longest buffer of `f32` that can be addressed.
const MAX_LEN: usize = isize::MAX as usize / size_of::<f32>();

/// A named tensor of a network: a parameter or a running statistic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// `dense0.weights`, `dense0.biases`, `batch_norm0.scales`, ...
    pub name: String,
    /// Index of its layer.
    pub layer: usize,
    /// What its numbers are.
    pub role: Role,
    /// Its dimensions in C order, as files have them: `[inputs, outputs]` for weights.
    pub shape: Vec<usize>,
    /// Where it lies in the buffer of parameters or in that of statistics.
    pub range: Range<usize>,
}

impl TensorSpec {
    /// Rows and columns of the column-major matrix that it is in memory: outputs x inputs for weights, and one
    /// column for all others.
    pub fn matrix_shape(&self) -> (usize, usize) {
        let (rows, columns) =
            self.shape.split_last().map_or((0, &[][..]), |(last, rest)| (*last, rest));
        (rows, columns.iter().product())
    }
}

/// A layer with its place in a network.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedLayer {
    /// What the layer is.
    pub layer: Layer,
    /// Its kind and its number among the layers of that kind: `dense0`, `relu0`, `dense1`, ...
    pub name: String,
    /// Where it is, between which shapes.
    pub place: Place,
}

/// Where a training pass waits for the whole batch: before a layer that normalises over it, and on the way back
/// before the gradient with respect to the input of that layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyncPoint {
    /// Index of the layer.
    pub(crate) layer: usize,
    /// Which of the layers that wait it is.
    pub(crate) slot: usize,
    pub(crate) is_backward: bool,
}

/// The layers of a network, checked to fit together, for samples of one shape.
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
    /// A chain of layers for samples of the shape `input`.
    ///
    /// # Errors
    ///
    /// If there are no features, no layer has parameters, a setting of a layer is outside its range, or there are more
    /// parameters than memory has addresses.
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
        // Parameters come first; the sort keeps the order of the layers.
        architecture.tensors.sort_by_key(|tensor| tensor.role.is_statistic());
        Ok(architecture)
    }

    /// The dense classifier of the given sizes, from features to classes, with ReLU between its layers and a softmax
    /// at its end. `Architecture::mlp(&[784, 128, 128, 10])` is the book's network for Fashion-MNIST.
    ///
    /// # Errors
    ///
    /// As [`Architecture::new`]; there must be two sizes or more.
    pub fn mlp(sizes: &[usize]) -> Result<Self, Error> {
        let Some((&inputs, sizes)) = sizes.split_first() else { return Err(Error::NoFeatures) };
        Self::new(inputs, &Layer::mlp(sizes))
    }

    /// Gives the tensors of a layer their places, after those before. Returns the ranges of all its parameters and
    /// of all its statistics.
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

    /// The shape of the output for a sample.
    pub fn output(&self) -> Shape {
        self.last().place.output
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[PlacedLayer] {
        &self.layers
    }

    /// What the layers are, as [`Architecture::new`] takes them.
    pub fn specs(&self) -> Vec<Layer> {
        self.layers.iter().map(|at| at.layer).collect()
    }

    /// The last layer.
    pub fn last(&self) -> &PlacedLayer {
        &self.layers[self.layers.len() - 1]
    }

    /// The parameters in the order of their buffer, then the running statistics in that of theirs.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// How many parameters there are.
    pub fn n_params(&self) -> usize {
        self.n_params
    }

    /// How many running statistics there are.
    pub fn n_statistics(&self) -> usize {
        self.n_statistics
    }

    /// Indices of the layers that have weights, first to last: regularisation and freezing go by them.
    pub fn weighted_layers(&self) -> impl Iterator<Item = usize> {
        self.tensors.iter().filter(|tensor| tensor.role == Role::Weight).map(|tensor| tensor.layer)
    }

    pub(crate) fn sync_points(&self) -> &[SyncPoint] {
        &self.sync_points
    }
}

impl fmt::Display for Architecture {
    /// As `784 -> dense 128 -> relu 128 -> dense 10 -> softmax 10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.input())?;
        self.layers
            .iter()
            .try_for_each(|at| write!(f, " -> {} {}", at.layer.name(), at.place.output))
    }
}
