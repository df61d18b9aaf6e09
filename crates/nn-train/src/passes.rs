//! Passes over samples, divided among threads so that their number changes no bit.
//!
//! A step has two parallel phases and no reduction across threads:
//!
//! 1. *By samples.* A batch is cut into parts of up to [`PART_LEN`] samples, whatever the threads. One
//!    thread takes a part through gathering, forward, loss and back to its deltas.
//! 2. *By parameters*, in `gradients`.
//!
//! Sums over samples are taken in `f64`, in the order of the samples. Memory is allocated here,
//! before the first step, and not again.

use nn_core::{
    BatchStatistics, ConfusionMatrix, Draws, Loss, LossSum, Model, Objective, Workspace,
    metric::argmax,
};
use rayon::{
    ThreadPool, ThreadPoolBuilder,
    iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator},
};

use crate::{
    Error, RunConfig, Samples, Stage,
    profile::Laps,
    samples::{GatheredTargets, Gathering},
};

/// Samples that one thread takes through the layers at once: enough for the products to run at
/// full speed, few enough that their activations stay in its caches and a batch of 128 keeps
/// four threads busy.
const PART_LEN: usize = 32;

/// Samples that an evaluation has under way at once.
const EVALUATION_LEN: usize = 32 * PART_LEN;

/// By what a model is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EvaluationConfig {
    /// The loss.
    pub loss: Loss,
    /// Whether images are judged together with their mirror images, by the mean of the two outputs.
    pub mirror: bool,
}

/// Loss, accuracy and, of a classifier, confusion over some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Sums of loss and hits.
    pub sums: LossSum,
    /// Which classes were taken for which; empty where samples have no class.
    pub confusion: ConfusionMatrix,
}

/// Evaluates a model.
///
/// # Errors
///
/// If the model does not suit the loss, the samples do not fit the model, the threads cannot be started, or the loss is
/// not finite.
pub fn evaluate(
    model: &Model,
    samples: &Samples<'_>,
    config: EvaluationConfig,
    threads: usize,
) -> Result<Evaluation, Error> {
    let specs = model.specs();
    let last = specs.last().copied().unwrap_or(nn_core::LayerSpec::Softmax);
    config.loss.check(last).map_err(Error::Objective)?;
    samples.check(model, config.loss)?;
    if config.mirror {
        samples.check_images()?;
    }
    let workspace = Workspace::inference(model, PART_LEN);
    let mut parts = Parts::new(model, &workspace, EVALUATION_LEN.min(samples.len()));
    let evaluation = thread_pool(threads)?.install(|| parts.evaluate(model, samples, config));
    let loss = evaluation.sums.loss;
    if loss.is_finite() { Ok(evaluation) } else { Err(Error::NotFinite { loss }) }
}

/// A pool of `threads` threads, 1 or more.
pub(crate) fn thread_pool(threads: usize) -> Result<ThreadPool, Error> {
    let builder = ThreadPoolBuilder::new().num_threads(threads.max(1));
    builder.build().map_err(|error| Error::Threads { threads, reason: error.to_string() })
}

/// Some of a batch's samples on their way through the model.
struct Part {
    workspace: Workspace,
    targets: GatheredTargets,
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
    statistics: BatchStatistics,
}

/// Where in a run a batch stands.
pub(crate) struct Batch<'a> {
    /// Which samples.
    pub(crate) indices: &'a [u32],
    /// The epoch, counted from 0.
    pub(crate) epoch: u64,
    /// The step, counted from 0.
    pub(crate) step: u64,
    /// Which of the step's batches it is.
    pub(crate) of_step: usize,
    /// Samples of the whole step.
    pub(crate) step_len: usize,
}

impl Parts {
    /// Room for `capacity` samples in copies of `workspace`.
    fn new(model: &Model, workspace: &Workspace, capacity: usize) -> Self {
        let part = || Part {
            workspace: workspace.clone(),
            targets: GatheredTargets::with_capacity(workspace.capacity(), model.outputs()),
            sums: LossSum::default(),
            gradient_bound: 0.0,
            laps: Laps::new(model),
        };
        let parts = std::iter::repeat_with(part).take(capacity.div_ceil(workspace.capacity()));
        Self { parts: parts.collect(), used: 0, statistics: BatchStatistics::new(model) }
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

    /// Has each part that a batch of `n` samples fills go through `pass`, which is told the part's index and, through
    /// a function, which samples of the batch are its own.
    fn run(&mut self, n: usize, pass: impl Fn(usize, Dealt, &mut Part) + Sync) -> LossSum {
        let used = n.div_ceil(self.part_len());
        self.used = used;
        let parts = &mut self.parts[..used];
        parts.par_iter_mut().with_max_len(1).enumerate().for_each(|(i, part)| {
            part.laps.start();
            pass(i, Dealt { part: i, n_parts: used, n }, part);
        });
        let mut sums = LossSum::default();
        for part in parts {
            sums += part.sums;
        }
        sums
    }

    /// Phase 1 of a step over the samples of a batch: the loss, and the deltas that phase 2 needs.
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
            true => Gathering::Changed { augment, seed, epoch },
            false => Gathering::AsTheyAre,
        };
        let n_parts = indices.len().div_ceil(self.part_len());
        let first_part = of_step * n_parts.max(self.parts.len());
        let mut statistics = std::mem::take(&mut self.statistics);
        let mut sums = LossSum::default();
        for stage in 0..model.n_stages() {
            if let Some(before) = stage.checked_sub(1) {
                statistics.gather(model, before, indices.len(), self.workspaces());
            }
            let of_stage = self.run(indices.len(), |i, dealt, part| {
                let Part { workspace, targets, sums, gradient_bound, laps } = part;
                if stage == 0 {
                    let index = |j| indices[dealt.of_batch(j)] as usize;
                    samples.gather(
                        dealt.len(),
                        index,
                        gathering,
                        class_weights,
                        workspace,
                        targets,
                    );
                    workspace.set_draws(Some(Draws { seed, step, part: (first_part + i) as u64 }));
                    laps.lap(Stage::Gather);
                }
                let objective = Objective { loss, targets: targets.view(), n_batch: step_len };
                let done = |pass| laps.lap(Stage::Layer(pass));
                *sums = model.train_stage(stage, &objective, &statistics, workspace, done);
                if stage + 1 == model.n_stages() {
                    *gradient_bound = workspace.gradient_bound();
                    laps.lap(Stage::Check);
                }
            });
            sums += of_stage;
        }
        self.statistics = statistics;
        sums
    }

    /// The statistics of the batch that went through [`Parts::forward_backward`] last.
    pub(crate) fn statistics(&self) -> &BatchStatistics {
        &self.statistics
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
    pub(crate) fn evaluate(
        &mut self,
        model: &Model,
        samples: &Samples<'_>,
        config: EvaluationConfig,
    ) -> Evaluation {
        let EvaluationConfig { loss, mirror } = config;
        let mut sums = LossSum::default();
        let is_classifier = loss.is_categorical();
        let n_classes = if is_classifier { model.outputs() } else { 0 };
        let mut confusion = ConfusionMatrix::new(n_classes);
        let last = model.layers().len() - 1;
        for start in (0..samples.len()).step_by(self.capacity()) {
            let n = self.capacity().min(samples.len() - start);
            let outputs = |gathering, dealt: Dealt, part: &mut Part| {
                let Part { workspace, targets, .. } = part;
                let index = |j| start + dealt.of_batch(j);
                samples.gather(dealt.len(), index, gathering, &[], workspace, targets);
                workspace.set_draws(None);
                let objective = Objective { loss, targets: targets.view(), n_batch: n };
                part.sums = model.loss(&objective, workspace);
            };
            let pass = |_, dealt, part: &mut Part| {
                if mirror {
                    outputs(Gathering::Mirrored, dealt, part);
                    let mirrored = part.workspace.output(last).into_owned();
                    outputs(Gathering::AsTheyAre, dealt, part);
                    part.workspace.average_output(mirrored.as_view());
                    let (targets, y) = (part.targets.view(), part.workspace.output(last));
                    part.sums = loss.of_outputs(y, targets);
                } else {
                    outputs(Gathering::AsTheyAre, dealt, part);
                }
                part.laps.lap(Stage::Validate);
            };
            sums += self.run(n, pass);
            for part in self.parts[..self.used].iter().filter(|_| is_classifier) {
                let probabilities = part.workspace.output(last);
                for (column, &label) in probabilities.column_iter().zip(part.targets.classes()) {
                    confusion.add(label as usize, argmax(column.as_slice()));
                }
            }
        }
        Evaluation { sums, confusion }
    }

    pub(crate) fn workspaces(&self) -> impl Iterator<Item = &Workspace> + Clone {
        self.parts[..self.used].iter().map(|part| &part.workspace)
    }

    /// Switches the clocks on.
    pub(crate) fn enable_laps(&mut self) {
        self.parts.iter_mut().for_each(|part| part.laps.enable());
    }

    /// Adds the times to `laps`.
    pub(crate) fn add_laps(&self, laps: &mut Laps) {
        self.parts.iter().for_each(|part| laps.add(&part.laps));
    }
}

/// Which samples of a batch belong to a part.
#[derive(Clone, Copy)]
struct Dealt {
    part: usize,
    n_parts: usize,
    /// Samples of the batch.
    n: usize,
}

impl Dealt {
    /// How many the part has.
    fn len(self) -> usize {
        (0..).take_while(|&j| self.of_batch(j) < self.n).count()
    }

    /// Which sample of the batch is the part's `j`-th.
    fn of_batch(self, j: usize) -> usize {
        dealt(self.part, j, self.n_parts)
    }
}

/// Which sample of a batch is the `j`-th of part `part` of `n_parts`.
///
/// Samples are dealt in pairs, as cards are: neighbours, which stand by class and have their zeros in the
/// same places, stay together, and every part gets some of each class, so that all take the same time.
fn dealt(part: usize, j: usize, n_parts: usize) -> usize {
    2 * (j / 2 * n_parts + part) + j % 2
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
