//! Checks, before the data of a run are loaded, that the instruction set has the run's arithmetic. If not, the error says
//! what to do, which differs between a new run and a resumed one.

use fmnist::options;
use nn_core::{Arithmetic, InstructionSet};
use nn_train::TrainingState;

use crate::{exit::Usage, text::count};

/// Selects the arithmetic of a new run.
pub(super) fn of_new_run(arithmetic: Arithmetic) -> anyhow::Result<()> {
    if arithmetic.choose() { Ok(()) } else { Err(option_error(arithmetic)) }
}

/// Checks the arithmetic of the run in `file`: the `given` one, otherwise the `saved` one. The trainer selects it, since
/// the given one is ignored if no epoch is left.
pub(super) fn of_resumed_run(
    file: &str,
    saved: Arithmetic,
    given: Option<Arithmetic>,
) -> anyhow::Result<()> {
    let set = InstructionSet::current();
    match given {
        Some(given) if !set.has(given) => Err(option_error(given)),
        None if !set.has(saved) => Err(Usage::error(format!(
            "{file}: the run needs {} arithmetic, which the instruction set {} does not have; to continue in plain \
             arithmetic, add --arithmetic plain; the result is as good, but not bit-for-bit identical to that of an \
             uninterrupted run",
            saved.name(),
            set.name()
        ))),
        _ => Ok(()),
    }
}

/// Checks the arithmetic of a run with no epochs left, which the options do not change.
pub(super) fn of_complete_run(file: &str, state: &TrainingState) -> anyhow::Result<()> {
    let (set, arithmetic) = (InstructionSet::current(), state.config.arithmetic);
    if set.has(arithmetic) {
        return Ok(());
    }
    let epochs = state.progress.epoch;
    Err(Usage::error(format!(
        "{file}: already at {}, in {} arithmetic, which the instruction set {} does not have; give --epochs {} or more, \
         or use `fmnist evaluate {file}`",
        count(epochs, "epoch"),
        arithmetic.name(),
        set.name(),
        epochs + 1
    )))
}

/// The error of --arithmetic. [`super::LayeredOptions`] adds where the value comes from.
fn option_error(arithmetic: Arithmetic) -> anyhow::Error {
    let problem = format!(
        "expected plain, since the instruction set {} has no fused multiply-add, found {}; leave it out, or choose plain",
        InstructionSet::current().name(),
        arithmetic.name()
    );
    options::Error::Option { option: "arithmetic".into(), problem }.into()
}
