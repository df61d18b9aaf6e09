use nn_core::{Arithmetic, Init, LossSum, MatrixView, Model};
use nn_io::{Checkpoint, InputSpec, Preparation};
use nn_optim::{Adam, Decay, Optimizer, OptimizerConfig, Schedule, Sgd};
use nn_train::{Augment, HeldOut};

use crate::fixture::{self, says};
use crate::fuller;

/// Loading gives what was saved, and saving that gives the same bytes.
#[track_caller]
fn check(checkpoint: &Checkpoint) {
    let bytes = checkpoint.view().to_bytes().unwrap();
    let loaded = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(&loaded, checkpoint);
    // Equal floats may have different bits: -0.0 and 0.0 do.
    let bits = |model: &Model| model.params().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&loaded.model), bits(&checkpoint.model));
    assert_eq!(loaded.view().to_bytes().unwrap(), bytes);
}

#[test]
fn training_and_inference() {
    let mut checkpoint = fixture::checkpoint();
    check(&checkpoint);
    checkpoint.training = None;
    check(&checkpoint);
}

#[test]
fn the_smallest_and_the_largest_numbers() {
    let mut checkpoint = fixture::checkpoint();
    let special = [-0.0, 0.0, f32::MIN_POSITIVE, f32::from_bits(1), -f32::from_bits(1), f32::MAX];
    let n = checkpoint.model.params().len();
    for (param, special) in checkpoint.model.params_mut().iter_mut().zip(special.iter().cycle()) {
        *param = *special;
    }
    let m = fixture::buffer(n, |i| special[i as usize % 6]);
    let v = fixture::buffer(n, |i| if i == 0.0 { -0.0 } else { special[i as usize % 6].abs() });
    let config = OptimizerConfig::Adam(Adam {
        beta_1: 0.0,
        beta_2: 1.0 - f64::EPSILON,
        epsilon: f64::from(f32::from_bits(1)),
        amsgrad: false,
    });

    let training = checkpoint.training.as_mut().unwrap();
    training.optimizer = Optimizer::from_parts(config, 1 << 53, vec![m, v]).unwrap();
    training.config.seed = u64::MAX;
    training.config.batch_size = usize::MAX;
    training.progress.batch = u64::MAX;
    training.progress.sums =
        LossSum { loss: 1e300, correct: 0, n_samples: u64::MAX, n_predictions: u64::MAX };
    training.history[0].train.loss = -0.0;
    checkpoint.info.n_validation = usize::MAX;
    fixture::scaling(&mut checkpoint).mean = -0.0;
    check(&checkpoint);
}

#[test]
fn names_in_any_script() {
    let mut checkpoint = fixture::checkpoint();
    checkpoint.info.class_names = vec!["Größe".into(), "鞄".repeat(85)];
    check(&checkpoint);
}

/// The path of the golden file of a version. Unless its name says more, it contains `fixture::checkpoint()`. The README
/// next to the files says how each was made.
fn golden(version: &str) -> String {
    format!("{}/tests/golden/v{version}.model", env!("CARGO_MANIFEST_DIR"))
}

/// Checks that loading gives the expected checkpoint, and that saving it gives the same bytes. Returns the checkpoint.
#[track_caller]
fn check_golden(version: &str, expected: &Checkpoint) -> Checkpoint {
    let bytes = std::fs::read(golden(version)).unwrap();
    let loaded = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(loaded, *expected);
    assert_eq!(loaded.view().to_bytes().unwrap(), bytes);
    loaded
}

#[test]
fn golden_file_of_version_1_0() {
    check_golden("1.0", &fixture::checkpoint());
}

/// The first required feature of version 1.0.
#[test]
fn golden_file_of_another_optimizer() {
    let nesterov = OptimizerConfig::Sgd(Sgd { momentum: 0.75, nesterov: true });
    check_golden("1.0-sgd", &fixture::checkpoint_with(nesterov));
}

/// The first and second required feature of version 1.0.
#[test]
fn golden_file_of_another_schedule() {
    let adam = Adam { amsgrad: true, ..Adam::default() };
    let mut expected = fixture::checkpoint_with(OptimizerConfig::Adam(adam));
    expected.training.as_mut().unwrap().schedule = Schedule {
        learning_rate: 0.002,
        warmup: 30,
        decay: Decay::Cosine { steps: 100, minimum: 1e-5 },
    };
    check_golden("1.0-schedule", &expected);
}

/// The required feature of bit 12.
#[test]
fn golden_file_of_an_exponential_schedule() {
    let mut expected = fixture::checkpoint();
    let decay = Decay::Exponential { every: 430, factor: 0.9 };
    expected.training.as_mut().unwrap().schedule =
        Schedule { learning_rate: 0.002, warmup: 0, decay };
    check_golden("1.0-exponential", &expected);
}

/// The third and fourth required feature of version 1.0, and the outputs of every kind of layer.
#[test]
fn golden_file_of_every_layer() {
    let loaded = check_golden("1.0-layers", &fuller::layers());
    outputs(&loaded, IMAGES, [[0.592_523_9, 0.407_476_1], [0.588_647_6, 0.411_352_5]]);
}

/// The two settings that did not exist yet when the file of all other settings was made.
#[test]
fn golden_file_of_a_runs_origin() {
    let mut expected = fixture::checkpoint();
    let config = &mut expected.training.as_mut().unwrap().config;
    (config.init, config.validates_on_test) = (Init::Book, true);
    check_golden("1.0-origin", &expected);
}

/// The required feature of bit 10.
#[test]
fn golden_file_of_plain_arithmetic() {
    let mut expected = fixture::checkpoint();
    expected.training.as_mut().unwrap().config.arithmetic = Arithmetic::Plain;
    check_golden("1.0-plain", &expected);
}

/// The required feature of bit 14.
#[test]
fn golden_file_of_augmentations() {
    let mut expected = fixture::checkpoint();
    expected.training.as_mut().unwrap().config.augment =
        Augment { rotate: 10.0, zoom: 0.125, tone: 0.25, noise: 5.5, ..Augment::default() };
    check_golden("1.0-augmentation", &expected);
}

/// The key of version 1.1.
#[test]
fn golden_file_of_version_1_1() {
    check_golden("1.1", &fixture::prepared(Some(Preparation::Ink)));
}

/// The key of version 1.2.
#[test]
fn golden_file_of_version_1_2() {
    check_golden("1.2", &fixture::read_from("größe 28"));
}

/// The required feature of bit 6, and the outputs for colour images.
#[test]
fn golden_file_of_colour_images() {
    let mut expected = fuller::coloured();
    expected.info.input.mirror = true;
    expected.training.as_mut().unwrap().config.tta_flip = true;
    let loaded = check_golden("1.0-channels", &expected);
    let red = [255, 0, 0, 10, 20, 30, 0, 0, 0, 1, 128, 255];
    outputs(&loaded, [red, [7; 12]], [[0.958_922_15, 0.041_077_81], [0.966_688_1, 0.033_311_91]]);
}

/// The required feature of bit 9.
#[test]
fn golden_file_of_stratified_samples() {
    let mut expected = fixture::checkpoint();
    expected.training.as_mut().unwrap().config.held_out = HeldOut::Stratified;
    check_golden("1.0-held-out", &expected);
}

/// The required feature of bit 7.
#[test]
fn golden_file_of_a_decision() {
    check_golden("1.0-decision", &fixture::decided());
}

/// The fifth required feature of version 1.0, and which parameters predictions use.
#[test]
fn golden_file_of_every_setting() {
    let mut expected = fuller::run();
    let config = &mut expected.training.as_mut().unwrap().config;
    (config.init, config.validates_on_test) = (Init::He, false);
    config.arithmetic = Arithmetic::Fused;
    config.held_out = HeldOut::Last;
    config.augment = Augment { flip: true, shift: 1, cutout: 2, ..Augment::default() };
    let loaded = check_golden("1.0-run", &expected);
    outputs(&loaded, IMAGES, [[0.481_149_4, 0.518_850_6], [0.484_906_8, 0.515_093_2]]);
}

/// Two images of 2 x 2 grey pixels.
const IMAGES: [[u8; 4]; 2] = [[0, 50, 100, 255], [255, 3, 0, 70]];

/// Checks the outputs for two images. The expected numbers come from `predict` in `tests/model_format/read_model.py`.
#[track_caller]
fn outputs<const N: usize>(checkpoint: &Checkpoint, images: [[u8; N]; 2], expected: [[f32; 2]; 2]) {
    let model = checkpoint.inference_model().unwrap();
    let InputSpec { image, scaling, mirror, .. } = checkpoint.info.input;
    let predict = |images: [[u8; N]; 2]| {
        let mut x = vec![0.0; 2 * N];
        scaling.unwrap().apply(images.as_flattened(), &mut x);
        model.predict(MatrixView::from_slice(&x, N, 2))
    };
    let mirrored = images.map(|pixels| {
        let mut mirrored = [0; N];
        nn_train::mirror_image(image.unwrap(), &pixels, &mut mirrored);
        mirrored
    });
    let outputs = match mirror {
        true => (predict(images) + predict(mirrored)) / 2.0,
        false => predict(images),
    };
    for (found, expected) in outputs.as_slice().iter().zip(expected.as_flattened()) {
        assert!((found - expected).abs() < 1e-6, "{outputs} instead of {expected}");
    }
}

/// The sixth required feature of version 1.0.
#[test]
fn golden_file_of_a_regression_on_a_table() {
    let loaded = check_golden("1.0-table", &fuller::table());
    let x = MatrixView::from_slice(&[0.0, -1.5, 0.25, 2.0], 4, 1);
    let outputs = loaded.inference_model().unwrap().predict(x);
    for (found, expected) in outputs.as_slice().iter().zip([30.694_445, 34.777_78]) {
        assert!((found - expected).abs() < 1e-5, "{outputs}");
    }
}

/// A file of a later program, with keys that this version does not know.
#[test]
fn golden_file_of_version_1_99() {
    let bytes = std::fs::read(golden("1.99")).unwrap();
    let loaded = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(loaded, fixture::checkpoint());
    assert_eq!(loaded.view().to_bytes().unwrap(), std::fs::read(golden("1.0")).unwrap());
}

#[test]
fn golden_file_of_version_2_0() {
    let path = golden("2.0");
    let error = Checkpoint::load(&path).unwrap_err();
    says(
        &error,
        &[&path, "byte 11", "expected 1.2, found 2.0", "a program that reads version 2.0"],
    );
}
