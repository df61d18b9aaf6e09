//! Describes the loss functions of a run, and the settings that differ from the defaults.

use nn_core::{Arithmetic, Loss};
use nn_train::{Clip, Monitor, RunConfig, Shuffle};
use serde::Serialize;

use crate::text::count;

/// The loss functions of a run.
#[derive(Serialize)]
pub(crate) struct Losses {
    /// The loss that training minimises, on the training images.
    train: String,
    /// The loss that evaluations measure, on held-out images and on the test set. It has no label smoothing, focus or
    /// class weights.
    evaluation: String,
}

impl Losses {
    pub(crate) fn of(config: &RunConfig) -> Self {
        let weights = (!config.class_weights.is_empty()).then(|| "class weights".to_owned());
        Self { train: name(config.loss, weights), evaluation: name(config.loss.plain(), None) }
    }

    /// The loss that evaluations measure, such as `plain cross-entropy`, if training minimises another.
    pub(crate) fn plain(&self) -> Option<String> {
        (self.train != self.evaluation).then(|| format!("plain {}", self.evaluation))
    }

    /// Describes both, if they differ.
    pub(crate) fn difference(&self) -> Option<[String; 2]> {
        let plain = self.plain()?;
        Some([
            format!("{} in training", self.train),
            format!("{plain} on held-out and test images"),
        ])
    }
}

/// Describes a loss function, such as `cross-entropy with label smoothing 0.1 and class weights`.
fn name(loss: Loss, weights: Option<String>) -> String {
    let (name, setting) = match loss {
        Loss::CrossEntropy { smoothing: 0.0 } => ("cross-entropy".into(), None),
        Loss::CrossEntropy { smoothing } => {
            ("cross-entropy".into(), Some(format!("label smoothing {smoothing}")))
        }
        Loss::Focal { gamma } => ("focal loss".into(), Some(format!("gamma {gamma}"))),
        other => (other.name().replace('_', " "), None),
    };
    let settings: Vec<String> = setting.into_iter().chain(weights).collect();
    if settings.is_empty() { name } else { format!("{name} with {}", settings.join(" and ")) }
}

/// Describes the settings that differ from the defaults, such as `flips` and `weights averaged with decay 0.999`. The
/// loss functions are in [`Losses`].
pub(crate) fn parts(config: &RunConfig) -> Vec<String> {
    let default = RunConfig::default();
    let mut parts: Vec<String> = Vec::new();
    if let Some(penalty) = config.penalties.first() {
        let names = ["L1", "L2", "L1 of biases", "L2 of biases"];
        let given = names.iter().zip(penalty.settings()).filter(|(_, (_, value))| *value > 0.0);
        parts.extend(given.map(|(name, (_, value))| format!("{name} {value}")));
    }
    if config.accumulation > 1 {
        parts.push(format!("{} batches per step", config.accumulation));
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
    if augment.rotate > 0.0 {
        parts.push(format!("rotations of up to {} degrees", augment.rotate));
    }
    if augment.zoom > 0.0 {
        parts.push(format!("sizes changed by up to {}", percent(augment.zoom)));
    }
    if augment.tone > 0.0 {
        parts.push(format!("brightness and contrast changed by up to {}", percent(augment.tone)));
    }
    if augment.noise > 0.0 {
        parts.push(format!("noise of up to {} of 255", augment.noise));
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
        Some(Clip::Norm(norm)) => parts.push(format!("gradients clipped to norm {norm}")),
        Some(Clip::Value(value)) => parts.push(format!("gradients clipped at {value}")),
    }
    if let Some(decay) = config.averaging {
        parts.push(format!("weights averaged with decay {decay}"));
    }
    if config.keep_best {
        parts.push("best epoch kept".into());
    }
    if let Some(stop) = config.early_stop {
        parts.push(format!("stops after {} without a better one", count(stop.patience, "epoch")));
    }
    if config.monitor == Monitor::Accuracy {
        parts.push("best epoch by accuracy".into());
    }
    if config.init != default.init {
        parts.push(format!("initialised by {}", config.init.name()));
    }
    if config.validates_on_test {
        parts.push("validated on the test set".into());
    }
    if config.arithmetic == Arithmetic::Plain {
        parts.push("plain arithmetic".into());
    }
    parts
}

/// A fraction as a percentage, such as `12.5 %`.
fn percent(fraction: f64) -> String {
    // Rounded, because 100 * 0.07 is 7.000000000000001.
    format!("{} %", (1e8 * fraction).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use nn_train::Augment;

    use super::*;

    #[test]
    fn augmentation_is_described() {
        let augment = Augment {
            flip: true,
            shift: 1,
            rotate: 10.0,
            zoom: 0.1,
            tone: 0.2,
            noise: 5.0,
            cutout: 8,
        };
        let expected = [
            "flips",
            "shifts of up to 1 pixel",
            "rotations of up to 10 degrees",
            "sizes changed by up to 10 %",
            "brightness and contrast changed by up to 20 %",
            "noise of up to 5 of 255",
            "squares of 8 pixels cut out",
        ];
        assert_eq!(parts(&RunConfig { augment, ..RunConfig::default() }), expected);
    }

    #[test]
    fn percentages() {
        let shown = [0.1, 0.07, 0.125, 1e-9].map(percent);
        assert_eq!(shown, ["10 %", "7 %", "12.5 %", "0 %"]);
    }

    #[test]
    fn losses_that_differ_are_named() {
        let differ = |loss, class_weights: &[f32]| {
            let class_weights = class_weights.to_vec();
            Losses::of(&RunConfig { loss, class_weights, ..RunConfig::default() }).difference()
        };
        let smoothed = |smoothing| Loss::CrossEntropy { smoothing };
        assert_eq!(differ(smoothed(0.0), &[]), None);
        assert_eq!(differ(Loss::MeanSquaredError, &[]), None);
        for (loss, weights, expected) in [
            (smoothed(0.1), &[][..], "cross-entropy with label smoothing 0.1"),
            (smoothed(0.1), &[1.0], "cross-entropy with label smoothing 0.1 and class weights"),
            (smoothed(0.0), &[1.0], "cross-entropy with class weights"),
            (Loss::Focal { gamma: 2.0 }, &[], "focal loss with gamma 2"),
        ] {
            let plain = "plain cross-entropy on held-out and test images";
            assert_eq!(
                differ(loss, weights),
                Some([format!("{expected} in training"), plain.into()])
            );
        }
    }
}
