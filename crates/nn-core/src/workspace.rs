//! The memory of a pass: the samples, every layer's output, and in training the gradient with respect to each of them.
//!
//! A workspace is built once, for a model and a maximum number of samples. Passes then allocate nothing. If the last
//! shard of a batch has fewer samples, it uses part of the same memory.

mod layers;

use std::sync::Arc;

use crate::{
    Architecture, Mode, Model, PlacedLayer, Scaling,
    buffer::{Matrix, MatrixView, MatrixViewMut},
    error::expect_same,
    kernels::NonzeroMask,
    layer::ZeroRule,
    samples::SampleBuffer,
};

/// The last pass that the samples have been through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PassState {
    Input,
    /// This segment of a training pass, which is not the last one.
    Segment(usize),
    Forward,
    Loss,
    Backward,
}

/// The memory of a pass: activations, and gradients with respect to them, for up to a fixed number of samples.
#[derive(Clone, Debug)]
pub struct Workspace {
    architecture: Arc<Architecture>,
    capacity: usize,
    n_samples: usize,
    mode: Mode,
    state: PassState,
    samples: SampleBuffer,
    outputs: Vec<Activations>,
    /// `gradients[i]` is the gradient with respect to the input of layer `i`. The last one is the gradient with respect
    /// to the model's output. The first one is allocated when it is first requested. Empty in a workspace for
    /// inference.
    gradients: Vec<Matrix>,
    /// `column_sums[i]` are the sums over the samples that the gradient of layer `i` needs.
    column_sums: Vec<Vec<f32>>,
    /// The sums over the samples that a batch normalisation's statistics need.
    batch_sums: Vec<f64>,
}

/// A layer's output.
#[derive(Clone, Debug)]
struct Activations {
    values: Matrix,
    /// The nonzero mask of `values`, if the next layer needs it.
    mask: Option<NonzeroMask>,
    /// The index of the output whose mask is also that of the gradient with respect to this output.
    gradient_mask: Option<usize>,
    /// What the layer saves for its backward pass.
    cache: Vec<f32>,
}

impl Workspace {
    /// Creates a workspace for forward passes of `model` over up to `capacity` samples.
    pub fn inference(model: &Model, capacity: usize) -> Self {
        let layers = model.layers();
        let reads_mask =
            |index: usize| layers.get(index).is_some_and(|at| at.layer.op().reads_mask());
        let output = |at: &PlacedLayer| Activations {
            values: Matrix::zeros(at.place.output.len(), capacity),
            mask: reads_mask(at.place.index + 1)
                .then(|| NonzeroMask::new(at.place.output.len(), capacity)),
            gradient_mask: gradient_mask(layers, at.place.index),
            cache: vec![0.0; at.layer.op().cache_len(&at.place, capacity)],
        };
        Self {
            architecture: model.architecture().clone(),
            capacity,
            n_samples: 0,
            mode: Mode::Infer,
            state: PassState::Input,
            samples: SampleBuffer::new(
                model.inputs(),
                capacity,
                reads_mask(0),
                layers[0].layer.op().takes_bytes(),
            ),
            outputs: layers.iter().map(output).collect(),
            gradients: Vec::new(),
            column_sums: Vec::new(),
            batch_sums: Vec::new(),
        }
    }

    /// Creates a workspace for training `model` on up to `capacity` samples at a time.
    pub fn training(model: &Model, capacity: usize) -> Self {
        let mut workspace = Self::inference(model, capacity);
        let layers = model.layers();
        let first = Matrix::zeros(model.inputs(), 0);
        let others = workspace.outputs.iter().map(|output| output.values.clone());
        workspace.gradients = std::iter::once(first).chain(others).collect();
        let column_sums = |at: &PlacedLayer| vec![0.0; at.layer.op().n_column_sums(&at.place)];
        workspace.column_sums = layers.iter().map(column_sums).collect();
        let n_batch_sums =
            |at: &PlacedLayer| Some(at.layer.op().batch_sync()?.n_batch_sums(&at.place));
        let most = layers.iter().filter_map(n_batch_sums).max();
        workspace.batch_sums = vec![0.0; most.unwrap_or(0)];
        workspace
    }

    /// The maximum number of samples.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The current number of samples.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Selects training mode (dropout and batch statistics active) or inference mode. A new workspace is in inference
    /// mode.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// The current mode: training or inference.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Sets the number of samples, and returns their columns (inputs x `n_samples`) for the caller to fill.
    ///
    /// # Panics
    ///
    /// If `n_samples` is more than the capacity.
    #[track_caller]
    pub fn input_mut(&mut self, n_samples: usize) -> MatrixViewMut<'_> {
        self.set_n_samples(n_samples);
        self.samples.floats_mut(n_samples)
    }

    /// Sets the samples to scaled bytes. `sample(i)` returns the bytes of the `i`-th of `n_samples` samples.
    ///
    /// Except for rounding, this is the same as writing scaled bytes to [`Workspace::input_mut`]. It is faster if many
    /// bytes are 0: a dense first layer applies the scaling's mean once instead of to every sample, and skips zeros.
    ///
    /// # Panics
    ///
    /// If `n_samples` is more than the capacity, a sample does not have a byte for each of the model's inputs, or the
    /// scaling is not valid ([`Scaling::check`]).
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

    /// Sets the samples to scaled bytes that `change` modifies, for augmentation. Like [`Workspace::set_input_bytes`],
    /// but `change(i, sample(i), x)` writes the `i`-th sample to `x`.
    ///
    /// # Panics
    ///
    /// As for [`Workspace::set_input_bytes`].
    #[track_caller]
    pub fn set_changed_bytes<'a>(
        &mut self,
        n_samples: usize,
        scaling: Scaling,
        sample: impl Fn(usize) -> &'a [u8],
        change: impl Fn(usize, &[u8], &mut [u8]),
    ) {
        self.set_n_samples(n_samples);
        self.samples.set_bytes(n_samples, scaling, sample, change);
    }

    #[track_caller]
    fn set_n_samples(&mut self, n_samples: usize) {
        let fits = n_samples <= self.capacity;
        let expected = format_args!("{} or fewer, the workspace's capacity", self.capacity);
        assert!(fits, "samples: expected {expected}, found {n_samples}");
        self.n_samples = n_samples;
        self.state = PassState::Input;
    }

    /// The output of layer `index`: outputs x `n_samples`.
    ///
    /// # Panics
    ///
    /// If there is no such layer.
    #[track_caller]
    pub fn output(&self, index: usize) -> MatrixView<'_> {
        let n_layers = self.outputs.len();
        assert!(index < n_layers, "layer: expected one below {n_layers}, found {index}");
        self.outputs[index].values.columns(0, self.n_samples)
    }

    /// Averages the last layer's output with `other`, which has the same shape.
    ///
    /// # Panics
    ///
    /// If the shapes differ.
    #[track_caller]
    pub fn average_output(&mut self, other: MatrixView<'_>) {
        let last = self.outputs.len() - 1;
        let mut y = self.outputs[last].values.first_mut(self.n_samples);
        expect_same("shape of the output", y.shape(), other.shape());
        y += other;
        y *= 0.5;
    }

    /// An upper bound of the absolute value of each element of the gradient over these samples. It is cheap to compute.
    /// It is infinite or NaN if an activation or a delta is. Call it after [`Model::backward`].
    ///
    /// # Panics
    ///
    /// If the samples have not been through a backward pass.
    #[track_caller]
    pub fn gradient_bound(&self) -> f64 {
        self.check_state(PassState::Backward, "a backward pass before the gradient");
        let layers = self.architecture.layers().iter();
        layers.map(|at| at.layer.op().gradient_bound(self.shard_view(at.place.index))).sum()
    }

    /// The index of the first layer whose output is not finite, and the first such number in it; `None` if all outputs
    /// are finite.
    pub fn first_not_finite(&self) -> Option<(usize, f32)> {
        (0..self.outputs.len()).find_map(|index| {
            let found = self.output(index).iter().copied().find(|x| !x.is_finite());
            found.map(|x| (index, x))
        })
    }
}

/// The index of the output whose mask is also that of the gradient with respect to the output of layer `index`. It is
/// the output of the next layer, if that layer stops gradients at its zeros, or of a later layer that passes these
/// zeros on.
fn gradient_mask(layers: &[PlacedLayer], index: usize) -> Option<usize> {
    let rule = |at: &PlacedLayer| at.layer.op().zero_rule();
    let mut after = layers.iter().skip(index + 1);
    after.next().filter(|at| rule(at) == ZeroRule::StopsGradient)?;
    let reader = after.find(|at| rule(at) != ZeroRule::PassesZeros)?;
    reader.layer.op().reads_mask().then_some(reader.place.index - 1)
}
