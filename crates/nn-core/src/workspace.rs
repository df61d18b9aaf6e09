//! The memory of a pass: inputs, every layer's output, and in training every output's gradient.
//!
//! Built once for a model and the most samples it will hold; passes then allocate nothing. A
//! batch's last, short part is a narrower view of the same memory.

use std::{cell::RefCell, hint::black_box, ops::Range};

use crate::{
    Buffer, Layer, Model, Scaling,
    buffer::{
        CACHE_LINE, Matrix, MatrixView, MatrixViewMut, apart, apart_mut, column_stride, zeros,
    },
    kernels::{self, Marks, Start, TERMS, Term, add_scaled, multiply_transposed},
    layer::{batch_norm::BatchNorm, dropout::Draws},
};

/// Activations, and gradients by them, for up to a fixed number of samples.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Length of a sample.
    inputs: usize,
    capacity: usize,
    n_samples: usize,
    samples: Samples,
    sample_marks: Option<Marks>,
    outputs: Vec<Activations>,
    /// `d_outputs[i]` is the loss's gradient by layer `i`'s output. Empty in a workspace for inference.
    d_outputs: Vec<Matrix>,
    /// `d_sums[i]` are sums over the samples that layer `i`'s gradient is made of: of a dense layer, the sum of
    /// the columns of `d_outputs[i]`.
    pub(crate) d_sums: Vec<Vec<f32>>,
    /// Of features that are about to be normalised over the batch: sums, and sums of squares.
    pub(crate) batch_sums: Vec<f64>,
    /// What random draws are a function of; none in inference.
    draws: Option<Draws>,
}

/// The samples as they were handed in, inputs x capacity. Memory is taken when the first come.
#[derive(Clone, Debug)]
enum Samples {
    Floats(Matrix),
    /// Scaled where they are read: a quarter of the memory, which is what a large batch waits for.
    Bytes {
        bytes: Vec<u8>,
        /// What a byte is multiplied with, so that a black pixel is a 0, which products skip;
        factor: f32,
        /// and what is then to be added to all.
        offset: f32,
    },
}

/// A layer's output.
#[derive(Clone, Debug)]
struct Activations {
    values: Matrix,
    /// Where they are not zero, kept for a dense layer that reads them.
    marks: Option<Marks>,
    /// The output whose marks say where the next layer's is not zero, or its gradient is lost on the way.
    next_marked: Option<usize>,
    /// What the layer keeps of the pass for its way back.
    kept: Vec<f32>,
}

/// A layer's input: features x samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) values: MatrixView<'a>,
    pub(crate) marks: Option<&'a Marks>,
    /// What is to be added to every element of `values`.
    pub(crate) offset: f32,
}

/// What a layer needs on the way back.
pub(crate) struct Backward<'a> {
    /// The layer's input; of the first layer, which is dense and does not ask, nothing.
    pub(crate) x: MatrixView<'a>,
    /// Its output and the gradient by it.
    pub(crate) y: MatrixView<'a>,
    pub(crate) dy: MatrixView<'a>,
    /// What it kept on the way forward.
    pub(crate) kept: &'a [f32],
    /// Where the output of the layer after this one is not zero.
    pub(crate) next_marks: Option<&'a Marks>,
}

impl Workspace {
    /// A workspace for forward passes of `model` over up to `capacity` samples.
    pub fn inference(model: &Model, capacity: usize) -> Self {
        let layers = model.layers();
        let marks = |rows, reader: Option<&Layer>| {
            matches!(reader, Some(Layer::Dense(_))).then(|| Marks::new(rows, capacity))
        };
        let output = |(i, layer): (usize, &Layer)| Activations {
            values: Matrix::zeros(layer.outputs(), capacity),
            marks: marks(layer.outputs(), layers.get(i + 1)),
            next_marked: next_marked(layers, i),
            kept: vec![0.0; layer.kept(capacity)],
        };
        Self {
            inputs: model.inputs(),
            capacity,
            n_samples: 0,
            samples: Samples::Floats(Matrix::zeros(model.inputs(), 0)),
            sample_marks: marks(model.inputs(), layers.first()),
            outputs: layers.iter().enumerate().map(output).collect(),
            d_outputs: Vec::new(),
            d_sums: Vec::new(),
            batch_sums: Vec::new(),
            draws: None,
        }
    }

    /// A workspace for training `model` on up to `capacity` samples at a time.
    pub fn training(model: &Model, capacity: usize) -> Self {
        let mut workspace = Self::inference(model, capacity);
        let outputs = &workspace.outputs;
        workspace.d_outputs = outputs.iter().map(|output| output.values.clone()).collect();
        let d_sums = |layer: &Layer| vec![0.0; layer.n_gradient_sums()];
        workspace.d_sums = model.layers().iter().map(d_sums).collect();
        let n_statistics = model.layers().iter().map(|layer| layer.n_statistics());
        workspace.batch_sums = vec![0.0; n_statistics.max().unwrap_or(0)];
        workspace
    }

    /// The most samples it holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The samples it holds now.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Has passes be those of training, where dropout drops and batches are normalised by their own statistics, or,
    /// with `None` as in a new workspace, of inference.
    pub fn set_draws(&mut self, draws: Option<Draws>) {
        self.draws = draws;
    }

    /// What random draws are a function of; none in inference.
    pub(crate) fn draws(&self) -> Option<Draws> {
        self.draws
    }

    /// Makes room for `n_samples` and gives their columns (inputs x `n_samples`) to be filled in.
    ///
    /// # Panics
    ///
    /// If `n_samples` is more than the capacity.
    #[track_caller]
    pub fn input_mut(&mut self, n_samples: usize) -> MatrixViewMut<'_> {
        self.set_n_samples(n_samples);
        let is_ready = matches!(&self.samples, Samples::Floats(x) if x.n_columns() > 0);
        if !is_ready {
            self.samples = Samples::Floats(Matrix::zeros(self.inputs, self.capacity));
        }
        match &mut self.samples {
            Samples::Floats(values) => values.first_mut(n_samples),
            Samples::Bytes { .. } => unreachable!("numbers have just been made room for"),
        }
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
        self.set_changed_bytes(n_samples, scaling, sample, |_, sample, x| {
            x.copy_from_slice(sample)
        });
    }

    /// [`Workspace::set_input_bytes`] of samples that `change` writes: from the `i`-th, of `sample(i)`, to what the
    /// network is fed.
    ///
    /// # Panics
    ///
    /// As [`Workspace::set_input_bytes`].
    #[track_caller]
    pub fn set_changed_bytes<'a>(
        &mut self,
        n_samples: usize,
        scaling: Scaling,
        sample: impl Fn(usize) -> &'a [u8],
        change: impl Fn(usize, &[u8], &mut [u8]),
    ) {
        self.set_n_samples(n_samples);
        // Samples lie anywhere in memory. Asked for one after another, each keeps the processor waiting;
        // asked for all at once, they come together.
        for i in 0..n_samples {
            black_box(sample(i).iter().step_by(CACHE_LINE).fold(0, |sum, &byte| sum ^ byte));
        }
        let mut bytes = match &mut self.samples {
            Samples::Bytes { bytes, .. } => std::mem::take(bytes),
            Samples::Floats(_) => vec![0; self.inputs * self.capacity],
        };
        for (i, x) in bytes.chunks_exact_mut(self.inputs).enumerate().take(n_samples) {
            change(i, sample(i), x);
        }
        let factor = 1.0 / scaling.std;
        self.samples = Samples::Bytes { bytes, factor, offset: -scaling.mean * factor };
    }

    #[track_caller]
    fn set_n_samples(&mut self, n_samples: usize) {
        assert!(n_samples <= self.capacity, "{n_samples} samples exceed {}", self.capacity);
        self.n_samples = n_samples;
    }

    /// The output of layer `index`: outputs x `n_samples`.
    pub fn output(&self, index: usize) -> MatrixView<'_> {
        self.outputs[index].values.columns(0, self.n_samples)
    }

    /// Makes the last layer's output the mean of itself and `other`, of the same shape.
    ///
    /// # Panics
    ///
    /// If the shapes differ.
    #[track_caller]
    pub fn average_output(&mut self, other: MatrixView<'_>) {
        let last = self.outputs.len() - 1;
        let mut y = self.outputs[last].values.first_mut(self.n_samples);
        y += other;
        y *= 0.5;
    }

    /// No element of the gradient over these samples is further from 0 than this, which costs next to
    /// nothing; infinite or NaN where an activation or a delta is. Comes after [`Model::backward`].
    ///
    /// # Panics
    ///
    /// If the workspace is one for inference.
    pub fn gradient_bound(&self) -> f64 {
        let n = self.n_samples;
        let of_layer = |index: usize| {
            let dy = kernels::largest(self.d_outputs[index].columns(0, n));
            let x = match (index.checked_sub(1), &self.samples) {
                (Some(before), _) => kernels::largest(self.output(before)),
                (None, Samples::Floats(values)) => kernels::largest(values.columns(0, n)),
                (None, Samples::Bytes { factor, offset, .. }) => {
                    f32::from(u8::MAX) * factor.abs() + offset.abs()
                }
            };
            // What a bias is multiplied with is 1. Not `max`, which would lose a NaN.
            let x = if x < 1.0 { 1.0 } else { x };
            f64::from(dy) * f64::from(x) * n as f64
        };
        // The sums of a normalisation's gradient are there already; those of a dense layer are of the deltas alone.
        let of_sums = |d_sums: &Vec<f32>| f64::from(kernels::largest_of(d_sums));
        let layers = self.d_sums.iter().enumerate().filter(|(_, d_sums)| !d_sums.is_empty());
        let bound = |(index, d_sums): (usize, _)| match self.outputs[index].kept.is_empty() {
            true => of_layer(index),
            false => of_sums(d_sums),
        };
        layers.map(bound).sum()
    }

    /// The first layer whose output is not finite, and such a number of it.
    pub fn first_not_finite(&self) -> Option<(usize, f32)> {
        (0..self.outputs.len()).find_map(|index| {
            let found = self.output(index).iter().copied().find(|x| !x.is_finite());
            found.map(|x| (index, x))
        })
    }

    /// What is to be added to what layer `index` reads.
    pub(crate) fn offset_of(&self, index: usize) -> f32 {
        match self.samples {
            Samples::Bytes { offset, .. } if index == 0 => offset,
            _ => 0.0,
        }
    }

    /// Has `forward` read layer `index`'s input and write its output and what it keeps.
    #[track_caller]
    pub(crate) fn forward<T>(
        &mut self,
        index: usize,
        forward: impl FnOnce(Input<'_>, MatrixViewMut<'_>, &mut [f32]) -> T,
    ) -> T {
        let (n, offset) = (self.n_samples, self.offset_of(index));
        let (before, from) = self.outputs.split_at_mut(index);
        let Activations { values: y, kept, .. } = &mut from[0];
        let y = y.first_mut(n);
        if let Some(Activations { values, marks, .. }) = before.last_mut() {
            if let Some(marks) = marks {
                marks.update(values.first(n));
            }
            let values = values.columns(0, n);
            return forward(Input { values, marks: marks.as_ref(), offset }, y, kept);
        }
        let Self { samples, sample_marks: marks, inputs, .. } = self;
        match samples {
            Samples::Floats(values) => {
                if let Some(marks) = marks {
                    marks.update(values.first(n));
                }
                let values = values.columns(0, n);
                forward(Input { values, marks: marks.as_ref(), offset }, y, kept)
            }
            Samples::Bytes { bytes, factor, .. } => {
                let bytes = &bytes[..n * *inputs];
                if let Some(marks) = marks {
                    marks.update(bytes.chunks_exact(*inputs));
                }
                with_scratch(n * column_stride(*inputs), |x| {
                    kernels::scale(bytes, *inputs, 0..*inputs, *factor, apart_mut(x, *inputs, n));
                    let values = apart(x, *inputs, n);
                    forward(Input { values, marks: marks.as_ref(), offset }, y, kept)
                })
            }
        }
    }

    /// What layer `index` keeps of a pass.
    pub(crate) fn kept_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.outputs[index].kept
    }

    /// Takes the sums over the samples of what goes into layer `index`, which is a batch normalisation.
    pub(crate) fn sum_batch(&mut self, index: usize, batch_norm: BatchNorm) {
        let x = self.outputs[index - 1].values.columns(0, self.n_samples);
        let n_statistics = 2 * x.nrows();
        batch_norm.sum(x, &mut self.batch_sums[..n_statistics]);
    }

    /// Overwrites `d_weights` with the gradient by the given columns of the weights of layer `index`, a dense one:
    /// `dy xT` over the samples of `parts`. Of an x that is `values + offset`, that is the offset times the sum of dy,
    /// and `dy valuesT`. The weights themselves, or nothing, come to where this core may write them.
    #[track_caller]
    pub(crate) fn weight_gradient<'a>(
        parts: impl Iterator<Item = &'a Self> + Clone,
        index: usize,
        columns: Range<usize>,
        mut d_weights: MatrixViewMut<'_>,
        mut to_update: &mut [f32],
    ) {
        let outputs = d_weights.nrows();
        let len = Marks::GROUP * column_stride(columns.len());
        with_scratch(TERMS * len + outputs, |scratch| {
            let (scratch, of_offsets) = scratch.split_at_mut(TERMS * len);
            of_offsets.fill(0.0);
            for part in parts.clone() {
                add_scaled(of_offsets, part.offset_of(index), &part.d_sums[index]);
            }
            let mut start = Start::Column(of_offsets);
            let mut rest = parts.flat_map(Self::groups).peekable();
            loop {
                let groups = rest.by_ref().take(TERMS).zip(scratch.chunks_exact_mut(len));
                let terms = groups.map(|((part, group), scratch)| {
                    part.gradient_term(index, columns.clone(), group, scratch)
                });
                let claimed = std::mem::take(&mut to_update);
                multiply_transposed(d_weights.as_view_mut(), start, terms, claimed);
                if rest.peek().is_none() {
                    break;
                }
                start = Start::Kept;
            }
        });
    }

    /// Itself with each group of its samples that share words of marks.
    fn groups(&self) -> impl Iterator<Item = (&Self, usize)> {
        (0..self.n_samples.div_ceil(Marks::GROUP)).map(move |group| (self, group))
    }

    /// `dy xT` over a group of samples, as [`Workspace::weight_gradient`] adds it up; `scratch` is for scaled bytes.
    fn gradient_term<'a>(
        &'a self,
        index: usize,
        columns: Range<usize>,
        group: usize,
        scratch: &'a mut [f32],
    ) -> Term<'a> {
        let start = group * Marks::GROUP;
        let n = Marks::GROUP.min(self.n_samples - start);
        let (start_of_columns, n_columns) = (columns.start, columns.len());
        let part_of = |values: &'a Matrix| values.part(columns.clone(), start, n);
        let (x, marks) = match (index.checked_sub(1), &self.samples) {
            (Some(before), _) => {
                let Activations { values, marks, .. } = &self.outputs[before];
                (part_of(values), marks)
            }
            (None, Samples::Floats(values)) => (part_of(values), &self.sample_marks),
            (None, Samples::Bytes { bytes, factor, .. }) => {
                let bytes = &bytes[start * self.inputs..(start + n) * self.inputs];
                let x = apart_mut(scratch, n_columns, n);
                kernels::scale(bytes, self.inputs, columns, *factor, x);
                (apart(scratch, n_columns, n), &self.sample_marks)
            }
        };
        Term {
            a: self.d_outputs[index].columns(start, n),
            b: x,
            nonzero: marks.as_ref().map(|marks| marks.rows(start_of_columns, group)),
        }
    }

    /// Takes the sums over the samples that the gradient of `layer`, of this index, is made of.
    pub(crate) fn sum_gradient(&mut self, index: usize, layer: Layer) {
        let mut d_sums = std::mem::take(&mut self.d_sums[index]);
        layer.sum_gradient(&self.backward_views(index), &mut d_sums);
        self.d_sums[index] = d_sums;
    }

    /// Has `backward` read what layer `index` needs on the way back and write the gradient by its input. Not for layer
    /// 0, whose input's gradient nobody needs.
    pub(crate) fn backward(
        &mut self,
        index: usize,
        backward: impl FnOnce(Backward<'_>, MatrixViewMut<'_>),
    ) {
        let mut dx = std::mem::replace(&mut self.d_outputs[index - 1], Matrix::zeros(1, 0));
        backward(self.backward_views(index), dx.first_mut(self.n_samples));
        self.d_outputs[index - 1] = dx;
    }

    /// Has `backward` read the last layer's output and write the gradient by it.
    pub(crate) fn backward_last(
        &mut self,
        backward: impl FnOnce(MatrixView<'_>, MatrixViewMut<'_>),
    ) {
        let last = self.outputs.len() - 1;
        let y = self.outputs[last].values.columns(0, self.n_samples);
        backward(y, self.d_outputs[last].first_mut(self.n_samples));
    }

    fn backward_views(&self, index: usize) -> Backward<'_> {
        let n = self.n_samples;
        let Activations { values, kept, next_marked, .. } = &self.outputs[index];
        Backward {
            x: match index.checked_sub(1) {
                Some(before) => self.outputs[before].values.columns(0, n),
                None => MatrixView::from_slice(&[], 0, 0),
            },
            y: values.columns(0, n),
            dy: self.d_outputs[index].columns(0, n),
            kept,
            next_marks: next_marked.and_then(|next| self.outputs[next].marks.as_ref()),
        }
    }
}

/// The output whose marks say where the output of the layer after layer `index` is not zero, or where the gradient
/// by it is lost on its way through dropout.
fn next_marked(layers: &[Layer], index: usize) -> Option<usize> {
    let mut behind = layers.iter().enumerate().skip(index + 2);
    let (reader, layer) = behind.find(|(_, layer)| !matches!(layer, Layer::Dropout(_)))?;
    matches!(layer, Layer::Dense(_)).then_some(reader - 1)
}

/// Lends `len` numbers of the thread's own to `use_them`: bytes as scaled numbers, which stay in its cache
/// from one part of a batch to the next. Allocates where it has not lent so many yet.
fn with_scratch<T>(len: usize, use_them: impl FnOnce(&mut [f32]) -> T) -> T {
    thread_local!(static SCRATCH: RefCell<Buffer> = RefCell::new(zeros(0)));
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len {
            scratch.resize(len, 0.0);
        }
        use_them(&mut scratch[..len])
    })
}
