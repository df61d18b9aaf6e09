//! A training step allocates nothing. This test has a binary of its own, because the allocator counts for all tests of
//! a binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Architecture, Init, Layer, Model, Shape};
use nn_optim::{Adagrad, AdamW, OptimizerConfig, RmsProp, Schedule, Sgd};
use nn_train::{Augment, Clip, Features, RunConfig, Samples, Threads, Trainer, TrainingState};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// The number of allocations up to the end of each step of an epoch.
fn allocations_by_step(trainer: &mut Trainer, samples: &Samples<'_>) -> Vec<u64> {
    let mut counts = Vec::with_capacity(100);
    trainer
        .train_epoch(samples, None, &mut |_| {
            counts.push(dhat::HeapStats::get().total_blocks);
            ControlFlow::Continue(())
        })
        .unwrap();
    counts
}

#[test]
fn a_step_allocates_nothing() {
    let _profiler = dhat::Profiler::builder().testing().build();
    // The last of the 11 batches is shorter.
    let pixels: Vec<u8> = (0..784 * 1310).map(|i| (i % 253) as u8).collect();
    let labels: Vec<u32> = (0..1310).map(|i| i % 10).collect();
    let features = Features::Bytes { data: &pixels, scaling: Default::default() };
    let samples =
        Samples::new(features, 784, &labels).unwrap().as_images(Shape::image(28, 28)).unwrap();
    let sgd = Sgd { momentum: 0.9, nesterov: true };
    let mlp = Layer::mlp(&[128, 128, 10]);
    let mut all_kinds = mlp.clone();
    let dropout = Layer::dropout(0.2);
    all_kinds.splice(2..2, [Layer::BATCH_NORM, dropout, Layer::LAYER_NORM]);
    let everything = RunConfig {
        accumulation: 2,
        clip: Some(Clip::Norm(1.0)),
        averaging: Some(0.99),
        class_weights: vec![0.5; 10],
        augment: Augment {
            flip: true,
            shift: 1,
            rotate: 10.0,
            zoom: 0.1,
            tone: 0.2,
            noise: 5.0,
            cutout: 2,
        },
        ..RunConfig::default()
    };
    let plain = RunConfig::default();
    for (threads, optimizer, layers, config) in [
        (1, OptimizerConfig::default(), &mlp, &plain),
        (2, OptimizerConfig::default(), &mlp, &plain),
        (2, OptimizerConfig::default(), &all_kinds, &plain),
        (2, OptimizerConfig::default(), &all_kinds, &everything),
        (2, OptimizerConfig::AdamW(AdamW::default()), &mlp, &plain),
        (2, OptimizerConfig::RmsProp(RmsProp::default()), &mlp, &plain),
        (2, OptimizerConfig::Adagrad(Adagrad::default()), &mlp, &plain),
        (2, OptimizerConfig::Sgd(sgd), &mlp, &plain),
    ] {
        let model = Model::new(Architecture::new(784, layers).unwrap(), Init::He, 0);
        let (schedule, config) = (Schedule::book(), config.clone());
        let steps = 1310_usize.div_ceil(config.step_len());
        let state = TrainingState::new(&model, optimizer, schedule, config).unwrap();
        let mut trainer = Trainer::new(model, state, &Threads::new(threads).unwrap()).unwrap();
        // Threads allocate their work queues when they first have work.
        for _ in 0..5 {
            allocations_by_step(&mut trainer, &samples);
        }
        let counts = allocations_by_step(&mut trainer, &samples);
        assert_eq!(counts.len(), steps);
        assert_eq!(counts[0], counts[steps - 1], "{optimizer:?}, {threads} threads: {counts:?}");
    }
}
