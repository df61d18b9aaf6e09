use nn_optim::{Buffer, LARGEST_GRADIENT, Optimizer, OptimizerConfig};

use crate::optimizers;

/// A dead unit's gradients are all 0. Its moments fall to 0 or stay constant. On the way they must never be denormal,
/// which would slow down every later step. The same holds for weights that decay.
#[test]
fn of_a_dead_unit_are_never_denormal() {
    for (name, mut config) in optimizers() {
        if let OptimizerConfig::Adam(adam) = &mut config {
            adam.beta_2 = 0.9;
        }
        if let OptimizerConfig::AdamW(adamw) = &mut config {
            (adamw.adam.beta_2, adamw.weight_decay) = (0.9, 10.0);
        }
        // The square of the second gradient is a denormal number.
        for gradient in [0.5, 1e-20] {
            let mut optimizer = Optimizer::new(config, 1).unwrap();
            let mut params = [1.0];
            optimizer.begin_step(0.01).apply(&mut params, &[gradient]);
            for _ in 0..2000 {
                optimizer.begin_step(0.01).apply(&mut params, &[0.0]);
                let moments = optimizer.moments().iter().map(|moment| moment[0]);
                assert!(moments.chain(params).all(|x| !x.is_subnormal()), "{name}: {optimizer:?}");
            }
            for (moment, values) in config.moments().iter().zip(optimizer.moments()) {
                // A moment that never falls keeps the value from the only nonzero gradient.
                let ends = match moment.name {
                    "adagrad.cache" => gradient * gradient,
                    "adam.v_max" => (1.0f64 - 0.9) as f32 * gradient * gradient,
                    _ => 0.0,
                };
                let ends = if ends < 1e-30 { 0.0 } else { ends };
                assert_eq!(values[..], [ends], "{name}: {optimizer:?}");
            }
            let decays = matches!(config, OptimizerConfig::AdamW(_));
            assert_eq!(params == [0.0], decays, "{name}: {params:?}");
        }
    }
}

/// Even the largest moments stay finite in steps with the largest allowed gradient.
#[test]
fn of_squares_stay_finite() {
    for (name, config) in optimizers() {
        let moment = |of_squares: bool| {
            let largest = if of_squares { f32::MAX } else { 0.0 };
            Buffer::from_slice(0, &[largest; 2])
        };
        let moments = config.moments().iter().map(|it| moment(it.of_squares)).collect();
        let steps = |mut optimizer: Optimizer, gradient: f32| {
            let mut params = [1.0, -1.0];
            for _ in 0..1000 {
                optimizer.begin_step(1e-3).apply(&mut params, &[gradient, -gradient]);
            }
            let moments = optimizer.moments().iter().flat_map(|moment| moment.iter());
            moments.chain(&params).all(|x| x.is_finite())
        };
        let full = Optimizer::from_parts(config, 1, moments).unwrap();
        let empty = Optimizer::new(config, 2).unwrap();
        assert!(steps(full.clone(), LARGEST_GRADIENT), "{name}");
        assert!(steps(empty, LARGEST_GRADIENT), "{name}");
        if name == "adagrad" {
            assert!(!steps(full, 4.0 * LARGEST_GRADIENT), "the limit could be higher");
        }
    }
}
