//! Compares every gradient with central differences of the loss.
//!
//! The whole network is checked through the public passes. A single layer is checked within a network in which its
//! gradient matters: a softmax in the middle uses its full Jacobian, the one at the end the fused form. A batch is
//! divided into several shards, so that the check covers what they exchange.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nn_core::{
    Activation, Architecture, BatchStatistics, Buffer, Init, Layer, Loss, Mode, Model, Objective,
    Penalty, Scaling, Targets, Values, Workspace, zeros,
};

/// The loss and the samples on which a network is checked.
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

    /// The targets of `n` samples from `start`, for a model with the given number of outputs.
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

/// The mean loss of `model`, and the gradient with respect to its parameters. The samples are divided into workspaces
/// of at most `capacity`.
fn loss_and_gradient(model: &Model, problem: &Problem<'_>, capacity: usize) -> (f64, Buffer) {
    let n_batch = problem.x.len() / model.inputs();
    let (mut shards, mut objectives) = (Vec::new(), Vec::new());
    for (i, x) in problem.x.chunks(capacity * model.inputs()).enumerate() {
        let n = x.len() / model.inputs();
        let mut shard = Workspace::training(model, capacity);
        shard.set_mode(Mode::Train { seed: 7, step: 3, shard: i as u64 });
        shard.input_mut(n).copy_from_slice(x);
        shards.push(shard);
        let targets = problem.targets(i * capacity, n, model.outputs());
        objectives.push(Objective { loss: problem.loss, targets, n_batch });
    }
    let mut statistics = BatchStatistics::new(model);
    let loss = model.train_pass(&objectives, &mut statistics, &mut shards).loss;
    let (mut gradient, mut params) = (zeros(model.params().len()), model.params().to_vec());
    let mut for_update = gradient.clone();
    model.gradient(&shards, &mut gradient);
    for block in model.gradient_blocks() {
        let range = block.range.clone();
        let for_update = &mut for_update[range.clone()];
        block.gradient(&shards, for_update, &mut params[range]);
    }
    assert_eq!(gradient, for_update, "the gradient depends on whether an update follows");
    assert_eq!(params, model.params(), "computing the gradient changed the parameters");
    let bound: f64 = shards.iter().map(Workspace::gradient_bound).sum();
    assert!(
        gradient.iter().all(|d| f64::from(d.abs()) <= bound),
        "an element exceeds the bound of {bound}"
    );
    (loss / n_batch as f64, gradient)
}

/// Smooth, varied numbers in `[-1, 1]`.
fn wave(n: usize, phase: f32) -> impl Iterator<Item = f32> {
    (0..n).map(move |i| (i as f32 * 1.7 + phase).sin())
}

/// The derivative of `loss` at `at`, by central differences over two distances, combined so that the leading error
/// cancels.
fn derivative(at: f32, mut loss: impl FnMut(f32) -> f64) -> f64 {
    let mut difference = |distance: f32| {
        let (above, below) = (at + distance, at - distance);
        (loss(above) - loss(below)) / f64::from(above - below)
    };
    (4.0 * difference(4e-3) - difference(8e-3)) / 3.0
}

/// Gradients here are about 0.1 to 1, and a difference of losses in `f32` is accurate to about `1e-7 / 1e-2`.
#[track_caller]
fn assert_close(found: f32, expected: f64, what: &str) {
    assert!((f64::from(found) - expected).abs() < 1e-4, "{what}: {found}, not {expected}");
}

#[track_caller]
fn check(inputs: usize, layers: &[Layer]) {
    let architecture = Architecture::new(inputs, layers).unwrap();
    let (x, labels) = samples(&architecture);
    check_problem(&architecture, &Problem::of_classes(&x, &labels));
}

const N_SAMPLES: usize = 7;

/// Samples and classes for a network.
fn samples(architecture: &Architecture) -> (Vec<f32>, Vec<u32>) {
    let n_classes = architecture.output().len() as u32;
    let x = wave(N_SAMPLES * architecture.input().len(), 1.3).collect();
    (x, (0..N_SAMPLES as u32).map(|i| i * 3 % n_classes).collect())
}

/// The gradient and the differences use the same shards of 3 samples, because dropout's draws depend on the shards.
#[track_caller]
fn check_problem(architecture: &Architecture, problem: &Problem<'_>) {
    let mut model = Model::new(architecture.clone(), Init::Glorot, 5);
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
        assert_close(
            found,
            expected,
            &format!("{architecture}, {:?}, parameter {i}", problem.loss),
        );
    }
}

#[test]
fn one_dense_layer() {
    check(4, &[Layer::dense(3), Layer::SOFTMAX]);
}

#[test]
fn dense_layers_in_a_row() {
    check(3, &[Layer::dense(5), Layer::dense(4), Layer::SOFTMAX]);
}

#[test]
fn relu() {
    check(5, &Layer::mlp(&[9, 4]));
}

#[test]
fn softmax_through_its_jacobian() {
    check(4, &[Layer::dense(6), Layer::SOFTMAX, Layer::dense(3), Layer::SOFTMAX]);
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
        // So few units that none is at a kink.
        let layers = [Layer::dense(3), Layer::Activation(activation), Layer::dense(3)];
        check(4, &[&layers[..], &[Layer::SOFTMAX]].concat());
    }
}

/// The same elements are dropped in every pass of a step.
#[test]
fn dropout() {
    let (hidden, drop, last) = (Layer::dense(9), Layer::dropout(0.4), Layer::dense(3));
    check(4, &[hidden, drop, last, Layer::SOFTMAX]);
    check(4, &[hidden, Layer::RELU, drop, last, Layer::SOFTMAX]);
    check(4, &[hidden, Layer::RELU, drop, drop, last, drop, Layer::SOFTMAX]);
}

/// In inference mode nothing is dropped, neither forward nor backward, even after a pass in training mode.
#[test]
fn dropout_in_inference_mode() {
    const TRAIN: Mode = Mode::Train { seed: 7, step: 3, shard: 0 };
    let net = |layer| {
        Architecture::new(4, &[Layer::dense(9), layer, Layer::dense(3), Layer::SOFTMAX]).unwrap()
    };
    let with = net(Layer::dropout(0.4));
    let (x, labels) = samples(&with);
    let gradient = |architecture: &Architecture, modes: &[Mode]| {
        let model = Model::new(architecture.clone(), Init::Glorot, 5);
        let mut workspace = Workspace::training(&model, N_SAMPLES);
        workspace.input_mut(N_SAMPLES).copy_from_slice(&x);
        let objective = Objective::classes(&labels);
        for &mode in modes {
            workspace.set_mode(mode);
            model.loss(&objective, &mut workspace);
            model.backward(&objective, &mut workspace);
        }
        let mut gradient = zeros(model.params().len());
        model.gradient(&[workspace], &mut gradient);
        gradient.to_vec()
    };
    let expected = gradient(&net(Layer::Activation(Activation::Linear)), &[Mode::Infer]);
    assert_eq!(gradient(&with, &[Mode::Infer]), expected);
    assert_eq!(gradient(&with, &[TRAIN, Mode::Infer]), expected);
    assert_ne!(gradient(&with, &[TRAIN]), expected);
}

#[test]
fn layer_norm() {
    let (hidden, norm, last) = (Layer::dense(9), Layer::LAYER_NORM, Layer::dense(3));
    check(4, &[hidden, norm, last, Layer::SOFTMAX]);
    let tanh = Layer::Activation(Activation::Tanh);
    check(4, &[hidden, norm, tanh, last, norm, Layer::SOFTMAX]);
}

/// The gradient of every sample goes through statistics to which all samples contribute, including those of other
/// shards.
#[test]
fn batch_norm() {
    let (hidden, norm, last) = (Layer::dense(6), Layer::BATCH_NORM, Layer::dense(3));
    let tanh = Layer::Activation(Activation::Tanh);
    check(4, &[hidden, norm, last, Layer::SOFTMAX]);
    let first = [hidden, norm, tanh, Layer::dense(5), norm, tanh, norm];
    check(4, &[&first[..], &[last, norm, Layer::SOFTMAX]].concat());
}

/// A network can begin with any layer.
#[test]
fn other_first_layers() {
    let rest =
        [Layer::dense(5), Layer::Activation(Activation::Tanh), Layer::dense(3), Layer::SOFTMAX];
    for first in [Layer::BATCH_NORM, Layer::LAYER_NORM, Layer::dropout(0.3), Layer::SOFTMAX] {
        check(4, &[&[first], &rest[..]].concat());
    }
    check(4, &[&[Layer::LAYER_NORM, Layer::BATCH_NORM], &rest[..]].concat());
}

#[test]
fn all_together() {
    check(
        5,
        &[
            Layer::dense(8),
            Layer::BATCH_NORM,
            Layer::Activation(Activation::Silu),
            Layer::dropout(0.2),
            Layer::dense(8),
            Layer::LAYER_NORM,
            Layer::Activation(Activation::Gelu),
            Layer::dropout(0.2),
            Layer::dense(4),
            Layer::SOFTMAX,
        ],
    );
}

#[test]
fn categorical_losses() {
    let architecture = Architecture::mlp(&[5, 9, 4]).unwrap();
    let (x, labels) = samples(&architecture);
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
        check_problem(&architecture, &Problem { loss, x: &x, values, weights: &[] });
        check_problem(&architecture, &Problem { loss, x: &x, values, weights: &weights });
    }
}

#[test]
fn losses_of_numbers() {
    let hidden = [Layer::dense(6), Layer::Activation(Activation::Tanh)];
    let last = Layer::dense(2);
    let net = |layers: &[&[Layer]]| Architecture::new(4, &layers.concat()).unwrap();
    let numbers: Vec<f32> = wave(2 * N_SAMPLES, 0.7).map(|x| 2.0 * x).collect();
    let sides: Vec<f32> = numbers.iter().map(|&x| f32::from(u8::from(x > 0.0))).collect();
    let weights: Vec<f32> = (0..N_SAMPLES).map(|i| 0.5 + i as f32 / 4.0).collect();
    for end in [Activation::Linear, Activation::Sigmoid] {
        let architecture = net(&[&hidden, &[last, Layer::Activation(end)]]);
        let (x, _) = samples(&architecture);
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
            check_problem(&architecture, &Problem { loss, x: &x, values, weights: &weights });
            // Without an activation at the end, and with a single layer.
            if loss != Loss::BinaryCrossEntropy {
                for bare in [net(&[&hidden, &[last]]), net(&[&[last]])] {
                    check_problem(&bare, &Problem { loss, x: &x, values, weights: &[] });
                }
            }
        }
    }
}

/// A single layer, so that no other layer's bound can hide an error. The samples are alike and far from 0, so that
/// their gradients are large and add up.
#[test]
fn no_gradient_exceeds_its_bound() {
    for layer in [Layer::dense(2), Layer::LAYER_NORM] {
        let model = Model::new(Architecture::new(2, &[layer]).unwrap(), Init::Glorot, 5);
        let mut workspace = Workspace::training(&model, N_SAMPLES);
        workspace.input_mut(N_SAMPLES).copy_from_slice(&[3.0, -4.0].repeat(N_SAMPLES));
        let numbers = [20.0, -20.0].repeat(N_SAMPLES);
        let values = Values::Numbers { numbers: &numbers, precision: 0.0 };
        let targets = Targets { values, weights: &[] };
        let objective = Objective { loss: Loss::MeanSquaredError, targets, n_batch: N_SAMPLES };
        model.loss(&objective, &mut workspace);
        model.backward(&objective, &mut workspace);
        let bound = workspace.gradient_bound();
        let mut gradient = zeros(model.params().len());
        model.gradient(&[workspace], &mut gradient);
        let largest = gradient.iter().map(|d| f64::from(d.abs())).fold(0.0, f64::max);
        let is_close = largest <= bound * (1.0 + 1e-6) && bound < 2.0 * largest;
        assert!(is_close, "{layer:?}: a bound of {bound} for a largest gradient of {largest}");
    }
}

/// A missing weight is an error, not a weight of 1.
#[test]
#[should_panic(expected = "number of weights: expected 2, found 1")]
fn one_weight_too_few_for_classes() {
    weigh(Loss::default(), Values::Classes(&[0, 1]), Layer::SOFTMAX);
}

#[test]
#[should_panic(expected = "number of weights: expected 2, found 1")]
fn one_weight_too_few_for_numbers() {
    let numbers = Values::Numbers { numbers: &[0.0; 4], precision: 0.0 };
    weigh(Loss::MeanSquaredError, numbers, Layer::RELU);
}

/// The loss of two samples with one weight.
fn weigh(loss: Loss, values: Values<'_>, last: Layer) {
    let architecture = Architecture::new(1, &[Layer::dense(2), last]).unwrap();
    let model = Model::new(architecture, Init::He, 0);
    let mut workspace = Workspace::inference(&model, 2);
    workspace.input_mut(2).fill(1.0);
    let targets = Targets { values, weights: &[1.0] };
    model.loss(&Objective { loss, targets, n_batch: 2 }, &mut workspace);
}

/// The gradient of regularisation.
#[test]
fn penalties() {
    let penalty = Penalty { weights_l1: 0.3, weights_l2: 0.2, biases_l1: 0.1, biases_l2: 0.4 };
    // None of them is at the kink.
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
    check(6, &Layer::mlp(&[10, 7, 4]));
}

/// A layer so wide that its parameters are several blocks.
#[test]
fn net_of_several_gradient_blocks() {
    // No ReLU: some of the many units would be at the kink.
    let layers = [Layer::dense(600), Layer::dense(2), Layer::SOFTMAX];
    let model = Model::new(Architecture::new(100, &layers).unwrap(), Init::Glorot, 1);
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

/// More shards than one product adds up.
#[test]
fn a_batch_in_many_shards() {
    let model = Model::new(Architecture::mlp(&[6, 10, 4]).unwrap(), Init::He, 2);
    let x: Vec<f32> = wave(11 * 6, 0.4).collect();
    let labels: Vec<u32> = (0..11).map(|i| i % 4).collect();
    let problem = Problem::of_classes(&x, &labels);
    let [(_, in_many), (_, in_one)] = [1, 11].map(|n| loss_and_gradient(&model, &problem, n));
    for (i, (&found, &expected)) in in_many.iter().zip(in_one.iter()).enumerate() {
        assert_close(found, f64::from(expected), &format!("parameter {i}"));
    }
}

/// Bytes are stored unshifted, and the first layer applies the scaling's mean in its biases and its gradient. Loss and
/// gradient must be those of the scaled numbers, before and after the parameters change.
#[test]
fn bytes_give_the_same_results_as_scaled_numbers() {
    let mut model = Model::new(Architecture::mlp(&[70, 40, 9]).unwrap(), Init::He, 5);
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
        let [of_bytes, of_numbers] = [&mut of_bytes, &mut of_numbers].map(|shard| {
            let objective = Objective::classes(&labels);
            let loss = model.loss(&objective, shard).mean_loss();
            model.backward(&objective, shard);
            let mut gradient = zeros(model.params().len());
            model.gradient(std::slice::from_ref(shard), &mut gradient);
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
    let model = Model::new(Architecture::mlp(&[2, 3]).unwrap(), Init::He, 0);
    let (block, shard) = (&model.gradient_blocks()[0], Workspace::training(&model, 1));
    let mut gradient = zeros(block.range.len());
    block.gradient(&[shard], &mut gradient, &mut [0.0; 2]);
}

/// If a number is not finite, neither is the bound, and the first layer with such a number is found.
#[test]
fn a_bound_that_is_not_finite() {
    let bound = |x: [f32; 2], weight: f32| {
        let mut model = Model::new(Architecture::mlp(&[2, 3, 2]).unwrap(), Init::He, 0);
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
    // Finite inputs and weights whose product is not finite.
    let (none, layer) = bound([1e30, 1.0], 1e30);
    assert!(!none.is_finite() && layer == Some(0), "{none}");
}

/// A custom loss, the sum of the fourth powers of the outputs: checks the gradients with respect to parameters and to
/// samples, with several kinds of first layers.
#[test]
fn custom_losses_and_the_gradient_with_respect_to_samples() {
    let tanh = Layer::Activation(Activation::Tanh);
    let nets: [&[Layer]; 5] = [
        &[Layer::dense(6), tanh, Layer::dense(2)],
        &[Layer::dense(3)],
        &[Layer::LAYER_NORM, Layer::dense(3), Layer::SOFTMAX],
        &[tanh, Layer::dense(5), Layer::dropout(0.4), Layer::dense(2)],
        &[Layer::dropout(0.3), Layer::dense(2)],
    ];
    for layers in nets {
        let architecture = Architecture::new(4, layers).unwrap();
        let mut model = Model::new(architecture, Init::Glorot, 5);
        let (x, _) = samples(model.architecture());
        let mut workspace = Workspace::training(&model, N_SAMPLES);
        workspace.set_mode(Mode::Train { seed: 7, step: 3, shard: 0 });
        let loss = |model: &Model, x: &[f32], workspace: &mut Workspace| {
            workspace.input_mut(N_SAMPLES).copy_from_slice(x);
            let y = model.forward(workspace);
            y.iter().map(|&y| f64::from(y).powi(4)).sum::<f64>()
        };
        loss(&model, &x, &mut workspace);
        let y = workspace.output(layers.len() - 1);
        let d_output = y.map(|y| 4.0 * y.powi(3));
        model.backward_from(d_output.as_view(), &mut workspace);
        let d_samples = model.input_gradient(&mut workspace).into_owned();
        let mut gradient = zeros(model.params().len());
        model.gradient(std::slice::from_ref(&workspace), &mut gradient);
        assert!(gradient.iter().chain(d_samples.iter()).any(|d| d.abs() > 0.05));
        let close = |found: f32, expected: f64, what: &str| {
            let error = (f64::from(found) - expected).abs();
            assert!(error < 1e-3 * expected.abs().max(1.0), "{what}: {found}, not {expected}");
        };
        for (i, &found) in gradient.iter().enumerate() {
            let at = model.params()[i];
            let expected = derivative(at, |param| {
                model.params_mut()[i] = param;
                loss(&model, &x, &mut workspace)
            });
            model.params_mut()[i] = at;
            close(found, expected, &format!("{}, parameter {i}", model.architecture()));
        }
        for (i, &found) in d_samples.iter().enumerate() {
            let expected = derivative(x[i], |feature| {
                let mut x = x.clone();
                x[i] = feature;
                loss(&model, &x, &mut workspace)
            });
            close(found, expected, &format!("{}, feature {i}", model.architecture()));
        }
    }
}

/// Each seed, step, shard and layer drops different elements.
#[test]
fn every_dropout_draws_its_own_mask() {
    const SIZE: usize = 500;
    // Without dropout all outputs are 1, so an output of 0 was dropped.
    let layers = [Layer::dense(SIZE), Layer::dropout(0.5), Layer::dense(SIZE), Layer::dropout(0.5)];
    let mut model = Model::new(Architecture::new(1, &layers).unwrap(), Init::He, 0);
    let biases: Vec<_> = model.architecture().tensors().iter().map(|it| it.range.clone()).collect();
    let mut params = model.params_mut();
    params.fill(0.0);
    params[biases[1].clone()].fill(1.0);
    params[biases[3].clone()].fill(1.0);
    drop(params);
    let mut workspace = Workspace::training(&model, 1);
    workspace.input_mut(1).fill(0.0);
    let mut dropped = |seed, step, shard| {
        workspace.set_mode(Mode::Train { seed, step, shard });
        model.forward(&mut workspace);
        [1, 3].map(|layer| workspace.output(layer).map(|y| y == 0.0))
    };
    let [first, second] = dropped(1, 7, 0);
    assert_eq!(
        [first.clone(), second.clone()],
        dropped(1, 7, 0),
        "draws depend on more than seed, step and shard"
    );
    let others = [dropped(2, 7, 0), dropped(1, 8, 0), dropped(1, 7, 1)].into_iter().flatten();
    for other in others.chain([second]) {
        let same = first.iter().zip(other.iter()).filter(|(a, b)| a == b).count();
        assert!((180..320).contains(&same), "{same} of {SIZE} alike");
    }
}
