//! The settings of a saved run.

use fmnist::options::{Options, SavedRun};
use nn_io::Checkpoint;
use nn_train::{Progress, TrainingState};

/// The options of `fmnist train` that give the run; `None` if the file is for inference only.
pub(crate) fn of(checkpoint: &Checkpoint) -> Option<Options> {
    let Checkpoint { model, info, training } = checkpoint;
    let state = training.as_ref()?;
    let n_batches = batches_of_an_epoch(state);
    let mut settings = Options::of(SavedRun { model, state, info }, n_batches);
    if n_batches.is_some() {
        // An epoch in progress counts as well.
        let Progress { epoch, batch, .. } = state.progress;
        settings.data.epochs.get_or_insert(epoch + u64::from(batch > 0));
    }
    Some(settings)
}

/// The number of batches in an epoch, if one is complete.
pub(crate) fn batches_of_an_epoch(training: &TrainingState) -> Option<u64> {
    let TrainingState { optimizer, progress, .. } = training;
    let n_batches = optimizer.step().saturating_sub(progress.batch).checked_div(progress.epoch);
    n_batches.filter(|&n_batches| n_batches > 0)
}
