//! Passes over samples, divided among threads so that their number changes no bit.
//!
//! A step has two parallel phases and no reduction across threads:
//!
//! 1. *By samples.* A batch is cut into parts of up to [`PART_LEN`] samples, whatever the threads. One
//!    thread takes a part through gathering, forward, loss and back to its deltas.
//! 2. *By parameters.* One thread computes a block's gradient over all parts, in order, and
//!    applies the optimizer to it while it is warm.
//!
//! Sums over samples are taken in `f64`, in the order of the samples. Memory is allocated here,
//! before the first step, and not again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nn_core::{
    BlocksMut, Buffer, ConfusionMatrix, GradientBlock, LossSum, Model, Workspace, metric::argmax,
    zeros,
};
use nn_optim::Update;
use rayon::{
    ThreadPool, ThreadPoolBuilder,
    iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator},
};

use crate::{Error, Samples, Stage, profile::Laps};

/// Samples that one thread takes through the layers at once: enough for the products to run at
/// full speed, few enough that their activations stay in its caches and a batch of 128 keeps
/// four threads busy.
const PART_LEN: usize = 32;

/// Samples that an evaluation has under way at once.
const EVALUATION_LEN: usize = 32 * PART_LEN;

/// Loss, accuracy and confusion over some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Sums of loss and hits.
    pub sums: LossSum,
    /// Which classes were taken for which.
    pub confusion: ConfusionMatrix,
}

/// Evaluates a classifier.
///
/// # Errors
///
/// If the samples do not fit the model, or the threads cannot be started.
pub fn evaluate(model: &Model, samples: &Samples<'_>, threads: usize) -> Result<Evaluation, Error> {
    check_classifier(model)?;
    samples.check(model)?;
    let workspace = Workspace::inference(model, PART_LEN);
    let mut parts = Parts::new(model, &workspace, EVALUATION_LEN.min(samples.len()));
    Ok(thread_pool(threads)?.install(|| parts.evaluate(model, samples)))
}

/// The error where a model has no softmax for cross-entropy.
pub(crate) fn check_classifier(model: &Model) -> Result<(), Error> {
    match model.specs().last() {
        _ if model.is_classifier() => Ok(()),
        last => Err(Error::NoClassifier { found: last.map_or("nothing", |spec| spec.name()) }),
    }
}

/// A pool of `threads` threads, 1 or more.
pub(crate) fn thread_pool(threads: usize) -> Result<ThreadPool, Error> {
    let builder = ThreadPoolBuilder::new().num_threads(threads.max(1));
    builder.build().map_err(|error| Error::Threads { threads, reason: error.to_string() })
}

/// Some of a batch's samples on their way through the model.
struct Part {
    workspace: Workspace,
    labels: Vec<u32>,
    sums: LossSum,
    /// What [`Workspace::gradient_bound`] said in training.
    gradient_bound: f64,
    laps: Laps,
}

/// Room for a batch.
pub(crate) struct Parts {
    parts: Vec<Part>,
    /// How many of them the batch at hand fills.
    used: usize,
}

impl Parts {
    /// Room for `capacity` samples in copies of `workspace`.
    fn new(model: &Model, workspace: &Workspace, capacity: usize) -> Self {
        let part = || Part {
            workspace: workspace.clone(),
            labels: Vec::with_capacity(workspace.capacity()),
            sums: LossSum::default(),
            gradient_bound: 0.0,
            laps: Laps::new(model),
        };
        let parts = std::iter::repeat_with(part).take(capacity.div_ceil(workspace.capacity()));
        Self { parts: parts.collect(), used: 0 }
    }

    /// Room for training on batches of `batch_size`.
    pub(crate) fn training(model: &Model, batch_size: usize) -> Self {
        // A small batch has two parts, if it is worth it; a part takes pairs.
        let part_len = (batch_size / 2).clamp(PART_LEN / 2, PART_LEN).next_multiple_of(2);
        Self::new(model, &Workspace::training(model, part_len), batch_size)
    }

    /// The most samples of a part.
    fn part_len(&self) -> usize {
        self.parts[0].workspace.capacity()
    }

    /// How many samples there is room for.
    fn capacity(&self) -> usize {
        self.parts.len() * self.part_len()
    }

    /// Gathers `n` samples, `index(i)` being the `i`-th of them, and runs `pass` on each part.
    fn run(
        &mut self,
        samples: &Samples<'_>,
        n: usize,
        index: impl Fn(usize) -> usize + Sync,
        pass: impl Fn(&mut Part) + Sync,
    ) -> LossSum {
        let used = n.div_ceil(self.part_len());
        self.used = used;
        let parts = &mut self.parts[..used];
        parts.par_iter_mut().with_max_len(1).enumerate().for_each(|(i, part)| {
            part.laps.start();
            let n_part = (0..).take_while(|&j| dealt(i, j, used) < n).count();
            let index = |j| index(dealt(i, j, used));
            part.labels.clear();
            part.labels.extend((0..n_part).map(|j| samples.label(index(j))));
            samples.gather(n_part, index, &mut part.workspace);
            part.laps.lap(Stage::Gather);
            pass(part);
        });
        let mut sums = LossSum::default();
        for part in parts {
            sums += part.sums;
        }
        sums
    }

    /// Phase 1 of a step over the samples of the given indices: the loss, and the deltas that
    /// phase 2 needs.
    pub(crate) fn forward_backward(
        &mut self,
        model: &Model,
        samples: &Samples<'_>,
        indices: &[u32],
    ) -> LossSum {
        let n_batch = indices.len();
        self.run(
            samples,
            n_batch,
            |i| indices[i] as usize,
            |part| {
                let Part { workspace, labels, sums, gradient_bound, laps } = part;
                let mut done = |pass| laps.lap(Stage::Layer(pass));
                *sums = model.loss_by_pass(labels, workspace, &mut done);
                model.backward_by_pass(labels, n_batch, workspace, done);
                *gradient_bound = workspace.gradient_bound();
                laps.lap(Stage::Check);
            },
        )
    }

    /// No element of the batch's gradient is further from 0 than this; NaN where that is unknown.
    pub(crate) fn gradient_bound(&self) -> f64 {
        self.parts[..self.used].iter().map(|part| part.gradient_bound).sum()
    }

    /// The first layer whose output over the batch is not finite, and such a number of it.
    pub(crate) fn first_not_finite(&self) -> Option<(usize, f32)> {
        self.workspaces().filter_map(Workspace::first_not_finite).min_by_key(|&(layer, _)| layer)
    }

    /// Evaluates `model` on all samples.
    pub(crate) fn evaluate(&mut self, model: &Model, samples: &Samples<'_>) -> Evaluation {
        let mut sums = LossSum::default();
        let mut confusion = ConfusionMatrix::new(model.outputs());
        let last = model.layers().len() - 1;
        for start in (0..samples.len()).step_by(self.capacity()) {
            let n = self.capacity().min(samples.len() - start);
            let pass = |part: &mut Part| {
                part.sums = model.loss(&part.labels, &mut part.workspace);
                part.laps.lap(Stage::Validate);
            };
            sums += self.run(samples, n, |i| start + i, pass);
            for part in &self.parts[..self.used] {
                let probabilities = part.workspace.output(last);
                for (column, &label) in probabilities.column_iter().zip(&part.labels) {
                    confusion.add(label as usize, argmax(column.as_slice()));
                }
            }
        }
        Evaluation { sums, confusion }
    }

    fn workspaces(&self) -> impl Iterator<Item = &Workspace> + Clone {
        self.parts[..self.used].iter().map(|part| &part.workspace)
    }
}

/// Which sample of a batch is the `j`-th of part `part` of `n_parts`.
///
/// Samples are dealt in pairs, as cards are: neighbours, which stand by class and have their zeros in the
/// same places, stay together, and every part gets some of each class, so that all take the same time.
fn dealt(part: usize, j: usize, n_parts: usize) -> usize {
    2 * (j / 2 * n_parts + part) + j % 2
}

/// What a thread needs for the gradients by blocks of a model's parameters.
pub(crate) struct Gradients {
    by_thread: Vec<Mutex<ThreadGradient>>,
}

struct ThreadGradient {
    /// Room for a block's gradient: nobody needs it for longer than its update, and so it stays in the
    /// thread's own cache.
    buffer: Buffer,
    laps: Laps,
}

impl Gradients {
    pub(crate) fn new(model: &Model, threads: usize) -> Self {
        let blocks = model.gradient_blocks().iter();
        let longest = blocks.map(|block| block.range().len()).max().unwrap_or(0);
        let of_thread = || ThreadGradient { buffer: zeros(longest), laps: Laps::new(model) };
        let by_thread = std::iter::repeat_with(|| Mutex::new(of_thread()));
        Self { by_thread: by_thread.take(threads).collect() }
    }

    /// Phase 2 of a step: every block's gradient over `parts`, and its update. Runs in a pool of as many
    /// threads as there is room for.
    pub(crate) fn update(&self, parts: &Parts, model: &mut Model, update: Update<'_>) {
        self.update_blocks(parts, model.blocks_mut(), update);
    }

    /// Halves the blocks until a thread has one.
    fn update_blocks(&self, parts: &Parts, blocks: BlocksMut<'_>, mut update: Update<'_>) {
        if blocks.len() > 1 {
            let mid = blocks.len() / 2;
            let (left, right) = blocks.split_at(mid);
            let (left_update, right_update) = update.split_at(left.n_params());
            rayon::join(
                || self.update_blocks(parts, left, left_update),
                || self.update_blocks(parts, right, right_update),
            );
        } else {
            let mut of_thread = self.of_thread(rayon::current_thread_index().unwrap_or(0));
            let ThreadGradient { buffer, laps } = &mut *of_thread;
            laps.start();
            blocks.for_each(|block, params| {
                let gradient = &mut buffer[..params.len()];
                block.gradient(parts.workspaces(), gradient);
                laps.lap(Stage::Gradient(block.layer()));
                update.apply(params, gradient);
            });
            laps.lap(Stage::Update);
        }
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

    /// Switches the clocks of both phases on.
    pub(crate) fn enable_laps(&self, parts: &mut Parts) {
        parts.parts.iter_mut().for_each(|part| part.laps.enable());
        (0..self.by_thread.len()).for_each(|thread| self.of_thread(thread).laps.enable());
    }

    /// Adds the times of both phases to `laps`.
    pub(crate) fn add_laps(&self, parts: &Parts, laps: &mut Laps) {
        parts.parts.iter().for_each(|part| laps.add(&part.laps));
        (0..self.by_thread.len()).for_each(|thread| laps.add(&self.of_thread(thread).laps));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the batch, every sample is in one part, and no part has more than there is room for.
    #[test]
    fn every_sample_is_dealt_once() {
        for n in 1_usize..200 {
            for part_len in [16, 26, 32] {
                let n_parts = n.div_ceil(part_len);
                let part = |i| (0..).map(move |j| dealt(i, j, n_parts)).take_while(|&at| at < n);
                let mut samples: Vec<usize> = (0..n_parts).flat_map(part).collect();
                assert!((0..n_parts).all(|i| (1..=part_len).contains(&part(i).count())));
                samples.sort_unstable();
                assert!(samples.into_iter().eq(0..n), "{n} samples in parts of {part_len}");
            }
        }
    }
}
