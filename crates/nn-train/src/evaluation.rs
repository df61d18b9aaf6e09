//! Evaluation: the loss, accuracy and confusion matrix of a model on some samples.

use nn_core::{ConfusionMatrix, Loss, LossSum, Mode, Model, Objective, Workspace, metric::argmax};

use crate::{
    Error, Samples,
    profile::ProfileStage,
    samples::Gathering,
    shards::{SHARD_LEN, Shard, Shards},
    threads::Threads,
};

/// The number of samples that go through the model together in an evaluation.
const EVALUATION_LEN: usize = 32 * SHARD_LEN;

/// How a model is evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EvaluationConfig {
    /// The loss function.
    pub loss: Loss,
    /// Whether to average the outputs for an image and its mirror image.
    pub tta_flip: bool,
}

/// The result of an evaluation: loss, accuracy and, for a classifier, the confusion matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Sums of losses and of correct predictions.
    pub sums: LossSum,
    /// Counts by true and predicted class; empty unless the loss is categorical.
    pub confusion: ConfusionMatrix,
}

/// Evaluates a model: computes its loss, accuracy and confusion matrix on the samples. Starts no threads.
///
/// ```
/// use nn_train::{EvaluationConfig, Features, Samples, Threads, evaluate, nn_core::Model};
///
/// let model = Model::classifier(&[2, 8, 3])?;
/// let samples = Samples::new(Features::Floats(&[0.5, -0.5, 1.0, 0.25]), 2, &[0, 2])?;
/// let threads = Threads::new(2)?;
/// let evaluation = evaluate(&model, &samples, EvaluationConfig::default(), &threads)?;
/// assert_eq!(evaluation.sums.n_samples, 2);
/// println!("accuracy {}", evaluation.sums.accuracy());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If the model does not suit the loss, the samples do not fit the model, or the loss is not finite.
pub fn evaluate(
    model: &Model,
    samples: &Samples<'_>,
    config: EvaluationConfig,
    threads: &Threads,
) -> Result<Evaluation, Error> {
    config.loss.check(model.architecture().last().layer).map_err(Error::Objective)?;
    samples.check(model, config.loss, config.tta_flip)?;
    let workspace = Workspace::inference(model, SHARD_LEN);
    let mut shards = Shards::new(model, &workspace, EVALUATION_LEN.min(samples.len()), threads);
    let evaluation = threads.install(|| shards.evaluate(model, samples, config));
    let loss = evaluation.sums.loss;
    if loss.is_finite() { Ok(evaluation) } else { Err(Error::NotFinite { loss }) }
}

impl Shards {
    /// Evaluates the model on all samples.
    pub(crate) fn evaluate(
        &mut self,
        model: &Model,
        samples: &Samples<'_>,
        config: EvaluationConfig,
    ) -> Evaluation {
        let EvaluationConfig { loss, tta_flip } = config;
        let mut sums = LossSum::default();
        let is_classifier = loss.is_categorical();
        let n_classes = if is_classifier { model.outputs() } else { 0 };
        let mut confusion = ConfusionMatrix::new(n_classes);
        let last = model.layers().len() - 1;
        for start in (0..samples.len()).step_by(self.capacity()) {
            let n = self.capacity().min(samples.len() - start);
            sums += self.run(n, |of_shard, workspace, shard| {
                let Shard { targets, sums, timer, .. } = shard;
                let n_samples = of_shard.len();
                let index = |j| start + of_shard.of_batch(j);
                workspace.set_mode(Mode::Infer);
                let flipped = tta_flip.then(|| {
                    samples.gather(n_samples, index, Gathering::Flipped, &[], workspace, targets);
                    model.forward(workspace).into_owned()
                });
                samples.gather(n_samples, index, Gathering::Unchanged, &[], workspace, targets);
                let targets = targets.view();
                *sums = model.loss(&Objective { loss, targets, n_batch: n }, workspace);
                if let Some(flipped) = flipped {
                    workspace.average_output(flipped.as_view());
                    *sums = loss.of_outputs(workspace.output(last), targets);
                }
                timer.record(ProfileStage::Validate);
            });
            let shards = self.workspaces().iter().zip(self.shards());
            for (workspace, shard) in shards.filter(|_| is_classifier) {
                let probabilities = workspace.output(last);
                for (column, &label) in probabilities.column_iter().zip(shard.targets.classes()) {
                    confusion.add(label as usize, argmax(column.as_slice()));
                }
            }
        }
        Evaluation { sums, confusion }
    }
}
