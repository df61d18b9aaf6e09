//! What the passes read and write for each layer, and checks that a workspace is ready for a pass.

use std::{fmt, sync::Arc};

use super::{Activations, PassState, Workspace};
use crate::{
    Architecture,
    block::WeightCaches,
    buffer::{Matrix, MatrixView, MatrixViewMut},
    layer::{Backward, InputView, ShardView},
    samples::Input,
};

impl Workspace {
    #[track_caller]
    pub(crate) fn check_model(&self, model: &Arc<Architecture>) {
        let own = &self.architecture;
        let is_same = Arc::ptr_eq(own, model) || own == model;
        assert!(is_same, "workspace: expected one made for {model}, found one for {own}");
    }

    #[track_caller]
    pub(crate) fn check_training(&self) {
        let expected = "expected one from Workspace::training, found one for inference";
        assert!(!self.gradients.is_empty(), "workspace: {expected}");
    }

    /// Panics unless the samples have reached `state`, which `expected` describes.
    #[track_caller]
    pub(crate) fn check_state(&self, state: PassState, expected: &str) {
        let found = self.state;
        assert!(
            found >= state,
            "workspace: expected {expected}, found samples in the state {found:?}"
        );
    }

    /// Panics unless segment `segment` of a training pass was the samples' last pass. `next` names what comes after it.
    #[track_caller]
    pub(crate) fn check_segment(&self, segment: usize, next: impl fmt::Display) {
        let (is_next, found) = (self.state == PassState::Segment(segment), self.state);
        let expected = format_args!("segment {segment} before {next}");
        assert!(is_next, "workspace: expected {expected}, found samples in the state {found:?}");
    }

    pub(crate) fn set_state(&mut self, state: PassState) {
        self.state = state;
    }

    /// The gradient with respect to the samples.
    pub(crate) fn d_samples(&self) -> MatrixView<'_> {
        self.gradients[0].columns(0, self.n_samples)
    }

    /// This shard's contribution to the gradient of layer `index`.
    pub(crate) fn shard_view(&self, index: usize) -> ShardView<'_> {
        let x = match index.checked_sub(1) {
            Some(before) => {
                let Activations { values, mask, .. } = &self.outputs[before];
                InputView::Output(values, mask.as_ref())
            }
            None => InputView::Samples(&self.samples),
        };
        ShardView {
            n_samples: self.n_samples,
            x,
            dy: &self.gradients[index + 1],
            column_sums: &self.column_sums[index],
            batch_sums: &self.batch_sums,
        }
    }

    /// Calls `forward` with the input of layer `index`, the output to write, and the layer's cache.
    pub(crate) fn forward<T>(
        &mut self,
        index: usize,
        forward: impl FnOnce(Input<'_>, MatrixViewMut<'_>, &mut [f32]) -> T,
    ) -> T {
        let n = self.n_samples;
        let (before, from) = self.outputs.split_at_mut(index);
        let Activations { values: y, cache, .. } = &mut from[0];
        let y = y.first_mut(n);
        let Some(Activations { values, mask, .. }) = before.last_mut() else {
            return self.samples.lend(n, |x| forward(x, y, cache));
        };
        if let Some(mask) = mask {
            mask.update(values.first(n));
        }
        forward(Input { values: values.columns(0, n), mask: mask.as_ref(), offset: 0.0 }, y, cache)
    }

    /// What layer `index` saves in a pass.
    pub(crate) fn cache_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.outputs[index].cache
    }

    /// Sums up the inputs of the given batch normalisation.
    pub(crate) fn sum_batch(&mut self, index: usize) {
        let architecture = self.architecture.clone();
        let at = &architecture.layers()[index];
        let Some(sync) = at.layer.op().batch_sync() else { return };
        let mut sums = std::mem::take(&mut self.batch_sums);
        sync.sum_batch(self.input(index), &mut sums[..sync.n_batch_sums(&at.place)]);
        self.batch_sums = sums;
    }

    /// Calls `write` with the gradient with respect to the input of layer `index`, to be overwritten. One index past
    /// the last layer, it is the gradient with respect to the model's output.
    pub(crate) fn write_gradient(
        &mut self,
        index: usize,
        write: impl FnOnce(&Self, MatrixViewMut<'_>),
    ) {
        let mut dx = std::mem::replace(&mut self.gradients[index], Matrix::zeros(1, 0));
        if dx.n_columns() < self.n_samples {
            dx = Matrix::zeros(self.architecture.input().len(), self.capacity);
        }
        write(self, dx.first_mut(self.n_samples));
        self.gradients[index] = dx;
    }

    /// Calls `write` with the sums that the gradient of layer `index` needs, to be overwritten.
    pub(crate) fn write_column_sums(
        &mut self,
        index: usize,
        write: impl FnOnce(&Self, &mut [f32]),
    ) {
        let mut sums = std::mem::take(&mut self.column_sums[index]);
        write(self, &mut sums);
        self.column_sums[index] = sums;
    }

    /// The input of layer `index`; empty for bytes.
    fn input(&self, index: usize) -> MatrixView<'_> {
        match index.checked_sub(1) {
            Some(before) => self.output(before),
            None => self.samples.floats(self.n_samples),
        }
    }

    /// What layer `index` reads in the backward pass.
    pub(crate) fn backward_pass<'a>(
        &'a self,
        index: usize,
        params: &'a [f32],
        weight_caches: WeightCaches<'a>,
    ) -> Backward<'a> {
        let Activations { values, cache, gradient_mask, .. } = &self.outputs[index];
        Backward {
            at: &self.architecture.layers()[index].place,
            params,
            weight_caches,
            x: self.input(index),
            y: values.columns(0, self.n_samples),
            dy: self.gradients[index + 1].columns(0, self.n_samples),
            cache,
            dy_mask: gradient_mask.and_then(|output| self.outputs[output].mask.as_ref()),
        }
    }
}
