//! The layer, the loss and Adam train a classifier.

use exercises::{adam::Adam, dense::Dense, loss};

/// Three points around each of three corners.
const POINTS: [f32; 18] = [
    0.0, 0.0, 0.2, 0.1, 0.1, 0.3, // class 0
    2.0, 0.0, 1.8, 0.2, 2.1, 0.3, // class 1
    0.0, 2.0, 0.2, 1.9, 0.3, 2.2, // class 2
];
const CLASSES: [usize; 9] = [0, 0, 0, 1, 1, 1, 2, 2, 2];

#[test]
fn a_classifier_learns() {
    let mut layer =
        Dense { n_inputs: 2, n_outputs: 3, weights: vec![0.0; 6], biases: vec![0.0; 3] };
    let (mut for_weights, mut for_biases) = (Adam::new(0.1, 6), Adam::new(0.1, 3));
    for _ in 0..200 {
        let logits = layer.forward(&POINTS);
        let gradients = layer.backward(&POINTS, &loss::d_logits(&logits, &CLASSES, 3));
        for_weights.update(&mut layer.weights, &gradients.weights);
        for_biases.update(&mut layer.biases, &gradients.biases);
    }
    let logits = layer.forward(&POINTS);
    let probabilities = loss::softmax(&logits, 3);
    for (row, class) in probabilities.chunks(3).zip(CLASSES) {
        assert!(row[class] > 0.9, "class {class} has the probability {}", row[class]);
    }
    assert!(loss::cross_entropy(&logits, &CLASSES, 3) < 0.1);
}
