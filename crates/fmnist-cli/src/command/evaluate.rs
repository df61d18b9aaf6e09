//! `fmnist evaluate`: loss, accuracy and confusion matrix of a model on a split.

use std::{path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use nn_train::{Evaluation, EvaluationConfig, Threads};
use serde_json::json;

use crate::{
    bundled,
    console::Console,
    data::{self, LabelledImages},
    source::DataSource,
    text::thousands,
};

/// Evaluate a model on the test set, or on the training set
///
/// Uses the dataset that the model was trained on, or with --data-dir one of the same kind, image size and classes.
/// Example: fmnist evaluate fashion_mnist.model
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model [default: the built-in model]
    model: Option<PathBuf>,

    /// The images to evaluate on
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    split: SplitName,

    /// The directory of the dataset [env: FMNIST_DATA_DIR, for Fashion-MNIST only]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Threads to use [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitName {
    Test,
    Train,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let checkpoint = bundled::load(args.model.as_deref())?;
    let source = DataSource::of_model(&checkpoint.info, args.data_dir.as_deref())?;
    let dataset = data::obtain(&source, console)?;
    data::check_fits(&checkpoint.info, &dataset, console)?;
    let (name, split) = match args.split {
        SplitName::Test => ("test", &dataset.test),
        SplitName::Train => ("train", &dataset.train),
    };
    let images = LabelledImages::new(split, data::scaling(&checkpoint.info)?);
    let threads = Threads::new(data::threads(args.threads))?;
    let model = checkpoint.inference_model()?;
    let config = EvaluationConfig { tta_flip: checkpoint.info.input.mirror, ..Default::default() };
    let evaluation = nn_train::evaluate(&model, &images.samples()?, config, &threads)?;
    let class_names = data::class_names(&checkpoint.info, &model);
    console.result(
        || {
            let images = format!("{name} images of {}", dataset.name);
            text(&bundled::name(args.model.as_deref()), &images, &class_names, &evaluation)
        },
        || {
            json!({
                "dataset": dataset.name.as_str(),
                "split": name,
                "samples": evaluation.sums.n_samples,
                "loss": evaluation.sums.mean_loss(),
                "accuracy": evaluation.sums.accuracy(),
                "per_class": evaluation.confusion.per_class().collect::<Vec<_>>(),
                "confusion": evaluation.confusion.rows().collect::<Vec<_>>(),
            })
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The recall of each class, the classes it is most often confused with, and the totals.
fn text(model: &str, images: &str, class_names: &[String], evaluation: &Evaluation) -> String {
    let width = class_names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = format!("{:width$}  recall  most often confused with\n", "");
    let classes = class_names.iter().zip(evaluation.confusion.rows());
    for (class, ((name, row), recall)) in classes.zip(evaluation.confusion.per_class()).enumerate()
    {
        let mut wrong: Vec<(usize, u64)> = row.iter().copied().enumerate().collect();
        wrong.retain(|&(other, count)| other != class && count > 0);
        wrong.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let most: Vec<String> = wrong
            .iter()
            .take(3)
            .map(|&(other, count)| format!("{} {count}", class_names[other]))
            .collect();
        text += &format!("{name:width$}  {:5.1}%  {}\n", 100.0 * recall, most.join(", "));
    }
    let sums = &evaluation.sums;
    text += &format!(
        "{model} on {} {images}: loss {:.4}, accuracy {:.4}",
        thousands(sums.n_samples),
        sums.mean_loss(),
        sums.accuracy()
    );
    text
}
