//! `fmnist calibrate`: measures when the answers of a model are sure, and stores that in its file.

use std::{path::PathBuf, process::ExitCode};

use anyhow::anyhow;
use fmnist::Reliability;
use nn_io::{Checkpoint, OutputFile, Saved};
use serde::Serialize;

use super::warn_of_rename;
use crate::{
    bundled,
    console::{Console, View},
    data, help,
    outside::Outside,
    text::thousands,
};

/// Make a model say when it is not sure
///
/// Measures on the held-out images which pictures are unlike the training images, and how far confidences are off. The model
/// file keeps this until the run is resumed, and `predict` uses it.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist calibrate fashion_mnist.model", "of a model that `train` saved"),
    ("fmnist predict fashion_mnist.model cat.jpg", "not sure (unlike the training images)"),
    ("fmnist evaluate fashion_mnist.model", "how far confidences are off"),
]))]
pub(crate) struct Args {
    /// Model file that training saved
    model: PathBuf,

    /// Directory of the dataset [default: found or downloaded]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let name = Outside::from(&args.model);
    // Claimed before it is loaded, so that no run saves a later state meanwhile. A file that is no model is refused first.
    Checkpoint::load(&args.model)?;
    let mut output = OutputFile::claim(args.model.clone())?;
    let mut checkpoint = bundled::load(Some(&args.model))?;
    let (dir, path) = (args.data_dir.as_deref(), Some(args.model.as_path()));
    let source = data::source_of(&checkpoint.info, dir, path, &name.to_string())?;
    let dataset = data::obtain(&source, console)?;
    data::check_fits(&name.to_string(), &checkpoint.info, &dataset, console)?;
    let has_own_validation = dataset.info.n_validation.is_some();
    let reliability = fmnist::calibrate(&mut checkpoint, dataset.train).map_err(|error| {
        match error {
            // Such data refuse --validation, which the error recommends.
            fmnist::Error::TooFewHeldOut { expected, found } if has_own_validation => {
                anyhow!(
                    "{name}: expected {expected} or more images in the dataset's own validation set, found {found}; \
                     add images to it, and train again"
                )
            }
            error => anyhow::Error::new(error).context(name.to_string()),
        }
    })?;
    let Saved { set_aside, .. } = output.save(&checkpoint.view())?;
    set_aside.iter().for_each(|it| warn_of_rename(it, console));
    let temperature =
        checkpoint.info.decision.as_ref().map_or(1.0, |decision| decision.temperature);
    let Reliability { error_before, error, rejected } = reliability;
    console.show(&Calibrated {
        model: name,
        held_out: checkpoint.info.n_validation,
        temperature,
        calibration_error_before: error_before,
        calibration_error: error,
        rejected,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What was measured on the held-out images.
#[derive(Serialize)]
struct Calibrated {
    model: Outside,
    held_out: usize,
    temperature: f64,
    calibration_error_before: f64,
    calibration_error: f64,
    rejected: f64,
}

impl View for Calibrated {
    fn text(&self) -> String {
        let Self { model, held_out, temperature, calibration_error_before: before, .. } = self;
        format!(
            "{model}: temperature {temperature:.3}; on {} held-out images, the calibration error is {:.4} \
             (before: {before:.4}), and {:.1} % are not sure",
            thousands(*held_out as u64),
            self.calibration_error,
            100.0 * self.rejected
        )
    }
}
