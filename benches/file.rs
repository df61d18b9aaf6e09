//! Times saving and loading the book's network with the optimizer's state:
//!
//!     cargo bench --manifest-path benches/Cargo.toml --bench file

use criterion::{Criterion, criterion_group, criterion_main};
use nn_core::{Architecture, Init, InstructionSet, Model, Scaling, Shape};
use nn_io::{Checkpoint, DatasetId, InputSpec, ModelInfo};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{RunConfig, TrainingState};

fn checkpoint() -> Checkpoint {
    let architecture = Architecture::mlp(&[784, 128, 128, 10]).expect("valid sizes");
    let model = Model::new(architecture, Init::He, 0);
    let (adam, schedule, config) =
        (OptimizerConfig::default(), Schedule::book(), RunConfig::default());
    let state = TrainingState::new(&model, adam, schedule, config).expect("valid settings");
    let image = Some(Shape::image(28, 28));
    let scaling = Some(Scaling::default());
    let info = ModelInfo {
        producer: "bench".into(),
        instruction_set: InstructionSet::current().name().into(),
        input: InputSpec { image, scaling, ..InputSpec::default() },
        class_names: (0..10).map(|class| format!("class {class}")).collect(),
        dataset: Some(DatasetId {
            name: "none".into(),
            sha256: "0".repeat(64),
            directory: None,
            transposed: false,
        }),
        ..ModelInfo::default()
    };
    Checkpoint { model, info, training: Some(state) }
}

fn file(criterion: &mut Criterion) {
    let checkpoint = checkpoint();
    let bytes = checkpoint.view().to_bytes().expect("a valid checkpoint");
    let path = std::env::temp_dir().join(format!("nn-io-bench-{}.model", std::process::id()));
    let mut group = criterion.benchmark_group(format!("checkpoint of {} bytes", bytes.len()));
    group.bench_function("to_bytes", |bencher| bencher.iter(|| checkpoint.view().to_bytes()));
    group.bench_function("from_bytes", |bencher| bencher.iter(|| Checkpoint::from_bytes(&bytes)));
    group.bench_function("save, durably", |bencher| bencher.iter(|| checkpoint.view().save(&path)));
    group.bench_function("load", |bencher| bencher.iter(|| Checkpoint::load(&path)));
    group.finish();
    std::fs::remove_file(path).expect("the file that was saved");
}

criterion_group!(benches, file);
criterion_main!(benches);
