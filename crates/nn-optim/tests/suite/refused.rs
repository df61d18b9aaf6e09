use nn_optim::{Adagrad, Adam, AdamW, Buffer, Error, Optimizer, OptimizerConfig, RmsProp, Sgd};

use crate::optimizers;

#[track_caller]
fn refused(config: OptimizerConfig, name: &str) {
    let error = Optimizer::new(config, 1).unwrap_err();
    assert!(error.to_string().starts_with(name), "{error}");
    assert!(config.validate().is_err());
}

#[test]
fn settings_outside_their_range() {
    for (_, good) in optimizers() {
        assert_eq!(good.validate(), Ok(()));
    }
    let adam = Adam::default();
    // Adam's settings, alone and in AdamW.
    let both = |adam: Adam, name| {
        refused(OptimizerConfig::Adam(adam), name);
        refused(OptimizerConfig::AdamW(AdamW { adam, ..AdamW::default() }), name);
    };
    for bad in [f64::NAN, f64::INFINITY, -0.1, 1.0] {
        both(Adam { beta_1: bad, ..adam }, "beta_1");
        both(Adam { beta_2: bad, ..adam }, "beta_2");
        let rmsprop = RmsProp { rho: bad, ..RmsProp::default() };
        refused(OptimizerConfig::RmsProp(rmsprop), "rho");
        for nesterov in [false, true] {
            refused(OptimizerConfig::Sgd(Sgd { momentum: bad, nesterov }), "momentum");
        }
    }
    for bad in [f64::NAN, f64::INFINITY, -1e-7, 0.0, 1e-300] {
        both(Adam { epsilon: bad, ..adam }, "epsilon");
        refused(OptimizerConfig::Adagrad(Adagrad { epsilon: bad }), "epsilon");
        let rmsprop = RmsProp { epsilon: bad, ..RmsProp::default() };
        refused(OptimizerConfig::RmsProp(rmsprop), "epsilon");
    }
    for weight_decay in [f64::NAN, f64::INFINITY, -1e-9] {
        let adamw = AdamW { weight_decay, ..AdamW::default() };
        refused(OptimizerConfig::AdamW(adamw), "weight_decay");
    }
    let nesterov_of_none = Sgd { momentum: 0.0, nesterov: true };
    refused(
        OptimizerConfig::Sgd(nesterov_of_none),
        "momentum: expected above 0 for Nesterov momentum",
    );
}

/// An infinite or NaN rate would turn every parameter into NaN.
#[test]
fn a_rate_that_is_not_finite() {
    for rate in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for (name, config) in optimizers() {
            let mut optimizer = Optimizer::new(config, 1).unwrap();
            let step =
                std::panic::AssertUnwindSafe(|| optimizer.begin_step(rate).apply(&mut [], &[]));
            let panic = std::panic::catch_unwind(step).expect_err(name);
            let message = panic.downcast_ref::<String>().unwrap();
            assert_eq!(*message, format!("learning rate: expected a finite number, found {rate}"));
        }
    }
}

/// Every optimizer checks the lengths of all arguments.
#[test]
fn updates_of_another_length() {
    for (name, config) in optimizers() {
        for (n_params, n_gradient) in [(3, 2), (2, 3), (3, 3)] {
            let mut optimizer = Optimizer::new(config, 2).unwrap();
            if (n_params, n_gradient) == (3, 3) && config.moments().is_empty() {
                continue;
            }
            let (mut params, gradient) = (vec![0.0; n_params], vec![0.0; n_gradient]);
            let mut update = optimizer.begin_step(0.1);
            let apply = std::panic::AssertUnwindSafe(|| update.apply(&mut params, &gradient));
            assert!(std::panic::catch_unwind(apply).is_err(), "{name}: {n_params}, {n_gradient}");
        }
    }
}

#[test]
fn states_that_training_cannot_produce() {
    let buffer = |values: &[f32]| Buffer::from_slice(0, values);
    for (name, config) in optimizers() {
        let n = config.moments().len();
        let restore = |moments| Optimizer::from_parts(config, 1, moments).map(|_| ());
        let good = vec![buffer(&[0.0, 1e-40]); n];
        assert_eq!(restore(good.clone()), Ok(()), "{name}");
        let error = Optimizer::from_parts(config, (1 << 53) + 1, good.clone()).unwrap_err();
        assert!(error.to_string().starts_with("the optimizer's step: expected at most 2^53"));

        let more = [&good[..], &[buffer(&[0.0; 2])]].concat();
        let fewer = good[..n.saturating_sub(1)].to_vec();
        for moments in [more, fewer] {
            let found = moments.len();
            if found != n {
                let optimizer = config.name();
                let expected = Error::MomentCount { optimizer, expected: n, found };
                assert_eq!(restore(moments), Err(expected));
            }
        }
        for (i, moment) in config.moments().iter().enumerate() {
            let with = |values: &[f32]| {
                let mut moments = good.clone();
                moments[i] = buffer(values);
                restore(moments)
            };
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0] {
                let valid = bad == -1.0 && !moment.of_squares;
                match with(&[0.0, bad]) {
                    Ok(()) => assert!(valid, "{name}: {bad}"),
                    Err(Error::MomentValue { moment: found, index: 1, .. }) => {
                        assert!(!valid && found == moment.name, "{name}: {bad}");
                    }
                    Err(other) => panic!("{name}: {other}"),
                }
            }
        }
        for (i, moment) in config.moments().iter().enumerate().skip(1) {
            let mut moments = vec![buffer(&[0.0]); n];
            moments[i] = buffer(&[]);
            let expected = Error::MomentLength { moment: moment.name, expected: 1, found: 0 };
            assert_eq!(restore(moments), Err(expected));
        }
    }
}
