//! The memory of a pass: inputs, every layer's output, and in training every output's gradient.
//!
//! Built once for a model and the most samples it will hold; passes then allocate nothing. A
//! batch's last, short part is a narrower view of the same memory.

use std::{hint::black_box, ops::Range};

use crate::{
    Layer, Model, Scaling,
    buffer::{Matrix, MatrixView, MatrixViewMut},
    kernels::{self, Marks, Right, multiply_add},
};

/// Bytes that come from memory together.
const CACHE_LINE: usize = 64;

/// Activations, and gradients by them, for up to a fixed number of samples.
#[derive(Clone, Debug)]
pub struct Workspace {
    n_samples: usize,
    /// What is to be added to every element of the samples: bytes are held as multiples of the scale,
    /// so that a black pixel is a 0, which products skip.
    input_offset: f32,
    /// The samples, and behind them the output of every layer.
    activations: Vec<Activations>,
    /// `d_outputs[i]` is the loss's gradient by layer `i`'s output. Empty in a workspace for inference.
    d_outputs: Vec<Matrix>,
    /// `d_sums[i]` is the sum of the columns of `d_outputs[i]`, kept of dense layers.
    pub(crate) d_sums: Vec<Vec<f32>>,
}

/// What a layer reads.
#[derive(Clone, Debug)]
struct Activations {
    values: Matrix,
    /// Where they are not zero, kept for a dense layer that reads them.
    marks: Option<Marks>,
}

/// A layer's input: features x samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) values: MatrixView<'a>,
    pub(crate) marks: Option<&'a Marks>,
    /// What is to be added to every element of `values`.
    pub(crate) offset: f32,
}

impl Workspace {
    /// A workspace for forward passes of `model` over up to `capacity` samples.
    pub fn inference(model: &Model, capacity: usize) -> Self {
        let layers = model.layers();
        let activations = |rows, reader: Option<&Layer>| Activations {
            values: Matrix::zeros(rows, capacity),
            marks: matches!(reader, Some(Layer::Dense(_))).then(|| Marks::new(rows, capacity)),
        };
        let input = activations(model.inputs(), layers.first());
        let outputs = layers.iter().enumerate();
        let outputs = outputs.map(|(i, layer)| activations(layer.outputs(), layers.get(i + 1)));
        Self {
            n_samples: 0,
            input_offset: 0.0,
            activations: std::iter::once(input).chain(outputs).collect(),
            d_outputs: Vec::new(),
            d_sums: Vec::new(),
        }
    }

    /// A workspace for training `model` on up to `capacity` samples at a time.
    pub fn training(model: &Model, capacity: usize) -> Self {
        let mut workspace = Self::inference(model, capacity);
        let outputs = &workspace.activations[1..];
        workspace.d_outputs = outputs.iter().map(|output| output.values.clone()).collect();
        let d_sum = |layer: &Layer| match layer {
            Layer::Dense(dense) => vec![0.0; dense.outputs],
            Layer::Relu(_) | Layer::Softmax(_) => Vec::new(),
        };
        workspace.d_sums = model.layers().iter().map(d_sum).collect();
        workspace
    }

    /// The most samples it holds.
    pub fn capacity(&self) -> usize {
        self.activations[0].values.n_columns()
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
        self.input_offset = 0.0;
        self.activations[0].values.first_mut(n_samples)
    }

    /// Fills in `n_samples` of bytes, scaled; the `i`-th of them is `sample(i)`.
    ///
    /// The same to the last bit or so as scaled bytes in [`Workspace::input_mut`], and faster where
    /// many bytes are 0: the scaling's mean goes through the first layer once, instead of with every
    /// sample, and zeros are skipped.
    ///
    /// # Panics
    ///
    /// If `n_samples` is more than the capacity, or a sample has another length than the model has
    /// inputs.
    #[track_caller]
    pub fn set_input_bytes<'a>(
        &mut self,
        n_samples: usize,
        scaling: Scaling,
        sample: impl Fn(usize) -> &'a [u8],
    ) {
        // Samples lie anywhere in memory. Asked for one after another, each keeps the processor waiting;
        // asked for all at once, they come together.
        for i in 0..n_samples {
            black_box(sample(i).iter().step_by(CACHE_LINE).fold(0, |sum, &byte| sum ^ byte));
        }
        let mut input = self.input_mut(n_samples);
        let factor = 1.0 / scaling.std;
        for (i, mut x) in input.column_iter_mut().enumerate() {
            kernels::scale(sample(i), factor, x.as_mut_slice());
        }
        self.input_offset = -scaling.mean * factor;
    }

    /// The output of layer `index`: outputs x `n_samples`.
    pub fn output(&self, index: usize) -> MatrixView<'_> {
        self.activations[index + 1].values.columns(0, self.n_samples)
    }

    /// What is to be added to what layer `index` reads.
    pub(crate) fn offset_of(&self, index: usize) -> f32 {
        if index == 0 { self.input_offset } else { 0.0 }
    }

    /// Layer `index`'s input to read and its output to write.
    #[track_caller]
    pub(crate) fn forward_views(&mut self, index: usize) -> (Input<'_>, MatrixViewMut<'_>) {
        let offset = self.offset_of(index);
        let [input, output] = &mut self.activations[index..index + 2] else {
            panic!("a workspace of another model")
        };
        input.mark(self.n_samples);
        let input = input.as_input(self.n_samples, offset);
        (input, output.values.first_mut(self.n_samples))
    }

    /// Adds `dy xT` to the gradient by the given columns of the weights of layer `index`, a dense one;
    /// the input's offset is not in it.
    #[track_caller]
    pub(crate) fn add_weight_gradient(
        &self,
        index: usize,
        columns: Range<usize>,
        mut d_weights: MatrixViewMut<'_>,
    ) {
        let Activations { values, marks } = &self.activations[index];
        for (group, start) in (0..self.n_samples).step_by(Marks::GROUP).enumerate() {
            let n = Marks::GROUP.min(self.n_samples - start);
            let dy = self.d_outputs[index].columns(start, n);
            let x = Right::Transposed(values.part(columns.clone(), start, n));
            let nonzero = marks.as_ref().map(|marks| marks.rows(columns.start, group));
            multiply_add(d_weights.as_view_mut(), dy, x, nonzero);
        }
    }

    /// Takes the sum of the gradient by layer `index`'s output, a dense one's, over the samples.
    pub(crate) fn sum_d_output(&mut self, index: usize) {
        let d_output = self.d_outputs[index].columns(0, self.n_samples);
        kernels::sum_columns(d_output, &mut self.d_sums[index]);
    }

    /// What layer `index` needs on the way back. Not for layer 0, whose input's gradient nobody needs.
    pub(crate) fn backward_views(&mut self, index: usize) -> Backward<'_> {
        let (before, from) = self.d_outputs.split_at_mut(index);
        Backward {
            y: self.activations[index + 1].values.columns(0, self.n_samples),
            dy: from[0].columns(0, self.n_samples),
            next_marks: self.activations.get(index + 2).and_then(|next| next.marks.as_ref()),
            dx: before[index - 1].first_mut(self.n_samples),
        }
    }
}

/// What a layer needs on the way back.
pub(crate) struct Backward<'a> {
    /// The layer's output and the gradient by it, to read.
    pub(crate) y: MatrixView<'a>,
    pub(crate) dy: MatrixView<'a>,
    /// Where the output of the layer after this one is not zero.
    pub(crate) next_marks: Option<&'a Marks>,
    /// The gradient by the layer's input, the output of the one before it, to write.
    pub(crate) dx: MatrixViewMut<'a>,
}

impl Activations {
    fn mark(&mut self, n_samples: usize) {
        if let Some(marks) = &mut self.marks {
            marks.update(self.values.columns(0, n_samples));
        }
    }

    fn as_input(&self, n_samples: usize, offset: f32) -> Input<'_> {
        let values = self.values.columns(0, n_samples);
        Input { values, marks: self.marks.as_ref(), offset }
    }
}
