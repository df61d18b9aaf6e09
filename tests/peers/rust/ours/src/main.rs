//! Our crates on the tasks without a command in the program `fmnist`: inference and checkpoints.
//!
//! `peer-ours infer` takes images as bytes, as our models do. `peer-ours checkpoint` saves without `fsync`, as the others do,
//! and verifies every checksum when it loads.

use std::cell::RefCell;
use std::fs;
use std::time::Instant;

use nn_core::{Architecture, Init, InstructionSet, Model, Scaling, Shape, Workspace};
use nn_io::{Checkpoint, InputSpec, ModelInfo};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{RunConfig, TrainingState};
use peer::{Args, CLASSES, PIXELS};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

const PEER: &str = "fmnist";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The number of images that a thread takes through the layers at once.
const SHARD_LEN: usize = 32;
const REPEATS: usize = 50;

fn main() {
    let args = peer::start();
    choose_instruction_set();
    let architecture = Architecture::mlp(&args.sizes()).expect("the layers fit");
    let model = Model::new(architecture, Init::He, args.seed);
    match args.task.as_str() {
        "infer" => infer(&args, &model),
        "checkpoint" => checkpoint(&args, model),
        task => panic!("{task}: training is measured by the program itself"),
    }
}

/// Chooses the instruction set of `FMNIST_ISA`, as the program does.
fn choose_instruction_set() {
    if let Ok(name) = std::env::var("FMNIST_ISA") {
        let set = InstructionSet::ALL.into_iter().find(|set| set.name() == name);
        assert!(set.expect("a known instruction set").choose(), "this processor has no {name}");
    }
}

fn infer(args: &Args, model: &Model) {
    thread_local!(static WORKSPACE: RefCell<Option<Workspace>> = const { RefCell::new(None) });
    let shard = |images: &[u8], probabilities: &mut [f32]| {
        WORKSPACE.with_borrow_mut(|workspace| {
            let workspace = workspace.get_or_insert_with(|| Workspace::inference(model, SHARD_LEN));
            let n = images.len() / PIXELS;
            workspace.set_input_bytes(n, Scaling::default(), |i| &images[i * PIXELS..][..PIXELS]);
            for (column, to) in
                model.forward(workspace).column_iter().zip(probabilities.chunks_mut(CLASSES))
            {
                to.copy_from_slice(column.as_slice());
            }
        });
    };
    let bytes = |pixels: &[f32]| -> Vec<u8> {
        pixels.iter().map(|pixel| (pixel * 127.5 + 127.5).round() as u8).collect()
    };
    // The calling thread is one of them, so that it does not sleep while others work.
    let pool = ThreadPoolBuilder::new().num_threads(args.threads).use_current_thread();
    let pool = pool.build().expect("threads can be started");
    peer::infer(PEER, VERSION, args, bytes, |images| {
        let n = images.len() / PIXELS;
        let mut probabilities = vec![0.0; n * CLASSES];
        if n <= SHARD_LEN {
            shard(images, &mut probabilities);
        } else {
            let shards = images.par_chunks(SHARD_LEN * PIXELS);
            let shards = shards.zip(probabilities.par_chunks_mut(SHARD_LEN * CLASSES));
            pool.install(|| {
                shards.for_each(|(images, probabilities)| shard(images, probabilities));
            });
        }
        probabilities
    });
}

fn checkpoint(args: &Args, model: Model) {
    let (adam, config) = (OptimizerConfig::default(), RunConfig::default());
    let state = TrainingState::new(&model, adam, Schedule::book(), config).expect("settings");
    let image = Some(Shape::image(28, 28));
    let info = ModelInfo {
        producer: PEER.into(),
        instruction_set: InstructionSet::current().name().into(),
        input: InputSpec { image, scaling: Some(Scaling::default()), ..InputSpec::default() },
        class_names: (0..CLASSES).map(|class| format!("class {class}")).collect(),
        ..ModelInfo::default()
    };
    let checkpoint = Checkpoint { model, info, training: Some(state) };
    let path = std::env::temp_dir().join(format!("peer-ours-{}.model", std::process::id()));
    let milliseconds = |act: &dyn Fn()| -> Vec<f64> {
        let time = |_| {
            let start = Instant::now();
            act();
            start.elapsed().as_secs_f64() * 1e3
        };
        (0..REPEATS).map(time).collect()
    };
    let save = milliseconds(&|| {
        let bytes = checkpoint.view().to_bytes().expect("a valid checkpoint");
        fs::write(&path, bytes).expect("the directory for temporary files can be written");
    });
    let load = milliseconds(&|| {
        Checkpoint::load(&path).expect("the checkpoint that was saved");
    });
    fs::remove_file(&path).expect("the checkpoint that was saved");
    peer::report_checkpoint(PEER, VERSION, args, &save, &load);
}
