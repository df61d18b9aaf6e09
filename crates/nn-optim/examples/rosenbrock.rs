//! Minimises Rosenbrock's function with Adam, whose state is saved and restored halfway. Run it with
//! `cargo run -p nn-optim --example rosenbrock`.

use nn_optim::{Decay, Error, Optimizer, OptimizerConfig, Schedule};

/// The gradient of `(1 - x)^2 + 100 (y - x^2)^2`, whose minimum is at (1, 1).
fn gradient([x, y]: [f32; 2]) -> [f32; 2] {
    [-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)]
}

fn main() -> Result<(), Error> {
    let schedule =
        Schedule { learning_rate: 0.01, warmup: 0, decay: Decay::InverseTime { decay: 1e-5 } };
    let mut adam = Optimizer::new(OptimizerConfig::default(), 2)?;
    let mut point = [-1.0, 1.0];
    for step in 0..2_000 {
        if step % 250 == 0 {
            println!("step {step:>5}: ({:.4}, {:.4})", point[0], point[1]);
        }
        if step == 1_000 {
            // This is everything that a file has to store of an optimizer.
            let (config, step, moments) = (adam.config(), adam.step(), adam.moments().to_vec());
            adam = Optimizer::from_parts(config, step, moments)?;
        }
        let d_point = gradient(point);
        adam.begin_step(schedule.rate_at(step, 0)).apply(&mut point, &d_point);
    }
    println!("step  2000: ({:.4}, {:.4})", point[0], point[1]);
    Ok(())
}
