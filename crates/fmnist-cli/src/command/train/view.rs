//! What `fmnist train` prints: each event as JSON and as text.

use std::time::Duration;

use fmnist::options::{Change, Options, Subject};
use nn_core::{Pass, PlacedLayer};
use nn_train::{EpochRecord, Metrics, Profile, ProfileStage, TrainingState};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    command::MetricsView,
    console::View,
    outside::Outside,
    run_config::Losses,
    text::{count, duration, filled, loss, rounded, thousands},
};

const HEAD: &str = "epoch    loss  accuracy  held out: loss  accuracy  learning rate    time";

const PROFILE_HEAD: &str = "stage                    us per step      share";

/// Marks the best epoch so far.
pub(super) const BEST: char = '*';

/// Added to the header if there is regularisation.
const PENALTY: &str = " penalty";

/// The run before its first step.
#[derive(Serialize)]
#[serde(tag = "event", rename = "start")]
pub(super) struct Start {
    pub(super) dataset: Outside,
    pub(super) samples: SampleCounts,
    pub(super) architecture: String,
    pub(super) parameters: usize,
    pub(super) optimizer: &'static str,
    pub(super) optimizer_settings: Value,
    pub(super) learning_rate: f64,
    pub(super) decay: Option<f64>,
    pub(super) schedule: Value,
    pub(super) changes: Vec<Change>,
    pub(super) batch_size: usize,
    pub(super) seed: u64,
    pub(super) loss: Losses,
    pub(super) settings: Options,
    pub(super) threads: usize,
    pub(super) instruction_set: String,
    pub(super) resumed: Option<Outside>,
    pub(super) epoch: u64,
    pub(super) batch: u64,
    #[serde(skip)]
    pub(super) has_penalty: bool,
    /// The optimizer, the schedule and the settings in words.
    #[serde(skip)]
    pub(super) parts: Vec<String>,
}

/// The numbers of images.
#[derive(Serialize)]
pub(super) struct SampleCounts {
    pub(super) train: usize,
    pub(super) validation: usize,
    pub(super) test: usize,
}

impl Start {
    /// The header of the table of epochs.
    fn table_head(&self) -> String {
        let penalty = if self.has_penalty { PENALTY } else { "" };
        format!("{HEAD}{penalty}")
    }

    /// The run in words, without the header of the table of epochs.
    pub(super) fn summary(&self) -> String {
        let from = self.resumed.as_ref().map_or_else(String::new, |path| {
            format!("resuming {path}, {} done\n", done(self.epoch, self.batch))
        });
        let SampleCounts { train, validation, test } = self.samples;
        let loss = self.loss.difference().map_or_else(String::new, |[train, plain]| {
            format!("\n{}", filled(&[format!("loss: {train}"), plain], ";", 0))
        });
        format!(
            "{from}{}: {} to train on, {} held out, {} to test\n{}{loss}",
            self.dataset,
            count(train as u64, "image"),
            thousands(validation as u64),
            thousands(test as u64),
            filled(&self.parts, ";", 0),
        )
    }
}

impl View for Start {
    fn text(&self) -> String {
        format!("{}\n\n{}", self.summary(), self.table_head())
    }

    fn head(&self) -> Option<String> {
        Some(self.table_head())
    }
}

/// Describes a setting of a resumed run that changes.
pub(super) fn change(change: &Change) -> String {
    let Change { option, saved, given, next_rate_before, next_rate, subject } = change;
    let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let from = |epoch: u64, batch: u64| {
        let batch = if batch > 1 { format!(", batch {batch}") } else { String::new() };
        format!("from epoch {epoch}{batch}")
    };
    let what = match *subject {
        Subject::Arithmetic { epoch, batch } => {
            let (from, saved, given) = (from(epoch, batch), name(saved), name(given));
            return format!(
                "{option} {given}: {from}: {given} arithmetic instead of {saved}; the result will be as good, but not \
                 bit-for-bit identical to that of an uninterrupted run"
            );
        }
        Subject::LearningRate { epoch, batch } => {
            format!("{}: learning rate {given} instead of {saved}", from(epoch, batch))
        }
        Subject::End(what) => {
            let saved = rounded(saved.as_f64().unwrap_or_default());
            format!("the {what} now ends after {given} epochs instead of {saved}")
        }
    };
    let [rate, before] = [*next_rate, *next_rate_before].map(rounded);
    format!("{option} {given}: {what}; the next step's rate is {rate} instead of {before}")
}

/// An epoch that is complete and saved.
#[derive(Serialize)]
#[serde(tag = "event", rename = "epoch")]
pub(super) struct Epoch {
    pub(super) epoch: u64,
    pub(super) train: MetricsView,
    pub(super) validation: Option<MetricsView>,
    pub(super) learning_rate: f64,
    pub(super) seconds: f64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) penalty: f64,
    #[serde(skip)]
    pub(super) has_penalty: bool,
    /// Whether it is the best epoch so far.
    #[serde(skip)]
    pub(super) is_best: bool,
}

fn is_zero(penalty: &f64) -> bool {
    *penalty == 0.0
}

impl Epoch {
    pub(super) fn new(
        epoch: u64,
        record: EpochRecord,
        time: Duration,
        has_penalty: bool,
        is_best: bool,
    ) -> Self {
        Self {
            epoch,
            is_best,
            train: record.train.into(),
            validation: record.validation.map(MetricsView::from),
            learning_rate: record.learning_rate,
            seconds: time.as_secs_f64(),
            penalty: record.penalty,
            has_penalty,
        }
    }
}

impl View for Epoch {
    fn text(&self) -> String {
        let Self { epoch, train, validation, learning_rate, seconds, penalty, .. } = self;
        let mark = if self.is_best { BEST } else { ' ' };
        let held_out = validation.map_or_else(
            || format!("{:>14}  {:>8}", "-", "-"),
            |it| format!("{:>14}  {:>8.4}", loss(it.loss), it.accuracy),
        );
        // Six decimals would show a small rate as nearly 0.
        let learning_rate = match learning_rate {
            small if *small < 1e-5 => format!("{small:.3e}"),
            rate => format!("{rate:.6}"),
        };
        let penalty = match self.has_penalty {
            true => format!(" {:>width$}", loss(*penalty), width = PENALTY.len() - 1),
            false => String::new(),
        };
        format!(
            "{epoch:>5}{mark} {:>6}  {:>8.4}  {held_out}  {learning_rate:>13}  {:>6}{penalty}",
            loss(train.loss),
            train.accuracy,
            duration(Duration::from_secs_f64(*seconds)),
        )
    }
}

/// A run that was stopped by a signal and saved.
#[derive(Serialize)]
#[serde(tag = "event", rename = "stopped")]
pub(super) struct Stopped {
    pub(super) signal: &'static str,
    pub(super) epoch: u64,
    pub(super) batch: u64,
    pub(super) model: Outside,
    /// The file or directory to resume from.
    #[serde(skip)]
    pub(super) resume: Outside,
    /// The total number of epochs.
    #[serde(skip)]
    pub(super) epochs: u64,
    /// The directory of the dataset, if the user named it.
    #[serde(skip)]
    pub(super) data_dir: Option<Outside>,
}

impl View for Stopped {
    fn text(&self) -> String {
        let Self { signal, epoch, batch, model, resume, epochs, data_dir } = self;
        let done = done(*epoch, *batch);
        let data_dir = match data_dir {
            Some(dir) => format!(" --data-dir {}", dir.as_argument()),
            None => String::new(),
        };
        let resume = resume.as_argument();
        format!(
            "stopped by {signal} after {done}; saved in {model}\n\
             to resume: fmnist train --resume {resume} --epochs {epochs}{data_dir}"
        )
    }
}

/// A complete run and its test result.
#[derive(Serialize)]
#[serde(tag = "event", rename = "finished")]
pub(super) struct Finished {
    test: MetricsView,
    epochs: u64,
    /// The epoch whose weights were tested, if the best epoch was kept.
    best_epoch: Option<u64>,
    seconds: f64,
    model: Outside,
    /// The number of batches done in an incomplete epoch after these.
    #[serde(skip)]
    batch: u64,
    #[serde(skip)]
    loss: Losses,
}

impl Finished {
    pub(super) fn new(
        test: Metrics,
        state: &TrainingState,
        time: Duration,
        model: Outside,
    ) -> Self {
        let TrainingState { config, progress, history, best, .. } = state;
        let best = best.as_ref().and_then(|_| config.monitor.best_epoch(history));
        Self {
            test: test.into(),
            epochs: progress.epoch,
            best_epoch: best.map(|index| index as u64 + 1),
            seconds: time.as_secs_f64(),
            model,
            batch: progress.batch,
            loss: Losses::of(config),
        }
    }
}

impl Finished {
    /// What to do next, with the names of this run.
    pub(super) fn next(&self) -> Vec<String> {
        let model = self.model.as_argument();
        [
            ("how good it is, class by class", format!("evaluate {model}")),
            ("the same as a web page", format!("report {model}")),
            ("more epochs", format!("train --resume {model} --epochs {}", 2 * self.epochs.max(1))),
        ]
        .map(|(what, command)| format!("  fmnist {command:<48}  {what}"))
        .to_vec()
    }
}

impl View for Finished {
    fn text(&self) -> String {
        let Self { test, epochs, best_epoch, seconds, model, batch, .. } = self;
        let plain = self.loss.plain().map_or_else(String::new, |plain| format!(" ({plain})"));
        let when = match best_epoch {
            Some(best) => format!("at epoch {best}, the best of {epochs}"),
            None => format!("after {}", done(*epochs, *batch)),
        };
        format!(
            "\ntest loss {}{plain}, accuracy {:.4}, {when}, {}; saved in {model}",
            loss(test.loss),
            test.accuracy,
            duration(Duration::from_secs_f64(*seconds)),
        )
    }
}

/// The profile of the steps: the time of each stage, added up over all threads.
#[derive(Serialize)]
#[serde(tag = "event", rename = "profile")]
pub(super) struct ProfileView {
    steps: u64,
    seconds: f64,
    threads: usize,
    thread_seconds: Map<String, Value>,
    #[serde(skip)]
    rows: Vec<(String, f64)>,
}

impl ProfileView {
    pub(super) fn new(profile: &Profile, layers: &[PlacedLayer]) -> Self {
        let (Profile { steps, elapsed, threads, stages }, waiting) = (profile, profile.waiting());
        let named = stages.iter().map(|&(stage, time)| (stage_name(stage, layers), time));
        let rows: Vec<(String, f64)> = named
            .chain([("waiting".to_owned(), waiting)])
            .map(|(name, time)| (name, time.as_secs_f64()))
            .collect();
        let thread_seconds = rows.iter().map(|(name, time)| (name.clone(), (*time).into()));
        Self {
            steps: *steps,
            seconds: elapsed.as_secs_f64(),
            threads: *threads,
            thread_seconds: thread_seconds.collect(),
            rows,
        }
    }
}

impl View for ProfileView {
    fn text(&self) -> String {
        let Self { steps, seconds, threads, rows, .. } = self;
        let thread_time = seconds * *threads as f64;
        let per_step = |seconds: f64| seconds * 1e6 / (*steps).max(1) as f64;
        let row = |(name, time): &(String, f64)| {
            format!("{name:<24}{:>12.1}{:>9.1} %", per_step(*time), 100.0 * time / thread_time)
        };
        let rows: Vec<String> = rows.iter().map(row).collect();
        format!(
            "\n{steps} steps in {}, {:.1} us each, on {threads} thread{}\n\n{PROFILE_HEAD}\n{}",
            duration(Duration::from_secs_f64(*seconds)),
            per_step(*seconds),
            if *threads == 1 { "" } else { "s, whose times are added up" },
            rows.join("\n"),
        )
    }

    fn head(&self) -> Option<String> {
        Some(PROFILE_HEAD.into())
    }
}

/// What a run has done, such as `3 epochs and 17 batches`.
fn done(epochs: u64, batch: u64) -> String {
    let epochs = count(epochs, "epoch");
    match batch {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_run_prints_the_command_that_resumes_it() {
        let mut stopped = Stopped {
            signal: "SIGINT",
            epoch: 4,
            batch: 244,
            model: Outside::from("run.model"),
            resume: Outside::from("run.model"),
            epochs: 10,
            data_dir: None,
        };
        assert_eq!(
            stopped.text(),
            "stopped by SIGINT after 4 epochs and 244 batches; saved in run.model\n\
             to resume: fmnist train --resume run.model --epochs 10"
        );
        stopped.data_dir = Some(Outside::from("my shapes"));
        assert!(stopped.text().ends_with(" --epochs 10 --data-dir \"my shapes\""));
    }
}
