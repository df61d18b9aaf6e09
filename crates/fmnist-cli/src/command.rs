//! The commands, one module each.

pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod find_rate;
pub(crate) mod inspect;
pub(crate) mod predict;
pub(crate) mod train;

use nn_train::Metrics;
use serde_json::{Value, json};

fn metrics_json(metrics: &Metrics) -> Value {
    json!({"loss": metrics.loss, "accuracy": metrics.accuracy})
}
