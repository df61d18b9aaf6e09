//! Shows an optimizer as JSON.

use nn_optim::{OptimizerConfig, Setting};
use serde_json::{Value, json};

/// An optimizer as JSON, such as `{"kind": "sgd", "momentum": 0.9, "nesterov": true}`.
pub(crate) fn to_json(config: &OptimizerConfig) -> Value {
    let description = config.description();
    let mut value = json!({"kind": description.name});
    for (name, setting) in description.settings {
        value[name] = setting_json(setting);
    }
    value
}

/// The value of a setting, without its unit.
pub(crate) fn setting_json(setting: Setting) -> Value {
    match setting {
        Setting::Real(number) => number.into(),
        Setting::Flag(flag) => flag.into(),
        Setting::Steps(n) | Setting::Epochs(n) => n.into(),
    }
}
