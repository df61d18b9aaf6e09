//! The memory of a pass: inputs, every layer's output, and in training every output's gradient.
//!
//! Built once for a model and the most samples it will hold; passes then allocate nothing. A
//! batch's last, short part is a narrower view of the same memory.

use nalgebra::DMatrix;

use crate::{
    Model,
    buffer::{MatrixView, MatrixViewMut},
};

/// Activations, and gradients by them, for up to a fixed number of samples.
#[derive(Clone, Debug)]
pub struct Workspace {
    n_samples: usize,
    input: DMatrix<f32>,
    pub(crate) outputs: Vec<DMatrix<f32>>,
    /// `d_outputs[i]` is the loss's gradient by `outputs[i]`. Empty in a workspace for inference.
    pub(crate) d_outputs: Vec<DMatrix<f32>>,
}

impl Workspace {
    /// A workspace for forward passes of `model` over up to `capacity` samples.
    pub fn inference(model: &Model, capacity: usize) -> Self {
        let outputs = model.layers().iter().map(|layer| DMatrix::zeros(layer.outputs(), capacity));
        Self {
            n_samples: 0,
            input: DMatrix::zeros(model.inputs(), capacity),
            outputs: outputs.collect(),
            d_outputs: Vec::new(),
        }
    }

    /// A workspace for training `model` on up to `capacity` samples at a time.
    pub fn training(model: &Model, capacity: usize) -> Self {
        let mut workspace = Self::inference(model, capacity);
        workspace.d_outputs = workspace.outputs.clone();
        workspace
    }

    /// The most samples it holds.
    pub fn capacity(&self) -> usize {
        self.input.ncols()
    }

    /// The samples it holds now.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Makes room for `n_samples` and gives their columns (inputs x `n_samples`) to be filled in.
    ///
    /// # Panics
    ///
    /// If `n_samples` is more than the capacity.
    #[track_caller]
    pub fn input_mut(&mut self, n_samples: usize) -> MatrixViewMut<'_> {
        assert!(n_samples <= self.capacity(), "{n_samples} samples exceed {}", self.capacity());
        self.n_samples = n_samples;
        self.input.columns_mut(0, n_samples)
    }

    /// The samples: inputs x `n_samples`.
    pub fn input(&self) -> MatrixView<'_> {
        self.input.columns(0, self.n_samples)
    }

    /// The output of layer `index`: outputs x `n_samples`.
    pub fn output(&self, index: usize) -> MatrixView<'_> {
        self.outputs[index].columns(0, self.n_samples)
    }

    /// What layer `index` reads: the output of the one before it, or the samples.
    pub(crate) fn input_of(&self, index: usize) -> MatrixView<'_> {
        match index {
            0 => self.input(),
            _ => self.output(index - 1),
        }
    }

    /// Layer `index`'s input to read and its output to write.
    pub(crate) fn forward_views(&mut self, index: usize) -> (MatrixView<'_>, MatrixViewMut<'_>) {
        let (before, from) = self.outputs.split_at_mut(index);
        let input = before.last().unwrap_or(&self.input);
        (input.columns(0, self.n_samples), from[0].columns_mut(0, self.n_samples))
    }

    /// The gradient by layer `index`'s output.
    pub(crate) fn d_output(&self, index: usize) -> MatrixView<'_> {
        self.d_outputs[index].columns(0, self.n_samples)
    }

    /// Layer `index`'s output and its gradient to read, and the gradient by its input, the output
    /// of the layer before it, to write. Not for layer 0, whose input's gradient nobody needs.
    pub(crate) fn backward_views(
        &mut self,
        index: usize,
    ) -> (MatrixView<'_>, MatrixView<'_>, MatrixViewMut<'_>) {
        let (before, from) = self.d_outputs.split_at_mut(index);
        (
            self.outputs[index].columns(0, self.n_samples),
            from[0].columns(0, self.n_samples),
            before[index - 1].columns_mut(0, self.n_samples),
        )
    }
}
