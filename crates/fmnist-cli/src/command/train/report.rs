//! The output of a run while it trains: the progress bar, and each event as text, as JSON or in the book's lines.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use fmnist::{
    Event, Saves, Trainer,
    options::{Change, Options, SavedRun, Subject},
};
use nn_core::Penalty;
use nn_io::SetAside;
use nn_train::{EpochRecord, Metrics, Step, TrainingState};

use super::{
    super::warn_of_rename,
    book, curve,
    view::{self, BEST, Epoch, Finished, ProfileView, SampleCounts, Start, Stopped},
};
use crate::{
    console::{Bar, Console, View as _},
    layer, optimizer,
    outside::Outside,
    run_config::{self, Losses},
    schedule,
    signal::Signal,
    text::{clock, count, loss, thousands},
};

/// Steps between two updates of the progress bar.
const STEPS_PER_UPDATE: u64 = 16;

const BAR: &str = "{prefix} [{bar:8}] {percent:>3}%  {msg}";

/// Reports the progress of a run.
pub(super) struct Report<'a> {
    console: &'a mut Console,
    /// The total number of epochs.
    epochs: u64,
    /// Batches in an epoch.
    n_batches: u64,
    started: Instant,
    /// The steps of this process.
    steps: u64,
    batch_size: u64,
    /// When the epoch began.
    epoch_started: Instant,
    /// The bar of the epoch, once it has one.
    bar: Option<Bar>,
    /// Whether to print the lines of the book.
    is_book: bool,
    /// Regularisation, if there is any.
    penalties: Vec<Penalty>,
    /// The regularisation loss before the next step, if the book has a line for that step.
    reg_loss: f64,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        console: &'a mut Console,
        trainer: &Trainer,
        epochs: u64,
        is_book: bool,
        n_train: usize,
    ) -> Self {
        let run = trainer.run();
        let config = &run.state().config;
        let penalties = config.penalties.clone();
        Self {
            is_book: is_book && console.is_text(),
            console,
            epochs,
            n_batches: config.n_batches(n_train),
            started: Instant::now(),
            steps: 0,
            batch_size: config.batch_size as u64,
            epoch_started: Instant::now(),
            bar: None,
            reg_loss: run.model().penalty(&penalties),
            penalties,
        }
    }

    /// Reports the run before its first step, and warns if it already has all its epochs.
    pub(super) fn start(
        &mut self,
        trainer: &Trainer,
        threads: usize,
        n_train: usize,
        n_test: usize,
        resumed: Option<&Path>,
        changes: &[Change],
    ) -> io::Result<()> {
        for change in changes {
            let text = view::change(change);
            match change.subject {
                Subject::Arithmetic { .. } => self.console.warning(&text),
                _ => self.console.message(&text),
            }
        }
        let (model, state, info) = (trainer.run().model(), trainer.run().state(), trainer.info());
        let optimizer = state.optimizer.config();
        let architecture = layer::architecture(model);
        let mut parts = vec![
            format!("{architecture}: {}", count(model.params().len() as u64, "parameter")),
            optimizer.to_string(),
            schedule::text(&state.schedule, Some(self.n_batches)),
            format!("batches of {}", state.config.batch_size),
            format!("seed {}", state.config.seed),
            format!(
                "{}, {}",
                count(threads as u64, "thread"),
                Outside::from(&info.instruction_set)
            ),
        ];
        parts.extend(run_config::parts(&state.config));
        if !self.is_book {
            parts.push(format!("{BEST} marks the best epoch so far"));
        }
        let start = Start {
            dataset: Outside::from(
                &info.dataset.as_ref().map_or_else(String::new, ToString::to_string),
            ),
            samples: SampleCounts { train: n_train, validation: info.n_validation, test: n_test },
            architecture,
            parameters: model.params().len(),
            optimizer: optimizer.name(),
            optimizer_settings: optimizer::to_json(&optimizer),
            learning_rate: state.schedule.learning_rate,
            decay: schedule::inverse_decay(&state.schedule),
            schedule: schedule::to_json(&state.schedule),
            changes: changes.to_vec(),
            batch_size: state.config.batch_size,
            seed: state.config.seed,
            loss: Losses::of(&state.config),
            settings: Options::of(SavedRun { model, state, info }, Some(self.n_batches)),
            threads,
            instruction_set: info.instruction_set.clone(),
            resumed: resumed.map(Outside::from),
            epoch: state.progress.epoch,
            batch: state.progress.batch,
            has_penalty: !self.penalties.is_empty(),
            parts,
        };
        match self.is_book {
            true => start.summary().lines().for_each(|line| self.console.message(line)),
            false => self.console.show(&start)?,
        }
        if state.progress.epoch >= self.epochs {
            let (done, more) = (count(state.progress.epoch, "epoch"), state.progress.epoch + 1);
            self.console.warning(&format!("already at {done}; give --epochs {more} or more"));
        }
        Ok(())
    }

    /// Reports a step or an epoch.
    pub(super) fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        match *event {
            Event::Step(ref step) => self.step(step),
            Event::Epoch { record, trainer } => {
                self.finish_bar();
                let time = self.epoch_started.elapsed();
                self.epoch_started = Instant::now();
                self.epoch(trainer.state(), record, time)
            }
            _ => Ok(()),
        }
    }

    /// Reports a step: updates the progress bar every few steps, and prints the line of the book.
    fn step(&mut self, step: &Step<'_>) -> io::Result<()> {
        let &Step { epoch, batch, n_batches, .. } = step;
        if self.bar.is_none() && self.is_book {
            self.console.lines(&book::epoch(epoch))?;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = self.console.start_bar(n_batches, BAR);
            bar.set_prefix(&format!("{epoch:>5} of {}", self.epochs));
            bar
        });
        self.steps += 1;
        if batch.is_multiple_of(STEPS_PER_UPDATE) || batch == n_batches {
            bar.set_position(batch);
            let elapsed = self.started.elapsed().as_secs_f64();
            let n_left = (self.epochs - epoch) * n_batches + (n_batches - batch);
            let left = elapsed * n_left as f64 / self.steps as f64;
            let rate = (self.steps * self.batch_size) as f64 / elapsed.max(f64::MIN_POSITIVE);
            let (mean, accuracy) = (step.sums.mean_loss(), step.sums.accuracy());
            bar.set_message(&format!(
                "loss {}, accuracy {accuracy:.4}, {}/s, {} left",
                loss(mean),
                thousands(rate as u64),
                clock(left as u64)
            ));
        }
        if !self.is_book {
            return Ok(());
        }
        let line = book::has_line(batch, n_batches).then(|| book::step(step, self.reg_loss));
        if book::has_line(batch % n_batches + 1, n_batches) {
            self.reg_loss = step.model.penalty(&self.penalties);
        }
        line.map_or(Ok(()), |line| self.console.lines(&line))
    }

    fn epoch(&self, state: &TrainingState, record: EpochRecord, time: Duration) -> io::Result<()> {
        match self.is_book {
            true => self.console.lines(&book::record(&record)),
            false => {
                let has_penalty = !self.penalties.is_empty();
                let TrainingState { config, progress, history, .. } = state;
                let best = config.monitor.best_epoch(history).map(|index| index as u64 + 1);
                let is_best = best == Some(progress.epoch);
                self.console.show(&Epoch::new(progress.epoch, record, time, has_penalty, is_best))
            }
        }
    }

    /// Warns about files that were in the way of a save and were renamed, except the one that an earlier warning named.
    pub(super) fn set_aside(&self, files: &[SetAside], named: Option<&SetAside>) {
        let others = files.iter().filter(|&it| Some(it) != named);
        others.for_each(|it| warn_of_rename(it, self.console));
    }

    /// Removes the progress bar.
    pub(super) fn finish_bar(&mut self) {
        self.console.finish_bar();
        self.bar = None;
    }

    /// Reports early stopping.
    pub(super) fn stopped_early(&self, state: &TrainingState) {
        let epochs = state.config.early_stop.map_or(0, |stop| stop.patience);
        let best = state.config.monitor.best_epoch(&state.history).map_or(0, |best| best + 1);
        self.console.message(&format!(
            "stopped early: {} without improvement; epoch {best} is the best",
            count(epochs, "epoch")
        ));
    }

    /// Prints the profile of the steps.
    pub(super) fn profile(&self, run: &nn_train::Trainer) -> io::Result<()> {
        self.console.show(&ProfileView::new(&run.profile(), run.model().layers()))
    }

    /// Reports a run that was stopped by a signal and saved.
    pub(super) fn stopped(
        &self,
        signal: Signal,
        state: &TrainingState,
        saves: &Saves,
        data_dir: Option<&Path>,
    ) -> io::Result<()> {
        self.console.show(&Stopped {
            signal: signal.name(),
            epoch: state.progress.epoch,
            batch: state.progress.batch,
            model: Outside::from(saves.output()),
            resume: Outside::from(saves.resume_path()),
            epochs: self.epochs,
            data_dir: data_dir.map(Outside::from),
        })
    }

    /// Reports a complete run and its test result.
    pub(super) fn finished(
        &self,
        test: Metrics,
        state: &TrainingState,
        output: &Path,
    ) -> io::Result<()> {
        let finished = Finished::new(test, state, self.started.elapsed(), Outside::from(output));
        match self.is_book {
            true => finished.text().lines().for_each(|line| self.console.message(line)),
            false => self.console.show(&finished)?,
        }
        if self.console.is_terminal() {
            self.console.lines(&curve::of(&state.history))?;
            for line in finished.next() {
                self.console.message(&line);
            }
        }
        Ok(())
    }
}
