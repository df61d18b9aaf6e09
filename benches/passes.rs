//! Times the passes of the book's network on one thread:
//!
//!     cargo bench --manifest-path benches/Cargo.toml --bench passes
//!
//! An element is a multiply-add of a product, also one with a zero. The throughput is therefore half of the floating-point
//! operations per second that would be needed without skipping zeros.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::slice;

use nn_core::{Architecture, Init, Model, Objective, Scaling, Workspace, zeros};

const SIZES: [usize; 4] = [784, 128, 128, 10];

/// Multiply-adds of a sample in the forward pass: one for each weight.
const FORWARD: u64 = 784 * 128 + 128 * 128 + 128 * 10;
/// Multiply-adds of a sample for the deltas: all layers except the first.
const DELTAS: u64 = 128 * 128 + 128 * 10;

fn model() -> Model {
    Model::new(Architecture::mlp(&SIZES).expect("the layers fit"), Init::He, 0)
}

/// Images that are half black, in runs, as garments are.
fn fill(workspace: &mut Workspace, n_samples: usize) {
    let images: Vec<u8> = (0..n_samples * SIZES[0])
        .map(|i| if i / 7 % 2 == 0 { 0 } else { (i.wrapping_mul(2_654_435_761) >> 13) as u8 })
        .collect();
    let image = |i| &images[i * SIZES[0]..][..SIZES[0]];
    workspace.set_input_bytes(n_samples, Scaling::default(), image);
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
    let objective = Objective::classes(&labels);
    let mut group = criterion.benchmark_group("32 samples");

    group.throughput(Throughput::Elements((FORWARD + DELTAS) * n_samples as u64));
    group.bench_function("loss and backward", |bencher| {
        bencher.iter(|| {
            let loss = model.loss(&objective, &mut workspace);
            model.backward(&objective, &mut workspace);
            loss
        });
    });

    let mut gradient = zeros(model.params().len());
    group.throughput(Throughput::Elements(FORWARD * n_samples as u64));
    group.bench_function("gradient", |bencher| {
        bencher.iter(|| model.gradient(slice::from_ref(&workspace), &mut gradient));
    });
}

criterion_group!(benches, forward, step);
criterion_main!(benches);
