//! A model: an architecture, and the buffers with its parameters and running statistics.

use std::{
    ops::{Deref, DerefMut, Range},
    sync::{Arc, OnceLock},
};

use crate::{
    Architecture, BlocksMut, Buffer, Error, GradientBlock, Init, Loss, Penalty, PlacedLayer, Role,
    TensorSpec,
    block::WeightCaches,
    buffer::{MatrixView, zeros},
    error::expect_same,
    rng::{Purpose, Stream},
};

/// A feed-forward neural network, with its parameters.
///
/// ```
/// use nn_core::Model;
///
/// let model = Model::classifier(&[784, 128, 128, 10])?;
/// assert_eq!(model.params().len(), 118_282);
/// assert_eq!(model.param("dense0.weights").unwrap().shape(), (128, 784));
/// # Ok::<(), nn_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    architecture: Arc<Architecture>,
    params: Buffer,
    statistics: Buffer,
    /// The blocks in which the parameters are updated.
    blocks: Vec<GradientBlock>,
    /// The weight cache of each block, once a pass has made it.
    weight_caches: Vec<OnceLock<Vec<f32>>>,
}

impl Model {
    /// Creates a dense classifier with the given sizes, from features to classes. ReLU follows each hidden layer, and
    /// softmax the last one. Weights are drawn by [`Init::He`] from seed 0.
    ///
    /// For other layers, initialisations or seeds, use [`Model::new`].
    ///
    /// # Errors
    ///
    /// As for [`Architecture::mlp`].
    pub fn classifier(sizes: &[usize]) -> Result<Self, Error> {
        Ok(Self::new(Architecture::mlp(sizes)?, Init::He, 0))
    }

    /// Creates a network with random weights, drawn from `seed`. Biases and shifts are 0, and scales are 1.
    pub fn new(architecture: impl Into<Arc<Architecture>>, init: Init, seed: u64) -> Self {
        let architecture = architecture.into();
        let mut params = zeros(architecture.n_params());
        let mut statistics = zeros(architecture.n_statistics());
        for tensor in architecture.tensors() {
            let buffer = if tensor.role.is_statistic() { &mut statistics } else { &mut params };
            let values = &mut buffer[tensor.range.clone()];
            if tensor.role == Role::Weight {
                let mut stream = Stream::new(seed, Purpose::Init, tensor.layer as u64);
                let (outputs, inputs) = tensor.matrix_shape();
                init.fill(&mut stream, inputs, outputs, values);
            } else {
                values.fill(tensor.role.initial());
            }
        }
        Self::of_buffers(architecture, params, statistics)
    }

    /// Creates a network with the given parameters and running statistics, in the order of [`Architecture::tensors`].
    ///
    /// # Errors
    ///
    /// If there are more or fewer than the layers need.
    pub fn from_parts(
        architecture: impl Into<Arc<Architecture>>,
        params: Buffer,
        statistics: Buffer,
    ) -> Result<Self, Error> {
        let architecture = architecture.into();
        for (what, expected, found) in [
            ("parameters", architecture.n_params(), params.len()),
            ("running statistics", architecture.n_statistics(), statistics.len()),
        ] {
            if found != expected {
                return Err(Error::Count { what, expected, found });
            }
        }
        Ok(Self::of_buffers(architecture, params, statistics))
    }

    /// Creates a network from buffers of the right lengths.
    fn of_buffers(architecture: Arc<Architecture>, params: Buffer, statistics: Buffer) -> Self {
        let blocks = GradientBlock::of(&architecture);
        let weight_caches = vec![OnceLock::new(); blocks.len()];
        Self { architecture, params, statistics, blocks, weight_caches }
    }

    /// The architecture: layers and tensors.
    pub fn architecture(&self) -> &Arc<Architecture> {
        &self.architecture
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[PlacedLayer] {
        self.architecture.layers()
    }

    /// The number of inputs: the features of a sample.
    pub fn inputs(&self) -> usize {
        self.architecture.input().len()
    }

    /// The number of outputs for a sample. For a classifier it is the number of classes.
    pub fn outputs(&self) -> usize {
        self.architecture.output().len()
    }

    /// All parameters, in the order of [`Architecture::tensors`].
    pub fn params(&self) -> &[f32] {
        &self.params
    }

    /// The running means and variances of batch normalisation, in the order of [`Architecture::tensors`].
    pub fn statistics(&self) -> &[f32] {
        &self.statistics
    }

    pub(crate) fn layers_and_statistics_mut(&mut self) -> (&Architecture, &mut [f32]) {
        (&self.architecture, &mut self.statistics)
    }

    /// The blocks of the parameters, in the order of the buffer. They cover it without gaps.
    pub fn gradient_blocks(&self) -> &[GradientBlock] {
        &self.blocks
    }

    /// Mutable access to all parameters, block by block, for an optimizer to update on one thread or several.
    pub fn blocks_mut(&mut self) -> BlocksMut<'_> {
        let Self { params, blocks, weight_caches, .. } = self;
        BlocksMut { blocks, params, weight_caches }
    }

    /// Mutable access to all parameters; cached transposes are refreshed when the guard is dropped.
    pub fn params_mut(&mut self) -> ParamsMut<'_> {
        let range = 0..self.params.len();
        ParamsMut { model: self, are_statistics: false, range }
    }

    /// Mutable access to the parameter or running statistic with the given name; `None` if there is none. The slice has
    /// the columns of [`Model::param`], one after another.
    ///
    /// ```
    /// let mut model = nn_core::Model::classifier(&[2, 3, 2])?;
    /// model.param_mut("dense1.biases").unwrap().copy_from_slice(&[0.5, -0.5]);
    /// assert_eq!(model.param("dense1.biases").unwrap()[(1, 0)], -0.5);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    pub fn param_mut(&mut self, name: &str) -> Option<ParamsMut<'_>> {
        let tensor = self.tensor(name)?;
        let (are_statistics, range) = (tensor.role.is_statistic(), tensor.range.clone());
        Some(ParamsMut { model: self, are_statistics, range })
    }

    /// Copies of all parameters and running statistics, in the order of [`Architecture::tensors`].
    ///
    /// ```
    /// use nn_core::Model;
    ///
    /// let mut model = Model::classifier(&[2, 3, 2])?;
    /// let saved = model.parameters();
    /// assert_eq!((&*saved[0].name, &*saved[0].shape), ("dense0.weights", &[2, 3][..]));
    /// model.params_mut().fill(0.0);
    /// model.set_parameters(&saved)?;
    /// assert_eq!(model, Model::classifier(&[2, 3, 2])?);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    pub fn parameters(&self) -> Vec<Parameter> {
        let tensors = self.architecture.tensors().iter();
        let copy = |tensor: &TensorSpec| Parameter {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
            values: self.values(tensor).to_vec(),
        };
        tensors.map(copy).collect()
    }

    /// Sets all parameters and running statistics, given in the order of [`Model::parameters`].
    ///
    /// # Errors
    ///
    /// If there are more or fewer than the model has, or one has another name, shape or number of values. The model is
    /// then unchanged.
    pub fn set_parameters(&mut self, parameters: &[Parameter]) -> Result<(), Error> {
        let architecture = self.architecture.clone();
        let tensors = architecture.tensors();
        for i in 0..tensors.len().max(parameters.len()) {
            let (expected, found) = (tensors.get(i), parameters.get(i));
            let expected = expected.map(|it| (&it.name, &it.shape, it.range.len()));
            let found = found.map(|it| (&it.name, &it.shape, it.values.len()));
            if found != expected {
                let [expected, found] = [expected, found].map(|tensor| match tensor {
                    Some((name, shape, n)) => format!("{name} of shape {shape:?} with {n} values"),
                    None => "no more tensors".into(),
                });
                return Err(Error::Tensor { expected, found });
            }
        }
        for (tensor, parameter) in tensors.iter().zip(parameters) {
            let is_statistic = tensor.role.is_statistic();
            let buffer = if is_statistic { &mut self.statistics } else { &mut self.params };
            buffer[tensor.range.clone()].copy_from_slice(&parameter.values);
        }
        self.refresh_weight_caches();
        Ok(())
    }

    fn refresh_weight_caches(&mut self) {
        self.blocks_mut().for_each(|_, _| {});
    }

    /// The weight caches of a layer's blocks.
    pub(crate) fn weight_caches(&self, layer: usize) -> WeightCaches<'_> {
        let start = self.blocks.partition_point(|block| block.layer < layer);
        let end = self.blocks.partition_point(|block| block.layer <= layer);
        let (blocks, caches) = (&self.blocks[start..end], &self.weight_caches[start..end]);
        WeightCaches { blocks, params: &self.params, caches }
    }

    /// The parameter or running statistic with the given name, as a matrix (weights: outputs x inputs); `None` if there
    /// is none.
    pub fn param(&self, name: &str) -> Option<MatrixView<'_>> {
        let tensor = self.tensor(name)?;
        let (rows, columns) = tensor.matrix_shape();
        Some(MatrixView::from_slice(self.values(tensor), rows, columns))
    }

    fn tensor(&self, name: &str) -> Option<&TensorSpec> {
        self.architecture.tensors().iter().find(|tensor| tensor.name == name)
    }

    fn values(&self, tensor: &TensorSpec) -> &[f32] {
        let buffer = if tensor.role.is_statistic() { &self.statistics } else { &self.params };
        &buffer[tensor.range.clone()]
    }

    /// Whether the model is a classifier: its last layer is a softmax, so its outputs are the probabilities of mutually
    /// exclusive classes.
    pub fn is_classifier(&self) -> bool {
        Loss::default().check(self.architecture.last().layer).is_ok()
    }

    /// Computes the regularisation loss. `penalties` has one penalty for each layer with weights, or is empty.
    ///
    /// # Panics
    ///
    /// If `penalties` is not empty, and has more or fewer entries than there are layers with weights.
    #[track_caller]
    pub fn penalty(&self, penalties: &[Penalty]) -> f64 {
        if penalties.is_empty() {
            return 0.0;
        }
        let layers = self.architecture.weighted_layers();
        let (expected, found) = (layers.count(), penalties.len());
        expect_same("penalties, one for each layer with weights", expected, found);
        let values = |layer, role| {
            let mut tensors = self.architecture.tensors().iter();
            let tensor = tensors.find(|tensor| tensor.layer == layer && tensor.role == role);
            tensor.map_or(&[][..], |tensor| self.values(tensor))
        };
        // Not `sum`, which returns -0.0 for no layers.
        self.architecture.weighted_layers().zip(penalties).fold(0.0, |sum, (layer, penalty)| {
            sum + penalty.of(values(layer, Role::Weight), values(layer, Role::Bias))
        })
    }
}

/// Two models are equal if their layers, parameters and running statistics are.
impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        self.architecture == other.architecture
            && self.params == other.params
            && self.statistics == other.statistics
    }
}

/// A copy of a parameter or running statistic. See [`Model::parameters`].
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name, such as `dense0.weights`, `dense0.biases` or `batch_norm0.scales`.
    pub name: String,
    /// Its dimensions in C order: `[inputs, outputs]` for weights.
    pub shape: Vec<usize>,
    /// Its numbers, in C order.
    pub values: Vec<f32>,
}

/// Mutable access to some of a model's parameters or running statistics. Made by [`Model::params_mut`] and
/// [`Model::param_mut`].
#[derive(Debug)]
pub struct ParamsMut<'a> {
    model: &'a mut Model,
    are_statistics: bool,
    range: Range<usize>,
}

impl Deref for ParamsMut<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        let Model { params, statistics, .. } = &*self.model;
        let buffer = if self.are_statistics { statistics } else { params };
        &buffer[self.range.clone()]
    }
}

impl DerefMut for ParamsMut<'_> {
    fn deref_mut(&mut self) -> &mut [f32] {
        let Model { params, statistics, .. } = &mut *self.model;
        let buffer = if self.are_statistics { statistics } else { params };
        &mut buffer[self.range.clone()]
    }
}

impl Drop for ParamsMut<'_> {
    fn drop(&mut self) {
        self.model.refresh_weight_caches();
    }
}
