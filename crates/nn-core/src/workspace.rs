//! The memory of a pass: inputs, every layer's output, and in training every output's gradient.
//!
//! Built once for a model and the most samples it will hold; passes then allocate nothing. A
//! batch's last, short part is a narrower view of the same memory.

use std::{cell::RefCell, hint::black_box, ops::Range};

use crate::{
    Buffer, Layer, Model, Scaling,
    buffer::{Matrix, MatrixView, MatrixViewMut, zeros},
    kernels::{self, Marks, Right, multiply_add},
};

/// Bytes that come from memory together.
const CACHE_LINE: usize = 64;

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
    /// `d_sums[i]` is the sum of the columns of `d_outputs[i]`, kept of dense layers.
    pub(crate) d_sums: Vec<Vec<f32>>,
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
    /// The layer's output and the gradient by it, to read.
    pub(crate) y: MatrixView<'a>,
    pub(crate) dy: MatrixView<'a>,
    /// Where the output of the layer after this one is not zero.
    pub(crate) next_marks: Option<&'a Marks>,
    /// The gradient by the layer's input, the output of the one before it, to write.
    pub(crate) dx: MatrixViewMut<'a>,
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
        }
    }

    /// A workspace for training `model` on up to `capacity` samples at a time.
    pub fn training(model: &Model, capacity: usize) -> Self {
        let mut workspace = Self::inference(model, capacity);
        let outputs = &workspace.outputs;
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
        self.capacity
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
            x.copy_from_slice(sample(i));
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
        let dense = self.d_sums.iter().enumerate().filter(|(_, d_sum)| !d_sum.is_empty());
        dense.map(|(index, _)| of_layer(index)).sum()
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

    /// Has `forward` read layer `index`'s input and write its output.
    #[track_caller]
    pub(crate) fn forward<T>(
        &mut self,
        index: usize,
        forward: impl FnOnce(Input<'_>, MatrixViewMut<'_>) -> T,
    ) -> T {
        let (n, offset) = (self.n_samples, self.offset_of(index));
        let (before, from) = self.outputs.split_at_mut(index);
        let y = from[0].values.first_mut(n);
        if let Some(Activations { values, marks }) = before.last_mut() {
            if let Some(marks) = marks {
                marks.update(values.first(n));
            }
            let values = values.columns(0, n);
            return forward(Input { values, marks: marks.as_ref(), offset }, y);
        }
        let Self { samples, sample_marks: marks, inputs, .. } = self;
        match samples {
            Samples::Floats(values) => {
                if let Some(marks) = marks {
                    marks.update(values.first(n));
                }
                let values = values.columns(0, n);
                forward(Input { values, marks: marks.as_ref(), offset }, y)
            }
            Samples::Bytes { bytes, factor, .. } => {
                let bytes = &bytes[..n * *inputs];
                if let Some(marks) = marks {
                    marks.update(bytes);
                }
                with_scratch(bytes.len(), |x| {
                    kernels::scale(bytes, *inputs, 0..*inputs, *factor, x);
                    let values = MatrixView::from_slice(x, *inputs, n);
                    forward(Input { values, marks: marks.as_ref(), offset }, y)
                })
            }
        }
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
        for (group, start) in (0..self.n_samples).step_by(Marks::GROUP).enumerate() {
            let n = Marks::GROUP.min(self.n_samples - start);
            let dy = self.d_outputs[index].columns(start, n);
            let mut add = |x: MatrixView<'_>, marks: &Option<Marks>| {
                let nonzero = marks.as_ref().map(|marks| marks.rows(columns.start, group));
                multiply_add(d_weights.as_view_mut(), dy, Right::Transposed(x), nonzero);
            };
            match (index.checked_sub(1), &self.samples) {
                (Some(before), _) => {
                    let Activations { values, marks } = &self.outputs[before];
                    add(values.part(columns.clone(), start, n), marks);
                }
                (None, Samples::Floats(values)) => {
                    add(values.part(columns.clone(), start, n), &self.sample_marks);
                }
                (None, Samples::Bytes { bytes, factor, .. }) => {
                    let bytes = &bytes[start * self.inputs..(start + n) * self.inputs];
                    with_scratch(columns.len() * n, |x| {
                        kernels::scale(bytes, self.inputs, columns.clone(), *factor, x);
                        add(MatrixView::from_slice(x, columns.len(), n), &self.sample_marks);
                    });
                }
            }
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
            y: self.outputs[index].values.columns(0, self.n_samples),
            dy: from[0].columns(0, self.n_samples),
            next_marks: self.outputs.get(index + 1).and_then(|next| next.marks.as_ref()),
            dx: before[index - 1].first_mut(self.n_samples),
        }
    }
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
