//! `fmnist evaluate`: loss, accuracy and confusion matrix of a model on a split.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::ValueEnum;
use fmnist::Classifier;
use serde::Serialize;

use crate::{
    bundled,
    console::{Console, View},
    data, help,
    outside::Outside,
    text::thousands,
};

/// Evaluate a model on the test set, or on the training set
///
/// The loss is plain cross-entropy, without the label smoothing or class weights of the training.
///
/// In a directory of checkpoints, evaluates the newest undamaged one.
///
/// Uses the dataset that the model was trained on, or with --data-dir one of the same kind, image size and classes.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist evaluate", "the built-in model"),
    ("fmnist evaluate fashion_mnist.model", "your own model"),
    ("fmnist evaluate fashion_mnist.model --split train", "on training images"),
]))]
pub(crate) struct Args {
    /// Model file, or directory of checkpoints [default: the built-in model]
    model: Option<PathBuf>,

    /// Images to evaluate on
    #[arg(long, value_enum, value_name = "NAME", default_value_t = SplitName::Test)]
    split: SplitName,

    /// Directory of the dataset [default: found or downloaded]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Threads to use [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum SplitName {
    Test,
    Train,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let (model, checkpoint) = bundled::load_newest(args.model.as_deref(), console)?;
    let source =
        data::source_of(&checkpoint.info, args.data_dir.as_deref(), args.model.as_deref(), &model)?;
    let info = checkpoint.info.clone();
    let classifier = Classifier::new(checkpoint).with_context(|| model.clone())?;
    let threads = data::threads(args.threads)?;
    let dataset = data::obtain(&source, console)?;
    data::check_fits(&info, &dataset, console)?;
    let split = match args.split {
        SplitName::Test => &dataset.test,
        SplitName::Train => &dataset.train,
    };
    let evaluation = classifier.evaluate(split, &threads)?;
    let reliability = classifier.reliability(split)?;
    console.show(&EvaluationView {
        dataset: Outside::from(&dataset.info.title()),
        split: args.split,
        samples: evaluation.sums.n_samples,
        loss: evaluation.sums.mean_loss(),
        accuracy: evaluation.sums.accuracy(),
        per_class: evaluation.confusion.per_class().collect(),
        confusion: evaluation.confusion.rows().map(<[u64]>::to_vec).collect(),
        calibration_error_before: reliability.map(|it| it.error_before),
        calibration_error: reliability.map(|it| it.error),
        rejected: reliability.map(|it| it.rejected),
        model,
        class_names: classifier.class_names().iter().map(Outside::from).collect(),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// An evaluation. `loss` is the cross-entropy. `per_class` is the recall of each class, `null` in JSON if it has no images. In
/// the confusion matrix, rows are true classes.
#[derive(Serialize)]
struct EvaluationView {
    dataset: Outside,
    split: SplitName,
    samples: u64,
    loss: f64,
    accuracy: f64,
    per_class: Vec<f64>,
    confusion: Vec<Vec<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration_error_before: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration_error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<f64>,
    #[serde(skip)]
    model: String,
    #[serde(skip)]
    class_names: Vec<Outside>,
}

impl EvaluationView {
    /// Columns of the longest name of a class.
    fn width(&self) -> usize {
        let widths = self.class_names.iter().map(|name| name.to_string().chars().count());
        widths.max().unwrap_or(0)
    }

    fn table_head(&self) -> String {
        format!("{:width$}  recall  most often confused with", "", width = self.width())
    }
}

impl View for EvaluationView {
    /// The recall of each class, the classes it is most often confused with, and the totals.
    fn text(&self) -> String {
        let (names, width) = (&self.class_names, self.width());
        let mut text = self.table_head() + "\n";
        let rows = names.iter().zip(&self.confusion).zip(&self.per_class);
        for (class, ((name, row), recall)) in rows.enumerate() {
            let mut wrong: Vec<(usize, u64)> = row.iter().copied().enumerate().collect();
            wrong.retain(|&(other, count)| other != class && count > 0);
            wrong.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
            let most: Vec<String> = wrong
                .iter()
                .take(3)
                .map(|&(other, count)| format!("{} {count}", names[other]))
                .collect();
            // A class without images has no recall.
            let recall = match recall.is_finite() {
                true => format!("{:.1}%", 100.0 * recall),
                false => "-".into(),
            };
            text += &format!("{name:width$}  {recall:>6}  {}\n", most.join(", "));
        }
        let Self { model, dataset, samples, loss, accuracy, .. } = self;
        let (samples, split) = (
            thousands(*samples),
            match self.split {
                SplitName::Test => "test",
                SplitName::Train => "train",
            },
        );
        let images = format!("{samples} {split} images of {dataset}");
        text += &format!("{model} on {images}: cross-entropy {loss:.4}, accuracy {accuracy:.4}");
        if let (Some(before), Some(after), Some(rejected)) =
            (self.calibration_error_before, self.calibration_error, self.rejected)
        {
            text += &format!(
                "\ncalibration error {after:.4} (without the temperature: {before:.4}); not sure of {:.1} %",
                100.0 * rejected
            );
        }
        text
    }

    fn head(&self) -> Option<String> {
        Some(self.table_head())
    }
}
