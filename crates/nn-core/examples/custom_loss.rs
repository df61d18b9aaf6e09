//! A custom loss: trains a network for quantile regression, which is not a built-in `Loss`, and then shows which
//! features the prediction depends on. Run it with `cargo run -p nn-core --example custom_loss`.

use std::slice;

use nn_core::{
    Activation, Architecture, Error, Init, Layer, MatrixView, Model, Workspace,
    rng::{Purpose, Stream},
    zeros,
};

const SAMPLES: usize = 400;

/// The quantile that the network learns: nine out of ten targets should be below its prediction.
const QUANTILE: f32 = 0.9;

/// The pinball loss of a prediction, and its derivative. Koenker and Bassett, "Regression Quantiles" (1978), equation
/// 1.
fn pinball(prediction: f32, target: f32) -> (f32, f32) {
    if target > prediction {
        (QUANTILE * (target - prediction), -QUANTILE)
    } else {
        ((1.0 - QUANTILE) * (prediction - target), 1.0 - QUANTILE)
    }
}

fn main() -> Result<(), Error> {
    // The target depends on the first two of three features, and its spread on the first.
    let mut noise = Stream::new(0, Purpose::Init, 1);
    let mut features = vec![0.0; 3 * SAMPLES];
    features.fill_with(|| 2.0 * noise.uniform() as f32 - 1.0);
    let target = |x: &[f32]| x[0] + x[1] * x[1] + 0.3 * (1.0 + x[0]) * noise.normal() as f32;
    let targets: Vec<f32> = features.chunks(3).map(target).collect();

    let layers = [Layer::dense(32), Layer::Activation(Activation::Tanh), Layer::dense(1)];
    let mut model = Model::new(Architecture::new(3, &layers)?, Init::Glorot, 0);
    let mut workspace = Workspace::training(&model, SAMPLES);
    workspace.input_mut(SAMPLES).copy_from_slice(&features);
    let mut gradient = zeros(model.params().len());
    for step in 0..=4000 {
        let predictions = model.forward(&mut workspace);
        let pairs = predictions.iter().zip(&targets);
        let (losses, d_predictions): (Vec<f32>, Vec<f32>) =
            pairs.clone().map(|(&prediction, &target)| pinball(prediction, target)).unzip();
        let below = pairs.filter(|(prediction, target)| target < prediction).count() as f32;
        if step % 1000 == 0 {
            let (loss, share) =
                (losses.iter().sum::<f32>() / SAMPLES as f32, below / SAMPLES as f32);
            println!("step {step:>4}: loss {loss:.4}, {share:.3} of the targets below");
        }
        let d_mean: Vec<f32> = d_predictions.iter().map(|d| d / SAMPLES as f32).collect();
        model.backward_from(MatrixView::from_slice(&d_mean, 1, SAMPLES), &mut workspace);
        model.gradient(slice::from_ref(&workspace), &mut gradient);
        for (param, d_param) in model.params_mut().iter_mut().zip(gradient.iter()) {
            *param -= 0.5 * d_param;
        }
    }

    // The gradient of the predictions themselves with respect to the features.
    model.forward(&mut workspace);
    model.backward_from(MatrixView::from_slice(&[1.0; SAMPLES], 1, SAMPLES), &mut workspace);
    let d_features = model.input_gradient(&mut workspace);
    for (feature, slopes) in d_features.row_iter().enumerate() {
        let mean = slopes.iter().map(|slope| slope.abs()).sum::<f32>() / SAMPLES as f32;
        println!("feature {feature}: mean absolute slope {mean:.3}");
    }
    Ok(())
}
