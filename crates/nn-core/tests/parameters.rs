//! Reads and sets a model's parameters, by name and all at once, and predicts with them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nn_core::{Architecture, Error, Init, Layer, MatrixView, Model, Objective, Workspace, zeros};

/// Two models with the same layers, including a batch normalisation, and with different weights.
fn models() -> [Model; 2] {
    let layers =
        [Layer::dense(17), Layer::BATCH_NORM, Layer::RELU, Layer::dense(3), Layer::SOFTMAX];
    [0, 1].map(|seed| {
        let mut model = Model::new(Architecture::new(5, &layers).unwrap(), Init::He, seed);
        model.param_mut("batch_norm0.means").unwrap().fill(seed as f32);
        model
    })
}

/// The gradient and the predictions of a dense classifier: everything that weight caches are used for.
fn gradient_and_outputs(model: &Model) -> (Vec<f32>, Vec<f32>) {
    let mut workspace = Workspace::training(model, 1);
    workspace.input_mut(1).copy_from_slice(&[1.0, -2.0]);
    let objective = Objective::classes(&[1]);
    model.loss(&objective, &mut workspace);
    model.backward(&objective, &mut workspace);
    let mut gradient = zeros(model.params().len());
    model.gradient(std::slice::from_ref(&workspace), &mut gradient);
    (gradient.to_vec(), model.predict_one(&[1.0, -2.0]))
}

#[test]
fn classifiers_are_drawn_by_he_from_seed_0() {
    let sizes = [2, 40, 24, 3];
    let expected = Model::new(Architecture::mlp(&sizes).unwrap(), Init::He, 0);
    assert_eq!(Model::classifier(&sizes).unwrap(), expected);
    assert_eq!(Model::classifier(&[2]), Err(Error::NoParameters));
    assert_eq!(Model::classifier(&[]), Err(Error::NoFeatures));
}

/// `Model::parameters` and `Model::param` agree on all parameters and running statistics, and another model can be set
/// to them.
#[test]
fn all_parameters_are_read_and_set() {
    let [mut model, other] = models();
    let parameters = other.parameters();
    let names: Vec<&str> = parameters.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((names.len(), names[0], names[7]), (8, "dense0.weights", "batch_norm0.variances"));
    for parameter in &parameters {
        let matrix = other.param(&parameter.name).unwrap();
        assert!(matrix.iter().eq(&parameter.values), "{}", parameter.name);
        assert_eq!(parameter.shape.iter().product::<usize>(), parameter.values.len());
    }
    assert_ne!(model, other);
    model.set_parameters(&parameters).unwrap();
    assert_eq!(model, other);
}

/// Setting one parameter or running statistic changes no other.
#[test]
fn one_is_set_by_name() {
    let [mut model, _] = models();
    for name in ["batch_norm0.means", "dense1.biases"] {
        let before = model.parameters();
        model.param_mut(name).unwrap().fill(7.0);
        for (before, after) in before.iter().zip(model.parameters()) {
            assert_eq!(*before == after, before.name != name, "{name}: {}", before.name);
        }
        assert!(model.param(name).unwrap().iter().all(|&x| x == 7.0));
    }
}

/// If a list does not match the model's parameters, the error says what was expected, and nothing changes.
#[test]
fn parameters_of_another_model_are_refused() {
    let [mut model, other] = models();
    let mut check = |expected: &str, change: &dyn Fn(&mut Vec<nn_core::Parameter>)| {
        let (before, mut parameters) = (model.clone(), other.parameters());
        change(&mut parameters);
        let error = model.set_parameters(&parameters).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(model, before, "{error}");
    };
    check(
        "expected batch_norm0.variances of shape [17] with 17 values, found no more tensors",
        &|it| {
            it.pop();
        },
    );
    check("expected no more tensors, found dense0.weights", &|it| it.push(it[0].clone()));
    check("expected dense0.weights of shape [5, 17] with 85 values, found dense0.biases", &|it| {
        it.swap(0, 1);
    });
    check("found dense0.weights of shape [17, 5]", &|it| it[0].shape.reverse());
    check("found dense1.biases of shape [3] with 2 values", &|it| {
        it.iter_mut().find(|it| it.name == "dense1.biases").unwrap().values.pop();
    });
}

/// The next pass uses the new parameters, also in their weight caches.
#[test]
fn passes_use_the_new_parameters() {
    let layers = Layer::mlp(&[40, 24, 3]);
    let model = |seed| Model::new(Architecture::new(2, &layers).unwrap(), Init::He, seed);
    let expected = gradient_and_outputs(&model(1));
    let mut whole = model(0);
    assert_ne!(gradient_and_outputs(&whole), expected);
    whole.set_parameters(&model(1).parameters()).unwrap();
    assert_eq!(gradient_and_outputs(&whole), expected);

    let mut by_name = model(0);
    assert_ne!(gradient_and_outputs(&by_name), expected);
    for parameter in model(1).parameters() {
        by_name.param_mut(&parameter.name).unwrap().copy_from_slice(&parameter.values);
    }
    assert_eq!(gradient_and_outputs(&by_name), expected);
    assert!(by_name.param_mut("dense9.weights").is_none());
}

/// A sample has the same outputs alone and among others.
#[test]
fn one_sample_alone() {
    let model = Model::classifier(&[2, 40, 3]).unwrap();
    let samples = [0.5, -0.5, 1.0, 0.25, 0.0, 3.0];
    let all = model.predict(MatrixView::from_slice(&samples, 2, 3));
    for (x, expected) in samples.chunks(2).zip(all.as_slice().chunks(3)) {
        for (found, expected) in model.predict_one(x).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{x:?}: {found}, not {expected}");
        }
    }
}
