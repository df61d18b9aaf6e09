//! Describes the settings of a run that differ from the defaults.

use nn_core::Loss;
use nn_train::{Clip, Monitor, RunConfig, Shuffle};

use crate::text::count;

/// Such as `label smoothing 0.1`, `flips`, `weights averaged by 0.999`; empty if all are defaults.
pub(crate) fn parts(config: &RunConfig) -> Vec<String> {
    let default = RunConfig::default();
    let mut parts: Vec<String> = Vec::new();
    match config.loss {
        Loss::CrossEntropy { smoothing: 0.0 } => {}
        Loss::CrossEntropy { smoothing } => parts.push(format!("label smoothing {smoothing}")),
        Loss::Focal { gamma } => parts.push(format!("focal loss, gamma {gamma}")),
        other => parts.push(other.name().replace('_', " ")),
    }
    if !config.class_weights.is_empty() {
        parts.push("classes weighted".into());
    }
    if let Some(penalty) = config.penalties.first() {
        let names = ["L1", "L2", "L1 of biases", "L2 of biases"];
        let given = names.iter().zip(penalty.settings()).filter(|(_, (_, value))| *value > 0.0);
        parts.extend(given.map(|(name, (_, value))| format!("{name} {value}")));
    }
    if config.accumulation > 1 {
        parts.push(format!("{} batches a step", config.accumulation));
    }
    if config.shuffle == Shuffle::Once {
        parts.push("shuffled once".into());
    }
    let augment = config.augment;
    if augment.flip {
        parts.push("flips".into());
    }
    if augment.shift > 0 {
        parts.push(format!("shifts of up to {}", count(augment.shift as u64, "pixel")));
    }
    if augment.cutout > 0 {
        parts.push(format!("squares of {} cut out", count(augment.cutout as u64, "pixel")));
    }
    if config.tta_flip {
        parts.push("predictions averaged with mirror images".into());
    }
    let frozen = config.frozen.iter().filter(|&&is_frozen| is_frozen).count();
    if frozen > 0 {
        parts.push(format!("{frozen} of {} dense layers frozen", config.frozen.len()));
    }
    match config.clip {
        None => {}
        Some(Clip::Norm(norm)) => parts.push(format!("gradients clipped to the norm {norm}")),
        Some(Clip::Value(value)) => parts.push(format!("gradients clipped at {value}")),
    }
    if let Some(decay) = config.averaging {
        parts.push(format!("weights averaged by {decay}"));
    }
    if config.keep_best {
        parts.push("best epoch kept".into());
    }
    if let Some(stop) = config.early_stop {
        parts.push(format!("stops after {} without a better one", count(stop.patience, "epoch")));
    }
    if config.monitor == Monitor::Accuracy && *config != default {
        parts.push("best by accuracy".into());
    }
    if config.init != default.init {
        parts.push(format!("initialised by {}", config.init.name()));
    }
    if config.validates_on_test {
        parts.push("validated on the test set".into());
    }
    parts
}
