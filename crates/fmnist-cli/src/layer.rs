//! Shows a network as text, and a layer as JSON.

use nn_core::{Model, PlacedLayer};
use serde_json::{Value, json};

/// A summary of a network, such as `784-128-128-10, batch norm, silu, dropout`: the sizes of dense layers, then the
/// kinds of all other layers except ReLU and softmax.
pub(crate) fn architecture(model: &Model) -> String {
    let mut sizes = vec![model.inputs().to_string()];
    let mut kinds = Vec::new();
    for at in model.layers() {
        match at.layer.name() {
            "dense" => sizes.push(at.place.output.len().to_string()),
            "relu" | "softmax" => {}
            kind if kinds.contains(&kind) => {}
            kind => kinds.push(kind),
        }
    }
    let mut parts = vec![sizes.join("-")];
    parts.extend(kinds.into_iter().map(|kind| kind.replace('_', " ")));
    parts.join(", ")
}

/// A layer as JSON, such as `{"kind": "dropout", "rate": 0.2}`. A dense layer also has `inputs` and `outputs`.
pub(crate) fn to_json(at: &PlacedLayer) -> Value {
    let mut value = json!({"kind": at.layer.name()});
    if at.layer.name() == "dense" {
        value["inputs"] = at.place.input.len().into();
        value["outputs"] = at.place.output.len().into();
    }
    for (name, setting) in at.layer.settings() {
        value[name] = setting.into();
    }
    value
}
