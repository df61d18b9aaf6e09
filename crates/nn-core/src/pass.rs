//! Forward and backward passes over the samples of one workspace.
//!
//! If cross-entropy follows a softmax, or binary cross-entropy a sigmoid, the last layer is fused with the loss: one
//! computation does both. Models whose samples depend on each other need [`crate::BatchStatistics`].

use std::ops::Range;

use nalgebra::DMatrix;

use crate::{
    LossSum, Mode, Model, Objective, PlacedLayer, Workspace,
    buffer::MatrixView,
    error::expect_same,
    layer::{Backward, Forward},
    workspace::PassState,
};

/// The number of samples in one pass of [`Model::predict`].
const PREDICT_CHUNK: usize = 256;

/// One layer's pass over samples, with the layer's index in the model. If the layer is fused with the loss, its pass
/// includes the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// From its input to its output.
    Forward(usize),
    /// From the gradient with respect to its output to the gradient with respect to its input.
    Backward(usize),
}

impl Model {
    /// Runs the forward pass over the workspace's samples and returns the model's output: outputs x n.
    ///
    /// # Panics
    ///
    /// If the workspace was made for another architecture, or is in training mode although the model has batch
    /// normalisation. [`Model::train_pass`] works for all models.
    #[track_caller]
    pub fn forward<'a>(&self, workspace: &'a mut Workspace) -> MatrixView<'a> {
        workspace.check_model(self.architecture());
        self.check_alone(workspace, "Model::forward");
        self.forward_layers(0..self.layers().len(), workspace, &mut |_| {});
        workspace.set_state(PassState::Forward);
        workspace.output(self.layers().len() - 1)
    }

    /// Predicts one sample: returns the model's output, such as the probability of each class. Each call allocates; for
    /// many calls use a [`Workspace`] and [`Model::forward`].
    ///
    /// ```
    /// let model = nn_core::Model::classifier(&[2, 8, 3])?;
    /// let probabilities = model.predict_one(&[0.5, -0.5]);
    /// assert_eq!(probabilities.len(), 3);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the sample does not have as many features as the model has inputs.
    #[track_caller]
    pub fn predict_one(&self, x: &[f32]) -> Vec<f32> {
        assert_eq!(x.len(), self.inputs(), "features of x and the model's inputs");
        let mut workspace = Workspace::inference(self, 1);
        workspace.input_mut(1).copy_from_slice(x);
        self.forward(&mut workspace).iter().copied().collect()
    }

    /// Predicts the samples in the columns of `x`: returns the model's output, outputs x n, in one contiguous matrix.
    /// Each call allocates; for many calls use a [`Workspace`] and [`Model::forward`].
    ///
    /// ```
    /// use nn_core::{MatrixView, Model};
    ///
    /// let model = Model::classifier(&[2, 8, 3])?;
    /// let samples = MatrixView::from_slice(&[0.5, -0.5, 1.0, 0.25], 2, 2);
    /// let probabilities = model.predict(samples);
    /// for of_sample in probabilities.as_slice().chunks(3) {
    ///     println!("{of_sample:?}");
    /// }
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Shapes
    ///
    /// `x`: inputs x n.
    ///
    /// # Panics
    ///
    /// If `x` does not have as many rows as the model has inputs.
    #[track_caller]
    pub fn predict(&self, x: MatrixView<'_>) -> DMatrix<f32> {
        expect_same("rows of x", self.inputs(), x.nrows());
        let mut workspace = Workspace::inference(self, x.ncols().min(PREDICT_CHUNK));
        let mut output = DMatrix::zeros(self.outputs(), x.ncols());
        for start in (0..x.ncols()).step_by(PREDICT_CHUNK) {
            let n = PREDICT_CHUNK.min(x.ncols() - start);
            workspace.input_mut(n).copy_from(&x.columns(start, n));
            output.columns_mut(start, n).copy_from(&self.forward(&mut workspace));
        }
        output
    }

    /// Runs the forward pass and computes the loss, summed over the workspace's samples. The output of the last layer,
    /// such as class probabilities, is then its [`Workspace::output`], even if the layer is fused with the loss.
    ///
    /// # Panics
    ///
    /// As for [`Model::forward`]; and if the last layer does not fit the loss ([`crate::Loss::check`]), a label is not
    /// a class of the model, the numbers of targets and samples differ, or the batch has fewer samples than the
    /// workspace.
    #[track_caller]
    pub fn loss(&self, objective: &Objective<'_>, workspace: &mut Workspace) -> LossSum {
        self.check(objective, workspace);
        self.check_alone(workspace, "Model::loss");
        self.forward_loss(0, objective, workspace, &mut |_| {})
    }

    /// Runs the backward pass from the loss: computes the gradient with respect to every layer's output. These
    /// gradients stay in the workspace, for [`Model::gradient`] and [`crate::GradientBlock::gradient`]. Call
    /// [`Model::loss`] first, with the same samples, loss and targets.
    ///
    /// # Panics
    ///
    /// As for [`Model::loss`]; and if [`Model::loss`] has not been called for these samples, the workspace was made for
    /// inference, or the model has batch normalisation, in any mode.
    #[track_caller]
    pub fn backward(&self, objective: &Objective<'_>, workspace: &mut Workspace) {
        self.check(objective, workspace);
        workspace.check_training();
        workspace.check_state(PassState::Loss, "Model::loss before Model::backward");
        self.check_independent("Model::backward");
        self.backward_loss(objective, workspace, &mut |_| {});
        self.backward_layers(0..self.n_unfused(objective), workspace, &mut |_| {});
        workspace.set_state(PassState::Backward);
    }

    /// Runs the backward pass from a custom gradient with respect to the model's output, for losses that are not in
    /// [`crate::Loss`]. Call [`Model::forward`] first. Then [`Model::gradient`] and [`Model::input_gradient`] give the
    /// gradients with respect to parameters and samples.
    ///
    /// ```
    /// use nn_core::{Architecture, Init, Layer, Model, Workspace, zeros};
    ///
    /// // The loss (y - 3)^4 of one output.
    /// let model = Model::new(Architecture::new(2, &[Layer::dense(1)])?, Init::He, 0);
    /// let mut workspace = Workspace::training(&model, 1);
    /// workspace.input_mut(1).copy_from_slice(&[0.5, -1.0]);
    /// let error = model.forward(&mut workspace)[0] - 3.0;
    /// let d_output = [4.0 * error.powi(3)];
    /// model.backward_from(nn_core::MatrixView::from_slice(&d_output, 1, 1), &mut workspace);
    /// let mut gradient = zeros(model.params().len());
    /// model.gradient(std::slice::from_ref(&workspace), &mut gradient);
    /// assert_eq!(gradient[2], d_output[0]); // With respect to the bias.
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Shapes
    ///
    /// `d_output`: outputs x n.
    ///
    /// # Panics
    ///
    /// If the shapes differ, the samples have not been through [`Model::forward`], or as for [`Model::backward`].
    #[track_caller]
    pub fn backward_from(&self, d_output: MatrixView<'_>, workspace: &mut Workspace) {
        workspace.check_model(self.architecture());
        workspace.check_training();
        workspace.check_state(PassState::Forward, "Model::forward before Model::backward_from");
        self.check_independent("Model::backward_from");
        let expected = (self.outputs(), workspace.n_samples());
        expect_same("shape of the gradient", expected, d_output.shape());
        let end = self.layers().len();
        workspace.write_gradient(end, |_, mut dy| dy.copy_from(&d_output));
        self.backward_layers(0..end, workspace, &mut |_| {});
        workspace.set_state(PassState::Backward);
    }

    /// Computes the gradient with respect to the samples: inputs x n. Call it after a backward pass, which leaves this
    /// gradient out since training does not need it.
    ///
    /// # Panics
    ///
    /// If the workspace belongs to another architecture, or its samples have not been through a backward pass.
    #[track_caller]
    pub fn input_gradient<'a>(&self, workspace: &'a mut Workspace) -> MatrixView<'a> {
        workspace.check_model(self.architecture());
        workspace.check_state(PassState::Backward, "a backward pass before the gradient");
        self.backward_input(0, workspace);
        workspace.d_samples()
    }

    /// Panics unless the workspace belongs to this model, and the objective fits both.
    #[track_caller]
    pub(crate) fn check(&self, objective: &Objective<'_>, workspace: &Workspace) {
        workspace.check_model(self.architecture());
        objective.check(self.outputs(), workspace.n_samples());
        if let Err(error) = objective.loss.check(self.architecture().last().layer) {
            panic!("{error}");
        }
    }

    /// Panics if a pass over this workspace would need the statistics of a batch, which the function `found` does not
    /// gather.
    #[track_caller]
    fn check_alone(&self, workspace: &Workspace, found: &str) {
        if workspace.mode() != Mode::Infer {
            self.check_independent(found);
        }
    }

    /// Panics if samples depend on each other, which the function `found` does not support.
    #[track_caller]
    fn check_independent(&self, found: &str) {
        let expected = "Model::train_pass, since the model has batch normalisation";
        assert!(self.n_segments() == 1, "training: expected {expected}, found {found}");
    }

    /// The number of layers that are not fused with the loss.
    pub(crate) fn n_unfused(&self, objective: &Objective<'_>) -> usize {
        self.layers().len() - usize::from(objective.loss.is_fused())
    }

    pub(crate) fn forward_layers(
        &self,
        layers: Range<usize>,
        workspace: &mut Workspace,
        done: &mut impl FnMut(Pass),
    ) {
        let mode = workspace.mode();
        for PlacedLayer { layer, place: at, .. } in &self.layers()[layers] {
            workspace.forward(at.index, |x, y, cache| {
                layer.op().forward(Forward {
                    at,
                    params: &self.params()[at.params.clone()],
                    statistics: &self.statistics()[at.statistics.clone()],
                    weight_caches: self.weight_caches(at.index),
                    mode,
                    x,
                    y,
                    cache,
                });
            });
            done(Pass::Forward(at.index));
        }
    }

    /// Runs the forward pass from layer `start`, and computes the loss.
    #[track_caller]
    pub(crate) fn forward_loss(
        &self,
        start: usize,
        objective: &Objective<'_>,
        workspace: &mut Workspace,
        done: &mut impl FnMut(Pass),
    ) -> LossSum {
        let unfused = self.n_unfused(objective);
        self.forward_layers(start..unfused, workspace, done);
        let sums = if objective.loss.is_fused() {
            let sums = workspace.forward(unfused, |x, y, _| objective.forward_fused(x.values, y));
            done(Pass::Forward(unfused));
            sums
        } else {
            objective.loss.of_outputs(workspace.output(unfused - 1), objective.targets)
        };
        workspace.set_state(PassState::Loss);
        sums
    }

    /// Computes the gradient of the loss with respect to the output of the last layer that is not fused with it.
    #[track_caller]
    pub(crate) fn backward_loss(
        &self,
        objective: &Objective<'_>,
        workspace: &mut Workspace,
        done: &mut impl FnMut(Pass),
    ) {
        let (end, last) = (self.n_unfused(objective), self.layers().len() - 1);
        workspace.write_gradient(end, |workspace, d| {
            objective.backward(workspace.output(last), d);
        });
        if objective.loss.is_fused() {
            done(Pass::Backward(last));
        }
    }

    /// Runs the backward pass through some layers. If the first of them is the model's first layer, or waits for other
    /// shards, only its column sums are computed.
    pub(crate) fn backward_layers(
        &self,
        layers: Range<usize>,
        workspace: &mut Workspace,
        done: &mut impl FnMut(Pass),
    ) {
        let start = layers.start;
        for PlacedLayer { layer, place: at, .. } in self.layers()[layers].iter().rev() {
            let op = layer.op();
            if op.n_column_sums(at) > 0 {
                workspace.write_column_sums(at.index, |workspace, sums| {
                    op.column_sums(&self.backward_pass(at.index, workspace), sums);
                });
            }
            let waits = at.index == start && (start == 0 || op.batch_sync().is_some());
            if !waits {
                self.backward_input(at.index, workspace);
            }
            done(Pass::Backward(at.index));
        }
    }

    pub(crate) fn backward_input(&self, index: usize, workspace: &mut Workspace) {
        let op = self.layers()[index].layer.op();
        workspace.write_gradient(index, |workspace, dx| {
            op.backward_input(&self.backward_pass(index, workspace), dx);
        });
    }

    fn backward_pass<'a>(&'a self, index: usize, workspace: &'a Workspace) -> Backward<'a> {
        let params = &self.params()[self.layers()[index].place.params.clone()];
        workspace.backward_pass(index, params, self.weight_caches(index))
    }
}
