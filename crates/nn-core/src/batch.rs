//! A training pass over a whole batch, in segments. Between segments, the shards of the batch wait for each other.
//!
//! In most layers, samples do not depend on each other, so each shard can go forward and backward on its own. Batch
//! normalisation is the exception: its statistics, and the means in its gradient, are those of the whole batch. So each
//! batch normalisation is a sync point in the forward pass and another one in the backward pass. A model without batch
//! normalisation has a single segment.

use crate::{
    Architecture, LossSum, Mode, Model, Objective, Pass, PlacedLayer, Workspace,
    architecture::SyncPoint,
    error::expect_same,
    layer::{BatchSync, Shards},
    workspace::PassState,
};

/// The statistics that batch normalisation computes over a batch, shared by all its shards.
#[derive(Clone, Debug, Default)]
pub struct BatchStatistics {
    /// The cache of each batch normalisation, first to last.
    caches: Vec<Vec<f32>>,
}

impl BatchStatistics {
    /// Allocates the statistics for a model.
    pub fn new(model: &Model) -> Self {
        Self { caches: cache_lengths(model.architecture()).map(|len| vec![0.0; len]).collect() }
    }

    /// Combines the results of all shards after `segment`, which must not be the last one. `n_batch` is the number of
    /// samples in the batch.
    ///
    /// # Panics
    ///
    /// If `segment` is the last one or does not exist; if the statistics belong to a model with different batch
    /// normalisations; if a shard belongs to another model, or this segment was not its last pass; or if the shards do
    /// not have `n_batch` samples in total, 1 or more.
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
            shard.check_segment(segment, "the statistics");
        }
        let n_samples: usize = shards.iter().map(Workspace::n_samples).sum();
        assert!(n_samples > 0, "samples of a batch: expected 1 or more, found none");
        expect_same("samples of the batch", n_samples, n_batch);
        let cache = &mut self.caches[point.slot];
        let mut layers = sync_layers(architecture);
        let (at, sync) =
            layers.nth(point.slot).expect("each sync point belongs to one of these layers");
        let view = |i: usize| shards[i].shard_view(point.layer);
        let shards = Shards { len: shards.len(), get: &view };
        if point.is_backward {
            sync.gather_gradient(&at.place, n_batch, shards, cache);
        } else {
            sync.gather(&at.place, n_batch, shards, cache);
        }
    }

    /// Panics unless these are the statistics that the model's batch normalisations need.
    #[track_caller]
    fn check_model(&self, architecture: &Architecture) {
        let found = || self.caches.iter().map(Vec::len);
        if !cache_lengths(architecture).eq(found()) {
            let what = "lengths of the batch statistics, one for each batch normalisation";
            expect_same(what, cache_lengths(architecture).collect(), found().collect::<Vec<_>>());
        }
    }
}

/// Panics unless the index of a segment is below `end`.
#[track_caller]
fn check_index(index: usize, end: usize) {
    assert!(index < end, "segment: expected one below {end}, found {index}");
}

/// The layers that wait for the whole batch, first to last, each with its work at the sync points.
fn sync_layers(
    architecture: &Architecture,
) -> impl Iterator<Item = (&PlacedLayer, &dyn BatchSync)> {
    architecture.layers().iter().filter_map(|at| Some((at, at.layer.op().batch_sync()?)))
}

/// The length of each such layer's cache, which does not depend on the number of samples.
fn cache_lengths(architecture: &Architecture) -> impl Iterator<Item = usize> {
    sync_layers(architecture).map(|(at, _)| at.layer.op().cache_len(&at.place, 0))
}

impl Model {
    /// The number of segments of a training pass: 1, plus 2 for each batch normalisation.
    pub fn n_segments(&self) -> usize {
        self.architecture().sync_points().len() + 1
    }

    /// Runs one segment of a training pass over the samples of a shard. Together, the segments lead forward to the
    /// loss, and back to everything that [`crate::GradientBlock::gradient`] needs. Returns the loss from the segment
    /// that computes it, and empty sums from all others.
    ///
    /// `statistics` must have been gathered after each earlier segment. `done` is called after each layer's pass, for
    /// callers that measure time.
    ///
    /// # Panics
    ///
    /// If the objective does not fit, as for [`Model::loss`]; if the workspace belongs to another architecture or was
    /// made for inference, or is in inference mode although the model has batch normalisation; if there is no such
    /// segment, or the segment before it was not the samples' last pass; or if the statistics belong to a model with
    /// different batch normalisations.
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

    /// Updates the running statistics of batch normalisation with the statistics of a step's batch.
    ///
    /// # Panics
    ///
    /// If the step's statistics belong to a model with different batch normalisations.
    #[track_caller]
    pub fn update_statistics(&mut self, step: &BatchStatistics) {
        step.check_model(self.architecture());
        let (architecture, running) = self.layers_and_statistics_mut();
        for ((at, sync), cache) in sync_layers(architecture).zip(&step.caches) {
            sync.update_statistics(cache, &mut running[at.place.statistics.clone()]);
        }
    }

    /// Runs a whole training pass over the shards of a batch, one after another, for callers without threads. Returns
    /// the loss. The workspaces then hold what [`Model::gradient`] needs. Shard `i` has the objective `objectives[i]`.
    ///
    /// # Panics
    ///
    /// As for [`Model::train_segment`]; if the numbers of objectives and shards differ; or if the model has batch
    /// normalisation and the shards have no samples.
    #[track_caller]
    pub fn train_pass(
        &self,
        objectives: &[Objective<'_>],
        statistics: &mut BatchStatistics,
        shards: &mut [Workspace],
    ) -> LossSum {
        expect_same("objectives, one for each shard", shards.len(), objectives.len());
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
