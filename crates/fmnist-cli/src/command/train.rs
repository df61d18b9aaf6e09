//! `fmnist train`: starts or resumes a run, saves it after every epoch, and stops on a signal.

mod args;
mod book;
mod claim_output;
mod curve;
pub(super) mod new_run;
mod report;
mod view;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use fmnist::{
    FitOutcome, Saves, Split, Threads, Trainer, Trap,
    options::{Change, DataShape, Options, PreparationName, Preset, Resumed},
};
use fmnist_data::{Dataset, DatasetName};
use nn_core::Model;
use nn_io::{Checkpoint, InputSpec, ModelInfo};
use nn_optim::OptimizerConfig;
use nn_train::TrainingState;

use super::{LayeredOptions, OptionsView, arithmetic, report as page, warn_of_rename};
use crate::{
    console::Console,
    data::{self, SYNTHETIC_NOTICE},
    exit::Usage,
    outside::Outside,
    own::OwnFile,
    remembered,
    signal::Stop,
    text::rounded,
};
pub(crate) use args::Args;
use claim_output::{Claimed, Plan, claim_output};
use new_run::NewRun;
use report::Report;

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let layered = LayeredOptions::new(&args.options, &args.settings)?;
    train(&args, &layered.options, console).map_err(|error| layered.explain(error))
}

fn train(args: &Args, options: &Options, console: &mut Console) -> anyhow::Result<ExitCode> {
    if args.print_config {
        if let Some(path) = &args.resume {
            return Err(Usage::error(format!(
                "--print-config: cannot be combined with --resume; `fmnist inspect --print-config {}` prints the \
                 settings of a saved run",
                Outside::from(path)
            )));
        }
        console.show(&OptionsView::new(options.completed()?)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(path) = &args.report {
        OwnFile::Html.check(path).context("--report")?;
    }
    let Claimed { plan, source, saves } = claim_output(args, options, console)?;
    let output = saves.output().to_owned();
    if args.report.as_ref() == Some(&output) {
        let output = Outside::from(&output);
        return Err(Usage::error(format!(
            "--report: {output} is the model of the run; choose another name"
        )));
    }
    let threads = data::threads(options.places.threads)?;
    let dataset = match data::obtain(&source, console) {
        // A resumed run has a fixed kind of dataset, so no other kind can be suggested for it.
        Err(error) if args.resume.is_none() => return Err(data::suggest_kind(error, &source)),
        result => result?,
    };
    let Run { model, state, info, n_validation, epochs, changes, resumed } =
        plan.into_run(options, &dataset, console)?;
    data::warn_of_traps(&dataset, console);
    let Dataset { train, test, info: dataset, .. } = dataset;
    let (train, held_out) = fmnist::hold_out(train, n_validation, &state.config)?;
    let validates_on_test = state.config.validates_on_test;
    let validation = match validates_on_test {
        true => Some(&test),
        false => Some(&held_out),
    };

    let n_threads = threads.count();
    let mut trainer = Trainer::from_parts(model, state, info, threads)?.saving(saves);
    trainer.set_data(&train)?;
    if args.profile {
        trainer.enable_profile();
    }
    let stop = Stop::on_signals().context("cannot handle signals")?;
    console.heed(stop.clone());
    let kept = trainer.rehearse_save()?;
    kept.iter().for_each(|it| warn_of_rename(it, console));
    kept.iter().for_each(remembered::follow);
    if let Some(dir) = &source.dir {
        remembered::save(&output, dir, console);
    } else {
        remembered::forget(&output);
    }
    if validates_on_test {
        console.warning(VALIDATES_ON_TEST);
    }
    let (model, state) = (trainer.run().model(), trainer.run().state());
    for trap in Trap::in_settings(model, state, trainer.info(), &train) {
        console.warning(&trap.to_string());
    }
    let is_book = args.settings.preset == Some(Preset::Nnfs);
    let mut report = Report::new(console, &trainer, epochs, is_book, train.len());
    report.start(&trainer, n_threads, train.len(), test.len(), resumed.as_deref(), &changes)?;
    let optimizer = trainer.run().state().optimizer.config();
    let mut reported = Ok(());
    let outcome = trainer.fit_with(&train, validation, epochs, &mut |event| {
        reported = report.event(&event);
        match stop.signal() {
            None if reported.is_ok() => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    });
    report.finish_bar();
    report.set_aside(trainer.saves().map_or(&[], Saves::set_aside), kept.as_ref());
    let outcome = outcome.map_err(|error| failure(error, &output, optimizer))?;
    reported?;
    let state = trainer.run().state();
    if outcome == FitOutcome::StoppedEarly {
        report.stopped_early(state);
    }
    if args.profile {
        report.profile(trainer.run())?;
    }
    let signal = stop.signal().filter(|_| outcome == FitOutcome::Stopped);
    if let (Some(signal), Some(saves)) = (signal, trainer.saves()) {
        report.stopped(signal, state, saves, options.places.data_dir.as_deref())?;
        return Ok(signal.exit_code());
    }
    let evaluation = trainer.evaluate(&test)?;
    report.finished(evaluation.sums.into(), state, &output)?;
    if let Some(trap) = Trap::in_history(state, trainer.info()) {
        console.warning(&trap.to_string());
    }
    if dataset.name == DatasetName::Synthetic {
        console.warning(SYNTHETIC_NOTICE);
    }
    if let Some(path) = &args.report {
        write_page(path, &output, &test, &data::threads(options.places.threads)?, console)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a page about the run that was saved in `output`.
fn write_page(
    path: &Path,
    output: &Path,
    test: &Split,
    threads: &Threads,
    console: &Console,
) -> anyhow::Result<()> {
    let name = Outside::from(output).to_string();
    let subject = page::subject(&name, Checkpoint::load(output)?, test, threads)?;
    page::write(path, "test", &[subject], test)?;
    console.message(&format!("the report is in {}", Outside::from(path)));
    Ok(())
}

/// The warning of a run that is validated on the test set.
const VALIDATES_ON_TEST: &str = "each epoch is evaluated on the test set, as in the book; the final test result \
    is then no longer independent";

/// A run with its data loaded.
struct Run {
    model: Model,
    state: TrainingState,
    /// Information about the model, from its file; that of a new run only says how pictures are prepared.
    info: ModelInfo,
    n_validation: usize,
    epochs: u64,
    changes: Vec<Change>,
    /// The file that is resumed.
    resumed: Option<PathBuf>,
}

impl Plan {
    /// Makes a new run, or applies the options to the saved one.
    fn into_run(
        self,
        options: &Options,
        dataset: &Dataset,
        console: &Console,
    ) -> anyhow::Result<Run> {
        let (path, checkpoint) = match self {
            Self::New { warm_start } => {
                let NewRun { model, state, scaling, n_validation, epochs } =
                    new_run::run(options, warm_start.as_deref(), dataset, console)?;
                return Ok(Run {
                    model,
                    state,
                    info: ModelInfo {
                        input: InputSpec {
                            preparation: options.data.prepare.map(PreparationName::value),
                            scaling: Some(scaling),
                            ..InputSpec::default()
                        },
                        ..ModelInfo::default()
                    },
                    n_validation,
                    epochs,
                    changes: Vec::new(),
                    resumed: None,
                });
            }
            Self::Resume { path, checkpoint } => (path, checkpoint),
        };
        let Checkpoint { model, info, training } = *checkpoint;
        let mut state = training.ok_or(fmnist::Error::ForInference)?;
        let file = Outside::from(&path).to_string();
        fmnist::check_dataset(&info, &dataset.info).with_context(|| file.clone())?;
        let (n_train, n_validation) = (dataset.train.len(), info.n_validation);
        let batch_size = state.config.batch_size;
        if n_validation >= n_train {
            let most = n_train.saturating_sub(1);
            bail!(
                "{file}: --validation of the saved run: expected at most {most} of the {n_train} training images, \
                 found {n_validation}"
            );
        }
        if batch_size > n_train {
            bail!(
                "{file}: --batch-size of the saved run: expected at most {n_train}, the number of training images, \
                 found {batch_size}"
            );
        }
        let data = DataShape::of(dataset);
        let Resumed { epochs, changes } = options.resume(&model, &mut state, &info, &data)?;
        if state.progress.epoch >= epochs {
            arithmetic::of_complete_run(&file, &state)?;
        }
        Ok(Run { model, state, info, n_validation, epochs, changes, resumed: Some(path) })
    }
}

/// Adds the model's path to the error of a run. If training diverged, also says what to try.
fn failure(error: fmnist::Error, output: &Path, optimizer: OptimizerConfig) -> anyhow::Error {
    let path = Outside::from(output);
    let context = match error {
        fmnist::Error::Training(nn_train::Error::Diverged { learning_rate, .. }) => {
            let default = optimizer.default_learning_rate();
            let origin = match learning_rate == default {
                true => format!(", {}'s default", optimizer.name()),
                false => String::new(),
            };
            let lower = rounded(default.min(learning_rate / 10.0));
            format!(
                "{path}: {error}{origin}: try --learning-rate {lower}, or run `fmnist find-rate`"
            )
        }
        // These name their files.
        fmnist::Error::Model(_) => return error.into(),
        _ => path.to_string(),
    };
    anyhow::Error::new(error).context(context)
}

#[cfg(test)]
mod tests {
    use nn_optim::{Adam, Sgd};

    use super::*;
    use crate::exit;

    #[test]
    fn a_run_that_diverges_says_what_to_try() {
        let message_of = |optimizer: OptimizerConfig, learning_rate: f64| {
            let what = "the gradient of layer 0 (dense)".into();
            let value = -7_280_423_759_511_552.0;
            let error = nn_train::Error::Diverged { epoch: 1, step: 8, what, value, learning_rate };
            exit::message(&failure(error.into(), Path::new("m.model"), optimizer))
        };
        let sgd = Sgd::default().into();
        assert_eq!(
            message_of(sgd, 0.05),
            "m.model: training diverged at epoch 1, step 8: the gradient of layer 0 (dense) became -7.3e15; lower the \
             learning rate, which was 0.05, sgd's default: try --learning-rate 0.005, or run `fmnist find-rate`"
        );
        // For a rate far above the default, a tenth of it would still be too high.
        let end = |rate: &str, try_rate: &str| {
            format!("which was {rate}: try --learning-rate {try_rate}, or run `fmnist find-rate`")
        };
        for (found, expected) in [
            (message_of(sgd, 1e10), end("10000000000", "0.05")),
            (message_of(Adam::default().into(), 0.002), end("0.002", "0.0002")),
        ] {
            assert!(found.ends_with(&expected), "{found}");
        }
    }
}
