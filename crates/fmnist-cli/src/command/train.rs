//! `fmnist train`: starts or resumes a run, saves after every epoch, and stops at a signal.

mod args;
mod book;
mod claim_output;
pub(super) mod new_run;
mod report;
mod resume;
mod settings;

use std::{ops::ControlFlow, path::Path, process::ExitCode, time::Instant};

use anyhow::Context as _;
use fmnist_data::{Dataset, DatasetName};
use nn_io::{CheckpointDir, CheckpointRef, ModelInfo};
use nn_train::{EpochOutcome, EvaluationConfig, Samples, Threads, Trainer, TrainingState};
use serde_json::json;

use crate::{
    console::Console,
    data::{self, LabelledImages, SYNTHETIC_NOTICE},
    exit::Usage,
    signal::{Signal, Stop},
    text::{count, rounded},
};
pub(crate) use args::Args;
use claim_output::{Claimed, check_replaced, claim_output};
use report::Report;
use settings::EPOCHS;
pub(super) use settings::{Preset, Settings, by_option};

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let settings = args.settings.over(args.config.as_deref(), args.preset)?;
    if args.print_config {
        if let Some(path) = &args.resume {
            return Err(Usage::error(format!(
                "--print-config: cannot be combined with --resume; `fmnist inspect --print-config {}` prints the \
                 settings of a saved run",
                path.display()
            )));
        }
        let all = settings.completed()?;
        let toml = all.to_toml()?;
        console.result(|| toml.trim_end().into(), || json!(all))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Claimed { plan, resumed, output, _lock, checkpoints } =
        claim_output(&args, &settings, console)?;
    let dataset = data::obtain(plan.source(), console)?;
    let n_train = dataset.train.labels.len();
    let (mut run, info) = plan.into_run(&dataset, console)?;
    let scaling = data::scaling(&info)?;
    let train_images = LabelledImages::new(&dataset.train, scaling);
    let test_images = LabelledImages::new(&dataset.test, scaling);
    let Some(n_fit) = n_train.checked_sub(info.n_validation).filter(|&n| n > 0) else {
        let (max, found) = (n_train - 1, info.n_validation);
        let message = format!("--validation: expected at most {max} of {n_train}, found {found}");
        return Err(setting_error(resumed.as_deref(), message));
    };
    // Also for a saved run: a batch takes memory before its first image is copied.
    let batch_size = run.state.config.batch_size;
    if batch_size > n_train {
        let message = format!("--batch-size: expected at most {n_train}, found {batch_size}");
        return Err(setting_error(resumed.as_deref(), message));
    }
    let n_batches = n_fit.div_ceil(run.state.config.step_len()) as u64;
    let (epochs, changes) = match resumed {
        None => (settings.epochs.unwrap_or(EPOCHS), Vec::new()),
        Some(_) => settings.schedule.resume(&mut run.state, settings.epochs, n_batches)?,
    };
    if resumed.as_ref() != Some(&output) {
        check_replaced(&output, &info, console)?;
    }
    let (train, held_out) = train_images.samples()?.split_at(n_fit);
    let test = test_images.samples()?;
    let validates_on_test = run.state.config.validates_on_test;
    let validation = match validates_on_test {
        true => Some(test),
        false => (!held_out.is_empty()).then_some(held_out),
    };

    let threads = Threads::new(data::threads(args.threads))?;
    let mut trainer = Trainer::new(run.model, run.state, &threads)?;
    if args.profile {
        trainer.enable_profile();
    }
    let mut session = Session {
        trainer,
        info,
        output: &output,
        checkpoints,
        checkpoint_every: args.checkpoint_every.unwrap_or(1),
        epochs,
        report: Report::new(console, threads.count(), args.preset == Some(Preset::Nnfs)),
        stop: Stop::on_signals().context("cannot take over signals")?,
    };
    session.rehearse_save()?;
    if validates_on_test {
        session.report.warning(VALIDATES_ON_TEST);
    }
    let resumed = resumed.as_deref();
    session.report.start(&session.trainer, &session.info, &dataset, n_fit, resumed, &changes)?;
    let stopped_by = session.train(&train, validation.as_ref())?;
    if args.profile {
        session.report.profile(&session.trainer)?;
    }
    if let Some(signal) = stopped_by {
        return Ok(signal.exit_code());
    }
    session.finish(&test, &threads, &dataset)?;
    Ok(ExitCode::SUCCESS)
}

/// The warning of a run that is validated on the test set.
const VALIDATES_ON_TEST: &str = "each epoch is evaluated on the test set, as in the book: the final test result \
    is not independent of choices made by these numbers";

/// The error of a setting: the user's, or that of the file in which it is saved.
fn setting_error(resumed: Option<&Path>, message: String) -> anyhow::Error {
    match resumed {
        None => Usage::error(message),
        Some(path) => anyhow::anyhow!("{}: saved with {message}", path.display()),
    }
}

/// A run in progress.
struct Session<'a> {
    trainer: Trainer,
    info: ModelInfo,
    output: &'a Path,
    checkpoints: Option<CheckpointDir>,
    /// Epochs between two checkpoints.
    checkpoint_every: u64,
    epochs: u64,
    report: Report<'a>,
    stop: Stop,
}

impl Session<'_> {
    /// Trains to the last epoch. At a signal, it saves and ends early.
    fn train(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
    ) -> anyhow::Result<Option<Signal>> {
        let done = self.trainer.state().progress.epoch;
        if done >= self.epochs {
            let (epochs, more) = (count(done, "epoch"), done + 1);
            self.report.warning(&format!("already at {epochs}; give --epochs {more} or more"));
            // The output may be another file than the resumed one.
            self.save()?;
        }
        while self.trainer.state().progress.epoch < self.epochs {
            if self.trainer.state().stops_early() {
                self.report.stopped_early(self.trainer.state());
                break;
            }
            let start = Instant::now();
            let bar = self.report.start_epoch(self.epochs)?;
            let (stop, report) = (&self.stop, &mut self.report);
            let mut reported = Ok(());
            let outcome = self.trainer.train_epoch(train, validation, &mut |step| {
                reported = report.step(&bar, &step);
                match stop.signal() {
                    None if reported.is_ok() => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                }
            });
            self.report.finish_epoch();
            let outcome = outcome.map_err(|error| self.failure(error))?;
            // An epoch is reported only after it has been saved to disk.
            self.save()?;
            reported?;
            match outcome {
                EpochOutcome::Completed(record) => {
                    let epoch = self.trainer.state().progress.epoch;
                    self.report.epoch(epoch, &record, start.elapsed())?;
                }
                EpochOutcome::Stopped => {}
            }
            if let Some(signal) = self.stop.signal() {
                self.report.stopped(signal, self.trainer.state(), self.output, self.epochs)?;
                return Ok(Some(signal));
            }
        }
        Ok(None)
    }

    /// The error of an epoch, with the model's path, and after divergence with what to try.
    fn failure(&self, error: nn_train::Error) -> anyhow::Error {
        let path = self.output.display();
        let context = match error {
            nn_train::Error::Diverged { .. } => {
                let rate = self.trainer.state().schedule.learning_rate;
                let lower = rounded(rate / 10.0);
                format!(
                    "{path}: training diverged, the learning rate was {rate}: \
                     try --learning-rate {lower}, or run `fmnist find-rate`"
                )
            }
            _ => path.to_string(),
        };
        anyhow::Error::new(error).context(context)
    }

    /// Does everything of the first save except replacing a file, so that it does not fail after an hour of training.
    fn rehearse_save(&self) -> Result<(), nn_io::Error> {
        let checkpoint = checkpoint(&self.trainer, &self.info);
        checkpoint.rehearse_save(self.output)?;
        self.checkpoints.as_ref().map_or(Ok(()), |it| it.rehearse_save(&checkpoint))
    }

    /// Saves the run, and the checkpoints that are due after this epoch or after a stop within one.
    fn save(&mut self) -> Result<(), nn_io::Error> {
        let Self { trainer, info, output, checkpoints, checkpoint_every, epochs, .. } = self;
        let checkpoint = checkpoint(trainer, info);
        checkpoint.save(output)?;
        let Some(checkpoints) = checkpoints else { return Ok(()) };
        let TrainingState { config, progress, history, .. } = trainer.state();
        let is_end_of_epoch = progress.batch == 0;
        let is_last = progress.epoch >= *epochs;
        if !is_end_of_epoch || is_last || progress.epoch.is_multiple_of(*checkpoint_every) {
            checkpoints.save(&checkpoint)?;
        }
        let best_epoch = config.monitor.best_epoch(history);
        if is_end_of_epoch && best_epoch == history.len().checked_sub(1) {
            checkpoints.save_best(&checkpoint)?;
        }
        Ok(())
    }

    /// Evaluates the trained model once on the test set.
    fn finish(
        &mut self,
        test: &Samples<'_>,
        threads: &Threads,
        dataset: &Dataset,
    ) -> anyhow::Result<()> {
        let config = &self.trainer.state().config;
        let evaluation = EvaluationConfig { loss: config.loss.plain(), tta_flip: config.tta_flip };
        let model = self.trainer.inference_model();
        let test = nn_train::evaluate(&model, test, evaluation, threads)?.sums.into();
        self.report.finished(&test, self.trainer.state(), self.output)?;
        if dataset.name == DatasetName::Synthetic {
            self.report.warning(SYNTHETIC_NOTICE);
        }
        Ok(())
    }
}

/// The run in its current state.
fn checkpoint<'a>(trainer: &'a Trainer, info: &'a ModelInfo) -> CheckpointRef<'a> {
    CheckpointRef { model: trainer.model(), info, training: Some(trainer.state()) }
}
