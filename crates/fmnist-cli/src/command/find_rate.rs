//! `fmnist find-rate`: suggests a learning rate.

use std::{path::PathBuf, process::ExitCode};

use nn_train::{RateLoss, Threads, find_rate, suggested_rate};
use serde_json::json;

use super::train::{
    Preset, Settings, by_option,
    new_run::{self, Run},
};
use crate::{
    console::Console,
    data::{self, LabelledImages},
    text::{loss, rounded},
};

/// Rows of the table.
const ROWS: usize = 20;

/// Columns of the longest bar.
const BAR: f64 = 40.0;

/// Find the learning rate for a network and an optimizer
///
/// Trains for some steps at rates that rise from very low to very high, prints the loss at each, and suggests a tenth
/// of the rate at which it was lowest, if it fell. Nothing is saved. Example: fmnist find-rate --norm batch
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Steps to take
    #[arg(long, value_name = "N", default_value_t = 300)]
    #[arg(value_parser = clap::value_parser!(u64).range(10..=100_000))]
    steps: u64,

    /// The lowest rate
    #[arg(long, value_name = "RATE", default_value_t = 1e-6)]
    from: f64,

    /// The highest rate
    #[arg(long, value_name = "RATE", default_value_t = 10.0)]
    to: f64,

    /// Threads to use; the number does not change the result [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// Use settings that are built into the program; command-line options override them
    #[arg(long, value_enum)]
    preset: Option<Preset>,

    /// Read settings from this TOML file, as `train --print-config` writes it; command-line options override them
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The directory of the dataset [env: FMNIST_DATA_DIR, for Fashion-MNIST only]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let Args { steps, from, to, threads, preset, config, data_dir, settings } = args;
    let settings = settings.over(config.as_deref(), preset)?;
    let source = settings.source(data_dir.as_deref())?;
    let dataset = data::obtain(&source, console)?;
    let (Run { model, state }, n_validation) = new_run::run(&settings, None, &dataset, console)?;
    let images = LabelledImages::new(&dataset.train, nn_core::Scaling::default());
    let n_fit = dataset.train.labels.len().saturating_sub(n_validation).max(1);
    let (train, _) = images.samples()?.split_at(n_fit);
    let threads = Threads::new(data::threads(threads))?;
    let found =
        find_rate(model, state, &train, from..to, steps, &threads).map_err(
            |error| match error {
                nn_train::Error::Config(_) => by_option(error),
                other => other.into(),
            },
        )?;
    let suggested = suggested_rate(&found);
    console.result(
        || {
            let suggestion = match suggested {
                Some(rate) => format!("suggested: --learning-rate {}", rounded(rate)),
                None => {
                    format!("no rate suggested: the loss rose from {from} on; try a lower --from")
                }
            };
            format!("{}\n\n{suggestion}", table(&found))
        },
        || {
            let losses: Vec<_> = found
                .iter()
                .map(|it| json!({"learning_rate": it.learning_rate, "loss": it.loss}))
                .collect();
            json!({"suggested": suggested, "losses": losses})
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The losses as a table with bars, the lowest of them marked.
fn table(found: &[RateLoss]) -> String {
    let lowest = found.iter().map(|it| it.loss).fold(f64::INFINITY, f64::min);
    // What the first steps came to: beyond, bars are cut.
    let most = 1.2 * found.first().map_or(1.0, |first| first.loss);
    let step = found.len().div_ceil(ROWS).max(1);
    let mut lines = vec!["learning rate    loss".to_owned()];
    for rows in found.chunks(step) {
        let Some(last) = rows.last() else { continue };
        let width = (last.loss / most).clamp(0.0, 1.0) * BAR;
        let has_lowest = rows.iter().any(|it| it.loss == lowest);
        let mark = if has_lowest { "  lowest" } else { "" };
        let bar = "#".repeat(width.round() as usize);
        lines.push(format!("{:>13.2e}  {:>6}  {bar}{mark}", last.learning_rate, loss(last.loss)));
    }
    lines.join("\n")
}
