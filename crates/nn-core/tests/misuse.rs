//! What the docs list under "Panics" happens: at the caller's line, and with what was expected.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    slice,
};

use nn_core::{
    Architecture, BatchStatistics, Init, Layer, Loss, MatrixView, Mode, Model, Objective, Scaling,
    Targets, Values, Workspace, zeros,
};

thread_local!(static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) });

/// Runs `call`, which must panic in this file with a message that has `expected` in it.
#[track_caller]
fn panics<T>(expected: &str, call: impl FnOnce() -> T) {
    panic::set_hook(Box::new(|info| {
        let file = info.location().map(|location| location.file().to_string());
        let message = info.payload_as_str().unwrap_or_default().to_string();
        LAST.with_borrow_mut(|last| *last = Some((file.unwrap_or_default(), message)));
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    drop(panic::take_hook());
    assert!(result.is_err(), "expected a panic about {expected:?}");
    let (file, message) = LAST.with_borrow_mut(Option::take).unwrap();
    assert!(message.contains(expected), "expected {expected:?}, found {message:?}");
    assert!(file.ends_with("misuse.rs"), "the panic of {message:?} is at {file}");
}

fn model(inputs: usize, layers: &[Layer]) -> Model {
    Model::new(Architecture::new(inputs, layers).unwrap(), Init::He, 0)
}

/// A classifier of 2 features and 3 classes, and a workspace with a sample.
fn classifier() -> (Model, Workspace) {
    let model = model(2, &Layer::mlp(&[4, 3]));
    let mut workspace = Workspace::training(&model, 2);
    workspace.input_mut(1).fill(0.5);
    (model, workspace)
}

// One test: the hook that reads a panic's message is the process's.
#[test]
fn a_prediction_of_another_number_of_features() {
    let (model, _) = classifier();
    panics("features of x and the model's inputs", || model.predict_one(&[0.0; 3]));
}

#[test]
fn misuse_panics_at_the_caller() {
    a_loss_that_the_last_layer_does_not_suit();
    a_workspace_of_another_model();
    passes_in_another_order();
    an_inference_workspace();
    samples_and_targets_of_another_shape();
    batch_normalisation_alone();
}

fn a_loss_that_the_last_layer_does_not_suit() {
    let (net, mut workspace) = classifier();
    let sides = Values::Numbers { numbers: &[0.0, 1.0, 0.0], precision: 0.0 };
    let targets = Targets { values: sides, weights: &[] };
    let binary = Objective { loss: Loss::BinaryCrossEntropy, targets, n_batch: 1 };
    panics("expected sigmoid, which binary_cross_entropy needs, found softmax", || {
        net.loss(&binary, &mut workspace);
    });
    panics("compares numbers, not classes", || {
        let objective = Objective { loss: Loss::MeanSquaredError, ..Objective::classes(&[1]) };
        net.loss(&objective, &mut workspace);
    });
    let ends_in_relu = model(2, &[Layer::dense(3), Layer::RELU]);
    let mut workspace = Workspace::training(&ends_in_relu, 1);
    workspace.input_mut(1).fill(0.5);
    panics("expected softmax, which cross_entropy needs, found relu", || {
        ends_in_relu.loss(&Objective::classes(&[1]), &mut workspace);
    });
}

fn a_workspace_of_another_model() {
    let (net, _) = classifier();
    let other = model(2, &Layer::mlp(&[4, 2]));
    let mut foreign = Workspace::training(&other, 2);
    foreign.input_mut(1).fill(0.5);
    let expected = "expected one made for 2 -> dense 4 -> relu 4 -> dense 3 -> softmax 3, \
                    found one for 2 -> dense 4 -> relu 4 -> dense 2 -> softmax 2";
    let objective = Objective::classes(&[1]);
    panics(expected, || net.forward(&mut foreign));
    panics(expected, || net.loss(&objective, &mut foreign));
    panics(expected, || net.backward(&objective, &mut foreign));
    let d_output = [0.0; 3];
    let d_output = MatrixView::from_slice(&d_output, 3, 1);
    panics(expected, || net.backward_from(d_output, &mut foreign));
    panics(expected, || net.input_gradient(&mut foreign));
    // A model of the same layers is no other one.
    let twin = Model::new(Architecture::mlp(&[2, 4, 2]).unwrap(), Init::Glorot, 9);
    twin.loss(&objective, &mut foreign);
    twin.backward(&objective, &mut foreign);
    let last = net.gradient_blocks().last().unwrap();
    let mut gradient = zeros(last.range.len());
    panics("shards of the model that the block is of", || {
        last.gradient(slice::from_ref(&foreign), &mut gradient, &mut []);
    });
}

fn passes_in_another_order() {
    let (net, mut workspace) = classifier();
    let objective = Objective::classes(&[1]);
    let d_output = [0.0; 3];
    let d_output = MatrixView::from_slice(&d_output, 3, 1);
    let mut gradient = zeros(net.params().len());
    let expected = "expected Model::loss before Model::backward, found samples after Input";
    panics(expected, || net.backward(&objective, &mut workspace));
    panics("expected Model::forward before Model::backward_from", || {
        net.backward_from(d_output, &mut workspace);
    });
    net.forward(&mut workspace);
    panics("expected Model::loss before Model::backward, found samples after Forward", || {
        net.backward(&objective, &mut workspace);
    });
    net.loss(&objective, &mut workspace);
    let expected = "expected a backward pass before its gradient, found samples after Loss";
    panics(expected, || net.gradient(slice::from_ref(&workspace), &mut gradient));
    panics(expected, || net.input_gradient(&mut workspace));
    panics(expected, || workspace.gradient_bound());
    net.backward(&objective, &mut workspace);
    net.gradient(slice::from_ref(&workspace), &mut gradient);
    // New samples begin anew.
    workspace.input_mut(1).fill(0.25);
    panics("expected Model::loss before Model::backward, found samples after Input", || {
        net.backward(&objective, &mut workspace);
    });
}

fn an_inference_workspace() {
    let (net, _) = classifier();
    let mut workspace = Workspace::inference(&net, 1);
    workspace.input_mut(1).fill(0.5);
    let objective = Objective::classes(&[1]);
    net.loss(&objective, &mut workspace);
    let expected = "expected one from Workspace::training, found one for inference";
    panics(expected, || net.backward(&objective, &mut workspace));
    let statistics = BatchStatistics::new(&net);
    panics(expected, || {
        net.train_segment(0, &objective, &statistics, &mut workspace, |_| {});
    });
}

fn samples_and_targets_of_another_shape() {
    let (net, mut workspace) = classifier();
    panics("3 samples exceed 2", || workspace.input_mut(3));
    let scaling = Scaling::default();
    panics("length of sample 1 and the model's inputs", || {
        workspace.set_input_bytes(2, scaling, |i| if i == 0 { &[1, 2] } else { &[1, 2, 3] });
    });
    workspace.input_mut(1).fill(0.5);
    panics("label of sample 0: expected a class below 3, found 3", || {
        net.loss(&Objective::classes(&[3]), &mut workspace);
    });
    panics("number of labels and of samples", || {
        net.loss(&Objective::classes(&[1, 1]), &mut workspace);
    });
    net.forward(&mut workspace);
    let d_output = [0.0; 2];
    panics("shape of the gradient and of the output", || {
        net.backward_from(MatrixView::from_slice(&d_output, 2, 1), &mut workspace);
    });
    panics("length of the gradient", || net.gradient(&[], &mut [0.0; 3]));
}

fn batch_normalisation_alone() {
    let net = model(2, &[Layer::dense(3), Layer::BATCH_NORM, Layer::SOFTMAX]);
    let mut workspace = Workspace::training(&net, 1);
    workspace.input_mut(1).fill(0.5);
    let objective = Objective::classes(&[1]);
    net.loss(&objective, &mut workspace);
    panics("expected Model::train_pass", || net.backward(&objective, &mut workspace));
    let statistics = BatchStatistics::new(&net);
    panics("needs a workspace in Mode::Train", || {
        net.train_segment(0, &objective, &statistics, &mut workspace, |_| {});
    });
    workspace.set_mode(Mode::Train { seed: 0, step: 0, shard: 0 });
    let (other, _) = classifier();
    panics("sync points of the model and of its statistics", || {
        net.train_segment(0, &objective, &BatchStatistics::new(&other), &mut workspace, |_| {});
    });
}
