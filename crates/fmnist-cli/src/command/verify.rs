//! `fmnist verify`: shows that this machine computes the published bits, or that a run resumes exactly.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use fmnist::{
    Rerun, Trainer,
    options::{ArithmeticName, Options, PlaceOptions, TrainingOptions},
};
use fmnist_data::{Dataset, DatasetName};
use nn_core::{Arithmetic, InstructionSet};
use nn_io::{Checkpoint, ModelInfo};
use serde::Serialize;

use super::train::new_run::{self, NewRun};
use crate::{
    console::{Console, View},
    data,
    exit::Usage,
    help,
    outside::Outside,
    text::count,
};

/// Check that training gives the published bits here, or that a run resumes exactly
///
/// Without a model: trains the default run, and compares its checksums with those in the program. They are the same on every
/// processor and system with the same arithmetic, for any number of threads.
///
/// With a model: trains a new run with the file's network, settings and seed, twice: once without a stop, and once stopped and
/// resumed after every half epoch. Both must end with the same checksum. The file's own weights are not compared: they may have
/// come from a warm start or another learning rate. The file is not changed.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist verify", "the default run, in seconds"),
    ("fmnist verify --arithmetic plain", "the same without fused multiply-add"),
    ("fmnist verify fashion_mnist.model", "that your own run resumes exactly"),
]))]
pub(crate) struct Args {
    /// Model file of a run
    model: Option<PathBuf>,

    /// With a model: epochs to train
    #[arg(long, value_name = "N", default_value_t = 2, requires = "model")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000))]
    epochs: u64,

    /// Without a model: rounding of multiply-adds in matrix products [default: fused, or plain if the processor has no fused
    /// multiply-add]
    #[arg(long, value_enum, value_name = "NAME", conflicts_with = "model")]
    arithmetic: Option<ArithmeticName>,

    /// Directory of the dataset [default: found or downloaded]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Threads to use [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: Option<u64>,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let view = match &args.model {
        None => default_run(&args, console)?,
        Some(path) => saved_run(&args, path, console)?,
    };
    console.show(&view)?;
    conclude(&view)?;
    Ok(ExitCode::SUCCESS)
}

/// Fails if a checksum is not as expected.
fn conclude(view: &VerifyView) -> anyhow::Result<()> {
    match view.checks.iter().find(|check| check.expected != check.found) {
        None => Ok(()),
        Some(Check { what, expected, found }) => bail!(
            "{what}: expected {expected}, found {found}; this is a bug in fmnist, or the computer's memory is faulty, or it was \
             built with other versions of its dependencies (install with --locked): please report it with this output"
        ),
    }
}

/// The checksums of the default run: its data, its arithmetic, and its `state_sha256` and `weights_sha256`.
const PUBLISHED: [(DatasetName, Arithmetic, [&str; 2]); 4] = [
    (
        DatasetName::FashionMnist,
        Arithmetic::Fused,
        [
            "0f815741f94e8a375aa096f58f112c31a07fb1ac2564f0f98955959f5b416689",
            "e1d163473a3aa710ab97c59d3b9b97959ac75e644a7ebcb400a9da6861f1e6bb",
        ],
    ),
    (
        DatasetName::FashionMnist,
        Arithmetic::Plain,
        [
            "abdba033af68996b1e6b86ae365c72d2faee068e22166476cd5a7c75d6f2c7b6",
            "6807e12c214f489c880f227eda4ceda16babfb3a05f9f1824892ba8fc7572525",
        ],
    ),
    (
        DatasetName::Synthetic,
        Arithmetic::Fused,
        [
            "724eb924ea94cb8da61d1957360aeec037104a8e8ab0394611593484912b01bb",
            "ed4033c966a1c7bbc9296c718083137dc6b2beab2a77435ebd49ccfddfef68ff",
        ],
    ),
    (
        DatasetName::Synthetic,
        Arithmetic::Plain,
        [
            "11c6912829a052eae2a5c0518cff4dc9c7d1c734eee4febc92fecb43f0202df2",
            "b170ad0d65a37a012e7901fd10bbb1ff9c0bb9ee08968d4f22a2794ca68d06b6",
        ],
    ),
];

/// Trains the default run.
fn default_run(args: &Args, console: &mut Console) -> anyhow::Result<VerifyView> {
    let options = Options {
        places: PlaceOptions { data_dir: args.data_dir.clone(), threads: args.threads },
        training: TrainingOptions { arithmetic: args.arithmetic, ..TrainingOptions::default() },
        ..Options::default()
    };
    let source = new_run::plan(&options)?;
    let threads = data::threads(args.threads)?;
    let dataset = data::obtain(&source, console)?;
    let NewRun { model, state, n_validation, epochs } =
        new_run::run(&options, None, &dataset, console)?;
    let Dataset { train, info: dataset, .. } = dataset;
    let (train, held_out) = train.hold_out(n_validation);
    let n_threads = threads.count();
    let arithmetic = state.config.arithmetic;
    let mut trainer = Trainer::from_parts(model, state, ModelInfo::default(), threads)?;
    trainer.fit(&train, Some(&held_out), epochs)?;
    let view = trainer.checkpoint();
    let found = [view.state_sha256()?, view.weights_sha256()];
    let published = PUBLISHED.iter().find(|it| (it.0, it.1) == (dataset.name, arithmetic));
    let (_, _, published) = published.context("there is a published run for this data")?;
    let checks = ["state_sha256", "weights_sha256"].into_iter().zip(*published).zip(found);
    Ok(VerifyView {
        run: "the default run".into(),
        dataset: dataset.name.to_string(),
        epochs,
        stops: 0,
        arithmetic: arithmetic.name(),
        instruction_set: InstructionSet::current().name(),
        threads: n_threads,
        checks: checks
            .map(|((what, expected), found)| Check { what, expected: expected.into(), found })
            .collect(),
        conclusion: "as published: this machine computes the same bits",
    })
}

/// Trains the run of a file twice.
fn saved_run(args: &Args, path: &PathBuf, console: &mut Console) -> anyhow::Result<VerifyView> {
    let name = Outside::from(path).to_string();
    let checkpoint = Checkpoint::load(path)?;
    let state = checkpoint.training.as_ref().ok_or(fmnist::Error::ForInference);
    let arithmetic = state.with_context(|| name.clone())?.config.arithmetic;
    if !arithmetic.choose() {
        let (set, needed) = (InstructionSet::current().name(), arithmetic.name());
        return Err(Usage::error(format!(
            "{name}: the run needs {needed} arithmetic, which the instruction set {set} does not have; verify it on \
             another processor"
        )));
    }
    let source = data::source_of(&checkpoint.info, args.data_dir.as_deref(), &name)?;
    let threads = data::threads(args.threads)?;
    let dataset = data::obtain(&source, console)?;
    let dataset_name = dataset.info.name.to_string();
    let rerun =
        Rerun::new(&checkpoint, dataset, &threads, args.epochs).with_context(|| name.clone())?;
    Ok(VerifyView {
        run: name,
        dataset: dataset_name,
        epochs: rerun.epochs,
        stops: rerun.stops,
        arithmetic: arithmetic.name(),
        instruction_set: InstructionSet::current().name(),
        threads: threads.count(),
        checks: vec![Check {
            what: "state_sha256",
            expected: rerun.uninterrupted,
            found: rerun.resumed,
        }],
        conclusion: "the same without a stop: this run resumes exactly",
    })
}

/// What was trained, and its checksums.
#[derive(Serialize)]
struct VerifyView {
    run: String,
    dataset: String,
    epochs: u64,
    /// How often the run was stopped and resumed.
    stops: usize,
    arithmetic: &'static str,
    instruction_set: &'static str,
    threads: usize,
    checks: Vec<Check>,
    /// What follows if all checksums are as expected.
    #[serde(skip)]
    conclusion: &'static str,
}

#[derive(Serialize)]
struct Check {
    what: &'static str,
    expected: String,
    found: String,
}

impl View for VerifyView {
    fn text(&self) -> String {
        let stops = match self.stops {
            0 => String::new(),
            stops => format!(", stopped and resumed {}", count(stops as u64, "time")),
        };
        let mut text = format!(
            "{}: {} of {}{stops}, {} arithmetic, {}, {}",
            self.run,
            count(self.epochs, "epoch"),
            self.dataset,
            self.arithmetic,
            self.instruction_set,
            count(self.threads as u64, "thread"),
        );
        for Check { what, found, .. } in &self.checks {
            text += &format!("\n{what:<14}  {found}");
        }
        if self.checks.iter().all(|check| check.expected == check.found) {
            text += &format!("\n{}", self.conclusion);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bits_are_an_error() {
        let view = |found: &str| VerifyView {
            run: "the default run".into(),
            dataset: "synthetic".into(),
            epochs: 10,
            stops: 0,
            arithmetic: "fused",
            instruction_set: "avx2",
            threads: 2,
            checks: ["aa", found]
                .map(|found| Check {
                    what: "state_sha256",
                    expected: "aa".into(),
                    found: found.into(),
                })
                .into(),
            conclusion: "as published",
        };
        assert!(conclude(&view("aa")).is_ok() && view("aa").text().ends_with("\nas published"));
        let error = conclude(&view("ab")).unwrap_err().to_string();
        assert!(error.starts_with("state_sha256: expected aa, found ab; this is a bug"), "{error}");
        assert!(
            error.contains("other versions of its dependencies (install with --locked)"),
            "{error}"
        );
        assert!(!view("ab").text().contains("as published"));
    }
}
