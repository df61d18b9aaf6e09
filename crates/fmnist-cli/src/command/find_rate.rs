//! `fmnist find-rate`: suggests a learning rate.

use std::{ops::Range, process::ExitCode};

use clap::Arg;
use fmnist::options::{
    DataOptions, LossOptions, NetworkOptions, OptimizerOptions, Options, PlaceOptions, SaveOptions,
    ScheduleOptions, TrainingOptions,
};
use nn_train::{RateLoss, find_rate, suggested_rate};
use serde::Serialize;

use super::{
    LayeredOptions, SettingsArgs,
    train::new_run::{self, NewRun},
};
use crate::{
    console::{Console, View},
    data, help,
    text::{self, rounded},
};

/// The maximum number of rows in the table.
const ROWS: usize = 20;

/// The number of runs whose losses are averaged.
const RUNS: u64 = 5;

/// The header of the table.
const HEAD: &str = "learning rate    loss";

/// The length of the longest bar, in columns.
const BAR: f64 = 40.0;

/// The options that help lists: the command's own, and the settings of a run that affect its learning rate most.
const LISTED: [&str; 11] = [
    "steps",
    "from",
    "to",
    "data_dir",
    "dataset",
    "batch_size",
    "hidden",
    "norm",
    "optimizer",
    "preset",
    "config",
];

/// Find the learning rate for a network and an optimizer
///
/// Starts five runs with different initial weights and batches, and trains each for some steps at rates that rise from
/// very low to very high. Prints their mean loss at each rate. Suggests the rate at which the loss has fallen nine tenths
/// of the way to its lowest value. Nothing is saved.
#[derive(Debug, clap::Args)]
#[command(mut_args = hide_others, after_help = help::examples(&[
    ("fmnist find-rate", "for the default network"),
    ("fmnist find-rate --hidden 512,512 --norm batch", "for another network"),
    ("fmnist find-rate --optimizer sgd --to 100", "for another optimizer"),
]) + "\n\nThe other settings of `fmnist train` are accepted as well.")]
pub(crate) struct Args {
    /// Steps of each run
    #[arg(long, value_name = "N", default_value_t = 300)]
    #[arg(value_parser = clap::value_parser!(u64).range(10..=100_000))]
    steps: u64,

    /// Lowest rate
    #[arg(long, value_name = "RATE", default_value_t = 1e-6)]
    from: f64,

    /// Highest rate
    #[arg(long, value_name = "RATE", default_value_t = 10.0)]
    to: f64,

    #[command(flatten)]
    places: PlaceOptions,

    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    network: NetworkOptions,

    #[command(flatten)]
    training: TrainingOptions,

    #[command(flatten)]
    loss: LossOptions,

    #[command(flatten)]
    optimizer: OptimizerOptions,

    #[command(flatten)]
    schedule: ScheduleOptions,

    #[command(flatten)]
    settings: SettingsArgs,
}

/// Hides all other settings of a run from help.
fn hide_others(arg: Arg) -> Arg {
    let is_listed = LISTED.iter().any(|id| arg.get_id() == id);
    arg.hide(!is_listed)
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let Args { steps, from, to, settings, .. } = args;
    let Args { places, data, network, training, loss, optimizer, schedule, .. } = args;
    let saves = SaveOptions::default();
    let given = Options { places, saves, data, network, training, loss, optimizer, schedule };
    let layered = LayeredOptions::new(&given, &settings)?;
    let found = find(&layered.options, from..to, steps, console);
    let found = found.map_err(|error| layered.explain(error))?;
    let suggested = suggested_rate(&found);
    let row = |&RateLoss { learning_rate, loss }: &RateLoss| {
        let is_suggested = suggested == Some(learning_rate);
        Row { learning_rate, loss, is_suggested }
    };
    console.show(&Rates { suggested, losses: found.iter().map(row).collect(), from })?;
    Ok(ExitCode::SUCCESS)
}

/// Trains at rising learning rates, and returns the mean loss at each.
fn find(
    options: &Options,
    rates: Range<f64>,
    steps: u64,
    console: &mut Console,
) -> anyhow::Result<Vec<RateLoss>> {
    let source = new_run::plan(options)?;
    let threads = data::threads(options.places.threads)?;
    let dataset =
        data::obtain(&source, console).map_err(|error| data::suggest_kind(error, &source))?;
    let seed = options.training.seed.unwrap_or_default();
    // The first run is the one that `train` would start. The seeds of the others are far from those that users choose.
    let run = |number: u64| {
        let mut options = options.clone();
        options.training.seed = Some(seed ^ number << 48);
        new_run::run(&options, None, &dataset, console)
    };
    let runs = (0..RUNS).map(run).collect::<Result<Vec<_>, _>>()?;
    let Some(NewRun { state, n_validation, scaling, .. }) = runs.first() else {
        unreachable!("there is a first run")
    };
    let (train, _) = fmnist::hold_out(dataset.train, *n_validation, &state.config)?;
    let train = fmnist::samples(&train, *scaling)?;
    let runs = runs.into_iter().map(|NewRun { model, state, .. }| (model, state)).collect();
    let found = find_rate(runs, &train, rates, steps, &threads);
    Ok(found.map_err(fmnist::options::Error::of_run)?)
}

/// The mean losses at rising learning rates.
#[derive(Serialize)]
struct Rates {
    suggested: Option<f64>,
    losses: Vec<Row>,
    #[serde(skip)]
    from: f64,
}

#[derive(Serialize)]
struct Row {
    learning_rate: f64,
    loss: f64,
    /// True for at most one row; not in JSON if false.
    #[serde(rename = "suggested", skip_serializing_if = "std::ops::Not::not")]
    is_suggested: bool,
}

impl View for Rates {
    fn head(&self) -> Option<String> {
        Some(HEAD.into())
    }

    fn text(&self) -> String {
        let suggestion = match self.suggested {
            Some(rate) => format!("suggested: --learning-rate {}", rounded(rate)),
            None => {
                let from = self.from;
                format!("no rate suggested: the loss is lowest at {from}; try a lower --from")
            }
        };
        format!("{}\n\n{suggestion}", table(&self.losses))
    }
}

/// The losses as a table with bars. If there are many, it shows only every nth one, but always the suggested one.
fn table(found: &[Row]) -> String {
    // Bars are cut off above 1.2 times the first loss, since the last losses can be far higher.
    let most = 1.2 * found.first().map_or(1.0, |first| first.loss);
    let every = found.len().div_ceil(ROWS).max(1);
    let suggested = found.iter().position(|row| row.is_suggested).unwrap_or_default();
    let mut lines = vec![HEAD.to_owned()];
    for row in found.iter().skip(suggested % every).step_by(every) {
        let width = (row.loss / most).clamp(0.0, 1.0) * BAR;
        let mark = if row.is_suggested { "  suggested" } else { "" };
        let bar = "#".repeat(width.round() as usize);
        lines.push(format!(
            "{:>13.2e}  {:>6}  {bar}{mark}",
            row.learning_rate,
            text::loss(row.loss)
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever its place, the suggested row is in the table, once and with its mark.
    #[test]
    fn the_suggested_row_is_marked() {
        for n in [1, 20, 21, 300, 1234] {
            for suggested in [0, n / 3, n - 1] {
                let row = |i: usize| Row {
                    learning_rate: (i + 1) as f64,
                    loss: 1.0,
                    is_suggested: i == suggested,
                };
                let table = table(&(0..n).map(row).collect::<Vec<_>>());
                let marked: Vec<&str> =
                    table.lines().filter(|it| it.ends_with("suggested")).collect();
                let rate = format!("{:.2e} ", (suggested + 1) as f64);
                assert!(marked.len() == 1 && marked[0].trim_start().starts_with(&rate), "{table}");
                assert!(table.lines().count() <= ROWS + 1, "{table}");
            }
        }
    }
}
