//! Times epochs of the book's network over 60,000 images, and the evaluation of 10,000:
//!
//!     cargo bench --manifest-path benches/Cargo.toml --bench epoch
//!
//! Half of each image is black, in runs, as in Fashion-MNIST.

use std::ops::ControlFlow;

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use nn_core::{Architecture, Init, Model};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{
    EvaluationConfig, Features, RunConfig, Samples, Threads, Trainer, TrainingState, evaluate,
};

const PIXELS: usize = 784;

fn model() -> Model {
    Model::new(Architecture::mlp(&[PIXELS, 128, 128, 10]).expect("the layers fit"), Init::He, 0)
}

fn images(n: usize) -> (Vec<u8>, Vec<u32>) {
    let pixel = |i: usize| match i / 7 % 2 {
        0 => 0,
        _ => (i.wrapping_mul(2_654_435_761) >> 13) as u8,
    };
    let bytes = (0..n * PIXELS).map(pixel).collect();
    (bytes, (0..n as u32).map(|i| i % 10).collect())
}

fn samples<'a>((bytes, labels): &'a (Vec<u8>, Vec<u32>)) -> Samples<'a> {
    let features = Features::Bytes { data: bytes, scaling: Default::default() };
    Samples::new(features, PIXELS, labels).expect("as many images as labels")
}

fn pool(threads: usize) -> Threads {
    Threads::new(threads).expect("threads can be started")
}

fn epoch(criterion: &mut Criterion) {
    let images = images(60_000);
    let samples = samples(&images);
    let mut group = criterion.benchmark_group("epoch");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for (threads, batch_size) in [(1, 128), (2, 128), (2, 32), (2, 1024)] {
        let model = model();
        let (adam, schedule) = (OptimizerConfig::default(), Schedule::book());
        let config = RunConfig { batch_size, ..RunConfig::default() };
        let state = TrainingState::new(&model, adam, schedule, config).expect("valid settings");
        let mut trainer = Trainer::new(model, state, &pool(threads)).expect("a new run");
        let name = format!("{threads} threads, batches of {batch_size}");
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher
                .iter(|| trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(())));
        });
    }
}

fn evaluation(criterion: &mut Criterion) {
    let images = images(10_000);
    let samples = samples(&images);
    let model = model();
    let mut group = criterion.benchmark_group("evaluate 10,000 images");
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            let threads = pool(threads);
            bencher.iter(|| evaluate(&model, &samples, EvaluationConfig::default(), &threads));
        });
    }
}

criterion_group!(benches, epoch, evaluation);
criterion_main!(benches);
