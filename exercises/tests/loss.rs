//! Softmax and categorical cross-entropy against nn-core's.

use exercises::loss::{cross_entropy, d_logits, softmax};
use nn_core::{Model, Objective, Workspace};

mod close;
use close::assert_close;

const N_CLASSES: usize = 3;

fn check(logits: &[f32], classes: &[u32]) {
    // The weights are the identity matrix and the biases are 0, so the dense layer returns the logits unchanged.
    let mut model = Model::classifier(&[N_CLASSES, N_CLASSES]).expect("two sizes");
    for (i, param) in model.params_mut().iter_mut().enumerate() {
        let is_on_diagonal = i < N_CLASSES * N_CLASSES && i % (N_CLASSES + 1) == 0;
        *param = if is_on_diagonal { 1.0 } else { 0.0 };
    }
    let mut workspace = Workspace::training(&model, classes.len());
    workspace.input_mut(classes.len()).copy_from_slice(logits);
    let found = softmax(logits, N_CLASSES);
    assert_close("probabilities", &found, model.forward(&mut workspace));

    let indices: Vec<usize> = classes.iter().map(|&class| class as usize).collect();
    let objective = Objective::classes(classes);
    let loss = model.loss(&objective, &mut workspace);
    let found = [cross_entropy(logits, &indices, N_CLASSES)];
    assert_close("loss", &found, &[loss.mean_loss() as f32]);

    model.backward(&objective, &mut workspace);
    let found = d_logits(logits, &indices, N_CLASSES);
    assert_close("gradient", &found, model.input_gradient(&mut workspace));
}

#[test]
fn one_sample() {
    check(&[0.5, 2.0, -1.0], &[1]);
}

#[test]
fn a_batch() {
    check(&[0.5, 2.0, -1.0, 0.0, 0.0, 0.0, -3.0, 0.25, 1.5, 2.5, -0.5, 0.125], &[0, 2, 1, 0]);
}

#[test]
fn large_logits() {
    check(&[200.0, -300.0, 198.0], &[2]);
}
