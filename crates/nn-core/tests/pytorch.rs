//! Compares layers and losses with PyTorch's float64 numbers, from `reference/layers_and_losses.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nn_core::{
    Activation, Architecture, BatchNorm, BatchStatistics, Init, Layer, LayerNorm, Loss, Mode,
    Model, Objective, Targets, Values, Workspace, zeros,
};

const N: usize = 7;
const INPUTS: usize = 4;
const OUTPUTS: usize = 3;

/// The same numbers as in the script.
fn wave(n: usize, phase: f64) -> Vec<f32> {
    (0..n).map(|i| (i as f64 * 1.7 + phase).sin() as f32).collect()
}

/// The numbers that the script printed for a case.
#[track_caller]
fn expected(case: &str, what: &str) -> Vec<f64> {
    let lines = include_str!("reference/layers_and_losses.txt").lines();
    let numbers = lines.filter_map(|line| line.strip_prefix(&format!("{case} {what} "))).next();
    let numbers = numbers.unwrap_or_else(|| panic!("no line of {case}, {what}"));
    numbers.split(' ').map(|x| x.parse().unwrap()).collect()
}

#[track_caller]
fn check(case: &str, what: &str, found: &[f32], tolerance: f64) {
    let expected = expected(case, what);
    assert_eq!(found.len(), expected.len(), "{case}, {what}");
    for (i, (&found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(
            error <= tolerance * expected.abs().max(1.0),
            "{case}, {what} {i}: {found}, PyTorch has {expected}"
        );
    }
}

/// A dense layer with the given number of outputs, followed by `others`. If there is a normalisation among them, its
/// parameters are set, too.
fn model(outputs: usize, others: &[Layer]) -> Model {
    let layers = [&[Layer::dense(outputs)], others].concat();
    let mut model = Model::new(Architecture::new(INPUTS, &layers).unwrap(), Init::He, 0);
    let n_dense = (INPUTS + 1) * outputs;
    let mut params = model.params_mut();
    let (dense, norm) = params.split_at_mut(n_dense);
    dense.copy_from_slice(&wave(n_dense, 0.3));
    if !norm.is_empty() {
        let scales = wave(outputs, 0.9).into_iter().map(|x| 1.0 + 0.5 * x);
        let values = scales.chain(wave(outputs, 2.1));
        norm.iter_mut().zip(values).for_each(|(param, value)| *param = value);
    }
    drop(params);
    model
}

/// The results of a training pass over shards of 3 samples.
struct Trained {
    outputs: Vec<f32>,
    loss: f32,
    gradient: Vec<f32>,
    statistics: BatchStatistics,
}

fn train(model: &Model, phase: f64, loss: Loss, targets: Targets<'_>) -> Trained {
    const SHARD: usize = 3;
    let x = wave(N * INPUTS, phase);
    let (mut shards, mut objectives) = (Vec::new(), Vec::new());
    for (i, x) in x.chunks(SHARD * INPUTS).enumerate() {
        let (start, n) = (i * SHARD, x.len() / INPUTS);
        let mut shard = Workspace::training(model, SHARD);
        shard.set_mode(Mode::Train { seed: 0, step: 0, shard: i as u64 });
        shard.input_mut(n).copy_from_slice(x);
        shards.push(shard);
        let values = match targets.values {
            Values::Classes(classes) => Values::Classes(&classes[start..start + n]),
            Values::Numbers { numbers, precision } => {
                let numbers = &numbers[start * model.outputs()..(start + n) * model.outputs()];
                Values::Numbers { numbers, precision }
            }
        };
        let weights = targets.weights.get(start..start + n).unwrap_or_default();
        objectives.push(Objective { loss, targets: Targets { values, weights }, n_batch: N });
    }
    let mut statistics = BatchStatistics::new(model);
    let sums = model.train_pass(&objectives, &mut statistics, &mut shards);
    let mut gradient = zeros(model.params().len());
    model.gradient(&shards, &mut gradient);
    let last = model.layers().len() - 1;
    let outputs =
        shards.iter().flat_map(|shard| shard.output(last).iter().copied().collect::<Vec<_>>());
    Trained {
        outputs: outputs.collect(),
        loss: sums.mean_loss() as f32,
        gradient: gradient.to_vec(),
        statistics,
    }
}

impl Trained {
    #[track_caller]
    fn check(&self, case: &str, what: &[&str]) {
        for &what in what {
            let found = match what {
                "outputs" => self.outputs.as_slice(),
                "loss" => &[self.loss],
                _ => &self.gradient,
            };
            check(case, what, found, 2e-6);
        }
    }
}

fn numbers(numbers: &[f32]) -> Targets<'_> {
    Targets { values: Values::Numbers { numbers, precision: 0.0 }, weights: &[] }
}

const PASS: &[&str] = &["outputs", "loss", "gradient"];

#[test]
fn layer_norm() {
    let model = model(5, &[Layer::LayerNorm(LayerNorm { epsilon: 1e-3 })]);
    let targets = wave(N * 5, 0.7);
    train(&model, 1.3, Loss::MeanSquaredError, numbers(&targets)).check("layer_norm", PASS);
}

/// Three batches of different samples: the results of each pass, and the running statistics that inference then reads.
#[test]
fn batch_norm() {
    let mut model = model(5, &[Layer::BatchNorm(BatchNorm { momentum: 0.2, epsilon: 1e-3 })]);
    let targets = wave(N * 5, 0.7);
    for batch in 0..3 {
        let case = format!("batch_norm_{batch}");
        let phase = 1.3 + f64::from(batch);
        let trained = train(&model, phase, Loss::MeanSquaredError, numbers(&targets));
        trained.check(&case, PASS);
        model.update_statistics(&trained.statistics);
        let (means, variances) = model.statistics().split_at(5);
        check(&case, "means", means, 1e-6);
        check(&case, "variances", variances, 1e-6);
    }
    let x = wave(N * INPUTS, 1.3);
    let outputs = model.predict(nn_core::MatrixView::from_slice(&x, INPUTS, N));
    check("batch_norm_inference", "outputs", outputs.as_slice(), 2e-6);
}

/// PyTorch refuses a batch of one sample. Here the output is the shifts, and the running variances move towards 0.
#[test]
fn batch_norm_of_one_sample() {
    let mut model = model(5, &[Layer::BatchNorm(BatchNorm { momentum: 0.2, epsilon: 1e-3 })]);
    let mut shard = Workspace::training(&model, 1);
    shard.set_mode(Mode::Train { seed: 0, step: 0, shard: 0 });
    shard.input_mut(1).copy_from_slice(&wave(INPUTS, 1.3));
    let targets = numbers(&[0.0; 5]);
    let objective = Objective { loss: Loss::MeanSquaredError, targets, n_batch: 1 };
    let mut statistics = BatchStatistics::new(&model);
    let mut shards = [shard];
    model.train_pass(&[objective], &mut statistics, &mut shards);
    let shifts = model.param("batch_norm0.shifts").unwrap().into_owned();
    assert_eq!(shards[0].output(1).into_owned(), shifts);
    model.update_statistics(&statistics);
    assert_eq!(model.statistics()[5..], [0.8; 5]);
}

#[track_caller]
fn check_loss(case: &str, loss: Loss, last: Layer, targets: Targets<'_>) {
    let model = model(OUTPUTS, &[last]);
    train(&model, 1.3, loss, targets).check(case, &["loss", "gradient"]);
}

#[test]
fn categorical_losses() {
    let classes: Vec<u32> = (0..N as u32).map(|i| i * 5 % OUTPUTS as u32).collect();
    let squares: Vec<f32> = wave(N * OUTPUTS, 0.2).into_iter().map(|x| x * x).collect();
    let distributions: Vec<f32> =
        squares.chunks(OUTPUTS).flat_map(|q| q.iter().map(|x| x / q.iter().sum::<f32>())).collect();
    let weights: Vec<f32> = classes.iter().map(|&class| [0.5, 1.0, 2.5][class as usize]).collect();
    let weighted = Targets { values: Values::Classes(&classes), weights: &weights };
    let (classes, distributions) = (Targets::from(&classes[..]), numbers(&distributions));
    let smoothed = Loss::CrossEntropy { smoothing: 0.2 };
    for (case, loss, targets) in [
        ("classes", Loss::default(), classes),
        ("smoothed", smoothed, classes),
        ("distributions", Loss::default(), distributions),
        ("smoothed_distributions", smoothed, distributions),
        ("class_weights", Loss::default(), weighted),
        ("focal_2", Loss::Focal { gamma: 2.0 }, classes),
        ("focal_half", Loss::Focal { gamma: 0.5 }, classes),
    ] {
        check_loss(case, loss, Layer::SOFTMAX, targets);
    }
}

#[test]
fn losses_of_numbers() {
    let targets: Vec<f32> = wave(N * OUTPUTS, 0.7).into_iter().map(|x| 2.0 * x).collect();
    let sides: Vec<f32> = targets.iter().map(|&x| f32::from(u8::from(x > 0.0))).collect();
    for (case, loss) in [
        ("huber_half", Loss::Huber { delta: 0.5 }),
        ("huber_2", Loss::Huber { delta: 2.0 }),
        ("squared", Loss::MeanSquaredError),
        ("absolute", Loss::MeanAbsoluteError),
    ] {
        check_loss(case, loss, Layer::Activation(Activation::Linear), numbers(&targets));
    }
    let sigmoid = Layer::Activation(Activation::Sigmoid);
    check_loss("binary", Loss::BinaryCrossEntropy, sigmoid, numbers(&sides));
}

/// Every element is either 0 or scaled as in PyTorch. On average, and in inference, it is the input.
#[test]
fn dropout() {
    const DRAWS: u64 = 20_000;
    for (case, rate) in [("dropout_quarter", 0.25), ("dropout_half", 0.5), ("dropout_tenth", 0.1)] {
        let layers = [Layer::dense(OUTPUTS), Layer::dropout(rate)];
        let mut model = Model::new(Architecture::new(1, &layers).unwrap(), Init::He, 0);
        model.params_mut()[OUTPUTS..].copy_from_slice(&wave(OUTPUTS, 0.4));
        let mut workspace = Workspace::training(&model, 1);
        workspace.input_mut(1).fill(0.0);
        check(case, "inference", model.forward(&mut workspace).into_owned().as_slice(), 1e-7);

        let (mut kept, mut sums) = ([0.0; OUTPUTS], [0.0; OUTPUTS]);
        for step in 0..DRAWS {
            workspace.set_mode(Mode::Train { seed: 0, step, shard: 0 });
            for (i, &y) in model.forward(&mut workspace).iter().enumerate() {
                assert!(y == 0.0 || kept[i] == 0.0 || y == kept[i], "{y}, but {} before", kept[i]);
                kept[i] = if y == 0.0 { kept[i] } else { y };
                sums[i] += f64::from(y);
            }
        }
        // The rate is rounded to 1/65,536.
        check(case, "kept", &kept, 1e-5);
        // Both means are over the same number of draws, and have a standard deviation of up to 0.006.
        let mean = sums.map(|sum| (sum / DRAWS as f64) as f32);
        check(case, "mean", &mean, 0.03);
    }
}
