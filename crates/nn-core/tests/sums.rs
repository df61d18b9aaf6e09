//! What a loss counts: samples, predictions and correct predictions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nn_core::{
    Activation, Architecture, Init, Layer, Loss, LossSum, Model, Objective, Targets, Values,
    Workspace, loss::precision_of,
};

/// Three samples of two features.
const X: [f32; 6] = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];

/// The sums over the three samples, for a network whose logits are the two features. Computed from the logits and from
/// the outputs, they must be the same.
fn sums(loss: Loss, last: Layer, values: Values<'_>) -> LossSum {
    let layers = [Layer::dense(2), last];
    let mut model = Model::new(Architecture::new(2, &layers).unwrap(), Init::He, 0);
    model.params_mut().copy_from_slice(&[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let mut workspace = Workspace::inference(&model, 3);
    workspace.input_mut(3).copy_from_slice(&X);
    let targets = Targets { values, weights: &[1.0, 2.0, 4.0] };
    let found = model.loss(&Objective { loss, targets, n_batch: 3 }, &mut workspace);
    let of_outputs = loss.of_outputs(workspace.output(1), targets);
    assert!((found.loss - of_outputs.loss).abs() < 1e-5, "{found:?}, {of_outputs:?}");
    assert_eq!(LossSum { loss: found.loss, ..of_outputs }, found);
    let predictions = loss.predictions(2) as u64;
    assert_eq!((found.n_samples, found.n_predictions), (3, 3 * predictions));

    let mut twice = found;
    twice += found;
    let LossSum { loss, correct, n_samples, n_predictions } = found;
    let expected = LossSum {
        loss: 2.0 * loss,
        correct: 2 * correct,
        n_samples: 2 * n_samples,
        n_predictions: 2 * n_predictions,
    };
    assert_eq!(twice, expected);
    assert_eq!((twice.mean_loss(), twice.accuracy()), (found.mean_loss(), found.accuracy()));
    found
}

/// A sample has one class. Its loss is `ln(1 + e^-1)` if only the feature of that class is 1, 1 more if only the other
/// one is, and `ln 2` if both are.
#[test]
fn classes_are_one_prediction_per_sample() {
    let (right, even) = ((-1.0_f64).exp().ln_1p(), 2.0_f64.ln());
    let found = sums(Loss::default(), Layer::SOFTMAX, Values::Classes(&[0, 0, 0]));
    assert!((found.loss - (right + 2.0 * (1.0 + right) + 4.0 * even)).abs() < 1e-5, "{found:?}");
    assert_eq!((found.correct, found.n_predictions), (2, 3));
}

/// Each output is a prediction of its own. The loss is the mean over the outputs.
#[test]
fn binary_targets_are_one_prediction_per_output() {
    let values = Values::Numbers { numbers: &[1.0, 0.0, 1.0, 1.0, 1.0, 0.0], precision: 0.0 };
    let sigmoid = Layer::Activation(Activation::Sigmoid);
    let found = sums(Loss::BinaryCrossEntropy, sigmoid, values);
    // A logit of 1 has the loss -ln(sigmoid(1)) if its target is 1, and 1 more if not. A logit of 0 has ln 2.
    let (right, even) = ((-1.0_f64).exp().ln_1p(), 2.0_f64.ln());
    let each = [right + even, even + right, right + (1.0 + right)];
    let expected = (each[0] + 2.0 * each[1] + 4.0 * each[2]) / 2.0;
    assert!((found.loss - expected).abs() < 1e-5, "{found:?}, expected {expected}");
    // A sigmoid of 0 is 0.5, which is not above 0.5.
    assert_eq!((found.correct, found.n_predictions), (4, 6));
}

/// In regression, too, each output is a prediction of its own. It is correct within the given precision.
#[test]
fn numbers_are_one_prediction_per_output() {
    let values = Values::Numbers { numbers: &[1.0, 0.2, 0.0, 1.0, 3.0, 1.0], precision: 0.1 };
    let found = sums(Loss::MeanSquaredError, Layer::Activation(Activation::Linear), values);
    assert!((found.loss - (0.04 / 2.0 + 4.0 * 4.0 / 2.0)).abs() < 1e-5, "{found:?}");
    assert_eq!((found.correct, found.n_predictions), (4, 6));
}

/// The precision is the book's: a 250th of the targets' standard deviation, which is the square root of 5 here.
#[test]
fn the_precision_is_a_fraction_of_the_standard_deviation() {
    let found = precision_of(&[1.0, 3.0, 5.0, 7.0]);
    assert!((found - 5.0_f32.sqrt() / 250.0).abs() < 1e-7, "{found}");
}

/// A classifier ends in a softmax. A model that ends in any other layer has no classes.
#[test]
fn a_classifier_ends_in_a_softmax() {
    let ends_in = |last| {
        let layers = [Layer::dense(2), last];
        Model::new(Architecture::new(2, &layers).unwrap(), Init::He, 0).is_classifier()
    };
    assert!(ends_in(Layer::SOFTMAX));
    assert!(!ends_in(Layer::Activation(Activation::Sigmoid)));
    assert!(!ends_in(Layer::Activation(Activation::Linear)));
}
