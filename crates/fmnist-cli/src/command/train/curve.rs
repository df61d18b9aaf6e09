//! The history of a run as a line of blocks, drawn at the end on a terminal.

use nn_train::EpochRecord;

use crate::text::loss;

/// The blocks, from the lowest value to the highest.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The most blocks of a line. Those of a longer history stand for several epochs.
const MAX_BLOCKS: usize = 48;

/// The loss and accuracy by epoch: on the held-out images, or else on the training images. Empty with fewer than two epochs.
pub(super) fn of(history: &[EpochRecord]) -> String {
    if history.len() < 2 {
        return String::new();
    }
    let what = match history.iter().any(|record| record.validation.is_some()) {
        true => "held-out",
        false => "training",
    };
    let line = |name: &str, value: fn(&EpochRecord) -> f64, text: fn(f64) -> String| {
        let values: Vec<f64> = history.iter().map(value).collect();
        let [first, last] = [values[0], values[values.len() - 1]].map(text);
        format!("{what} {name:<8}  {first:>6} {} {last:<6}\n", blocks(&values))
    };
    let losses = line("loss", |record| record.monitored_metrics().loss, loss);
    let accuracies = line(
        "accuracy",
        |record| record.monitored_metrics().accuracy,
        |accuracy| format!("{accuracy:.4}"),
    );
    format!("\n{losses}{accuracies}")
}

/// A block for each value, or for the mean of some neighbours.
fn blocks(values: &[f64]) -> String {
    let chunks = values.chunks(values.len().div_ceil(MAX_BLOCKS).max(1));
    let means: Vec<f64> =
        chunks.map(|chunk| chunk.iter().sum::<f64>() / chunk.len() as f64).collect();
    let finite = || means.iter().copied().filter(|mean| mean.is_finite());
    let (low, high) = (finite().fold(f64::MAX, f64::min), finite().fold(f64::MIN, f64::max));
    let block = |&mean: &f64| match mean.is_finite() && high > low {
        true => BLOCKS[((mean - low) / (high - low) * 7.0).round() as usize],
        false => BLOCKS[0],
    };
    means.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_blocks() {
        assert_eq!(blocks(&[8.0, 1.0, 2.0, f64::NAN, 4.5]), "█▁▂▁▅");
        assert_eq!(blocks(&[3.0, 3.0]), "▁▁");
        let many: Vec<f64> = (0..1000).map(f64::from).collect();
        let line = blocks(&many);
        assert!(line.chars().count() <= MAX_BLOCKS && line.starts_with('▁') && line.ends_with('█'));
    }
}
