//! Short runs that together use every kind of layer, loss, optimizer, schedule and setting, each with a checksum of all
//! its bits.
//!
//! The web crate compiles this file too, and compares its checksums with the same ones.

use nn_core::rng::{Purpose, Stream};
use nn_core::{Activation, Architecture, Init, Layer, Loss, Model, Penalty, Scaling, Shape};
use nn_optim::{Adagrad, Adam, AdamW, Decay, OptimizerConfig, RmsProp, Schedule, Sgd};
use nn_train::{
    Augment, Clip, EarlyStop, Error, Features, Monitor, RunConfig, Samples, Shuffle, Threads,
    Trainer, TrainingState,
};

const SIDE: usize = 9;
const N_CLASSES: usize = 3;
const N_TRAIN: usize = 100;
const N_VALIDATION: usize = 30;

/// Early stopping and plateaus need two epochs before they change a third.
const N_EPOCHS: u64 = 3;

/// A run without its samples.
struct Run {
    name: String,
    layers: Vec<Layer>,
    loss: Loss,
    optimizer: OptimizerConfig,
    schedule: Schedule,
    config: RunConfig,
}

impl Run {
    /// The run that all others change in one place.
    fn base() -> Self {
        Self {
            name: "base".into(),
            layers: vec![Layer::dense(37), Layer::RELU, Layer::dense(N_CLASSES), Layer::SOFTMAX],
            loss: Loss::default(),
            optimizer: Adam::default().into(),
            schedule: Schedule::constant(0.01),
            config: RunConfig { batch_size: 40, seed: 7, ..RunConfig::default() },
        }
    }

    /// The base with another layer or two after its first dense layer.
    fn hidden(name: &str, layers: &[Layer]) -> Self {
        let mut run = Self { name: name.into(), ..Self::base() };
        run.layers.splice(1..2, layers.iter().copied());
        run
    }

    fn loss(name: &str, loss: Loss, last: &[Layer]) -> Self {
        let mut run = Self { name: name.into(), loss, ..Self::base() };
        run.layers.splice(3.., last.iter().copied());
        run
    }

    fn optimizer(name: &str, optimizer: impl Into<OptimizerConfig>) -> Self {
        Self { name: name.into(), optimizer: optimizer.into(), ..Self::base() }
    }

    fn schedule(name: &str, warmup: u64, decay: Decay) -> Self {
        let schedule = Schedule { warmup, decay, ..Schedule::constant(0.02) };
        Self { name: name.into(), schedule, ..Self::base() }
    }

    fn config(name: &str, change: impl Fn(&mut RunConfig)) -> Self {
        let mut run = Self { name: name.into(), ..Self::base() };
        change(&mut run.config);
        run
    }
}

fn runs() -> Vec<Run> {
    let mut runs = vec![Run::base()];
    for activation in [
        Activation::LeakyRelu { slope: 0.01 },
        Activation::Elu { alpha: 1.5 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Gelu,
        Activation::Silu,
        Activation::Linear,
    ] {
        runs.push(Run::hidden(activation.name(), &[Layer::Activation(activation)]));
    }
    runs.extend([
        Run::hidden("layer_norm", &[Layer::LAYER_NORM, Layer::RELU]),
        Run::hidden("batch_norm", &[Layer::BATCH_NORM, Layer::RELU]),
        Run::hidden("dropout", &[Layer::RELU, Layer::dropout(0.3)]),
        Run::hidden("softmax", &[Layer::SOFTMAX]),
        Run::hidden("deep", &[Layer::RELU, Layer::dense(65), Layer::RELU]),
        Run::hidden("wide", &[Layer::RELU, Layer::dense(300), Layer::BATCH_NORM, Layer::RELU]),
    ]);
    // Products copy weights whose columns lie far apart or share sets of L1, if there are 32 samples or more: this batch has
    // two shards of 32.
    let layers = [Layer::RELU, Layer::dense(256), Layer::RELU, Layer::dense(512)];
    let mut wider = Run::hidden("wider", &layers);
    wider.config.batch_size = 64;
    runs.push(wider);
    let sigmoid = [Layer::Activation(Activation::Sigmoid)];
    runs.extend([
        Run::loss("smoothing", Loss::CrossEntropy { smoothing: 0.1 }, &[Layer::SOFTMAX]),
        Run::loss("focal", Loss::Focal { gamma: 1.7 }, &[Layer::SOFTMAX]),
        Run::loss("binary", Loss::BinaryCrossEntropy, &sigmoid),
        Run::loss("squared", Loss::MeanSquaredError, &[]),
        Run::loss("absolute", Loss::MeanAbsoluteError, &[]),
        Run::loss("huber", Loss::Huber { delta: 0.5 }, &[]),
        Run::optimizer("sgd", Sgd::default()),
        Run::optimizer("momentum", Sgd { momentum: 0.9, ..Sgd::default() }),
        Run::optimizer("nesterov", Sgd { momentum: 0.9, nesterov: true }),
        Run::optimizer("adagrad", Adagrad::default()),
        Run::optimizer("rmsprop", RmsProp::default()),
        Run::optimizer("amsgrad", Adam { amsgrad: true, ..Adam::default() }),
        Run::optimizer("adamw", AdamW { weight_decay: 0.1, ..AdamW::default() }),
        Run::schedule("inverse_time", 0, Decay::InverseTime { decay: 0.3 }),
        Run::schedule("step", 0, Decay::Step { every: 2, factor: 0.7 }),
        Run::schedule("exponential", 2, Decay::Exponential { every: 3, factor: 0.7 }),
        Run::schedule("cosine", 2, Decay::Cosine { steps: 4, minimum: 1e-4 }),
        Run::schedule("one_cycle", 0, Decay::OneCycle { steps: 9 }),
        Run::schedule("plateau", 0, Decay::Plateau { factor: 0.3, patience: 0, min_delta: 9.0 }),
    ]);
    let penalty = Penalty { weights_l1: 1e-4, weights_l2: 5e-4, biases_l1: 1e-5, biases_l2: 1e-3 };
    runs.extend([
        Run::config("once", |it| it.shuffle = Shuffle::Once),
        Run::config("accumulation", |it| (it.batch_size, it.accumulation) = (15, 3)),
        Run::config("class_weights", |it| it.class_weights = vec![0.5, 1.0, 1.7]),
        Run::config("penalties", |it| it.penalties = vec![penalty; 2]),
        Run::config("frozen", |it| it.frozen = vec![true, false]),
        Run::config("clip_norm", |it| it.clip = Some(Clip::Norm(0.1))),
        Run::config("clip_value", |it| it.clip = Some(Clip::Value(0.01))),
        Run::config("augment", |it| {
            it.augment = Augment { flip: true, shift: 2, cutout: 3, ..Augment::default() }
        }),
        Run::config("rotate", |it| it.augment.rotate = 20.0),
        Run::config("zoom", |it| it.augment.zoom = 0.2),
        Run::config("tone", |it| it.augment.tone = 0.3),
        Run::config("noise", |it| it.augment.noise = 20.0),
        Run::config("test_flips", |it| it.tta_flip = true),
        Run::config("averaging", |it| it.averaging = Some(0.9)),
        Run::config("keep_best", |it| (it.keep_best, it.monitor) = (true, Monitor::Accuracy)),
        Run::config("early_stop", |it| {
            it.early_stop = Some(EarlyStop { patience: 1, min_delta: 9.0 });
        }),
    ]);
    // The base has He's.
    let others = Init::ALL.into_iter().filter(|init| *init != Init::He);
    runs.extend(others.map(|init| Run::config(init.name(), |config| config.init = init)));
    // Enough columns that a panel of them is made orthogonal to another.
    let mut panels = Run::config("orthogonal_panels", |it| it.init = Init::Orthogonal);
    panels.layers[0] = Layer::dense(65);
    runs.push(panels);
    runs
}

/// Trains each run for three epochs. Returns its name and the checksum of all its numbers.
///
/// # Errors
///
/// If a run fails, which none does.
pub(crate) fn checksums() -> Result<Vec<(String, u64)>, Error> {
    runs().into_iter().map(|run| Ok((run.name.clone(), checksum(run)?))).collect()
}

fn checksum(run: Run) -> Result<u64, Error> {
    let (pixels, labels) = images();
    let features = Features::Bytes { data: &pixels, scaling: Scaling::default() };
    let one_hot: Vec<f32> = labels
        .iter()
        .flat_map(|&label| (0..N_CLASSES).map(move |class| f32::from(class == label as usize)))
        .collect();
    let has_classes = matches!(run.loss, Loss::CrossEntropy { .. } | Loss::Focal { .. });
    let samples = match has_classes {
        true => Samples::new(features, SIDE * SIDE, &labels)?,
        false => Samples::of_numbers(features, SIDE * SIDE, &one_hot, N_CLASSES, 0.5)?,
    };
    let (train, validation) = samples.as_images(Shape::image(SIDE, SIDE))?.split_at(N_TRAIN);
    let Run { layers, loss, optimizer, schedule, config, .. } = run;
    let architecture =
        Architecture::new(Shape::image(SIDE, SIDE), &layers).map_err(Error::Objective)?;
    let model = Model::new(architecture, config.init, config.seed);
    let state = TrainingState::new(&model, optimizer, schedule, RunConfig { loss, ..config })?;
    let mut trainer = Trainer::new(model, state, &Threads::default())?;
    trainer.fit(&train, Some(&validation), N_EPOCHS)?;

    let (model, state) = (trainer.inference_model(), trainer.state());
    let mut sum = Checksum::default();
    let moments = state.optimizer.moments().iter().map(|moment| &moment[..]);
    for numbers in
        [trainer.model().params(), model.params(), model.statistics()].into_iter().chain(moments)
    {
        numbers.iter().for_each(|number| sum.add(number.to_bits().into()));
    }
    for record in &state.history {
        sum.add(record.train.loss.to_bits());
        sum.add(record.validation.map_or(0, |metrics| metrics.loss.to_bits()));
        sum.add(record.learning_rate.to_bits());
    }
    Ok(sum.0)
}

/// Images of crosses, bars and corners with noise; half of the pixels are 0.
fn images() -> (Vec<u8>, Vec<u8>) {
    let mut stream = Stream::new(1, Purpose::Custom, 0);
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..N_TRAIN + N_VALIDATION {
        let class = stream.below(N_CLASSES as u32) as usize;
        labels.push(class as u8);
        for at in 0..SIDE * SIDE {
            let (row, column) = (at / SIDE, at % SIDE);
            let is_set = match class {
                0 => row == SIDE / 2 || column == SIDE / 2,
                1 => row % 3 == 1,
                _ => row + column < SIDE,
            };
            let noise = stream.below(100) as u8;
            pixels.push(if is_set { 155 + noise } else { noise.saturating_sub(70) });
        }
    }
    (pixels, labels)
}

/// FNV-1a, over words of 64 bits.
struct Checksum(u64);

impl Default for Checksum {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Checksum {
    fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    }
}
