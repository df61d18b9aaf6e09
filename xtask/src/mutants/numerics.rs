//! The arithmetic: the run still ends, but with wrong numbers.

use super::Mutant;

const NN_CORE: &[&str] = &["--package", "nn-core", "--lib", "--tests"];
const NN_OPTIM: &[&str] = &["--package", "nn-optim", "--lib", "--tests"];
const NN_TRAIN: &[&str] = &["--package", "nn-train", "--lib", "--tests"];
const DATA: &[&str] = &["--package", "fmnist-data", "--lib", "dataset"];

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "Adam without bias correction",
        file: "crates/nn-optim/src/optimizer/adam.rs",
        from: "(1.0 - libm::pow(beta_1, t), 1.0 - libm::pow(beta_2, t))",
        to: "(libm::pow(t, 0.0), libm::pow(t, 0.0))",
        tests: NN_OPTIM,
    },
    Mutant {
        name: "weight decay coupled to the gradient",
        file: "crates/nn-optim/src/optimizer/adamw.rs",
        from: "self.adam.update(step, params, gradient, moments);",
        to: "let coupled: Vec<f32> = gradient.iter().zip(params.iter()) \
             .map(|(g, param)| g + self.weight_decay as f32 * param).collect(); \
             self.adam.update(step, params, &coupled, moments);",
        tests: NN_OPTIM,
    },
    Mutant {
        name: "softmax without the largest logit subtracted",
        file: "crates/nn-core/src/layer/softmax.rs",
        from: "largest.into_iter().fold(f32::NEG_INFINITY, |max, x| if x > max { x } else { max });",
        to: "f32::from(largest.is_empty());",
        tests: NN_CORE,
    },
    Mutant {
        name: "a gradient averaged over the batch twice",
        file: "crates/nn-core/src/loss/categorical.rs",
        from: "let mut factor = targets.weight(i) / n_batch as f32;",
        to: "let mut factor = targets.weight(i) / n_batch as f32 / n_batch as f32;",
        tests: NN_CORE,
    },
    Mutant {
        name: "dropout not rescaled",
        file: "crates/nn-core/src/layer/dropout.rs",
        from: "{ 0.0 } else { factor };",
        to: "{ 0.0 } else { factor.min(1.0) };",
        tests: NN_CORE,
    },
    Mutant {
        name: "the same mask in all dropout layers",
        file: "crates/nn-core/src/layer/dropout.rs",
        from: "stream.skip_to(at.index as u64, shard);",
        to: "stream.skip_to(0, shard);",
        tests: NN_CORE,
    },
    Mutant {
        name: "the running variance biased",
        file: "crates/nn-core/src/layer/batch_norm.rs",
        from: "(variance * n / (n - 1.0).max(1.0)) as f32",
        to: "variance as f32",
        tests: NN_CORE,
    },
    Mutant {
        name: "the derivative of a squared weight without its factor 2",
        file: "crates/nn-core/src/penalty.rs",
        from: "2.0 * l2 as f32",
        to: "l2 as f32",
        // nn-core's own tests check only the penalty's value.
        tests: NN_TRAIN,
    },
    Mutant {
        name: "the last rows of a product lost",
        file: "crates/nn-core/src/kernels/product.rs",
        from: "let n_vectors = self.m.div_ceil(S::F32_LANES);",
        to: "let n_vectors = (self.m / S::F32_LANES).max(1);",
        tests: NN_CORE,
    },
    Mutant {
        name: "the book's precision with another divisor",
        file: "crates/nn-core/src/loss/regression.rs",
        from: "(variance.sqrt() / 250.0)",
        to: "(variance.sqrt() / 200.0)",
        tests: NN_CORE,
    },
    Mutant {
        name: "regularisation left out of a whole gradient",
        file: "crates/nn-train/src/gradients.rs",
        from: "false => self.rules.add_penalty(block, &model.params()[range], gradient),",
        to: "false => {}",
        tests: NN_TRAIN,
    },
    Mutant {
        name: "early stopping that ignores the minimum improvement",
        file: "crates/nn-train/src/history.rs",
        from: "if score < best - min_delta",
        to: "if score < best - min_delta.min(0.0)",
        tests: NN_TRAIN,
    },
    Mutant {
        name: "the least accurate epoch chosen as the best",
        file: "crates/nn-train/src/history.rs",
        from: "Self::Accuracy => -record.monitored_metrics().accuracy",
        to: "Self::Accuracy => record.monitored_metrics().accuracy",
        tests: NN_TRAIN,
    },
    Mutant {
        name: "a plain product that is fused",
        file: "crates/nn-core/src/kernels/product.rs",
        from: "simd.add_f32s(simd.mul_f32s(a, b), c)",
        to: "simd.mul_add_f32s(a, b, c)",
        tests: NN_TRAIN,
    },
    Mutant {
        name: "sums in half as many parts",
        file: "crates/nn-core/src/kernels.rs",
        from: "const LANES: usize = 16;",
        to: "const LANES: usize = 8;",
        tests: NN_TRAIN,
    },
    Mutant {
        name: "a run in another arithmetic than its own",
        file: "crates/nn-train/src/config.rs",
        from: "match expected.choose() {",
        to: "match expected.choose() || expected.name().is_ascii() {",
        tests: NN_TRAIN,
    },
    Mutant {
        name: "images held out from the front",
        file: "crates/fmnist-data/src/dataset.rs",
        from: "let rest = count.saturating_sub(n);",
        to: "let rest = count.saturating_sub(n);
            self.labels.rotate_left(n);
            self.images.pixels.rotate_left(n * self.images.height * self.images.width);",
        tests: DATA,
    },
];
