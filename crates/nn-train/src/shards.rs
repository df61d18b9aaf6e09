//! The first phase of a step: passes over samples, divided among threads. The result is bit-for-bit identical for any
//! number of threads.
//!
//! A step has two parallel phases and no reduction across threads:
//!
//! 1. *By samples.* A batch is cut into shards of up to [`SHARD_LEN`] samples, regardless of the number of threads. One
//!    thread takes a shard through gathering, forward pass, loss and backward pass.
//! 2. *By parameters*, in `gradients`.
//!
//! Sums over samples are taken in `f64`, in the order of the shards. All memory is allocated here, before the first
//! step.

use nn_core::{BatchStatistics, LossSum, Mode, Model, Objective, Workspace};

use crate::{
    RunConfig, Samples,
    profile::{ProfileStage, StageTimer},
    samples::Gathering,
    targets::GatheredTargets,
    threads::Threads,
};

/// The number of samples that one thread takes through the layers at once. It is large enough for the products to run
/// at full speed, and small enough that the activations stay in the thread's caches and a batch of 128 occupies four
/// threads.
pub(crate) const SHARD_LEN: usize = 32;

/// The data of a shard that are not in its workspace.
pub(crate) struct Shard {
    pub(crate) targets: GatheredTargets,
    pub(crate) sums: LossSum,
    /// The shard's [`Workspace::gradient_bound`], in training.
    gradient_bound: f64,
    pub(crate) timer: StageTimer,
}

/// The memory for a batch.
pub(crate) struct Shards {
    /// Separate from `shards`, so that they form a slice.
    workspaces: Vec<Workspace>,
    shards: Vec<Shard>,
    /// How many shards the current batch fills.
    used: usize,
    statistics: BatchStatistics,
    threads: Threads,
}

/// The place of a batch in its run.
pub(crate) struct Batch<'a> {
    /// Indices of the samples.
    pub(crate) indices: &'a [u32],
    /// The epoch, counted from 0.
    pub(crate) epoch: u64,
    /// The step, counted from 0.
    pub(crate) step: u64,
    /// The index of the batch within its step, counted from 0.
    pub(crate) of_step: usize,
    /// The number of samples in the whole step.
    pub(crate) step_len: usize,
}

impl Shards {
    /// Allocates room for `capacity` samples, in copies of `workspace`.
    pub(crate) fn new(
        model: &Model,
        workspace: &Workspace,
        capacity: usize,
        threads: &Threads,
    ) -> Self {
        let n_shards = capacity.div_ceil(workspace.capacity());
        let shard = || Shard {
            targets: GatheredTargets::with_capacity(workspace.capacity(), model.outputs()),
            sums: LossSum::default(),
            gradient_bound: 0.0,
            timer: StageTimer::new(model),
        };
        Self {
            workspaces: vec![workspace.clone(); n_shards],
            shards: std::iter::repeat_with(shard).take(n_shards).collect(),
            used: 0,
            statistics: BatchStatistics::new(model),
            threads: threads.clone(),
        }
    }

    /// Allocates room for training on batches of `batch_size`.
    pub(crate) fn training(model: &Model, batch_size: usize, threads: &Threads) -> Self {
        // A small batch is cut into two shards, unless it is too small for that to pay. Samples are dealt in pairs, so
        // the length is even.
        let shard_len = (batch_size / 2).clamp(SHARD_LEN / 2, SHARD_LEN).next_multiple_of(2);
        Self::new(model, &Workspace::training(model, shard_len), batch_size, threads)
    }

    /// The largest number of samples in a shard.
    fn shard_len(&self) -> usize {
        self.workspaces[0].capacity()
    }

    /// The number of samples that there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.shards.len() * self.shard_len()
    }

    /// Runs `pass` on each shard of a batch of `n` samples, with the indices of the shard's samples. Returns the sums
    /// over all shards.
    pub(crate) fn run(
        &mut self,
        n: usize,
        pass: impl Fn(ShardIndices, &mut Workspace, &mut Shard) + Sync,
    ) -> LossSum {
        let n_shards = n.div_ceil(self.shard_len());
        self.used = n_shards;
        let (workspaces, shards) = (&mut self.workspaces[..n_shards], &mut self.shards[..n_shards]);
        self.threads.for_each(0, workspaces, shards, &|index, workspace, shard| {
            shard.timer.start();
            pass(ShardIndices { shard: index, n_shards, n }, workspace, shard);
        });
        let mut sums = LossSum::default();
        shards.iter().for_each(|shard| sums += shard.sums);
        sums
    }

    /// Phase 1 of a step over the samples of a batch: computes the loss, and the deltas that phase 2 needs.
    pub(crate) fn forward_backward(
        &mut self,
        model: &Model,
        samples: &Samples<'_>,
        config: &RunConfig,
        batch: &Batch<'_>,
    ) -> LossSum {
        let &Batch { indices, epoch, step, of_step, step_len } = batch;
        let RunConfig { seed, augment, loss, ref class_weights, .. } = *config;
        let gathering = match augment.is_any() {
            true => Gathering::Augmented { augment, seed, epoch },
            false => Gathering::Unchanged,
        };
        let n = indices.len();
        let first_shard = of_step * self.shards.len();
        let mut statistics = std::mem::take(&mut self.statistics);
        let mut sums = LossSum::default();
        for segment in 0..model.n_segments() {
            if let Some(before) = segment.checked_sub(1) {
                statistics.gather(model, before, n, self.workspaces());
            }
            sums += self.run(n, |of_shard, workspace, shard| {
                let Shard { targets, sums, gradient_bound, timer } = shard;
                if segment == 0 {
                    let index = |j| indices[of_shard.of_batch(j)] as usize;
                    let n = of_shard.len();
                    samples.gather(n, index, gathering, class_weights, workspace, targets);
                    let shard = (first_shard + of_shard.shard) as u64;
                    workspace.set_mode(Mode::Train { seed, step, shard });
                    timer.record(ProfileStage::Gather);
                }
                let objective = Objective { loss, targets: targets.view(), n_batch: step_len };
                let done = |pass| timer.record(ProfileStage::Layer(pass));
                *sums = model.train_segment(segment, &objective, &statistics, workspace, done);
                if segment + 1 == model.n_segments() {
                    *gradient_bound = workspace.gradient_bound();
                    timer.record(ProfileStage::Check);
                }
            });
        }
        self.statistics = statistics;
        sums
    }

    /// The statistics of the last batch that went through [`Shards::forward_backward`].
    pub(crate) fn statistics(&self) -> &BatchStatistics {
        &self.statistics
    }

    /// An upper bound on the magnitude of every element of the batch's gradient; NaN if unknown.
    pub(crate) fn gradient_bound(&self) -> f64 {
        self.shards().iter().map(|shard| shard.gradient_bound).sum()
    }

    /// The first layer whose output for the batch has an element that is not finite, and that element.
    pub(crate) fn first_not_finite(&self) -> Option<(usize, f32)> {
        let found = self.workspaces().iter().filter_map(Workspace::first_not_finite);
        found.min_by_key(|&(layer, _)| layer)
    }

    /// The workspaces of the current batch.
    pub(crate) fn workspaces(&self) -> &[Workspace] {
        &self.workspaces[..self.used]
    }

    /// The shards of the current batch, without their workspaces.
    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards[..self.used]
    }

    pub(crate) fn enable_timers(&mut self) {
        self.shards.iter_mut().for_each(|shard| shard.timer.enable());
    }

    /// Adds the times of all shards to `total`.
    pub(crate) fn add_times(&self, total: &mut StageTimer) {
        self.shards.iter().for_each(|shard| total.add(&shard.timer));
    }
}

/// The indices of a shard's samples within the batch.
///
/// Samples are dealt to the shards in pairs, like cards. Neighbours have the same class and zeros in the same places,
/// and pairs keep them together. Still, every shard gets samples of each class, so that all shards take the same time.
#[derive(Clone, Copy)]
pub(crate) struct ShardIndices {
    shard: usize,
    n_shards: usize,
    /// The number of samples in the batch.
    n: usize,
}

impl ShardIndices {
    /// The number of samples in the shard.
    pub(crate) fn len(self) -> usize {
        (0..).take_while(|&j| self.of_batch(j) < self.n).count()
    }

    /// The index within the batch of the shard's `j`-th sample.
    pub(crate) fn of_batch(self, j: usize) -> usize {
        2 * (j / 2 * self.n_shards + self.shard) + j % 2
    }
}

#[cfg(test)]
mod tests {
    use nn_core::{Architecture, Init};

    use super::*;

    /// Four threads can share a batch of 128, and two a batch of 32. Dividing a smaller batch does not pay.
    #[test]
    fn shards_of_a_batch() {
        let model = Model::new(Architecture::mlp(&[3, 2]).unwrap(), Init::He, 0);
        for (batch_size, expected) in [(1, 1), (16, 1), (32, 2), (52, 2), (128, 4), (1000, 32)] {
            let shards = Shards::training(&model, batch_size, &Threads::default());
            assert_eq!(shards.shards.len(), expected, "shards of a batch of {batch_size}");
        }
    }

    /// For any batch, every sample is in one shard, and no shard has more than there is room for.
    #[test]
    fn every_sample_is_in_one_shard() {
        for n in 1_usize..200 {
            for shard_len in [16, 26, 32] {
                let n_shards = n.div_ceil(shard_len);
                let mut samples = Vec::new();
                for shard in 0..n_shards {
                    let of_shard = ShardIndices { shard, n_shards, n };
                    assert!((1..=shard_len).contains(&of_shard.len()));
                    samples.extend((0..of_shard.len()).map(|j| of_shard.of_batch(j)));
                }
                samples.sort_unstable();
                assert!(samples.into_iter().eq(0..n), "{n} samples in shards of {shard_len}");
            }
        }
    }
}
