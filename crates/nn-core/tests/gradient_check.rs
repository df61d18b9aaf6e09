//! Every gradient against central differences of the loss.
//!
//! The loss of a whole net is checked through the public passes; layers apart are checked where
//! they live in a net that makes their gradient matter: a softmax in the middle goes through its
//! full Jacobian, the one at the end through the fused form. A batch stands in several parts, so that what they
//! must learn from each other is part of the check.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nalgebra::DMatrix;
use nn_core::{
    Activation, BatchStatistics, Buffer, Draws, Init, LayerSpec, Loss, Model, Objective, Penalty,
    Scaling, Targets, Values, Workspace, loss, zeros,
};

use LayerSpec::{Dense, Softmax};

/// What a net is checked on.
struct Problem<'a> {
    loss: Loss,
    x: &'a [f32],
    values: Values<'a>,
    weights: &'a [f32],
}

impl<'a> Problem<'a> {
    fn of_classes(x: &'a [f32], labels: &'a [u32]) -> Self {
        Self { loss: Loss::default(), x, values: Values::Classes(labels), weights: &[] }
    }

    /// What samples from `start`, `n` of them, of a model with so many outputs shall give.
    fn targets(&self, start: usize, n: usize, outputs: usize) -> Targets<'a> {
        let values = match self.values {
            Values::Classes(labels) => Values::Classes(&labels[start..start + n]),
            Values::Numbers { numbers, precision } => {
                let numbers = &numbers[start * outputs..(start + n) * outputs];
                Values::Numbers { numbers, precision }
            }
        };
        let weights = if self.weights.is_empty() { &[] } else { &self.weights[start..start + n] };
        Targets { values, weights }
    }
}

/// The mean loss of `model`, and the gradient by its parameters, the samples being split over workspaces of at
/// most `capacity`.
fn loss_and_gradient(model: &Model, problem: &Problem<'_>, capacity: usize) -> (f64, Buffer) {
    let n_batch = problem.x.len() / model.inputs();
    let (mut parts, mut objectives) = (Vec::new(), Vec::new());
    for (i, x) in problem.x.chunks(capacity * model.inputs()).enumerate() {
        let n = x.len() / model.inputs();
        let mut part = Workspace::training(model, capacity);
        part.set_draws(Some(Draws { seed: 7, step: 3, part: i as u64 }));
        part.input_mut(n).copy_from_slice(x);
        parts.push(part);
        let targets = problem.targets(i * capacity, n, model.outputs());
        objectives.push(Objective { loss: problem.loss, targets, n_batch });
    }
    let mut statistics = BatchStatistics::new(model);
    let loss = model.train_pass(&objectives, &mut statistics, &mut parts).loss;
    let (mut gradient, mut params) = (zeros(model.params().len()), model.params().to_vec());
    let mut for_update = gradient.clone();
    for block in model.gradient_blocks() {
        let range = block.range();
        block.gradient(&parts, &mut gradient[range.clone()]);
        let for_update = &mut for_update[range.clone()];
        block.gradient_for_update(&parts, for_update, &mut params[range]);
    }
    assert_eq!(gradient, for_update, "the same gradient, whatever it is for");
    assert_eq!(params, model.params(), "parameters are not updated yet");
    let bound: f64 = parts.iter().map(Workspace::gradient_bound).sum();
    assert!(gradient.iter().all(|d| f64::from(d.abs()) <= bound), "beyond the bound of {bound}");
    (loss / n_batch as f64, gradient)
}

/// Smooth, varied numbers in `[-1, 1]`.
fn wave(n: usize, phase: f32) -> impl Iterator<Item = f32> {
    (0..n).map(move |i| (i as f32 * 1.7 + phase).sin())
}

/// The derivative of `loss` at `at`, by central differences over two distances, which together have no error of the
/// third order.
fn derivative(at: f32, mut loss: impl FnMut(f32) -> f64) -> f64 {
    let mut difference = |distance: f32| {
        let (above, below) = (at + distance, at - distance);
        (loss(above) - loss(below)) / f64::from(above - below)
    };
    (4.0 * difference(4e-3) - difference(8e-3)) / 3.0
}

/// Gradients here are of the order of 0.1 to 1, and a difference of losses in `f32` is good to about `1e-7 / 1e-2`.
#[track_caller]
fn assert_close(found: f32, expected: f64, what: &str) {
    assert!((f64::from(found) - expected).abs() < 1e-4, "{what}: {found}, not {expected}");
}

#[track_caller]
fn check(specs: &[LayerSpec]) {
    let (x, labels) = samples(specs);
    check_problem(specs, &Problem::of_classes(&x, &labels));
}

const N_SAMPLES: usize = 7;

/// Samples and classes for a net of these layers.
fn samples(specs: &[LayerSpec]) -> (Vec<f32>, Vec<u32>) {
    let model = Model::new(specs, Init::Glorot, 5).unwrap();
    let x = wave(N_SAMPLES * model.inputs(), 1.3).collect();
    let labels = (0..N_SAMPLES as u32).map(|i| i * 3 % model.outputs() as u32).collect();
    (x, labels)
}

/// The parts are of 3 samples for the gradient and for the differences: what dropout draws depends on them.
#[track_caller]
fn check_problem(specs: &[LayerSpec], problem: &Problem<'_>) {
    let mut model = Model::new(specs, Init::Glorot, 5).unwrap();
    for (param, nudge) in model.params_mut().iter_mut().zip(wave(usize::MAX, 0.3)) {
        *param += 0.2 * nudge;
    }
    let (_, gradient) = loss_and_gradient(&model, problem, 3);
    assert!(gradient.iter().any(|d| d.abs() > 0.05), "gradients too small to check anything");
    for (i, &found) in gradient.iter().enumerate() {
        let expected = derivative(model.params()[i], |param| {
            let mut nudged = model.clone();
            nudged.params_mut()[i] = param;
            loss_and_gradient(&nudged, problem, 3).0
        });
        assert_close(found, expected, &format!("{specs:?}, {:?}, parameter {i}", problem.loss));
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
fn every_activation() {
    let all = [
        Activation::LeakyRelu { slope: 0.2 },
        Activation::Elu { alpha: 1.5 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Gelu,
        Activation::Silu,
        Activation::Linear,
    ];
    for activation in all {
        // So few that none of the units is at a kink.
        let hidden = Dense { inputs: 4, outputs: 3 };
        check(&[
            hidden,
            LayerSpec::Activation(activation),
            Dense { inputs: 3, outputs: 3 },
            Softmax,
        ]);
    }
}

/// The same elements are dropped in every pass of a step.
#[test]
fn dropout() {
    let (hidden, drop) = (Dense { inputs: 4, outputs: 9 }, LayerSpec::Dropout { rate: 0.4 });
    check(&[hidden, drop, Dense { inputs: 9, outputs: 3 }, Softmax]);
    check(&[hidden, LayerSpec::RELU, drop, Dense { inputs: 9, outputs: 3 }, Softmax]);
    check(&[hidden, LayerSpec::RELU, drop, drop, Dense { inputs: 9, outputs: 3 }, drop, Softmax]);
}

/// Without draws nothing is dropped, on the way back neither; also where the pass before was one with draws.
#[test]
fn dropout_without_draws() {
    let (hidden, last) = (Dense { inputs: 4, outputs: 9 }, Dense { inputs: 9, outputs: 3 });
    let with = [hidden, LayerSpec::Dropout { rate: 0.4 }, last, Softmax];
    let (x, labels) = samples(&with);
    let gradient = |specs: &[LayerSpec], has_draws: &[bool]| {
        let model = Model::new(specs, Init::Glorot, 5).unwrap();
        let mut workspace = Workspace::training(&model, N_SAMPLES);
        workspace.input_mut(N_SAMPLES).copy_from_slice(&x);
        let objective = Objective::classes(&labels);
        for has_draws in has_draws {
            workspace.set_draws(has_draws.then_some(Draws { seed: 7, step: 3, part: 0 }));
            model.loss(&objective, &mut workspace);
            model.backward(&objective, &mut workspace);
        }
        let mut gradient = zeros(model.params().len());
        for block in model.gradient_blocks() {
            block.gradient([&workspace], &mut gradient[block.range()]);
        }
        gradient.to_vec()
    };
    let linear = LayerSpec::Activation(Activation::Linear);
    let expected = gradient(&[hidden, linear, last, Softmax], &[false]);
    assert_eq!(gradient(&with, &[false]), expected);
    assert_eq!(gradient(&with, &[true, false]), expected);
    assert_ne!(gradient(&with, &[true]), expected);
}

#[test]
fn layer_norm() {
    let hidden = Dense { inputs: 4, outputs: 9 };
    let norm = LayerSpec::LAYER_NORM;
    check(&[hidden, norm, Dense { inputs: 9, outputs: 3 }, Softmax]);
    let tanh = LayerSpec::Activation(Activation::Tanh);
    check(&[hidden, norm, tanh, Dense { inputs: 9, outputs: 3 }, norm, Softmax]);
}

/// Every sample's gradient goes through the statistics that all samples make, those of other parts too.
#[test]
fn batch_norm() {
    let hidden = Dense { inputs: 4, outputs: 6 };
    let (norm, tanh) = (LayerSpec::BATCH_NORM, LayerSpec::Activation(Activation::Tanh));
    check(&[hidden, norm, Dense { inputs: 6, outputs: 3 }, Softmax]);
    check(
        &[hidden, norm, tanh, Dense { inputs: 6, outputs: 5 }, norm, tanh, norm]
            .into_iter()
            .chain([Dense { inputs: 5, outputs: 3 }, norm, Softmax])
            .collect::<Vec<_>>(),
    );
}

#[test]
fn all_together() {
    check(&[
        Dense { inputs: 5, outputs: 8 },
        LayerSpec::BATCH_NORM,
        LayerSpec::Activation(Activation::Silu),
        LayerSpec::Dropout { rate: 0.2 },
        Dense { inputs: 8, outputs: 8 },
        LayerSpec::LAYER_NORM,
        LayerSpec::Activation(Activation::Gelu),
        LayerSpec::Dropout { rate: 0.2 },
        Dense { inputs: 8, outputs: 4 },
        Softmax,
    ]);
}

#[test]
fn categorical_losses() {
    let specs = LayerSpec::mlp(&[5, 9, 4]);
    let (x, labels) = samples(&specs);
    let weights: Vec<f32> = (0..N_SAMPLES).map(|i| 0.5 + i as f32 / 4.0).collect();
    let distributions: Vec<f32> = wave(4 * N_SAMPLES, 0.2)
        .collect::<Vec<_>>()
        .chunks(4)
        .flat_map(|q| q.iter().map(|x| x * x / q.iter().map(|x| x * x).sum::<f32>()))
        .collect();
    let numbers = Values::Numbers { numbers: &distributions, precision: 0.0 };
    let classes = Values::Classes(&labels);
    let smoothed = Loss::CrossEntropy { smoothing: 0.2 };
    for (loss, values) in [
        (smoothed, classes),
        (smoothed, numbers),
        (Loss::default(), numbers),
        (Loss::Focal { gamma: 2.0 }, classes),
        (Loss::Focal { gamma: 2.0 }, numbers),
        (Loss::Focal { gamma: 0.5 }, classes),
        (Loss::Focal { gamma: 0.0 }, classes),
    ] {
        check_problem(&specs, &Problem { loss, x: &x, values, weights: &[] });
        check_problem(&specs, &Problem { loss, x: &x, values, weights: &weights });
    }
}

#[test]
fn losses_of_numbers() {
    let hidden = [Dense { inputs: 4, outputs: 6 }, LayerSpec::Activation(Activation::Tanh)];
    let last = Dense { inputs: 6, outputs: 2 };
    let numbers: Vec<f32> = wave(2 * N_SAMPLES, 0.7).map(|x| 2.0 * x).collect();
    let sides: Vec<f32> = numbers.iter().map(|&x| f32::from(u8::from(x > 0.0))).collect();
    let weights: Vec<f32> = (0..N_SAMPLES).map(|i| 0.5 + i as f32 / 4.0).collect();
    for end in [Activation::Linear, Activation::Sigmoid] {
        let specs = [hidden.as_slice(), &[last, LayerSpec::Activation(end)]].concat();
        let (x, _) = samples(&specs);
        let losses: &[Loss] = match end {
            Activation::Sigmoid => &[Loss::BinaryCrossEntropy, Loss::MeanSquaredError],
            _ => &[
                Loss::MeanSquaredError,
                Loss::MeanAbsoluteError,
                Loss::Huber { delta: 0.5 },
                Loss::Huber { delta: 5.0 },
            ],
        };
        for &loss in losses {
            let of = if loss == Loss::BinaryCrossEntropy { &sides } else { &numbers };
            let values = Values::Numbers { numbers: of, precision: 0.1 };
            check_problem(&specs, &Problem { loss, x: &x, values, weights: &weights });
            // Without an activation, and with one layer alone.
            if loss != Loss::BinaryCrossEntropy {
                let bare = [hidden.as_slice(), &[last]].concat();
                check_problem(&bare, &Problem { loss, x: &x, values, weights: &[] });
                let one = [Dense { inputs: 4, outputs: 2 }];
                check_problem(&one, &Problem { loss, x: &x, values, weights: &[] });
            }
        }
    }
}

/// A weight too few is not one of 1.
#[test]
#[should_panic(expected = "weights of 2 samples")]
fn a_weight_too_few_for_classes() {
    weigh(Loss::default(), Values::Classes(&[0, 1]), Softmax);
}

#[test]
#[should_panic(expected = "weights of 2 samples")]
fn a_weight_too_few_for_numbers() {
    let numbers = Values::Numbers { numbers: &[0.0; 4], precision: 0.0 };
    weigh(Loss::MeanSquaredError, numbers, LayerSpec::RELU);
}

/// The loss of two samples with one weight.
fn weigh(loss: Loss, values: Values<'_>, last: LayerSpec) {
    let model = Model::new(&[Dense { inputs: 1, outputs: 2 }, last], Init::He, 0).unwrap();
    let mut workspace = Workspace::inference(&model, 2);
    workspace.input_mut(2).fill(1.0);
    let targets = Targets { values, weights: &[1.0] };
    model.loss(&Objective { loss, targets, n_batch: 2 }, &mut workspace);
}

/// The gradient of what regularisation adds to the loss.
#[test]
fn penalties() {
    let penalty = Penalty { weights_l1: 0.3, weights_l2: 0.2, biases_l1: 0.1, biases_l2: 0.4 };
    // None of them at the kink.
    let params: Vec<f32> = wave(12, 0.4).map(|x| x + x.signum() * 0.1).collect();
    let mut gradient = vec![1.0; params.len()];
    penalty.add_gradient(&params, 9, &mut gradient);
    for i in 0..params.len() {
        let expected = derivative(params[i], |param| {
            let mut nudged = params.clone();
            nudged[i] = param;
            penalty.of(&nudged[..9], &nudged[9..])
        });
        assert_close(gradient[i] - 1.0, expected, &format!("parameter {i}"));
    }
    let mut at_0 = [0.0];
    penalty.add_gradient(&[0.0], 1, &mut at_0);
    assert_eq!(at_0, [0.0], "a weight that is 0 stays there");
}

#[test]
fn whole_net() {
    check(&LayerSpec::mlp(&[6, 10, 7, 4]));
}

/// A layer so wide that its parameters make several blocks.
#[test]
fn net_of_several_gradient_blocks() {
    // No ReLU: among so many units some would sit at the kink.
    let specs = [Dense { inputs: 100, outputs: 600 }, Dense { inputs: 600, outputs: 2 }, Softmax];
    let model = Model::new(&specs, Init::Glorot, 1).unwrap();
    assert!(model.gradient_blocks().len() > 2);
    let x: Vec<f32> = wave(5 * 100, 0.5).collect();
    let labels = [0, 1, 1, 0, 1];
    let problem = Problem::of_classes(&x, &labels);
    let (_, gradient) = loss_and_gradient(&model, &problem, 2);
    for i in (0..gradient.len()).step_by(97) {
        let expected = derivative(model.params()[i], |param| {
            let mut nudged = model.clone();
            nudged.params_mut()[i] = param;
            loss_and_gradient(&nudged, &problem, 5).0
        });
        assert_close(gradient[i], expected, &format!("parameter {i}"));
    }
}

/// More parts than a product takes at once.
#[test]
fn a_batch_in_many_parts() {
    let model = Model::new(&LayerSpec::mlp(&[6, 10, 4]), Init::He, 2).unwrap();
    let x: Vec<f32> = wave(11 * 6, 0.4).collect();
    let labels: Vec<u32> = (0..11).map(|i| i % 4).collect();
    let problem = Problem::of_classes(&x, &labels);
    let [(_, in_many), (_, in_one)] = [1, 11].map(|n| loss_and_gradient(&model, &problem, n));
    for (i, (&found, &expected)) in in_many.iter().zip(in_one.iter()).enumerate() {
        assert_close(found, f64::from(expected), &format!("parameter {i}"));
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
            let objective = Objective::classes(&labels);
            let loss = model.loss(&objective, part).mean_loss();
            model.backward(&objective, part);
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

#[test]
#[should_panic(expected = "length of a block's parameters")]
fn parameters_of_another_block() {
    let model = Model::new(&LayerSpec::mlp(&[2, 3]), Init::He, 0).unwrap();
    let (block, part) = (&model.gradient_blocks()[0], Workspace::training(&model, 1));
    let mut gradient = zeros(block.range().len());
    block.gradient_for_update([&part], &mut gradient, &mut [0.0; 2]);
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
        let objective = Objective::classes(&[1]);
        model.loss(&objective, &mut workspace);
        model.backward(&objective, &mut workspace);
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
