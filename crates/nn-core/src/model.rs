//! A network: its architecture and the buffers that hold its parameters and running statistics.

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

/// A feed-forward network.
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
    /// The blocks that the parameters are updated in, and the weight cache of each, once a pass has read it.
    blocks: Vec<GradientBlock>,
    weight_caches: Vec<OnceLock<Vec<f32>>>,
}

impl Model {
    /// The dense classifier of the given sizes, from features to classes, with ReLU between its layers and a softmax at
    /// its end. Weights are drawn by [`Init::He`] from seed 0.
    ///
    /// For other layers, initial weights or seeds there is [`Model::new`].
    ///
    /// # Errors
    ///
    /// As [`Architecture::mlp`].
    pub fn classifier(sizes: &[usize]) -> Result<Self, Error> {
        Ok(Self::new(Architecture::mlp(sizes)?, Init::He, 0))
    }

    /// A network with weights drawn from `seed`, biases 0, scales 1 and shifts 0.
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

    /// A network with the given parameters and running statistics, in the order of [`Architecture::tensors`].
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

    /// A network of buffers that have the right lengths.
    fn of_buffers(architecture: Arc<Architecture>, params: Buffer, statistics: Buffer) -> Self {
        let blocks = GradientBlock::of(&architecture);
        let weight_caches = vec![OnceLock::new(); blocks.len()];
        Self { architecture, params, statistics, blocks, weight_caches }
    }

    /// Its layers and tensors.
    pub fn architecture(&self) -> &Arc<Architecture> {
        &self.architecture
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[PlacedLayer] {
        self.architecture.layers()
    }

    /// How many features a sample has.
    pub fn inputs(&self) -> usize {
        self.architecture.input().len()
    }

    /// How many outputs there are for a sample: of a classifier, the number of classes.
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

    /// The parameters as blocks, in their order in the buffer and without gaps.
    pub fn gradient_blocks(&self) -> &[GradientBlock] {
        &self.blocks
    }

    /// The parameters, for an optimizer to update block by block, on one thread or on several.
    pub fn blocks_mut(&mut self) -> BlocksMut<'_> {
        let Self { params, blocks, weight_caches, .. } = self;
        BlocksMut { blocks, params, weight_caches }
    }

    /// Mutable access to all parameters; cached transposes are refreshed when the guard is dropped.
    pub fn params_mut(&mut self) -> ParamsMut<'_> {
        let range = 0..self.params.len();
        ParamsMut { model: self, are_statistics: false, range }
    }

    /// Mutable access to the parameter or running statistic of the given name, if there is one: the same numbers in the
    /// same order as the columns of [`Model::param`], in one slice.
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

    /// Overwrites all parameters and running statistics, which are in the order of [`Model::parameters`].
    ///
    /// # Errors
    ///
    /// If there are more or fewer than the model has, or one has another name, shape or number of values. The model is
    /// then as it was.
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
                    None => "no more".into(),
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

    /// The parameter or running statistic of the given name as a matrix (weights: outputs x inputs), if there is one.
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

    /// Whether the outputs are probabilities of classes that exclude each other: the last layer is a softmax.
    pub fn is_classifier(&self) -> bool {
        Loss::default().check(self.architecture.last().layer).is_ok()
    }

    /// What regularisation adds to the loss: `penalties` has one for each layer with weights, or is empty.
    ///
    /// # Panics
    ///
    /// If there are some, but more or fewer than layers with weights.
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
        // Not `sum`, which would be -0.0 without layers.
        self.architecture.weighted_layers().zip(penalties).fold(0.0, |sum, (layer, penalty)| {
            sum + penalty.of(values(layer, Role::Weight), values(layer, Role::Bias))
        })
    }
}

/// Two models are the same if their layers, parameters and statistics are.
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
    /// `dense0.weights`, `dense0.biases`, `batch_norm0.scales`, ...
    pub name: String,
    /// Its dimensions in C order: `[inputs, outputs]` for weights.
    pub shape: Vec<usize>,
    /// As many numbers, in C order.
    pub values: Vec<f32>,
}

/// Some of a model's parameters, being changed. See [`Model::params_mut`] and [`Model::param_mut`].
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
