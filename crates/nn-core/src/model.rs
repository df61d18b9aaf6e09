//! A network: its layers, an index of its parameters by name, and the one buffer that holds them.

use std::ops::{Deref, DerefMut, Range};

use nalgebra::DMatrix;

use crate::{
    BlocksMut, Buffer, Error, GradientBlock, Init, Layer, LayerSpec, LossSum, Workspace,
    buffer::{MatrixView, zeros},
    loss,
    mirror::Mirror,
    rng::{Purpose, Stream},
    workspace::Backward,
};

/// Samples of one pass in [`Model::predict`].
const PREDICT_CHUNK: usize = 256;

/// A named parameter's place and shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// `dense0.weights`, `dense0.biases`, `dense1.weights`, ...
    pub name: String,
    /// Where it lies in the parameter buffer.
    pub range: Range<usize>,
    /// Rows (outputs) of the column-major matrix it is.
    pub rows: usize,
    /// Columns: inputs of weights, 1 of biases.
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
    /// The parameters once more, in the blocks that an update goes by, and each block's mirror.
    blocks: Vec<GradientBlock>,
    mirrors: Vec<Mirror>,
}

impl Model {
    /// A network with weights drawn from `seed` and biases 0.
    ///
    /// # Errors
    ///
    /// If the layers do not fit together.
    pub fn new(specs: &[LayerSpec], init: Init, seed: u64) -> Result<Self, Error> {
        let layers = Layer::chain(specs)?;
        let mut params = zeros(count(&layers));
        for (index, layer) in layers.iter().enumerate() {
            if let Layer::Dense(dense) = *layer {
                let mut stream = Stream::new(seed, Purpose::Init, index as u64);
                init.fill(&mut stream, dense.inputs, dense.outputs, &mut params[dense.weights()]);
            }
        }
        Self::from_parts(specs, params)
    }

    /// A network with the given parameters, in the order of [`Model::index`].
    ///
    /// # Errors
    ///
    /// If the layers do not fit together, or need another number of parameters.
    pub fn from_parts(specs: &[LayerSpec], params: Buffer) -> Result<Self, Error> {
        let layers = Layer::chain(specs)?;
        let expected = count(&layers);
        if params.len() != expected {
            return Err(Error::ParameterCount { expected, found: params.len() });
        }
        let (index, blocks) = (index(&layers), GradientBlock::of_layers(&layers));
        let mirrors = blocks.iter().map(GradientBlock::mirror).collect();
        let mut model = Self { layers, index, params, blocks, mirrors };
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

    /// Length of an output column: the number of classes.
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
    fn mirrors_of(&self, layer: usize) -> &[Mirror] {
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

    /// Runs all layers over the workspace's samples and gives the last one's output.
    ///
    /// # Panics
    ///
    /// If the workspace was made for another architecture.
    #[track_caller]
    pub fn forward<'a>(&self, workspace: &'a mut Workspace) -> MatrixView<'a> {
        self.forward_to(self.layers.len(), workspace, |_| {});
        workspace.output(self.layers.len() - 1)
    }

    #[track_caller]
    fn forward_to(&self, end: usize, workspace: &mut Workspace, mut done: impl FnMut(Pass)) {
        for (index, layer) in self.layers[..end].iter().enumerate() {
            workspace.forward(index, |x, y| {
                layer.forward(&self.params, self.mirrors_of(index), x, y);
            });
            done(Pass::Forward(index));
        }
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

    /// Forward, the last softmax fused with cross-entropy: the summed loss of the workspace's
    /// samples, whose class probabilities are then [`Workspace::output`] of the last layer.
    ///
    /// # Shapes
    ///
    /// `labels`: a class for each of the workspace's samples.
    ///
    /// # Panics
    ///
    /// If the model is no classifier, the workspace is of another architecture, or a label is no
    /// class.
    #[track_caller]
    pub fn loss(&self, labels: &[u32], workspace: &mut Workspace) -> LossSum {
        self.loss_by_pass(labels, workspace, |_| {})
    }

    /// [`Model::loss`], which tells `done` of every layer's pass when it is over, for who measures.
    ///
    /// # Panics
    ///
    /// As [`Model::loss`].
    #[track_caller]
    pub fn loss_by_pass(
        &self,
        labels: &[u32],
        workspace: &mut Workspace,
        mut done: impl FnMut(Pass),
    ) -> LossSum {
        assert!(self.is_classifier(), "cross-entropy needs a softmax as last layer");
        let softmax = self.layers.len() - 1;
        self.forward_to(softmax, workspace, &mut done);
        let sum = workspace.forward(softmax, |logits, probabilities| {
            loss::softmax_cross_entropy(logits.values, labels, probabilities)
        });
        done(Pass::Forward(softmax));
        sum
    }

    /// Back from the loss to the gradient by every layer's output, which stays in the workspace
    /// for [`crate::GradientBlock::gradient`]. Comes after [`Model::loss`] of the same labels.
    ///
    /// # Shapes
    ///
    /// `n_batch`: samples of the whole batch, over which the gradient is averaged.
    ///
    /// # Panics
    ///
    /// As [`Model::loss`], and if the workspace is one for inference.
    #[track_caller]
    pub fn backward(&self, labels: &[u32], n_batch: usize, workspace: &mut Workspace) {
        self.backward_by_pass(labels, n_batch, workspace, |_| {});
    }

    /// [`Model::backward`], which tells `done` of every layer's pass when it is over, for who measures.
    ///
    /// # Panics
    ///
    /// As [`Model::backward`].
    #[track_caller]
    pub fn backward_by_pass(
        &self,
        labels: &[u32],
        n_batch: usize,
        workspace: &mut Workspace,
        mut done: impl FnMut(Pass),
    ) {
        assert!(self.is_classifier(), "cross-entropy needs a softmax as last layer");
        let softmax = self.layers.len() - 1;
        let Backward { y: probabilities, dx: d_logits, .. } = workspace.backward_views(softmax);
        loss::softmax_cross_entropy_backward(probabilities, labels, n_batch, d_logits);
        done(Pass::Backward(softmax));
        for index in (0..softmax).rev() {
            let layer = self.layers[index];
            if let Layer::Dense(_) = layer {
                workspace.sum_d_output(index);
            }
            if index > 0 {
                let next = self.layers.get(index + 1).copied();
                layer.backward_input(self.mirrors_of(index), next, workspace.backward_views(index));
            }
            done(Pass::Backward(index));
        }
    }
}

/// Two models are the same where their layers and parameters are.
impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        self.layers == other.layers && self.params == other.params
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

/// The parameters of the layers, by name.
fn index(layers: &[Layer]) -> Vec<Param> {
    let mut index = Vec::new();
    let dense = layers.iter().filter_map(|layer| match layer {
        Layer::Dense(dense) => Some(dense),
        Layer::Relu(_) | Layer::Softmax(_) => None,
    });
    for (i, dense) in dense.enumerate() {
        index.push(Param {
            name: format!("dense{i}.weights"),
            range: dense.weights(),
            rows: dense.outputs,
            columns: dense.inputs,
        });
        index.push(Param {
            name: format!("dense{i}.biases"),
            range: dense.biases(),
            rows: dense.outputs,
            columns: 1,
        });
    }
    index
}
