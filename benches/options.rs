//! Times an epoch with each option against one of the default network, on one thread:
//!
//!     cargo bench --manifest-path benches/Cargo.toml --bench options [PART OF A NAME]
//!
//! The machine's clock can change by half within seconds, so both take turns, and each epoch is divided by the mean of those
//! just before and after it. The table has the medians of these ratios.

use std::{env, time::Instant};

use nn_core::rng::{Purpose, Stream};
use nn_core::{Activation, Architecture, Init, Layer, Loss, Model, Penalty, Scaling, Shape};
use nn_optim::{Adagrad, Adam, AdamW, OptimizerConfig, RmsProp, Schedule, Sgd};
use nn_train::{Augment, Clip, Features, RunConfig, Samples, Threads, Trainer, TrainingState};

const SIDE: usize = 28;
const N: usize = 6400;
const REPETITIONS: usize = 9;

/// A network and how it is trained.
#[derive(Clone)]
struct Run {
    /// Between two dense layers.
    hidden: Vec<Layer>,
    n_classes: usize,
    optimizer: OptimizerConfig,
    config: RunConfig,
}

impl Run {
    fn base() -> Self {
        let optimizer = Adam::default().into();
        Self { hidden: vec![Layer::RELU], n_classes: 10, optimizer, config: RunConfig::default() }
    }

    fn hidden(layers: &[Layer]) -> Self {
        Self { hidden: layers.to_vec(), ..Self::base() }
    }

    fn classes(n_classes: usize, loss: Loss) -> Self {
        Self { n_classes, ..Self::config(|config| config.loss = loss) }
    }

    fn optimizer(optimizer: impl Into<OptimizerConfig>) -> Self {
        Self { optimizer: optimizer.into(), ..Self::base() }
    }

    fn config(change: impl Fn(&mut RunConfig)) -> Self {
        let mut run = Self::base();
        change(&mut run.config);
        run
    }

    /// A function that trains for an epoch and returns its time in seconds. Half of the pixels are 0.
    fn start(self) -> Box<dyn FnMut() -> f64> {
        let mut stream = Stream::new(1, Purpose::Custom, 0);
        let pixel = |value: u32| value.saturating_sub(256) as u8;
        let pixels: Vec<u8> = (0..N * SIDE * SIDE).map(|_| pixel(stream.below(512))).collect();
        let labels: Vec<u32> = (0..N).map(|_| stream.below(self.n_classes as u32)).collect();
        let dense = |units| [vec![Layer::dense(units)], self.hidden.clone()].concat();
        let last = vec![Layer::dense(self.n_classes), Layer::SOFTMAX];
        let layers = [dense(128), dense(128), last].concat();
        let architecture = Architecture::new(Shape::image(SIDE, SIDE), &layers).expect("it fits");
        let model = Model::new(architecture, Init::He, 0);
        let rate = Schedule::constant(1e-4);
        let state = TrainingState::new(&model, self.optimizer, rate, self.config);
        let state = state.expect("the settings are valid");
        let mut trainer = Trainer::new(model, state, &Threads::default()).expect("they fit");
        let mut epochs = 0;
        Box::new(move || {
            let features = Features::Bytes { data: &pixels, scaling: Scaling::default() };
            let samples = Samples::new(features, SIDE * SIDE, &labels);
            let samples = samples
                .and_then(|it| it.as_images(Shape::image(SIDE, SIDE)))
                .expect("they are images");
            epochs += 1;
            let start = Instant::now();
            trainer.fit(&samples, None, epochs).expect("it does not diverge");
            start.elapsed().as_secs_f64()
        })
    }
}

fn runs() -> Vec<(&'static str, Run)> {
    let activation = |it| Run::hidden(&[Layer::Activation(it)]);
    let smoothing = Loss::CrossEntropy { smoothing: 0.1 };
    let augment = |it: Augment| Run::config(move |config| config.augment = it);
    let l2 = Penalty { weights_l2: 1e-4, ..Penalty::default() };
    vec![
        ("the same", Run::base()),
        ("leaky-relu", activation(Activation::LeakyRelu { slope: 0.01 })),
        ("elu", activation(Activation::Elu { alpha: 1.0 })),
        ("sigmoid", activation(Activation::Sigmoid)),
        ("tanh", activation(Activation::Tanh)),
        ("gelu", activation(Activation::Gelu)),
        ("silu", activation(Activation::Silu)),
        ("norm batch", Run::hidden(&[Layer::BATCH_NORM, Layer::RELU])),
        ("norm layer", Run::hidden(&[Layer::LAYER_NORM, Layer::RELU])),
        ("dropout", Run::hidden(&[Layer::RELU, Layer::dropout(0.3)])),
        ("label-smoothing", Run::classes(10, smoothing)),
        ("focal-gamma", Run::classes(10, Loss::Focal { gamma: 2.0 })),
        ("256 classes", Run::classes(256, Loss::default())),
        ("256 classes, label-smoothing", Run::classes(256, smoothing)),
        ("sgd", Run::optimizer(Sgd::default())),
        ("momentum", Run::optimizer(Sgd { momentum: 0.9, ..Sgd::default() })),
        ("adagrad", Run::optimizer(Adagrad::default())),
        ("rmsprop", Run::optimizer(RmsProp::default())),
        ("adamw", Run::optimizer(AdamW::default())),
        ("amsgrad", Run::optimizer(Adam { amsgrad: true, ..Adam::default() })),
        ("l2", Run::config(|config| config.penalties = vec![l2; 3])),
        ("clip-norm", Run::config(|config| config.clip = Some(Clip::Norm(1.0)))),
        ("clip-value", Run::config(|config| config.clip = Some(Clip::Value(1.0)))),
        ("average", Run::config(|config| config.averaging = Some(0.99))),
        ("accumulate 2", Run::config(|config| config.accumulation = 2)),
        ("flip", augment(Augment { flip: true, ..Augment::default() })),
        ("shift", augment(Augment { shift: 2, ..Augment::default() })),
        ("rotate", augment(Augment { rotate: 10.0, ..Augment::default() })),
        ("zoom", augment(Augment { zoom: 0.1, ..Augment::default() })),
        ("tone", augment(Augment { tone: 0.2, ..Augment::default() })),
        ("noise", augment(Augment { noise: 5.0, ..Augment::default() })),
        ("cutout", augment(Augment { cutout: 8, ..Augment::default() })),
    ]
}

fn main() {
    let wanted = env::args().skip(1).find(|it| !it.starts_with("--")).unwrap_or_default();
    for (name, run) in runs().into_iter().filter(|(name, _)| name.contains(&wanted)) {
        let (mut epoch, mut base) = (run.start(), Run::base().start());
        epoch();
        let mut before = base();
        let ratio = |_| {
            let time = epoch();
            let after = base();
            2.0 * time / (std::mem::replace(&mut before, after) + after)
        };
        let mut ratios: Vec<f64> = (0..REPETITIONS).map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        println!("{name:28}  {:.2}", ratios[REPETITIONS / 2]);
    }
}
