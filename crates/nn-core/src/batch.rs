//! A training pass over a whole batch, in segments between which its shards wait for each other.
//!
//! Samples do not depend on each other, so the shards of a batch go forward and back without looking at the others,
//! except for batch normalisation: its statistics are the whole batch's, and so are the means in its gradient. Each
//! such layer is a sync point on the way forward and one on the way back. A model without any has one segment.

use crate::{
    Architecture, LossSum, Mode, Model, Objective, Pass, PlacedLayer, Workspace,
    architecture::SyncPoint,
    error::expect_same,
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
    /// If there is no segment after it, the statistics are of a model with other batch normalisations, a shard is of
    /// another model or has not been through this segment last, or the shards do not have `n_batch` samples together, 1
    /// or more.
    #[track_caller]
    pub fn gather(&mut self, model: &Model, segment: usize, n_batch: usize, shards: &[Workspace]) {
        let architecture = model.architecture();
        self.check_model(architecture);
        let points = architecture.sync_points();
        check_index(segment, points.len());
        let point = points[segment];
        for shard in shards {
            shard.check_model(architecture);
            shard.check_training();
            shard.check_segment(segment, "its statistics");
        }
        let n_samples: usize = shards.iter().map(Workspace::n_samples).sum();
        assert!(n_samples > 0, "samples of a batch: expected 1 or more, found none");
        expect_same("samples of the batch", n_samples, n_batch);
        let cache = &mut self.caches[point.slot];
        let mut layers = sync_layers(architecture);
        let (at, sync) = layers.nth(point.slot).expect("a sync point is a layer that waits");
        let view = |i: usize| shards[i].shard_view(point.layer);
        let shards = Shards { len: shards.len(), get: &view };
        if point.is_backward {
            sync.gather_gradient(&at.place, n_batch, shards, cache);
        } else {
            sync.gather(&at.place, n_batch, shards, cache);
        }
    }

    /// Panics unless the model's batch normalisations keep as many numbers as these.
    #[track_caller]
    fn check_model(&self, architecture: &Architecture) {
        let found = || self.caches.iter().map(Vec::len);
        if !cache_lengths(architecture).eq(found()) {
            let what = "numbers of a batch's statistics, by batch normalisation";
            expect_same(what, cache_lengths(architecture).collect(), found().collect::<Vec<_>>());
        }
    }
}

/// Panics unless segment `index` is one of the first `end`.
#[track_caller]
fn check_index(index: usize, end: usize) {
    assert!(index < end, "segment: expected one below {end}, found {index}");
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
    /// If the objective does not fit, as [`Model::loss`]; if the workspace is of another architecture, for inference, or
    /// in inference mode while the model normalises over batches; if there is no such segment, or the samples have not
    /// been through the one before it last; or if the statistics are of a model with other batch normalisations.
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
        check_index(segment, self.n_segments());
        statistics.check_model(self.architecture());
        let is_training = points.is_empty() || workspace.mode() != Mode::Infer;
        assert!(is_training, "batch normalisation in training needs a workspace in Mode::Train");

        if let Some(before) = segment.checked_sub(1) {
            workspace.check_segment(before, format_args!("segment {segment}"));
        }
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
        let is_last = segment == points.len();
        workspace.set_state(if is_last {
            PassState::Backward
        } else {
            PassState::Segment(segment)
        });
        sums
    }

    /// Moves the running statistics towards those of a step.
    ///
    /// # Panics
    ///
    /// If they are of a model with other batch normalisations.
    #[track_caller]
    pub fn update_statistics(&mut self, step: &BatchStatistics) {
        step.check_model(self.architecture());
        let (architecture, running) = self.layers_and_statistics_mut();
        for ((at, sync), cache) in sync_layers(architecture).zip(&step.caches) {
            sync.update_statistics(cache, &mut running[at.place.statistics.clone()]);
        }
    }

    /// A whole training pass over the shards of a batch, one after another, for callers without threads: the loss,
    /// and in the workspaces what gradients are made of. Shard `i` has `objectives[i]`.
    ///
    /// # Panics
    ///
    /// As [`Model::train_segment`]; if there are more or fewer objectives than shards; or if the model has batch
    /// normalisation and the shards have no samples.
    #[track_caller]
    pub fn train_pass(
        &self,
        objectives: &[Objective<'_>],
        statistics: &mut BatchStatistics,
        shards: &mut [Workspace],
    ) -> LossSum {
        expect_same("objectives, one a shard", shards.len(), objectives.len());
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
