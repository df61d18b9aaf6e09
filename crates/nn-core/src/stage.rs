//! A training pass in stages, between which the parts of a batch must wait for each other.
//!
//! Samples do not depend on each other, so parts of a batch go forward and back without looking at the others, but
//! for batch normalisation: its statistics are the whole batch's, and so are the means in its gradient. Each such
//! layer cuts the way forward and the way back once. A model without any has one stage.

use std::ops::Range;

use crate::{
    Layer, Loss, LossSum, Model, Pass, Workspace, layer::Forward, layer::batch_norm::BatchNorm,
    loss::Targets,
};

/// What a training pass over some samples is to make small.
#[derive(Clone, Copy, Debug)]
pub struct Objective<'a> {
    /// The loss.
    pub loss: Loss,
    /// What the outputs of the workspace's samples shall be.
    pub targets: Targets<'a>,
    /// Samples of the whole batch, over which the gradient is averaged.
    pub n_batch: usize,
}

impl<'a> Objective<'a> {
    /// Cross-entropy over samples of these classes, which are the whole batch.
    pub fn classes(labels: &'a [u32]) -> Self {
        Self { loss: Loss::default(), targets: labels.into(), n_batch: labels.len() }
    }
}

/// What the parts of a batch learn from each other: of every batch normalisation the statistics of a step.
#[derive(Clone, Debug, Default)]
pub struct BatchStatistics {
    /// By batch normalisation, first to last: what [`BatchNorm`] keeps of a pass.
    kept: Vec<Vec<f32>>,
}

impl BatchStatistics {
    /// Room for those of a model.
    pub fn new(model: &Model) -> Self {
        let norms = batch_norms(model.layers());
        Self { kept: norms.map(|(index, _)| vec![0.0; model.layers()[index].kept(0)]).collect() }
    }

    /// Takes together what the parts of a batch of `n_batch` samples came to in `stage`, which is not the last.
    ///
    /// # Panics
    ///
    /// If there is no stage behind it, or a part is of another model.
    #[track_caller]
    pub fn gather<'a>(
        &mut self,
        model: &Model,
        stage: usize,
        n_batch: usize,
        parts: impl Iterator<Item = &'a Workspace> + Clone,
    ) {
        let n = self.kept.len();
        // Forward to the first norm, the second ... then back from the last, the last but one ...
        let which = if stage < n { stage } else { 2 * n - 1 - stage };
        let (index, batch_norm) =
            batch_norms(model.layers()).nth(which).expect("a stage behind it");
        let kept = &mut self.kept[which];
        if stage < n {
            batch_norm.combine(n_batch, parts.map(|part| part.batch_sums.as_slice()), kept);
        } else {
            let sums = parts.map(|part| part.d_sums[index].as_slice());
            batch_norm.combine_gradients(n_batch, sums, kept);
        }
    }
}

/// The batch normalisations among some layers, with their indices.
fn batch_norms(layers: &[Layer]) -> impl Iterator<Item = (usize, BatchNorm)> {
    layers.iter().enumerate().filter_map(|(index, layer)| match layer {
        Layer::BatchNorm(batch_norm) => Some((index, *batch_norm)),
        _ => None,
    })
}

impl Model {
    /// How many stages a training pass has: 1, and 2 more for each batch normalisation.
    pub fn n_stages(&self) -> usize {
        2 * batch_norms(self.layers()).count() + 1
    }

    /// Takes the samples of a part through a stage of training: forward, to the loss, or back, to every gradient that
    /// [`crate::GradientBlock::gradient`] takes. Gives the loss in the stage that comes to it, else sums of nothing.
    ///
    /// `statistics` are those gathered after each stage before. `done` is told of every layer's pass when it is over,
    /// for who measures.
    ///
    /// # Panics
    ///
    /// If the workspace is of another architecture, one for inference, or without draws where the model normalises
    /// over batches; if the targets are not those of its samples, or the model does not end as the loss needs.
    #[track_caller]
    pub fn train_stage(
        &self,
        stage: usize,
        objective: &Objective<'_>,
        statistics: &BatchStatistics,
        workspace: &mut Workspace,
        mut done: impl FnMut(Pass),
    ) -> LossSum {
        let layers = self.layers();
        let n = statistics.kept.len();
        assert_eq!(self.n_stages(), 2 * n + 1, "stages of a model and of its statistics");
        let is_training = n == 0 || workspace.draws().is_some();
        assert!(is_training, "batch normalisation in training needs a workspace with draws");
        let norm = |which: usize| batch_norms(layers).nth(which).map(|(index, _)| index);
        let take_over = |workspace: &mut Workspace, which: usize| {
            if let Some(index) = norm(which) {
                workspace.kept_mut(index).copy_from_slice(&statistics.kept[which]);
            }
        };
        let mut sums = LossSum::default();
        if stage > n {
            let which = 2 * n - stage;
            take_over(workspace, which);
            let start = which.checked_sub(1).and_then(norm).unwrap_or(0);
            let end = norm(which).unwrap_or(0);
            self.backward_input_of(end, workspace);
            done(Pass::Backward(end));
            self.backward_layers(start..end, workspace, &mut done);
            return sums;
        }
        let start = stage.checked_sub(1).and_then(norm).unwrap_or(0);
        if let Some(before) = stage.checked_sub(1) {
            take_over(workspace, before);
        }
        if let Some(end) = norm(stage) {
            self.forward_layers(start..end, workspace, &mut done);
            if let Layer::BatchNorm(batch_norm) = layers[end] {
                workspace.sum_batch(end, batch_norm);
            }
        } else {
            sums = self.forward_loss(start, objective, workspace, &mut done);
            self.backward_loss(objective, workspace, &mut done);
            let end = self.n_unfused(objective.loss);
            self.backward_layers(start..end, workspace, &mut done);
        }
        sums
    }

    /// Moves the running statistics towards those of a step.
    ///
    /// # Panics
    ///
    /// If they are of another model.
    #[track_caller]
    pub fn update_statistics(&mut self, step: &BatchStatistics) {
        let (layers, running) = self.layers_and_statistics_mut();
        let lengths = batch_norms(layers).map(|(index, _)| layers[index].kept(0));
        assert!(lengths.eq(step.kept.iter().map(Vec::len)), "statistics of another model");
        for ((_, batch_norm), kept) in batch_norms(layers).zip(&step.kept) {
            batch_norm.update(kept, running);
        }
    }

    /// A whole training pass over the parts of a batch, one after another, for who has no threads: the loss, and in
    /// the workspaces what gradients are made of. Part `i` has `objectives[i]`.
    ///
    /// # Panics
    ///
    /// As [`Model::train_stage`], or if there are more or fewer objectives than parts.
    #[track_caller]
    pub fn train_pass(
        &self,
        objectives: &[Objective<'_>],
        statistics: &mut BatchStatistics,
        parts: &mut [Workspace],
    ) -> LossSum {
        assert_eq!(objectives.len(), parts.len(), "objectives and parts");
        let n_batch = parts.iter().map(Workspace::n_samples).sum();
        let mut sums = LossSum::default();
        for stage in 0..self.n_stages() {
            if let Some(before) = stage.checked_sub(1) {
                statistics.gather(self, before, n_batch, parts.iter());
            }
            for (objective, part) in objectives.iter().zip(&mut *parts) {
                sums += self.train_stage(stage, objective, statistics, part, |_| {});
            }
        }
        sums
    }

    /// How many of the layers are not one with the loss.
    fn n_unfused(&self, loss: Loss) -> usize {
        self.layers().len() - usize::from(loss.is_fused())
    }

    pub(crate) fn forward_layers(
        &self,
        layers: Range<usize>,
        workspace: &mut Workspace,
        done: &mut impl FnMut(Pass),
    ) {
        let draws = workspace.draws();
        for index in layers {
            workspace.forward(index, |x, y, kept| {
                let (params, statistics) = (self.params(), self.statistics());
                let mirrors = self.mirrors_of(index);
                let pass = Forward { params, statistics, mirrors, x, y, kept, draws };
                self.layers()[index].forward(pass);
            });
            done(Pass::Forward(index));
        }
    }

    /// From layer `start` on to the loss.
    #[track_caller]
    pub(crate) fn forward_loss(
        &self,
        start: usize,
        objective: &Objective<'_>,
        workspace: &mut Workspace,
        done: &mut impl FnMut(Pass),
    ) -> LossSum {
        let &Objective { loss, targets, .. } = objective;
        let unfused = self.n_unfused(loss);
        self.forward_layers(start..unfused, workspace, done);
        if !loss.is_fused() {
            return loss.forward(workspace.output(unfused - 1), targets);
        }
        let sums = workspace.forward(unfused, |x, y, _| loss.forward_fused(x.values, targets, y));
        done(Pass::Forward(unfused));
        sums
    }

    /// From the loss to the gradient by the output of the last layer that is not one with it.
    #[track_caller]
    pub(crate) fn backward_loss(
        &self,
        objective: &Objective<'_>,
        workspace: &mut Workspace,
        done: &mut impl FnMut(Pass),
    ) {
        let &Objective { loss, targets, n_batch } = objective;
        if loss.is_fused() {
            let last = self.layers().len() - 1;
            workspace
                .backward(last, |views, dx| loss.backward_fused(views.y, targets, n_batch, dx));
            done(Pass::Backward(last));
        } else {
            workspace.backward_last(|y, dy| loss.backward(y, targets, n_batch, dy));
        }
    }

    /// Back through layers, of which the first takes no more than its sums where it is the model's first or a batch
    /// normalisation, which waits for the others'.
    pub(crate) fn backward_layers(
        &self,
        layers: Range<usize>,
        workspace: &mut Workspace,
        done: &mut impl FnMut(Pass),
    ) {
        let start = layers.start;
        for index in layers.rev() {
            let layer = self.layers()[index];
            if layer.n_gradient_sums() > 0 {
                workspace.sum_gradient(index, layer);
            }
            let waits = index == start && (index == 0 || matches!(layer, Layer::BatchNorm(_)));
            if !waits {
                self.backward_input_of(index, workspace);
            }
            done(Pass::Backward(index));
        }
    }

    fn backward_input_of(&self, index: usize, workspace: &mut Workspace) {
        let (layer, next) = (self.layers()[index], self.layers().get(index + 1).copied());
        let mirrors = self.mirrors_of(index);
        workspace.backward(index, |views, dx| {
            layer.backward_input(self.params(), mirrors, next, views, dx);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Init, LayerSpec};

    #[test]
    #[should_panic(expected = "statistics of another model")]
    fn statistics_of_another_model() {
        let dense = LayerSpec::Dense { inputs: 2, outputs: 3 };
        let model = |specs: &[LayerSpec]| Model::new(specs, Init::He, 0).unwrap();
        let of_one = BatchStatistics::new(&model(&[dense, LayerSpec::BATCH_NORM]));
        model(&[dense, LayerSpec::BATCH_NORM, LayerSpec::BATCH_NORM]).update_statistics(&of_one);
    }
}
