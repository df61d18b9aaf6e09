//! A run on a dataset: trained, saved, stopped, resumed, and used.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use fmnist::{
    Adam, Checkpoint, CheckpointDir, Classifier, Dataset, Error, Event, FitOutcome, Model,
    RunConfig, Saves, Threads, Trainer, garments,
};
use nn_io::SetAside;
use nn_train::{Augment, EarlyStop};

fn data() -> Dataset {
    garments::synthetic(0, 600, 100)
}

fn trainer(config: RunConfig) -> Trainer {
    Trainer::builder(Model::classifier(&[784, 32, 10]).unwrap())
        .optimizer(Adam::default())
        .learning_rate(1e-3)
        .config(RunConfig { batch_size: 50, ..config })
        .threads(Threads::new(2).unwrap())
        .build()
        .unwrap()
}

fn digest(path: &Path) -> String {
    Checkpoint::load(path).unwrap().view().state_sha256().unwrap()
}

/// Two runs of five epochs are identical to one of ten, on any number of threads; the file is also a classifier.
#[test]
fn a_saved_run_resumes_and_classifies() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let augment = Augment { flip: true, ..Augment::default() };
    let config = RunConfig { augment, tta_flip: true, keep_best: true, ..RunConfig::default() };
    let (train, held_out) = data().train.hold_out(100);

    let mut whole = trainer(config.clone());
    assert_eq!(whole.fit(&train, Some(&held_out), 10).unwrap(), FitOutcome::Completed);
    whole.save(path("whole.model")).unwrap();

    let mut half = trainer(config).saving(Saves::claim(path("half.model")).unwrap());
    half.fit(&train, Some(&held_out), 5).unwrap();
    drop(half);
    let mut resumed = Trainer::resume(path("half.model")).unwrap();
    resumed.fit(&train, Some(&held_out), 10).unwrap();
    resumed.save(path("half.model")).unwrap();
    assert_eq!(digest(&path("half.model")), digest(&path("whole.model")));

    let info = whole.info();
    assert_eq!((info.n_validation, info.class_names[9].as_str()), (100, "Ankle boot"));
    let test = data().test;
    let evaluation = whole.evaluate(&test).unwrap();
    assert!(evaluation.sums.accuracy() > 0.5, "{}", evaluation.sums.accuracy());
    let loaded = Classifier::load(path("whole.model")).unwrap();
    assert_eq!(loaded.evaluate(&test, &Threads::default()).unwrap(), evaluation);
    let pixels = test.images.get(0).unwrap();
    let expected = whole.classifier().unwrap().classify_pixels(pixels).unwrap();
    assert_eq!(loaded.classify_pixels(pixels).unwrap(), expected);
}

/// Every epoch is on disk before it is reported. A stop within an epoch is saved, also as a checkpoint.
#[test]
fn a_run_is_saved_before_it_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let (output, checkpoints) = (dir.path().join("run.model"), dir.path().join("checkpoints"));
    let saves = Saves::claim(&output).unwrap();
    let directory = CheckpointDir::create(&checkpoints).unwrap();
    let mut run =
        trainer(RunConfig::default()).saving(saves.with_checkpoints(directory, 2).unwrap());
    let train = data().train;
    let mut seen = Vec::new();
    let outcome = run.fit_with(&train, None, 9, &mut |event| match event {
        Event::Epoch { .. } => {
            let saved = Checkpoint::load(&output).unwrap().training.unwrap();
            seen.push(saved.progress.epoch);
            ControlFlow::Continue(())
        }
        Event::Step(step) if (step.epoch, step.batch) == (4, 5) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!((outcome.unwrap(), seen), (FitOutcome::Stopped, vec![1, 2, 3]));
    let saved = Checkpoint::load(&output).unwrap().training.unwrap();
    assert_eq!((saved.progress.epoch, saved.progress.batch), (3, 5));
    let mut names: Vec<String> = fs::read_dir(&checkpoints)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".model"))
        .collect();
    names.sort();
    // An epoch has 12 batches: checkpoints are saved after the second epoch and at the stop.
    assert_eq!(names, ["best.model", "ckpt-000024.model", "ckpt-000041.model"]);

    // No other run can save there meanwhile.
    assert!(matches!(Saves::claim(&output), Err(Error::Model(_))));
    let mut whole = trainer(RunConfig::default());
    whole.fit(&train, None, 9).unwrap();
    assert_eq!(run.fit(&train, None, 9).unwrap(), FitOutcome::Completed);
    assert_eq!(run.run().state(), whole.run().state());
}

#[test]
fn a_save_that_fails_ends_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut run =
        trainer(RunConfig::default()).saving(Saves::claim(dir.path().join("run.model")).unwrap());
    dir.close().unwrap();
    let failed = run.fit(&data().train, None, 5).unwrap_err();
    assert!(matches!(failed, Error::Model(_)), "{failed}");
    assert_eq!(run.run().state().progress.epoch, 1);
}

#[test]
fn early_stopping_and_the_best_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let config = RunConfig {
        early_stop: Some(EarlyStop { patience: 1, min_delta: 10.0 }),
        keep_best: true,
        ..RunConfig::default()
    };
    let checkpoints = CheckpointDir::create(dir.path().join("checkpoints")).unwrap();
    let saves = Saves::claim(dir.path().join("run.model")).unwrap();
    let mut run = trainer(config).saving(saves.with_checkpoints(checkpoints, 50).unwrap());
    let train = data().train;
    assert_eq!(run.fit(&train, None, 50).unwrap(), FitOutcome::StoppedEarly);
    assert_eq!(run.run().state().history.len(), 2);
    assert!(dir.path().join("checkpoints/ckpt-000024.model").exists(), "the end is a checkpoint");
    // The last epoch has the lowest loss, although early stopping does not count it as better.
    assert_eq!(run.inference_model(), *run.run().model());
}

#[test]
fn other_data_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.model");
    let mut run = trainer(RunConfig::default());
    run.fit(&data().train, None, 1).unwrap();
    run.save(&path).unwrap();
    let others = garments::synthetic(1, 600, 100).train;
    let refused = Trainer::resume(&path).unwrap().fit(&others, None, 2).unwrap_err();
    assert!(matches!(refused, Error::OtherData { .. }), "{refused}");

    let (train, _) = data().train.hold_out(50);
    let refused = Trainer::resume(&path).unwrap().fit(&train, None, 2).unwrap_err();
    assert!(matches!(refused, Error::HeldOut { expected: 0, found: 50 }), "{refused}");

    let model = Model::classifier(&[784, 5]).unwrap();
    let refused = Trainer::builder(model).build().unwrap().fit(&others, None, 1).unwrap_err();
    let expected = "the model has 5 outputs, the dataset has 10 classes";
    assert_eq!(refused.to_string(), expected);
    // The refused data left no trace.
    let model = Model::classifier(&[100, 10]).unwrap();
    let mut run = Trainer::builder(model).build().unwrap();
    let refused = run.fit(&others, None, 1).unwrap_err();
    assert!(matches!(refused, Error::Pixels { expected: 100, found: 784 }), "{refused}");
    assert_eq!(run.info().dataset, None);

    let mut checkpoint = Checkpoint::load(&path).unwrap();
    checkpoint.training = None;
    checkpoint.view().save(&path).unwrap();
    assert!(matches!(Trainer::resume(&path).map(drop), Err(Error::ForInference)));
}

/// A file of another kind is not overwritten; an empty validation set is ignored.
#[test]
fn nothing_else_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    fs::write(&path, "keep me").unwrap();
    let mut run = trainer(RunConfig::default());
    let (train, none) = data().train.hold_out(0);
    run.fit(&train, Some(&none), 1).unwrap();
    assert_eq!(run.run().state().history[0].validation, None);
    let refused = run.save(&path).unwrap_err().to_string();
    assert!(refused.contains("refusing to overwrite a text file"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "keep me");
    fs::remove_file(&path).unwrap();
    run.save(&path).unwrap();
    run.save(&path).unwrap();
}

/// A save keeps the model of another run, and returns its new name. It replaces an earlier state of the same run.
#[test]
fn the_model_of_another_run_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let names = |set_aside: Vec<SetAside>| -> Vec<PathBuf> {
        set_aside.into_iter().flat_map(|it| [it.from, it.to]).collect()
    };
    let train = data().train;
    let mut first = trainer(RunConfig::default());
    first.fit(&train, None, 1).unwrap();
    assert_eq!(first.save(path("m.model")).unwrap(), []);
    first.fit(&train, None, 2).unwrap();
    assert_eq!(first.save(path("m.model")).unwrap(), []);
    let old = digest(&path("m.model"));

    // The settings are the same, but it has not learned what the first run learned.
    let mut second = trainer(RunConfig::default());
    second.fit(&train, None, 1).unwrap();
    let kept = names(second.save(path("m.model")).unwrap());
    assert_eq!(kept, [path("m.model"), path("m.previous.model")]);
    assert_eq!(digest(&path("m.previous.model")), old);

    // The run's own output, which no other run can save to in the meantime.
    let mut third = trainer(RunConfig { seed: 3, ..RunConfig::default() })
        .saving(Saves::claim(path("m.model")).unwrap());
    third.set_data(&train).unwrap();
    let planned = third.rehearse_save().unwrap().unwrap();
    assert!(planned.replaced, "{planned:?}");
    assert_eq!(digest(&path("m.previous.model")), old);
    third.fit(&train, None, 1).unwrap();
    assert_eq!(third.saves().unwrap().set_aside(), [planned]);
    assert_eq!(third.save(dir.path().join("./m.model")).unwrap(), []);
    assert!(second.save(path("m.model")).is_err(), "another run's output");
    // A run on another dataset may take the place of a model of synthetic garments.
    let other = garments::synthetic(1, 600, 100).train;
    let mut fourth = trainer(RunConfig::default());
    fourth.fit(&other, None, 1).unwrap();
    drop(third);
    assert_eq!(names(fourth.save(path("m.model")).unwrap()).len(), 2);
}

#[test]
fn the_final_model_of_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let directory = CheckpointDir::create(dir.path().join("run")).unwrap();
    let mut run = trainer(RunConfig::default()).saving(Saves::in_directory(directory, 1).unwrap());
    run.fit(&data().train, None, 1).unwrap();
    let saves = run.saves().unwrap();
    assert_eq!(saves.output(), dir.path().join("run/final.model"));
    assert_eq!(saves.resume_path(), dir.path().join("run"));
    assert_eq!(digest(saves.output()), digest(&dir.path().join("run/ckpt-000012.model")));
}
