//! Passes of the book's network on one thread: `cargo bench -p nn-core`. Elements are
//! multiply-adds, so throughput is half the floating-point operations a second.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nn_core::{Init, LayerSpec, Model, Workspace, zeros};

const SIZES: [usize; 4] = [784, 128, 128, 10];

/// Multiply-adds of a sample, forward: those of all weights.
const FORWARD: u64 = 784 * 128 + 128 * 128 + 128 * 10;
/// Back to the deltas: all layers but the first.
const DELTAS: u64 = 128 * 128 + 128 * 10;

fn model() -> Model {
    Model::new(&LayerSpec::mlp(&SIZES), Init::He, 0).expect("the layers fit")
}

fn fill(workspace: &mut Workspace, n_samples: usize) {
    for (i, x) in workspace.input_mut(n_samples).iter_mut().enumerate() {
        *x = (i as f32 * 0.37).sin();
    }
}

fn forward(criterion: &mut Criterion) {
    let model = model();
    let mut group = criterion.benchmark_group("forward");
    for n_samples in [1, 8, 32, 128] {
        let mut workspace = Workspace::inference(&model, n_samples);
        fill(&mut workspace, n_samples);
        group.throughput(Throughput::Elements(FORWARD * n_samples as u64));
        group.bench_function(BenchmarkId::from_parameter(n_samples), |bencher| {
            bencher.iter(|| model.forward(&mut workspace)[0]);
        });
    }
}

fn step(criterion: &mut Criterion) {
    let model = model();
    let n_samples = 32;
    let mut workspace = Workspace::training(&model, n_samples);
    fill(&mut workspace, n_samples);
    let labels: Vec<u32> = (0..n_samples as u32).map(|i| i % 10).collect();
    let mut group = criterion.benchmark_group("32 samples");

    group.throughput(Throughput::Elements((FORWARD + DELTAS) * n_samples as u64));
    group.bench_function("loss and backward", |bencher| {
        bencher.iter(|| {
            let loss = model.loss(&labels, &mut workspace);
            model.backward(&labels, n_samples, &mut workspace);
            loss
        });
    });

    let blocks = model.gradient_blocks();
    let mut gradient = zeros(model.params().len());
    group.throughput(Throughput::Elements(FORWARD * n_samples as u64));
    group.bench_function("gradient", |bencher| {
        bencher.iter(|| {
            for block in blocks {
                block.gradient([&workspace], &mut gradient[block.range()]);
            }
        });
    });
}

criterion_group!(benches, forward, step);
criterion_main!(benches);
