//! Every gradient against central differences of the loss.
//!
//! The loss of a whole net is checked through the public passes; layers apart are checked where
//! they live in a net that makes their gradient matter: a softmax in the middle goes through its
//! full Jacobian, the one at the end through the fused form.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nalgebra::DMatrix;
use nn_core::{Buffer, Init, LayerSpec, Model, Scaling, Workspace, loss, zeros};

use LayerSpec::{Dense, Softmax};

/// The mean loss of `model` on the samples, and the gradient by its parameters, the samples being
/// split over workspaces of at most `capacity`.
fn loss_and_gradient(model: &Model, x: &[f32], labels: &[u32], capacity: usize) -> (f64, Buffer) {
    let n_batch = labels.len();
    let mut loss = 0.0;
    let mut parts = Vec::new();
    for (x, labels) in x.chunks(capacity * model.inputs()).zip(labels.chunks(capacity)) {
        let mut part = Workspace::training(model, capacity);
        part.input_mut(labels.len()).copy_from_slice(x);
        loss += model.loss(labels, &mut part).loss;
        model.backward(labels, n_batch, &mut part);
        parts.push(part);
    }
    let mut gradient = zeros(model.params().len());
    for block in model.gradient_blocks() {
        block.gradient(&parts, &mut gradient[block.range()]);
    }
    let bound: f64 = parts.iter().map(Workspace::gradient_bound).sum();
    assert!(gradient.iter().all(|d| f64::from(d.abs()) <= bound), "beyond the bound of {bound}");
    (loss / n_batch as f64, gradient)
}

/// Smooth, varied numbers in `[-1, 1]`.
fn wave(n: usize, phase: f32) -> impl Iterator<Item = f32> {
    (0..n).map(move |i| (i as f32 * 1.7 + phase).sin())
}

/// The derivative of `loss` at `at`, by central differences.
fn derivative(at: f32, mut loss: impl FnMut(f32) -> f64) -> f64 {
    let (above, below) = (at + 5e-3, at - 5e-3);
    (loss(above) - loss(below)) / f64::from(above - below)
}

/// Gradients here are of the order of 0.1 to 1. A difference of losses in `f32` is good to about
/// `1e-7 / 1e-2`, and the curvature over a step adds as much again.
#[track_caller]
fn assert_close(found: f32, expected: f64, what: &str) {
    assert!((f64::from(found) - expected).abs() < 1e-4, "{what}: {found}, not {expected}");
}

#[track_caller]
fn check(specs: &[LayerSpec]) {
    let mut model = Model::new(specs, Init::Glorot, 5).unwrap();
    for (param, nudge) in model.params_mut().iter_mut().zip(wave(usize::MAX, 0.3)) {
        *param += 0.2 * nudge;
    }
    let n_samples = 7;
    let x: Vec<f32> = wave(n_samples * model.inputs(), 1.3).collect();
    let labels: Vec<u32> = (0..n_samples as u32).map(|i| i * 3 % model.outputs() as u32).collect();

    let (_, gradient) = loss_and_gradient(&model, &x, &labels, 3);
    assert!(gradient.iter().any(|d| d.abs() > 0.05), "gradients too small to check anything");
    for (i, &found) in gradient.iter().enumerate() {
        let expected = derivative(model.params()[i], |param| {
            let mut nudged = model.clone();
            nudged.params_mut()[i] = param;
            loss_and_gradient(&nudged, &x, &labels, n_samples).0
        });
        assert_close(found, expected, &format!("{specs:?}, parameter {i}"));
    }
}

#[test]
fn one_dense_layer() {
    check(&[Dense { inputs: 4, outputs: 3 }, Softmax]);
}

#[test]
fn dense_layers_in_a_row() {
    check(&[Dense { inputs: 3, outputs: 5 }, Dense { inputs: 5, outputs: 4 }, Softmax]);
}

#[test]
fn relu() {
    check(&LayerSpec::mlp(&[5, 9, 4]));
}

#[test]
fn softmax_through_its_jacobian() {
    let hidden = Dense { inputs: 4, outputs: 6 };
    check(&[hidden, Softmax, Dense { inputs: 6, outputs: 3 }, Softmax]);
}

#[test]
fn whole_net() {
    check(&LayerSpec::mlp(&[6, 10, 7, 4]));
}

/// A layer so wide that its parameters make several blocks.
#[test]
fn net_of_several_gradient_blocks() {
    // No ReLU: among so many units some would sit at the kink.
    let specs = [Dense { inputs: 20, outputs: 600 }, Dense { inputs: 600, outputs: 2 }, Softmax];
    let model = Model::new(&specs, Init::Glorot, 1).unwrap();
    assert!(model.gradient_blocks().len() > 2);
    let x: Vec<f32> = wave(5 * 20, 0.5).collect();
    let labels = [0, 1, 1, 0, 1];
    let (_, gradient) = loss_and_gradient(&model, &x, &labels, 2);
    for i in (0..gradient.len()).step_by(97) {
        let expected = derivative(model.params()[i], |param| {
            let mut nudged = model.clone();
            nudged.params_mut()[i] = param;
            loss_and_gradient(&nudged, &x, &labels, 5).0
        });
        assert_close(gradient[i], expected, &format!("parameter {i}"));
    }
}

#[test]
fn cross_entropy_of_probabilities() {
    let probabilities = DMatrix::from_column_slice(3, 2, &[0.2, 0.5, 0.3, 0.6, 0.3, 0.1]);
    let labels = [1, 2];
    let mut d_probabilities = DMatrix::zeros(3, 2);
    loss::cross_entropy_backward(
        probabilities.as_view(),
        &labels,
        2,
        d_probabilities.as_view_mut(),
    );
    for i in 0..6 {
        let expected = derivative(probabilities[i], |p| {
            let mut nudged = probabilities.clone();
            nudged[i] = p;
            loss::cross_entropy(nudged.as_view(), &labels).mean_loss()
        });
        let tolerance = 1e-2 * expected.abs() + 1e-4;
        let found = f64::from(d_probabilities[i]);
        assert!((found - expected).abs() < tolerance, "{i}: {found}, not {expected}");
    }
}

/// Bytes are held unshifted, and the scaling's mean goes through the first layer's biases and gradient:
/// loss and gradient are those of the scaled numbers, before and after the parameters change.
#[test]
fn bytes_are_the_numbers_they_stand_for() {
    let mut model = Model::new(&LayerSpec::mlp(&[70, 40, 9]), Init::He, 5).unwrap();
    let scaling = Scaling { mean: 100.0, std: 90.0 };
    let n_samples = 37;
    let bytes: Vec<u8> = (0..n_samples * 70).map(|i| ((i * i) % 7 / 3 * (i % 251)) as u8).collect();
    let mut numbers = vec![0.0; bytes.len()];
    scaling.apply(&bytes, &mut numbers);
    let labels: Vec<u32> = (0..n_samples as u32).map(|i| i % 9).collect();

    let mut of_bytes = Workspace::training(&model, n_samples);
    of_bytes.set_input_bytes(n_samples, scaling, |i| &bytes[i * 70..][..70]);
    let mut of_numbers = Workspace::training(&model, n_samples);
    of_numbers.input_mut(n_samples).copy_from_slice(&numbers);
    for change in [0.0, 0.1] {
        model.params_mut().iter_mut().zip(wave(usize::MAX, 0.3)).for_each(|(param, nudge)| {
            *param += change * nudge;
        });
        let [of_bytes, of_numbers] = [&mut of_bytes, &mut of_numbers].map(|part| {
            let loss = model.loss(&labels, part).mean_loss();
            model.backward(&labels, n_samples, part);
            let mut gradient = zeros(model.params().len());
            for block in model.gradient_blocks() {
                block.gradient([&*part], &mut gradient[block.range()]);
            }
            (loss, gradient)
        });
        assert!((of_bytes.0 - of_numbers.0).abs() < 1e-5, "{} {}", of_bytes.0, of_numbers.0);
        for (i, (&found, &expected)) in of_bytes.1.iter().zip(of_numbers.1.iter()).enumerate() {
            assert_close(found, f64::from(expected), &format!("parameter {i}"));
        }
    }
}

/// Where a number is not finite, there is no bound, and the first layer that shows it is named.
#[test]
fn a_bound_that_is_none() {
    let specs = LayerSpec::mlp(&[2, 3, 2]);
    let bound = |x: [f32; 2], weight: f32| {
        let mut model = Model::new(&specs, Init::He, 0).unwrap();
        model.params_mut()[0] = weight;
        let mut workspace = Workspace::training(&model, 1);
        workspace.input_mut(1).copy_from_slice(&x);
        model.loss(&[1], &mut workspace);
        model.backward(&[1], 1, &mut workspace);
        (workspace.gradient_bound(), workspace.first_not_finite().map(|(layer, _)| layer))
    };
    let (finite, nowhere) = bound([1.0, -1.0], 0.5);
    assert!((0.0..100.0).contains(&finite) && nowhere.is_none(), "{finite}");
    for x in [[f32::INFINITY, 1.0], [1.0, f32::NAN]] {
        let (none, layer) = bound(x, 0.5);
        assert!(!none.is_finite() && layer == Some(0), "{x:?}: {none}");
    }
    // Finite inputs and weights whose product is not.
    let (none, layer) = bound([1e30, 1.0], 1e30);
    assert!(!none.is_finite() && layer == Some(0), "{none}");
}
