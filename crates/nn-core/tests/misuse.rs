//! The panics that the docs list under "Panics": each one is reported at the caller's line and says what was expected.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    slice,
};

use nn_core::{
    Activation, Architecture, BatchStatistics, ConfusionMatrix, Init, Layer, Loss, MatrixView,
    Mode, Model, Objective, Penalty, Scaling, Targets, Values, Workspace,
    rng::{Purpose, Stream},
    zeros,
};

thread_local!(static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) });

/// Runs `call`, which must panic at a line of this file, with a message that contains `expected`.
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

/// A classifier with 2 features and 3 classes, and a workspace with one sample.
fn classifier() -> (Model, Workspace) {
    let model = model(2, &Layer::mlp(&[4, 3]));
    let mut workspace = Workspace::training(&model, 2);
    workspace.input_mut(1).fill(0.5);
    (model, workspace)
}

// All cases are in one test, since the hook that reads a panic's message belongs to the whole process.
#[test]
fn a_prediction_with_the_wrong_number_of_features() {
    let (model, _) = classifier();
    panics("features of x and the model's inputs", || model.predict_one(&[0.0; 3]));
}

#[test]
fn misuse_panics_at_the_caller() {
    a_loss_that_the_last_layer_does_not_suit();
    a_workspace_of_another_model();
    a_workspace_of_a_model_of_the_same_shapes();
    passes_in_another_order();
    an_inference_workspace();
    samples_and_targets_of_another_shape();
    batch_normalisation_alone();
    segments_of_another_batch();
    a_batch_smaller_than_its_shard();
    scalings_that_give_no_numbers();
    outputs_that_a_workspace_lacks();
    numbers_out_of_range();
}

fn a_loss_that_the_last_layer_does_not_suit() {
    let (net, mut workspace) = classifier();
    let sides = Values::Numbers { numbers: &[0.0, 1.0, 0.0], precision: 0.0 };
    let targets = Targets { values: sides, weights: &[] };
    let binary = Objective { loss: Loss::BinaryCrossEntropy, targets, n_batch: 1 };
    panics("expected sigmoid for the loss binary_cross_entropy, found softmax", || {
        net.loss(&binary, &mut workspace);
    });
    panics("compares numbers, not classes", || {
        let objective = Objective { loss: Loss::MeanSquaredError, ..Objective::classes(&[1]) };
        net.loss(&objective, &mut workspace);
    });
    let ends_in_relu = model(2, &[Layer::dense(3), Layer::RELU]);
    let mut workspace = Workspace::training(&ends_in_relu, 1);
    workspace.input_mut(1).fill(0.5);
    panics("expected softmax for the loss cross_entropy, found relu", || {
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
    // A model with the same layers is not another one.
    let twin = Model::new(Architecture::mlp(&[2, 4, 2]).unwrap(), Init::Glorot, 9);
    twin.loss(&objective, &mut foreign);
    twin.backward(&objective, &mut foreign);
    let last = net.gradient_blocks().last().unwrap();
    let mut gradient = zeros(last.range.len());
    panics(expected, || last.gradient(slice::from_ref(&foreign), &mut gradient, &mut []));
}

/// All shapes fit, since the other model has the same parameters, but its passes differ.
fn a_workspace_of_a_model_of_the_same_shapes() {
    let (net, own) = trained(&Layer::mlp(&[4, 3]));
    let sigmoid = Layer::Activation(Activation::Sigmoid);
    let (_, foreign) = trained(&[Layer::dense(4), sigmoid, Layer::dense(3), Layer::SOFTMAX]);
    let expected = "expected one made for 2 -> dense 4 -> relu 4 -> dense 3 -> softmax 3, \
                    found one for 2 -> dense 4 -> sigmoid 4 -> dense 3 -> softmax 3";
    let mut gradient = zeros(net.params().len());
    net.gradient(slice::from_ref(&own), &mut gradient);
    panics(expected, || net.gradient(slice::from_ref(&foreign), &mut gradient));
    panics(expected, || net.gradient(&[own.clone(), foreign.clone()], &mut gradient));
    for block in net.gradient_blocks() {
        let gradient = &mut gradient[block.range.clone()];
        panics(expected, || block.gradient(slice::from_ref(&foreign), gradient, &mut []));
    }
}

/// A model, and a workspace whose sample has been through a backward pass.
fn trained(layers: &[Layer]) -> (Model, Workspace) {
    let net = model(2, layers);
    let mut workspace = Workspace::training(&net, 1);
    workspace.input_mut(1).fill(0.5);
    net.loss(&Objective::classes(&[1]), &mut workspace);
    net.backward(&Objective::classes(&[1]), &mut workspace);
    (net, workspace)
}

fn passes_in_another_order() {
    let (net, mut workspace) = classifier();
    let objective = Objective::classes(&[1]);
    let d_output = [0.0; 3];
    let d_output = MatrixView::from_slice(&d_output, 3, 1);
    let mut gradient = zeros(net.params().len());
    let expected = "expected Model::loss before Model::backward, found samples in the state Input";
    panics(expected, || net.backward(&objective, &mut workspace));
    panics("expected Model::forward before Model::backward_from", || {
        net.backward_from(d_output, &mut workspace);
    });
    net.forward(&mut workspace);
    panics(
        "expected Model::loss before Model::backward, found samples in the state Forward",
        || {
            net.backward(&objective, &mut workspace);
        },
    );
    net.loss(&objective, &mut workspace);
    let expected = "expected a backward pass before the gradient, found samples in the state Loss";
    panics(expected, || net.gradient(slice::from_ref(&workspace), &mut gradient));
    panics(expected, || net.input_gradient(&mut workspace));
    panics(expected, || workspace.gradient_bound());
    net.backward(&objective, &mut workspace);
    net.gradient(slice::from_ref(&workspace), &mut gradient);
    // New samples have not been through any pass.
    workspace.input_mut(1).fill(0.25);
    panics("expected Model::loss before Model::backward, found samples in the state Input", || {
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
    panics("samples: expected 2 or fewer, the workspace's capacity, found 3", || {
        workspace.input_mut(3);
    });
    let scaling = Scaling::default();
    panics("length of sample 1: expected 2, found 3", || {
        workspace.set_input_bytes(2, scaling, |i| if i == 0 { &[1, 2] } else { &[1, 2, 3] });
    });
    workspace.input_mut(1).fill(0.5);
    panics("label of sample 0: expected a class below 3, found 3", || {
        net.loss(&Objective::classes(&[3]), &mut workspace);
    });
    panics("number of labels: expected 1, found 2", || {
        net.loss(&Objective::classes(&[1, 1]), &mut workspace);
    });
    panics("number of weights: expected 1, found 2", || {
        let targets = Targets { weights: &[1.0, 2.0], ..Targets::from(&[1][..]) };
        net.loss(&Objective { targets, ..Objective::classes(&[1]) }, &mut workspace);
    });
    net.forward(&mut workspace);
    let d_output = [0.0; 2];
    panics("shape of the gradient: expected (3, 1), found (2, 1)", || {
        net.backward_from(MatrixView::from_slice(&d_output, 2, 1), &mut workspace);
    });
    panics("length of the gradient: expected 27, found 3", || net.gradient(&[], &mut [0.0; 3]));
}

fn batch_normaliser() -> (Model, Workspace) {
    let net = model(2, &[Layer::dense(3), Layer::BATCH_NORM, Layer::SOFTMAX]);
    let mut workspace = Workspace::training(&net, 2);
    workspace.input_mut(1).fill(0.5);
    (net, workspace)
}

fn batch_normalisation_alone() {
    let (net, mut workspace) = batch_normaliser();
    let objective = Objective::classes(&[1]);
    net.loss(&objective, &mut workspace);
    let expected = "expected Model::train_pass, since the model has batch normalisation, found";
    panics(expected, || net.backward(&objective, &mut workspace));
    let d_output = [0.0; 3];
    panics(expected, || {
        net.backward_from(MatrixView::from_slice(&d_output, 3, 1), &mut workspace);
    });
    let statistics = BatchStatistics::new(&net);
    panics("needs a workspace in Mode::Train", || {
        net.train_segment(0, &objective, &statistics, &mut workspace, |_| {});
    });
    workspace.set_mode(Mode::Train { seed: 0, step: 0, shard: 0 });
    panics(expected, || net.forward(&mut workspace));
    panics(expected, || net.loss(&objective, &mut workspace));
    // Without batch normalisation, a workspace can be in either mode.
    let (net, mut workspace) = classifier();
    workspace.set_mode(Mode::Train { seed: 0, step: 0, shard: 0 });
    net.forward(&mut workspace);
    net.loss(&objective, &mut workspace);
}

fn segments_of_another_batch() {
    let (net, mut workspace) = batch_normaliser();
    workspace.set_mode(Mode::Train { seed: 0, step: 0, shard: 0 });
    let objective = Objective::classes(&[1]);
    let mut statistics = BatchStatistics::new(&net);
    let (plain, _) = classifier();
    let wider = model(2, &[Layer::dense(4), Layer::BATCH_NORM, Layer::SOFTMAX]);
    for (other, found) in [(&plain, "found []"), (&wider, "found [20]")] {
        let expected =
            "lengths of the batch statistics, one for each batch normalisation: expected [15], ";
        let expected = format!("{expected}{found}");
        let mut of_other = BatchStatistics::new(other);
        panics(&expected, || {
            net.train_segment(0, &objective, &of_other, &mut workspace, |_| {});
        });
        panics(&expected, || of_other.gather(&net, 0, 1, slice::from_ref(&workspace)));
        panics(&expected, || net.clone().update_statistics(&of_other));
    }
    panics("segment: expected one below 3, found 3", || {
        net.train_segment(3, &objective, &statistics, &mut workspace, |_| {});
    });
    let expected = "expected segment 0 before segment 1, found samples in the state Input";
    panics(expected, || net.train_segment(1, &objective, &statistics, &mut workspace, |_| {}));
    let expected = "expected segment 0 before the statistics, found samples in the state Input";
    panics(expected, || statistics.gather(&net, 0, 1, slice::from_ref(&workspace)));
    net.train_segment(0, &objective, &statistics, &mut workspace, |_| {});
    panics("segment: expected one below 2, found 2", || {
        statistics.gather(&net, 2, 1, slice::from_ref(&workspace));
    });
    panics("samples of the batch: expected 1, found 0", || {
        statistics.gather(&net, 0, 0, slice::from_ref(&workspace));
    });
    panics("expected one from Workspace::training", || {
        let mut inference = Workspace::inference(&net, 1);
        inference.input_mut(1).fill(0.5);
        statistics.gather(&net, 0, 1, slice::from_ref(&inference));
    });
    panics("expected one made for 2 -> dense 3 -> batch_norm 3 -> softmax 3, found", || {
        statistics.gather(&net, 0, 1, slice::from_ref(&Workspace::training(&wider, 1)));
    });
    panics("samples of a batch: expected 1 or more, found none", || {
        net.train_pass(&[], &mut BatchStatistics::new(&net), &mut []);
    });
    net.train_pass(&[objective], &mut statistics, slice::from_mut(&mut workspace));
    let mut gradient = zeros(net.params().len());
    net.gradient(slice::from_ref(&workspace), &mut gradient);
    // A new pass over the same samples has no gradient until it is complete.
    net.train_segment(0, &objective, &statistics, &mut workspace, |_| {});
    panics("expected a backward pass before the gradient", || {
        net.gradient(slice::from_ref(&workspace), &mut gradient);
    });
}

fn a_batch_smaller_than_its_shard() {
    let (net, mut workspace) = classifier();
    let objective = Objective { n_batch: 0, ..Objective::classes(&[1]) };
    let expected = "n_batch: expected 1 or more, the number of samples in the workspace, found 0";
    panics(expected, || net.loss(&objective, &mut workspace));
    net.loss(&Objective::classes(&[1]), &mut workspace);
    panics(expected, || net.backward(&objective, &mut workspace));
    let statistics = BatchStatistics::new(&net);
    panics(expected, || net.train_segment(0, &objective, &statistics, &mut workspace, |_| {}));
    // The loss of no samples is 0.
    workspace.input_mut(0);
    assert_eq!(net.loss(&Objective::classes(&[]), &mut workspace).loss, 0.0);
}

fn scalings_that_give_no_numbers() {
    // One network whose first layer takes bytes, and one whose first layer takes numbers.
    let nets = [Layer::mlp(&[3]), vec![Layer::RELU, Layer::dense(3), Layer::SOFTMAX]];
    let nets = nets.map(|layers| model(2, &layers));
    let check = |scaling: Scaling, expected: &str| {
        let error = scaling.check().unwrap_err().to_string();
        assert!(error.contains(expected), "expected {expected:?}, found {error:?}");
        panics(expected, || scaling.apply(&[1, 2], &mut [0.0; 2]));
        for net in &nets {
            let mut workspace = Workspace::inference(net, 1);
            panics(expected, || workspace.set_input_bytes(1, scaling, |_| &[1, 2]));
            panics(expected, || {
                workspace.set_changed_bytes(1, scaling, |_| &[1, 2], |_, _, x| x.fill(3));
            });
        }
    };
    // The last one's reciprocal is infinite in 32 bits.
    for std in [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY, 1e-39] {
        let expected = "standard deviation of the scaling: expected a number above 0";
        check(Scaling { mean: 127.5, std }, expected);
    }
    for mean in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let expected = "mean of the scaling: expected a finite number, found";
        check(Scaling { mean, std: 127.5 }, expected);
    }
    panics("number of inputs: expected 2, found 3", || {
        Scaling::default().apply(&[1, 2], &mut [0.0; 3]);
    });
}

fn outputs_that_a_workspace_lacks() {
    let (net, mut workspace) = classifier();
    net.forward(&mut workspace);
    panics("layer: expected one below 4, found 99", || workspace.output(99));
    let numbers = [0.0; 6];
    for (rows, columns) in [(3, 2), (2, 1), (6, 1)] {
        let expected = format!("shape of the output: expected (3, 1), found ({rows}, {columns})");
        let other = MatrixView::from_slice(&numbers[..rows * columns], rows, columns);
        panics(&expected, || workspace.average_output(other));
    }
    panics("rows of x: expected 2, found 3", || {
        net.predict(MatrixView::from_slice(&numbers, 3, 2));
    });
}

fn numbers_out_of_range() {
    let (mut net, _) = classifier();
    panics("blocks: expected a split at 2 or before, found 3", || {
        let _ = net.blocks_mut().split_at(3);
    });
    panics("block's gradient: expected 12, found 3", || {
        net.gradient_blocks()[0].gradient(&[], &mut [0.0; 3], &mut []);
    });
    panics("block's parameters: expected 12, found 3", || {
        net.gradient_blocks()[0].gradient(&[], &mut [0.0; 12], &mut [0.0; 3]);
    });
    let penalty = Penalty::default();
    panics("penalties, one for each layer with weights: expected 2, found 1", || {
        net.penalty(&[penalty]);
    });
    panics("length of the gradient: expected 2, found 1", || {
        penalty.add_gradient(&[1.0; 2], 1, &mut [0.0]);
    });
    panics("weights of a penalty: expected 2 or fewer, the number of parameters, found 3", || {
        penalty.add_gradient(&[1.0; 2], 3, &mut [0.0; 2]);
    });
    panics("classes: expected two below 3, found 3 and 0", || ConfusionMatrix::new(3).add(3, 0));
    panics("classes: expected two below 3, found 0 and 4", || ConfusionMatrix::new(3).add(0, 4));
    panics("sample: expected one below 2, found 2", || Values::Classes(&[0, 1]).class(2, 3));
    let numbers = Values::Numbers { numbers: &[0.0; 7], precision: 0.0 };
    panics("sample: expected one below 2, found 2", || numbers.class(2, 3));
    panics("outputs: expected 1 or more, found 0", || {
        let targets = Targets { values: numbers, weights: &[] };
        Loss::MeanSquaredError.of_outputs(MatrixView::from_slice(&[], 0, 2), targets)
    });
    let mut stream = Stream::new(0, Purpose::Shuffle, 0);
    panics("bound of a draw: expected 1 or more, found 0", || stream.below(0));
    panics("items to shuffle: expected 4294967295 or fewer, found 4294967296", || {
        stream.shuffle(&mut [(); 1 << 32]);
    });
}
