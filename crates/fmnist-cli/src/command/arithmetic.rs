//! Selects the arithmetic of a run, before its data are loaded. If the instruction set lacks it, the error says what to
//! do, which differs between a new run and a resumed one.

use nn_core::{Arithmetic, InstructionSet};

use crate::exit::Usage;

/// Selects the arithmetic of a new run.
pub(super) fn of_new_run(arithmetic: Arithmetic) -> anyhow::Result<()> {
    if arithmetic.choose() {
        return Ok(());
    }
    let (set, name) = (InstructionSet::current().name(), arithmetic.name());
    Err(Usage::error(format!(
        "--arithmetic: expected plain, since the instruction set {set} has no fused multiply-add, found {name}"
    )))
}

/// Selects the arithmetic of the run in `file`: the `given` one, otherwise the `saved` one.
pub(super) fn of_resumed_run(
    file: &str,
    saved: Arithmetic,
    given: Option<Arithmetic>,
) -> anyhow::Result<()> {
    if let Some(given) = given {
        return of_new_run(given);
    }
    if saved.choose() {
        return Ok(());
    }
    let (set, name) = (InstructionSet::current().name(), saved.name());
    Err(Usage::error(format!(
        "{file}: the run needs {name} arithmetic, which the instruction set {set} does not have; to continue in plain \
         arithmetic, add --arithmetic plain; the result is as good, but not bit-for-bit identical"
    )))
}
