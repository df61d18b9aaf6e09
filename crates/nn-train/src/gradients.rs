//! The second phase of a step, by parameters: one thread computes a block's gradient over all parts, in order, and
//! applies the optimizer to it while it is warm.
//!
//! Where a step has several batches, or its gradient is clipped by the norm of the whole, a buffer of all of it stands
//! between the two.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nn_core::{BlocksMut, Buffer, GradientBlock, Model, Penalty, zeros};
use nn_optim::Update;

use crate::{Clip, RunConfig, Stage, passes::Parts, profile::Laps};

/// The most parameters of a model that are claimed while their gradient is computed: those of more come from memory, and
/// to ask for them then stops the arithmetic. With 1 MiB of L2 a core and two threads, 118,000 gain a tenth of a step,
/// 269,000 a twentieth, 453,000 nothing, and 670,000 lose (the log of nn-core's kernels).
const MOST_CLAIMED: usize = 1 << 19;

/// What a thread needs for the gradients by blocks of a model's parameters.
pub(crate) struct Gradients {
    by_thread: Vec<Mutex<ThreadGradient>>,
    /// Whether parameters are claimed.
    claims: bool,
    /// The gradient of a whole step, where it is needed at once; else empty.
    whole: Buffer,
    rules: Rules,
}

struct ThreadGradient {
    /// Room for a block's gradient: nobody needs it for longer than its update, and so it stays in the
    /// thread's own cache.
    buffer: Buffer,
    laps: Laps,
}

/// What becomes of a gradient before it is applied, by layer.
struct Rules {
    penalties: Vec<Penalty>,
    frozen: Vec<bool>,
    largest: Option<f32>,
}

impl Rules {
    fn new(model: &Model, config: &RunConfig) -> Self {
        let mut rules = Self { penalties: Vec::new(), frozen: Vec::new(), largest: None };
        let mut n_dense = 0;
        for layer in model.layers() {
            let is_dense = matches!(layer, nn_core::Layer::Dense(_));
            n_dense += usize::from(is_dense);
            // The dense layer, or the one that a normalisation stands behind.
            let of = |list: &[bool]| list.get(n_dense - 1).copied().unwrap_or_default();
            rules.frozen.push(of(&config.frozen));
            let penalty = config.penalties.get(n_dense - 1).copied().filter(|_| is_dense);
            rules.penalties.push(penalty.unwrap_or_default());
        }
        if let Some(Clip::Value(limit)) = config.clip {
            rules.largest = Some(limit as f32);
        }
        rules
    }

    fn add_penalty(&self, block: &GradientBlock, params: &[f32], gradient: &mut [f32]) {
        let penalty = self.penalties[block.layer()];
        if penalty != Penalty::default() {
            penalty.add_gradient(params, block.n_weights(), gradient);
        }
    }
}

/// What an update changes of some blocks.
struct Work<'a> {
    blocks: BlocksMut<'a>,
    update: Update<'a>,
    /// The parameters' moving average; empty where there is none.
    average: &'a mut [f32],
    /// The gradient, where it is there already; else empty.
    whole: &'a [f32],
}

impl<'a> Work<'a> {
    fn split_at(self, mid: usize) -> (Self, Self) {
        let Self { blocks, update, average, whole } = self;
        let (blocks, rest_blocks) = blocks.split_at(mid);
        let n_params = blocks.n_params();
        let (update, rest_update) = update.split_at(n_params);
        let (average, rest_average) = average.split_at_mut(n_params.min(average.len()));
        let (whole, rest_whole) = whole.split_at(n_params.min(whole.len()));
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

/// A moving average of the parameters, and how much of it stays at this step.
pub(crate) struct Average<'a> {
    pub(crate) params: &'a mut [f32],
    pub(crate) decay: f32,
}

impl Gradients {
    pub(crate) fn new(model: &Model, config: &RunConfig, threads: usize) -> Self {
        let blocks = model.gradient_blocks().iter();
        let longest = blocks.map(|block| block.range().len()).max().unwrap_or(0);
        let of_thread = || ThreadGradient { buffer: zeros(longest), laps: Laps::new(model) };
        let by_thread = std::iter::repeat_with(|| Mutex::new(of_thread()));
        let needs_whole = config.accumulation > 1 || matches!(config.clip, Some(Clip::Norm(_)));
        Self {
            by_thread: by_thread.take(threads).collect(),
            claims: model.params().len() <= MOST_CLAIMED,
            whole: zeros(if needs_whole { model.params().len() } else { 0 }),
            rules: Rules::new(model, config),
        }
    }

    /// Whether [`Gradients::add`] comes before an update.
    pub(crate) fn are_whole(&self) -> bool {
        !self.whole.is_empty()
    }

    /// Adds the gradient of a batch to that of the step, which begins with its first.
    pub(crate) fn add(&mut self, parts: &Parts, model: &Model, is_first: bool) {
        let mut whole = std::mem::replace(&mut self.whole, zeros(0));
        if is_first {
            whole.fill(0.0);
        }
        self.add_blocks(parts, model.gradient_blocks(), &mut whole);
        self.whole = whole;
    }

    /// Halves the blocks until a thread has one.
    fn add_blocks(&self, parts: &Parts, blocks: &[GradientBlock], whole: &mut [f32]) {
        match blocks {
            [] => {}
            [block] => {
                let mut of_thread = self.of_thread(rayon::current_thread_index().unwrap_or(0));
                let ThreadGradient { buffer, laps } = &mut *of_thread;
                laps.start();
                let gradient = &mut buffer[..whole.len()];
                block.gradient(parts.workspaces(), gradient);
                for (sum, &d) in whole.iter_mut().zip(&*gradient) {
                    *sum += d;
                }
                laps.lap(Stage::Gradient(block.layer()));
            }
            _ => {
                let (left, right) = blocks.split_at(blocks.len() / 2);
                let n_params = left.iter().map(|block| block.range().len()).sum();
                let (whole, rest) = whole.split_at_mut(n_params);
                rayon::join(
                    || self.add_blocks(parts, left, whole),
                    || self.add_blocks(parts, right, rest),
                );
            }
        }
    }

    /// Makes the whole gradient of a step what is to be applied: adds that of regularisation, leaves out layers that
    /// stay as they are, and scales it down to the norm that `clip` allows.
    pub(crate) fn finish(&mut self, model: &Model, clip: Option<Clip>) {
        for block in model.gradient_blocks() {
            let range = block.range();
            let gradient = &mut self.whole[range.clone()];
            match self.rules.frozen[block.layer()] {
                true => gradient.fill(0.0),
                false => self.rules.add_penalty(block, &model.params()[range], gradient),
            }
        }
        let Some(Clip::Norm(limit)) = clip else { return };
        let squares: f64 = self.whole.iter().map(|&d| f64::from(d) * f64::from(d)).sum();
        let factor = nn_optim::norm_factor(squares, limit);
        self.whole.iter_mut().for_each(|d| *d *= factor);
    }

    /// Updates every block by its gradient over `parts`, or by the whole one. Runs in a pool of as many threads as there
    /// is room for.
    pub(crate) fn update(
        &self,
        parts: &Parts,
        model: &mut Model,
        update: Update<'_>,
        average: Option<Average<'_>>,
    ) {
        let (average, decay) = match average {
            Some(Average { params, decay }) => (params, decay),
            None => (Default::default(), 0.0),
        };
        let work = Work { blocks: model.blocks_mut(), update, average, whole: &self.whole };
        self.update_blocks(parts, work, decay);
    }

    /// Halves the blocks until a thread has one.
    fn update_blocks(&self, parts: &Parts, work: Work<'_>, decay: f32) {
        if work.blocks.len() > 1 {
            let mid = work.blocks.len() / 2;
            let (left, right) = work.split_at(mid);
            rayon::join(
                || self.update_blocks(parts, left, decay),
                || self.update_blocks(parts, right, decay),
            );
            return;
        }
        let Work { blocks, mut update, average, whole } = work;
        let mut of_thread = self.of_thread(rayon::current_thread_index().unwrap_or(0));
        let ThreadGradient { buffer, laps } = &mut *of_thread;
        laps.start();
        blocks.for_each(|block, params| {
            if self.rules.frozen[block.layer()] {
                return;
            }
            let gradient = &mut buffer[..params.len()];
            if whole.is_empty() {
                match self.claims {
                    true => block.gradient_for_update(parts.workspaces(), gradient, params),
                    false => block.gradient(parts.workspaces(), gradient),
                }
                self.rules.add_penalty(block, params, gradient);
            } else {
                gradient.copy_from_slice(whole);
            }
            laps.lap(Stage::Gradient(block.layer()));
            if let Some(largest) = self.rules.largest {
                nn_optim::clip_by_value(gradient, largest);
            }
            update.apply(params, gradient);
            if !average.is_empty() {
                nn_optim::average(average, params, decay);
            }
        });
        laps.lap(Stage::Update);
    }

    /// The first block whose gradient over `parts` has an element further from 0 than `most`, or none
    /// that can be told, and such an element.
    pub(crate) fn find_beyond<'a>(
        &self,
        most: f32,
        parts: &Parts,
        model: &'a Model,
    ) -> Option<(&'a GradientBlock, f32)> {
        let mut of_thread = self.of_thread(0);
        model.gradient_blocks().iter().find_map(|block| {
            let gradient = &mut of_thread.buffer[..block.range().len()];
            block.gradient(parts.workspaces(), gradient);
            let is_within = |&&g: &&f32| (-most..=most).contains(&g);
            gradient.iter().find(|g| !is_within(g)).map(|&g| (block, g))
        })
    }

    /// What belongs to a thread: to nobody else, so that it never waits.
    fn of_thread(&self, thread: usize) -> MutexGuard<'_, ThreadGradient> {
        self.by_thread[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Switches the clocks on.
    pub(crate) fn enable_laps(&self) {
        (0..self.by_thread.len()).for_each(|thread| self.of_thread(thread).laps.enable());
    }

    /// Adds the times to `laps`.
    pub(crate) fn add_laps(&self, laps: &mut Laps) {
        (0..self.by_thread.len()).for_each(|thread| laps.add(&self.of_thread(thread).laps));
    }
}
