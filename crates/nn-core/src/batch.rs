//! A training pass over a whole batch, in segments between which its shards wait for each other.
//!
//! Samples do not depend on each other, so the shards of a batch go forward and back without looking at the others,
//! except for batch normalisation: its statistics are the whole batch's, and so are the means in its gradient. Each
//! such layer is a sync point on the way forward and one on the way back. A model without any has one segment.

use crate::{
    Architecture, LossSum, Mode, Model, Objective, Pass, PlacedLayer, Workspace,
    architecture::SyncPoint,
    layer::{BatchSync, Shards},
    workspace::PassState,
};

/// The statistics of a batch, which its shards share: of every batch normalisation what a step keeps.
#[derive(Clone, Debug, Default)]
pub struct BatchStatistics {
    /// By batch normalisation, first to last.
    caches: Vec<Vec<f32>>,
}

impl BatchStatistics {
    /// Room for those of a model.
    pub fn new(model: &Model) -> Self {
        Self { caches: cache_lengths(model.architecture()).map(|len| vec![0.0; len]).collect() }
    }

    /// Puts together what the shards of a batch of `n_batch` samples came to in `segment`, which is not the last.
    ///
    /// # Panics
    ///
    /// If there is no segment after it, or a shard or the statistics are of another model.
    #[track_caller]
    pub fn gather(&mut self, model: &Model, segment: usize, n_batch: usize, shards: &[Workspace]) {
        for shard in shards {
            shard.check_model(model.architecture());
        }
        let points = model.architecture().sync_points();
        let point = points.get(segment).expect("a segment after this one");
        let cache = &mut self.caches[point.slot];
        let mut layers = sync_layers(model.architecture());
        let (at, sync) = layers.nth(point.slot).expect("a sync point is a layer that waits");
        let view = |i: usize| shards[i].shard_view(point.layer);
        let shards = Shards { len: shards.len(), get: &view };
        if point.is_backward {
            sync.gather_gradient(&at.place, n_batch, shards, cache);
        } else {
            sync.gather(&at.place, n_batch, shards, cache);
        }
    }
}

/// The layers that wait for the whole batch, first to last, and what they do there.
fn sync_layers(
    architecture: &Architecture,
) -> impl Iterator<Item = (&PlacedLayer, &dyn BatchSync)> {
    architecture.layers().iter().filter_map(|at| Some((at, at.layer.op().batch_sync()?)))
}

/// How many numbers each of them keeps of a batch, however many samples that has.
fn cache_lengths(architecture: &Architecture) -> impl Iterator<Item = usize> {
    sync_layers(architecture).map(|(at, _)| at.layer.op().cache_len(&at.place, 0))
}

impl Model {
    /// How many segments a training pass has: 1, and 2 more for each batch normalisation.
    pub fn n_segments(&self) -> usize {
        self.architecture().sync_points().len() + 1
    }

    /// Takes the samples of a shard through a segment of training: forward, to the loss, or back, to every gradient
    /// that [`crate::GradientBlock::gradient`] takes. Returns the loss in the segment that comes to it, and otherwise
    /// sums of nothing.
    ///
    /// `statistics` are those gathered after each segment before. `done` is called after every layer's pass, for
    /// callers that measure.
    ///
    /// # Panics
    ///
    /// As [`Model::loss`]; and if there is no such segment, the statistics are of another model, or the workspace is for
    /// inference, or in inference mode while the model normalises over batches.
    #[track_caller]
    pub fn train_segment(
        &self,
        segment: usize,
        objective: &Objective<'_>,
        statistics: &BatchStatistics,
        workspace: &mut Workspace,
        mut done: impl FnMut(Pass),
    ) -> LossSum {
        self.check(objective, workspace);
        workspace.check_training();
        let points = self.architecture().sync_points();
        let (expected, found) = (points.len(), 2 * statistics.caches.len());
        assert_eq!(found, expected, "sync points of the model and of its statistics");
        let is_training = points.is_empty() || workspace.mode() != Mode::Infer;
        assert!(is_training, "batch normalisation in training needs a workspace in Mode::Train");

        let before = segment.checked_sub(1).map(|before| points[before]);
        if let Some(SyncPoint { layer, slot, .. }) = before {
            workspace.cache_mut(layer).copy_from_slice(&statistics.caches[slot]);
        }
        let start = before.map_or(0, |point| point.layer);
        let next_back = points.get(segment).filter(|point| point.is_backward);
        let stop = next_back.map_or(0, |point| point.layer);
        let mut sums = LossSum::default();
        match (before, points.get(segment)) {
            (Some(SyncPoint { layer, is_backward: true, .. }), _) => {
                self.backward_input(layer, workspace);
                done(Pass::Backward(layer));
                self.backward_layers(stop..layer, workspace, &mut done);
            }
            (_, Some(&SyncPoint { layer, is_backward: false, .. })) => {
                self.forward_layers(start..layer, workspace, &mut done);
                workspace.sum_batch(layer);
            }
            _ => {
                sums = self.forward_loss(start, objective, workspace, &mut done);
                self.backward_loss(objective, workspace, &mut done);
                self.backward_layers(stop..self.n_unfused(objective), workspace, &mut done);
            }
        }
        if segment == points.len() {
            workspace.set_state(PassState::Backward);
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
        let (architecture, running) = self.layers_and_statistics_mut();
        let found = step.caches.iter().map(Vec::len);
        assert!(cache_lengths(architecture).eq(found), "statistics of another model");
        for ((at, sync), cache) in sync_layers(architecture).zip(&step.caches) {
            sync.update_statistics(cache, &mut running[at.place.statistics.clone()]);
        }
    }

    /// A whole training pass over the shards of a batch, one after another, for callers without threads: the loss,
    /// and in the workspaces what gradients are made of. Shard `i` has `objectives[i]`.
    ///
    /// # Panics
    ///
    /// As [`Model::train_segment`], or if there are more or fewer objectives than shards.
    #[track_caller]
    pub fn train_pass(
        &self,
        objectives: &[Objective<'_>],
        statistics: &mut BatchStatistics,
        shards: &mut [Workspace],
    ) -> LossSum {
        assert_eq!(objectives.len(), shards.len(), "objectives and shards");
        let n_batch = shards.iter().map(Workspace::n_samples).sum();
        let mut sums = LossSum::default();
        for segment in 0..self.n_segments() {
            if let Some(before) = segment.checked_sub(1) {
                statistics.gather(self, before, n_batch, shards);
            }
            for (objective, shard) in objectives.iter().zip(&mut *shards) {
                sums += self.train_segment(segment, objective, statistics, shard, |_| {});
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Init, Layer};

    #[test]
    #[should_panic(expected = "statistics of another model")]
    fn statistics_of_another_model() {
        let model =
            |layers: &[Layer]| Model::new(Architecture::new(2, layers).unwrap(), Init::He, 0);
        let (dense, norm) = (Layer::dense(3), Layer::BATCH_NORM);
        let of_one = BatchStatistics::new(&model(&[dense, norm]));
        model(&[dense, norm, norm]).update_statistics(&of_one);
    }
}
