//! `fmnist train`: begins a run or carries one on, saves after every epoch, stops when told to.

pub(super) mod begin;
mod book;
mod open;
mod report;
mod settings;
mod setup;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::Context as _;
use fmnist_data::{Dataset, DatasetName};
use nn_io::{CheckpointDir, CheckpointRef, ModelInfo};
use nn_train::{EpochOutcome, EvaluationConfig, Samples, Trainer, TrainingState};
use serde_json::json;

use crate::{
    console::Console,
    data::{self, LabelledImages, SYNTHETIC_NOTICE},
    exit::Usage,
    signal::{Signal, Stop},
    text::count,
};
use open::Opened;
use report::Report;
use settings::EPOCHS;
pub(super) use settings::{Preset, Settings, by_option};
pub(super) use setup::Run;

/// Train a classifier, or carry a training on
///
/// Without options: the network 784-128-128-10 on Fashion-MNIST for 10 epochs. Saves the whole run
/// after every epoch, and on Ctrl-C at the next step; carried on from either, it ends with the very
/// bits of a run that never stopped. Example: fmnist train --resume fashion_mnist.model --epochs 20
///
/// Images of one's own: --dataset idx, folder or csv, with --data-dir; the network's first and last layer
/// follow from them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Carry this run on, up to --epochs in all; what makes the run what it is stays as saved. Of a
    /// directory of checkpoints, the newest that is whole
    #[arg(long, value_name = "FILE|DIR")]
    resume: Option<PathBuf>,

    /// Where the model is saved [default: fashion_mnist.model, or the file that is carried on]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Keep the newest three checkpoints and the best one in this directory as well [default: the
    /// directory that is carried on]
    #[arg(long, value_name = "DIR")]
    checkpoint_dir: Option<PathBuf>,

    /// Epochs from one checkpoint in that directory to the next [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: Option<u64>,

    /// Begin a new run with the weights of this model, where its layers have the same sizes
    #[arg(long, value_name = "FILE")]
    warm_start: Option<PathBuf>,

    /// Settings that are built into the program; options given beside it go before it
    #[arg(long, value_enum)]
    preset: Option<Preset>,

    /// A file of settings in TOML, as --print-config writes it; options given beside it go before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Write all settings of the run as such a file, and do not train
    #[arg(long)]
    print_config: bool,

    /// Threads to use; their number changes no result [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// The directory of the dataset's files [env: FMNIST_DATA_DIR, of Fashion-MNIST alone]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Say at the end where the time of a step went
    #[arg(long)]
    profile: bool,

    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let settings = args.settings.over(args.config.as_deref(), args.preset)?;
    if args.print_config {
        if let Some(path) = &args.resume {
            return Err(Usage::error(format!(
                "--print-config: expected no --resume; `fmnist inspect --print-config {}` writes the settings of \
                 a saved run",
                path.display()
            )));
        }
        let all = settings.completed()?;
        let toml = all.to_toml()?;
        console.result(|| toml.trim_end().into(), || json!(all))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Opened { plan, resumed, output, _lock, checkpoints } =
        open::open(&args, &settings, console)?;
    let dataset = data::obtain(plan.source(), console)?;
    let n_train = dataset.train.labels.len();
    let (mut run, info) = plan.into_run(&dataset, console)?;
    let scaling = data::scaling(&info);
    let train_images = LabelledImages::new(&dataset.train, scaling);
    let test_images = LabelledImages::new(&dataset.test, scaling);
    let Some(n_fit) = n_train.checked_sub(info.n_validation).filter(|&n| n > 0) else {
        let (most, found) = (n_train - 1, info.n_validation);
        let message = format!("--validation: expected at most {most} of {n_train}, found {found}");
        return Err(setting_error(resumed.as_deref(), message));
    };
    // A batch of the saved run's size, too, takes memory before the first image is in it.
    let batch_size = run.state.config.batch_size;
    if batch_size > n_train {
        let message = format!("--batch-size: expected at most {n_train}, found {batch_size}");
        return Err(setting_error(resumed.as_deref(), message));
    }
    let n_batches = n_fit.div_ceil(run.state.config.step_len()) as u64;
    let (epochs, changes) = match resumed {
        None => (settings.epochs.unwrap_or(EPOCHS), Vec::new()),
        Some(_) => settings.rates.carry_on(&mut run.state, settings.epochs, n_batches)?,
    };
    if resumed.as_ref() != Some(&output) {
        open::check_replaced(&output, &info, console)?;
    }
    let (train, held_out) = train_images.samples()?.split_at(n_fit);
    let test = test_images.samples()?;
    let validates_on_test = run.state.config.validates_on_test;
    let validation = match validates_on_test {
        true => Some(test),
        false => (!held_out.is_empty()).then_some(held_out),
    };

    let threads = data::threads(args.threads);
    let mut trainer = Trainer::new(run.model, run.state, threads)?;
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
        report: Report::new(console, threads, args.preset == Some(Preset::Nnfs)),
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
    session.finish(&test, threads, &dataset)?;
    Ok(ExitCode::SUCCESS)
}

/// What must be said where the test set has a say in training.
const VALIDATES_ON_TEST: &str = "each epoch is measured by the test set, as in the book: what is chosen \
    by these numbers is not tested by them";

/// What is wrong with a setting: the user's fault, or that of the file where it is saved.
fn setting_error(resumed: Option<&Path>, message: String) -> anyhow::Error {
    match resumed {
        None => Usage::error(message),
        Some(path) => anyhow::anyhow!("{}: saved with {message}", path.display()),
    }
}

/// A run under way.
struct Session<'a> {
    trainer: Trainer,
    info: ModelInfo,
    output: &'a Path,
    checkpoints: Option<CheckpointDir>,
    /// Epochs from one checkpoint to the next.
    checkpoint_every: u64,
    epochs: u64,
    report: Report<'a>,
    stop: Stop,
}

impl Session<'_> {
    /// Trains to the last epoch; ends early, after saving, at a signal.
    fn train(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
    ) -> anyhow::Result<Option<Signal>> {
        let done = self.trainer.state().progress.epoch;
        if done >= self.epochs {
            let epochs = self.epochs;
            let message =
                format!("{} done: nothing to train up to --epochs {epochs}", count(done, "epoch"));
            self.report.warning(&message);
            // The output may be another file than the one carried on.
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
            let mut told = Ok(());
            let outcome = self.trainer.train_epoch(train, validation, &mut |step| {
                told = report.step(&bar, &step);
                match stop.signal() {
                    None if told.is_ok() => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                }
            });
            self.report.finish_epoch();
            let outcome = outcome.with_context(|| self.output.display().to_string())?;
            // An epoch is told of only when it is safe on the disk.
            self.save()?;
            told?;
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

    /// Does all of the first save but replacing a file: it must not fail after an hour of training.
    fn rehearse_save(&self) -> Result<(), nn_io::Error> {
        let checkpoint = checkpoint(&self.trainer, &self.info);
        checkpoint.rehearse_save(self.output)?;
        self.checkpoints.as_ref().map_or(Ok(()), |it| it.rehearse_save(&checkpoint))
    }

    /// Saves the run, and in the directory of checkpoints what belongs there after this epoch, or after
    /// a stop within one.
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

    /// Evaluates the trained model on the test set, once.
    fn finish(
        &mut self,
        test: &Samples<'_>,
        threads: usize,
        dataset: &Dataset,
    ) -> anyhow::Result<()> {
        let config = &self.trainer.state().config;
        let evaluation = EvaluationConfig { loss: config.loss.plain(), mirror: config.mirror };
        let model = self.trainer.inference_model();
        let test = nn_train::evaluate(&model, test, evaluation, threads)?.sums.into();
        self.report.finished(&test, self.trainer.state(), self.output)?;
        if dataset.name == DatasetName::Synthetic {
            self.report.warning(SYNTHETIC_NOTICE);
        }
        Ok(())
    }
}

/// A run as it is now.
fn checkpoint<'a>(trainer: &'a Trainer, info: &'a ModelInfo) -> CheckpointRef<'a> {
    CheckpointRef { model: trainer.model(), info, training: Some(trainer.state()) }
}
