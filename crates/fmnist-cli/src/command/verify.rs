//! `fmnist verify`: shows that this machine computes the published bits, or that a run resumes exactly.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use fmnist::{
    Rerun, Trainer,
    options::{ArithmeticName, Options, PlaceOptions, TrainingOptions},
};
use fmnist_data::{Dataset, DatasetName};
use nn_core::{Arithmetic, InstructionSet};
use nn_io::ModelInfo;
use nn_train::Progress;
use serde::Serialize;

use super::train::new_run::{self, NewRun};
use crate::{
    bundled,
    console::{Console, View},
    data,
    exit::Usage,
    help,
    outside::Outside,
    text::{count, filled},
};

/// Check that training gives the published bits here, or that a run resumes exactly
///
/// Without a model: trains the default run, and compares its checksums with those in the program. They are the same on every
/// processor and system with the same arithmetic, for any number of threads.
///
/// With a model: trains a new run with the file's network, settings and seed, twice: once without a stop, and once stopped and
/// resumed in the middle and at the end of each epoch. Both must end with the same checksum. If the file has as many epochs, the
/// result also says whether this is the state in the file. It is not if the file's run began with other weights, or if its
/// learning rate or arithmetic was changed. The file is not changed.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist verify", "the default run, in seconds"),
    ("fmnist verify --arithmetic plain", "the same without fused multiply-add"),
    ("fmnist verify fashion_mnist.model", "that your own run resumes exactly"),
]))]
pub(crate) struct Args {
    /// Model file of a run, or directory of checkpoints
    model: Option<PathBuf>,

    /// With a model: epochs to train, twice [default: as many as the file has, at most 10]
    #[arg(long, value_name = "N", requires = "model")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000))]
    epochs: Option<u64>,

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
    match view.checks.iter().find(|check| !check.is_as_expected()) {
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

/// The warning that the default run of synthetic garments takes the place of that of Fashion-MNIST.
const SYNTHETIC_NOTICE: &str = "the default run of synthetic garments is checked instead";

/// The most epochs that a saved run is trained by default, so that it does not take very long.
const MAX_DEFAULT_EPOCHS: u64 = 10;

/// Trains the default run.
fn default_run(args: &Args, console: &mut Console) -> anyhow::Result<VerifyView> {
    let options = Options {
        places: PlaceOptions { data_dir: args.data_dir.clone(), threads: args.threads },
        training: TrainingOptions { arithmetic: args.arithmetic, ..TrainingOptions::default() },
        ..Options::default()
    };
    let source = new_run::plan(&options)?;
    let threads = data::threads(args.threads)?;
    let dataset = data::obtain_or_draw(&source, SYNTHETIC_NOTICE, console)?;
    let NewRun { model, state, n_validation, epochs, .. } =
        new_run::run(&options, None, &dataset, console)?;
    let Dataset { train, info: dataset, .. } = dataset;
    let (train, held_out) = fmnist::hold_out(train, n_validation, &state.config)?;
    let n_threads = threads.count();
    let arithmetic = state.config.arithmetic;
    console.message(&format!("training the default run: {}", count(epochs, "epoch")));
    let mut trainer = Trainer::from_parts(model, state, ModelInfo::default(), threads)?;
    trainer.fit(&train, Some(&held_out), epochs)?;
    let view = trainer.checkpoint();
    let found = [view.state_sha256()?, view.weights_sha256()];
    let published = PUBLISHED.iter().find(|it| (it.0, it.1) == (dataset.name, arithmetic));
    let (_, _, published) = published.context("there is a published run for this data")?;
    let checks: Vec<Check> = ["state_sha256", "weights_sha256"]
        .into_iter()
        .zip(*published)
        .zip(found)
        .map(|((what, expected), found)| Check { what, expected: expected.into(), found })
        .collect();
    let what = match dataset.name {
        DatasetName::Synthetic => "as published for synthetic garments",
        _ => "as published",
    };
    Ok(VerifyView {
        run: "the default run".into(),
        dataset: dataset.name.to_string(),
        epochs,
        stopped_early: false,
        stops: 0,
        arithmetic: arithmetic.name(),
        instruction_set: InstructionSet::current().name(),
        threads: n_threads,
        as_expected: checks.iter().all(Check::is_as_expected),
        checks,
        reproduced: None,
        conclusion: vec![format!("{what}: this machine computes the same bits")],
    })
}

/// Trains the run of a file twice.
fn saved_run(args: &Args, path: &Path, console: &mut Console) -> anyhow::Result<VerifyView> {
    let (name, checkpoint) = bundled::load_newest(Some(path), console)?;
    let state = checkpoint.training.as_ref().ok_or(fmnist::Error::ForInference);
    let state = state.with_context(|| name.clone())?;
    let (arithmetic, progress) = (state.config.arithmetic, state.progress);
    if !arithmetic.choose() {
        let (set, needed) = (InstructionSet::current().name(), arithmetic.name());
        return Err(Usage::error(format!(
            "{name}: the run needs {needed} arithmetic, which the instruction set {set} does not have; verify it on \
             another processor"
        )));
    }
    let source = data::source_of(&checkpoint.info, args.data_dir.as_deref(), Some(path), &name)?;
    let threads = data::threads(args.threads)?;
    let dataset = data::obtain(&source, console)?;
    let dataset_name = Outside::from(&dataset.info.title()).to_string();
    let epochs = args.epochs.unwrap_or(progress.epoch.clamp(1, MAX_DEFAULT_EPOCHS));
    console.message(&format!("training the run of {name}: {}, twice", count(epochs, "epoch")));
    let rerun = Rerun::new(&checkpoint, dataset, &threads, epochs).with_context(|| name.clone())?;
    let check = Check { what: "state_sha256", expected: rerun.uninterrupted, found: rerun.resumed };
    let mut conclusion = vec!["the same without a stop: this run resumes exactly".to_owned()];
    conclusion.extend(comparison(rerun.reproduced, progress));
    Ok(VerifyView {
        run: name,
        dataset: dataset_name,
        epochs: rerun.epochs,
        stopped_early: rerun.stopped_early,
        stops: rerun.stops,
        arithmetic: arithmetic.name(),
        instruction_set: InstructionSet::current().name(),
        threads: threads.count(),
        as_expected: check.is_as_expected(),
        checks: vec![check],
        reproduced: rerun.reproduced,
        conclusion,
    })
}

/// Whether a rerun ended in the state of its file, which has this progress, in words.
fn comparison(reproduced: Option<bool>, progress: Progress) -> Vec<String> {
    let Progress { epoch, batch, .. } = progress;
    match reproduced {
        Some(true) => vec!["the same as in the file: this run was reproduced".into()],
        Some(false) => vec![
            "not the state in the file: its run began with other weights, its learning rate".into(),
            "or arithmetic was changed, or another version of fmnist trained it".into(),
        ],
        None if batch > 0 => {
            vec!["not compared with the file, which was saved within an epoch".into()]
        }
        None => vec![format!(
            "not compared with the file, which has {}: for that, give --epochs {epoch}",
            count(epoch, "epoch")
        )],
    }
}

/// What was trained, and its checksums.
#[derive(Serialize)]
struct VerifyView {
    run: String,
    dataset: String,
    epochs: u64,
    stopped_early: bool,
    /// How often the run was stopped and resumed.
    stops: usize,
    arithmetic: &'static str,
    instruction_set: &'static str,
    threads: usize,
    checks: Vec<Check>,
    /// Whether all checksums are as expected.
    as_expected: bool,
    /// Whether this is the state in the file; `null` if it was not compared.
    reproduced: Option<bool>,
    /// The lines to print if all checksums are as expected.
    #[serde(skip)]
    conclusion: Vec<String>,
}

#[derive(Serialize)]
struct Check {
    what: &'static str,
    expected: String,
    found: String,
}

impl Check {
    fn is_as_expected(&self) -> bool {
        self.expected == self.found
    }
}

impl View for VerifyView {
    fn text(&self) -> String {
        let early = if self.stopped_early { " (stopped early)" } else { "" };
        let epochs = count(self.epochs, "epoch");
        let mut parts = vec![format!("{}: {epochs}{early} of {}", self.run, self.dataset)];
        if self.stops > 0 {
            parts.push(format!("stopped and resumed {}", count(self.stops as u64, "time")));
        }
        parts.push(format!("{} arithmetic", self.arithmetic));
        parts.push(self.instruction_set.into());
        parts.push(count(self.threads as u64, "thread"));
        let mut text = filled(&parts, ",", 0);
        for Check { what, found, .. } in &self.checks {
            text += &format!("\n{what:<14}  {found}");
        }
        if self.as_expected {
            self.conclusion.iter().for_each(|line| text += &format!("\n{line}"));
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
            stopped_early: false,
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
            as_expected: found == "aa",
            reproduced: None,
            conclusion: vec!["as published".into()],
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
