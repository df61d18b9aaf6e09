use nn_optim::{Optimizer, OptimizerConfig};

use crate::{bits, optimizers, wave};

/// Takes one step of `optimizer` from `params`. `cuts` divide its update into runs.
fn step(optimizer: &mut Optimizer, params: &mut [f32], gradient: &[f32], cuts: &[usize]) {
    let mut update = optimizer.begin_step(0.01);
    let mut done = 0;
    for &cut in cuts {
        let (mut run, rest) = update.split_at(cut - done);
        run.apply(&mut params[done..cut], &gradient[done..cut]);
        (update, done) = (rest, cut);
    }
    update.apply(&mut params[done..], &gradient[done..]);
}

#[test]
fn updates_in_runs_are_bit_for_bit_identical() {
    for (name, config) in optimizers() {
        let mut whole = Optimizer::new(config, 1003).unwrap();
        let mut cut = whole.clone();
        let (mut whole_params, mut cut_params) = (wave(0.0), wave(0.0));
        for phase in [1.0, 2.0, 3.0] {
            step(&mut whole, &mut whole_params, &wave(phase), &[]);
            step(&mut cut, &mut cut_params, &wave(phase), &[0, 1, 17, 600, 601, 1003]);
        }
        assert_eq!(cut.step(), 3);
        assert_eq!(bits(&cut, &cut_params), bits(&whole, &whole_params), "{name}");
        assert_ne!(whole_params, wave(0.0), "{name}");
    }
}

#[test]
fn a_restored_state_takes_the_same_next_step() {
    for (name, config) in optimizers() {
        let mut optimizer = Optimizer::new(config, 1003).unwrap();
        let mut params = wave(0.0);
        step(&mut optimizer, &mut params, &wave(1.0), &[]);
        let next = |mut optimizer: Optimizer| {
            let mut params = params.clone();
            step(&mut optimizer, &mut params, &wave(2.0), &[]);
            bits(&optimizer, &params)
        };
        let restored = |step, moments| Optimizer::from_parts(config, step, moments).unwrap();
        let moments = || optimizer.moments().to_vec();
        let expected = next(optimizer.clone());
        assert_eq!(next(restored(1, moments())), expected, "{name}");
        if !moments().is_empty() {
            let zeros = Optimizer::new(config, 1003).unwrap().moments().to_vec();
            assert_ne!(
                next(restored(1, zeros)),
                expected,
                "{name}: lost moments made no difference"
            );
        }
        if matches!(config, OptimizerConfig::Adam(_) | OptimizerConfig::AdamW(_)) {
            assert_ne!(
                next(restored(0, moments())),
                expected,
                "{name}: a lost count of steps made no difference"
            );
        }
    }
}

/// With a weight decay of 0, AdamW is Adam.
#[test]
fn a_decay_of_0_is_adam() {
    let find = |name| optimizers().into_iter().find(|it| it.0 == name).unwrap().1;
    let (adam, OptimizerConfig::AdamW(mut adamw)) = (find("adam"), find("adamw")) else { panic!() };
    (adamw.weight_decay, adamw.adam.epsilon) = (0.0, 1e-7);
    let run = |config| {
        let mut optimizer = Optimizer::new(config, 1003).unwrap();
        let mut params = wave(0.5);
        step(&mut optimizer, &mut params, &wave(1.0), &[]);
        step(&mut optimizer, &mut params, &wave(2.0), &[]);
        bits(&optimizer, &params)
    };
    assert_eq!(run(OptimizerConfig::AdamW(adamw)), run(adam));
}
