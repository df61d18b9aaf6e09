//! Stops a run in the middle of an epoch, saves it, loads it and resumes it. The result is bit-for-bit identical to an
//! uninterrupted run. The file stays in the temporary directory.
//!
//! `cargo run -p nn-io --example save_and_resume`

use std::error::Error;
use std::ops::ControlFlow;

use nn_core::{Architecture, Init, Model};
use nn_io::{Checkpoint, CheckpointRef, ModelInfo, OutputFile};
use nn_optim::{Decay, OptimizerConfig, Schedule};
use nn_train::{Event, Features, RunConfig, Samples, Threads, Trainer, TrainingState};

/// Four pictures of 2 x 2 pixels: two horizontal lines and two vertical ones.
const PIXELS: [f32; 16] =
    [1.0, 1.0, -1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0];
const LABELS: [u32; 4] = [0, 0, 1, 1];
const EPOCHS: u64 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let samples = Samples::new(Features::Floats(&PIXELS), 4, &LABELS)?;
    let info = ModelInfo {
        producer: concat!("save_and_resume ", env!("CARGO_PKG_VERSION")).into(),
        instruction_set: nn_core::InstructionSet::current().name().into(),
        class_names: vec!["horizontal".into(), "vertical".into()],
        ..ModelInfo::default()
    };
    // Before training, check that the file can be written, and lock it.
    let path = std::env::temp_dir().join("save_and_resume.model");
    let mut output = OutputFile::claim(&path)?;

    let mut straight = start()?;
    train(&mut straight, &samples, None)?;

    let mut stopped = start()?;
    train(&mut stopped, &samples, Some((60, 1)))?;
    output.save(&view(&stopped, &info))?;
    drop(stopped);

    let Checkpoint { model, info, training } = Checkpoint::load(&path)?;
    let training = training.ok_or("a file for inference only")?;
    let mut resumed = Trainer::new(model, training, &Threads::default())?;
    train(&mut resumed, &samples, None)?;
    output.save(&view(&resumed, &info))?;

    let digests = [&straight, &resumed].map(|trainer| view(trainer, &info).state_sha256());
    let [straight, resumed] = digests;
    println!("uninterrupted: {}", straight?);
    println!("resumed:       {}", resumed?);
    println!("saved as {}", path.display());
    Ok(())
}

/// A run that has taken no step.
fn start() -> Result<Trainer, Box<dyn Error>> {
    let model = Model::new(Architecture::mlp(&[4, 8, 2])?, Init::He, 0);
    let schedule = Schedule { learning_rate: 0.01, warmup: 0, decay: Decay::Constant };
    let config = RunConfig { batch_size: 2, ..RunConfig::default() };
    let state = TrainingState::new(&model, OptimizerConfig::default(), schedule, config)?;
    Ok(Trainer::new(model, state, &Threads::default())?)
}

/// Trains to the end, or stops at this epoch and batch.
fn train(
    trainer: &mut Trainer,
    samples: &Samples<'_>,
    stop: Option<(u64, u64)>,
) -> Result<(), nn_train::Error> {
    trainer.fit_with(samples, None, EPOCHS, &mut |event| match event {
        Event::Step(step) if stop == Some((step.epoch, step.batch)) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })?;
    Ok(())
}

fn view<'a>(trainer: &'a Trainer, info: &'a ModelInfo) -> CheckpointRef<'a> {
    CheckpointRef { model: trainer.model(), info, training: Some(trainer.state()) }
}
