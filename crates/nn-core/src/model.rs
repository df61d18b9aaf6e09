//! A network: its layers, an index of its parameters by name, and the one buffer that holds them.

use std::ops::{Deref, DerefMut, Range};

use nalgebra::DMatrix;

use crate::{
    BlocksMut, Buffer, Error, GradientBlock, Init, Layer, LayerSpec, LossSum, Objective, Penalty,
    Workspace,
    buffer::{MatrixView, zeros},
    layer::{batch_norm::BatchNorm, norm::Norm},
    mirror::Mirror,
    rng::{Purpose, Stream},
};

/// Samples of one pass in [`Model::predict`].
const PREDICT_CHUNK: usize = 256;

/// A named parameter's place and shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// `dense0.weights`, `dense0.biases`, `batch_norm0.scales`, `batch_norm0.shifts`, `dense1.weights`, ...
    pub name: String,
    /// Where it lies in the parameter buffer.
    pub range: Range<usize>,
    /// Rows (outputs) of the column-major matrix it is.
    pub rows: usize,
    /// Columns: inputs of weights, 1 of all others.
    pub columns: usize,
}

/// A layer's pass over samples, by the layer's index in the model. The last one's are fused with the
/// loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// From its input to its output.
    Forward(usize),
    /// From the gradient by its output to that by its input.
    Backward(usize),
}

/// A feed-forward network.
///
/// ```
/// use nn_core::{Init, LayerSpec, Model};
///
/// let model = Model::new(&LayerSpec::mlp(&[784, 128, 128, 10]), Init::He, 0)?;
/// assert_eq!(model.params().len(), 118_282);
/// assert_eq!(model.param("dense0.weights").unwrap().shape(), (128, 784));
/// # Ok::<(), nn_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    layers: Vec<Layer>,
    index: Vec<Param>,
    params: Buffer,
    /// What layers know of the data and no gradient changes: running means and variances.
    statistics: Buffer,
    /// The parameters once more, in the blocks that an update goes by, and each block's mirror.
    blocks: Vec<GradientBlock>,
    mirrors: Vec<Mirror>,
}

impl Model {
    /// A network with weights drawn from `seed`, biases 0, scales 1 and shifts 0.
    ///
    /// # Errors
    ///
    /// If the layers do not fit together.
    pub fn new(specs: &[LayerSpec], init: Init, seed: u64) -> Result<Self, Error> {
        let layers = Layer::chain(specs)?;
        let mut params = zeros(count(&layers));
        for (index, layer) in layers.iter().enumerate() {
            match *layer {
                Layer::Dense(dense) => {
                    let mut stream = Stream::new(seed, Purpose::Init, index as u64);
                    let weights = &mut params[dense.weights()];
                    init.fill(&mut stream, dense.inputs, dense.outputs, weights);
                }
                Layer::LayerNorm(norm) | Layer::BatchNorm(BatchNorm { norm, .. }) => {
                    params[norm.scales()].fill(1.0);
                }
                Layer::Activation { .. } | Layer::Softmax(_) | Layer::Dropout(_) => {}
            }
        }
        let mut statistics = zeros(count_statistics(&layers));
        for layer in &layers {
            if let Layer::BatchNorm(batch_norm) = *layer {
                statistics[batch_norm.variances()].fill(1.0);
            }
        }
        Self::from_parts(specs, params, statistics)
    }

    /// A network with the given parameters, in the order of [`Model::index`], and running statistics, in that of
    /// [`Model::statistics_index`].
    ///
    /// # Errors
    ///
    /// If the layers do not fit together, or need another number of parameters or statistics.
    pub fn from_parts(
        specs: &[LayerSpec],
        params: Buffer,
        statistics: Buffer,
    ) -> Result<Self, Error> {
        let layers = Layer::chain(specs)?;
        let expected = count(&layers);
        if params.len() != expected {
            return Err(Error::ParameterCount { expected, found: params.len() });
        }
        let expected = count_statistics(&layers);
        if statistics.len() != expected {
            return Err(Error::StatisticsCount { expected, found: statistics.len() });
        }
        let (index, blocks) = (index(&layers), GradientBlock::of_layers(&layers));
        let mirrors = blocks.iter().map(GradientBlock::mirror).collect();
        let mut model = Self { layers, index, params, statistics, blocks, mirrors };
        model.refresh_mirrors();
        Ok(model)
    }

    /// How many parameters a network of these layers has, without making it.
    ///
    /// # Errors
    ///
    /// If the layers do not fit together.
    pub fn parameter_count(specs: &[LayerSpec]) -> Result<usize, Error> {
        Ok(count(&Layer::chain(specs)?))
    }

    /// The parameters that a network of these layers has, without making it.
    ///
    /// # Errors
    ///
    /// If the layers do not fit together.
    pub fn parameter_index(specs: &[LayerSpec]) -> Result<Vec<Param>, Error> {
        Ok(index(&Layer::chain(specs)?))
    }

    /// The running statistics that a network of these layers has, without making it.
    ///
    /// # Errors
    ///
    /// If the layers do not fit together.
    pub fn statistics_index(specs: &[LayerSpec]) -> Result<Vec<Param>, Error> {
        Ok(statistics_index(&Layer::chain(specs)?))
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What the layers are, as [`Model::from_parts`] takes them.
    pub fn specs(&self) -> Vec<LayerSpec> {
        self.layers.iter().map(|layer| layer.spec()).collect()
    }

    /// Length of an input column.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs()
    }

    /// Length of an output column: of a classifier, the number of classes.
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].outputs()
    }

    /// The parameters by name, in their order in the buffer.
    pub fn index(&self) -> &[Param] {
        &self.index
    }

    /// All parameters.
    pub fn params(&self) -> &[f32] {
        &self.params
    }

    /// What the layers know of the data beside their parameters: running means and variances.
    pub fn statistics(&self) -> &[f32] {
        &self.statistics
    }

    pub(crate) fn layers_and_statistics_mut(&mut self) -> (&[Layer], &mut [f32]) {
        (&self.layers, &mut self.statistics)
    }

    /// The parameters as blocks, in their order in the buffer and without gaps.
    pub fn gradient_blocks(&self) -> &[GradientBlock] {
        &self.blocks
    }

    /// The parameters, for an optimizer to update block by block, on one thread or on several.
    pub fn blocks_mut(&mut self) -> BlocksMut<'_> {
        BlocksMut::new(&self.blocks, &mut self.params, &mut self.mirrors)
    }

    /// All parameters, to be changed at will: what the model keeps of them in another form follows when
    /// the guard is dropped.
    pub fn params_mut(&mut self) -> ParamsMut<'_> {
        ParamsMut { model: self }
    }

    fn refresh_mirrors(&mut self) {
        self.blocks_mut().for_each(|_, _| {});
    }

    /// The mirrors of a layer's blocks.
    pub(crate) fn mirrors_of(&self, layer: usize) -> &[Mirror] {
        let start = self.blocks.partition_point(|block| block.layer() < layer);
        let end = self.blocks.partition_point(|block| block.layer() <= layer);
        &self.mirrors[start..end]
    }

    /// The parameter of the given name as a matrix (weights: outputs x inputs), if there is one.
    pub fn param(&self, name: &str) -> Option<MatrixView<'_>> {
        let param = self.index.iter().find(|param| param.name == name)?;
        let data = &self.params[param.range.clone()];
        Some(MatrixView::from_slice(data, param.rows, param.columns))
    }

    /// Whether the last layer is a softmax, as cross-entropy and class probabilities need.
    pub fn is_classifier(&self) -> bool {
        matches!(self.layers.last(), Some(Layer::Softmax(_)))
    }

    /// What regularisation adds to the loss: `penalties` has one for each dense layer, or is empty.
    ///
    /// # Panics
    ///
    /// If there are some, but more or fewer than dense layers.
    #[track_caller]
    pub fn penalty(&self, penalties: &[Penalty]) -> f64 {
        if penalties.is_empty() {
            return 0.0;
        }
        let dense = self.layers.iter().filter_map(|layer| match layer {
            Layer::Dense(dense) => Some(dense),
            _ => None,
        });
        assert_eq!(penalties.len(), dense.clone().count(), "penalties and dense layers");
        let of_layer = |(dense, penalty): (&crate::Dense, &Penalty)| {
            penalty.of(&self.params[dense.weights()], &self.params[dense.biases()])
        };
        // A sum of none would be -0.0.
        dense.zip(penalties).map(of_layer).fold(0.0, |sum, of_layer| sum + of_layer)
    }

    /// Runs all layers over the workspace's samples and gives the last one's output.
    ///
    /// # Panics
    ///
    /// If the workspace was made for another architecture.
    #[track_caller]
    pub fn forward<'a>(&self, workspace: &'a mut Workspace) -> MatrixView<'a> {
        self.forward_layers(0..self.layers.len(), workspace, &mut |_| {});
        workspace.output(self.layers.len() - 1)
    }

    /// The output for samples in the columns of `x`: outputs x n. Allocates; for many calls, or
    /// without, use a [`Workspace`] and [`Model::forward`].
    ///
    /// # Shapes
    ///
    /// `x`: inputs x n.
    ///
    /// # Panics
    ///
    /// If `x` has another number of rows than the model has inputs.
    #[track_caller]
    pub fn predict(&self, x: MatrixView<'_>) -> DMatrix<f32> {
        assert_eq!(x.nrows(), self.inputs(), "rows of x and the model's inputs");
        let mut workspace = Workspace::inference(self, x.ncols().min(PREDICT_CHUNK));
        let mut output = DMatrix::zeros(self.outputs(), x.ncols());
        for start in (0..x.ncols()).step_by(PREDICT_CHUNK) {
            let n = PREDICT_CHUNK.min(x.ncols() - start);
            workspace.input_mut(n).copy_from(&x.columns(start, n));
            output.columns_mut(start, n).copy_from(&self.forward(&mut workspace));
        }
        output
    }

    /// Forward to the loss of the workspace's samples, summed up. What the last layer gives, such as class
    /// probabilities, is then [`Workspace::output`] of it, also where it is one with the loss.
    ///
    /// # Panics
    ///
    /// If the workspace is of another architecture, the targets are not those of its samples, or the model does not
    /// end as the loss needs ([`crate::Loss::check`]).
    #[track_caller]
    pub fn loss(&self, objective: &Objective<'_>, workspace: &mut Workspace) -> LossSum {
        self.forward_loss(0, objective, workspace, &mut |_| {})
    }

    /// Back from the loss to the gradient by every layer's output, which stays in the workspace
    /// for [`crate::GradientBlock::gradient`]. Comes after [`Model::loss`] of the same samples, loss and targets.
    ///
    /// Not for a model with batch normalisation, whose samples learn from each other on the way:
    /// [`Model::train_pass`] is for all.
    ///
    /// # Panics
    ///
    /// As [`Model::loss`], and if the workspace is one for inference or the model normalises over batches.
    #[track_caller]
    pub fn backward(&self, objective: &Objective<'_>, workspace: &mut Workspace) {
        assert_eq!(self.n_stages(), 1, "stages of a model that goes back in one");
        self.backward_loss(objective, workspace, &mut |_| {});
        let end = self.layers.len() - usize::from(objective.loss.is_fused());
        self.backward_layers(0..end, workspace, &mut |_| {});
    }
}

/// Two models are the same where their layers, parameters and statistics are.
impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        self.layers == other.layers
            && self.params == other.params
            && self.statistics == other.statistics
    }
}

/// A model's parameters, being changed. See [`Model::params_mut`].
#[derive(Debug)]
pub struct ParamsMut<'a> {
    model: &'a mut Model,
}

impl Deref for ParamsMut<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.model.params
    }
}

impl DerefMut for ParamsMut<'_> {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.model.params
    }
}

impl Drop for ParamsMut<'_> {
    fn drop(&mut self) {
        self.model.refresh_mirrors();
    }
}

/// How many parameters the layers have.
fn count(layers: &[Layer]) -> usize {
    layers.iter().map(|layer| layer.n_params()).sum()
}

/// How many statistics the layers have.
fn count_statistics(layers: &[Layer]) -> usize {
    layers.iter().map(|layer| layer.n_statistics()).sum()
}

/// The parameters of the layers, by name.
fn index(layers: &[Layer]) -> Vec<Param> {
    let mut index = Vec::new();
    for (layer, name) in layers.iter().zip(numbered(layers)) {
        match *layer {
            Layer::Dense(dense) => {
                let name_of = |part| format!("{name}.{part}");
                let (rows, columns) = (dense.outputs, dense.inputs);
                index.push(Param {
                    name: name_of("weights"),
                    range: dense.weights(),
                    rows,
                    columns,
                });
                index.push(Param {
                    name: name_of("biases"),
                    range: dense.biases(),
                    rows,
                    columns: 1,
                });
            }
            Layer::LayerNorm(norm) | Layer::BatchNorm(BatchNorm { norm, .. }) => {
                index.extend(pair(
                    &name,
                    ["scales", "shifts"],
                    [norm.scales(), norm.shifts()],
                    norm,
                ));
            }
            Layer::Activation { .. } | Layer::Softmax(_) | Layer::Dropout(_) => {}
        }
    }
    index
}

/// The running statistics of the layers, by name.
fn statistics_index(layers: &[Layer]) -> Vec<Param> {
    let mut index = Vec::new();
    for (layer, name) in layers.iter().zip(numbered(layers)) {
        if let Layer::BatchNorm(batch_norm) = *layer {
            let ranges = [batch_norm.means(), batch_norm.variances()];
            index.extend(pair(&name, ["means", "variances"], ranges, batch_norm.norm));
        }
    }
    index
}

/// Two columns of a normalisation.
fn pair(name: &str, parts: [&str; 2], ranges: [Range<usize>; 2], norm: Norm) -> [Param; 2] {
    let mut parts = parts.into_iter();
    ranges.map(|range| {
        let part = parts.next().unwrap_or_default();
        Param { name: format!("{name}.{part}"), range, rows: norm.size, columns: 1 }
    })
}

/// Each layer's name with its number among those of its kind: `dense0`, `relu0`, `dense1`, ...
fn numbered(layers: &[Layer]) -> Vec<String> {
    let name = |layer: &Layer| layer.spec().name();
    let number = |i: usize| layers[..i].iter().filter(|it| name(it) == name(&layers[i])).count();
    layers.iter().enumerate().map(|(i, layer)| format!("{}{}", name(layer), number(i))).collect()
}
