//! `fmnist inspect`: shows the contents of a model file.

use std::{path::PathBuf, process::ExitCode};

use fmnist::options::Options;
use nn_core::{Scaling, Shape};
use nn_io::{Checkpoint, InputSpec, Newest, Preparation};
use nn_train::{EpochRecord, TrainingState, decision::Decision};
use serde::Serialize;
use serde_json::Value;

use super::{MetricsView, OptionsView};
use crate::{
    bundled,
    console::{Console, View},
    exit::Reasons,
    help, layer, optimizer,
    outside::Outside,
    run_config::{self, Losses},
    schedule, settings,
    text::{count, filled, loss},
};

/// Show the contents of a model file, and verify its checksums
///
/// In a directory of checkpoints, the newest undamaged one.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist inspect fashion_mnist.model", "network, training, epochs"),
    ("fmnist inspect fashion_mnist.model --verify", "undamaged?"),
    ("fmnist inspect run --print-config > run.toml", "settings, for another run"),
]))]
pub(crate) struct Args {
    /// Model file, or directory of checkpoints [default: the built-in model]
    model: Option<PathBuf>,

    /// Report that everything was verified, or list all damage
    #[arg(long)]
    verify: bool,

    /// Print only the settings of the run, as a file for `fmnist train --config`
    #[arg(long)]
    print_config: bool,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let path = args.model.as_deref();
    let (checkpoint, newest) = match path.filter(|path| path.is_dir()) {
        None => (bundled::load(path).map_err(|error| all_damage(&args, error))?, None),
        Some(directory) => {
            let Newest { path, checkpoint, skipped } = Newest::load(directory)?;
            if args.verify && !skipped.is_empty() {
                let directory = Outside::from(directory);
                let message = format!("{directory}: not all checkpoints can be used");
                return Err(Reasons { message, reasons: skipped }.into());
            }
            for error in &skipped {
                console.warning(&format!("skipped: {error}"));
            }
            (checkpoint, Some((Outside::from(&path), skipped)))
        }
    };
    if args.print_config {
        let Some(settings) = settings::of(&checkpoint) else {
            let name = bundled::name(path);
            anyhow::bail!(
                "{name}: the model is for inference only and has no settings of a run; \
                 use the file that training saved"
            );
        };
        if settings.data.epochs.is_none() {
            console.warning(
                "no epoch is complete, so the number of batches in one is unknown: settings that count in epochs \
                 are left out",
            );
        }
        console.show(&OptionsView::new(settings)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    console.show(&Inspection::new(&checkpoint, newest, args.verify)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The column in which values begin.
const INDENT: usize = 14;

/// The error of a file that cannot be read; with --verify, a list of all damage if there is more.
fn all_damage(args: &Args, error: anyhow::Error) -> anyhow::Error {
    match args.model.as_deref() {
        Some(path) if args.verify => match Checkpoint::damage(path) {
            damage if damage.len() > 1 => {
                let (path, n) = (Outside::from(path), damage.len());
                let message = format!("{path}: {n} tensors are damaged");
                Reasons { message, reasons: damage }.into()
            }
            _ => error,
        },
        _ => error,
    }
}

fn text(checkpoint: &Checkpoint, state_sha256: &str) -> String {
    let Checkpoint { model, info, training } = checkpoint;
    let classes = match info.class_names.as_slice() {
        [] => "none named".into(),
        names => {
            let names: Vec<_> = names.iter().map(|name| Outside::from(name).to_string()).collect();
            filled(&names, ",", INDENT)
        }
    };
    let [producer, instruction_set] = [&info.producer, &info.instruction_set].map(Outside::from);
    let dataset = info.dataset.as_ref().map_or("unknown data".into(), |dataset| {
        format!("{dataset}{}", if dataset.transposed { ", transposed" } else { "" })
    });
    let mut lines = vec![
        model.to_string(),
        String::new(),
        format!("format:       {}, written by {producer} ({instruction_set})", info.version()),
        format!("input:        {}", input_text(&info.input, model.inputs())),
        format!("classes:      {classes}"),
        format!(
            "trained on:   {}, {} held out",
            Outside::from(&dataset),
            count(info.n_validation as u64, "image")
        ),
    ];
    if let Some(decision) = &info.decision {
        let Decision { temperature, threshold, .. } = decision;
        lines.push(format!(
            "decision:     temperature {temperature:.3}, sure from a score of {threshold:.2} on"
        ));
    }
    match training {
        None => lines.push("training:     none; for inference only".into()),
        Some(training) => lines.extend(training_lines(training)),
    }
    lines.push(format!("weights:      sha256 {}", checkpoint.view().weights_sha256()));
    lines.push(format!("state:        sha256 {state_sha256}"));
    lines.join("\n")
}

/// `28 x 28, (pixel - 127.5) / 127.5`; for a model of tables, `4 features`.
fn input_text(input: &InputSpec, inputs: usize) -> String {
    let (size, what) = match input.image {
        Some(Shape { width, height, channels: 1 }) => (format!("{width} x {height}"), "pixel"),
        Some(Shape { width, height, .. }) => (format!("{width} x {height} in colour"), "pixel"),
        None => (count(inputs as u64, "feature"), "byte"),
    };
    let scaled = match input.scaling {
        Some(Scaling { mean, std }) => format!("{size}, ({what} - {mean}) / {std}"),
        None => size,
    };
    match input.preparation.map(Preparation::name) {
        Some(preparation) => format!("{scaled}, of pictures prepared as {preparation}"),
        None => scaled,
    }
}

fn training_lines(training: &TrainingState) -> Vec<String> {
    let TrainingState { config, progress, history, .. } = training;
    let step = training.optimizer.step();
    let n_batches = settings::batches_of_an_epoch(training);
    let mut run = vec![format!("seed {}, batches of {}", config.seed, config.batch_size)];
    run.extend(run_config::parts(config));
    let mut lines = vec![
        format!("optimizer:    {:#}", training.optimizer.config()),
        format!("schedule:     {}", schedule::text(&training.schedule, n_batches)),
        format!("run:          {}", filled(&run, ";", INDENT)),
        format!(
            "progress:     {} and {}, {}",
            count(progress.epoch, "epoch"),
            count(progress.batch, "batch"),
            count(step, "step")
        ),
    ];
    let losses = Losses::of(config).difference();
    lines.extend(losses.map(|it| format!("loss:         {}", filled(&it, ";", INDENT))));
    if let Some(record) = history.last() {
        let EpochRecord { train, validation, .. } = record;
        let mut line =
            format!("last epoch:   loss {}, accuracy {:.4}", loss(train.loss), train.accuracy);
        if let Some(held_out) = validation {
            line += &format!("; held out: {}, {:.4}", loss(held_out.loss), held_out.accuracy);
        }
        lines.push(line);
    }
    lines
}

/// The contents of a file.
#[derive(Serialize)]
struct Inspection<'a> {
    format_version: String,
    producer: &'a str,
    instruction_set: &'a str,
    layers: Vec<Value>,
    parameters: usize,
    input: InputView,
    class_names: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionView>,
    dataset: Option<DatasetView<'a>>,
    n_validation: usize,
    optimizer: Option<Value>,
    schedule: Option<Value>,
    settings: Option<Options>,
    progress: Option<ProgressView>,
    weights_sha256: String,
    state_sha256: String,
    /// The newest undamaged checkpoint, if the model is a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Outside>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<Vec<String>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    verified: bool,
    #[serde(skip)]
    file: &'a Checkpoint,
}

#[derive(Serialize)]
struct InputView {
    width: Option<usize>,
    height: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<usize>,
    mean: Option<f32>,
    std: Option<f32>,
    mirror: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    preparation: Option<&'static str>,
}

#[derive(Serialize)]
struct DecisionView {
    temperature: f64,
    threshold: f64,
}

#[derive(Serialize)]
struct DatasetView<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<&'a str>,
    sha256: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    transposed: bool,
}

#[derive(Serialize)]
struct ProgressView {
    seed: u64,
    batch_size: usize,
    epoch: u64,
    batch: u64,
    loss: Losses,
    history: Vec<RecordView>,
}

#[derive(Serialize)]
struct RecordView {
    train: MetricsView,
    validation: Option<MetricsView>,
    learning_rate: f64,
}

impl<'a> Inspection<'a> {
    fn new(
        file: &'a Checkpoint,
        newest: Option<(Outside, Vec<nn_io::Error>)>,
        verified: bool,
    ) -> anyhow::Result<Self> {
        let Checkpoint { model, info, training } = file;
        let InputSpec { image, scaling, mirror, preparation } = info.input;
        let (checkpoint, skipped) = newest.unzip();
        Ok(Self {
            format_version: info.version().to_string(),
            producer: &info.producer,
            instruction_set: &info.instruction_set,
            layers: model.layers().iter().map(layer::to_json).collect(),
            parameters: model.params().len(),
            input: InputView {
                width: image.map(|image| image.width),
                height: image.map(|image| image.height),
                channels: image.map(|image| image.channels).filter(|&n| n != 1),
                mean: scaling.map(|scaling| scaling.mean),
                std: scaling.map(|scaling| scaling.std),
                mirror,
                preparation: preparation.map(Preparation::name),
            },
            class_names: &info.class_names,
            decision: info.decision.as_ref().map(|&Decision { temperature, threshold, .. }| {
                DecisionView { temperature, threshold }
            }),
            dataset: info.dataset.as_ref().map(|it| DatasetView {
                name: &it.name,
                directory: it.directory.as_deref(),
                sha256: &it.sha256,
                transposed: it.transposed,
            }),
            n_validation: info.n_validation,
            optimizer: training.as_ref().map(optimizer_json),
            schedule: training.as_ref().map(|training| schedule::to_json(&training.schedule)),
            settings: settings::of(file),
            progress: training.as_ref().map(ProgressView::new),
            weights_sha256: file.view().weights_sha256(),
            state_sha256: file.view().state_sha256()?,
            checkpoint,
            skipped: skipped.map(|errors| errors.iter().map(ToString::to_string).collect()),
            verified,
            file,
        })
    }
}

impl ProgressView {
    fn new(training: &TrainingState) -> Self {
        let TrainingState { config, progress, history, .. } = training;
        let record = |record: &EpochRecord| RecordView {
            train: record.train.into(),
            validation: record.validation.map(MetricsView::from),
            learning_rate: record.learning_rate,
        };
        Self {
            seed: config.seed,
            batch_size: config.batch_size,
            epoch: progress.epoch,
            batch: progress.batch,
            loss: Losses::of(config),
            history: history.iter().map(record).collect(),
        }
    }
}

impl View for Inspection<'_> {
    fn text(&self) -> String {
        let mut text = text(self.file, &self.state_sha256);
        if let Some(path) = &self.checkpoint {
            text = format!("newest checkpoint: {path}\n\n{text}");
        }
        if self.verified {
            text += "\nverified:     all lengths, checksums and values are valid";
        }
        text
    }
}

fn optimizer_json(training: &TrainingState) -> Value {
    let mut value = optimizer::to_json(&training.optimizer.config());
    value["learning_rate"] = training.schedule.learning_rate.into();
    if let Some(decay) = schedule::inverse_decay(&training.schedule) {
        value["decay"] = decay.into();
    }
    value["step"] = training.optimizer.step().into();
    value
}
