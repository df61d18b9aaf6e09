//! The second phase of a step, by parameters: one thread computes a block's gradient over all shards, in order, and
//! applies the optimizer to it while it is in the cache.
//!
//! If a step has several batches, or its gradient is clipped by its norm, a buffer holds the whole gradient in between.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nn_core::{BlocksMut, Buffer, GradientBlock, Model, zeros};
use nn_optim::Update;

use crate::{
    Clip, RunConfig,
    layer_rules::LayerRules,
    profile::{ProfileStage, StageTimer},
    shards::Shards,
    threads::Threads,
};

/// The largest number of parameters at which a model's parameters are claimed: while the gradient of a block is
/// computed, its parameters are moved to where this core may write them. The parameters of a larger model come from
/// main memory, and fetching them then stalls the arithmetic. With 1 MiB of L2 cache per core and two threads, claiming
/// makes a step of a model of 118,000 parameters a tenth faster and of 269,000 a twentieth faster, makes no difference
/// with 453,000, and is slower with 670,000 (see the log of nn-core's kernels).
const MAX_CLAIMED: usize = 1 << 19;

/// Computes the gradient of a model and applies it, block by block, on several threads.
pub(crate) struct Gradients {
    by_thread: Vec<Mutex<ThreadGradient>>,
    /// Whether parameters are claimed.
    claims: bool,
    /// The gradient of the whole step, if it is needed at once; otherwise empty.
    whole: Buffer,
    rules: LayerRules,
    clip: Option<Clip>,
    threads: Threads,
}

struct ThreadGradient {
    /// Room for a block's gradient. It is needed only until the block is updated, so it stays in the thread's own
    /// cache.
    buffer: Buffer,
    timer: StageTimer,
}

/// Some blocks, and all that their update reads and changes.
struct Work<'a> {
    blocks: BlocksMut<'a>,
    update: Update<'a>,
    /// The moving average of the parameters; empty if there is none.
    average: &'a mut [f32],
    /// The gradient, if it has been computed already; otherwise empty.
    whole: &'a [f32],
}

impl<'a> Work<'a> {
    fn split_at(self, mid: usize) -> (Self, Self) {
        let (blocks, rest_blocks) = self.blocks.split_at(mid);
        let n_params = blocks.n_params();
        let (update, rest_update) = self.update.split_at(n_params);
        let (average, rest_average) = self.average.split_at_mut(n_params.min(self.average.len()));
        let (whole, rest_whole) = self.whole.split_at(n_params.min(self.whole.len()));
        (
            Self { blocks, update, average, whole },
            Self {
                blocks: rest_blocks,
                update: rest_update,
                average: rest_average,
                whole: rest_whole,
            },
        )
    }
}

impl Gradients {
    pub(crate) fn new(model: &Model, config: &RunConfig, threads: &Threads) -> Self {
        let blocks = model.gradient_blocks().iter();
        let longest = blocks.map(|block| block.range.len()).max().unwrap_or(0);
        let of_thread = || ThreadGradient { buffer: zeros(longest), timer: StageTimer::new(model) };
        let by_thread = std::iter::repeat_with(|| Mutex::new(of_thread()));
        let needs_whole = config.accumulation > 1 || matches!(config.clip, Some(Clip::Norm(_)));
        Self {
            by_thread: by_thread.take(threads.count()).collect(),
            claims: model.params().len() <= MAX_CLAIMED,
            whole: zeros(if needs_whole { model.params().len() } else { 0 }),
            rules: LayerRules::new(model, config),
            clip: config.clip,
            threads: threads.clone(),
        }
    }

    /// Whether an update needs the whole gradient, from [`Gradients::add`] and [`Gradients::finish`].
    pub(crate) fn are_whole(&self) -> bool {
        !self.whole.is_empty()
    }

    /// Adds the gradient of a batch to the gradient of its step, which is reset if the batch is the first.
    pub(crate) fn add(&mut self, shards: &Shards, model: &Model, is_first: bool) {
        let mut whole = std::mem::replace(&mut self.whole, zeros(0));
        if is_first {
            whole.fill(0.0);
        }
        self.add_blocks(shards, model.gradient_blocks(), &mut whole);
        self.whole = whole;
    }

    /// Splits the blocks in halves, for other threads to join in, until one block is left.
    fn add_blocks(&self, shards: &Shards, blocks: &[GradientBlock], whole: &mut [f32]) {
        match blocks {
            [] => {}
            [block] => {
                let mut of_thread = self.of_thread(self.threads.index());
                let ThreadGradient { buffer, timer } = &mut *of_thread;
                timer.start();
                let gradient = &mut buffer[..whole.len()];
                block.gradient(shards.workspaces(), gradient, &mut []);
                for (sum, &d) in whole.iter_mut().zip(&*gradient) {
                    *sum += d;
                }
                timer.record(ProfileStage::Gradient(block.layer));
            }
            _ => {
                let (left, right) = blocks.split_at(blocks.len() / 2);
                let n_params = left.iter().map(|block| block.range.len()).sum();
                let (whole, rest) = whole.split_at_mut(n_params);
                self.threads.join(
                    || self.add_blocks(shards, left, whole),
                    || self.add_blocks(shards, right, rest),
                );
            }
        }
    }

    /// Completes the whole gradient of a step: adds the gradient of the regularisation, zeroes frozen layers, and clips
    /// by the norm.
    pub(crate) fn finish(&mut self, model: &Model) {
        for block in model.gradient_blocks() {
            let range = block.range.clone();
            let gradient = &mut self.whole[range.clone()];
            match self.rules.is_frozen(block) {
                true => gradient.fill(0.0),
                false => self.rules.add_penalty(block, &model.params()[range], gradient),
            }
        }
        let Some(Clip::Norm(limit)) = self.clip else { return };
        let squares: f64 = self.whole.iter().map(|&d| f64::from(d) * f64::from(d)).sum();
        let factor = nn_optim::norm_factor(squares, limit);
        self.whole.iter_mut().for_each(|d| *d *= factor);
    }

    /// Updates every block with its gradient over `shards`, or with the whole gradient if there is one. Then updates
    /// the moving average of the parameters, unless it is empty, with the decay of this step.
    pub(crate) fn update(
        &self,
        shards: &Shards,
        model: &mut Model,
        update: Update<'_>,
        (average, decay): (&mut [f32], f32),
    ) {
        let work = Work { blocks: model.blocks_mut(), update, average, whole: &self.whole };
        self.update_blocks(shards, work, decay);
    }

    /// Splits the blocks in halves, for other threads to join in, until one block is left.
    fn update_blocks(&self, shards: &Shards, work: Work<'_>, decay: f32) {
        if work.blocks.n_blocks() > 1 {
            let mid = work.blocks.n_blocks() / 2;
            let (left, right) = work.split_at(mid);
            self.threads.join(
                || self.update_blocks(shards, left, decay),
                || self.update_blocks(shards, right, decay),
            );
            return;
        }
        let Work { blocks, mut update, average, whole } = work;
        let mut of_thread = self.of_thread(self.threads.index());
        let ThreadGradient { buffer, timer } = &mut *of_thread;
        timer.start();
        blocks.for_each(|block, params| {
            if self.rules.is_frozen(block) {
                return;
            }
            let gradient = &mut buffer[..params.len()];
            if whole.is_empty() {
                let to_update = if self.claims { &mut *params } else { &mut [] };
                block.gradient(shards.workspaces(), gradient, to_update);
                self.rules.add_penalty(block, params, gradient);
            } else {
                gradient.copy_from_slice(whole);
            }
            timer.record(ProfileStage::Gradient(block.layer));
            if let Some(Clip::Value(limit)) = self.clip {
                nn_optim::clip_by_value(gradient, limit as f32);
            }
            update.apply(params, gradient);
            if !average.is_empty() {
                nn_optim::average(average, params, decay);
            }
        });
        timer.record(ProfileStage::Update);
    }

    /// The first block whose gradient over `shards` has an element that is NaN or exceeds `limit` in magnitude, and
    /// that element.
    pub(crate) fn find_beyond<'a>(
        &self,
        limit: f32,
        shards: &Shards,
        model: &'a Model,
    ) -> Option<(&'a GradientBlock, f32)> {
        let mut of_thread = self.of_thread(0);
        model.gradient_blocks().iter().find_map(|block| {
            let gradient = &mut of_thread.buffer[..block.range.len()];
            block.gradient(shards.workspaces(), gradient, &mut []);
            let is_within = |&&g: &&f32| (-limit..=limit).contains(&g);
            gradient.iter().find(|g| !is_within(g)).map(|&g| (block, g))
        })
    }

    /// The buffers of a thread. No other thread uses them, so the lock does not wait. The exception is a run that has
    /// moved to a larger pool ([`Threads::current`]), where threads share buffers.
    fn of_thread(&self, thread: usize) -> MutexGuard<'_, ThreadGradient> {
        self.by_thread[thread % self.by_thread.len()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enable_timers(&self) {
        (0..self.by_thread.len()).for_each(|thread| self.of_thread(thread).timer.enable());
    }

    /// Adds the times of all threads to `total`.
    pub(crate) fn add_times(&self, total: &mut StageTimer) {
        (0..self.by_thread.len()).for_each(|thread| total.add(&self.of_thread(thread).timer));
    }
}
