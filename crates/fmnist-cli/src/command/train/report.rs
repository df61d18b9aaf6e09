//! The output of a run: lines of text or JSON events, and the progress bar.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use fmnist_data::Dataset;
use indicatif::ProgressBar;
use nn_core::{Pass, Penalty, PlacedLayer};
use nn_io::ModelInfo;
use nn_train::{EpochRecord, Metrics, Profile, ProfileStage, Step, Trainer, TrainingState};
use serde_json::json;

use super::{
    super::metrics_json,
    book,
    settings::{Change, Settings},
};
use crate::{
    console::Console,
    layer::architecture,
    optimizer, run_config, schedule,
    signal::Signal,
    text::{count, duration, filled, loss as loss_text, thousands},
};

/// Steps between two updates of the progress bar.
const STEPS_PER_UPDATE: u64 = 16;

const HEAD: &str = "epoch    loss  accuracy  held out: loss  accuracy  learning rate    time";

/// Added to the head if there is regularisation.
const PENALTY: &str = " penalty";

const BAR: &str = "{prefix} [{bar:24}] {pos}/{len}  {msg}";

/// Reports the progress of a run.
pub(super) struct Report<'a> {
    console: &'a mut Console,
    threads: usize,
    started: Instant,
    /// The epoch that the next bar is for.
    next_epoch: u64,
    n_batches: u64,
    /// Whether to print the lines of the book.
    is_book: bool,
    /// Regularisation, if there is any.
    penalties: Vec<Penalty>,
    /// The regularisation loss before the next step, where the book's line of that step needs it.
    reg_loss: f64,
}

impl<'a> Report<'a> {
    pub(super) fn new(console: &'a mut Console, threads: usize, is_book: bool) -> Self {
        let is_book = is_book && console.is_text();
        Self {
            console,
            threads,
            started: Instant::now(),
            next_epoch: 1,
            n_batches: 0,
            is_book,
            penalties: Vec::new(),
            reg_loss: 0.0,
        }
    }

    pub(super) fn warning(&self, text: &str) {
        self.console.warning(text);
    }

    /// Reports the run before its first step.
    pub(super) fn start(
        &mut self,
        trainer: &Trainer,
        info: &ModelInfo,
        dataset: &Dataset,
        n_train: usize,
        resumed: Option<&Path>,
        changes: &[Change],
    ) -> io::Result<()> {
        changes.iter().for_each(|change| self.console.message(&change.text()));
        let (model, state) = (trainer.model(), trainer.state());
        let n_test = dataset.test.labels.len();
        let optimizer = state.optimizer.config();
        let architecture = architecture(model);
        self.next_epoch = state.progress.epoch + 1;
        self.penalties = state.config.penalties.clone();
        self.reg_loss = model.penalty(&self.penalties);
        self.n_batches = n_train.div_ceil(state.config.step_len()) as u64;
        let resumed = resumed.map(|path| path.display().to_string());
        let settings = Settings::of(model.architecture(), state, info, Some(self.n_batches));
        let text = || {
            let from = resumed.as_ref().map_or_else(String::new, |path| {
                format!("resuming {path}, {} done\n", done(state))
            });
            let schedule = schedule::text(&state.schedule, Some(self.n_batches));
            let threads = count(self.threads as u64, "thread");
            let mut parts = vec![
                format!("{architecture}: {}", count(model.params().len() as u64, "parameter")),
                optimizer.to_string(),
                schedule,
                format!("batches of {}", state.config.batch_size),
                format!("seed {}", state.config.seed),
                format!("{threads}, {}", info.instruction_set),
            ];
            parts.extend(run_config::parts(&state.config));
            format!(
                "{from}{}: {} to train on, {} held out, {} to test\n{}",
                dataset.name,
                count(n_train as u64, "image"),
                thousands(info.n_validation as u64),
                thousands(n_test as u64),
                filled(&parts, ";", 0),
            )
        };
        if self.is_book {
            self.console.message(&text());
            return Ok(());
        }
        self.console.result(
            || {
                format!(
                    "{}\n\n{HEAD}{}",
                    text(),
                    if self.penalties.is_empty() { "" } else { PENALTY }
                )
            },
            || {
                json!({
                    "event": "start",
                    "dataset": dataset.name.as_str(),
                    "samples": {"train": n_train, "validation": info.n_validation, "test": n_test},
                    "architecture": architecture,
                    "parameters": model.params().len(),
                    "optimizer": optimizer.name(),
                    "optimizer_settings": optimizer::to_json(&optimizer),
                    "learning_rate": state.schedule.learning_rate,
                    "decay": schedule::inverse_decay(&state.schedule),
                    "schedule": schedule::to_json(&state.schedule),
                    "changes": changes.iter().map(Change::to_json).collect::<Vec<_>>(),
                    "batch_size": state.config.batch_size,
                    "seed": state.config.seed,
                    "settings": settings,
                    "threads": self.threads,
                    "instruction_set": info.instruction_set,
                    "resumed": resumed,
                    "epoch": state.progress.epoch,
                    "batch": state.progress.batch,
                })
            },
        )
    }

    /// Starts the progress bar of an epoch.
    pub(super) fn start_epoch(&mut self, epochs: u64) -> io::Result<ProgressBar> {
        if self.is_book {
            self.console.line(&book::epoch(self.next_epoch))?;
        }
        let bar = self.console.start_bar(self.n_batches, BAR);
        bar.set_prefix(format!("{:>5} of {epochs}", self.next_epoch));
        Ok(bar)
    }

    /// Reports a step: updates the progress bar now and then, and prints the line of the book.
    pub(super) fn step(&mut self, bar: &ProgressBar, step: &Step<'_>) -> io::Result<()> {
        let &Step { batch, n_batches, .. } = step;
        if batch.is_multiple_of(STEPS_PER_UPDATE) || batch == n_batches {
            bar.set_position(batch);
            let (loss, accuracy) = (step.sums.mean_loss(), step.sums.accuracy());
            bar.set_message(format!("loss {}  accuracy {accuracy:.4}", loss_text(loss)));
        }
        if !self.is_book {
            return Ok(());
        }
        let line = book::has_line(batch, n_batches).then(|| book::step(step, self.reg_loss));
        if book::has_line(batch % n_batches + 1, n_batches) {
            self.reg_loss = step.model.penalty(&self.penalties);
        }
        line.map_or(Ok(()), |line| self.console.line(&line))
    }

    /// Reports early stopping.
    pub(super) fn stopped_early(&self, state: &TrainingState) {
        let epochs = state.config.early_stop.map_or(0, |stop| stop.patience);
        let best = state.config.monitor.best_epoch(&state.history).map_or(0, |best| best + 1);
        self.console.message(&format!(
            "stopped early: none of the last {} was better than epoch {best}",
            count(epochs, "epoch")
        ));
    }

    /// Removes the progress bar.
    pub(super) fn finish_epoch(&mut self) {
        self.console.finish_bar();
    }

    /// Reports an epoch that is complete and saved.
    pub(super) fn epoch(
        &mut self,
        epoch: u64,
        record: &EpochRecord,
        time: Duration,
    ) -> io::Result<()> {
        self.next_epoch = epoch + 1;
        if self.is_book {
            return self.console.line(&book::record(record));
        }
        self.console.result(
            || {
                let EpochRecord { train, validation, penalty, learning_rate } = record;
                let held_out = validation.map_or_else(
                    || format!("{:>14}  {:>8}", "-", "-"),
                    |Metrics { loss, accuracy }| {
                        format!("{:>14}  {accuracy:>8.4}", loss_text(loss))
                    },
                );
                // Six decimals would show a small rate as nearly 0.
                let learning_rate = match learning_rate {
                    small if *small < 1e-5 => format!("{small:.3e}"),
                    rate => format!("{rate:.6}"),
                };
                let penalty = match self.penalties.is_empty() {
                    true => String::new(),
                    false => format!(" {:>width$}", loss_text(*penalty), width = PENALTY.len() - 1),
                };
                format!(
                    "{epoch:>5}  {:>6}  {:>8.4}  {held_out}  {learning_rate:>13}  {:>6}{penalty}",
                    loss_text(train.loss),
                    train.accuracy,
                    duration(time),
                )
            },
            || {
                let mut event = json!({
                    "event": "epoch",
                    "epoch": epoch,
                    "train": metrics_json(&record.train),
                    "validation": record.validation.as_ref().map(metrics_json),
                    "learning_rate": record.learning_rate,
                    "seconds": time.as_secs_f64(),
                });
                if record.penalty != 0.0 {
                    event["penalty"] = record.penalty.into();
                }
                event
            },
        )
    }

    /// Prints the profile of the steps.
    pub(super) fn profile(&mut self, trainer: &Trainer) -> io::Result<()> {
        let profile = trainer.profile();
        let (Profile { steps, elapsed, threads, stages }, waiting) = (&profile, profile.waiting());
        let layers = trainer.model().layers();
        let named = stages.iter().map(|&(stage, time)| (stage_name(stage, layers), time));
        let rows: Vec<_> = named.chain([("waiting".to_owned(), waiting)]).collect();
        self.console.result(
            || {
                let thread_time = elapsed.as_secs_f64() * *threads as f64;
                let per_step = |time: &Duration| time.as_secs_f64() * 1e6 / (*steps).max(1) as f64;
                let row = |(name, time): &(String, Duration)| {
                    let share = 100.0 * time.as_secs_f64() / thread_time;
                    format!("{name:<24}{:>12.1}{share:>9.1} %", per_step(time))
                };
                let rows: Vec<String> = rows.iter().map(row).collect();
                format!(
                    "\n{steps} steps in {}, {:.1} us each, on {threads} thread{}\n\n\
                     stage                   us of a step      share\n{}",
                    duration(*elapsed),
                    per_step(elapsed),
                    if *threads == 1 { "" } else { "s, whose times are added up" },
                    rows.join("\n"),
                )
            },
            || {
                let stages: serde_json::Map<_, _> = rows
                    .iter()
                    .map(|(name, time)| (name.clone(), json!(time.as_secs_f64())))
                    .collect();
                json!({
                    "event": "profile",
                    "steps": steps,
                    "seconds": elapsed.as_secs_f64(),
                    "threads": threads,
                    "thread_seconds": stages,
                })
            },
        )
    }

    /// Reports a run that was stopped by a signal and saved.
    pub(super) fn stopped(
        &mut self,
        signal: Signal,
        state: &TrainingState,
        output: &Path,
        epochs: u64,
    ) -> io::Result<()> {
        let (epoch, batch) = (state.progress.epoch, state.progress.batch);
        let output = output.display().to_string();
        self.console.result(
            || {
                format!(
                    "stopped by {} and saved in {output}, {} done;\n\
                     resume with --resume {output:?} --epochs {epochs}",
                    signal.name(),
                    done(state)
                )
            },
            || {
                json!({
                    "event": "stopped",
                    "signal": signal.name(),
                    "epoch": epoch,
                    "batch": batch,
                    "model": output,
                })
            },
        )
    }

    /// Reports a complete run and its test result.
    pub(super) fn finished(
        &mut self,
        test: &Metrics,
        state: &TrainingState,
        output: &Path,
    ) -> io::Result<()> {
        let (epochs, time) = (state.progress.epoch, self.started.elapsed());
        let output = output.display().to_string();
        let text = format!(
            "\ntest loss {}, accuracy {:.4}, after {}, {}; saved in {output}",
            loss_text(test.loss),
            test.accuracy,
            done(state),
            duration(time),
        );
        if self.is_book {
            self.console.message(&text);
            return Ok(());
        }
        self.console.result(
            || text,
            || {
                json!({
                    "event": "finished",
                    "test": metrics_json(test),
                    "epochs": epochs,
                    "seconds": time.as_secs_f64(),
                    "model": output,
                })
            },
        )
    }
}

/// As `3 epochs and 17 batches`.
fn done(state: &TrainingState) -> String {
    let epochs = count(state.progress.epoch, "epoch");
    match state.progress.batch {
        0 => epochs,
        batch => format!("{epochs} and {}", count(batch, "batch")),
    }
}

/// The name of a stage in the profile.
fn stage_name(stage: ProfileStage, layers: &[PlacedLayer]) -> String {
    let layer = |index: usize| format!("{index} {}", layers[index].layer.name());
    match stage {
        ProfileStage::Shuffle => "shuffle".into(),
        ProfileStage::Gather => "gather".into(),
        ProfileStage::Layer(Pass::Forward(index)) if index + 1 == layers.len() => {
            format!("forward {} and loss", layer(index))
        }
        ProfileStage::Layer(Pass::Forward(index)) => format!("forward {}", layer(index)),
        ProfileStage::Layer(Pass::Backward(index)) => format!("backward {}", layer(index)),
        ProfileStage::Check => "check".into(),
        ProfileStage::Gradient(index) => format!("gradient {}", layer(index)),
        ProfileStage::Update => "update".into(),
        ProfileStage::Validate => "validate".into(),
    }
}
