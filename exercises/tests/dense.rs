//! The dense layer against nn-core's.

use exercises::dense::Dense;
use nn_core::{Architecture, Init, Layer, MatrixView, Model, Workspace, zeros};

mod close;
use close::assert_close;

const N_INPUTS: usize = 3;
const N_OUTPUTS: usize = 2;
const INPUTS: [f32; 4 * N_INPUTS] =
    [1.0, 0.5, -2.0, 0.0, 3.0, 1.5, -1.0, -0.25, 0.75, 2.0, 0.125, -0.5];
const D_OUTPUTS: [f32; 4 * N_OUTPUTS] = [0.5, -1.0, 0.25, 2.0, -0.75, 0.0, 1.0, 1.5];

/// A layer and a model with the same parameters, and the model's samples after a pass forward.
fn layer_and_model() -> (Dense, Model, Workspace) {
    let architecture =
        Architecture::new(N_INPUTS, &[Layer::dense(N_OUTPUTS)]).expect("one dense layer");
    let mut model = Model::new(architecture, Init::He, 0);
    model
        .param_mut("dense0.biases")
        .expect("a dense layer has biases")
        .copy_from_slice(&[0.5, -1.0]);
    let (weights, biases) = model.params().split_at(N_INPUTS * N_OUTPUTS);
    let layer = Dense {
        n_inputs: N_INPUTS,
        n_outputs: N_OUTPUTS,
        weights: weights.into(),
        biases: biases.into(),
    };
    let mut workspace = Workspace::training(&model, 4);
    workspace.input_mut(4).copy_from_slice(&INPUTS);
    model.forward(&mut workspace);
    (layer, model, workspace)
}

#[test]
fn forward() {
    let (layer, model, mut workspace) = layer_and_model();
    assert_close("outputs", &layer.forward(&INPUTS), model.forward(&mut workspace));
}

#[test]
fn backward() {
    let (layer, model, mut workspace) = layer_and_model();
    let d_outputs = MatrixView::from_slice(&D_OUTPUTS, N_OUTPUTS, 4);
    model.backward_from(d_outputs, &mut workspace);
    let mut gradient = zeros(model.params().len());
    model.gradient(std::slice::from_ref(&workspace), &mut gradient);
    let (weights, biases) = gradient.split_at(N_INPUTS * N_OUTPUTS);

    let found = layer.backward(&INPUTS, &D_OUTPUTS);
    assert_close("gradient with respect to the biases", &found.biases, biases);
    assert_close("gradient with respect to the weights", &found.weights, weights);
    let d_inputs = model.input_gradient(&mut workspace);
    assert_close("gradient with respect to the inputs", &found.inputs, d_inputs);
}
