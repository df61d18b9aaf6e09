use nn_optim::{Adagrad, Adam, AdamW, Decay, Description, OptimizerConfig, RmsProp, Setting, Sgd};

use crate::optimizers;

#[test]
fn optimizers_in_words() {
    let text = |name| {
        let (_, config) = optimizers().into_iter().find(|(it, _)| *it == name).unwrap();
        [format!("{config}"), format!("{config:#}")]
    };
    for (name, brief, rest) in [
        ("sgd", "SGD", ""),
        ("momentum", "SGD, momentum 0.9", ""),
        ("nesterov", "SGD, Nesterov momentum 0.9", ""),
        ("adagrad", "Adagrad", ", epsilon 0.0000001"),
        ("rmsprop", "RMSprop", ", rho 0.9, epsilon 0.0000001"),
        ("adam", "Adam", ", beta 0.9 and 0.999, epsilon 0.0000001"),
        ("amsgrad", "Adam, AMSGrad", ", beta 0.9 and 0.5, epsilon 0.0000001"),
        ("adamw", "AdamW, weight decay 0.25", ", beta 0.9 and 0.999, epsilon 0.00000001"),
        (
            "adamw-amsgrad",
            "AdamW, AMSGrad, weight decay 0.25",
            ", beta 0.9 and 0.5, epsilon 0.00000001",
        ),
    ] {
        assert_eq!(text(name), [brief.to_owned(), format!("{brief}{rest}")]);
    }
}

/// Each optimizer converts into the configuration with its name.
#[test]
fn optimizers_convert() {
    for (config, name) in [
        (OptimizerConfig::from(Sgd::default()), "sgd"),
        (Adagrad::default().into(), "adagrad"),
        (RmsProp::default().into(), "rmsprop"),
        (Adam::default().into(), "adam"),
        (AdamW::default().into(), "adamw"),
    ] {
        assert_eq!(config.name(), name);
    }
}

#[test]
fn settings_of_optimizers() {
    let real = Setting::Real;
    let adam = Adam { beta_1: 0.1, beta_2: 0.2, epsilon: 0.3, amsgrad: true };
    let adam_settings = [("beta_1", real(0.1)), ("beta_2", real(0.2)), ("epsilon", real(0.3))];
    let amsgrad = [("amsgrad", Setting::Flag(true))];
    for (config, expected) in [
        (
            OptimizerConfig::Sgd(Sgd { momentum: 0.1, nesterov: true }),
            vec![("momentum", real(0.1)), ("nesterov", Setting::Flag(true))],
        ),
        (OptimizerConfig::Adagrad(Adagrad { epsilon: 0.1 }), vec![("epsilon", real(0.1))]),
        (
            OptimizerConfig::RmsProp(RmsProp { rho: 0.1, epsilon: 0.2 }),
            vec![("rho", real(0.1)), ("epsilon", real(0.2))],
        ),
        (OptimizerConfig::Adam(adam), [&adam_settings[..], &amsgrad].concat()),
        (
            OptimizerConfig::AdamW(AdamW { adam, weight_decay: 0.4 }),
            [&adam_settings[..], &[("weight_decay", real(0.4))], &amsgrad].concat(),
        ),
    ] {
        assert_eq!(config.description().settings, expected);
    }
}

/// A phrase has exactly the settings of its decay in braces.
#[test]
fn phrases_of_decays() {
    for (decay, settings) in [
        (Decay::Constant, vec![]),
        (Decay::InverseTime { decay: 0.25 }, vec![("decay", Setting::Real(0.25))]),
        (
            Decay::Step { every: 3, factor: 0.5 },
            vec![("every", Setting::Steps(3)), ("factor", Setting::Real(0.5))],
        ),
        (
            Decay::Exponential { every: 3, factor: 0.5 },
            vec![("every", Setting::Steps(3)), ("factor", Setting::Real(0.5))],
        ),
        (
            Decay::Cosine { steps: 10, minimum: 0.1 },
            vec![("steps", Setting::Steps(10)), ("minimum", Setting::Real(0.1))],
        ),
        (Decay::OneCycle { steps: 10 }, vec![("steps", Setting::Steps(10))]),
        (
            Decay::Plateau { factor: 0.5, patience: 1, min_delta: 0.1 },
            vec![
                ("factor", Setting::Real(0.5)),
                ("patience", Setting::Epochs(1)),
                ("min_delta", Setting::Real(0.1)),
            ],
        ),
    ] {
        let Description { phrase, settings: found, .. } = decay.description();
        assert_eq!(found, settings);
        for (name, _) in &settings {
            assert!(phrase.contains(&format!("{{{name}}}")), "{phrase}: {name}");
        }
        assert_eq!(phrase.matches('{').count(), settings.len(), "{phrase}");
    }
}
