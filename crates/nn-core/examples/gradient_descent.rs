//! A training loop written by hand: forward pass, loss, backward pass and plain gradient descent, on three clouds of
//! points. Run it with `cargo run -p nn-core --example gradient_descent`.

use std::slice;

use nn_core::{
    Architecture, ConfusionMatrix, Error, Init, Model, Objective, Workspace, metric,
    rng::{Purpose, Stream},
    zeros,
};

const CENTRES: [[f32; 2]; 3] = [[0.0, 1.0], [-1.0, -0.5], [1.0, -0.5]];
const SAMPLES: usize = 300;

fn main() -> Result<(), Error> {
    let mut model = Model::new(Architecture::mlp(&[2, 16, 3])?, Init::He, 0);
    println!("{model}\n");

    // One workspace holds all samples, one in each column, and all memory of the passes.
    let mut workspace = Workspace::training(&model, SAMPLES);
    let mut noise = Stream::new(0, Purpose::Init, 1);
    let labels: Vec<u32> = (0..SAMPLES as u32).map(|i| i % 3).collect();
    let mut input = workspace.input_mut(SAMPLES);
    for (mut x, &label) in input.column_iter_mut().zip(&labels) {
        let centre = CENTRES[label as usize];
        x.copy_from_slice(&centre.map(|at| at + 0.4 * noise.normal() as f32));
    }

    let objective = Objective::classes(&labels);
    let mut gradient = zeros(model.params().len());
    for step in 0..=200 {
        let loss = model.loss(&objective, &mut workspace);
        if step % 40 == 0 {
            let (mean, accuracy) = (loss.mean_loss(), loss.accuracy());
            println!("step {step:>3}: loss {mean:.4}, accuracy {accuracy:.3}");
        }
        model.backward(&objective, &mut workspace);
        model.gradient(slice::from_ref(&workspace), &mut gradient);
        for (param, d_param) in model.params_mut().iter_mut().zip(gradient.iter()) {
            *param -= 0.5 * d_param;
        }
    }

    let mut confusion = ConfusionMatrix::new(3);
    for (probabilities, &label) in model.forward(&mut workspace).column_iter().zip(&labels) {
        confusion.add(label as usize, metric::argmax(probabilities.as_slice()));
    }
    println!("\nconfusion matrix, a row for each class and a column for each prediction:");
    for row in confusion.rows() {
        println!("{row:?}");
    }
    Ok(())
}
