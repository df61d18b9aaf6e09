//! `fmnist report`: a web page about one or more models.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

use anyhow::Context as _;
use fmnist::{Checkpoint, Split, Threads};
use fmnist_report::{Page, Subject};

use super::evaluate::SplitName;
use crate::{
    bundled, console::Console, data, exit::Usage, help, outside::Outside, own::OwnFile, settings,
    text::thousands,
};

/// Write a web page about a model, or a comparison of several
///
/// One HTML file that needs no network: learning curves, the confusion matrix with its pictures, the scores of each class,
/// calibration, the worst mistakes, labels that look wrong, the weights of the first layer, and the recipe of the run.
///
/// Several models are compared: their curves, the settings that differ, and the images to which they give different answers.
/// All of them must fit the dataset of the first.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist report fashion_mnist.model", "writes report.html"),
    ("fmnist report old.model new.model -o both.html", "compares two models"),
    ("fmnist train --report report.html", "at the end of a run"),
]))]
pub(crate) struct Args {
    /// Model files, or directories of checkpoints [default: the built-in model]
    models: Vec<PathBuf>,

    /// HTML file to write
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,

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

/// The most models of a page.
const MAX_MODELS: usize = 16;

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let Args { models, output, split, data_dir, threads } = args;
    OwnFile::Html.check(&output).context("--output")?;
    if models.len() > MAX_MODELS {
        let found = models.len();
        return Err(Usage::error(format!("expected at most {MAX_MODELS} models, found {found}")));
    }
    let paths: Vec<Option<&Path>> = match models.as_slice() {
        [] => vec![None],
        paths => paths.iter().map(|path| Some(path.as_path())).collect(),
    };
    let load = |path: &Option<&Path>| bundled::load_newest(*path, console);
    let loaded = paths.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    let (name, first) = &loaded[0];
    let source = data::source_of(&first.info, data_dir.as_deref(), paths[0], name)?;
    let threads = data::threads(threads)?;
    let dataset = data::obtain(&source, console)?;
    for (name, checkpoint) in &loaded {
        data::check_fits(name, &checkpoint.info, &dataset, console)
            .with_context(|| name.clone())?;
        warn_of_arithmetic(name, checkpoint, console);
    }
    let (images, what) = match split {
        SplitName::Test => (&dataset.test, "test"),
        SplitName::Train => (&dataset.train, "training"),
    };
    let loaded = loaded.into_iter();
    let subjects = loaded.map(|(name, checkpoint)| subject(&name, checkpoint, images, &threads));
    let subjects = subjects.collect::<anyhow::Result<Vec<_>>>()?;
    write(&output, what, &subjects, images)?;
    console.message(&format!("the report is in {}; open it in a browser", Outside::from(&output)));
    Ok(ExitCode::SUCCESS)
}

/// Warns if a model of a run is not evaluated in the run's arithmetic, because the first model has the other one.
fn warn_of_arithmetic(name: &str, checkpoint: &Checkpoint, console: &Console) {
    let Some(state) = &checkpoint.training else { return };
    if !state.config.arithmetic.choose() {
        console.warning(&format!(
            "{name}: evaluated in the arithmetic of the first model, so the last digits differ from those of its run"
        ));
    }
}

/// A model with its answers and its settings.
pub(super) fn subject(
    name: &str,
    checkpoint: Checkpoint,
    split: &Split,
    threads: &Threads,
) -> anyhow::Result<Subject> {
    let settings = settings::of(&checkpoint).map_or_else(Vec::new, |settings| settings.listed());
    Subject::new(name, checkpoint, settings, split, threads).with_context(|| name.to_owned())
}

/// Writes the page about models, whose answers are to these images: the "test" or "training" images of a dataset.
pub(super) fn write(
    path: &Path,
    what: &str,
    subjects: &[Subject],
    split: &Split,
) -> anyhow::Result<()> {
    let title = Outside::from(&split.dataset.title());
    let images = format!("{} {what} images of {title}", thousands(split.len() as u64));
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let made = now.replace('T', " ").replace('Z', " UTC");
    let page = Page { images: &images, made: &made, subjects, split }.html()?;
    OwnFile::Html.write(path, page.into_bytes())
}
