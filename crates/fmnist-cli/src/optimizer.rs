//! How an optimizer is shown: its kind and its settings, as text and as JSON.

use nn_optim::{AdagradConfig, AdamConfig, AdamWConfig, OptimizerConfig, RmsPropConfig, SgdConfig};
use serde_json::{Value, json};

/// As `SGD, Nesterov momentum 0.9`.
pub(crate) fn text(config: &OptimizerConfig) -> String {
    match *config {
        OptimizerConfig::Sgd(SgdConfig { momentum: 0.0, .. }) => "SGD".into(),
        OptimizerConfig::Sgd(SgdConfig { momentum, nesterov }) => {
            format!("SGD, {}momentum {momentum}", if nesterov { "Nesterov " } else { "" })
        }
        OptimizerConfig::Adagrad(AdagradConfig { epsilon }) => {
            format!("Adagrad, epsilon {epsilon}")
        }
        OptimizerConfig::RmsProp(RmsPropConfig { rho, epsilon }) => {
            format!("RMSprop, rho {rho}, epsilon {epsilon}")
        }
        OptimizerConfig::Adam(adam) => format!("Adam, {}", adam_text(&adam)),
        OptimizerConfig::AdamW(AdamWConfig { adam, weight_decay }) => {
            format!("AdamW, {}, weight decay {weight_decay}", adam_text(&adam))
        }
    }
}

fn adam_text(adam: &AdamConfig) -> String {
    let AdamConfig { beta_1, beta_2, epsilon } = adam;
    format!("beta {beta_1} and {beta_2}, epsilon {epsilon}")
}

/// As `{"momentum": 0.9, "nesterov": true}`, behind the kind.
pub(crate) fn to_json(config: &OptimizerConfig) -> Value {
    let kind = config.name();
    match *config {
        OptimizerConfig::Sgd(SgdConfig { momentum, nesterov }) => {
            json!({"kind": kind, "momentum": momentum, "nesterov": nesterov})
        }
        OptimizerConfig::Adagrad(AdagradConfig { epsilon }) => {
            json!({"kind": kind, "epsilon": epsilon})
        }
        OptimizerConfig::RmsProp(RmsPropConfig { rho, epsilon }) => {
            json!({"kind": kind, "rho": rho, "epsilon": epsilon})
        }
        OptimizerConfig::Adam(AdamConfig { beta_1, beta_2, epsilon }) => {
            json!({"kind": kind, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon})
        }
        OptimizerConfig::AdamW(AdamWConfig { adam, weight_decay }) => {
            let AdamConfig { beta_1, beta_2, epsilon } = adam;
            json!({
                "kind": kind,
                "beta_1": beta_1,
                "beta_2": beta_2,
                "epsilon": epsilon,
                "weight_decay": weight_decay,
            })
        }
    }
}
