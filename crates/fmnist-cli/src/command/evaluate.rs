//! `fmnist evaluate`: how good a model is on a split, as a whole and class by class.

mod mistakes;
mod view;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::ValueEnum;
use fmnist::Classifier;
use serde::Serialize;

use crate::{
    bundled,
    console::{Console, Format},
    data, help,
};
use view::EvaluationView;

/// Evaluate a model on the test set, or on the training set
///
/// Shows precision, recall and F1 of each class, the confusion matrix, the classes that are most often confused, and how
/// far the confidences can be relied on. The interval after the accuracy is its 95 % confidence interval (Wilson's).
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
    ("fmnist evaluate fashion_mnist.model --mistakes wrong", "pictures of the mistakes"),
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

    /// Draw the mistakes of each class as an SVG picture in this directory [default: none]
    #[arg(long, value_name = "DIR")]
    mistakes: Option<PathBuf>,

    /// Threads to use [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SplitName {
    Test,
    Train,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let (model, checkpoint) = bundled::load_newest(args.model.as_deref(), console)?;
    let source =
        data::source_of(&checkpoint.info, args.data_dir.as_deref(), args.model.as_deref(), &model)?;
    let info = checkpoint.info.clone();
    let classifier = Classifier::new(checkpoint).with_context(|| model.clone())?;
    if let Some(dir) = &args.mistakes {
        mistakes::check(dir, &classifier).context("--mistakes")?;
    }
    let threads = data::threads(args.threads)?;
    let dataset = data::obtain(&source, console)?;
    data::check_fits(&model, &info, &dataset, console)?;
    let split = match args.split {
        SplitName::Test => &dataset.test,
        SplitName::Train => &dataset.train,
    };
    let evaluation = classifier.evaluate(split, &threads)?;
    let answers = classifier.answers(split)?;
    if let Some(dir) = &args.mistakes {
        mistakes::draw(dir, &classifier, split, &answers, console).context("--mistakes")?;
    }
    let view = EvaluationView::new(
        (model, classifier.class_names()),
        (&dataset.info.title(), args.split),
        &evaluation,
        &answers,
    );
    match console.format() {
        Format::Csv => view.table().iter().try_for_each(|row| console.csv(row))?,
        _ => console.show(&view)?,
    }
    Ok(ExitCode::SUCCESS)
}
