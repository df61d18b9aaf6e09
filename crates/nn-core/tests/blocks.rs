//! The blocks of a model's parameters, which threads share out among themselves and optimizers update.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nn_core::{Architecture, Init, Layer, Model};

fn model() -> Model {
    let layers = [Layer::dense(300), Layer::BATCH_NORM, Layer::dense(40), Layer::LAYER_NORM];
    Model::new(Architecture::new(50, &layers).unwrap(), Init::He, 0)
}

/// Weight decay and regularisation need to know which parameters are weights.
#[test]
fn blocks_know_their_weights() {
    let mut n_weights = [0; 4];
    for block in model().gradient_blocks() {
        n_weights[block.layer] += block.n_weights;
    }
    assert_eq!(n_weights, [50 * 300, 0, 300 * 40, 0]);
}

/// However the blocks are split, each one comes exactly once, with its own parameters.
#[test]
fn blocks_can_be_split() {
    let expected = model();
    let n_blocks = expected.gradient_blocks().len();
    assert!(n_blocks > 4, "too few blocks to split");
    for mid in [0, 1, n_blocks / 2, n_blocks] {
        let mut model = expected.clone();
        let (head, tail) = model.blocks_mut().split_at(mid);
        let n_head = expected.gradient_blocks()[..mid].iter().map(|block| block.range.len()).sum();
        assert_eq!((head.n_blocks(), head.n_params()), (mid, n_head));
        assert_eq!(
            (tail.n_blocks(), tail.n_params()),
            (n_blocks - mid, expected.params().len() - n_head)
        );
        let mut found = Vec::new();
        for blocks in [head, tail] {
            blocks.for_each(|block, params| {
                assert_eq!(params, &expected.params()[block.range.clone()]);
                found.push(block.clone());
            });
        }
        assert_eq!(found, expected.gradient_blocks());
    }
}
