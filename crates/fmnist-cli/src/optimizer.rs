//! How an optimizer is shown: its kind and its settings, as text and as JSON.

use nn_optim::{AdagradConfig, AdamConfig, AdamWConfig, OptimizerConfig, RmsPropConfig, SgdConfig};
use serde_json::{Value, json};

/// What one chooses, as `SGD, Nesterov momentum 0.9`.
pub(crate) fn brief(config: &OptimizerConfig) -> String {
    match *config {
        OptimizerConfig::Sgd(SgdConfig { momentum: 0.0, .. }) => "SGD".into(),
        OptimizerConfig::Sgd(SgdConfig { momentum, nesterov }) => {
            format!("SGD, {}momentum {momentum}", if nesterov { "Nesterov " } else { "" })
        }
        OptimizerConfig::Adagrad(_) => "Adagrad".into(),
        OptimizerConfig::RmsProp(_) => "RMSprop".into(),
        OptimizerConfig::Adam(adam) => format!("Adam{}", amsgrad(&adam)),
        OptimizerConfig::AdamW(AdamWConfig { adam, weight_decay }) => {
            format!("AdamW{}, weight decay {weight_decay}", amsgrad(&adam))
        }
    }
}

fn amsgrad(adam: &AdamConfig) -> &'static str {
    if adam.amsgrad { ", AMSGrad" } else { "" }
}

/// All settings, as `Adam, beta 0.9 and 0.999, epsilon 0.0000001`.
pub(crate) fn text(config: &OptimizerConfig) -> String {
    let brief = brief(config);
    match config {
        OptimizerConfig::Sgd(_) => brief,
        OptimizerConfig::Adagrad(AdagradConfig { epsilon }) => {
            format!("{brief}, epsilon {epsilon}")
        }
        OptimizerConfig::RmsProp(RmsPropConfig { rho, epsilon }) => {
            format!("{brief}, rho {rho}, epsilon {epsilon}")
        }
        OptimizerConfig::Adam(adam) | OptimizerConfig::AdamW(AdamWConfig { adam, .. }) => {
            let AdamConfig { beta_1, beta_2, epsilon, amsgrad: _ } = adam;
            format!("{brief}, beta {beta_1} and {beta_2}, epsilon {epsilon}")
        }
    }
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
        OptimizerConfig::Adam(AdamConfig { beta_1, beta_2, epsilon, amsgrad }) => {
            json!({
                "kind": kind,
                "beta_1": beta_1,
                "beta_2": beta_2,
                "epsilon": epsilon,
                "amsgrad": amsgrad,
            })
        }
        OptimizerConfig::AdamW(AdamWConfig { adam, weight_decay }) => {
            let AdamConfig { beta_1, beta_2, epsilon, amsgrad } = adam;
            json!({
                "kind": kind,
                "beta_1": beta_1,
                "beta_2": beta_2,
                "epsilon": epsilon,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
            })
        }
    }
}
