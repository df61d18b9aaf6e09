use nn_core::Model;
use nn_io::{Checkpoint, Preparation};
use nn_optim::{Decay, Optimizer, Schedule};
use nn_train::{HeldOut, TrainingState};

use crate::{fixture, fuller};

fn digests(checkpoint: &Checkpoint) -> (String, String) {
    let view = checkpoint.view();
    (view.weights_sha256(), view.state_sha256().unwrap())
}

/// The weights' digest is `hashlib.sha256(numpy.array([(i - 10) / 3 for i in range(23)], "<f4").tobytes())` in Python,
/// where the quotients are the same in both precisions after rounding. The state's digest is that of the golden file's
/// bytes from 64 on, where Python's `msgpack` made `producer` and `instruction_set` empty.
#[test]
fn known_values() {
    let (weights, state) = digests(&fixture::checkpoint());
    assert_eq!(weights, "19ad78e9d358fa647a2371f77017d7485a69d34c7e47b63b4568721a780973a7");
    assert_eq!(state, "989d8208e1c62d20172bf1874856ba28b5d6c9d6626ace3ed5a149b883d466bb");
}

/// Checks whether a change of the checkpoint changes the digest of the weights and that of the state.
#[track_caller]
fn check(weights: bool, state: bool, change: impl FnOnce(&mut Checkpoint)) {
    let before = digests(&fixture::checkpoint());
    let mut checkpoint = fixture::checkpoint();
    change(&mut checkpoint);
    let after = digests(&checkpoint);
    assert_eq!((before.0 != after.0, before.1 != after.1), (weights, state));
}

#[track_caller]
fn check_training(change: impl FnOnce(&mut TrainingState)) {
    check(false, true, |checkpoint| change(checkpoint.training.as_mut().unwrap()));
}

#[test]
fn what_they_cover() {
    check(false, false, |_| {});
    check(false, false, |it| it.info.producer = "another 2.0".into());
    check(false, false, |it| it.info.instruction_set = "avx512".into());
    check(false, false, |it| it.info.input.preparation = Some(Preparation::Ink));
    check(false, false, |it| fixture::dataset(it).directory = Some("digits".into()));
    check(false, false, |it| it.info.decision = fixture::decided().info.decision);
    check(true, true, |it| it.model.params_mut()[22] += 1e-6);
    check(true, true, |it| it.model.params_mut()[10] = -0.0);
    check(false, true, |it| fixture::scaling(it).mean = 128.0);
    check(false, true, |it| it.info.class_names.swap(0, 1));
    check(false, true, |it| fixture::dataset(it).name = "other".into());
    check(false, true, |it| it.info.dataset = None);
    check(false, true, |it| it.info.class_names.clear());
    check(false, true, |it| it.info.input.image = None);
    check(false, true, |it| it.info.input.scaling = None);
    check(false, true, |it| it.info.n_validation = 0);
    check(false, true, |it| it.training = None);
    check_training(|it| it.config.seed += 1);
    check_training(|it| it.config.batch_size += 1);
    check_training(|it| it.progress.batch += 1);
    check_training(|it| it.progress.sums.correct += 1);
    check_training(|it| it.progress.sums.loss += 0.1);
    check_training(|it| it.history[0].learning_rate *= 0.5);
    check_training(|it| it.history[1].validation = it.history[0].validation);
    check_training(|it| {
        it.history.pop();
        it.progress.epoch -= 1;
    });
    check_training(|it| it.schedule.learning_rate = 2e-3);
    check_training(|it| it.schedule.warmup = 1);
    check_training(|it| it.schedule.decay = Decay::InverseTime { decay: 0.0 });
    check_training(|it| it.schedule = Schedule { decay: Decay::Constant, ..it.schedule });
}

/// The directory of a dataset does not make another run of it.
#[test]
fn the_same_run_from_another_directory() {
    let (run, moved) = (fixture::checkpoint(), fixture::read_from("digits"));
    assert!(run.is_of_same_run(&moved) && moved.is_of_same_run(&fixture::read_from("letters")));
    let mut other = moved.clone();
    fixture::dataset(&mut other).sha256 = "0".repeat(64);
    assert!(!other.is_of_same_run(&moved));
    other.info.dataset = None;
    assert!(!other.is_of_same_run(&moved) && other.is_of_same_run(&other));
    let mut other = moved.clone();
    other.training.as_mut().unwrap().config.held_out = HeldOut::Stratified;
    assert!(!other.is_of_same_run(&moved));
}

/// The weights' digest covers running statistics. Only the state's digest covers the average and the best epoch.
#[test]
fn what_they_cover_of_a_run_with_every_setting() {
    let check = |weights: bool, change: &dyn Fn(&mut Checkpoint)| {
        let before = digests(&fuller::run());
        let mut checkpoint = fuller::run();
        change(&mut checkpoint);
        let after = digests(&checkpoint);
        assert_eq!((before.0 != after.0, before.1 != after.1), (weights, true));
    };
    fn training(checkpoint: &mut Checkpoint) -> &mut TrainingState {
        checkpoint.training.as_mut().unwrap()
    }
    check(true, &|it| it.model.params_mut()[16] += 1e-6);
    check(true, &|it| {
        let params = fixture::buffer(it.model.params().len(), |i| it.model.params()[i as usize]);
        let statistics = it.model.statistics();
        let statistics = fixture::buffer(statistics.len(), |i| statistics[i as usize] + 1e-3);
        let architecture = it.model.architecture().clone();
        it.model = Model::from_parts(architecture, params, statistics).unwrap();
    });
    check(false, &|it| training(it).average.as_mut().unwrap()[0] += 1e-6);
    check(false, &|it| training(it).best.as_mut().unwrap().params[0] += 1e-6);
    check(false, &|it| training(it).best.as_mut().unwrap().statistics[0] += 1e-3);
    check(false, &|it| training(it).history[0].penalty += 1e-6);
    check(false, &|it| training(it).config.accumulation += 1);
    check(false, &|it| training(it).config.frozen[0] = true);
    check(false, &|it| training(it).config.held_out = HeldOut::Last);
    check(false, &|it| {
        it.info.input.mirror = true;
        training(it).config.tta_flip = true;
    });
}

/// A change of the count of steps and the two moments.
#[track_caller]
fn check_optimizer(change: impl FnOnce(&mut u64, &mut [f32], &mut [f32])) {
    check_training(|it| {
        let (config, mut step) = (it.optimizer.config(), it.optimizer.step());
        let mut moments = it.optimizer.moments().to_vec();
        let [m, v] = &mut moments[..] else { panic!("Adam has two") };
        change(&mut step, m, v);
        it.optimizer = Optimizer::from_parts(config, step, moments).unwrap();
    });
}

#[test]
fn the_optimizer() {
    check_optimizer(|step, _, _| *step += 1);
    check_optimizer(|_, m, _| m[0] += 1e-6);
    check_optimizer(|_, _, v| v[22] += 1e-6);
    check_optimizer(|_, m, v| m.copy_from_slice(v));
}

/// A model for inference has the same weights' digest as its run.
#[test]
fn inference() {
    let run = fixture::checkpoint();
    let model: Model = run.model.clone();
    let exported = Checkpoint { model, info: run.info.clone(), training: None };
    assert_eq!(exported.view().weights_sha256(), run.view().weights_sha256());
    let loaded = Checkpoint::from_bytes(&exported.view().to_bytes().unwrap()).unwrap();
    assert_eq!(digests(&loaded), digests(&exported));
}
